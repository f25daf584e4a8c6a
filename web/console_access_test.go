package web

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"tocsin/access"
	"tocsin/casebook"
)

// visit asks for a page, or sends a form to it, as a walker with a browser.
func (g *grounds) visit(w walker, method, path, form string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost:8080"+path, strings.NewReader(form))
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("Accept", "text/html")
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(w.headers); i += 2 {
		r.Header.Set(w.headers[i], w.headers[i+1])
	}
	answer := httptest.NewRecorder()
	g.handler.ServeHTTP(answer, r)
	return answer
}

func (g *grounds) walker(t *testing.T, name string) walker {
	t.Helper()
	i := slices.IndexFunc(g.walkers, func(w walker) bool { return w.name == name })
	if i < 0 {
		t.Fatalf("nobody is called %s", name)
	}
	return g.walkers[i]
}

// TestPagesShowWhatTheirReaderMayDo: nobody who is signed in is asked for a name, and
// forms and places are those of the table of permissions.
func TestPagesShowWhatTheirReaderMayDo(t *testing.T) {
	g := newGrounds(t)
	theCase := "/incidents/" + g.objects["own"]["incidents"]
	for _, c := range []struct {
		who, path string
		has       []string
		hasnt     []string
	}{
		{access.Officer, theCase, []string{"/note#note", "/grade#grade", `href="/outbox"`, ">officer</span>"}, []string{`name="as"`}},
		{access.Officer, "/parties", nil, []string{`method="post" action="/parties`}},
		{access.Officer, "/", []string{`href="/incidents/new"`}, nil},
		{access.Administrator, theCase, nil, []string{"/note#note", "/grade#grade"}},
		{access.Administrator, "/parties", []string{`method="post" action="/parties`}, []string{`name="as"`}},
		{access.Analyst, theCase, nil, []string{"/note#note", "/grade#grade", `href="/outbox"`}},
		{access.Analyst, "/incidents", nil, []string{`href="/incidents/new"`}},
		{access.AbuseDesk, theCase, nil, []string{"/note#note", `href="/outbox"`, `href="/incidents/new"`}},
		{access.AbuseDesk, "/", nil, []string{"tocsin party add", `href="/incidents/new"`, "--contact"}},
	} {
		answer := g.visit(g.walker(t, c.who), "GET", c.path, "")
		if answer.Code != http.StatusOK {
			t.Errorf("%s at %s: %d", c.who, c.path, answer.Code)
		}
		for _, text := range c.has {
			if !strings.Contains(answer.Body.String(), text) {
				t.Errorf("%s at %s isn't shown %q", c.who, c.path, text)
			}
		}
		for _, text := range c.hasnt {
			if strings.Contains(answer.Body.String(), text) {
				t.Errorf("%s at %s is shown %q", c.who, c.path, text)
			}
		}
	}
}

// TestWhoIsSignedInActsAsThemselves: a form carries no name, and takes none but the
// signer's own.
func TestWhoIsSignedInActsAsThemselves(t *testing.T) {
	g := newGrounds(t)
	officer, path := g.walker(t, access.Officer), "/incidents/"+g.objects["own"]["incidents"]+"/note"
	if answer := g.visit(officer, "POST", path, "text=called+back&zone=UTC"); answer.Code != http.StatusSeeOther || slices.ContainsFunc(answer.Result().Cookies(), func(c *http.Cookie) bool { return c.Name == nameCookie }) {
		t.Errorf("got %d with %v", answer.Code, answer.Result().Cookies())
	}
	if answer := g.visit(officer, "POST", path, "text=as+another&zone=UTC&as=li"); answer.Code != http.StatusForbidden {
		t.Errorf("an officer writes as li: %d", answer.Code)
	}
	log, err := g.desk.Reader(casebook.Operator()).Anchors(t.Context(), parsed(t, casebook.IncidentPrefix, g.objects["own"]["incidents"]))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(log, func(a casebook.Anchor) bool { return a.Note == "called back" })
	if i < 0 || log[i].By != "person:officer" || slices.ContainsFunc(log, func(a casebook.Anchor) bool { return a.Note == "as another" }) {
		t.Errorf("the log holds %+v", log)
	}
}

// TestAPartyIsShownWhatWasFiled, and not what has been written or learnt since.
func TestAPartyIsShownWhatWasFiled(t *testing.T) {
	g := newGrounds(t)
	path := "/api/v1/reports/" + g.objects["own"]["reports"]
	local := New(g.desk, Options{Trusted: true})
	if answer := ask(local, "PUT", path, strings.NewReader(`{"as":"wang","fields":[{"id":"overview","value":"not filed yet"}]}`), "Content-Type", "application/json"); answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), "not filed yet") {
		t.Fatal(answer.Code, answer.Body)
	}
	answer := g.visit(g.walker(t, access.AbuseDesk), "GET", path, "")
	shown := read[wholeFiling](t, answer, http.StatusOK)
	if len(shown.Fields) == 0 || len(shown.Versions) == 0 || len(shown.Lacks) != 0 || strings.Contains(answer.Body.String(), "not filed yet") {
		t.Errorf("the party is shown %s", clipped(answer.Body))
	}
}
