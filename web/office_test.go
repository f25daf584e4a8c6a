package web

import (
	"encoding/csv"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
)

// sendFile sends a form with a file at its end, as a browser does.
func sendFile(h http.Handler, target, field, file string) (int, string, http.Header) {
	w := ask(h, "POST", target, strings.NewReader(walkFile(field, file)), "Content-Type", "multipart/form-data; boundary=walk", "Accept", "text/html", "Accept-Language", "en", "Sec-Fetch-Site", "same-origin")
	return w.Code, w.Body.String(), w.Header()
}

// TestHandInAFile: a file comes by a form as it comes by the API, once; the list narrows.
func TestHandInAFile(t *testing.T) {
	d := openDesk(t, desk.Config{})
	h := trusted(d)
	code, _, header := sendFile(h, "/deliveries", "feed=feodo", feodo)
	if code != 303 {
		t.Fatalf("got %d", code)
	}
	address := header.Get("Location")
	wantWords(t, page200(t, h, address, "en"), "The delivery is on disk", "walked.csv")
	if _, _, header := sendFile(h, "/deliveries", "feed=feodo", feodo); header.Get("Location") != strings.Replace(address, "taken", "known", 1) {
		t.Errorf("the same bytes lead to %s", header.Get("Location"))
	}
	for field, want := range map[string]string{"feed=": "This is needed.", "feed=nothing": "Choose one of those offered.", "feed=shadowserver": "Not done"} {
		if code, text, _ := sendFile(h, "/deliveries", field, feodo); code != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: got %d without %q", field, code, want)
		}
	}
	none := strings.Replace(walkFile("feed=feodo", ""), `; filename="walked.csv"`, `; filename=""`, 1)
	for body, want := range map[string]string{none: "Choose a file.", "--walk--\r\n": "Choose a file.", "no form at all": "Choose a file.", "--walk\r\nhalf": "can&#39;t be read"} {
		w := ask(h, "POST", "/deliveries", strings.NewReader(body), "Content-Type", "multipart/form-data; boundary=walk", "Accept", "text/html", "Accept-Language", "en")
		if w.Code != 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%.20q: got %d without %q", body, w.Code, want)
		}
	}
	many := strings.Repeat("--walk\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\ny\r\n", maxFields+1)
	long := "--walk\r\nContent-Disposition: form-data; name=\"feed\"\r\n\r\n" + strings.Repeat("x", maxPart+1) + "\r\n--walk--\r\n"
	for body, want := range map[string]int{many: 400, long: 413} {
		if w := ask(h, "POST", "/deliveries", strings.NewReader(body), "Content-Type", "multipart/form-data; boundary=walk"); w.Code != want {
			t.Errorf("got %d, want %d", w.Code, want)
		}
	}
	load(t, d, "c2-tracker", "c2.csv", "observed_at,family,ip,commit\n2026-03-14T10:00:00Z,Family,192.0.2.300,c0ffee\n")
	for query, want := range map[string]int{"": 2, "?feed=feodo": 1, "?state=folded&bad=yes": 1, "?state=broken": 0} {
		if got := strings.Count(page200(t, h, "/deliveries"+query, "en"), `<th scope="row"`); got != want {
			t.Errorf("/deliveries%s: got %d, want %d", query, got, want)
		}
	}
}

// TestFeedsPage: what went silent is called out, and bad rows lead to their delivery.
func TestFeedsPage(t *testing.T) {
	now := evening
	d := openDesk(t, desk.Config{Now: func() time.Time { return now }})
	for n := range 5 {
		load(t, d, "c2-tracker", "c2.csv", "observed_at,family,ip,commit\n2026-03-16T1"+string(rune('0'+n))+":00:00Z,Family,192.0.2.7,c0ffee\nnever,Family,192.0.2.7,c0ffee\n")
		now = now.Add(time.Hour)
	}
	text := page200(t, trusted(d), "/feeds", "en")
	wantWords(t, text, "c2-tracker", "every 1 h 00 min", "is not a moment", "Formats of which nothing ever came: 3")
	if strings.Contains(text, `class="mark silent"`) {
		t.Errorf("nothing is silent, and it says so\n%s", part(t, text, "feeds"))
	}
	now = now.Add(4 * time.Hour)
	text = page200(t, trusted(d), "/feeds", "en")
	wantWords(t, text, "Silent: 1", `<span class="mark silent">silent</span>`)
	all := read[page[feedState]](t, ask(trusted(d), "GET", "/feeds", nil, "Accept", "application/json"), 200)
	if len(all.Items) != 1 || !all.Items[0].Silent || all.Items[0].UsualGap != 3600 || all.Items[0].Day.Refused != 5 {
		t.Errorf("got %+v", all.Items)
	}
	now = now.AddDate(0, 0, 40)
	if text := page200(t, trusted(d), "/feeds", "en"); !strings.Contains(text, "Silent: 2") || strings.Contains(text, "is not a moment") {
		t.Errorf("forty days later the source isn't silent, or old bad rows are shown\n%s", text)
	}
}

