package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
)

// A busyDesk knows a case of every kind; its clock is the test's.
type busyDesk struct {
	*desk.Desk
	now    *atomic.Int64
	opened casebook.Incident // by hand, with a figure that starts two hours
}

func (b busyDesk) pass(d time.Duration) { b.now.Add(int64(d)) }

var alice = casebook.Actor{Kind: casebook.Person, Name: "alice"}

// evening is when the busy desk begins, a Monday.
var evening = time.Date(2026, 3, 16, 19, 3, 27, 0, time.UTC)

func busy(t testing.TB) busyDesk {
	t.Helper()
	b := busyDesk{now: new(atomic.Int64)}
	b.now.Store(evening.UnixNano())
	b.Desk = openDesk(t, desk.Config{Now: func() time.Time { return time.Unix(0, b.now.Load()) }})
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	load(t, b.Desk, "shadowserver", sinkholeName, sinkhole)
	load(t, b.Desk, "feodo", "<b>feodo</b>.csv", feodo)
	_, err := b.KeepParty(ctx, alice, casebook.Party{Name: "North Access", Roles: []string{"telecom_operator"}, Region: "CN-11", Own: true})
	check(err)
	check(b.Settle(ctx))
	b.opened, err = b.OpenIncident(ctx, alice, desk.Opening{Category: casebook.BotnetIncident, Title: "Botnet found at North Access", Zone: "Asia/Shanghai", Source: "telephone",
		Occurred: evening.Add(-time.Hour), Facts: casebook.Facts{"controlled_addresses_unique_24h": casebook.NumberValue(1_200_000)}})
	check(err)
	b.pass(3 * time.Hour)
	_, err = b.WatchOnce(ctx, b.Now())
	check(err)
	_, err = b.OpenIncident(ctx, alice, desk.Opening{Category: casebook.DataLeakIncident, Title: "Customer database copied", Exercise: true,
		Facts: casebook.Facts{"persons_data": casebook.NumberValue(2_000_000)}})
	check(err)
	_, err = b.GradeIncident(ctx, alice, b.opened.ID, desk.Ruling{Regime: "cn-miit-2009-156", Level: "serious", Standing: casebook.DeterminedBy, Reason: "the centre's letter"})
	check(err)
	_, err = b.Note(ctx, alice, b.opened.ID, casebook.Anchor{Note: "called back", At: b.Now().Add(-time.Minute), Zone: "Asia/Shanghai"})
	check(err)
	return b
}

// send posts a form as a browser does, which then follows where it is led.
func send(h http.Handler, target string, fields url.Values, headers ...string) *httptest.ResponseRecorder {
	return ask(h, "POST", target, strings.NewReader(fields.Encode()), append([]string{"Content-Type", "application/x-www-form-urlencoded",
		"Accept", "text/html", "Accept-Language", "en", "Sec-Fetch-Site", "same-origin"}, headers...)...)
}

// sent posts a form that must be carried out, and gives the page to which it leads.
func sent(t *testing.T, h http.Handler, target string, fields url.Values) string {
	t.Helper()
	w := send(h, target, fields)
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%s: got %d, want 303\n%s", target, w.Code, w.Body)
	}
	address, _, _ := strings.Cut(w.Header().Get("Location"), "#")
	return page200(t, h, address, "en")
}

// refused posts a form that must be refused, and gives the page that says why.
func refused(t *testing.T, h http.Handler, target string, fields url.Values, status int, words ...string) string {
	t.Helper()
	w := send(h, target, fields)
	if w.Code != status {
		t.Fatalf("%s: got %d, want %d\n%s", target, w.Code, status, w.Body)
	}
	text := w.Body.String()
	for _, one := range words {
		if !strings.Contains(text, one) {
			t.Errorf("%s: no %q in\n%s", target, one, text)
		}
	}
	return text
}

func wantWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, one := range words {
		if !strings.Contains(text, one) {
			t.Errorf("no %q in\n%s", one, text)
		}
	}
}

// part cuts an element out of a page by its identifier.
func part(t *testing.T, text, id string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, `id="`+id+`"`)
	if !ok {
		t.Fatalf("no %s in\n%s", id, text)
	}
	head, _, _ := strings.Cut(rest, "</section>")
	return head
}

