package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
)

// A day of a sinkhole, of our own making: two sightings of one machine, a second
// machine, a repeat of the first row, and a row whose address is none.
const sinkhole = `"timestamp","protocol","src_ip","src_port","src_asn","src_geo","dst_ip","dst_port","infection","family"
"2026-03-14 00:00:07","tcp","192.0.2.7",49211,64500,"XA","203.0.113.9",80,"examplebot","examplebot"
"2026-03-14 00:00:31","tcp","192.0.2.7",49377,64500,"XA","203.0.113.9",80,"examplebot","examplebot"
"2026-03-14 00:02:05","tcp","192.0.2.80",1042,64500,"XA","203.0.113.9",80,"examplebot","examplebot"
"2026-03-14 00:00:07","tcp","192.0.2.7",49211,64500,"XA","203.0.113.9",80,"examplebot","examplebot"
"2026-03-14 00:03:00","tcp","192.0.2.999",1042,64500,"XA","203.0.113.9",80,"examplebot","examplebot"
`

const sinkholeName = "2026-03-14-event4_sinkhole-xx-geo.csv"

// Controllers, one of a family whose name is markup.
const feodo = `"first_seen_utc","dst_ip","dst_port","c2_status","last_online","malware"
"2026-03-02 11:20:33","198.51.100.44","443","online","2026-03-14","SampleTrojan"
"2026-03-09 06:02:10","203.0.113.66","8080","offline","2026-03-12","<script>alert(1)</script>"
`

const key = "a key of this test"

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	access.HashCheaply()
	os.Exit(m.Run())
}