// TestHoldingsPage: a table is taken in with the result told, and tells who held what.
func TestHoldingsPage(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	code, text, _ := sendFile(h, "/holdings", "source=registry", "cidr,asn,holder,region,party\n192.0.2.0/24,64500,Example Net,CN-11,North Access\n300.1.1.0/24,1,x,CN,y\n")
	if code != 201 {
		t.Fatalf("got %d\n%s", code, text)
	}
	wantWords(t, text, "registry is in force: 2 rows read, 1 holdings began, 0 ended, 1 rows refused", "walked.csv", "300.1.1.0")
	wantWords(t, page200(t, h, "/holdings?asset=192.0.2.7", "en"), "Example Net", ">North Access</a>", "AS64500", "registry: ", "192.0.2.0/24", "always – today")
	wantWords(t, page200(t, h, "/holdings?asset=198.51.100.1", "en"), "Nobody is known to have held it on")
	wantWords(t, page200(t, h, "/holdings?asset=nothing&at=yesterday", "en"), "This is no address, prefix or domain name.", "This is no moment in that zone.", `value="nothing"`)
	if code, text, _ := sendFile(h, "/holdings", "as_of=2020-01-01T00:00", "cidr,asn\n192.0.2.0/24,1\n"); code != 201 || !strings.Contains(text, "walked is in force") {
		t.Errorf("named by its file: %d", code)
	}
	if code, text, _ := sendFile(h, "/holdings", "as_of=soon", "cidr,asn\n192.0.2.0/24,1\n"); code != 400 || !strings.Contains(text, "This is no moment") {
		t.Errorf("got %d", code)
	}
	g := newGrounds(t)
	if w := g.visit(g.walker(t, access.AbuseDesk), "GET", "/holdings?asset=192.0.2.7", ""); w.Code != 403 {
		t.Errorf("who acts for a party looks up holdings: %d", w.Code)
	}
}

// TestLedgerPage: one thing is proven, and what who acts for a party sees is no more
// than the head.
func TestLedgerPage(t *testing.T) {
	g := newGrounds(t)
	incident := g.objects["own"]["incidents"]
	auditor := g.walker(t, access.Auditor)
	text := g.visit(auditor, "GET", "/ledger?thing="+incident, "").Body.String()
	wantWords(t, text, "Proof for the tree of", "hashes, from the leaf up", "incident opened", "None since the program started", g.desk.Verifier()[:20])
	wantWords(t, g.visit(auditor, "GET", "/ledger?thing=nothing", "").Body.String(), "This is no name of a thing")
	wantWords(t, g.visit(auditor, "GET", "/ledger?thing="+casebook.NewID(evening).Text("inc"), "").Body.String(), "No entry was found")
	if w := g.visit(auditor, "POST", "/ledger/audit", ""); w.Code != 303 {
		t.Errorf("got %d", w.Code)
	}
	g.desk.AwaitAudit(t.Context())
	wantWords(t, g.visit(auditor, "GET", "/ledger", "").Body.String(), "Nothing is altered, missing or extra.", "auditor, ")
	party := g.visit(g.walker(t, access.AbuseDesk), "GET", "/ledger?thing="+incident, "").Body.String()
	wantWords(t, party, "Newest checkpoint")
	for _, hidden := range []string{"Audit", "incident opened", "Entries</h2>", "person:"} {
		if strings.Contains(party, hidden) {
			t.Errorf("a party is shown %q", hidden)
		}
	}
}

