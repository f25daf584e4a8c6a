package web

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tocsin/casebook"
	"tocsin/desk"
)

// TestRoutes walks every route without a key, from a peer that isn't on
// loopback, on a listener that is and on one that isn't.
func TestRoutes(t *testing.T) {
	d := openDesk(t, desk.Config{})
	// What a POST to a door says without a form, and the first account's page without
	// its token, is another test's.
	openToAll := map[string]int{"GET /healthz": 200, "GET /readyz": 200, "GET /static/{file}": 404, "GET /signin": 200, "POST /signin": 401, "POST /signout": 303,
		"GET /setup": 404, "POST /setup": 404}
	for _, loopback := range []bool{false, true} {
		h := New(d, Options{Key: key, Loopback: loopback})
		for pattern := range rules {
			method, path, _ := strings.Cut(pattern, " ")
			path = strings.NewReplacer("{id}", casebook.ID{1}.Text("dlv"), "{file}", "tocsin.css", "{$}", "").Replace(path)
			for _, authorization := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Basic " + key, key} {
				w := ask(h, method, "http://127.0.0.1:8080"+path, nil, "Authorization", authorization)
				if want := openToAll[pattern]; want != 0 {
					if w.Code != want {
						t.Errorf("%s is open to all, got %d, want %d", pattern, w.Code, want)
					}
					continue
				}
				wantProblem(t, w, 401, "a key is needed")
				if got := w.Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
					t.Errorf("%s: got WWW-Authenticate %q", pattern, got)
				}
			}
			if w := ask(h, method, path, nil, "Authorization", "Bearer "+key); openToAll[pattern] == 0 && (w.Code == 401 || w.Code == 403 && pattern != "POST /api/v1/me/password") {
				t.Errorf("%s with the key: got %d", pattern, w.Code)
			}
		}
		wantProblem(t, ask(h, "GET", "/nothing", nil), 401, "a key is needed")
	}
}

func TestRouteWithoutRule(t *testing.T) {
	panics := func(name string, f func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", name)
			}
		}()
		f()
	}
	panics("a route without a rule", func() { newRoutes().HandleFunc("GET /back-door", nil) })
	panics("a rule without a route", func() { newRoutes().complete(false) })
}

func TestLoopback(t *testing.T) {
	d := openDesk(t, desk.Config{})
	for _, c := range []struct {
		name     string
		options  Options
		peer     string
		host     string
		key      string
		want     int
		loopback bool
	}{
		{name: "from loopback", peer: "127.0.0.1:1", host: "127.0.0.1:8080", want: 200, loopback: true},
		{name: "from loopback, IPv6", peer: "[::1]:1", host: "[::1]:8080", want: 200, loopback: true},
		{name: "by name, without a port", peer: "127.0.0.1:1", host: "LOCALHOST", want: 200, loopback: true},
		{name: "a rebound name", peer: "127.0.0.1:1", host: "evil.example:8080", want: 421, loopback: true},
		{name: "a name that begins like ours", peer: "127.0.0.1:1", host: "127.0.0.1.evil.example", want: 421, loopback: true},
		{name: "no name", peer: "127.0.0.1:1", host: "", want: 421, loopback: true},
		{name: "a tunnel's name with the key", peer: "127.0.0.1:1", host: "centre.example", key: key, want: 200, loopback: true},
		{name: "loopback in IPv6 clothing", peer: "[::ffff:127.0.0.1]:1", host: "127.0.0.1", want: 200, loopback: true},
		{name: "another machine", peer: "192.0.2.7:1", host: "127.0.0.1", want: 401, loopback: true},
		{name: "loopback peer of a public listener", peer: "127.0.0.1:1", host: "127.0.0.1", want: 401},
		{name: "no peer", peer: "@", host: "127.0.0.1", want: 401, loopback: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/api/v1/status", nil)
			r.RemoteAddr, r.Host = c.peer, c.host
			if c.key != "" {
				r.Header.Set("Authorization", "bearer "+c.key)
			}
			w := httptest.NewRecorder()
			New(d, Options{Key: key, Loopback: c.loopback}).ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("got %d %s\nwant %d", w.Code, w.Body, c.want)
			}
		})
	}
	// Without a key of its own a platform takes none, not the empty one either.
	if w := ask(New(d, Options{}), "GET", "/api/v1/status", nil, "Authorization", "Bearer "); w.Code != 401 {
		t.Errorf("an empty key: got %d", w.Code)
	}
}

