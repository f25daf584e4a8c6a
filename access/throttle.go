package access

import (
	"net/netip"
	"strings"
	"time"
)

// A Throttle slows down whoever guesses passwords, by the place from which they ask
// and by the name they try. Its zero value is ready. It must be guarded: it isn't
// safe for several at once.
type Throttle struct {
	tries map[string]tried
}

type tried struct {
	failures int
	until    time.Time // nothing is tried before
	last     time.Time
}

// The brake: after this many failures each further one doubles the wait, from a
// second up to a bound. A place is held for longer than a name, so that who guesses
// keeps the account's owner out for a minute at most.
const (
	freeTries  = 5
	maxWait    = 15 * time.Minute
	maxName    = time.Minute
	forgetting = 24 * time.Hour // after the last failure
	// maxTries bounds what is remembered. Where it is full, of 64 taken at random the
	// one whose last failure is oldest is forgotten.
	maxTries = 10_000
)

// places are the keys under which a try is remembered.
func places(name string, from netip.Addr) [2]string {
	from = from.Unmap()
	bits := 32
	if from.Is6() {
		bits = 64 // a customer has all of them
	}
	place := "@"
	if prefix, err := from.Prefix(bits); err == nil {
		place = "@" + prefix.String()
	}
	return [2]string{place, "=" + strings.ToLower(name)}
}

// Wait says for how long a name mustn't be tried from a place; 0 is now.
func (t *Throttle) Wait(name string, from netip.Addr, at time.Time) time.Duration {
	wait := time.Duration(0)
	for _, key := range places(name, from) {
		wait = max(wait, t.tries[key].until.Sub(at))
	}
	return max(wait, 0)
}

// Failed notes that a try failed.
func (t *Throttle) Failed(name string, from netip.Addr, at time.Time) {
	if t.tries == nil {
		t.tries = map[string]tried{}
	}
	for i, key := range places(name, from) {
		one := t.tries[key]
		if at.Sub(one.last) > forgetting {
			one = tried{}
		}
		one.failures, one.last = one.failures+1, at
		if over := one.failures - freeTries; over > 0 {
			limit := maxWait
			if i == 1 {
				limit = maxName
			}
			one.until = at.Add(min(limit, time.Second<<min(over-1, 20)))
		}
		if _, there := t.tries[key]; !there && len(t.tries) >= maxTries {
			t.forgetOldest()
		}
		t.tries[key] = one
	}
}

// Passed notes that a name was signed in from a place: its failures are forgotten,
// those of the place aren't, where others may be tried too.
func (t *Throttle) Passed(name string) { delete(t.tries, "="+strings.ToLower(name)) }

func (t *Throttle) forgetOldest() {
	oldest, looked := "", 0
	for key, one := range t.tries { // in an order that changes every time
		if oldest == "" || one.last.Before(t.tries[oldest].last) {
			oldest = key
		}
		if looked++; looked == 64 {
			break
		}
	}
	delete(t.tries, oldest)
}