// TestOverview: what a person must act on comes before all else, the worst first.
func TestOverview(t *testing.T) {
	b := busy(t)
	text := page200(t, trusted(b.Desk), "/", "en")
	act := part(t, text, "act")
	order := []string{"Nobody can be called.", "clock is off isn&#39;t known", "messages wait longer", "Missed: due and not filed", "Report of an extremely serious incident",
		"May be an incident: say yes or no", "Due next", "To be settled"}
	last := -1
	for _, one := range order {
		at := strings.Index(act, one)
		if at < last || at < 0 {
			t.Errorf("%q stands at %d, after %d, in\n%s", one, at, last, act)
		}
		last = at
	}
	wantWords(t, act,
		`data-due="2026-03-16T21:03:27Z">1 h 00 min over<`,  // missed an hour ago
		"05:03:27</time> <span class=\"zone\">Beijing time", // in the zone of the law
		"16 Mar 2026 21:03:27</time> UTC",                   // and in UTC
		"2 h, from: discovery",                              // the limit
		"after press reports and a law firm&#39;s letter",   // and what it rests on
		"provisional", "Open question:", "North Access →", // who owes whom
		`#confirm">Decide`)
	if strings.Contains(act, "speaks for no party") {
		t.Errorf("a party is there, and none is said to be in\n%s", act)
	}
	if strings.Index(text, `id="act"`) > strings.Index(text, `id="counts"`) {
		t.Error("the counts come before what is to be done")
	}
	empty := part(t, page200(t, trusted(openDesk(t, desk.Config{})), "/", "zh"), "act")
	wantWords(t, empty, "尚未登记所代表的单位", "tocsin party add --own", "/parties#party-name", "目前无法通知任何人", "目前没有需要人工处理的事项")
}

// TestClockOff: a clock that is off by more than a second is shown.
func TestClockOff(t *testing.T) {
	state := casebook.ClockState{Known: true, Offset: -1200 * time.Millisecond, Source: "kernel"}
	d := openDesk(t, desk.Config{Clock: clockOf(&state)})
	h := trusted(d)
	for _, c := range []struct {
		offset time.Duration
		want   string
	}{{-1200 * time.Millisecond, "clock 1.2s fast"}, {90 * time.Second, "clock 1m30s slow"}, {900 * time.Millisecond, ""}} {
		state.Offset = c.offset
		if err := d.ReadClock(t.Context()); err != nil {
			t.Fatal(err)
		}
		act := part(t, page200(t, h, "/", "en"), "act")
		if off := strings.Contains(act, "clock is off."); off != (c.want != "") || !strings.Contains(act, c.want) || strings.Contains(act, "isn&#39;t known") {
			t.Errorf("off by %v: got\n%s", c.offset, act)
		}
	}
}

func clockOf(state *casebook.ClockState) func(context.Context) (casebook.ClockState, error) {
	return func(context.Context) (casebook.ClockState, error) { return *state, nil }
}

// TestDutyPages: the list narrows, and a duty shows each step of its life.
func TestDutyPages(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	missed := page200(t, h, "/duties?state=missed", "en")
	wantWords(t, missed, "duty-missed", `aria-current="true">Missed <span class="dim">1<`)
	if strings.Contains(missed, `class="duty-unset"`) || strings.Contains(missed, `class="duty-open"`) {
		t.Errorf("others are listed too in\n%s", missed)
	}
	list := read[page[duty]](t, ask(h, "GET", "/duties?state=missed", nil, "Accept", "application/json"), 200)
	if len(list.Items) != 1 || list.Items[0].State != "missed" {
		t.Fatalf("got %+v", list)
	}
	one := "/duties/" + list.Items[0].ID
	wantWords(t, page200(t, h, one, "en"), "Tue 17 Mar 2026 05:03:27", "watch of the clocks", "due and not filed", "told", "sha256:", "Botnet found at North Access")
	wantWords(t, page200(t, h, one, "zh"), "特别重大事件或一级预警通报", "2026年3月17日（周二）05:03:27", "北京时间", "到期未报送", "2 小时内，起算：发现", "工业和信息化部通信保障局、有关省（区、市）通信管理局", "抄送")
	whole := read[dutyWithSteps](t, ask(h, "GET", one, nil, "Accept", "application/json"), 200)
	if len(whole.Steps) != 2 || whole.Steps[1].State != "missed" {
		t.Errorf("got %+v", whole)
	}
	wantProblem(t, ask(h, "GET", "/duties?state=gone", nil, "Accept", "application/json"), 400, "gone")
}

