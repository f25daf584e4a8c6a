package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// beating is a platform that has nothing but a heartbeat, and wants a key.
type beating struct {
	mu   sync.Mutex
	down bool
	due  []map[string]any
}

func (b *beating) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.down:
		panic(http.ErrAbortHandler)
	case r.Header.Get("Authorization") != "Bearer tck_right":
		http.Error(w, "a key is needed", http.StatusUnauthorized)
	case r.URL.Path == "/api/v1/heartbeat":
		now := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
		printJSON(w, map[string]any{"kind": "heartbeat", "instance": "log_1", "now": now, "started": now, "watched_at": now, "clock_offset_ms": 0.1, "clock_known": true,
			"checkpoint": "…", "open": len(b.due), "due": b.due})
	default:
		http.NotFound(w, r)
	}
}

func (b *beating) set(change func(*beating)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

// rung is what the hook of a test was given, a line a call: kind, and each duty with
// whether it passed. A call that comes again under its ID, because the watcher was
// killed before it noted the answer, is the same call.
type rung struct{ dir string }

func newRung(t *testing.T) rung {
	t.Helper()
	dir := t.TempDir()
	hook := "#!/bin/sh\nset -e\ncat >\"$1/part.$$\"\nmv \"$1/part.$$\" \"$1/$(date +%s.%N).$$.call\"\necho thank you\n"
	if err := os.WriteFile(filepath.Join(dir, "hook"), []byte(hook), 0o700); err != nil {
		t.Fatal(err)
	}
	return rung{dir}
}

func (r rung) target() string { return "exec:" + filepath.Join(r.dir, "hook") + " " + r.dir }

func (r rung) calls(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(r.dir, "*.call"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	var all []string
	seen := map[string]bool{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var m struct {
			ID   string
			Kind string
			Body struct {
				Due []struct {
					Duty   string
					Passed bool
				}
			}
		}
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if seen[m.ID] {
			continue
		}
		seen[m.ID] = true
		line := m.Kind
		for _, d := range m.Body.Due {
			line += fmt.Sprintf(" %s %v", d.Duty, d.Passed)
		}
		all = append(all, line)
	}
	return all
}

// await waits until the hook was given so many calls.
func (r rung) await(t *testing.T, want ...string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); len(r.calls(t)) < len(want) && time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
	}
	if diff := cmp.Diff(want, r.calls(t)); diff != "" {
		t.Fatalf("calls (-want +got):\n%s", diff)
	}
}

// until waits for a call that ends so, and gives all.
func (r rung) until(t *testing.T, end string) (calls []string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		if calls = r.calls(t); len(calls) > 0 && strings.HasSuffix(calls[len(calls)-1], end) {
			return calls
		}
	}
	t.Fatalf("no call ends in %q: %q", end, calls)
	return nil
}

// watching starts the watcher; what it logs is in said once it has ended.
func watchingPlatform(t *testing.T, dir string, args ...string) (cmd *exec.Cmd, said *bytes.Buffer) {
	t.Helper()
	cmd = command(t, dir, append([]string{"watch", "--every", "50ms", "--silence", "300ms", "--before", "1ns"}, args...)...)
	said = &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, said
}

func end(t *testing.T, cmd *exec.Cmd, said *bytes.Buffer, by os.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(by); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); (err == nil) != (by == syscall.SIGTERM) {
		t.Errorf("ended by %v: %v\n%s", by, err, said)
	}
	if strings.Contains(said.String(), "tck_") {
		t.Errorf("the key is in the log:\n%s", said)
	}
}

// TestWatch drives the real program against a platform that stops, and a real
// command that is called.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	p := &beating{}
	server := httptest.NewServer(p)
	defer server.Close()
	hook := newRung(t)
	right := write(t, filepath.Join(dir, "right"), "tck_right\n")
	wrong := write(t, filepath.Join(dir, "wrong"), "tck_wrong\n")
	args := []string{server.URL, "--contact", hook.target(), "--key", right}

	begun := time.Now()
	e := tocsin(t, dir, "watch", server.URL, "--contact", hook.target(), "--key", wrong)
	if e.code != exitMisused || !strings.Contains(e.err, "refuses the watcher's key") || time.Since(begun) > patience {
		t.Fatalf("a wrong key: exit %d after %v\n%s", e.code, time.Since(begun), e.err)
	}

	soon := time.Now().Add(1500 * time.Millisecond)
	p.set(func(p *beating) {
		for i, at := range []time.Time{soon, soon.Add(time.Hour)} {
			p.due = append(p.due, map[string]any{"duty": fmt.Sprintf("dty_%d", i+1), "incident": "inc_1", "due": at.UTC().Format(time.RFC3339Nano), "zone": "Asia/Shanghai", "state": "open"})
		}
	})
	first, said := watchingPlatform(t, dir, append(args, "--test")...)
	hook.await(t, "watch_test")
	if e := tocsin(t, dir, append([]string{"watch"}, args...)...); e.code != exitMisused || !strings.Contains(e.err, "--state") {
		t.Errorf("a second watcher with the same state: exit %d\n%s", e.code, e.err)
	}
	p.set(func(p *beating) { p.down = true })
	heard := hook.until(t, "dty_1 true dty_2 false")
	// On a slow machine the moment passes before the first call, and is in that.
	if want := []string{"watch_test", "watch_silent dty_1 false dty_2 false", "watch_due_passed dty_1 true dty_2 false"}; !slices.Equal(heard, want) &&
		!slices.Equal(heard, []string{"watch_test", "watch_silent dty_1 true dty_2 false"}) {
		t.Errorf("calls\n%q, want\n%q", heard, want)
	}

	// Killed and started again it repeats nothing, and knows what it was told.
	end(t, first, said, syscall.SIGKILL)
	second, said := watchingPlatform(t, dir, args...)
	for deadline := time.Now().Add(patience); ; <-time.After(20 * time.Millisecond) {
		e := tocsin(t, dir, "watch", "--ack", "Li Wei")
		if e.code != 0 || !strings.Contains(e.out, "acknowledged") {
			t.Fatalf("exit %d\n%s", e.code, e.err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "tocsin-watch.json"))
		if err == nil && strings.Contains(string(text), `"acknowledged":"Li Wei"`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("not acknowledged (%v)\n%s", err, said)
		}
	}
	hook.await(t, heard...)
	p.set(func(p *beating) { p.down = false })
	heard = append(heard, "watch_back dty_1 true")
	hook.await(t, heard...)
	end(t, second, said, syscall.SIGTERM)
	for _, want := range []string{"acknowledged", "call taken", "thank you"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("nothing of %q in the log:\n%s", want, said)
		}
	}
}