// aSchedule is a law of a test with a draft of consequences.
const aSchedule = `id: cn-xx-2026
version: 1
name: Rules of a province, made for a test
date: "2026-01-01"
jurisdiction: CN
status: in_force
in_force: {from: "2026-01-01"}
zone: Asia/Shanghai
calendar: cn
confidence: text
sources: [a test]
who: {roles: [telecom_operator], article: art. 2, confidence: text}
recipients:
  branch: {name: the province's branch, role: provincial_authority}
grades:
  levels: [grave]
  rest: slight
  rules:
    - {id: many, level: grave, when: controlled_addresses_unique_24h >= 5000, article: art. 3, says: Five thousand addresses or more, confidence: text}
stages:
  - id: report
    name: Report
    article: art. 4
    grades: [grave]
    anchor: detection
    limits: [{limit: 1h, confidence: text}]
    to: {all_of: [branch]}
consequences:
  state: draft
  from: "2027-01-01"
  schedule:
    - {id: never, for: missed, stages: [report], amount: 50000, currency: CNY, article: draft art. 22}
examples:
  - {name: five thousand, facts: {controlled_addresses_unique_24h: 5000}, grade: grave, reach: reached}
  - {name: one fewer, facts: {controlled_addresses_unique_24h: 4999}, grade: none}
`

// TestScorecardsPage: entities and authorities stand on one page, each line narrows, and
// a draft is marked as one.
func TestScorecardsPage(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "cn-xx-2026.yaml"), []byte(aSchedule), 0o600); err != nil {
		t.Fatal(err)
	}
	now := evening
	d := openDesk(t, desk.Config{Regimes: folder, Now: func() time.Time { return now }})
	ctx := t.Context()
	for name, role := range map[string]string{"=North Access": "telecom_operator", "Bureau": "provincial_authority"} {
		if _, err := d.KeepParty(ctx, alice, casebook.Party{Name: name, Roles: []string{role}, Region: "CN-11", Own: true}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.OpenIncident(ctx, alice, desk.Opening{Category: casebook.BotnetIncident, Title: "Botnet", Facts: casebook.Facts{"controlled_addresses_unique_24h": casebook.NumberValue(1_200_000)}}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(48 * time.Hour)
	if _, err := d.WatchOnce(ctx, now); err != nil {
		t.Fatal(err)
	}
	h := trusted(d)
	text := page200(t, h, "/scorecards", "en")
	entities, own := part(t, text, "entities"), part(t, text, "own")
	wantWords(t, entities, ">=North Access<", "Report of an extremely serious incident", "2026-03", "Fell due")
	wantWords(t, own, ">Bureau<")
	if strings.Contains(entities, ">Bureau<") || strings.Contains(own, "North Access") {
		t.Errorf("lines stand in the wrong table:\n%s", text)
	}
	wantWords(t, part(t, text, "shadow"), "cn-xx-2026", "draft: nobody owes this", "50,000 CNY", "draft art. 22")
	wantWords(t, page200(t, h, "/scorecards?month=2026-02", "en"), "Nothing fell due.")
	lines := func(query string) int {
		return len(read[page[score]](t, ask(h, "GET", "/scorecards"+query, nil, "Accept", "application/json"), 200).Items)
	}
	if all, one := lines("?month=all"), lines("?regime=cn-xx-2026&stage=cn-xx-2026+report"); one != 1 || all <= one {
		t.Errorf("%d lines, %d of one duty", all, one)
	}
	w := ask(h, "GET", "/scorecards?format=csv&regime=cn-xx-2026", nil)
	rows, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][0] != "'=North Access" || rows[1][9] != "1" || !strings.Contains(w.Header().Get("Content-Disposition"), "scorecard-2026-03.csv") {
		t.Errorf("got %v (%v) as %v", rows, err, w.Header())
	}
	wantProblem(t, ask(h, "GET", "/scorecards?month=February", nil, "Accept", "application/json"), 400, "a month is written as 2026-11")
	if !regexp.MustCompile(`<option value="2026-03" selected>`).MatchString(text) {
		t.Error("this month isn't chosen")
	}
}
