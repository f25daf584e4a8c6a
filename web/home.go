package web

import (
	"context"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/store"
)

// How much the first page shows.
const (
	homeRows   = 20
	homeDuties = 15
)

// homeView is the first page: what a person must act on, in the order in which it
// presses, then how much there is.
type homeView struct {
	Now     time.Time
	Form    form // for what who sees the page may do
	Act     actView
	Waiting waitingView
	Mine    []proposedLine // open incidents that who sees the page has taken

	Counts    counts
	Fresh     bool // nothing has been taken in yet
	Directory string
}

// Quiet reports that nothing waits for a person.
func (v homeView) Quiet() bool {
	return v.Act.Quiet() && len(v.Waiting.Orders)+len(v.Waiting.Silent)+len(v.Waiting.Disputes) == 0
}

// actView is what a person must act on, and what keeps the platform from doing its
// part.
type actView struct {
	NoParty  bool // nobody's duties are reckoned here
	NoCall   bool // nobody can be called from here
	Clock    casebook.ClockState
	Stuck    bool  // lines of the outbox wait longer than they should
	Waiting  int64 // of the outbox
	Dead     int64 // of the outbox
	Missed   dutyList
	AllMiss  int64
	Due      dutyList
	AllDue   int64
	Passed   dutyList // provisional ones whose moment is over
	Proposed []proposedLine
	AllWait  int64
}

// proposedLine is an incident that waits for a yes or no, with the first moment at
// which something would be due after a yes; zero if nothing would.
type proposedLine struct {
	casebook.Incident
	Next time.Time
}

// Quiet reports that nothing waits for a person.
func (v actView) Quiet() bool {
	return len(v.Missed.Lines)+len(v.Due.Lines)+len(v.Passed.Lines)+len(v.Proposed) == 0
}

// stuckAfter is how long a line of the outbox may wait past its moment before
// people are shown that it does.
const stuckAfter = 15 * time.Second

func (s *server) actView(ctx context.Context, scope casebook.Scope, c counts, now time.Time) (v actView, err error) {
	r := s.desk.Reader(scope)
	v = actView{NoParty: c.Speaks == 0, NoCall: !s.desk.CanCall(), Waiting: c.Outbox.Waiting, Dead: c.Outbox.Dead,
		AllMiss: c.Duties.Missed, AllDue: c.Duties.Open + c.Duties.Unset, AllWait: c.Proposed}
	clock, err := r.Clock(ctx)
	if err != nil {
		return v, err
	}
	v.Clock = clock.ClockState
	if !scope.All { // how the platform does is no party's affair
		v.NoParty, v.NoCall = false, false
	}
	next, err := r.NextOutgoing(ctx, "")
	if err != nil {
		return v, err
	}
	v.Stuck = scope.All && !next.IsZero() && now.Sub(next) > stuckAfter
	running := []casebook.DutyState{casebook.Unset, casebook.OpenDuty}
	for _, one := range []struct {
		into *dutyList
		span store.DutySpan
	}{
		{&v.Missed, store.DutySpan{States: []casebook.DutyState{casebook.Missed}}},
		// What waits for a yes or no is listed by itself, and not with each of the
		// duties that a yes would bring.
		{&v.Due, store.DutySpan{States: running, From: now, Decided: true}},
		{&v.Passed, store.DutySpan{States: running, To: now, Decided: true}},
	} {
		duties, err := r.DutiesBetween(ctx, one.span, homeDuties)
		if err != nil {
			return v, err
		}
		if *one.into, err = s.dutyList(ctx, scope, now, duties); err != nil {
			return v, err
		}
	}
	waiting, err := r.WaitingIncidents(ctx, homeRows)
	if err != nil {
		return v, err
	}
	var ids []casebook.ID
	for _, i := range waiting {
		ids = append(ids, i.ID)
	}
	dues, err := r.NextDue(ctx, ids, now)
	for _, i := range waiting {
		v.Proposed = append(v.Proposed, proposedLine{i, dues[i.ID]})
	}
	return v, err
}

func (s *server) home(x *exchange) error {
	ctx, scope, who := x.request.Context(), x.caller.scope, x.caller.principal
	v := homeView{Now: s.desk.Now(), Form: blankForm(x), Directory: "DIR"}
	var err error
	if v.Counts, err = s.counts(ctx, scope); err != nil {
		return err
	}
	if v.Act, err = s.actView(ctx, scope, v.Counts, v.Now); err != nil {
		return err
	}
	if v.Waiting, err = s.waiting(ctx, who, scope, v.Now); err != nil {
		return err
	}
	if who.IsPerson() {
		if v.Mine, err = s.mine(ctx, scope, who.Actor, v.Now); err != nil {
			return err
		}
	}
	if scope.All { // where the platform keeps its data is its own affair
		v.Fresh, v.Directory = v.Counts.Deliveries == 0 && who.May(access.Deliver), string(s.desk.Directory())
	}
	return s.render(x, "home", v, v.Counts)
}

// mine gives the open incidents that somebody has taken, each with its next moment.
func (s *server) mine(ctx context.Context, scope casebook.Scope, who casebook.Actor, now time.Time) (list []proposedLine, err error) {
	r := s.desk.Reader(scope)
	all, err := r.IncidentsWith(ctx, who.Name, homeRows)
	if err != nil {
		return nil, err
	}
	var ids []casebook.ID
	for _, i := range all {
		ids = append(ids, i.ID)
	}
	dues, err := r.NextDue(ctx, ids, now)
	for _, i := range all {
		list = append(list, proposedLine{i, dues[i.ID]})
	}
	return list, err
}
