package web

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
)

// submit sends a form as a browser on this machine does.
func submit(h http.Handler, target string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "http://localhost:8080"+target, strings.NewReader(form.Encode()))
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func browse(h http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://localhost:8080"+target, nil)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("Accept", "text/html")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func cookieOf(t *testing.T, w *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	all := w.Result().Cookies()
	if len(all) != 1 {
		t.Fatalf("got the cookies %v in %d %s", all, w.Code, w.Body)
	}
	return all[0]
}

// TestTheFirstAccountAndWhatFollows: until there is an account loopback is the
// operator's; the link makes the first one, once; from then on people sign in.
func TestTheFirstAccountAndWhatFollows(t *testing.T) {
	d := openDesk(t, desk.Config{})
	h := New(d, Options{Key: key, Loopback: true, Setup: "tcu_TOKEN"})
	if w := browse(h, "/"); w.Code != 200 {
		t.Fatalf("before there are accounts: %d", w.Code)
	}
	for _, token := range []string{"", "tcu_OTHER"} {
		if w := browse(h, "/setup?token="+token); w.Code != 404 {
			t.Errorf("the token %q: got %d", token, w.Code)
		}
	}
	if w := browse(h, "/setup?token=tcu_TOKEN", "Accept-Language", "zh"); w.Code != 200 || !strings.Contains(w.Body.String(), "第一个账号") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	form := func(name, password, again string) url.Values {
		return url.Values{"token": {"tcu_TOKEN"}, "name": {name}, "password": {password}, "again": {again}}
	}
	for name, f := range map[string]url.Values{"another password": form("alice", goodPassword, goodPassword+"!"), "a short one": form("alice", "short", "short"), "no name": form("", goodPassword, goodPassword)} {
		if w := submit(h, "/setup", f); w.Code != 400 || strings.Contains(w.Body.String(), goodPassword) {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
	}
	if w := submit(h, "/setup", form("alice", goodPassword, goodPassword), "Origin", "https://evil.example"); w.Code != 403 {
		t.Errorf("a form of another site: got %d", w.Code)
	}
	if w := submit(h, "/setup", form("alice", goodPassword, goodPassword)); w.Code != 303 || w.Header().Get("Location") != "/signin" {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if w := submit(h, "/setup", form("mallory", goodPassword, goodPassword)); w.Code != 404 {
		t.Errorf("the link again: got %d", w.Code)
	}

	w := browse(h, "/threats/x?from=2")
	if w.Code != 303 || w.Header().Get("Location") != "/signin?next=%2Fthreats%2Fx%3Ffrom%3D2" {
		t.Errorf("a page without a session: got %d %s", w.Code, w.Header().Get("Location"))
	}
	wantProblem(t, browse(h, "/api/v1/status"), 401, "sign in")
	in := submit(h, "/signin", url.Values{"name": {" alice "}, "password": {goodPassword}, "next": {"/threats/x?from=2"}})
	c := cookieOf(t, in)
	if in.Code != 303 || in.Header().Get("Location") != "/threats/x?from=2" || c.Name != plainCookie || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != int(access.SessionLife/time.Second) {
		t.Fatalf("got %d %v", in.Code, c)
	}
	cookie := c.Name + "=" + c.Value
	if who := read[me](t, browse(h, "/api/v1/me", "Cookie", cookie), 200); who.Actor != "person:alice" || strings.Join(who.Roles, " ") != "administrator officer" {
		t.Errorf("got %+v", who)
	}
	if w := browse(h, "/", "Cookie", cookie); w.Code != 200 || !strings.Contains(w.Body.String(), `action="/signout"`) {
		t.Errorf("got %d", w.Code)
	}
	if w := browse(h, "/api/v1/me", "Cookie", cookie, "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"); w.Code != 403 {
		t.Errorf("a page of another port of this machine, with the cookie: got %d", w.Code)
	}
	if w := submit(h, "/signout", nil, "Cookie", cookie); w.Code != 303 || cookieOf(t, w).MaxAge >= 0 {
		t.Errorf("got %d", w.Code)
	}
	wantProblem(t, browse(h, "/api/v1/me", "Cookie", cookie), 401, "sign in")
}

// TestWhoActsIsWhoSignedIn: nobody acts as another, and a machine as nobody.
func TestWhoActsIsWhoSignedIn(t *testing.T) {
	d := openDesk(t, desk.Config{})
	local := trusted(d)
	h := New(d, Options{})
	post[user](t, local, "/api/v1/users", `{"name":"alice","password":"`+goodPassword+`","roles":["officer"]}`, 201)
	mine := post[madeKey](t, local, "/api/v1/keys", `{"name":"laptop","user":"alice"}`, 201)
	bearer := []string{"Content-Type", "application/json", "Authorization", "Bearer " + mine.Secret}
	for body, want := range map[string]int{`{"title":"x"}`: 201, `{"as":"alice","title":"x"}`: 201, `{"as":"wang","title":"x"}`: 403} {
		w := ask(h, "POST", "/api/v1/incidents", strings.NewReader(body), bearer...)
		if w.Code != want {
			t.Errorf("%s: got %d %s", body, w.Code, w.Body)
		}
		if want == 201 && read[wholeCase](t, w, 201).Owner != "alice" {
			t.Errorf("%s: the owner is another: %s", body, w.Body)
		}
	}
	if got := post[wholeCase](t, local, "/api/v1/incidents", `{"as":"wang","title":"x"}`, 201).Owner; got != "wang" {
		t.Errorf("on the socket: got %q", got)
	}
	wantProblem(t, ask(local, "POST", "/api/v1/incidents", strings.NewReader(`{"title":"x"}`), "Content-Type", "application/json"), 400, "name the person")
}

// TestGuessing: a name that isn't there and a wrong password look alike, and who goes
// on guessing waits, also when the guess is right at last.
func TestGuessing(t *testing.T) {
	now := time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)
	d := openDesk(t, desk.Config{Now: func() time.Time { return now }})
	if _, err := d.AddUser(t.Context(), casebook.Actor{Kind: casebook.Machine, Name: "test"}, desk.NewUser{Name: "alice", Password: goodPassword, Roles: []string{access.Officer}}); err != nil {
		t.Fatal(err)
	}
	h := New(d, Options{Loopback: true})
	try := func(name, password string) *httptest.ResponseRecorder {
		return submit(h, "/signin", url.Values{"name": {name}, "password": {password}})
	}
	known, unknown := try("alice", "wrong"), try("nobody", "wrong")
	if known.Code != 401 || unknown.Code != 401 || strings.ReplaceAll(known.Body.String(), "alice", "nobody") != unknown.Body.String() || len(known.Result().Cookies()) != 0 {
		t.Errorf("got %d and %d\n%s\n%s", known.Code, unknown.Code, known.Body, unknown.Body)
	}
	for range 10 {
		try("alice", "wrong")
	}
	if w := try("alice", goodPassword); w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("after many guesses: got %d", w.Code)
	}
	now = now.Add(20 * time.Minute)
	if w := try("alice", goodPassword); w.Code != 303 {
		t.Errorf("later: got %d", w.Code)
	}
}

