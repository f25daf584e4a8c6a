package web

import (
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// adminLists are the words of the lists on the pages of those who run the platform.
func adminLists() map[string][]string {
	return map[string][]string{
		"contact.kind":    contactKinds,
		"contact.channel": {"mail", "web", "other"},
		"user.role":       access.Roles(),
		"user.about":      access.Roles(),
		"entry.kind":      entryKinds(),
		"import.state":    {"running", "in_force", "given_up"},
		"rule":            {"gather", "judge", "compile", "verify"},
		"machine":         {"migrate", "setup"},
		"audit.is":        {"altered", "missing", "extra", "fork", "rollback"},
		"outbox.what":     {"call", "report", "order"},
		"key.scope":       access.Scopes(),
		"key.about":       access.Scopes(),
	}
}

// written finds the kind of entry in what a station calls.
var written = regexp.MustCompile(`(?:Work\{Kind: |d\.(?:act|change|onOrder|own)\([^"\n]*)"([a-z_ ]+)"|kind := "([a-z_ ]+)"`)

// entryKinds gives the kinds of entries that the stations write, read from the sources,
// so that none is forgotten.
func entryKinds() []string {
	var kinds []string
	for _, folder := range []string{"../desk/*.go", "../store/*.go"} {
		files, err := filepath.Glob(folder)
		if err != nil {
			panic(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				panic(err)
			}
			for _, m := range written.FindAllStringSubmatch(string(text), -1) {
				if one := strings.ReplaceAll(m[1]+m[2], " ", "_"); !strings.HasPrefix(one, "_") && !strings.HasSuffix(file, "_test.go") && !slices.Contains(kinds, one) {
					kinds = append(kinds, one)
				}
			}
		}
	}
	for _, act := range dutyActs {
		kinds = append(kinds, act+"_duty")
	}
	return kinds
}

// adminPages lists the addresses of these pages.
func adminPages(t *testing.T, d *desk.Desk) []string {
	t.Helper()
	all := []string{"/people", "/keys", "/account", "/feeds", "/deliveries", "/deliveries?state=folded&feed=feodo&bad=yes", "/holdings", "/holdings?asset=192.0.2.7", "/holdings?asset=nothing",
		"/ledger", "/ledger?thing=nothing", "/ledger?cursor=2", "/scorecards", "/scorecards?month=all", "/parties?q=x&role=hosting"}
	parties, err := d.Reader(casebook.Operator()).Parties(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines, err := d.Reader(casebook.Operator()).OutboxPage(t.Context(), store.OutboxFilter{}, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range lines {
		all = append(all, "/outbox/"+o.MessageID)
	}
	for _, p := range parties {
		all = append(all, "/parties/"+p.ID.Text("pty"), "/parties/"+p.ID.Text("pty")+"?at=2026-03-02T00:00&q=net")
	}
	return all
}

// TestPartyPage: who a party is, where it is reached and what it held; its contacts come
// and go, and it ends with a successor.
func TestPartyPage(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	importTable(t, b.Desk, "registry", "cidr,asn,holder,region,party\n192.0.2.0/24,64500,Example Net,CN-11,North Access\n198.51.100.0/25,64501,Other Net,CN-31,North Access\n", time.Time{})
	all, err := b.Reader(casebook.Operator()).Parties(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	address := "/parties/" + all[0].ID.Text("pty")
	wantWords(t, page200(t, h, "/parties", "en"), `href="`+address+`"`, "North Access")
	text := page200(t, h, address, "en")
	wantWords(t, text, "North Access", "basic telecom operator", "CN-11", "as its seat", "No 24-hour contact is on file", "192.0.2.0/24", "AS64500", "registry", "How it met its duties")
	for query, want := range map[string]int{"": 2, "?q=192.0.2.7": 1, "?q=other": 1, "?at=2020-01-01T00:00": 2, "?q=nothing": 0} {
		if got := strings.Count(part(t, page200(t, h, address+query, "en"), "holdings"), `<th scope="row"`); got != want {
			t.Errorf("holdings%s: got %d, want %d", query, got, want)
		}
	}
	wantWords(t, page200(t, h, address+"?at=yesterday", "en"), "This is no moment in that zone.")

	refused(t, h, address+"/contacts", url.Values{"as": {"alice"}, "for": {"duty"}, "target": {"exec:/bin/sh"}}, 400, "This is no address.", "exec:/bin/sh")
	text = sent(t, h, address+"/contacts", url.Values{"as": {"alice"}, "for": {"duty"}, "target": {"noc@north.example"}})
	wantWords(t, text, "The contact is on file.", "24-hour contact", "noc@north.example")
	if strings.Contains(text, "Nobody is on file") {
		t.Error("the 24-hour contact isn't seen")
	}
	sent(t, h, address+"/contacts", url.Values{"as": {"alice"}, "for": {"orders"}, "target": {"https://user:swordfish@north.example/in?key=swordfish"}})
	text = page200(t, h, address, "en")
	if strings.Contains(text, "swordfish") || !strings.Contains(text, "https://north.example/…") {
		t.Errorf("a secret is shown, or the contact isn't:\n%s", part(t, text, "contacts"))
	}
	key := regexp.MustCompile(`name="for" value="orders"><input type="hidden" name="key" value="([^"]+)"`).FindStringSubmatch(text)
	if key == nil {
		t.Fatal("no way to end the contact")
	}
	refused(t, h, address+"/contacts/end", url.Values{"as": {"alice"}, "for": {"orders"}, "key": {"another"}}, 400)
	if text = sent(t, h, address+"/contacts/end", url.Values{"as": {"alice"}, "for": {"orders"}, "key": {key[1]}}); !strings.Contains(text, "The contact has ended") || strings.Contains(text, "https://north.example") {
		t.Errorf("the contact is there still:\n%s", part(t, text, "contacts"))
	}

	refused(t, h, address, url.Values{"as": {"alice"}, "region": {"nowhere"}, "network_region": {"CN-31"}}, 400, "Write a country", `value="CN-31"`, "This is needed.")
	text = sent(t, h, address, url.Values{"as": {"alice"}, "region": {"CN-11"}, "network_region": {"cn-31"}, "role": {"telecom_operator", "access_provider"}, "own": {"yes"}, "from": {"2020-01-01T00:00"}})
	wantWords(t, text, "North Access is kept.", "CN-31", "access provider", "1 Jan 2020")

	sent(t, h, "/parties", url.Values{"as": {"alice"}, "name": {"South Access"}, "region": {"CN-31"}, "role": {"access_provider"}})
	all, err = b.Reader(casebook.Operator()).Parties(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	refused(t, h, address+"/end", url.Values{"as": {"alice"}, "to": {"2019-01-01T00:00"}}, 400, "end before it began")
	text = sent(t, h, address+"/end", url.Values{"as": {"alice"}, "to": {"2026-03-01T00:00"}, "successor": {all[1].ID.Text("pty")}})
	wantWords(t, text, "The party has ended.", `href="/parties/`+all[1].ID.Text("pty")+`">South Access`, "1 Mar 2026")
	if got := page200(t, h, "/parties?q=south", "en"); strings.Contains(got, ">North Access<") || !strings.Contains(got, ">South Access<") {
		t.Error("the search finds others")
	}
}

// TestPartiesByPages: a thousand parties come page by page.
func TestPartiesByPages(t *testing.T) {
	all := make([]casebook.Party, 250)
	for i := range all {
		all[i].ID = casebook.NewID(evening)
	}
	q, seen := url.Values{"role": {"hosting"}}, 0
	for pages := 1; ; pages++ {
		list, next := cutPage(all, q, func(p casebook.Party) string { return p.ID.Text(casebook.PartyPrefix) })
		seen += len(list)
		if next == "" {
			if seen != 250 || pages != 3 {
				t.Errorf("%d parties on %d pages", seen, pages)
			}
			break
		}
		if !strings.Contains(next, "role=hosting") {
			t.Errorf("the next page forgets what was asked: %s", next)
		}
		q, _ = url.ParseQuery(next[1:])
	}
}

// TestPeople: somebody is added by a link that they use once, gets other roles, another
// link, and is disabled.
func TestPeople(t *testing.T) {
	g := newGrounds(t)
	admin := g.walker(t, access.Administrator)
	post := func(path string, fields url.Values, want int, words ...string) string {
		t.Helper()
		w := g.visit(admin, "POST", path, fields.Encode())
		if w.Code != want {
			t.Fatalf("%s: got %d, want %d\n%s", path, w.Code, want, w.Body)
		}
		wantWords(t, w.Body.String(), words...)
		return w.Body.String()
	}
	post("/people", url.Values{"name": {"chen"}}, 400, "This is needed.", `value="chen"`)
	post("/people", url.Values{"name": {"chen"}, "role": {access.Officer}, "party": {g.parties["own"].Text("pty")}}, 400, "People of a party have the role abuse desk")
	post("/people", url.Values{"name": {"two words"}, "role": {access.Officer}}, 400, "is none for an account")
	made := post("/people", url.Values{"name": {"chen"}, "role": {access.Officer}}, 201, "chen has a link", "invited")
	link := regexp.MustCompile(`value="http://localhost:8080(/join\?token=tci_[A-Z2-7]+)"`).FindStringSubmatch(made)
	if link == nil {
		t.Fatalf("no link in\n%s", made)
	}
	post("/people", url.Values{"name": {"chen"}, "role": {access.Officer}}, 409, "there is an account chen already")
	people, err := g.desk.Reader(casebook.Operator()).Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var chen casebook.User
	for _, u := range people {
		if u.Name == "chen" {
			chen = u
		}
	}
	if again := g.visit(admin, "GET", "/people/"+chen.ID.Text("usr"), "").Body.String(); strings.Contains(again, "tci_") {
		t.Error("the link is shown twice")
	}
	nobody := walker{}
	join := func(token, password, again string) *httptest.ResponseRecorder {
		return g.visit(nobody, "POST", "/join", url.Values{"token": {token}, "password": {password}, "again": {again}}.Encode())
	}
	_, token, _ := strings.Cut(link[1], "token=")
	if w := g.visit(nobody, "GET", link[1], ""); w.Code != 200 || !strings.Contains(w.Body.String(), "You sign in as chen") {
		t.Errorf("got %d", w.Code)
	}
	for _, c := range []struct{ password, again, want string }{{"short", "short", "At least 15 characters"}, {goodPassword, "other", "The two passwords differ"}, {strings.Repeat("chen", 5), strings.Repeat("chen", 5), "guessed too soon"}} {
		if w := join(token, c.password, c.again); w.Code != 400 || !strings.Contains(w.Body.String(), c.want) || strings.Contains(w.Body.String(), `"`+c.password+`"`) {
			t.Errorf("%s: got %d", c.want, w.Code)
		}
	}
	if w := join(token, goodPassword, goodPassword); w.Code != 303 {
		t.Errorf("got %d", w.Code)
	}
	if w := join(token, goodPassword, goodPassword); w.Code != 404 {
		t.Errorf("the link a second time: %d", w.Code)
	}
	secret, _, err := g.desk.SignIn(t.Context(), "chen", goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	one := "/people/" + chen.ID.Text("usr")
	post(one+"/roles", url.Values{"role": {access.Analyst, access.Auditor}}, 303)
	wantWords(t, g.visit(admin, "GET", one, "").Body.String(), "analyst", "reads everything, accounts and keys among it")
	post(one+"/roles", url.Values{}, 400, "This is needed.")
	post(one+"/reset", url.Values{}, 201, "chen has a link", "tci_")
	if _, err := g.desk.BySession(t.Context(), secret); err == nil {
		t.Error("after a reset the session is good still")
	}
	post(one+"/disable", url.Values{}, 303)
	wantWords(t, g.visit(admin, "GET", one, "").Body.String(), "Enable again", "disabled")
	post(one+"/reset", url.Values{}, 409, "is disabled: enable it first")
	post(one+"/enable", url.Values{}, 303)
}

// TestKeysPage: a secret is shown once, and a revoked key stays on the list.
func TestKeysPage(t *testing.T) {
	g := newGrounds(t)
	admin := g.walker(t, access.Administrator)
	post := func(path string, fields url.Values) *httptest.ResponseRecorder {
		return g.visit(admin, "POST", path, fields.Encode())
	}
	for _, c := range []struct {
		fields url.Values
		want   string
	}{
		{url.Values{"name": {"sensor"}}, "needs at least one"},
		{url.Values{"name": {"sensor"}, "scope": {"read"}, "user": {"officer"}}, "choose none"},
		{url.Values{"name": {"sensor"}, "scope": {"read"}, "expires": {"2020-01-01T00:00"}}, "This moment is past"},
		{url.Values{"scope": {"read"}}, "This is needed"},
	} {
		if w := post("/keys", c.fields); w.Code != 400 || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%v: got %d", c.fields, w.Code)
		}
	}
	w := post("/keys", url.Values{"name": {"sensor-north"}, "scope": {"deliver", "read"}, "party": {g.parties["own"].Text("pty")}})
	secret := regexp.MustCompile(`value="(tck_[A-Z2-7]+)"`).FindStringSubmatch(w.Body.String())
	if w.Code != 201 || secret == nil {
		t.Fatalf("got %d\n%s", w.Code, w.Body)
	}
	p, err := g.desk.ByKey(t.Context(), secret[1])
	if err != nil || p.Actor.Name != "sensor-north" || p.Party != g.parties["own"] {
		t.Errorf("got %+v (%v)", p, err)
	}
	text := g.visit(admin, "GET", "/keys", "").Body.String()
	if strings.Contains(text, secret[1]) {
		t.Error("the secret is shown twice")
	}
	id := regexp.MustCompile(`action="/keys/(key_[a-z0-9]+)/revoke"><button type="submit">Revoke<span class="sr"> sensor-north<`).FindStringSubmatch(text)
	if id == nil {
		t.Fatalf("no way to revoke it in\n%s", text)
	}
	if w := post("/keys/"+id[1]+"/revoke", nil); w.Code != 303 {
		t.Errorf("got %d", w.Code)
	}
	if _, err := g.desk.ByKey(t.Context(), secret[1]); err == nil {
		t.Error("the revoked key is good still")
	}
	if w := post("/keys/"+id[1]+"/revoke", nil); w.Code != 409 {
		t.Errorf("revoked twice: %d", w.Code)
	}
	if text := g.visit(g.walker(t, access.Auditor), "GET", "/keys", "").Body.String(); strings.Contains(text, "<form class=\"page\"") || !strings.Contains(text, "sensor-north") {
		t.Error("an auditor is offered what only an administrator may, or doesn't see keys")
	}
}

// TestAccountPage: one's own password and sessions.
func TestAccountPage(t *testing.T) {
	g := newGrounds(t)
	officer := g.walker(t, access.Officer)
	elsewhere, _, err := g.desk.SignIn(t.Context(), access.Officer, goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	wantWords(t, g.visit(officer, "GET", "/account", "").Body.String(), "this browser", "another browser", "Sign out everywhere else", "works on cases")
	if w := g.visit(officer, "POST", "/account/elsewhere", ""); w.Code != 303 {
		t.Errorf("got %d", w.Code)
	}
	if _, err := g.desk.BySession(t.Context(), elsewhere); err == nil {
		t.Error("the other browser is signed in still")
	}
	if text := g.visit(officer, "GET", "/account", "").Body.String(); strings.Contains(text, "another browser") || !strings.Contains(text, "this browser") {
		t.Error("this browser was signed out, or the other one wasn't")
	}
	change := func(old, password, again string) *httptest.ResponseRecorder {
		return g.visit(officer, "POST", "/account/password", url.Values{"old": {old}, "password": {password}, "again": {again}}.Encode())
	}
	const next = "nine grey owls turned"
	for _, c := range []struct{ old, password, again, want string }{
		{goodPassword, "short", "short", "At least 15 characters"}, {goodPassword, next, "other", "The two passwords differ"}, {"wrong", next, next, "the password until now"},
		{"", next, next, "This is needed."},
	} {
		if w := change(c.old, c.password, c.again); w.Code != 400 || !strings.Contains(w.Body.String(), strings.ReplaceAll(c.want, "'", "&#39;")) || strings.Contains(w.Body.String(), next) {
			t.Errorf("%s: got %d", c.want, w.Code)
		}
	}
	if w := change(goodPassword, next, next); w.Code != 303 || w.Header().Get("Location") != "/signin" {
		t.Errorf("got %d to %s", w.Code, w.Header().Get("Location"))
	}
	if _, _, err := g.desk.SignIn(t.Context(), access.Officer, next); err != nil {
		t.Errorf("the new password: %v", err)
	}
	machine := g.walker(t, "key read of ")
	wantWords(t, g.visit(machine, "GET", "/account", "").Body.String(), "machine:key-read", "no person")
}
