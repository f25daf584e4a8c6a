package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/courier"
)

func newWatcher(t *testing.T, file string, p *platform, ph *phone) *Watcher {
	t.Helper()
	f, s, err := OpenFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := &Watcher{Rules: Rules{Platforms: []string{site}, Contacts: []string{"duty", "second"}, Silence: 90 * time.Second, Repeat: 10 * minute, Before: []time.Duration{10 * minute}},
		Every: 20 * time.Second, Language: "en", Poller: Poller{Key: "tck_1", HTTP: p}, Send: ph.send, File: f, State: s, Log: slog.New(slog.DiscardHandler)}
	if err := w.Check(); err != nil {
		t.Fatal(err)
	}
	return w
}

// run runs a watcher for a while and ends it.
func run(t *testing.T, w *Watcher, during func()) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	during()
	cancel()
	err := <-ended
	if err := w.File.Close(); err != nil {
		t.Error(err)
	}
	return err
}

func wantHeard(t *testing.T, ph *phone, want ...string) {
	t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, ph.heard()); diff != "" {
		t.Errorf("after %v (-want +got):\n%s", time.Since(begin), diff)
	}
}

// inMemory gives a name for a state file where flushing costs nothing, if the
// machine has such a place: weeks are flushed often.
func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "tocsin-watch-")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "state.json")
}

// TestWeeks lets three weeks pass: a stop a day, one of them over a weekend with a
// kill in it, duties that come due meanwhile.
func TestWeeks(t *testing.T) {
	file := inMemory(t)
	synctest.Test(t, func(t *testing.T) {
		p, ph := &platform{}, &phone{}
		both := func(kinds ...string) []string {
			var all []string
			for _, k := range kinds {
				all = append(all, "duty watch_"+k, "second watch_"+k)
			}
			slices.Sort(all)
			return all
		}
		w := newWatcher(t, file, p, ph)
		err := run(t, w, func() {
			for range 14 {
				time.Sleep(24*hour - 5*minute)
				wantHeard(t, ph)
				stop := time.Now()
				p.set(func(p *platform) { p.down = true })
				time.Sleep(3 * minute)
				wantHeard(t, ph, both("silent")...)
				if took := ph.latest["duty watch_silent"].Sub(stop); took > 3*minute {
					t.Errorf("called after %v", took)
				}
				p.set(func(p *platform) { p.down = false })
				time.Sleep(2 * minute)
				wantHeard(t, ph, both("back")...)
			}
			p.set(func(p *platform) { p.due = []Due{{Duty: "dty_1", Due: time.Now().Add(2 * hour), State: "open"}} })
			time.Sleep(minute)
			p.set(func(p *platform) { p.down, p.due = true, nil })
			time.Sleep(hour)
			wantHeard(t, ph, both("silent", "silent", "silent", "silent", "silent", "silent")...)
		})
		if err != nil || p.key != "Bearer tck_1" {
			t.Errorf("%v, %q", err, p.key)
		}
		// It was killed, and starts again two days later: the due moment has passed.
		time.Sleep(48 * hour)
		w = newWatcher(t, file, p, ph)
		ph.said = "ack Li Wei"
		err = run(t, w, func() {
			time.Sleep(minute)
			wantHeard(t, ph, both("due_passed")...)
			time.Sleep(3 * 24 * hour)
			wantHeard(t, ph) // Li Wei takes care
			p.set(func(p *platform) { p.down = false })
			time.Sleep(minute)
			wantHeard(t, ph, both("back")...)
			time.Sleep(24 * hour)
			wantHeard(t, ph)
		})
		if err != nil {
			t.Error(err)
		}
		for id, n := range ph.byID {
			if n > 1 {
				t.Errorf("%s was sent %d times", id, n)
			}
		}
	})
}

