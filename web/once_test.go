package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

const aCall = `{"as":"wang","title":"a call at night"}`

func incidentsOf(t *testing.T, h http.Handler) int {
	t.Helper()
	return len(get[page[incident]](t, h, "/api/v1/incidents", 200).Items)
}

// TestARepeatedRequestIsDoneOnce: the same key with the same body gets the first
// answer again, also after a restart; with another body it is refused.
func TestARepeatedRequestIsDoneOnce(t *testing.T) {
	dir := t.TempDir()
	start := func(now func() time.Time) (*desk.Desk, http.Handler) {
		d, err := desk.Open(t.Context(), desk.Config{Dir: dir, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		return d, trusted(d)
	}
	d, h := start(nil)
	send := func(h http.Handler, key, target, body string) *httptest.ResponseRecorder {
		return ask(h, "POST", target, strings.NewReader(body), "Content-Type", "application/json", "Idempotency-Key", key)
	}
	first := send(h, "k1", "/api/v1/incidents", aCall)
	again := send(h, "k1", "/api/v1/incidents", aCall)
	if first.Code != 201 || again.Code != 201 || again.Body.String() != first.Body.String() || again.Header().Get("Content-Type") != first.Header().Get("Content-Type") ||
		first.Header().Get("Idempotency-Replayed") != "" || again.Header().Get("Idempotency-Replayed") != "true" {
		t.Errorf("got %d %s\nthen %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	wantProblem(t, send(h, "k1", "/api/v1/incidents", strings.Replace(aCall, "night", "noon", 1)), 409, "another request")
	wantProblem(t, send(h, "k1", "/api/v1/parties", aCall), 409, "another request")
	refused := send(h, "k2", "/api/v1/incidents", `{"as":"wang","title":"x","facts":{"nothing":1}}`)
	if again := send(h, "k2", "/api/v1/incidents", `{"as":"wang","title":"x","facts":{"nothing":1}}`); refused.Code != 400 || again.Body.String() != refused.Body.String() {
		t.Errorf("a refusal: got %d %s, then %s", refused.Code, refused.Body, again.Body)
	}
	wantProblem(t, send(h, strings.Repeat("k", 256), "/api/v1/incidents", aCall), 400, "256 octets")
	if n := incidentsOf(t, h); n != 1 {
		t.Errorf("%d incidents, want 1", n)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}

	d, h = start(nil)
	if again := send(h, "k1", "/api/v1/incidents", aCall); again.Body.String() != first.Body.String() || incidentsOf(t, h) != 1 {
		t.Errorf("after a restart: got %s", again.Body)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d, h = start(func() time.Time { return time.Now().Add(store.AnswerLife + time.Minute) })
	if later := send(h, "k1", "/api/v1/incidents", aCall); later.Code != 201 || later.Body.String() == first.Body.String() || incidentsOf(t, h) != 2 {
		t.Errorf("a day later: got %d %s", later.Code, later.Body)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestWhatWasDoneBeforeACrashIsNotDoneAgain: the commit of the act says that it was
// done, whether or not its answer was kept.
func TestWhatWasDoneBeforeACrashIsNotDoneAgain(t *testing.T) {
	d := openDesk(t, desk.Config{})
	h := trusted(d)
	digest := hmac.New(sha256.New, []byte("k1"))
	fmt.Fprintf(digest, "POST %q\n%s", "/api/v1/incidents", aCall)
	a := store.Answer{Key: sha256.Sum256(fmt.Appendf(nil, "%d %q %q", int64(1), access.Operator("local").Actor, "k1")), Request: [32]byte(digest.Sum(nil))}
	// As the handler does it, killed before it could keep the answer.
	if _, err := d.OpenIncident(store.Once(t.Context(), a), casebook.Actor{Kind: casebook.Person, Name: "wang"}, desk.Opening{Title: "a call at night"}); err != nil {
		t.Fatal(err)
	}
	headers := []string{"Content-Type", "application/json", "Idempotency-Key", "k1"}
	wantProblem(t, ask(h, "POST", "/api/v1/incidents", strings.NewReader(aCall), headers...), 409, "this was done")
	if n := incidentsOf(t, h); n != 1 {
		t.Errorf("%d incidents, want 1", n)
	}
	// What failed left no mark, and may be sent again.
	ctx := store.Once(t.Context(), store.Answer{Key: [32]byte{7}})
	if _, err := d.OpenIncident(ctx, casebook.Actor{Kind: casebook.Person, Name: "wang"}, desk.Opening{Title: "x", Party: casebook.ID{9}}); err == nil {
		t.Error("an incident of no party was opened")
	}
	if _, known, err := d.Answered(t.Context(), [32]byte{7}); known || err != nil {
		t.Errorf("known %v, %v", known, err)
	}
}

// TestRepeatedBytes: a delivery and a table of any length are repeated too, and a
// secret is never given twice.
func TestRepeatedBytes(t *testing.T) {
	h := trusted(openDesk(t, desk.Config{}))
	for _, target := range []string{"/api/v1/deliveries?feed=feodo", "/api/v1/holdings/imports?source=s"} {
		body := map[bool]string{true: feodo, false: "cidr,asn\n203.0.113.0/24,64500\n"}[strings.Contains(target, "feodo")]
		send := func(body string) *httptest.ResponseRecorder {
			return ask(h, "POST", target, strings.NewReader(body), "Idempotency-Key", target)
		}
		first := send(body)
		if again := send(body); first.Code >= 300 || again.Code != first.Code || again.Body.String() != first.Body.String() {
			t.Errorf("%s: got %d %s\nthen %d %s", target, first.Code, first.Body, again.Code, again.Body)
		}
		wantProblem(t, send(body+"\n"), 409, "another request")
	}
	send := func() *httptest.ResponseRecorder {
		return ask(h, "POST", "/api/v1/keys", strings.NewReader(`{"name":"n","scopes":["read"]}`), "Content-Type", "application/json", "Idempotency-Key", "k")
	}
	if made := read[madeKey](t, send(), 201); made.Secret == "" {
		t.Error("no secret")
	}
	wantProblem(t, send(), 409, "this was done")
}

// TestRequestsAtOnceWithOneKey: of many at once one is done.
func TestRequestsAtOnceWithOneKey(t *testing.T) {
	h := trusted(openDesk(t, desk.Config{}))
	var all sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	for range 16 {
		all.Go(func() {
			w := ask(h, "POST", "/api/v1/incidents", strings.NewReader(aCall), "Content-Type", "application/json", "Idempotency-Key", "k")
			mu.Lock()
			codes[w.Code]++
			mu.Unlock()
		})
	}
	all.Wait()
	if n := incidentsOf(t, h); n != 1 || codes[201] == 0 || codes[201]+codes[409] != 16 {
		t.Errorf("%d incidents, answers %v", n, codes)
	}
}

// TestAFormSentTwiceMakesOneThing: two clicks, or loading the answer again, open one
// incident; another form opens its own.
func TestAFormSentTwiceMakesOneThing(t *testing.T) {
	d := openDesk(t, desk.Config{})
	h := trusted(d)
	shown := page200(t, h, "/incidents/new", "en")
	name := regexp.MustCompile(`name="once" value="([A-Z2-7]{26})"`).FindStringSubmatch(shown)
	if name == nil {
		t.Fatal("the form has no name of its own")
	}
	send := func(once, as string) string {
		w := ask(h, "POST", "/incidents", strings.NewReader("title=called&zone=UTC&as="+as+"&once="+once), "Accept", "text/html", "Content-Type", "application/x-www-form-urlencoded")
		if w.Code != 303 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
		return w.Header().Get("Location")
	}
	refused := ask(h, "POST", "/incidents", strings.NewReader("zone=UTC&as=wang&once="+name[1]), "Accept", "text/html", "Content-Type", "application/x-www-form-urlencoded")
	if refused.Code != 400 {
		t.Fatalf("without a title: got %d", refused.Code)
	}
	var places [4]string
	var both sync.WaitGroup
	for i := range 2 { // two clicks at once
		both.Go(func() { places[i] = send(name[1], "wang") })
	}
	both.Wait()
	places[2], places[3] = send(name[1], "wang"), send("ANOTHERNAMEOFAFORMXXXXXXXX", "wang")
	if places[0] != places[1] || places[0] != places[2] || places[0] == places[3] {
		t.Errorf("the forms led to %q", places)
	}
	all := get[page[incident]](t, h, "/api/v1/incidents", 200).Items
	if len(all) != 2 {
		t.Errorf("%d incidents, want 2", len(all))
	}
}
