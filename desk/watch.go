package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/store"
)

// watcher is the rule in whose name people are told of moments, and misses are
// recorded.
var watcher = casebook.Actor{Kind: casebook.Rule, Name: "watch"}

const (
	// watchEvery is how often the store is asked for the next moment, whatever the
	// last answer was.
	watchEvery = 20 * time.Second
	// watchBatch bounds how many duties one commit tells.
	watchBatch = 500
	// watchPause is how long what comes due right after a commit is gathered for the
	// next: people get four messages a second at most, and not one a duty.
	watchPause = 250 * time.Millisecond
)

// Watch tells people of every moment of every duty, and of incidents that wait, and
// records what was missed, until ctx ends. It looks at rows and at the clock and
// holds no timer of its own, so that it may die at any moment and be started again,
// or run twice: what fell due meanwhile is told and recorded at the start, with the
// moment at which it was due by law.
func (d *Desk) Watch(ctx context.Context) error {
	for ctx.Err() == nil {
		changed := d.changed.wait()
		at := d.noteJump(ctx)
		told, err := d.WatchOnce(ctx, at)
		switch {
		case err != nil && ctx.Err() == nil:
			slog.ErrorContext(ctx, "telling people of their moments failed, trying again in a second", "err", err)
		case told == watchBatch:
			continue
		}
		var looked func(time.Time)
		next, failed := d.db.Reader(casebook.Operator()).NextMoment(ctx)
		if err != nil || failed != nil {
			next, changed = at.Add(retryAfter), nil
		} else {
			looked = func(at time.Time) { d.watched.Store(at.UnixMicro()) }
		}
		if soonest := at.Add(watchPause); told > 0 && !next.IsZero() && next.Before(soonest) {
			next = soonest
		}
		d.rest(ctx, changed, next, watchEvery, looked)
	}
	return nil
}

// WatchOnce tells what must be told by a moment, watchBatch duties at most, and
// gives how many it told.
func (d *Desk) WatchOnce(ctx context.Context, at time.Time) (told int, err error) {
	next, err := d.db.Reader(casebook.Operator()).NextMoment(ctx)
	if err != nil || next.IsZero() || next.After(at) {
		return 0, err
	}
	clock := d.ClockState()
	_, err = d.db.Write(ctx, store.Work{Kind: "watch", Actor: watcher.String(), At: at}, func(tx *store.Tx) error {
		told = 0
		duties, err := tx.DutiesToTell(at, watchBatch)
		if err != nil {
			return err
		}
		var calls []call
		tellings := make([]store.Telling, len(duties))
		for n, duty := range duties {
			var one call
			tellings[n], one = tell(duty, at)
			tellings[n].Entry.By, tellings[n].Entry.Clock = watcher.String(), clock
			calls = append(calls, one)
			told++
		}
		if err := tx.Tell(tellings); err != nil {
			return err
		}
		waiting, err := tx.Lapsed(at, watchBatch-told)
		if err != nil {
			return err
		}
		for _, i := range waiting {
			c := casework{desk: d, tx: tx, who: watcher, at: at, clock: clock, incident: i}
			if err := c.log(casebook.Anchor{Kind: casebook.TriageLapsed, At: i.TriageDue}); err != nil {
				return err
			}
			if err := tx.ToldOf(i.ID, at.Add(triageAgain(i.TriageDue, at))); err != nil {
				return err
			}
			calls = append(calls, call{kind: callTriage, incident: i, at: at})
			told++
		}
		return d.enqueue(tx, at, calls)
	})
	if errors.Is(err, casebook.ErrConflict) {
		return 0, nil // another process told it
	}
	if err != nil {
		return 0, fmt.Errorf("watch: %w", err)
	}
	if told > 0 {
		d.outgoing.tell()
	}
	return told, nil
}

// maxTriage is the longest wait before people are told again of what waits for them.
const maxTriage = 4 * time.Hour

// triageAgain gives after what time people are told again that an incident waits: a
// quarter of an hour, then twice as long each time, so that what nobody answers
// doesn't drown what is new.
func triageAgain(due, at time.Time) time.Duration {
	return min(max(at.Sub(due), casebook.Triage), maxTriage)
}

