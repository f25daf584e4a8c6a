package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tocsin/courier"
)

// Kind says what a call is about.
type Kind string

// The kinds.
const (
	KindSilent Kind = "silent"     // the platform doesn't watch its clocks
	KindSoon   Kind = "due_soon"   // a due moment approaches meanwhile
	KindPassed Kind = "due_passed" // a due moment passed meanwhile
	KindBack   Kind = "back"       // it watches again
	KindClock  Kind = "clock"      // clocks differ
	KindTest   Kind = "test"       // somebody wants to know whether calls arrive
)

// topic groups kinds of which a newer call says all that an older one said.
func (k Kind) topic() string {
	switch k {
	case KindClock, KindTest:
		return string(k)
	}
	return topicSilence
}

const topicSilence = "silence"

// Call is what people are told. It holds all that its text is made of, so that it
// is the same text when it is sent again.
type Call struct {
	ID       string    `json:"id"`
	Kind     Kind      `json:"call"`
	Platform string    `json:"platform"`
	Instance string    `json:"instance"`
	At       time.Time `json:"at"`
	// Number counts the calls of one silence, from 1.
	Number int `json:"number"`
	// Heard is when all was well for the last time; zero: never.
	Heard time.Time `json:"heard"`
	// Silent is how long that is ago, or was when it came back.
	Silent time.Duration `json:"silent_ns"`
	Fault  Fault         `json:"fault"`
	Detail string        `json:"detail"`
	Repeat time.Duration `json:"repeat_ns"` // when the next call follows
	Open   int           `json:"open"`      // duties when it was last heard
	// Due are the moments last told, soonest first; in a call of kind back those
	// that passed meanwhile.
	Due []CallDue `json:"due"`
	// Clocks: the platform's less ours, how sure that is, and its own measure.
	Offset      time.Duration `json:"offset_ns"`
	OffsetBound time.Duration `json:"offset_bound_ns"`
	OwnOffset   time.Duration `json:"own_offset_ns"`

	To map[string]Delivery `json:"to,omitempty"` // by contact
}

// CallDue is a due moment in a call.
type CallDue struct {
	Due
	Passed bool `json:"passed"`
	New    bool `json:"new"` // the reason of this call
}

// Delivery is what became of a call at one contact.
type Delivery struct {
	Attempts int       `json:"attempts"`
	First    time.Time `json:"first"`
	Next     time.Time `json:"next"`
	Done     bool      `json:"done"`
	Dead     bool      `json:"dead"` // given up; the next call tries again
}

// name gives a call its ID: by its moment, and by its number among all calls about
// the platform, because a clock that is set back brings moments twice.
func name(url string, kind Kind, at time.Time, made int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%d", url, kind, at.UnixMicro(), made))
	return "wch_" + hex.EncodeToString(sum[:13])
}

func (p Platform) call(url string, kind Kind, now time.Time) Call {
	c := Call{ID: name(url, kind, now, p.Made), Kind: kind, Platform: url, Instance: p.Instance, At: now, Heard: p.Heard, Fault: p.Fault, Detail: p.Detail, Open: p.Open, Due: []CallDue{},
		Offset: p.Offset, OffsetBound: p.OffsetBound, OwnOffset: p.OwnOffset}
	if !p.Silent.IsZero() {
		c.Silent = max(0, now.Sub(p.Blind))
	}
	return c
}

func (p Platform) callSilent(url string, kind Kind, fresh []Due, r Rules, now time.Time) Call {
	c := p.call(url, kind, now)
	c.Number, c.Repeat = p.Calls, r.Repeat
	for _, d := range p.Due {
		isNew := slices.ContainsFunc(fresh, func(f Due) bool { return f.key() == d.key() })
		c.Due = append(c.Due, CallDue{Due: d, Passed: now.After(d.Due), New: isNew})
	}
	return c
}

