package web

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
)

// fallen is a desk on which two parties each missed a report, with somebody of each.
func fallen(t *testing.T, now *time.Time) *desk.Desk {
	d := openDesk(t, desk.Config{Now: func() time.Time { return *now }})
	ctx := t.Context()
	for _, name := range []string{"North", "South"} {
		p, err := d.KeepParty(ctx, alice, casebook.Party{Name: name, Roles: []string{"telecom_operator"}, Region: "CN-11", Own: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.OpenIncident(ctx, alice, desk.Opening{Category: casebook.BotnetIncident, Title: "Botnet at " + name, Party: p.ID, Facts: casebook.Facts{"controlled_addresses_unique_24h": casebook.NumberValue(1_200_000)}}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.AddUser(ctx, alice, desk.NewUser{Name: strings.ToLower(name), Password: goodPassword, Roles: []string{access.AbuseDesk}, Party: p.ID}); err != nil {
			t.Fatal(err)
		}
	}
	for name, role := range map[string]string{"li": access.Supervisor, "wang": access.Officer} {
		if _, err := d.AddUser(ctx, alice, desk.NewUser{Name: name, Password: goodPassword, Roles: []string{role}}); err != nil {
			t.Fatal(err)
		}
	}
	*now = now.Add(48 * time.Hour)
	if _, err := d.WatchOnce(ctx, *now); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDisputeAScore: a party sees its own draft and objects to a line of it, another
// party sees nothing of that, and somebody else decides with reasons; when the line is
// final, nobody objects any more.
func TestDisputeAScore(t *testing.T) {
	now := evening
	d := fallen(t, &now)
	h := New(d, Options{Loopback: true})
	as := func(name string) func(method, target, form string) *httptest.ResponseRecorder {
		key := personKey(t, d, name)
		return func(method, target, form string) *httptest.ResponseRecorder {
			headers := []string{"Authorization", "Bearer " + key, "Accept", "text/html"}
			if method == "POST" {
				headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
			}
			return ask(h, method, target, strings.NewReader(form), headers...)
		}
	}
	north, south, li := as("north"), as("south"), as("li")
	shown := north("GET", "/scorecards", "").Body.String()
	if !strings.Contains(shown, ">draft<") || strings.Contains(shown, "South") || strings.Contains(shown, "Decide on an objection") {
		t.Fatalf("north's draft:\n%s", shown)
	}
	line := shown[strings.Index(shown, `<option value="pty_`)+len(`<option value="`):]
	line = line[:strings.Index(line, `"`)]
	said := "The portal was down.\nSee their notice 7."
	for name, c := range map[string]struct{ form, want string }{
		"nothing said": {"line=" + url.QueryEscape(line), "This is needed."},
		"no line":      {"line=pty_x&text=" + url.QueryEscape(said), "The portal was down."},
	} {
		if w := north("POST", "/scorecards/disputes?month=2026-03", c.form); w.Code != 400 || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: got %d\n%s", name, w.Code, part(t, w.Body.String(), "disputes"))
		}
	}
	objection := url.Values{"line": {line}, "text": {said}}.Encode()
	if w := south("POST", "/scorecards/disputes?month=2026-03", objection); w.Code != 404 {
		t.Errorf("another party's line: got %d", w.Code)
	}
	if w := north("POST", "/scorecards/disputes?month=2026-03", objection); w.Code != 303 || w.Header().Get("Location") != "/scorecards?done=dispute&month=2026-03#disputes" {
		t.Fatalf("got %d to %s\n%s", w.Code, w.Header().Get("Location"), w.Body)
	}
	if w := north("POST", "/scorecards/disputes?month=2026-03", objection); w.Code != 409 {
		t.Errorf("the same again: got %d", w.Code)
	}
	if page := south("GET", "/scorecards", "").Body.String(); strings.Contains(page, "portal was down") {
		t.Error("another party reads it")
	}
	if page := li("GET", "/", "").Body.String(); !strings.Contains(page, "Decide on the objection of North") {
		t.Errorf("it waits for nobody:\n%s", page)
	}
	one := read[page[dispute]](t, ask(h, "GET", "/api/v1/disputes?open=true&month=2026-03", nil, "Authorization", "Bearer "+personKey(t, d, "li")), 200).Items
	if len(one) != 1 || one[0].State != "open" || one[0].Text != said || one[0].By != "person:north" || one[0].Party != "North" {
		t.Fatalf("got %+v", one)
	}
	if w := north("POST", "/scorecards/decisions", "dispute="+one[0].ID+"&decision=upheld&reason=mine"); w.Code != 403 {
		t.Errorf("the party decides itself: got %d", w.Code)
	}
	decision := url.Values{"dispute": {one[0].ID}, "decision": {"upheld"}, "reason": {"Their notice says so."}}
	if w := li("POST", "/scorecards/decisions?month=2026-03", "dispute="+one[0].ID+"&decision=upheld"); w.Code != 400 || !strings.Contains(w.Body.String(), "This is needed.") {
		t.Errorf("a decision without a reason: got %d", w.Code)
	}
	if w := li("POST", "/scorecards/decisions?month=2026-03", decision.Encode()); w.Code != 303 {
		t.Fatalf("got %d\n%s", w.Code, w.Body)
	}
	if w := li("POST", "/scorecards/decisions?month=2026-03", decision.Encode()); w.Code != 409 {
		t.Errorf("decided twice: got %d", w.Code)
	}
	text := part(t, north("GET", "/scorecards", "").Body.String(), "disputes")
	wantWords(t, text, "upheld", "The portal was down.\nSee their notice 7.", "Their notice says so.", "li")
	now = now.AddDate(0, 0, 40)
	north = as("north")
	if page := north("GET", "/scorecards?month=2026-03", "").Body.String(); strings.Contains(page, ">draft<") || strings.Contains(page, "Object to a line") {
		t.Error("after forty days the line is a draft")
	}
	if w := north("POST", "/scorecards/disputes?month=2026-03", objection); w.Code != 409 {
		t.Errorf("a final line: got %d", w.Code)
	}
}

// TestWhoDisputedDoesNotDecide: the platform's own people write down what a party told
// them, and another one decides.
func TestWhoDisputedDoesNotDecide(t *testing.T) {
	now := evening
	d := fallen(t, &now)
	h := New(d, Options{Loopback: true})
	key := personKey(t, d, "li")
	send := func(target, body string) *httptest.ResponseRecorder {
		return ask(h, "POST", target, strings.NewReader(body), "Authorization", "Bearer "+key, "Content-Type", "application/json")
	}
	score := read[page[score]](t, ask(h, "GET", "/api/v1/scorecards?month=2026-03", nil, "Authorization", "Bearer "+key), 200).Items[0]
	if !score.Draft || !score.FinalFrom.Equal(time.Date(2026, 4, 11, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("got %+v", score)
	}
	body := `{"party_id":"` + score.PartyID + `","region":"CN-11","regime":"` + score.Regime + `","stage":"` + score.Stage + `","month":"2026-03","text":"told by telephone"}`
	made := read[dispute](t, send("/api/v1/disputes", body), 201)
	wantProblem(t, send("/api/v1/disputes/"+made.ID+"/decision", `{"decision":"rejected","reason":"no"}`), 403, "another person decides")
	wantProblem(t, send("/api/v1/disputes", strings.Replace(body, "told by telephone", " ", 1)), 400, "say what is wrong with the line")
	wantProblem(t, send("/api/v1/disputes", strings.Replace(body, "CN-11", "CN-31", 1)), 404, "that you may see")
}

// personKey makes a key by which a program acts as a person.
func personKey(t *testing.T, d *desk.Desk, name string) string {
	t.Helper()
	_, secret, err := d.AddKey(t.Context(), alice, casebook.AccessKey{Name: "laptop", User: name})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}