// tell says what is to be recorded, and called, when a moment of a duty came: a
// warning before it is due, and afterwards that it was missed, as of the legal
// moment. Of several moments that passed unseen only the last is told.
func tell(duty store.DutyToTell, at time.Time) (store.Telling, call) {
	moments := duty.Moments()
	times := duty.Told
	for times < len(moments) && !moments[times].After(at) {
		times++
	}
	t := store.Telling{Of: duty, Times: times, Entry: casebook.Anchor{Kind: casebook.DutyWarned, At: moments[times-1],
		Source: duty.ID.Text(casebook.DutyPrefix), Note: duty.Regime + " " + duty.Stage}}
	one := call{kind: callWarning, duty: duty.Duty, at: at}
	switch {
	case times < len(moments):
	case duty.State == casebook.Unset:
		// Nobody knows yet whether it was owed; that its moment passed is said.
		one.kind, t.Entry.At = callPassed, duty.Due
		t.Entry.Note += ": its provisional moment passed"
	default:
		t.State, t.Reason, t.At = casebook.Missed, "due and not filed", duty.Due
		t.Entry.Kind, t.Entry.At = casebook.DutyMissed, duty.Due
		one.kind, one.duty.State, one.duty.Reason = callMissed, t.State, t.Reason
	}
	return t, one
}

// Heartbeat is what the platform says of itself to one that watches it from
// elsewhere.
type Heartbeat struct {
	Instance   string
	Now        time.Time
	Started    time.Time
	WatchedAt  time.Time // when Watch last looked at the clock, with the next moment in its hand; zero: never
	Clock      casebook.ClockState
	Checkpoint string
	Open       int64           // duties that run, counted up to maxOpen
	Due        []casebook.Duty // the soonest of them, firm ones before provisional ones
}

const (
	// heartbeatDuties is how many duties a heartbeat names.
	heartbeatDuties = 200
	// maxOpen bounds how far a heartbeat counts: it is asked for three times a minute,
	// and whoever asks takes one that comes late for a stop.
	maxOpen = 100_000
)

// Heartbeat tells how the platform is and what is due next.
func (d *Desk) Heartbeat(ctx context.Context, scope casebook.Scope) (Heartbeat, error) {
	r := d.Reader(scope)
	name, _, _ := strings.Cut(strings.TrimPrefix(d.Verifier(), "tocsin/"), "+")
	h := Heartbeat{Instance: name, Now: d.Now(), Started: d.started, Clock: d.ClockState()}
	if us := d.watched.Load(); us != 0 {
		h.WatchedAt = time.UnixMicro(us).UTC()
	}
	var err error
	if h.Open, err = r.Running(ctx, maxOpen); err != nil {
		return h, err
	}
	if h.Checkpoint, err = r.Checkpoint(ctx); err != nil {
		return h, err
	}
	h.Due, err = d.soonest(ctx, r, h)
	return h, err
}

// soonest gives the duties that a heartbeat names. Firm ones come before provisional
// ones that would crowd them out; those stay unset for as long as nobody grades, and
// their passing is told once the watch has looked.
func (d *Desk) soonest(ctx context.Context, r *store.Reader, h Heartbeat) ([]casebook.Duty, error) {
	all, err := r.DutiesByDue(ctx, store.DutyFilter{States: []casebook.DutyState{casebook.OpenDuty}}, casebook.ID{}, heartbeatDuties)
	if err != nil {
		return nil, err
	}
	looked := h.WatchedAt
	if looked.IsZero() {
		looked = h.Started
	}
	provisional, err := r.DutiesByDue(ctx, store.DutyFilter{States: []casebook.DutyState{casebook.Unset}, From: looked.Add(-time.Minute)}, casebook.ID{}, heartbeatDuties-len(all))
	all = append(all, provisional...)
	slices.SortStableFunc(all, func(a, b casebook.Duty) int { return a.Due.Compare(b.Due) })
	return all, err
}
