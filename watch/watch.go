// Package watch is the second pair of eyes: it looks at platforms from another
// machine and calls people when one of them stops watching its clocks, with the
// due moments that it was last told. What it decides is one pure function, Step;
// around it are a state file, HTTP requests, and a loop that sends the calls by
// courier. It knows nothing of a platform but its heartbeat: no database, no
// desk.
package watch

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"tocsin/casebook"
)

// Rules say when people are called. Check fills and holds them.
type Rules struct {
	// Platforms are the base URLs that are watched.
	Platforms []string
	// Contacts are who is called, by the names that couriers' targets have.
	Contacts []string
	// Silence is how long nothing good was heard before people are called.
	Silence time.Duration
	// Repeat is how long after a call the next one follows when nothing changed,
	// until somebody acknowledges or the platform is back.
	Repeat time.Duration
	// Before are the spans ahead of a due moment at which a silent platform's duty
	// contacts are warned, longest first; the moment itself comes on top.
	Before []time.Duration
}

// Check holds rules against their bounds and sorts them. It gives ErrInvalid.
func (r *Rules) Check() error {
	var err error
	switch {
	case len(r.Platforms) == 0:
		err = errors.New("no platform is named: give the address of each, as https://tocsin.example")
	case len(r.Contacts) == 0:
		err = errors.New("nobody is named who could be called")
	case r.Silence <= 0 || r.Silence > 24*time.Hour:
		err = fmt.Errorf("a silence of %v isn't between 0 and a day", r.Silence)
	case r.Repeat <= 0:
		err = fmt.Errorf("calls can't be repeated each %v", r.Repeat)
	case len(r.Before) > 10 || slices.ContainsFunc(r.Before, func(d time.Duration) bool { return d <= 0 }):
		err = errors.New("there are at most ten warnings, each some time before the due moment")
	}
	if err != nil {
		return fmt.Errorf("watch: %w: %w", err, casebook.ErrInvalid)
	}
	for _, list := range []*[]string{&r.Platforms, &r.Contacts} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	slices.SortFunc(r.Before, func(a, b time.Duration) int { return cmp.Compare(b, a) })
	return nil
}

// Latest is how long after a platform's stop its contacts are called at the
// latest, their channels' own time apart, with so much time between two looks.
func (r Rules) Latest(every time.Duration) time.Duration {
	return r.Silence + Confirm*every + pollLimit
}

// The figures that need no setting.
const (
	// Confirm is how many looks in a row tell silence, or that it is over: one
	// lost packet wakes nobody.
	Confirm = 2
	// MaxOffset is the difference of clocks that is told.
	MaxOffset = time.Second
	// ClockRepeat is how often it is told again while it lasts.
	ClockRepeat = 6 * time.Hour
	// MaxDue bounds the due moments that are kept of a platform.
	MaxDue = 200
)

// Moment is when a step is taken.
type Moment struct {
	Now time.Time // by this machine's clock
	// Elapsed is the time since the step before by a clock that nobody sets;
	// negative if there was none in this process.
	Elapsed time.Duration
}

// Fault says what was wrong with a look at a platform; "" is nothing.
type Fault string

// The faults.
const (
	NoAnswer           Fault = "no_answer"
	WrongAnswer        Fault = "wrong_answer"
	KeyRefused         Fault = "key_refused"
	CertificateRefused Fault = "certificate_refused"
	Stale              Fault = "stale"          // it answers, and its watch loop stands still
	OtherInstance      Fault = "other_instance" // another ledger answers in its place
)

// refused are faults that don't pass by waiting.
func (f Fault) refused() bool { return f == KeyRefused || f == CertificateRefused }

// News is what one look at a platform gave: a heartbeat or a fault.
type News struct {
	Platform string
	Beat     *Heartbeat
	Fault    Fault  // set when Beat is nil
	Detail   string // of the fault, for people
	// Sent and Answered are when the request went out and the answer was read, by
	// this machine's clock.
	Sent, Answered time.Time
}

