package web

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
)

// stillGuide is a demonstration in which nothing moves.
type stillGuide struct{ steered []string }

func (*stillGuide) Scene(language string) Scene {
	return Scene{State: "playing", At: time.Date(2026, 11, 2, 19, 7, 0, 0, time.UTC), Zone: "Asia/Shanghai", Speed: 60, Pace: "×1", Number: 2, Of: 3, Title: "The night in " + language,
		Text: []string{"It grows."}, Law: "art. 1", Who: Seat{Account: "wang", Name: "Wang", Role: access.Officer, Party: "Centre"}, Page: "/incidents", Next: "The morning",
		Past: []SceneLine{{Text: "It began.", Page: "/threats"}}, Letters: []SceneLetter{{To: "duty@centre.example", Subject: "Called"}}, Seats: []Seat{{Account: "wang", Name: "Wang", Role: access.Officer, Party: "Centre"}}}
}

func (*stillGuide) Password(account string) (string, bool) { return goodPassword, account == "wang" }

func (g *stillGuide) Steer(order string) error {
	if !slices.Contains(Steers, order) {
		return fmt.Errorf("%q: %w", order, casebook.ErrInvalid)
	}
	g.steered = append(g.steered, order)
	return nil
}

// A platform that serves has nothing of a demonstration, whoever asks.
func TestNoGuideWhereNothingIsDemonstrated(t *testing.T) {
	d := openDesk(t, desk.Config{})
	h := New(d, Options{Trusted: true})
	for _, route := range [][2]string{{"GET", "/demo"}, {"POST", "/demo/seat"}, {"POST", "/demo/steer"}} {
		if w := ask(h, route[0], route[1], nil); w.Code != 404 {
			t.Errorf("%s %s: got %d, want 404", route[0], route[1], w.Code)
		}
	}
	if page := ask(h, "GET", "/", nil, "Accept", "text/html").Body.String(); strings.Contains(page, "guide") || strings.Contains(page, "data-speed") {
		t.Error("the first page speaks of a guide")
	}
}

func TestGuide(t *testing.T) {
	d, g := openDesk(t, desk.Config{}), &stillGuide{}
	h := New(d, Options{Loopback: true, Guide: g})
	if _, err := d.AddUser(t.Context(), casebook.Actor{Kind: casebook.Machine, Name: "setup"}, desk.NewUser{Name: "wang", Password: goodPassword, Roles: []string{access.Officer}}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/": "/demo", "/incidents": "/signin?next=%2Fincidents"} {
		if w := ask(h, "GET", path, nil, "Accept", "text/html"); w.Code != 303 || w.Header().Get("Location") != want {
			t.Errorf("%s leads who sits nowhere to %d %q, want %q", path, w.Code, w.Header().Get("Location"), want)
		}
	}
	if page := ask(h, "GET", "/signin", nil, "Accept", "text/html").Body.String(); strings.Contains(page, `name="password"`) || !strings.Contains(page, "Nobody needs a password here") {
		t.Error("the door of a demonstration asks for a password that nobody has")
	}
	send := func(path, host, form, cookie string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", path, strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Cookie", cookie)
		r.Host, r.RemoteAddr = host, "127.0.0.1:7"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for lang, want := range map[string]string{"en": "scene 2 of 3", "zh": "第 2 幕"} {
		page := ask(h, "GET", "/demo?lang="+lang, nil, "Accept", "text/html").Body.String()
		for _, text := range []string{"The night in " + lang, want, `data-speed="60"`, "It began.", "Called", "03:07:00"} {
			if !strings.Contains(page, text) {
				t.Errorf("%s: the page doesn't say %q", lang, text)
			}
		}
	}
	for _, c := range []struct {
		name, host, form string
		want             int
	}{
		{"somebody of the country", "127.0.0.1:8080", "account=wang&next=/incidents", 303},
		{"nobody of the country", "127.0.0.1:8080", "account=root", 404},
		{"by a name that was made to point here", "evil.example", "account=wang", 404},
	} {
		if w := send("/demo/seat", c.host, c.form, ""); w.Code != c.want {
			t.Errorf("%s: got %d, want %d", c.name, w.Code, c.want)
		}
	}
	in := send("/demo/seat", "127.0.0.1:8080", "account=wang&next=https://evil.example/", "")
	if to := in.Header().Get("Location"); to != "/" {
		t.Errorf("signing in leads to %q", to)
	}
	if to := send("/demo/seat", "127.0.0.1:8080", "account=wang&next=%2Fsignin%3Fnext%3D%252Fincidents%252Fx", "").Header().Get("Location"); to != "/incidents/x" {
		t.Errorf("signing in at the door leads to %q", to)
	}
	cookie := strings.Split(in.Header().Get("Set-Cookie"), ";")[0]
	r := httptest.NewRequest("GET", "/incidents", nil)
	r.Header.Set("Cookie", cookie)
	r.Header.Set("Accept", "text/html")
	r.Host = "127.0.0.1:8080"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if page := w.Body.String(); w.Code != 200 || !strings.Contains(page, "You sit at this desk") || !strings.Contains(page, "The night in en") {
		t.Errorf("signed in by a button: got %d, %s", w.Code, clipped(w.Body))
	}
	if w := send("/demo/steer", "127.0.0.1:8080", "order=pause&next=/demo", cookie); w.Code != 303 || !slices.Equal(g.steered, []string{"pause"}) {
		t.Errorf("a pause: got %d, steered %q", w.Code, g.steered)
	}
	if w := send("/demo/steer", "127.0.0.1:8080", "order=rewind", cookie); w.Code != 400 {
		t.Errorf("an order that no story knows: got %d", w.Code)
	}
}
