package desk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/casebook"
	"tocsin/desk"
)

// A pager is the webhook of people on duty.
type pager struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	rung   func() // called while the answer is still to be given
	keys   []string
	texts  []string
}

func newPager(t *testing.T) *pager {
	p := &pager{status: http.StatusOK}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var m struct{ Text string }
		if err := errors.Join(err, json.Unmarshal(body, &m)); err != nil {
			t.Errorf("the pager was sent %q: %v", body, err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.keys, p.texts = append(p.keys, r.Header.Get("Idempotency-Key")), append(p.texts, m.Text)
		if p.rung != nil {
			p.rung()
		}
		w.WriteHeader(p.status)
		fmt.Fprint(w, "heard")
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *pager) answers(status int) { p.mu.Lock(); p.status = status; p.mu.Unlock() }

func (p *pager) contact(c *desk.Config) { c.Contacts = []string{p.URL + "/duty"} }

// send looks at the outbox once.
func (o *opened) send() {
	o.t.Helper()
	if err := o.SendOnce(o.t.Context(), o.now); err != nil {
		o.t.Fatal(err)
	}
}

// outbox gives the lines, oldest first: "name state attempts said".
func (o *opened) outbox() []string {
	o.t.Helper()
	all, err := o.Reader(casebook.Operator()).Outbox(o.t.Context(), nil, 1000)
	if err != nil {
		o.t.Fatal(err)
	}
	var lines []string
	for _, l := range slices.Backward(all) {
		name := "call"
		if i := strings.LastIndexByte(l.MessageID, '-'); i > 4 {
			name += l.MessageID[i:]
		}
		lines = append(lines, fmt.Sprintf("%s %s %d %s", name, l.State, l.Attempts, l.Fault))
	}
	return lines
}

func TestACallReachesEveryContact(t *testing.T) {
	one, two := newPager(t), newPager(t)
	o := open(t, t.TempDir(), one.contact, func(c *desk.Config) {
		c.Contacts, c.URL = append(c.Contacts, two.URL), "https://tocsin.example"
	})
	o.speaksFor("association")
	o.called(casebook.Facts{addresses: casebook.NumberValue(1_000_000)})
	o.send()
	o.send()
	o.send() // nothing is left
	for n, p := range []*pager{one, two} {
		if len(p.keys) != 1 || !strings.Contains(p.texts[0], "Report of an extremely serious incident or a level-1 warning (cn-miit-2009-156 level1_report); owed by North Access, due 2026-11-23T18:00:00+08:00") ||
			!strings.Contains(p.texts[0], ", in 2 h 0 min;") || !strings.Contains(p.texts[0], " a botnet\n") || !strings.Contains(p.texts[0], "https://tocsin.example/duties/dty_") || !strings.Contains(p.texts[0], "rests on: after press reports") {
			t.Errorf("pager %d heard %q", n, p.texts)
		}
	}
	if one.keys[0] == two.keys[0] {
		t.Errorf("two lines have one name, %s", one.keys[0])
	}
	lines := o.outbox()
	if len(lines) != 3 || lines[0] != "call sent 0 made into 2 lines, one a contact" || !strings.HasPrefix(lines[1], "call-1 sent 1 ") || !strings.Contains(lines[1], "200 heard") {
		t.Errorf("the outbox holds\n%s", strings.Join(lines, "\n"))
	}
	o.wantSound()
}

func TestACallWithoutAContactWaitsForOne(t *testing.T) {
	dir := t.TempDir()
	o := open(t, dir)
	o.speaksFor("association")
	o.called(nil)
	o.send()
	if c, err := o.Reader(casebook.Operator()).Counts(t.Context()); err != nil || c.OutboxWaits != 1 || o.CanCall() {
		t.Errorf("%d lines wait (%v), can call: %v", c.OutboxWaits, err, o.CanCall())
	}
	o.close()
	p := newPager(t)
	o = open(t, dir, p.contact)
	o.send()
	o.send()
	if len(p.keys) != 1 {
		t.Errorf("the pager rang %d times once there was one, want once", len(p.keys))
	}
}

func TestACallThatFailsIsTriedAgainAndDiesInSight(t *testing.T) {
	p := newPager(t)
	o := open(t, t.TempDir(), p.contact)
	o.speaksFor("association")
	o.called(nil)
	p.answers(http.StatusServiceUnavailable)
	o.send()
	o.send()
	if lines := o.outbox(); !strings.HasPrefix(lines[1], "call-1 waiting 1 ") || !strings.Contains(lines[1], "503") {
		t.Errorf("got %q", lines[1])
	}
	o.send() // too early
	if len(p.keys) != 1 {
		t.Errorf("tried %d times at once", len(p.keys))
	}
	o.at(10 * time.Second)
	p.answers(http.StatusGone)
	o.send()
	if lines := o.outbox(); !strings.HasPrefix(lines[1], "call-1 dead 2 ") {
		t.Errorf("got %q", lines[1])
	}
	if c, err := o.Reader(casebook.Operator()).Counts(t.Context()); err != nil || c.OutboxDead != 1 {
		t.Errorf("%d lines are dead (%v), want 1", c.OutboxDead, err)
	}
	p.answers(http.StatusOK)
	if _, err := o.Resend(t.Context(), wang, p.keys[0], "the pager was down; it is up"); err != nil {
		t.Fatal(err)
	}
	o.send()
	if lines := o.outbox(); !strings.HasPrefix(lines[1], "call-1 sent 1 resent by person:wang: the pager was down, it is up; ") || len(p.keys) != 3 || p.keys[2] != p.keys[0] {
		t.Errorf("got %q under %q, want it sent under its first name", lines[1], p.keys)
	}
	if _, err := o.Resend(t.Context(), wang, "msg-nothing", ""); !errors.Is(err, casebook.ErrNotFound) {
		t.Errorf("a line that isn't there: %v", err)
	}
	o.wantSound()
}

// TestAContactThatHangsKeepsNoCallFromAnother: the first one answers only once the
// second has heard.
func TestAContactThatHangsKeepsNoCallFromAnother(t *testing.T) {
	one, two := newPager(t), newPager(t)
	o := open(t, t.TempDir(), one.contact, func(c *desk.Config) { c.Contacts = append(c.Contacts, two.URL) })
	heard := make(chan struct{})
	var late atomic.Bool
	one.rung = func() {
		select {
		case <-heard:
		case <-time.After(5 * time.Second):
			late.Store(true)
		}
	}
	two.rung = sync.OnceFunc(func() { close(heard) })
	o.speaksFor("association")
	o.called(nil)
	o.send()
	o.send()
	if late.Load() || len(one.keys) != 1 || len(two.keys) != 1 {
		t.Errorf("the pagers rang %d and %d times, the second only after the first: %v", len(one.keys), len(two.keys), late.Load())
	}
	o.wantSound()
}

// TestAContactThatFailsIsTriedOncePerTurn: one that doesn't answer isn't asked for
// every line, and keeps what it has still to be told out of the others' way.
func TestAContactThatFailsIsTriedOncePerTurn(t *testing.T) {
	one, two := newPager(t), newPager(t)
	o := open(t, t.TempDir(), one.contact, func(c *desk.Config) { c.Contacts = append(c.Contacts, two.URL) })
	o.speaksFor("association")
	one.answers(http.StatusServiceUnavailable)
	const calls = 120 // more than are looked at at once
	for range calls {
		o.called(nil)
	}
	for range 6 {
		o.send()
	}
	if len(two.keys) != calls {
		t.Errorf("the one that answers was told %d of %d", len(two.keys), calls)
	}
	if len(one.keys) > 3 {
		t.Errorf("the one that doesn't was asked %d times at once", len(one.keys))
	}
	one.answers(http.StatusOK)
	o.at(10 * time.Second)
	o.send()
	o.send()
	told := map[string]bool{}
	for _, key := range one.keys {
		told[key] = true
	}
	if len(told) != calls {
		t.Errorf("once it answers it was told %d of %d", len(told), calls)
	}
	o.wantSound()
}

func TestACallThatWasSentToAllIsSentToAllAgain(t *testing.T) {
	one, two := newPager(t), newPager(t)
	o := open(t, t.TempDir(), one.contact, func(c *desk.Config) { c.Contacts = append(c.Contacts, two.URL) })
	o.speaksFor("association")
	o.called(nil)
	o.send()
	o.send()
	whole := strings.TrimSuffix(one.keys[0], "-1")
	if _, err := o.Resend(t.Context(), wang, whole, ""); err != nil {
		t.Fatal(err)
	}
	o.send()
	o.send()
	for n, p := range []*pager{one, two} {
		if len(p.keys) != 2 || p.keys[0] != p.keys[1] {
			t.Errorf("pager %d heard %q, want the same call twice", n, p.keys)
		}
	}
	if c, err := o.Reader(casebook.Operator()).Counts(t.Context()); err != nil || c.OutboxWaits != 0 {
		t.Errorf("%d lines wait (%v), want none", c.OutboxWaits, err)
	}
	o.wantSound()
}

// TestACallCutShortIsSentAgainAndSaysSo: the process dies between the pager's hearing
// and our writing it down.
func TestACallCutShortIsSentAgainAndSaysSo(t *testing.T) {
	dir, after := t.TempDir(), filepath.Join(t.TempDir(), "after")
	p := newPager(t)
	o := open(t, dir, p.contact)
	o.speaksFor("association")
	o.called(nil)
	o.send()
	p.rung = func() {
		if err := os.CopyFS(after, os.DirFS(dir)); err != nil {
			t.Error(err)
		}
		p.rung = nil
	}
	o.send()
	o.close()
	again := open(t, after, p.contact)
	if lines := again.outbox(); !strings.HasPrefix(lines[1], "call-1 sending 1 ") {
		t.Fatalf("the crash left %q, want a line that is being sent", lines)
	}
	if err := again.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lines := again.outbox(); !strings.HasPrefix(lines[1], "call-1 waiting 1 resent after crash") {
		t.Errorf("got %q, want it to say that it is sent again after a crash", lines[1])
	}
	again.send()
	if diff := cmp.Diff(p.keys, []string{p.keys[0], p.keys[0]}); diff != "" {
		t.Errorf("the pager heard (got, want):\n%s", diff)
	}
	if state := again.outbox()[1]; !strings.HasPrefix(state, "call-1 sent 2 resent after crash; ") {
		t.Errorf("got %q", state)
	}
	again.wantSound()
}

func TestContactsAreCheckedAtTheStart(t *testing.T) {
	for _, contact := range []string{"duty@example.org", "mailto:duty@example.org", "exec:/nowhere/hook", "ftp://example.org"} {
		if d, err := desk.Open(t.Context(), desk.Config{Dir: t.TempDir(), Contacts: []string{contact}}); !errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("%s: got %v, want it refused", contact, err)
			if err == nil {
				d.Close()
			}
		}
	}
}

// TestACallInChinese: a call in Chinese says what is owed in the words of the law.
func TestACallInChinese(t *testing.T) {
	p := newPager(t)
	o := open(t, t.TempDir(), p.contact, func(c *desk.Config) { c.Language = "zh" })
	o.speaksFor("association")
	o.called(casebook.Facts{addresses: casebook.NumberValue(1_000_000)})
	o.send()
	o.send()
	if len(p.texts) != 1 || !strings.Contains(p.texts[0], "时限开始计算：") || !strings.Contains(p.texts[0], "还有 2 小时 0 分钟") || !strings.Contains(p.texts[0], "工信部保[2009]156号 level1_report") || strings.Contains(p.texts[0], "after press reports") {
		t.Errorf("got %q", p.texts)
	}
}