// callBack tells what passed in the silence, and how the platform has it now.
func (p Platform) callBack(url string, now time.Time) Call {
	c := p.call(url, KindBack, now)
	c.Number = p.Calls + 1
	for _, d := range p.Passed {
		d.State = ""
		for _, listed := range p.Due {
			if listed.Duty == d.Duty && listed.Stage == d.Stage {
				d.State = listed.State
			}
		}
		c.Due = append(c.Due, CallDue{Due: d, Passed: true})
	}
	slices.SortFunc(c.Due, func(a, b CallDue) int { return order(a.Due, b.Due) })
	return c
}

func (p Platform) callClock(url string, now time.Time) Call {
	c := p.call(url, KindClock, now)
	c.Due, c.Number = []CallDue{}, 1
	return c
}

// TestCall makes the call by which somebody learns whether calls arrive.
func TestCall(r Rules, now time.Time) Call {
	c := Call{Kind: KindTest, At: now, Number: 1, Due: []CallDue{}, ID: name("", KindTest, now, 0), To: map[string]Delivery{}}
	for _, contact := range r.Contacts {
		c.To[contact] = Delivery{}
	}
	return c
}

// replace puts new calls in the place of what they say again, and drops what is
// done and whom nobody calls any more.
func replace(old, calls []Call, r Rules) []Call {
	var kept []Call
	for _, c := range old {
		for contact := range maps.Clone(c.To) {
			if !slices.Contains(r.Contacts, contact) {
				delete(c.To, contact)
			}
		}
		said := slices.ContainsFunc(calls, func(n Call) bool { return n.Platform == c.Platform && n.Kind.topic() == c.Kind.topic() })
		if watched := c.Platform == "" || slices.Contains(r.Platforms, c.Platform); watched && !said && c.pending() {
			kept = append(kept, c)
		}
	}
	return append(kept, calls...)
}

func (c Call) pending() bool {
	for _, d := range c.To {
		if !d.Done && !d.Dead {
			return true
		}
	}
	return false
}

// attempt is one call to one contact.
type attempt struct {
	call    Call
	contact string
}

// key names what is done one after the other: a contact hears the calls of one
// topic in their order, and one topic never waits for another.
func (a attempt) key() string {
	return a.call.Platform + " " + a.call.Kind.topic() + " " + a.contact
}

// ready gives the attempts to make now, and how long until the next one if there
// is any.
func (s State) ready(now time.Time) (all []attempt, wait time.Duration) {
	for _, c := range s.Calls {
		for _, contact := range slices.Sorted(maps.Keys(c.To)) {
			d := c.To[contact]
			left := d.Next.Sub(now)
			switch {
			case d.Done || d.Dead:
			case left <= 0 || left > 2*courier.Pressing.Most+maxRest:
				// Due, or put there by a clock that was set back since.
				all = append(all, attempt{c, contact})
			case wait == 0 || left < wait:
				wait = left
			}
		}
	}
	return all, wait
}

// maxRest is the longest that a contact's machine may ask to be left alone: the
// call presses.
const maxRest = time.Minute

// Delivered notes what became of an attempt that began at a moment; a call that
// was replaced meanwhile is none of ours any more.
func Delivered(s State, id, contact string, begun time.Time, failure error) State {
	s = s.clone()
	for i, c := range s.Calls {
		d, ok := c.To[contact]
		if c.ID != id || !ok {
			continue
		}
		if d.Attempts++; d.Attempts == 1 {
			d.First = begun
		}
		switch {
		case failure == nil:
			d.Done = true
		case !courier.Temporary(failure):
			d.Dead = true
		default:
			d.Next, d.Dead = courier.Pressing.Next(id, d.First, d.Attempts)
			d.Next = later(d.Next, begun.Add(rest(failure)))
		}
		s.Calls[i].To[contact] = d
	}
	s.Calls = slices.DeleteFunc(s.Calls, func(c Call) bool { return !c.pending() })
	return s
}

// rest is how long a contact's machine asked to be left alone.
func rest(failure error) time.Duration {
	if f, ok := errors.AsType[*courier.Failure](failure); ok {
		return min(f.After, maxRest)
	}
	return 0
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
