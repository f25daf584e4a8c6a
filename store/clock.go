package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"tocsin/casebook"
)

var clockTable = covered(24, "clock", `recorded_at:i! at:i! known:i! clock_offset:i! bound:i! source:t! jump:i!`)

// A ClockReading is what was known of the machine's clock at a moment, or a jump of
// it.
type ClockReading struct {
	At   time.Time // by this clock
	Jump time.Duration
	casebook.ClockState
}

// NoteClock writes a reading of the machine's clock.
func (tx *Tx) NoteClock(c ClockReading) error {
	id, err := tx.id("clock")
	if err != nil {
		return err
	}
	return tx.insert(clockTable, []any{id, tx.salt(), micros(tx.at), micros(c.At), bit(c.Known), c.Offset.Microseconds(), c.Bound.Microseconds(), c.Source, c.Jump.Microseconds()})
}

// Clock gives the newest reading of the machine's clock; the zero one if there is
// none.
func (r *Reader) Clock(ctx context.Context) (c ClockReading, err error) {
	var at, offset, bound, jump int64
	err = r.q.QueryRowContext(ctx, `SELECT at, known, clock_offset, bound, source, jump FROM clock ORDER BY id DESC LIMIT 1`).
		Scan(&at, &c.Known, &offset, &bound, &c.Source, &jump)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	c.At, c.Offset, c.Bound, c.Jump = moment(at), time.Duration(offset)*time.Microsecond, time.Duration(bound)*time.Microsecond, time.Duration(jump)*time.Microsecond
	return c, err
}