// TestRecordedBy: a delivery remembers by which door its sender was admitted.
func TestRecordedBy(t *testing.T) {
	d := openDesk(t, desk.Config{})
	post := func(o Options, body string, headers ...string) string {
		w := ask(New(d, o), "POST", "http://localhost/api/v1/deliveries?feed=feodo", strings.NewReader(body), headers...)
		return read[accepted](t, w, 201).RecordedBy
	}
	if got := post(Options{Trusted: true}, "first body"); got != "machine:local" {
		t.Errorf("by a trusted listener: got %q", got)
	}
	if got := post(Options{Key: key}, "second body", "Authorization", "Bearer "+key); got != "machine:key" {
		t.Errorf("by key: got %q", got)
	}
}

func TestForeignPage(t *testing.T) {
	d := openDesk(t, desk.Config{})
	h := trusted(d)
	const target = "http://localhost:8080/api/v1/deliveries?feed=feodo"
	wantProblem(t, ask(h, "POST", target, strings.NewReader(feodo), "Sec-Fetch-Site", "cross-site"), 403, "another site")
	wantProblem(t, ask(h, "POST", target, strings.NewReader(feodo), "Origin", "https://evil.example"), 403, "another site")
	if w := ask(h, "POST", target, strings.NewReader(feodo), "Origin", "http://localhost:8080"); w.Code != 201 {
		t.Errorf("our own page: got %d %s", w.Code, w.Body)
	}
}

// TestForeignPageOnLoopback: who needs no key because they are on this machine may
// be a browser there, which any page can make ask.
func TestForeignPageOnLoopback(t *testing.T) {
	d := openDesk(t, desk.Config{})
	bare, withKey := Options{Key: key, Loopback: true}, []string{"Authorization", "Bearer " + key}
	link := []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	const status, deliveries = "/api/v1/status", "/api/v1/deliveries?feed=feodo"
	_, styles := openAssets()
	for _, c := range []struct {
		name, method, path, site string
		options                  Options
		headers                  []string
		want                     int
	}{
		{"a program", "GET", status, "", bare, nil, 200},
		{"a program that writes", "POST", deliveries, "", bare, nil, 201},
		{"an address typed in", "GET", "/", "none", bare, link, 200},
		{"an address of the API typed in", "GET", status, "none", bare, link, 200},
		{"our own page", "GET", status, "same-origin", bare, []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, 200},
		{"our own page's style", "GET", styles["tocsin.css"], "same-origin", bare, []string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "style"}, 200},
		{"a link to our page", "GET", "/", "cross-site", bare, link, 200},
		{"a link from another port", "GET", "/", "same-site", bare, link, 200},
		{"a link, of a browser that tells no destination", "GET", "/", "cross-site", bare, []string{"Sec-Fetch-Mode", "navigate"}, 200},
		{"a link to nothing", "GET", "/nothing", "cross-site", bare, link, 404},
		{"a script that reads", "GET", status, "cross-site", bare, []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, 403},
		{"a script on another port that reads", "GET", status, "same-site", bare, []string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "empty"}, 403},
		{"a script that reads a page", "GET", "/", "cross-site", bare, []string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "empty"}, 403},
		{"a mark and nothing more", "GET", "/", "cross-site", bare, nil, 403},
		{"a mark that nobody knows", "GET", status, "next-door", bare, nil, 403},
		{"our style on another page, which the page to sign in needs unasked", "GET", styles["tocsin.css"], "cross-site", bare, []string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "style"}, 200},
		{"our page in a frame", "GET", "/", "cross-site", bare, []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403},
		{"a link to the API", "GET", status, "cross-site", bare, link, 403},
		{"a link to a download", "GET", "/api/v1/backup", "same-site", bare, link, 403},
		{"a link to the API, written otherwise", "GET", "/%61pi/v1/status", "cross-site", bare, link, 403},
		{"a link to the metrics", "GET", "/metrics", "cross-site", bare, link, 403},
		{"a look at the head", "HEAD", "/", "cross-site", bare, link, 403},
		{"a question for the options", "OPTIONS", status, "cross-site", bare, []string{"Sec-Fetch-Mode", "cors"}, 403},
		{"a form", "POST", deliveries, "cross-site", bare, link, 403},
		{"a form on another port", "POST", deliveries, "same-site", bare, link, 403},
		{"health, which is open to all", "GET", "/healthz", "cross-site", bare, nil, 200},
		{"with the key", "GET", status, "cross-site", bare, withKey, 200},
		{"through a listener that vouches", "GET", status, "cross-site", Options{Trusted: true}, nil, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "http://localhost:8080"+c.path, strings.NewReader(feodo+"# "+c.name))
			r.RemoteAddr = "127.0.0.1:1"
			if c.site != "" {
				r.Header.Set("Sec-Fetch-Site", c.site)
			}
			for i := 0; i+1 < len(c.headers); i += 2 {
				r.Header.Set(c.headers[i], c.headers[i+1])
			}
			w := httptest.NewRecorder()
			New(d, c.options).ServeHTTP(w, r)
			if c.want == 403 {
				wantProblem(t, w, 403, "a page of another site sent this request")
			} else if w.Code != c.want {
				t.Errorf("got %d %s\nwant %d", w.Code, w.Body, c.want)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	h := New(openDesk(t, desk.Config{}), Options{Key: key})
	for _, target := range []string{"/", "/api/v1/status", "/nothing", "/healthz"} {
		for _, authorization := range []string{"", "Bearer " + key} {
			got := ask(h, "GET", target, nil, "Authorization", authorization).Header()
			for name, want := range map[string]string{
				"Content-Security-Policy":    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
				"X-Content-Type-Options":     "nosniff",
				"Referrer-Policy":            "same-origin",
				"Cross-Origin-Opener-Policy": "same-origin",
				"Cache-Control":              "no-store",
			} {
				if got.Get(name) != want {
					t.Errorf("%s: got %s %q, want %q", target, name, got.Get(name), want)
				}
			}
		}
	}
}