// TestACallIsKeptBeforeItIsSent: whoever is killed while sending knows afterwards
// what it sent.
func TestACallIsKeptBeforeItIsSent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	synctest.Test(t, func(t *testing.T) {
		p, ph := &platform{down: true}, &phone{}
		w := newWatcher(t, file, p, ph)
		w.Send = func(ctx context.Context, contact string, m courier.Message) (courier.Proof, error) {
			text, err := os.ReadFile(file)
			if err != nil || !strings.Contains(string(text), m.ID) {
				t.Errorf("%s is sent, and isn't kept: %v", m.ID, err)
			}
			return ph.send(ctx, contact, m)
		}
		if err := run(t, w, func() { time.Sleep(hour) }); err != nil || len(ph.rings) < 12 {
			t.Errorf("%v, %q", err, ph.rings)
		}
	})
}

func TestReady(t *testing.T) {
	call := func(next time.Time) Call {
		return Call{ID: "wch_1", Kind: KindSilent, Platform: site, To: map[string]Delivery{"done": {Done: true}, "dead": {Dead: true}, "duty": {Attempts: 1, Next: next}}}
	}
	for _, c := range []struct {
		name string
		next time.Time
		n    int
		wait time.Duration
	}{
		{"never tried", time.Time{}, 1, 0},
		{"due", begin, 1, 0},
		{"in a moment", begin.Add(10 * time.Second), 0, 10 * time.Second},
		{"put off by a clock that was set back since", begin.Add(hour), 1, 0},
	} {
		all, wait := State{Calls: []Call{call(c.next)}}.ready(begin)
		if len(all) != c.n || wait != c.wait || c.n > 0 && all[0].contact != "duty" {
			t.Errorf("%s: %d attempts, wait %v", c.name, len(all), wait)
		}
	}
}

func TestAPlatformThatHangs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	synctest.Test(t, func(t *testing.T) {
		p, ph := &platform{}, &phone{}
		w := newWatcher(t, file, p, ph)
		if err := run(t, w, func() {
			time.Sleep(hour)
			p.set(func(p *platform) { p.hangs = true })
			time.Sleep(w.Latest(w.Every))
			wantHeard(t, ph, "duty watch_silent", "second watch_silent")
		}); err != nil {
			t.Error(err)
		}
	})
}

// TestASlowContactHearsCallsInOrder: the call that it is slow to take, and after it
// only the newest of those that came meanwhile.
func TestASlowContactHearsCallsInOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	synctest.Test(t, func(t *testing.T) {
		p, ph := &platform{down: true}, &phone{}
		w := newWatcher(t, file, p, ph)
		w.Send = func(ctx context.Context, contact string, m courier.Message) (courier.Proof, error) {
			if contact == "second" {
				time.Sleep(25 * minute)
			}
			return ph.send(ctx, contact, m)
		}
		if err := run(t, w, func() {
			time.Sleep(24 * minute) // three calls
			wantHeard(t, ph, "duty watch_silent", "duty watch_silent", "duty watch_silent")
			p.set(func(p *platform) { p.down = false })
			time.Sleep(2 * minute)
			wantHeard(t, ph, "duty watch_back")
			time.Sleep(2 * minute)
			wantHeard(t, ph, "second watch_silent")
			time.Sleep(25 * minute)
			wantHeard(t, ph, "second watch_back")
			time.Sleep(2 * hour)
			wantHeard(t, ph)
		}); err != nil {
			t.Error(err)
		}
	})
}

// TestOneContactIsDead: it is tried again and again, and the other isn't kept
// waiting; when it is back it is told what holds now, once.
func TestOneContactIsDead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	synctest.Test(t, func(t *testing.T) {
		p := &platform{down: true}
		ph := &phone{dead: map[string]error{"second": &courier.Failure{Temporary: true, Err: errors.New("no line")}}}
		w := newWatcher(t, file, p, ph)
		if err := run(t, w, func() {
			time.Sleep(3 * minute)
			wantHeard(t, ph, "duty watch_silent")
			time.Sleep(minute)
			ph.mu.Lock()
			ph.dead = nil
			ph.mu.Unlock()
			time.Sleep(minute)
			wantHeard(t, ph, "second watch_silent")
			time.Sleep(2 * minute)
			wantHeard(t, ph)
			ph.mu.Lock()
			ph.dead = map[string]error{"second": &courier.Failure{Err: errors.New("no such number")}}
			ph.mu.Unlock()
			time.Sleep(10 * minute)
			wantHeard(t, ph, "duty watch_silent")
		}); err != nil {
			t.Error(err)
		}
	})
}

func TestAcknowledgedByAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	synctest.Test(t, func(t *testing.T) {
		p, ph := &platform{down: true}, &phone{}
		w := newWatcher(t, file, p, ph)
		if err := run(t, w, func() {
			time.Sleep(3 * minute)
			wantHeard(t, ph, "duty watch_silent", "second watch_silent")
			if err := LeaveAcknowledgement(file, "Li Wei", ""); err != nil {
				t.Error(err)
			}
			time.Sleep(24 * hour)
			wantHeard(t, ph)
		}); err != nil {
			t.Error(err)
		}
		if by := w.State.Platforms[site].Acknowledged; by != "Li Wei" {
			t.Errorf("acknowledged by %q", by)
		}
	})
}

func TestRefusedAtTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.json")
	synctest.Test(t, func(t *testing.T) {
		p, ph := &platform{status: http.StatusUnauthorized}, &phone{}
		if err := run(t, newWatcher(t, file, p, ph), func() { time.Sleep(minute) }); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "refuses the watcher's key") {
			t.Errorf("got %v", err)
		}
		wantHeard(t, ph) // it never watched
		p.status = 0
		if err := run(t, newWatcher(t, file, p, ph), func() { time.Sleep(minute) }); err != nil {
			t.Error(err)
		}
		p.status = http.StatusForbidden
		for range 5 { // a service that is started again and again
			if err := run(t, newWatcher(t, file, p, ph), func() { time.Sleep(minute) }); !errors.Is(err, ErrRefused) {
				t.Errorf("got %v", err)
			}
		}
		wantHeard(t, ph, "duty watch_silent", "second watch_silent")
		p.status = 0
		w := newWatcher(t, file, p, ph)
		w.Test = true
		if err := run(t, w, func() { time.Sleep(minute) }); err != nil {
			t.Error(err)
		}
		wantHeard(t, ph, "duty watch_back", "duty watch_test", "second watch_back", "second watch_test")
	})
}

func TestStateFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "state.json")
	if err := LeaveAcknowledgement(file, "Li Wei", ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an acknowledgement for nobody: %v", err)
	}
	f, s, err := OpenFile(file)
	if err != nil || s.Platforms != nil {
		t.Fatal(s, err)
	}
	if _, _, err := OpenFile(file); !errors.Is(err, ErrTaken) {
		t.Errorf("a second watcher: %v", err)
	}
	p := newPlay(t)
	p.due = []Due{due("a", hour)}
	p.up(minute)
	p.down(NoAnswer, 4*minute)
	if err := errors.Join(f.Save(p.state), f.Close()); err != nil {
		t.Fatal(err)
	}
	f, s, err = OpenFile(file)
	p.state.Version = stateVersion
	if diff := cmp.Diff(p.state, s); err != nil || diff != "" {
		t.Errorf("%v (-kept +read):\n%s", err, diff)
	}
	f.Close()
	for _, text := range []string{`{"version":1,"platforms":`, `{"version":99}`, ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, s, err := OpenFile(file)
		if err == nil || f == nil || len(s.Platforms) > 0 {
			t.Fatalf("%q: %v, %v", text, s, err)
		}
		kept, _ := os.ReadFile(file + ".broken")
		if string(kept) != text {
			t.Errorf("%q was kept as %q", text, kept)
		}
		if err := errors.Join(f.Save(State{}), f.Close()); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := OpenFile(filepath.Join(dir, "nowhere", "state.json")); err == nil {
		t.Error("a folder that isn't there was taken")
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 3 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

func TestAcknowledgementsInAnswers(t *testing.T) {
	for answer, want := range map[string]string{"ack Li Wei": "Li Wei", `{"ack":"Li Wei","x":1}`: "Li Wei", "acknowledged": "", "": "", `{"ack":7}`: "", "ok": "", "ack ": ""} {
		if got := said(answer); got != want {
			t.Errorf("%q: got %q", answer, got)
		}
	}
}

// TestLook asks real servers, over TLS and without.
func TestLook(t *testing.T) {
	p := &platform{due: []Due{due("a", hour)}}
	plain := httptest.NewServer(p)
	defer plain.Close()
	secure := httptest.NewTLSServer(p)
	defer secure.Close()
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	other := httptest.NewServer(http.RedirectHandler(plain.URL+"/api/v1/heartbeat", http.StatusFound))
	defer other.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	roots := secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for _, c := range []struct {
		name   string
		poller Poller
		url    string
		status int
		want   Fault
	}{
		{"a heartbeat", Poller{}, plain.URL, 0, ""},
		{"a heartbeat over TLS", Poller{Roots: roots}, secure.URL, 0, ""},
		{"a certificate nobody vouches for", Poller{}, secure.URL, 0, CertificateRefused},
		{"nobody there", Poller{}, gone.URL, 0, NoAnswer},
		{"TLS spoken to a server without", Poller{}, strings.Replace(plain.URL, "http:", "https:", 1), 0, NoAnswer},
		{"a redirect", Poller{}, other.URL, 0, WrongAnswer},
		{"no such page", Poller{}, plain.URL + "/elsewhere", 0, WrongAnswer},
		{"a fault of its own", Poller{}, plain.URL, 500, WrongAnswer},
		{"a proxy without it", Poller{}, plain.URL, 502, WrongAnswer},
		{"no key", Poller{}, plain.URL, 401, KeyRefused},
		{"a key without the right", Poller{}, plain.URL, 403, KeyRefused},
		{"no content", Poller{}, plain.URL, 204, WrongAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.set(func(p *platform) { p.status = c.status })
			n := c.poller.look(t.Context(), c.poller.client(), c.url)
			if n.Fault != c.want || (n.Beat == nil) != (c.want != "") || (n.Detail == "") != (c.want == "") || n.Platform != c.url || n.Answered.Before(n.Sent) {
				t.Errorf("got %+v", n)
			}
			if n.Beat != nil && (len(n.Beat.Due) != 1 || n.Beat.Due[0].Duty != "a") {
				t.Errorf("got %+v", n.Beat)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for url, want := range map[string]string{"https://tocsin.example/": site, "http://127.0.0.1:8080": "http://127.0.0.1:8080", "https://tocsin.example/base/": site + "/base",
		"tocsin.example": "", "ftp://x": "", "https://": "", "https://u:p@x": "", "https://x/?a": "", "https://x/#a": ""} {
		if got, err := CheckURL(url); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", url, got, err)
		}
	}
	good := rules
	good.Platforms, good.Contacts, good.Before = []string{"b", "a", "b"}, []string{"x", "x"}, []time.Duration{minute, hour}
	if err := good.Check(); err != nil || fmt.Sprint(good.Platforms, good.Contacts, good.Before) != "[a b] [x] [1h0m0s 1m0s]" {
		t.Errorf("%+v, %v", good, err)
	}
	for name, spoil := range map[string]func(*Rules){
		"no platform": func(r *Rules) { r.Platforms = nil }, "nobody": func(r *Rules) { r.Contacts = nil }, "silence": func(r *Rules) { r.Silence = 0 },
		"repeated": func(r *Rules) { r.Repeat = -1 }, "warnings": func(r *Rules) { r.Before = []time.Duration{0} },
	} {
		r := rules
		r.Before = slices.Clone(r.Before)
		spoil(&r)
		if err := r.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(Languages()) != len(languages) || !slices.Contains(slices.Collect(maps.Keys(languages)), "zh") {
		t.Error("languages")
	}
}