// TestIncidentPage: figures, grades in four standings, duties and the log, each on
// its own.
func TestIncidentPage(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	address := "/incidents/" + b.opened.ID.Text("inc")
	text := page200(t, h, address, "en")
	wantWords(t, part(t, text, "facts"), "1,200,000", "alice", "Controlled addresses (different within 24 h)")
	grades := part(t, text, "grades")
	wantWords(t, grades, "Proposed by rule", "Determined by centre or authority", "<p class=\"level\">serious</p>", "the centre&#39;s letter", "extremely serious", "by the figures as they stand", "annexes (not read)", "nobody yet")
	log := part(t, text, "timeline")
	wantWords(t, log, "Determined", "called back", "Word reached the desk", "It began", "Missed", "written while nobody had checked", "03:03:27</time> <span class=\"zone\">Beijing time")
	if strings.Index(log, "called back") > strings.Index(log, "It began") {
		t.Error("the newest entry isn't first")
	}
	wantWords(t, part(t, text, "acts"), "Confirm further figures", "Hand on or release")
	one := read[wholeCase](t, ask(h, "GET", address, nil, "Accept", "application/json"), 200)
	if one.ID != b.opened.ID.Text("inc") || len(one.Timeline) == 0 {
		t.Errorf("got %+v", one)
	}
}

// TestOpenByHand: a name and a title are enough, and the clocks run from when word
// came in.
func TestOpenByHand(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	text := sent(t, h, "/incidents", url.Values{"as": {"王敏"}, "title": {"Caller counts bots"}, "category": {"botnet"}, "zone": {"Asia/Shanghai"},
		"received": {"2026-03-17T05:30"}, "fact.controlled_addresses_unique_24h": {"120万"}, "source": {"telephone"}})
	wantWords(t, text, "Opened. Its clocks run", "Caller counts bots", "1,200,000", "王敏", "Report of an extremely serious incident", "07:30</time> <span class=\"zone\">Beijing time", "telephone")
	again := refused(t, h, "/incidents", url.Values{"as": {"王敏"}, "title": {" "}, "zone": {"Asia/Shanghai"}, "received": {"2027-01-01T00:00"}, "category": {"flood"},
		"fact.persons_data": {"many"}, "text": {"kept as typed"}}, 400,
		`aria-invalid="true"`, "This is needed.", "This moment is still to come.", "This is no figure.", "Choose one of those offered.", "kept as typed", `value="many"`, `value="2027-01-01T00:00"`, "Not done")
	if strings.Count(again, " autofocus") != 1 {
		t.Errorf("the focus doesn't go to the first wrong field in\n%s", again)
	}
	wantWords(t, again, `href="/incidents/new?lang=zh"`, `data-address="/incidents/new"`)
}

// TestDecide: a proposed incident waits for a person, who says yes with the figures
// or no with a reason; what is done already can't be done again.
func TestDecide(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	waiting, err := b.Reader(casebook.Operator()).WaitingIncidents(t.Context(), 10)
	if err != nil || len(waiting) < 2 {
		t.Fatal(waiting, err)
	}
	yes, no := "/incidents/"+waiting[0].ID.Text("inc"), "/incidents/"+waiting[1].ID.Text("inc")
	wantWords(t, page200(t, h, yes, "en"), "Yes, it is an incident", "No, it is none", "a person must say which grade it has")

	refused(t, h, yes+"/confirm", url.Values{"text": {"half a sentence"}}, 400, "This is needed.", "half a sentence", `data-address="`+yes+`"`)
	text := sent(t, h, yes+"/confirm", url.Values{"as": {"alice"}, "category": {"trojan"}, "fact.controlled_addresses_unique_24h": {"1,000,000"}, "text": {"seen by two"}})
	wantWords(t, text, "Confirmed. What is owed", `class="mark state-open"`, "1,000,000", "trojan", "seen by two", "duty-open", "Report of an extremely serious incident")
	refused(t, h, yes+"/dismiss", url.Values{"as": {"alice"}, "reason": {"too late"}}, 409, "it stands otherwise now", "only a proposed one can be dismissed")

	refused(t, h, no+"/dismiss", url.Values{"as": {"alice"}}, 400, "This is needed.")
	wantWords(t, sent(t, h, no+"/dismiss", url.Values{"as": {"alice"}, "reason": {"our own scanner"}}), "Dismissed, with the reason", "our own scanner", `class="mark state-void"`)
	if text := page200(t, h, no, "en"); strings.Contains(text, `method="post"`) {
		t.Errorf("a dismissed incident can still be acted on:\n%s", text)
	}
}

