package web

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// papers is a desk on which a bureau may order North Access to clean two machines, with
// the case in which it does.
type papers struct {
	*desk.Desk
	incident, party string
}

var (
	wang = casebook.Actor{Kind: casebook.Person, Name: "wang"}
	li   = casebook.Actor{Kind: casebook.Person, Name: "li"}
)

// ordering makes such a desk, which others reach by an address of its own.
func ordering(t testing.TB) papers {
	t.Helper()
	p := papers{Desk: openDesk(t, desk.Config{URL: "https://tocsin.example"})}
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := p.KeepParty(ctx, wang, casebook.Party{Name: "bureau", Roles: []string{"authority"}, Region: "CN", Own: true})
	check(err)
	north, err := p.KeepParty(ctx, wang, casebook.Party{Name: "North Access", Roles: []string{"telecom_operator"}, Region: "CN-11", Own: true})
	check(err)
	importTable(t.(*testing.T), p.Desk, "table", "cidr,asn,holder,region,party\n192.0.2.0/24,64500,North,CN-11,North Access\n", time.Time{})
	load(t, p.Desk, "c2-tracker", "c2.csv", "observed_at,family,ip,commit\n2026-03-14T10:00:00Z,Emotet,192.0.2.7,c0ffee\n2026-03-14T10:00:00Z,Emotet,192.0.2.8,c0ffee\n")
	check(p.Settle(ctx))
	proposed, err := p.Reader(casebook.Operator()).WaitingIncidents(ctx, 10)
	check(err)
	if len(proposed) == 0 {
		t.Fatal("nothing was proposed")
	}
	i, err := p.Confirm(ctx, wang, proposed[0].ID, desk.Confirmation{Title: "Controllers at North Access", Facts: casebook.Facts{"controlled_addresses_unique_24h": casebook.NumberValue(1_200_000)}})
	check(err)
	p.incident, p.party = i.ID.Text(casebook.IncidentPrefix), north.ID.Text(casebook.PartyPrefix)
	return p
}

