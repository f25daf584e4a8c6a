package desk

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"tocsin/casebook"
	"tocsin/store"
)

const (
	// maxJump is how far the machine's clock may move by itself between two looks.
	maxJump = 5 * time.Second
	// clockEvery is how often the offset of the clock is asked for.
	clockEvery = 10 * time.Minute
)

// ClockState gives what is known of the machine's clock.
func (d *Desk) ClockState() casebook.ClockState {
	if c := d.clockState.Load(); c != nil {
		return *c
	}
	return casebook.ClockState{}
}

// ReadClock asks for the offset of the machine's clock, records it, and calls people
// when it is off by more than casebook.MaxOffset.
func (d *Desk) ReadClock(ctx context.Context) error {
	if d.probe == nil {
		return nil
	}
	state, err := d.probe(ctx)
	if err != nil {
		slog.WarnContext(ctx, "how far the clock is off isn't known", "err", err)
		state = casebook.ClockState{Source: clipLine(err.Error(), 200)}
	}
	at := d.Now()
	before := d.ClockState()
	d.clockState.Store(&state)
	if d.passing {
		return nil
	}
	// Each hour would be a row for nothing: only what changes is kept, and each start.
	if d.clockNoted.Swap(true) && state.Known == before.Known && state.Off() == before.Off() && (state.Offset-before.Offset).Abs() < 100*time.Millisecond {
		return nil
	}
	var calls []call
	if state.Off() && !before.Off() {
		calls = append(calls, call{kind: callClock, at: at, note: fmt.Sprintf("off by %v (%s); moments of duties are reckoned by it", state.Offset.Round(time.Millisecond), state.Source)})
	}
	return d.noteClock(ctx, store.ClockReading{At: at, ClockState: state}, calls)
}

func (d *Desk) noteClock(ctx context.Context, c store.ClockReading, calls []call) error {
	_, err := d.db.Write(ctx, store.Work{Kind: "clock", Actor: watcher.String(), At: c.At}, func(tx *store.Tx) error {
		if err := tx.NoteClock(c); err != nil {
			return err
		}
		return d.enqueue(tx, c.At, calls)
	})
	if len(calls) > 0 {
		d.outgoing.tell()
	}
	return err
}

// noteAgain keeps the clock's state of the moment from which the database can be written to
// again; that it couldn't, and since when, is the kind of the entry.
func (d *Desk) noteAgain(tx *store.Tx) error {
	return tx.NoteClock(store.ClockReading{At: d.Now(), ClockState: d.ClockState()})
}

// noteJump compares how far the machine's clock moved since the last look with how
// much time passed, and gives the moment of this look. A jump is an entry of the record
// and a call: whoever set it must know that people's moments are reckoned by it.
func (d *Desk) noteJump(ctx context.Context) time.Time {
	last := d.looked
	passed := d.tempo.Passed()
	at := d.Now()
	// The two aren't read at once: what passed in between is no jump.
	d.looked = look{at, passed, d.tempo.Passed() - passed}
	jump := at.Round(0).Sub(last.wall.Round(0)) - (passed - last.passed)
	if last.wall.IsZero() || jump.Abs() <= maxJump+max(d.looked.within, last.within) {
		return at
	}
	slog.WarnContext(ctx, "the machine's clock jumped", "by", jump)
	c := store.ClockReading{At: at, Jump: jump, ClockState: d.ClockState()}
	note := fmt.Sprintf("jumped by %v to %s", jump.Round(time.Millisecond), at.UTC().Format(time.RFC3339))
	if err := d.noteClock(ctx, c, []call{{kind: callClock, at: at, note: note}}); err != nil {
		slog.ErrorContext(ctx, "a jump of the clock couldn't be recorded", "err", err)
	}
	if err := d.ReadClock(ctx); err != nil {
		slog.ErrorContext(ctx, "the clock couldn't be read after a jump", "err", err)
	}
	return at
}

// look is one look at both clocks: the one on the wall, and the time that passed,
// which was read within so much time of it.
type look struct {
	wall           time.Time
	passed, within time.Duration
}

// KeepClock reads the clock's offset at the start and now and then, until ctx ends.
func (d *Desk) KeepClock(ctx context.Context) error {
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	for {
		if err := d.ReadClock(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "the clock's offset couldn't be recorded", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
