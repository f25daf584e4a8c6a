package desk

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/store"
)

// limitBatch bounds how many orders one commit tells.
const limitBatch = 100

// Limits holds served orders against their limits, until ctx ends.
func (d *Desk) Limits(ctx context.Context) error {
	for ctx.Err() == nil {
		changed := d.changed.wait()
		told, err := d.LimitsOnce(ctx, d.Now())
		if err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "telling people of limits that passed failed, trying again in a second", "err", err)
		}
		if told == limitBatch {
			continue
		}
		next, failed := d.db.Reader(casebook.Operator()).NextLimit(ctx)
		if err != nil || failed != nil {
			next, changed = d.Now().Add(retryAfter), nil
		}
		d.rest(ctx, changed, next, verifyEvery, nil)
	}
	return nil
}

// LimitsOnce tells people of served orders whose limit passed by a moment with rows
// undone, once a limit, and gives how many it told.
func (d *Desk) LimitsOnce(ctx context.Context, at time.Time) (told int, err error) {
	next, err := d.db.Reader(casebook.Operator()).NextLimit(ctx)
	if err != nil || next.IsZero() || !next.Before(at) {
		return 0, err
	}
	clock := d.ClockState()
	_, err = d.db.Write(ctx, store.Work{Kind: "order limits", Actor: verifier.String(), At: at}, func(tx *store.Tx) error {
		told = 0
		orders, err := tx.Overdue(at, limitBatch)
		if err != nil {
			return err
		}
		var calls []call
		for _, o := range orders {
			c := casework{desk: d, tx: tx, who: verifier, at: at, clock: clock}
			if err := c.passed(o); err != nil {
				return err
			}
			calls = append(calls, c.calls...)
			told++
		}
		return d.enqueue(tx, at, calls)
	})
	if err != nil {
		return 0, fmt.Errorf("limits of orders: %w", err)
	}
	if told > 0 {
		d.outgoing.tell()
	}
	return told, nil
}

// passed writes that an order's limit passed with rows undone, and calls.
func (c *casework) passed(o casebook.Order) (err error) {
	if c.incident, err = c.tx.Incident(o.Incident); err != nil {
		return err
	}
	rows, err := c.tx.OrderRows(o.ID)
	if err != nil {
		return err
	}
	note := fmt.Sprintf("%s to %s, due %s: %d of %d rows undone", o.Task, o.PartyName, o.Due.UTC().Format(time.RFC3339), len(undone(rows)), len(rows))
	if err := c.tx.ToldLimit(o.ID); err != nil {
		return err
	}
	c.calls = append(c.calls, call{kind: callOverdue, incident: c.incident, note: note, at: c.at})
	return c.log(casebook.Anchor{Kind: casebook.LimitPassed, At: o.Due, Source: o.ID.Text(casebook.OrderPrefix), Note: note})
}

// undone gives the rows that wait for their party.
func undone(rows []casebook.OrderRow) (left []casebook.OrderRow) {
	for _, r := range rows {
		if r.Undone() {
			left = append(left, r)
		}
	}
	return left
}

// ExtendOrder gives what is undone of a served order another limit, with the reason: a
// row was seen again, or its party asked for more time. The party is told at its
// contact for orders, and the limit runs from now; outside it was told at a moment,
// with a proof, and the limit runs from then. It gives ErrConflict where nothing is
// undone, ErrInvalid where the new limit would end before the old one.
func (d *Desk) ExtendOrder(ctx context.Context, who casebook.Actor, id casebook.ID, limit time.Duration, reason string, outside *Receipt) (casebook.Order, error) {
	if reason = clip(strings.TrimSpace(reason), 2000); reason == "" {
		return casebook.Order{}, fmt.Errorf("say why there is another limit: %w", casebook.ErrInvalid)
	}
	if err := isLimit(limit); err != nil {
		return casebook.Order{}, err
	}
	order, err := d.onOrder(ctx, who, "extend order", id, func(c *casework, o *casebook.Order) error {
		if o.State != casebook.ServedOrder {
			return fmt.Errorf("order %s is %s: only a served one has a limit that runs: %w", id.Text(casebook.OrderPrefix), o.State, casebook.ErrConflict)
		}
		from, err := c.from(outside)
		if err != nil {
			return err
		}
		rows, err := c.tx.OrderRows(id)
		if err != nil {
			return err
		}
		if rows = undone(rows); len(rows) == 0 {
			return fmt.Errorf("no row of order %s waits for %s: there is nothing to give a limit: %w", id.Text(casebook.OrderPrefix), o.PartyName, casebook.ErrConflict)
		}
		due := from.Add(limit)
		if !due.After(o.Due) {
			return fmt.Errorf("the new limit would end %s, not after %s, when the old one does: %w", due.UTC().Format(time.RFC3339), o.Due.UTC().Format(time.RFC3339), casebook.ErrInvalid)
		}
		o.Due = due
		if err := c.tx.SaveOrder(*o, ""); err != nil {
			return err
		}
		if err := c.log(casebook.Anchor{Kind: casebook.OrderExtended, At: from, Source: id.Text(casebook.OrderPrefix),
			Note: fmt.Sprintf("%s, %d rows undone, due %s: %s", o.Task, len(rows), due.UTC().Format(time.RFC3339), reason)}); err != nil || outside != nil {
			return err
		}
		letter := *o
		letter.Limit, letter.Text = limit, strings.TrimSpace(reason+"\n\n"+o.Text)
		return c.sendOrder(letter, rows)
	})
	d.outgoing.tell()
	return order, err
}

func isLimit(limit time.Duration) error {
	if limit < time.Minute || limit > 366*24*time.Hour {
		return fmt.Errorf("limit %v: from a minute to a year: %w", limit, casebook.ErrInvalid)
	}
	return nil
}

// from gives the moment at which a party had what is given to it: now by the program,
// and outside when its proof says.
func (c *casework) from(outside *Receipt) (time.Time, error) {
	if outside == nil {
		return c.at, nil
	}
	if strings.TrimSpace(outside.Proof) == "" {
		return c.at, fmt.Errorf("what was served outside needs its proof: %w", casebook.ErrInvalid)
	}
	if outside.At.IsZero() {
		return c.at, nil
	}
	return outside.At, c.desk.isPast("served at", outside.At, c.at)
}