// Step takes news at a moment and gives the new state and the calls to make, which
// are also in the state until they are delivered or replaced. It is a function of
// its arguments and leaves them as they were: a process that was killed goes on
// from the state it kept, and decides as if it had lived.
//
// Silence and repeats are counted in elapsed time, duties in legal time. While a platform is
// silent the moment never goes back, so that a clock that is set back delays no
// call and repeats none.
func Step(s State, r Rules, m Moment, news ...News) (State, []Call) {
	s, elapsed := s.pass(m)
	for url := range s.Platforms {
		if !slices.Contains(r.Platforms, url) {
			delete(s.Platforms, url)
		}
	}
	var calls []Call
	for _, url := range r.Platforms {
		p := s.Platforms[url]
		p.Quiet += elapsed
		p.Unmoved += elapsed
		p.SinceCall += elapsed
		for _, n := range news {
			if n.Platform != url {
				continue
			}
			p = p.hear(n, r, s.Moment)
			var told bool
			if p, told = p.differs(n, s.Moment); told {
				p.Made++
				calls = append(calls, p.callClock(url, s.Moment))
			}
		}
		p, call := p.judge(url, r, s.Moment)
		if call != nil {
			calls = append(calls, *call)
		}
		s.Platforms[url] = p
	}
	for i := range calls {
		calls[i].To = map[string]Delivery{}
		for _, contact := range r.Contacts {
			calls[i].To[contact] = Delivery{}
		}
	}
	s.Calls = replace(s.Calls, calls, r)
	return s, calls
}

// pass lets time go by.
func (s State) pass(m Moment) (State, time.Duration) {
	s = s.clone()
	elapsed := m.Elapsed
	if elapsed < 0 {
		elapsed = 0
		if !s.At.IsZero() {
			elapsed = max(0, m.Now.Sub(s.At))
		}
	}
	reckoned := s.Moment.Add(max(0, m.Elapsed))
	if !s.anySilent() || m.Now.After(reckoned) {
		reckoned = m.Now
	}
	s.At, s.Moment = m.Now, reckoned
	return s, elapsed
}

// hear takes in one look.
func (p Platform) hear(n News, r Rules, now time.Time) Platform {
	fault, detail := n.Fault, n.Detail
	if n.Beat != nil {
		fault, detail = "", ""
		if p.Instance != "" && n.Beat.Instance != p.Instance {
			fault, detail = OtherInstance, n.Beat.Instance
		} else {
			before := p
			p = p.learn(*n.Beat)
			if lag := max(n.Beat.Now.Sub(p.Watched), p.Unmoved); lag > r.Silence {
				fault, detail = Stale, p.Watched.Format(time.RFC3339)
				p.Quiet = max(p.Quiet, lag)
			} else if !p.Silent.IsZero() {
				before, _ = before.note(r, now) // what passed by the list that it replaces
				p.Passed = before.Passed
			}
		}
	}
	p.Fault, p.Detail = fault, detail
	if fault == "" {
		p.Quiet, p.Failures, p.Good, p.Heard = 0, 0, min(p.Good+1, Confirm), now
	} else {
		p.Failures, p.Good = min(p.Failures+1, Confirm), 0
	}
	return p
}

// learn keeps what a heartbeat says. A platform that hasn't watched yet is given
// time from its start on.
func (p Platform) learn(b Heartbeat) Platform {
	watched := b.Watched
	if watched.IsZero() {
		watched = b.Started
	}
	if !watched.Equal(p.Watched) {
		p.Watched, p.Unmoved = watched, 0
	}
	p.Instance, p.Open, p.Due = b.Instance, b.Open, b.Due
	told := map[string]int{}
	for _, d := range p.Due {
		if n := p.Told[d.key()]; n > 0 {
			told[d.key()] = n
		}
	}
	p.Told = told
	return p
}