// TestGradeAndOwn: the four standings stay apart, and one person has an incident.
func TestGradeAndOwn(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	address := "/incidents/" + b.opened.ID.Text("inc")
	grade := url.Values{"as": {"bob"}, "level": {"cn-cac-2025 relatively_serious"}, "standing": {"confirmed"}, "reason": {"counted again"}}
	wantWords(t, sent(t, h, address+"/grade", grade), "Graded. What is owed", "counted again", `<p class="level">relatively serious</p>`)
	grade.Set("standing", "proposed")
	refused(t, h, address+"/grade", grade, 400, "Choose one of those offered.")
	grade.Set("level", "")
	refused(t, h, address+"/grade", grade, 400, "This is needed.", "counted again")

	refused(t, h, address+"/give", url.Values{"as": {"bob"}, "to": {"carol"}}, 409, "is with alice and not with bob")
	refused(t, h, address+"/take", url.Values{"as": {"bob"}}, 409, "is with alice")
	wantWords(t, sent(t, h, address+"/give", url.Values{"as": {"alice"}, "to": {"carol"}}), "Handed on.", "It is with carol")
	wantWords(t, sent(t, h, address+"/release", url.Values{"as": {"carol"}}), "Released: nobody has it now.", "Take it")
	wantWords(t, sent(t, h, address+"/take", url.Values{"as": {"bob"}}), "You have it now.", "It is with bob")

	note := url.Values{"as": {"bob"}, "text": {"provider called"}, "happened": {"2026-03-17T06:00:30"}, "zone": {"Asia/Shanghai"}, "source": {"line 2"}}
	wantWords(t, sent(t, h, address+"/note", note), "Written.", "provider called", "16 Mar 2026 22:00:30", "line 2")
	note.Set("zone", "Nowhere/Land")
	note.Set("happened", "yesterday")
	refused(t, h, address+"/note", note, 400, "This zone isn&#39;t known.", "This is no moment in that zone.", "provider called", `value="yesterday"`)
}

// TestFormAsProgram: what answers a browser with a page answers a program with JSON.
func TestFormAsProgram(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	address := "/incidents/" + b.opened.ID.Text("inc")
	w := send(h, address+"/note", url.Values{"as": {"bob"}, "text": {"by program"}, "zone": {"UTC"}}, "Accept", "application/json")
	if c := read[wholeCase](t, w, 200); c.Timeline[len(c.Timeline)-1].Note != "by program" {
		t.Errorf("got %+v", c.Timeline)
	}
	wantProblem(t, send(h, address+"/note", url.Values{"zone": {"UTC"}}, "Accept", "application/json"), 400, "as: missing; text: missing")
	wantProblem(t, send(h, address+"/take", url.Values{"as": {"bob"}}, "Accept", "application/json"), 409, "is with alice")
	for _, target := range []string{"/incidents/" + casebook.ID{7}.Text("inc") + "/take", "/incidents/nonsense/take"} {
		if w := send(h, target, url.Values{"as": {"bob"}}); w.Code != 404 && w.Code != 400 {
			t.Errorf("%s: got %d", target, w.Code)
		}
	}
	if w := send(h, address+"/note", url.Values{"text": {strings.Repeat("x", maxForm)}}); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a form of %d octets: got %d", maxForm, w.Code)
	}
	broken := ask(h, "POST", address+"/note", strings.NewReader("as=%zz"), "Content-Type", "application/x-www-form-urlencoded", "Accept", "application/json")
	wantProblem(t, broken, 400, "the form can't be read")
	if w := ask(h, "POST", address+"/take", io.MultiReader(strings.NewReader("as=bob")), "Origin", "https://evil.example", "Content-Type", "application/x-www-form-urlencoded"); w.Code != 403 {
		t.Errorf("a form of another site: got %d", w.Code)
	}
}

