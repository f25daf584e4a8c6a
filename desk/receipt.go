package desk

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"tocsin/casebook"
	"tocsin/store"
)

// A Receipt is what became of a filing with one recipient, as a person or a machine
// tells it.
type Receipt struct {
	Fact      string // "dispatched", "delivered" or "acknowledged"
	At        time.Time
	Reference string
	Proof     string
}

// Acknowledge writes what became of a filing with one recipient.
func (d *Desk) Acknowledge(ctx context.Context, who casebook.Actor, id casebook.ID, r Receipt) (casebook.Recipient, error) {
	at := d.Now()
	var to casebook.Recipient
	if r.At.IsZero() {
		r.At = at
	}
	if err := d.isPast("at", r.At, at); err != nil {
		return to, err
	}
	if r.Fact != "dispatched" && r.Fact != "delivered" && r.Fact != "acknowledged" {
		return to, fmt.Errorf("%q is none of dispatched, delivered, acknowledged: %w", r.Fact, casebook.ErrInvalid)
	}
	return to, d.act(ctx, who, "receipt", at, func(c *casework) (err error) {
		if to, err = c.tx.Recipient(id); err != nil {
			return err
		}
		return c.receive(&to, r)
	})
}

// receive writes one fact of a recipient, in its report's case.
func (c *casework) receive(to *casebook.Recipient, r Receipt) error {
	one, _, err := c.tx.Report(to.Report)
	if err != nil {
		return err
	}
	if c.incident, err = c.tx.Incident(one.Incident); err != nil {
		return err
	}
	switch r.Fact {
	case "dispatched":
		to.DispatchedAt = r.At
	case "delivered":
		to.DeliveredAt = r.At
	case "acknowledged":
		to.AcknowledgedAt = r.At
	}
	for _, earlier := range []*time.Time{&to.DispatchedAt, &to.DeliveredAt} {
		// Who acknowledged has it, and what was delivered was dispatched.
		if earlier.IsZero() && (r.Fact == "acknowledged" || r.Fact == "delivered" && earlier == &to.DispatchedAt) {
			*earlier = r.At
		}
	}
	to.Reference, to.Proof = cmp.Or(clipLine(r.Reference, 200), to.Reference), cmp.Or(clip(r.Proof, 8000), to.Proof)
	if err := c.tx.SaveRecipient(*to); err != nil {
		return err
	}
	if err := c.log(casebook.Anchor{Kind: casebook.ReportReceived, At: r.At, Source: one.ID.Text(casebook.ReportPrefix), Note: to.Name + ": " + r.Fact}); err != nil {
		return err
	}
	return c.meets(one, to.Version)
}

// carried writes what became of an outbox line into what it carried.
func (d *Desk) carried(tx *store.Tx, o store.Outgoing, at time.Time, said string) error {
	to, ok, err := tx.RecipientBy(o.MessageID)
	if err != nil {
		return err
	}
	c := casework{desk: d, tx: tx, who: sender, at: at, clock: d.ClockState()}
	if ok && to.DispatchedAt.IsZero() { // what is sent again was dispatched when it first was
		if err := c.receive(&to, Receipt{Fact: "dispatched", At: at, Proof: said}); err != nil {
			return err
		}
	}
	order, ok, err := tx.OrderBy(o.MessageID)
	if err == nil && ok && order.State == casebook.ApprovedOrder { // a later life may tell the same again
		if c.incident, err = tx.Incident(order.Incident); err == nil {
			err = c.served(order, at, said)
		}
	}
	if err != nil {
		return err
	}
	return d.enqueue(tx, at, c.calls)
}