// judge decides whether somebody is to be called about the platform's silence.
func (p Platform) judge(url string, r Rules, now time.Time) (Platform, *Call) {
	if p.Silent.IsZero() {
		if p.Failures < Confirm || p.Quiet < r.Silence && !p.Fault.refused() {
			return p, nil
		}
		p.Silent, p.Blind = now, p.blindSince(now)
		p.Told, p.Passed, p.Calls, p.Acknowledged = map[string]int{}, nil, 0, ""
	}
	if p.Good >= Confirm {
		p.Made++
		call := p.callBack(url, now)
		p.Silent, p.Blind = time.Time{}, time.Time{}
		p.Told, p.Passed, p.Calls, p.Acknowledged = map[string]int{}, nil, 0, ""
		return p, &call
	}
	if p.Failures == 0 {
		return p, nil
	}
	p, fresh := p.note(r, now)
	kind := KindSilent
	switch {
	case p.Calls == 0:
	case slices.ContainsFunc(fresh, func(d Due) bool { return now.After(d.Due) }):
		kind = KindPassed
	case len(fresh) > 0:
		kind = KindSoon
	case p.Acknowledged != "" || p.SinceCall < r.Repeat:
		return p, nil
	}
	p.Made, p.Calls, p.SinceCall, p.Acknowledged = p.Made+1, p.Calls+1, 0, ""
	call := p.callSilent(url, kind, fresh, r, now)
	return p, &call
}

// blindSince is the last moment at which the platform is known to have watched.
func (p Platform) blindSince(now time.Time) time.Time {
	since := now
	for _, at := range []time.Time{p.Heard, p.Watched} {
		if !at.IsZero() && at.Before(since) {
			since = at
		}
	}
	return since
}

// note marks each stage of a due moment that is reached while the platform is
// silent: its warnings, and its passing. It gives those that reached a new one. A
// moment that passed while the platform still watched is the platform's to tell.
func (p Platform) note(r Rules, now time.Time) (Platform, []Due) {
	var fresh []Due
	told := map[string]int{}
	for _, d := range p.Due {
		key, stage := d.key(), stage(d, r, now)
		told[key] = max(stage, p.Told[key])
		if stage <= p.Told[key] || !d.Due.After(p.Blind) {
			continue
		}
		fresh = append(fresh, d)
		known := slices.ContainsFunc(p.Passed, func(o Due) bool { return o.key() == key })
		if now.After(d.Due) && !known && len(p.Passed) < 2*MaxDue {
			p.Passed = append(slices.Clip(p.Passed), d)
		}
	}
	p.Told = told
	return p, fresh
}

// stage counts how many moments of a duty are reached: each warning, and its due
// moment, whose own second is still on time.
func stage(d Due, r Rules, now time.Time) int {
	if now.After(d.Due) {
		return len(r.Before) + 1
	}
	n := 0
	for _, before := range r.Before {
		if !now.Before(d.Due.Add(-before)) {
			n++
		}
	}
	return n
}

// differs compares the platform's clock with ours, half the round trip allowed
// for either way (as in RFC 5905, section 8), and reports whether that is to be
// told.
func (p Platform) differs(n News, now time.Time) (Platform, bool) {
	if n.Beat == nil || n.Answered.Before(n.Sent) {
		return p, false
	}
	half := n.Answered.Sub(n.Sent) / 2
	offset := n.Beat.Now.Sub(n.Sent.Add(half))
	p.Offset, p.OffsetBound, p.OwnOffset = offset, half, 0
	if n.Beat.ClockKnown {
		p.OwnOffset = n.Beat.ClockOffset
	}
	if offset.Abs()-half <= MaxOffset && p.OwnOffset.Abs() <= MaxOffset {
		p.Differs = 0
		if offset.Abs()+half < MaxOffset/2 && p.OwnOffset.Abs() < MaxOffset/2 {
			p.ClockTold = time.Time{}
		}
		return p, false
	}
	p.Differs = min(p.Differs+1, Confirm)
	if p.ClockTold.After(now) {
		p.ClockTold = now // told before this clock was set back
	}
	if p.Differs < Confirm || !p.ClockTold.IsZero() && now.Sub(p.ClockTold) < ClockRepeat {
		return p, false
	}
	p.ClockTold = now
	return p, true
}

// Acknowledge notes that somebody takes care of the silence of a platform, or of
// every silent one for "": calls are no longer repeated until something new
// happens. It reports how many platforms that was news for.
func Acknowledge(s State, by, platform string) (State, int) {
	s = s.clone()
	n := 0
	for url, p := range s.Platforms {
		if !p.Silent.IsZero() && p.Acknowledged == "" && (platform == "" || platform == url) {
			p.Acknowledged = cmp.Or(by, "?")
			s.Platforms[url] = p
			n++
		}
	}
	return s, n
}