// TestName: who acted is remembered by the browser, and out of reach of scripts.
func TestName(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	address := "/incidents/" + b.opened.ID.Text("inc")
	w := send(h, address+"/note", url.Values{"as": {"王 敏"}, "text": {"first"}, "zone": {"UTC"}})
	cookie := w.Header().Get("Set-Cookie")
	for _, want := range []string{"as=", "Path=/", "HttpOnly", "SameSite=Lax"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("no %s in %q", want, cookie)
		}
	}
	pair, _, _ := strings.Cut(cookie, ";")
	text := ask(h, "GET", address, nil, "Accept", "text/html", "Cookie", pair).Body.String()
	wantWords(t, text, `name="as" value="王 敏"`)
	if w := ask(h, "GET", address, nil, "Accept", "text/html", "Cookie", "as=%zz"); w.Code != 200 {
		t.Errorf("a cookie that isn't ours: got %d", w.Code)
	}
	refused(t, h, address+"/note", url.Values{"as": {"two\nlines"}, "text": {"x"}, "zone": {"UTC"}}, 400, "Name a person, in one line.")
}

func TestPartyForm(t *testing.T) {
	d := openDesk(t, desk.Config{})
	h := trusted(d)
	wantWords(t, refused(t, h, "/parties", url.Values{"as": {"alice"}, "name": {"North"}, "region": {"Beijing"}}, 400, "This is needed.", "Write a country or a part of one", `value="Beijing"`))
	text := sent(t, h, "/parties", url.Values{"as": {"alice"}, "name": {"North & Sons"}, "region": {"cn-11"}, "role": {"telecom_operator", "hosting"}, "own": {"yes"}})
	wantWords(t, text, "North &amp; Sons is kept.", "hosting centre, basic telecom operator", "CN-11")
	if act := part(t, page200(t, h, "/", "en"), "act"); strings.Contains(act, "speaks for no party") {
		t.Errorf("the party isn't ours:\n%s", act)
	}
}

// TestOutboxPage: a line that was given up can be sent again, by a person.
func TestOutboxPage(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	wantWords(t, page200(t, h, "/outbox", "en"), "to whoever is on duty", "waiting", "Clock started", "Nobody can be called.")
	lines := read[page[outgoing]](t, ask(h, "GET", "/outbox", nil, "Accept", "application/json"), 200)
	if len(lines.Items) == 0 {
		t.Fatal("nothing waits")
	}
	target := "/outbox/" + lines.Items[0].ID + "/resend"
	refused(t, h, target, url.Values{}, 400, "Not done")
	refused(t, h, target, url.Values{"as": {"alice"}}, 400, "Not done: something is missing")
	wantWords(t, sent(t, h, target, url.Values{"as": {"alice"}, "reason": {"the pager is up again"}}), "The line is put back", "resent by person:alice: the pager is up again")
	wantWords(t, page200(t, h, "/outbox/"+lines.Items[0].ID, "en"), "resent by person:alice: the pager is up again", "Each attempt is an entry", "to whoever is on duty")
	if w := send(h, "/outbox/nothing/resend", url.Values{"as": {"alice"}, "reason": {"x"}}); w.Code != 404 {
		t.Errorf("a line that isn't there: got %d", w.Code)
	}
}

// TestThreatToIncident: a threat leads to what grew from it, with the grades.
func TestThreatToIncident(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	all, err := b.Reader(casebook.Operator()).Incidents(t.Context(), nil, casebook.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Threat.IsZero() {
			continue
		}
		text := part(t, page200(t, h, "/threats/"+i.Threat.Text("thr"), "en"), "incidents")
		wantWords(t, text, `href="/incidents/`+i.ID.Text("inc"), "threshold not known", "cn-miit-2009-156", "proposed")
		return
	}
	t.Fatal("no incident grew from a threat")
}

