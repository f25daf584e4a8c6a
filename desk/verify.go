package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tocsin/casebook"
	"tocsin/store"
)

// verifier is the rule in whose name rows of orders are held against what was seen.
var verifier = casebook.Actor{Kind: casebook.Rule, Name: "verify"}

const (
	verifyEvery = time.Minute
	verifyBatch = 500
)

// Verify holds what parties said is clean against later observations, until ctx ends.
func (d *Desk) Verify(ctx context.Context) error {
	for ctx.Err() == nil {
		moved := d.moved.wait()
		if _, err := d.VerifyOnce(ctx, d.Now()); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "verifying stopped, trying again in a minute", "err", err)
		}
		d.rest(ctx, moved, d.Now().Add(verifyEvery), verifyEvery, nil)
	}
	return nil
}

// VerifyOnce looks at every row that a party said is clean, and gives how many moved.
func (d *Desk) VerifyOnce(ctx context.Context, at time.Time) (moved int, err error) {
	for after := int64(0); ; {
		rows, next, err := d.db.Reader(casebook.Operator()).Checkables(ctx, after, verifyBatch)
		if err != nil || len(rows) == 0 {
			return moved, err
		}
		after = next
		var changed []store.Checkable
		for _, r := range rows {
			if !r.Answer.Claims() {
				continue
			}
			state, why := casebook.Verify(r.AnsweredAt, r.LastSeen, r.Heard, at)
			if state == r.State || r.State == casebook.UnverifiedRow && state == casebook.AnsweredRow || r.State == casebook.VerifiedRow && state != casebook.ReopenedRow {
				continue
			}
			r.State, r.Why, r.CheckedAt = state, why, at
			changed = append(changed, r)
		}
		if len(changed) == 0 {
			continue
		}
		n, err := d.settleRows(ctx, changed, at)
		moved += n
		if err != nil {
			return moved, err
		}
	}
}

func (d *Desk) settleRows(ctx context.Context, rows []store.Checkable, at time.Time) (moved int, err error) {
	_, err = d.db.Write(ctx, store.Work{Kind: "verify", Actor: verifier.String(), At: at}, func(tx *store.Tx) error {
		moved = 0
		var calls []call
		for _, r := range rows {
			o, err := tx.Order(r.Order)
			if err != nil {
				return err
			}
			c := casework{desk: d, tx: tx, who: verifier, at: at, clock: d.ClockState()}
			if c.incident, err = tx.Incident(o.Incident); err != nil {
				return err
			}
			if err := tx.SaveOrderRow(r.OrderRow); err != nil {
				return err
			}
			finding := map[casebook.RowState]casebook.State{casebook.VerifiedRow: casebook.Verified, casebook.UnverifiedRow: casebook.Unverified, casebook.ReopenedRow: casebook.Relapsed}[r.State]
			if err := tx.SetFinding(r.Finding, o.Party, finding); err != nil {
				return err
			}
			note := fmt.Sprintf("row %d of %s, %s: %s: %s", r.Number, o.Task, r.Asset, r.State, r.Why)
			if err := c.log(casebook.Anchor{Kind: casebook.RowChecked, At: at, Source: o.ID.Text(casebook.OrderPrefix), Note: note}); err != nil {
				return err
			}
			if r.State == casebook.ReopenedRow {
				calls = append(calls, call{kind: callReopened, incident: c.incident, note: note, at: at})
			}
			moved++
		}
		return d.enqueue(tx, at, calls)
	})
	if errors.Is(err, casebook.ErrConflict) {
		return 0, nil
	}
	return moved, err
}