// filed is such a desk with a report that was filed twice and a served order.
func filed(t *testing.T) papers {
	p := ordering(t)
	ctx := t.Context()
	duties, err := p.Reader(casebook.Operator()).DutiesByDue(ctx, store.DutyFilter{States: []casebook.DutyState{casebook.OpenDuty}}, casebook.ID{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.DraftReport(ctx, wang, duties[0].ID)
	for _, words := range []string{"none", "much"} {
		if err == nil {
			_, err = p.EditReport(ctx, wang, r.ID, []casebook.FormField{{ID: "harm", Value: words, Secret: true}})
		}
		if err == nil {
			_, err = p.FileReport(ctx, wang, r.ID, desk.Filing{Channel: "phone", Proof: "a call sheet", LateReason: "nobody answered"})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	p.linkTo(t)
	return p
}

// sentForm posts a form that must be carried out, and gives the address to which it leads.
func sentForm(t *testing.T, h http.Handler, target string, fields url.Values) string {
	t.Helper()
	w := send(h, target, fields)
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%s: got %d, want 303\n%s", target, w.Code, w.Body)
	}
	address, _, _ := strings.Cut(w.Header().Get("Location"), "?")
	return address
}

// sendUpload posts a form with a file.
func sendUpload(t *testing.T, h http.Handler, target string, fields url.Values, field, name, content string) (int, string, string) {
	t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for key, values := range fields {
		for _, v := range values {
			m.WriteField(key, v)
		}
	}
	part, err := m.CreateFormFile(field, name)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(part, content)
	m.Close()
	w := ask(h, "POST", target, &body, "Content-Type", m.FormDataContentType(), "Accept", "text/html", "Accept-Language", "en", "Sec-Fetch-Site", "same-origin")
	return w.Code, w.Header().Get("Location"), w.Body.String()
}

// TestReportPages: a report is drafted from a duty, written, filed outside with its
// proof, corrected, and acknowledged, each by a form.
func TestReportPages(t *testing.T) {
	p := ordering(t)
	h := trusted(p.Desk)
	duty := get[page[duty]](t, h, "/api/v1/duties?state=open&incident="+p.incident, 200).Items[0]
	wantWords(t, page200(t, h, "/incidents/"+p.incident, "en"), "/duties/"+duty.ID+"#draft", "No report is drafted.")
	wantWords(t, page200(t, h, "/duties/"+duty.ID, "en"), "/duties/"+duty.ID+"/draft", "Draft the report")
	refused(t, h, "/duties/"+duty.ID+"/draft", url.Values{}, 400, "This is needed.")
	one := sentForm(t, h, "/duties/"+duty.ID+"/draft", url.Values{"as": {"wang"}})
	if again := sentForm(t, h, "/duties/"+duty.ID+"/draft", url.Values{"as": {"li"}}); again != one {
		t.Errorf("drafted twice: %s and %s", one, again)
	}
	text := page200(t, h, one, "en")
	wantWords(t, text, "It can&#39;t be filed yet.", `<a href="#write-field-phone">Telephone</a>`, "No contact for reports is known", "after press reports", "2 h, from: discovery", `name="field.phone"`, "192.0.2.7", "File now")
	wantWords(t, page200(t, h, one, "zh"), "尚不能报送", `<a href="#write-field-phone">联系电话</a>`, "商业秘密", "立即报送")
	wantWords(t, page200(t, h, "/reports?state=draft", "en"), one, "Controllers at North Access")
	asOf := regexp.MustCompile(`name="as_of" value="([^"]+)"`).FindStringSubmatch(text)[1]
	refused(t, h, one+"/file", url.Values{"as": {"wang"}}, 400, "Telephone is missing")

	sentForm(t, h, one+"/write", url.Values{"as": {"wang"}, "as_of": {asOf}, "field.phone": {"+86-10-0000"}, "field.harm": {"none\r\nyet"}, "secret.harm": {"yes"}})
	whole := get[wholeFiling](t, h, "/api/v1"+one, 200)
	for _, f := range whole.Fields {
		if f.ID == "harm" && (f.Value != "none\nyet" || !f.Secret || f.From != "person:wang") || f.ID == "phone" && (f.Value != "+86-10-0000" || f.Secret) || f.ID == "name" && f.From == "person:wang" {
			t.Errorf("written wrong: %+v", f)
		}
	}
	// What the record filled may move on while somebody types: a field that the page showed
	// and nobody touched stays the record's.
	name := regexp.MustCompile(`name="shown.name" value="([^"]+)"`).FindStringSubmatch(page200(t, h, one, "en"))[1]
	sentForm(t, h, one+"/write", url.Values{"as": {"wang"}, "field.name": {"as it was called a minute ago"}, "shown.name": {shownAs("as it was called a minute ago")}, "field.description": {"typed"}, "shown.description": {name}})
	for _, f := range get[wholeFiling](t, h, "/api/v1"+one, 200).Fields {
		if f.ID == "name" && f.From == "person:wang" || f.ID == "description" && f.From != "person:wang" {
			t.Errorf("written wrong: %+v", f)
		}
	}
	stale := refused(t, h, one+"/write", url.Values{"as": {"li"}, "as_of": {asOf}, "field.phone": {"+86-10-1111"}}, 409, "somebody wrote into this report", "&#43;86-10-1111")
	if strings.Contains(stale, `value="`+asOf+`"`) {
		t.Error("the page keeps the old state of the draft: saving again is refused for ever")
	}

	refused(t, h, one+"/outside", url.Values{"as": {"wang"}, "zone": {"UTC"}, "channel": {"portal"}}, 400, "A call sheet or a file is needed.")
	code, _, body := sendUpload(t, h, one+"/outside", url.Values{"as": {"wang"}, "zone": {"UTC"}, "channel": {"portal"}, "to": {"authority"}, "reference": {"P-1"}}, "file", "receipt <1>.pdf", strings.Repeat("x", casebook.MaxProof+1))
	if code != 400 || !strings.Contains(body, "The file is too large: at most 2.1 MB") {
		t.Errorf("a large file: got %d\n%s", code, body)
	}
	code, _, body = sendUpload(t, h, one+"/outside", url.Values{"as": {"wang"}, "zone": {"UTC"}, "channel": {"portal"}, "to": {"authority"}, "reference": {"P-1"}}, "file", "receipt <1>.pdf", "%PDF-")
	if code != 303 {
		t.Fatalf("filed outside: got %d\n%s", code, body)
	}
	text = page200(t, h, one, "en")
	wantWords(t, text, "Version 1", "by a portal", "P-1", "receipt &lt;1&gt;.pdf, 5 octets, SHA-256", one+"/proof?number=1", "bureau")
	file := ask(h, "GET", one+"/proof?number=1", nil)
	if file.Body.String() != "%PDF-" || file.Header().Get("Content-Type") != anyBytes || !strings.HasPrefix(file.Header().Get("Content-Disposition"), "attachment;") {
		t.Errorf("the proof came as %v %q", file.Header(), file.Body)
	}
	archive := ask(h, "GET", "/api/v1/incidents/"+p.incident+"/export", nil).Body.Bytes()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(z.File, func(f *zip.File) bool { return strings.HasPrefix(f.Name, "proofs/001-receipt") }) {
		t.Error("the archive of the case lacks the proof")
	}
	wantProblem(t, ask(h, "GET", one+"/proof?number=2", nil, "Accept", "application/json"), 404, "no proof 2")

	sentForm(t, h, one+"/write", url.Values{"as": {"wang"}, "field.harm": {"much"}})
	sentForm(t, h, one+"/outside", url.Values{"as": {"wang"}, "zone": {"UTC"}, "channel": {"phone"}, "to": {"authority"}, "proof": {"called <b>"}, "corrects": {"1"}})
	text = page200(t, h, one, "en")
	wantWords(t, text, "corrects version 1", "<del>none\nyet</del>", "<ins>much</ins>", "no longer a trade secret", "called &lt;b&gt;")
	recipient := regexp.MustCompile(`value="(rcp_[a-z0-9]+)"`).FindStringSubmatch(text)[1]
	refused(t, h, one+"/receipt", url.Values{"as": {"wang"}, "zone": {"UTC"}, "fact": {"acknowledged"}, "recipient": {"rcp_x"}}, 400, "Choose one of those offered.")
	sentForm(t, h, one+"/receipt", url.Values{"as": {"wang"}, "zone": {"UTC"}, "fact": {"acknowledged"}, "recipient": {recipient}, "reference": {"B-77"}})
	wantWords(t, page200(t, h, one, "en"), "B-77")

	wantWords(t, page200(t, h, one+"/print?version=1", "en"), "none\nyet", "192.0.2.7", "Version 2")
	open := page200(t, h, one+"/print?version=1&open=1", "en")
	if strings.Contains(open, "none\nyet") || !strings.Contains(open, "withheld") {
		t.Errorf("a trade secret is printed:\n%s", open)
	}
	wantProblem(t, ask(h, "GET", one+"/print?version=9", nil, "Accept", "application/json"), 404, "no version 9")
	wantWords(t, page200(t, h, "/duties/"+duty.ID, "en"), one, "by a portal")
}

// TestOrderPages: an order is drafted over marked rows, approved by another person,
// served, answered by form and by table, and closed.
func TestOrderPages(t *testing.T) {
	p := ordering(t)
	h := trusted(p.Desk)
	wantWords(t, page200(t, h, "/incidents/"+p.incident, "en"), "/orders/new?incident="+p.incident)
	address := "/orders/new?incident=" + p.incident
	wantWords(t, page200(t, h, address, "en"), address+"&amp;party="+p.party, "2 findings")
	text := page200(t, h, address+"&party="+p.party, "en")
	wantWords(t, text, "192.0.2.7", "192.0.2.8", "art. ", "Rests on")
	rows := regexp.MustCompile(`name="finding" value="(fnd_[a-z0-9]+)" checked`).FindAllStringSubmatch(text, -1)
	if len(rows) != 2 {
		t.Fatalf("%d rows can be marked, want 2, in\n%s", len(rows), text)
	}
	fields := url.Values{"as": {"wang"}, "incident": {p.incident}, "party": {p.party}, "measure": {"clean"}, "limit": {"0"}, "unit": {"hours"}}
	refused(t, h, "/orders", fields, 400, "Mark at least one row.", "from an hour to 366 days")
	fields.Set("limit", "24")
	fields["finding"] = []string{rows[0][1], rows[1][1]}
	one := sentForm(t, h, "/orders", fields)
	wantWords(t, page200(t, h, "/orders?state=draft", "en"), one, "North Access", "Clean")
	wantWords(t, page200(t, h, one, "en"), "wang drafted it: another person approves.")
	refused(t, h, one+"/approve", url.Values{"as": {"wang"}}, 403, "it needs a second person")
	refused(t, h, one+"/handed", url.Values{"as": {"wang"}, "zone": {"UTC"}, "proof": {"x"}}, 409, "is draft, not approved")
	sentForm(t, h, one+"/approve", url.Values{"as": {"li"}})
	wantWords(t, page200(t, h, one, "zh"), "已批准", "该单位未登记处置通知联系方式")
	refused(t, h, one+"/serve", url.Values{"as": {"wang"}}, 409, "has no contact for orders")
	sentForm(t, h, one+"/handed", url.Values{"as": {"wang"}, "zone": {"UTC"}, "proof": {"handed to Zhao"}})
	refused(t, h, one+"/answer", url.Values{"as": {"zhao"}, "zone": {"UTC"}}, 400, "Nothing is answered yet")
	refused(t, h, one+"/answer", url.Values{"as": {"zhao"}, "zone": {"UTC"}, "answer.1": {"needs_longer"}, "answer.2": {"refused"}}, 400, `id="answer-until-1-fault"`, `id="answer-note-2-fault"`)
	sentForm(t, h, one+"/answer", url.Values{"as": {"zhao"}, "zone": {"UTC"}, "answer.1": {"done"}, "answer.2": {""}, "note.1": {"cleaned"}})
	wantWords(t, page200(t, h, one, "en"), "<strong>done</strong>", "cleaned", "1 of 2 rows")

	table := ask(h, "GET", one+"/rows", nil)
	if table.Code != 200 || !strings.Contains(table.Body.String(), "192.0.2.8") || !strings.Contains(table.Header().Get("Content-Disposition"), ".csv") {
		t.Errorf("the table came as %v\n%s", table.Header(), table.Body)
	}
	code, _, body := sendUpload(t, h, one+"/table", url.Values{"as": {"zhao"}}, "table", "a.csv", "number,answer\n2,not_ours\n9,done\n1,perhaps\n")
	if code != 200 {
		t.Fatalf("got %d\n%s", code, body)
	}
	wantWords(t, body, "1 answers were taken, 2 rows weren&#39;t.", "Line 3", "Line 4", "has no row 9", "<strong>not ours</strong>")
	refused(t, h, one+"/table", url.Values{"as": {"zhao"}}, 400, "This is needed.")
	refused(t, h, one+"/close", url.Values{"as": {"wang"}}, 400, "This is needed.")
	sentForm(t, h, one+"/close", url.Values{"as": {"wang"}, "reason": {"both are done with"}})
	wantWords(t, page200(t, h, one, "en"), "order-closed", "both are done with")
	wantWords(t, page200(t, h, "/incidents/"+p.incident, "en"), "0 of 2 rows checked; both are done with")
}

// TestOrderOfACall: an incident that grew from no threat orders rows that a person marks.
func TestOrderOfACall(t *testing.T) {
	p := ordering(t)
	h := trusted(p.Desk)
	i, err := p.OpenIncident(t.Context(), wang, desk.Opening{Title: "A call"})
	if err != nil {
		t.Fatal(err)
	}
	address := "/orders/new?incident=" + i.ID.Text(casebook.IncidentPrefix)
	wantWords(t, page200(t, h, address, "en"), "grew from no threat", "party="+p.party)
	text := page200(t, h, address+"&party="+p.party, "en")
	if wantWords(t, text, "192.0.2.7", "192.0.2.8"); regexp.MustCompile(`name="finding"[^>]* checked`).MatchString(text) {
		t.Error("rows are marked that nobody meant")
	}
}

// TestOrderWithoutPower: the page says which power is missing and offers no form.
func TestOrderWithoutPower(t *testing.T) {
	p := ordering(t)
	police, err := p.KeepParty(t.Context(), wang, casebook.Party{Name: "police", Roles: []string{"police"}, Region: "CN"})
	if err != nil {
		t.Fatal(err)
	}
	text := page200(t, trusted(p.Desk), "/orders/new?incident="+p.incident+"&party="+police.ID.Text(casebook.PartyPrefix), "en")
	wantWords(t, text, "It can&#39;t be ordered.", "no power in force on")
	if strings.Contains(text, `action="/orders"`) {
		t.Error("a form is offered that is refused in any case")
	}
}

var answerLink = regexp.MustCompile(`https://tocsin\.example(/answer/tcl_[A-Z2-7]{26})`)

// linkTo serves an order over both rows and gives the path of a link to it.
func (p papers) linkTo(t *testing.T) (order casebook.Order, link string) {
	t.Helper()
	ctx := t.Context()
	o, err := p.DraftOrder(ctx, wang, desk.Command{Incident: parsed(t, casebook.IncidentPrefix, p.incident), Party: parsed(t, casebook.PartyPrefix, p.party), Measure: "clean", Limit: 24 * time.Hour})
	if err == nil {
		_, err = p.ApproveOrder(ctx, li, o.ID)
	}
	if err == nil {
		o, err = p.ServeOrder(ctx, wang, o.ID, &desk.Receipt{Proof: "handed over"})
	}
	if err != nil {
		t.Fatal(err)
	}
	w := send(trusted(p.Desk), "/orders/"+o.ID.Text(casebook.OrderPrefix)+"/link", url.Values{"as": {"wang"}})
	m := answerLink.FindStringSubmatch(w.Body.String())
	if w.Code != 200 || m == nil {
		t.Fatalf("no link: %d\n%s", w.Code, w.Body)
	}
	return o, m[1]
}

// TestAnswerByLink: whoever has a link reads its order, and nothing else, and answers it
// without an account, until it is revoked.
func TestAnswerByLink(t *testing.T) {
	p := ordering(t)
	o, link := p.linkTo(t)
	// A platform that lets in nobody else.
	h := New(p.Desk, Options{Key: key})
	if w := ask(h, "GET", "/orders", nil); w.Code != 401 {
		t.Fatalf("others are let in: %d", w.Code)
	}
	text := page200(t, h, link, "en")
	wantWords(t, text, "192.0.2.7", "192.0.2.8", "North Access", o.Task, "bureau", `name="answer.1"`, "Your name")
	for _, never := range []string{"Controllers at North Access", p.incident, "fnd_", "wang", "/incidents"} {
		if strings.Contains(text, never) {
			t.Errorf("the page tells %q", never)
		}
	}
	wantWords(t, page200(t, h, link, "zh"), "清除恶意程序", "暂不反馈", "反馈人")
	w := ask(h, "GET", link, nil)
	for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	refused(t, h, link, url.Values{"zone": {"UTC"}, "answer.1": {"done"}}, 400, "This is needed.")
	// A browser that doesn't say where a form comes from may send it all the same.
	w = ask(h, "POST", link, strings.NewReader(url.Values{"as": {"Zhao Lei"}, "zone": {"UTC"}, "answer.1": {"done"}, "note.1": {"cut off"}}.Encode()),
		"Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Origin", "null")
	if w.Code != 303 {
		t.Fatalf("got %d\n%s", w.Code, w.Body)
	}
	address, _, _ := strings.Cut(w.Header().Get("Location"), "#")
	text = page200(t, h, address, "en")
	receipt := regexp.MustCompile(`Receipt <code>(anc_[a-z0-9]+)</code>`).FindStringSubmatch(text)
	if receipt == nil {
		t.Fatalf("no receipt in\n%s", text)
	}
	wantWords(t, text, "Received.", "1 of 2 rows, by Zhao Lei", "cut off")
	log, err := p.Reader(casebook.Operator()).Anchors(t.Context(), o.Incident)
	if err != nil {
		t.Fatal(err)
	}
	last := log[len(log)-1]
	if last.ID.Text(casebook.AnchorPrefix) != receipt[1] || last.By != "machine:link of order "+o.ID.Text(casebook.OrderPrefix) || last.Note != "1 of 2 rows, by Zhao Lei" {
		t.Errorf("on record is %+v", last)
	}
	code, _, body := sendUpload(t, h, link+"/table", url.Values{"as": {"Zhao Lei"}}, "table", "a.csv", "序号,处置结果\n2,非我方\n")
	if code != 303 {
		t.Fatalf("a table: got %d\n%s", code, body)
	}
	code, _, body = sendUpload(t, h, link+"/table", url.Values{"as": {"Zhao Lei"}}, "table", "a.csv", "number,answer\n7,done\n")
	if code != 200 || !strings.Contains(body, "0 answers were taken, 1 rows") {
		t.Errorf("a bad table: got %d\n%s", code, body)
	}
	if w := ask(h, "GET", link+"/rows", nil); w.Code != 200 || !strings.Contains(w.Body.String(), "192.0.2.7") {
		t.Errorf("the table: %d\n%s", w.Code, w.Body)
	}
	sentForm(t, trusted(p.Desk), "/orders/"+o.ID.Text(casebook.OrderPrefix)+"/unlink", url.Values{"as": {"li"}})
	if w := ask(h, "GET", link, nil); w.Code != 404 || strings.Contains(w.Body.String(), o.Task) {
		t.Errorf("a revoked link opens: %d\n%s", w.Code, w.Body)
	}
}

// TestLinkEnds: a link shows what was answered for a while after its order's end, and
// takes nothing any more; then it opens nothing.
func TestLinkEnds(t *testing.T) {
	p := ordering(t)
	o, link := p.linkTo(t)
	h := New(p.Desk, Options{Key: key})
	begun := p.Now()
	at := func(d time.Duration) { p.Now = func() time.Time { return begun.Add(d) } }
	at(24*time.Hour + casebook.LinkGrace - time.Minute)
	page200(t, h, link, "en")
	at(24*time.Hour + casebook.LinkGrace + time.Hour)
	if w := ask(h, "GET", link, nil); w.Code != 404 {
		t.Errorf("long after its limit: %d", w.Code)
	}
	at(time.Hour)
	if _, err := p.CloseOrder(t.Context(), wang, o.ID, "done with"); err != nil {
		t.Fatal(err)
	}
	text := page200(t, h, link, "en")
	if wantWords(t, text, "takes no answers any more", "done with"); strings.Contains(text, `name="answer.1"`) {
		t.Error("a closed order offers to be answered")
	}
	refused(t, h, link, url.Values{"as": {"Zhao"}, "zone": {"UTC"}, "answer.1": {"done"}}, 409, "can&#39;t be answered")
	at(time.Hour + casebook.LinkGrace + time.Minute)
	if w := ask(h, "GET", link, nil); w.Code != 404 {
		t.Errorf("long after its end: %d", w.Code)
	}
}

// TestLinksAreBraked: whoever guesses is slowed down, and so is a link that is used
// without end; a good link from elsewhere stays open.
func TestLinksAreBraked(t *testing.T) {
	p := ordering(t)
	_, link := p.linkTo(t)
	h := New(p.Desk, Options{Key: key})
	now := p.Now()
	p.Now = func() time.Time { return now }
	codes := map[int]int{}
	for n := range 9 {
		codes[ask(h, "GET", fmt.Sprintf("/answer/tcl_%026d", n), nil).Code]++
	}
	if codes[404] != 6 || codes[429] != 3 {
		t.Errorf("guesses were answered %v", codes)
	}
	p.Now = func() time.Time { return now.Add(time.Hour) }
	codes = map[int]int{}
	for range linkPace + 5 {
		codes[ask(h, "GET", link, nil).Code]++
	}
	if codes[200] != linkPace || codes[429] != 5 {
		t.Errorf("a link was answered %v", codes)
	}
}

// TestOrderMailCarriesALink: the message that serves an order has a link of its own when
// it is sent, and neither the outbox nor the log keeps it.
func TestOrderMailCarriesALink(t *testing.T) {
	p := ordering(t)
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	got := make(chan string, 1)
	hook := hookServer(t, func(body string) { got <- body })
	ctx := t.Context()
	if err := p.KeepContact(ctx, wang, parsed(t, casebook.PartyPrefix, p.party), "orders", hook, false); err != nil {
		t.Fatal(err)
	}
	o, err := p.DraftOrder(ctx, wang, desk.Command{Incident: parsed(t, casebook.IncidentPrefix, p.incident), Party: parsed(t, casebook.PartyPrefix, p.party), Measure: "clean", Limit: 24 * time.Hour})
	if err == nil {
		_, err = p.ApproveOrder(ctx, li, o.ID)
	}
	if err == nil {
		_, err = p.ServeOrder(ctx, wang, o.ID, nil)
	}
	if err == nil {
		err = p.SendOnce(ctx, p.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	body := <-got
	m := answerLink.FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no link in\n%s", body)
	}
	wantWords(t, page200(t, New(p.Desk, Options{Key: key}), m[1], "en"), "192.0.2.7")
	ask(New(p.Desk, Options{Key: key}), "GET", m[1]+"/nothing", nil)
	if strings.Contains(log.String(), "tcl_") || !strings.Contains(log.String(), "path="+linkPath) {
		t.Errorf("the log says\n%s", log.String())
	}
	lines, err := p.Reader(casebook.Operator()).Outbox(ctx, nil, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range lines {
		if strings.Contains(string(one.Payload)+one.Fault, "tcl_") {
			t.Errorf("the outbox keeps the link: %s", one.Payload)
		}
	}
}

// TestEndOfACase: closing says what is open, voiding and correcting take two people.
func TestEndOfACase(t *testing.T) {
	p := ordering(t)
	h := trusted(p.Desk)
	one := "/incidents/" + p.incident
	wantWords(t, page200(t, h, one, "en"), "/api/v1"+one+"/export", "It takes two people")
	refused(t, h, one+"/close", url.Values{"as": {"wang"}, "reason": {"over"}}, 409, "isn&#39;t done", `id="close-anyway"`)
	log, err := p.Reader(casebook.Operator()).Anchors(t.Context(), parsed(t, casebook.IncidentPrefix, p.incident))
	if err != nil {
		t.Fatal(err)
	}
	entry := ""
	for _, a := range log {
		if a.Kind == casebook.Surfaced {
			entry = a.ID.Text(casebook.AnchorPrefix)
		}
	}
	fields := url.Values{"as": {"wang"}, "entry": {entry}, "truly": {"2026-03-14 09:00"}, "zone": {"UTC"}}
	refused(t, h, one+"/correct", fields, 400, "This is needed.")
	fields.Set("reason", "the duty book says so")
	sentForm(t, h, one+"/correct", fields)
	text := page200(t, h, one, "en")
	wantWords(t, text, "wang asks to correct", "the duty book says so", "Yes, correct it")
	to := regexp.MustCompile(`name="to" value="([^"]+)"`).FindStringSubmatch(text)[1]
	refused(t, h, one+"/correction", url.Values{"as": {"wang"}, "entry": {entry}, "to": {to}}, 403, "another person must say yes")
	refused(t, h, one+"/correction", url.Values{"as": {"li"}, "entry": {entry}, "to": {"2026-03-14T09:01:00Z"}}, 409, "say yes to that")
	sentForm(t, h, one+"/correction", url.Values{"as": {"li"}, "entry": {entry}, "to": {to}})
	if text = page200(t, h, one, "en"); strings.Contains(text, "Yes, correct it") {
		t.Error("what was agreed to is still asked")
	}
	sentForm(t, h, one+"/void", url.Values{"as": {"wang"}, "reason": {"our own test"}})
	wantWords(t, page200(t, h, one, "en"), "wang says that there was no incident:", "Confirm: there was none")
	sentForm(t, h, one+"/void", url.Values{"as": {"li"}, "second": {"yes"}})
	wantWords(t, page200(t, h, one, "en"), "state-void")

	other := sent(t, h, "/incidents", url.Values{"as": {"wang"}, "title": {"A call"}, "zone": {"UTC"}})
	id := regexp.MustCompile(`inc_[a-z0-9]+`).FindString(other)
	sentForm(t, h, "/incidents/"+id+"/close", url.Values{"as": {"wang"}, "reason": {"over"}, "anyway": {"yes"}})
	wantWords(t, page200(t, h, "/incidents/"+id, "en"), "state-closed")
}

// TestStepsByForm: what somebody who may did to a clock is written down on its page.
func TestStepsByForm(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	var open duty
	for _, one := range get[page[duty]](t, h, "/api/v1/duties?state=open", 200).Items {
		if one.Due.After(b.Now()) {
			open = one
		}
	}
	one := "/duties/" + open.ID
	wantWords(t, page200(t, h, one, "en"), one+"/suspend", one+"/extend", "Who did it")
	if strings.Contains(page200(t, h, one, "en"), one+"/resume") {
		t.Error("a clock that runs can be resumed")
	}
	fields := url.Values{"as": {"alice"}, "zone": {"UTC"}, "by": {"the provincial office"}, "reason": {"the line is cut"}}
	refused(t, h, one+"/extend", fields, 400, "This is needed.", "the line is cut")
	fields.Set("until", open.Due.Add(3*time.Hour).Format("2006-01-02T15:04:05"))
	sentForm(t, h, one+"/extend", fields)
	wantWords(t, page200(t, h, one, "en"), "extended by the provincial office: the line is cut")
	refused(t, h, one+"/resume", fields, 409, "can&#39;t be resumed")
}

// hookServer is a webhook that takes everything; its address is given.
func hookServer(t *testing.T, got func(body string)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got(string(text))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/orders"
}
