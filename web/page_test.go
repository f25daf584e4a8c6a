package web

import (
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/regime"
	"tocsin/store"
)

// pagesOf lists the addresses of every page of a desk.
func pagesOf(t *testing.T, d *desk.Desk) []string {
	t.Helper()
	all := append(adminPages(t, d), "/", "/nothing", "/threats", "/threats?sort=size&q=bot&class=malicious-code&active=90d", "/threats?sort=seen&region=XA-1&level=serious", "/situation", "/situation?span=24h&sort=name&rows=all",
		"/findings", "/findings?state=open&role=bot&region=XA-1&asset=192.0.2.0%2F24&since=2026-03-01", "/findings?asset=nonsense", "/search?q=192.0.2.", "/search", "/search?q=botnet", "/search?q=nothing+of+that",
		"/assets?of=192.0.2.7", "/assets?of=192.0.2.7&day=2026-03-14", "/assets?of=example.org", "/threats?cursor="+casebook.ID{}.Text("thr"), "/incidents/new", "/parties", "/regimes")
	for _, one := range dutyFilters {
		all = append(all, "/duties?state="+one.key)
	}
	for _, one := range incidentFilters {
		all = append(all, "/incidents?state="+one)
	}
	for _, one := range outboxFilters {
		all = append(all, "/outbox?state="+one)
	}
	for _, one := range reportFilters {
		all = append(all, "/reports?state="+one)
	}
	for _, one := range orderFilters {
		all = append(all, "/orders?state="+one)
	}
	for _, id := range d.Laws().IDs() {
		all = append(all, "/regimes/"+id)
	}
	r := d.Reader(casebook.Operator())
	deliveries, err := r.Deliveries(t.Context(), casebook.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range deliveries {
		all = append(all, "/deliveries/"+one.ID.Text("dlv"), "/deliveries/"+one.ID.Text("dlv")+"?after_row=1000")
	}
	threats, err := r.Threats(t.Context(), casebook.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range threats {
		all = append(all, "/threats/"+one.ID.Text("thr"), "/threats/"+one.ID.Text("thr")+"?cursor="+casebook.ID{}.Text("fnd"))
	}
	incidents, err := r.Incidents(t.Context(), nil, casebook.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range incidents {
		all = append(all, "/incidents/"+one.ID.Text("inc"), "/incidents/"+one.ID.Text("inc")+"?log=all&done=confirm")
	}
	for _, one := range incidents {
		if one.State == casebook.OpenIncident {
			all = append(all, "/orders/new?incident="+one.ID.Text("inc"))
		}
	}
	reports, err := r.Reports(t.Context(), casebook.ID{}, casebook.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range reports {
		all = append(all, "/reports/"+one.ID.Text("rep"), "/reports/"+one.ID.Text("rep")+"/print")
	}
	orders, err := r.Orders(t.Context(), casebook.ID{}, casebook.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range orders {
		all = append(all, "/orders/"+one.ID.Text("ord"))
	}
	duties, err := r.DutiesByDue(t.Context(), store.DutyFilter{}, casebook.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range duties {
		all = append(all, "/duties/"+one.ID.Text("dty"))
	}
	return all
}

func page200(t *testing.T, h http.Handler, target, lang string) string {
	t.Helper()
	w := ask(h, "GET", target, nil, "Accept", "text/html", "Accept-Language", lang)
	want := 200
	if strings.HasPrefix(target, "/nothing") {
		want = 404
	}
	if w.Code != want || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Header().Get("Content-Language") != lang {
		t.Fatalf("%s in %s: got %d %v\n%s", target, lang, w.Code, w.Header(), w.Body)
	}
	// Scripts are files of our own.
	return script.ReplaceAllString(w.Body.String(), "")
}

var script = regexp.MustCompile(`<script src="/static/[a-z.]+\.[0-9a-f]{12}\.js" defer></script>`)

func TestEmptyPageSaysWhatToDo(t *testing.T) {
	h := trusted(openDesk(t, desk.Config{}))
	for _, lang := range []string{"en", "zh"} {
		text := page200(t, h, "/", lang)
		for _, want := range []string{"tocsin load --feed shadowserver", "tocsin holding import", "tocsin audit"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	}
}

// TestMarkup: what strangers write is shown, and never obeyed.
func TestMarkup(t *testing.T) {
	d := loaded(t)
	h := trusted(d)
	shown := 0
	for _, target := range pagesOf(t, d) {
		text := page200(t, h, target, "en")
		shown += strings.Count(text, "&lt;script&gt;alert(1)&lt;/script&gt;") + strings.Count(text, "&lt;b&gt;feodo")
		for _, never := range []string{"<script", "<b>feodo", "alert(1)</"} {
			if strings.Contains(text, never) {
				t.Errorf("%s has %q", target, never)
			}
		}
	}
	if shown < 4 {
		t.Errorf("the markup is shown %d times: the test looks at nothing", shown)
	}
}

// TestWhatCameIn: what was delivered and found stands on its pages.
func TestWhatCameIn(t *testing.T) {
	d := loaded(t)
	h := trusted(d)
	for target, wants := range map[string][]string{
		"/deliveries":        {sinkholeName, "event4_sinkhole", "taken in", "Times are UTC"},
		"/findings":          {"192.0.2.7", "198.51.100.44", "SampleTrojan", "examplebot", "14 Mar 2026 00:02", "controller"},
		"/threats?sort=size": {"SampleTrojan", "examplebot"},
	} {
		text := page200(t, h, target, "en")
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", target, want, text)
			}
		}
	}
	// The larger threat comes first: two bots before one controller.
	if text := page200(t, h, "/threats?sort=size", "en"); strings.Index(text, ">examplebot<") > strings.Index(text, ">SampleTrojan<") {
		t.Errorf("the largest threat isn't first in\n%s", text)
	}
	if zh := page200(t, h, "/findings", "zh"); !strings.Contains(zh, "控制端") || !strings.Contains(zh, "受控端") || !strings.Contains(zh, "2026年3月14日 00:02") {
		t.Errorf("in Chinese:\n%s", zh)
	}
}

func TestPageOfManyRows(t *testing.T) {
	d := openDesk(t, desk.Config{})
	text := `"first_seen_utc","dst_ip","dst_port","c2_status","last_online","malware"` + "\n"
	for i := range 150 {
		text += fmt.Sprintf(`"2026-03-02 11:20:33","198.51.100.%d","443","online","2026-03-14","SampleTrojan"`+"\n", i)
		text += fmt.Sprintf(`"2026-03-02 11:20:33","198.51.100.%d","443","online","2026-03-14","SampleTrojan"`+"\n", 300+i)
	}
	id := load(t, d, "feodo", "many.csv", text).ID.Text("dlv")
	h := trusted(d)
	next := regexp.MustCompile(`<a href="(\?[^"]+)" rel="next">`)
	threats := get[page[threat]](t, h, "/api/v1/threats", 200)
	for _, target := range []string{"/deliveries/" + id, "/threats/" + threats.Items[0].ID} {
		first := page200(t, h, target, "en")
		m := next.FindStringSubmatch(first)
		if m == nil {
			t.Fatalf("%s has no next page:\n%s", target, first)
		}
		query, _, _ := strings.Cut(m[1], "#")
		second := page200(t, h, target+query, "en")
		if next.MatchString(second) || strings.Count(first, "<tr>")-strings.Count(second, "<tr>") != 50 {
			t.Errorf("%s: %d rows, then %d", target, strings.Count(first, "<tr>"), strings.Count(second, "<tr>"))
		}
	}
}

// TestPageAsJSON: a page and its JSON are one handler.
func TestPageAsJSON(t *testing.T) {
	d := loaded(t)
	h := trusted(d)
	threats := get[page[threat]](t, h, "/api/v1/threats", 200)
	one := read[threat](t, ask(h, "GET", "/threats/"+threats.Items[0].ID, nil, "Accept", "application/json"), 200)
	if fmt.Sprint(one) != fmt.Sprint(threats.Items[0]) {
		t.Errorf("got %+v\nwant %+v", one, threats.Items[0])
	}
	wantProblem(t, ask(h, "GET", "/threats/x", nil, "Accept", "application/json"), 400, "identifier like thr_")
}

func TestLanguage(t *testing.T) {
	h := trusted(openDesk(t, desk.Config{}))
	for _, c := range []struct{ name, target, cookie, accept, want string }{
		{"nothing said", "/", "", "", "en"},
		{"the browser's", "/", "", "de, zh-Hans-CN;q=0.9, en;q=0.8", "zh"},
		{"the browser's, by weight", "/", "", "zh;q=0.2, en-GB;q=0.9", "en"},
		{"one that we don't speak", "/", "", "fr", "en"},
		{"one that is refused", "/", "", "zh;q=0", "en"},
		{"chosen before", "/", "zh", "en", "zh"},
		{"chosen now", "/?lang=en", "zh", "zh", "en"},
		{"nonsense", "/?lang=../../x", "<script>", ";q=x,,", "en"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(h, "GET", c.target, nil, "Accept", "text/html", "Accept-Language", c.accept, "Cookie", "lang="+c.cookie)
			if got := w.Header().Get("Content-Language"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if kept := strings.HasPrefix(w.Header().Get("Set-Cookie"), "lang="+c.want+"; "); kept != (c.target == "/?lang=en") {
				t.Errorf("got cookie %q", w.Header().Get("Set-Cookie"))
			}
		})
	}
}

func TestStatic(t *testing.T) {
	s := openSite(regime.Builtin())
	h := trusted(openDesk(t, desk.Config{}))
	for name, mediaType := range map[string]string{"tocsin.css": "text/css; charset=utf-8", "console.js": "text/javascript; charset=utf-8", "bell.svg": "image/svg+xml"} {
		w := ask(h, "GET", s.paths[name], nil)
		want, err := fs.ReadFile(staticFiles, path.Join("static", name))
		if err != nil {
			t.Fatal(err)
		}
		if w.Code != 200 || w.Body.String() != string(want) || w.Header().Get("Content-Type") != mediaType ||
			w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: got %d %v", name, w.Code, w.Header())
		}
		if w := ask(h, "GET", "/static/"+name, nil); w.Code != 404 {
			t.Errorf("%s without its hash: got %d", name, w.Code)
		}
	}
}

// closedLists gives every value that a page may show of each closed list.
func closedLists() map[string][]string {
	lists := map[string][]string{"role.of": access.Roles(), "guide.state": SceneStates, "wait": {"approve", "serve", "answer"}}
	enter := func(list string, of func(uint8) fmt.Stringer) {
		for n := range uint8(255) {
			name := of(n).String()
			if strings.HasPrefix(name, "unknown-") {
				break
			}
			if name != "" {
				lists[list] = append(lists[list], name)
			}
		}
	}
	enter("role", func(n uint8) fmt.Stringer { return casebook.Role(n) })
	enter("severity", func(n uint8) fmt.Stringer { return casebook.Severity(n) })
	enter("state", func(n uint8) fmt.Stringer { return casebook.State(n) })
	enter("duty.state", func(n uint8) fmt.Stringer { return casebook.DutyState(n) })
	enter("incident.state", func(n uint8) fmt.Stringer { return casebook.IncidentState(n) })
	enter("category", func(n uint8) fmt.Stringer { return casebook.Category(n) })
	enter("standing", func(n uint8) fmt.Stringer { return casebook.Standing(n) })
	enter("reach", func(n uint8) fmt.Stringer { return casebook.Reach(n) })
	enter("delivery.state", func(n uint8) fmt.Stringer { return casebook.DeliveryState(n) })
	for n := range casebook.Test + 1 {
		lists["type"] = append(lists["type"], n.String())
		lists["class"] = append(lists["class"], n.Class())
	}
	for _, status := range []int{400, 401, 403, 404, 405, 408, 409, 413, 421, 429, 500, 503, 507} {
		lists["problem"] = append(lists["problem"], fmt.Sprint(status))
	}
	lists["door"] = doorFaults
	enter("report.state", func(n uint8) fmt.Stringer { return casebook.ReportState(n) })
	enter("order.state", func(n uint8) fmt.Stringer { return casebook.OrderState(n) })
	enter("dispute.state", func(n uint8) fmt.Stringer { return casebook.DisputeState(n) })
	enter("row.state", func(n uint8) fmt.Stringer { return casebook.RowState(n) })
	lists["channel"], lists["receipt"], lists["duty.act"] = append([]string{"program"}, outsideChannels...), receiptFacts, dutyActs
	return lists
}

// openLists gives the values of lists that others may add to; one without a word is
// shown as it is written.
func openLists() map[string][]string {
	lists := map[string][]string{
		"party":        regime.Roles,
		"power":        regime.Acts,
		"confidence":   {regime.Text, regime.Summary, regime.Memory, regime.Draft, regime.Unknown, regime.Confirmed},
		"level":        {"none"},
		"meets":        {"dispatched", "delivered", "acknowledged"},
		"outbox.state": {"waiting", "sending", "sent", "dead"},
		"entry": {casebook.Occurred, casebook.Observed, casebook.Received, casebook.Surfaced, casebook.Confirmed, casebook.Classified, casebook.Determined, casebook.Handled,
			casebook.NewFact, casebook.Noted, casebook.OwnerTook, casebook.OwnerGave, casebook.OwnerReleased, casebook.GradeProposed, casebook.DutyOpened, casebook.DutyWarned,
			casebook.DutyMissed, casebook.DutyClosed, casebook.TriageLapsed, casebook.Dismissed,
			casebook.OrderExtended, casebook.LimitPassed, casebook.NotDelivered},
		"rule":          {"grade", "watch", "send"},
		"machine":       {"local", "key", "loopback"},
		"zone":          {"UTC", "Asia/Shanghai"},
		"weekday":       {"0", "1", "2", "3", "4", "5", "6"},
		"done":          incidentActs,
		"filter":        {"all"},
		"regime.status": {"in_force", "historical", "proposed", "catalogue"},
		"consequences":  {"none", "draft", "in_force"},
		"clock":         {"slow", "fast"},
		"list":          {"and", "or"},
		"limit":         {"days.one", "working_days.one", "months.one", "promptly", "as_ordered", "no_figure", "unknown"},
		"refused":       {"400", "403", "409"},
		// The words of the laws for what starts a clock, as regime has them.
		"anchor": {"detection", "awareness", "reasonable_belief", "classification", "determination", "submission_of_previous_stage", "receipt_of_previous_stage",
			"newly_confirmed_fact", "end_of_handling", "availability_of_fix", "payment", "notice_to_handle", "receipt_of_appeal", "end_of_impediment", "oral_report", "request",
			"month_end", "quarter_end"},
	}
	// Seeing the situation.
	for _, one := range situationSpans {
		lists["filter"], lists["span"] = append(lists["filter"], "span."+one.key), append(lists["span"], one.key)
	}
	lists["decision"], lists["done.score"] = disputeDecisions, []string{"dispute", "decide"}
	lists["door.by"] = []string{"file", "http"}
	for noun := range searchNouns {
		lists["search"], lists["search.at"] = append(lists["search"], noun), append(lists["search.at"], noun)
	}
	lists["search.why"] = []string{"id", "address", "prefix", "name", "below", "family", "spelling", "title", "party", "task", "reference"}
	lists["situation"] = append(slices.Sorted(maps.Keys(placeSorts)), "region", "party", "count")
	lists["situation"] = slices.DeleteFunc(lists["situation"], func(s string) bool { return s == "name" }) // is called after what is named
	lists["situation.name"], lists["situation.all"] = []string{"region", "party"}, []string{"region", "party"}
	lists["threats.sort"] = []string{"new", "size", "seen"}
	lists["findings.fault"] = []string{"since", "asset", "wide"}
	for _, one := range dutyFilters {
		lists["filter"] = append(lists["filter"], one.key)
	}
	lists["measure"], lists["unit"], lists["reply"] = desk.Measures, limitUnits, append([]string{"notyet"}, answerWords...)
	lists["from"] = []string{"fact", "findings", "party", "incident", "finding", "anchor", "grade", "threat", "record", "pack", "clock", "account"}
	lists["done.report"], lists["done.order"], lists["done.duty"] = append([]string{"draft"}, reportActs...), append([]string{"order"}, orderPageActs...), dutyActs
	lists["entry"] = append(lists["entry"], casebook.ReportDrafted, casebook.ReportFiled, casebook.ReportReceived, casebook.OrderDrafted, casebook.OrderApproved, casebook.OrderServed,
		casebook.OrderAnswered, casebook.OrderWithdrawn, casebook.OrderClosed, casebook.RowChecked, casebook.VoidAsked, casebook.Closed, casebook.CorrectionAsked)
	lists["step"] = []string{"submitted", "received", "suspended", "resumed", "extended"}
	lists["rule"] = append(lists["rule"], "verify")
	for _, one := range slices.Concat(incidentFilters, outboxFilters, reportFilters, orderFilters) {
		if one != "" {
			lists["filter"] = append(lists["filter"], one)
		}
	}
	for _, f := range regime.Facts().List() {
		lists["fact"] = append(lists["fact"], f.Name)
		lists["rank"] = append(lists["rank"], f.Words...)
	}
	for _, p := range regime.Builtin().Packs() {
		lists["level"] = append(lists["level"], p.Grades.Levels...)
		for _, s := range p.Stages {
			lists["anchor"] = append(lists["anchor"], s.Anchor)
		}
	}
	for list, values := range adminLists() {
		lists[list] = append(lists[list], values...)
	}
	return lists
}

// TestWords: each language says everything that is asked for, and nothing else.
func TestWords(t *testing.T) {
	used := map[string]bool{"age.seconds": true, "age.minutes": true, "age.hours": true, "age.days": true}
	for list, values := range closedLists() {
		for _, value := range values {
			used[list+"."+value] = true
		}
	}
	for list, values := range openLists() {
		for _, value := range values {
			used[list+"."+value] = true
		}
	}
	call := regexp.MustCompile(`\bt "([^"]+)"`)
	// Keys that Go says: of faults and of figures, of whole words.
	said := regexp.MustCompile(`"((?:fault|span|left|limit|clock|place|figure|refused)\.[a-z_.0-9]+|yes|no|unknown)"`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
		for _, m := range said.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = true
		}
	}
	// Every status with which we refuse has its word on the page of a problem.
	for code := 400; code < 600; code++ {
		call := "newProblem(http.Status" + strings.ReplaceAll(http.StatusText(code), " ", "") + ","
		if strings.Contains(source.String(), call) && !slices.Contains(closedLists()["problem"], fmt.Sprint(code)) {
			t.Errorf("%s) has no word for %d", call, code)
		}
	}
	lists := regexp.MustCompile(`\bword "([^"]+)"`)
	open := regexp.MustCompile(`\bwordOr "([^"]+)"`)
	names, err := fs.Glob(pageFiles, "page/*.html")
	if err != nil || len(names) == 0 {
		t.Fatal("no pages", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(pageFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = true
		}
		for _, m := range open.FindAllStringSubmatch(string(text), -1) {
			if openLists()[m[1]] == nil && closedLists()[m[1]] == nil {
				t.Errorf("%s shows words of %q, which isn't a list", name, m[1])
			}
		}
		for _, m := range lists.FindAllStringSubmatch(string(text), -1) {
			if closedLists()[m[1]] == nil {
				t.Errorf("%s shows words of %q, which isn't a closed list", name, m[1])
			}
		}
	}
	place := regexp.MustCompile(`\{\w+\}`)
	languages := openLanguages()
	for _, l := range languages {
		for key := range used {
			if l.words[key] == "" {
				t.Errorf("words/%s.txt lacks %s", l.tag, key)
			}
		}
		for key, said := range l.words {
			if !used[key] {
				t.Errorf("words/%s.txt has %s, which nobody says", l.tag, key)
			}
			got, want := place.FindAllString(said, -1), place.FindAllString(languages[0].words[key], -1)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("words/%s.txt: %s has the places %v, want %v", l.tag, key, got, want)
			}
		}
	}
}

func TestReadWords(t *testing.T) {
	for _, text := range []string{"key\n", "key \n", "a one\na two\n"} {
		if _, err := readWords(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestFigures(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -999: "-999", 1234567: "1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("number %d: got %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 64_600_000: "64.6 MB", 2e12: "2.0 TB", 5e15: "5000.0 TB"} {
		if got := fileSize(n); got != want {
			t.Errorf("size %d: got %s, want %s", n, got, want)
		}
	}
	for i, want := range map[casebook.Interval]string{{}: "0", {Low: 2, Point: 2, High: 2}: "2", {Low: 1000, Point: 1060, High: 1100}: "1,060 (1,000–1,100)"} {
		if got := interval(i); got != want {
			t.Errorf("interval %v: got %s, want %s", i, got, want)
		}
	}
	en := openLanguages()[0]
	for d, want := range map[time.Duration]string{-1: "0 s old", 119 * time.Second: "119 s old", 2 * time.Minute: "2 min old", 47 * time.Hour: "47 h old", 48 * time.Hour: "2 days old"} {
		if got, err := en.age(d); got != want || err != nil {
			t.Errorf("age %v: got %s %v, want %s", d, got, err, want)
		}
	}
}