// TestRequestLog: a line a request, without what the address asks and without
// the key.
func TestRequestLog(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	h := New(openDesk(t, desk.Config{}), Options{Key: key})
	ask(h, "GET", "/api/v1/findings?threat=hush", nil, "Authorization", "Bearer "+key)
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("got %d lines\n%s", n, &log)
	}
	for _, want := range []string{"msg=request", "method=GET", "path=/api/v1/findings", "status=400", "caller=key"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in %s", want, &log)
		}
	}
	for _, never := range []string{"hush", key} {
		if strings.Contains(log.String(), never) {
			t.Errorf("%q is in %s", never, &log)
		}
	}
}

// TestPanic: a handler that fails badly is answered for, and the next request is
// served.
func TestPanic(t *testing.T) {
	s := &server{desk: openDesk(t, desk.Config{}), options: Options{Trusted: true}, routes: newRoutes(), crossOrigin: http.NewCrossOriginProtection()}
	s.metrics = newMetrics(s.desk, "")
	s.routes.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) { panic("secret of the house") })
	w := ask(http.HandlerFunc(s.serve), "GET", "/healthz", nil)
	wantProblem(t, w, 500, "fault of the platform")
	if strings.Contains(w.Body.String(), "secret") {
		t.Errorf("got %s", w.Body)
	}
}

func TestServer(t *testing.T) {
	s := Server(http.NotFoundHandler())
	if s.ReadHeaderTimeout <= 0 || s.IdleTimeout <= 0 || s.WriteTimeout != 0 || s.ReadTimeout != 0 {
		t.Errorf("got %+v", s)
	}
}

// TestRefusedPage: a person with a browser is told in a page how to come in.
func TestRefusedPage(t *testing.T) {
	h := New(openDesk(t, desk.Config{}), Options{Key: key})
	w := ask(h, "GET", "/", nil, "Accept", "text/html", "Accept-Language", "zh")
	if w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" || w.Header().Get("Content-Language") != "zh" ||
		!strings.Contains(w.Body.String(), "ssh -L") || !strings.Contains(w.Body.String(), "需要密钥") {
		t.Errorf("got %d %v\n%s", w.Code, w.Header(), w.Body)
	}
	wantProblem(t, ask(h, "GET", "/api/v1/status", nil, "Accept", "text/html"), 401, "a key is needed")
}

// captureLog gives what is logged until the test ends.
func captureLog(t *testing.T) *bytes.Buffer {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &log
}