func openDesk(t testing.TB, c desk.Config) *desk.Desk {
	t.Helper()
	c.Dir = t.TempDir()
	d, err := desk.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// load takes a delivery in and folds it.
func load(t testing.TB, d *desk.Desk, feed, name, text string) casebook.Delivery {
	t.Helper()
	who := casebook.Actor{Kind: casebook.Machine, Name: "test"}
	a, err := d.Accept(context.Background(), who, desk.Arrival{Feed: feed, Name: name, Door: "file", Body: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	folded, err := d.Gather(context.Background(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	return folded
}

// loaded is a desk that knows the deliveries above.
func loaded(t testing.TB) *desk.Desk {
	t.Helper()
	d := openDesk(t, desk.Config{})
	load(t, d, "shadowserver", sinkholeName, sinkhole)
	load(t, d, "feodo", "<b>feodo</b>.csv", feodo)
	return d
}

// trusted answers for a desk on a listener that vouches for its callers.
func trusted(d *desk.Desk) http.Handler { return New(d, Options{Version: "1.2.3", Trusted: true}) }

// ask sends one request without a network; headers are pairs.
func ask(h http.Handler, method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, body)
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// get asks and reads the JSON of the answer, which must have the status.
func get[T any](t *testing.T, h http.Handler, target string, want int) (v T) {
	t.Helper()
	return read[T](t, ask(h, "GET", target, nil), want)
}

func read[T any](t *testing.T, w *httptest.ResponseRecorder, want int) (v T) {
	t.Helper()
	if w.Code != want {
		t.Fatalf("got %d %s\nwant %d", w.Code, w.Body, want)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return v
}

// wantProblem looks whether an answer is a problem of the status whose detail
// has the words.
func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, words string) {
	t.Helper()
	p := read[problem](t, w, status)
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("got content type %q", got)
	}
	if p.Status != status || p.Title != http.StatusText(status) || !strings.Contains(p.Detail, words) {
		t.Errorf("got %+v\nwant status %d and a detail with %q", p, status, words)
	}
}

func TestProblems(t *testing.T) {
	d := openDesk(t, desk.Config{MaxBytes: 1000})
	h := trusted(d)
	for _, c := range []struct {
		name, method, target, body string
		status                     int
		words                      string
	}{
		{"no such thing", "GET", "/api/v1/deliveries/" + casebook.ID{1}.Text("dlv"), "", 404, "not found"},
		{"no such refusals", "GET", "/api/v1/deliveries/" + casebook.ID{1}.Text("dlv") + "/refusals", "", 404, "not found"},
		{"no such threat", "GET", "/api/v1/threats/" + casebook.ID{1}.Text("thr"), "", 404, "not found"},
		{"another noun's identifier", "GET", "/api/v1/threats/" + casebook.ID{1}.Text("dlv"), "", 400, "identifier like thr_"},
		{"no such path", "GET", "/api/v1/nothing", "", 404, "nothing at /api/v1/nothing"},
		{"a path without that method", "DELETE", "/api/v1/threats", "", 405, "takes GET, HEAD and not DELETE"},
		{"no such feed", "POST", "/api/v1/deliveries?feed=rumours", "x", 404, "rumours"},
		{"a feed is not named", "POST", "/api/v1/deliveries", "x", 400, "query.feed"},
		{"no report type", "POST", "/api/v1/deliveries?feed=shadowserver&name=x.csv", "x", 400, "type"},
		{"a delivery over the bound", "POST", "/api/v1/deliveries?feed=feodo", strings.Repeat("x", 1001), 413, "too large"},
		{"a limit over the bound", "GET", "/api/v1/findings?limit=1001", "", 400, "query.limit"},
		{"a parameter nobody knows", "GET", "/api/v1/findings?sinse=2026-03-14T00:00:00Z", "", 400, "query.sinse"},
		{"a moment that is none", "GET", "/api/v1/findings?since=yesterday", "", 400, "query.since"},
		{"a state that is none", "GET", "/api/v1/findings?state=gone", "", 400, "query.state"},
		{"a cursor of another list", "GET", "/api/v1/findings?cursor=thr_x", "", 400, "identifier like fnd_"},
		{"a wait over the bound", "GET", "/api/v1/deliveries/dlv_x?wait=61", "", 400, "query.wait"},
		{"a leaf beyond the ledger", "GET", "/api/v1/ledger/inclusion?index=98&size=99", "", 404, "the ledger has"},
		{"a proof of nothing", "GET", "/api/v1/ledger/inclusion", "", 400, "query.index"},
		{"a table without a source", "POST", "/api/v1/holdings/imports", "x", 400, "source"},
		{"no backup wired", "GET", "/api/v1/backup", "", 404, "no backup"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantProblem(t, ask(h, c.method, c.target, strings.NewReader(c.body)), c.status, c.words)
		})
	}
}

// TestStatus holds the one table of errors and codes.
func TestStatus(t *testing.T) {
	for err, want := range map[error]int{
		casebook.ErrInvalid: 400, casebook.ErrForbidden: 403, casebook.ErrNotFound: 404, casebook.ErrConflict: 409, casebook.ErrTooLarge: 413,
		&http.MaxBytesError{Limit: 1}: 413, io.ErrUnexpectedEOF: 500,
	} {
		if got := status(fmt.Errorf("doing this to that: %w", err)); got != want {
			t.Errorf("%v: got %d, want %d", err, got, want)
		}
	}
}

// TestOwnFault: what is our own fault is told under a name and nothing else.
func TestOwnFault(t *testing.T) {
	h := New(openDesk(t, desk.Config{}), Options{Trusted: true, Backup: func(context.Context, io.Writer) error {
		return errors.New("secret of the house")
	}})
	w := ask(h, "GET", "/api/v1/backup", nil)
	wantProblem(t, w, 500, "log")
	if p := read[problem](t, w, 500); p.Trace == "" || strings.Contains(w.Body.String(), "secret") || w.Header().Get("Content-Disposition") != "" {
		t.Errorf("got %s %v", w.Body, w.Header())
	}
}

// TestFullDisk: who runs the platform is told what to do, and no trace to look up.
func TestFullDisk(t *testing.T) {
	h := New(openDesk(t, desk.Config{}), Options{Trusted: true, Backup: func(context.Context, io.Writer) error {
		return fmt.Errorf("write: %w", syscall.ENOSPC)
	}})
	wantProblem(t, ask(h, "GET", "/api/v1/backup", nil), 507, "make room, then send it again")
}

func TestBackup(t *testing.T) {
	d := openDesk(t, desk.Config{})
	broken := false
	h := New(d, Options{Trusted: true, Backup: func(_ context.Context, w io.Writer) error {
		if _, err := io.WriteString(w, "archive"); err != nil || !broken {
			return err
		}
		return errors.New("disk gone")
	}})
	server := httptest.NewServer(h)
	defer server.Close()
	fetch := func() (string, error) {
		answer, err := http.Get(server.URL + "/api/v1/backup")
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		return string(b), err
	}
	if got, err := fetch(); got != "archive" || err != nil {
		t.Errorf("got %q %v", got, err)
	}
	broken = true
	if got, err := fetch(); err == nil {
		t.Errorf("a backup that broke off reads as whole: %q", got)
	}
}

func TestOpenAPI(t *testing.T) {
	h := trusted(openDesk(t, desk.Config{}))
	type parameter struct{ Name string }
	document := get[struct {
		OpenAPI    string `json:"openapi"`
		Paths      map[string]map[string]struct{ Parameters []parameter }
		Components struct{ Schemas map[string]any }
	}](t, h, "/api/openapi.json", 200)
	if document.OpenAPI != "3.1.0" {
		t.Errorf("got version %q", document.OpenAPI)
	}
	described := 0
	for _, operations := range document.Paths {
		described += len(operations)
	}
	for pattern := range rules {
		method, path, _ := strings.Cut(pattern, " ")
		if !strings.HasPrefix(path, "/api/") && path != "/healthz" && path != "/readyz" && path != "/metrics" {
			continue
		}
		described--
		if _, ok := document.Paths[path][strings.ToLower(method)]; !ok {
			t.Errorf("%s isn't described", pattern)
		}
	}
	if described != 0 {
		t.Errorf("%d operations are described that have no rule", described)
	}
	for _, name := range []string{"Accepted", "Delivery", "Finding", "Threat", "Problem", "Counts"} {
		if document.Components.Schemas[name] == nil {
			t.Errorf("no schema %s among %v", name, keys(document.Components.Schemas))
		}
	}
}

func keys[V any](m map[string]V) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

func TestHealth(t *testing.T) {
	d := openDesk(t, desk.Config{})
	h := New(d, Options{Version: "1.2.3", Key: key})
	if w := ask(h, "GET", "/healthz", nil); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	ready := get[readiness](t, h, "/readyz", 200)
	if !ready.OK || len(ready.Checks) != 2 || !ready.Checks[0].OK || ready.Checks[0].Name != "database" || !ready.Checks[1].OK || ready.Checks[1].Name != "writes" {
		t.Errorf("got %+v", ready)
	}
	// A reader whose time is over stands for a database that doesn't answer.
	r := httptest.NewRequest("GET", "/readyz", nil)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(gone))
	if ready := read[readiness](t, w, 503); ready.OK || ready.Checks[0].Fault == "" {
		t.Errorf("got %+v", ready)
	}
}

func TestMetrics(t *testing.T) {
	h := trusted(loaded(t))
	ask(h, "GET", "/api/v1/nothing", nil)
	text := ask(h, "GET", "/metrics", nil).Body.String()
	for _, line := range []string{
		"tocsin_deliveries 2\n", "tocsin_deliveries_waiting 0\n", "tocsin_observations_total 5\n", "tocsin_duplicates_total 1\n",
		"tocsin_refused_total 1\n", "tocsin_findings 4\n", "tocsin_threats 3\n", `tocsin_build_info{version="1.2.3"} 1`,
		`tocsin_http_requests_total{route="none",status="404"} 1`, "\ngo_goroutines ", "\nprocess_resident_memory_bytes ",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

// TestBody: a body that breaks off is the request's fault, one whose sender is
// gone is nobody's; nothing is kept of either.
func TestBody(t *testing.T) {
	d := openDesk(t, desk.Config{})
	h := trusted(d)
	broken := io.MultiReader(bytes.NewReader(make([]byte, 300<<10)), failing{})
	wantProblem(t, ask(h, "POST", "/api/v1/deliveries?feed=feodo", broken), 400, "breaks off after 307200 bytes")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/api/v1/deliveries?feed=feodo", strings.NewReader(feodo)).WithContext(gone))
	wantProblem(t, w, 408, "given up")
	if p := get[page[delivery]](t, h, "/api/v1/deliveries", 200); len(p.Items) != 0 {
		t.Errorf("got %+v", p.Items)
	}
	if left, err := os.ReadDir(d.Directory().Deliveries() + "/incoming"); err != nil || len(left) != 0 {
		t.Errorf("half a delivery stays: %v %v", left, err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