// TestWhereToGoOn: signing in leads to a page of ours and nowhere else.
func TestWhereToGoOn(t *testing.T) {
	for target, want := range map[string]string{"": "/", "/threats/x?a=b": "/threats/x?a=b", "//evil.example/": "/", "https://evil.example/": "/", `/\evil.example`: "/",
		"threats": "/", "/signin": "/", "/%2Fevil.example": "/", "javascript:alert(1)": "/", "/x\r\nSet-Cookie: a=b": "/"} {
		if got := next(target); got != want {
			t.Errorf("%q: got %q, want %q", target, got, want)
		}
	}
}

// TestCookieTravelsSealed: anywhere but on this machine the cookie travels over TLS only.
func TestCookieTravelsSealed(t *testing.T) {
	for _, c := range []struct {
		host string
		tls  bool
		name string
	}{{"localhost:8080", false, plainCookie}, {"[::1]:8080", false, plainCookie}, {"localhost", true, secureCookie}, {"centre.example", false, secureCookie}, {"centre.example", true, secureCookie}} {
		r := httptest.NewRequest("GET", "/", nil)
		if r.Host = c.host; c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		w := httptest.NewRecorder()
		setSession(newExchange(w, r), "tcs_X", time.Hour)
		if got := cookieOf(t, w); got.Name != c.name || got.Secure != (c.name == secureCookie) {
			t.Errorf("%s, TLS %v: got %v", c.host, c.tls, got)
		}
	}
}

// TestNoSecretsInTheLog: neither the token of the link nor a session's secret.
func TestNoSecretsInTheLog(t *testing.T) {
	d := openDesk(t, desk.Config{})
	h := New(d, Options{Loopback: true, Setup: "tcu_TOKEN"})
	log := captureLog(t)
	browse(h, "/setup?token=tcu_TOKEN", "Cookie", plainCookie+"=tcs_SECRET")
	submit(h, "/setup", url.Values{"token": {"tcu_TOKEN"}, "name": {"alice"}, "password": {goodPassword}, "again": {goodPassword}})
	submit(h, "/signin", url.Values{"name": {"alice"}, "password": {goodPassword + "!"}})
	for _, never := range []string{"tcu_", "tcs_", goodPassword} {
		if strings.Contains(log.String(), never) {
			t.Errorf("%q is in\n%s", never, log)
		}
	}
	if strings.Count(log.String(), "msg=request") != 3 {
		t.Errorf("got %s", log)
	}
}