func TestLawPage(t *testing.T) {
	h := trusted(openDesk(t, desk.Config{}))
	en := page200(t, h, "/regimes/cn-miit-2009-156", "en")
	wantWords(t, en, "One trojan or botnet controls a million addresses or more", "controlled_addresses_unique_24h &gt;= 1000000", "2 h", "press of May 2009", "after summaries",
		"must say from which figures an incident is serious", "Publish the information", "two hours from discovery", "controlled_addresses_unique_24h = 1,000,000")
	zh := page200(t, h, "/regimes/cn-cac-2025", "zh")
	wantWords(t, zh, "国家网络安全事件报告管理办法", "关键信息基础设施运营者首次报告", "1 小时内", "泄露 1 亿人以上公民个人信息", "须由网信部门明确", "现行有效")
	object := read[law](t, ask(h, "GET", "/regimes/cn-cac-2025", nil, "Accept", "application/json"), 200)
	if object.ID != "cn-cac-2025" || len(object.Text.Stages) == 0 {
		t.Errorf("got %+v", object)
	}
	if w := ask(h, "GET", "/regimes/cn-cac-2026", nil, "Accept", "text/html"); w.Code != 404 || !strings.Contains(w.Body.String(), "cn-cac-2025") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestNavigation: each place is marked on its own page, and above the pages below it.
func TestNavigation(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	for target, want := range map[string]string{"/": `<a href="/" aria-current="page">`, "/duties": `<a href="/duties" aria-current="page">`,
		"/incidents/" + b.opened.ID.Text("inc"): `<a href="/incidents" aria-current="true">`, "/regimes/cn-cac-2025": `<a href="/regimes" aria-current="true">`} {
		text := page200(t, h, target, "en")
		nav := regexp.MustCompile(`(?s)<nav class="places".*?</nav>`).FindString(text)
		if !strings.Contains(nav, want) || strings.Count(nav, "aria-current") != 1 {
			t.Errorf("%s: no %s alone in %s", target, want, nav)
		}
	}
}

// TestManyCases: lists go on page by page, and no page grows beyond what a telephone
// loads in a breath.
func TestManyCases(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	for range 110 {
		if _, err := b.OpenIncident(t.Context(), alice, desk.Opening{Title: "One more call about a botnet in our access network", Category: casebook.BotnetIncident,
			Facts: casebook.Facts{"controlled_addresses_unique_24h": casebook.NumberValue(1_200_000)}}); err != nil {
			t.Fatal(err)
		}
	}
	const maxPage = 150_000
	next := regexp.MustCompile(`<a href="(\?[^"]+)" rel="next">`)
	for target, row := range map[string]string{"/incidents?state=open": `href="/incidents/inc_`, "/duties": `href="/duties/dty_`} {
		seen := map[string]bool{}
		address, pages := target, 0
		for address != "" {
			text := page200(t, h, address, "zh")
			if len(text) > maxPage {
				t.Errorf("%s has %d octets, over %d", address, len(text), maxPage)
			}
			for _, part := range strings.Split(text, row)[1:] {
				id := part[:26]
				if seen[id] {
					t.Errorf("%s lists %s twice", address, id)
				}
				seen[id] = true
			}
			pages++
			m := next.FindStringSubmatch(text)
			if address = ""; m != nil {
				path, _, _ := strings.Cut(target, "?")
				address = path + strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		counts, err := b.Reader(casebook.Operator()).Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := int(counts.Incidents - counts.Proposed)
		if target == "/duties" {
			want = int(counts.Duties[casebook.Unset] + counts.Duties[casebook.OpenDuty])
		}
		if len(seen) != want || pages < 2 {
			t.Errorf("%s lists %d on %d pages, want %d", target, len(seen), pages, want)
		}
	}
	for _, address := range []string{"/", "/incidents/new", "/regimes/cn-cac-2025", "/incidents/" + b.opened.ID.Text("inc")} {
		if text := page200(t, h, address, "zh"); len(text) > maxPage {
			t.Errorf("%s has %d octets, over %d", address, len(text), maxPage)
		}
	}
}
