package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tocsin/casebook"
)

// CloseIncident ends a case that is done: no duty runs, and every order is answered for.
// What is still open is told, and closes only with a reason why it may stay so.
func (d *Desk) CloseIncident(ctx context.Context, who casebook.Actor, id casebook.ID, reason string, anyway bool) (casebook.Incident, error) {
	at := d.Now()
	if err := d.isPerson(who, "close an incident"); err != nil {
		return casebook.Incident{}, err
	}
	if reason = clip(strings.TrimSpace(reason), 2000); reason == "" {
		return casebook.Incident{}, fmt.Errorf("say how it ended: %w", casebook.ErrInvalid)
	}
	return d.change(ctx, who, "close incident", at, id, func(c *casework) error {
		if c.incident.State != casebook.OpenIncident {
			return fmt.Errorf("incident %s is %s: %w", id.Text(casebook.IncidentPrefix), c.incident.State, casebook.ErrConflict)
		}
		open, err := c.unfinished()
		if err != nil {
			return err
		}
		if len(open) > 0 && !anyway {
			return fmt.Errorf("incident %s isn't done: %s; close it all the same only with a reason for each: %w", id.Text(casebook.IncidentPrefix), strings.Join(open, "; "), casebook.ErrConflict)
		}
		c.incident.State = casebook.ClosedIncident
		if err := c.tx.SaveIncident(c.incident); err != nil {
			return err
		}
		if len(open) > 0 {
			reason += " (left open: " + strings.Join(open, "; ") + ")"
		}
		if err := c.log(casebook.Anchor{Kind: casebook.Handled, At: at, Note: reason}); err != nil {
			return err
		}
		return c.log(casebook.Anchor{Kind: casebook.Closed, At: at, Note: reason})
	})
}

// unfinished says in a few words each what keeps a case from its end.
func (c *casework) unfinished() ([]string, error) {
	var open []string
	duties, err := c.tx.Duties(c.incident.ID)
	if err != nil {
		return nil, err
	}
	for _, d := range duties {
		if d.State == casebook.OpenDuty || d.State == casebook.Missed {
			open = append(open, fmt.Sprintf("%s %s is %s", d.Regime, d.Stage, d.State))
		}
	}
	orders, err := c.tx.OrdersOf(c.incident.ID)
	if err != nil {
		return nil, err
	}
	for _, o := range orders {
		if o.State != casebook.ServedOrder && o.State != casebook.ApprovedOrder && o.State != casebook.DraftOrder {
			continue
		}
		rows, err := c.tx.OrderRows(o.ID)
		if err != nil {
			return nil, err
		}
		n := 0
		for _, r := range rows {
			if r.State == casebook.VerifiedRow || r.State == casebook.UnverifiedRow {
				continue
			}
			elsewhere, err := c.tx.HandedOn(o.ID, r.Finding)
			if err != nil {
				return nil, err
			}
			if !elsewhere {
				n++
			}
		}
		if n > 0 || o.State != casebook.ServedOrder {
			open = append(open, fmt.Sprintf("order %s is %s, %d of %d rows aren't checked", o.ID.Text(casebook.OrderPrefix), o.State, n, len(rows)))
		}
	}
	return open, nil
}

// VoidIncident says that there was no incident after all. It takes two people: the
// first says why, the second confirms. Its duties end.
func (d *Desk) VoidIncident(ctx context.Context, who casebook.Actor, id casebook.ID, reason string) (i casebook.Incident, done bool, err error) {
	at := d.Now()
	if err := d.isPerson(who, "void an incident"); err != nil {
		return i, false, err
	}
	reason = clip(strings.TrimSpace(reason), 2000)
	i, err = d.change(ctx, who, "void incident", at, id, func(c *casework) error {
		if c.incident.State != casebook.OpenIncident {
			return fmt.Errorf("incident %s is %s: %w", id.Text(casebook.IncidentPrefix), c.incident.State, casebook.ErrConflict)
		}
		log, err := c.tx.Anchors(id)
		if err != nil {
			return err
		}
		asked := slices.IndexFunc(log, func(a casebook.Anchor) bool { return a.Kind == casebook.VoidAsked && a.By != who.String() })
		if asked < 0 {
			if reason == "" {
				return fmt.Errorf("say why there was no incident: %w", casebook.ErrInvalid)
			}
			return c.log(casebook.Anchor{Kind: casebook.VoidAsked, At: at, Note: reason})
		}
		done = true
		c.incident.State = casebook.VoidIncident
		if err := c.tx.SaveIncident(c.incident); err != nil {
			return err
		}
		duties, err := c.tx.Duties(id)
		if err != nil {
			return err
		}
		for _, duty := range duties {
			if duty.State.Runs() {
				if err := c.tx.ChangeDuty(duty.ID, duty.State, casebook.VoidDuty, at, log[asked].Note); err != nil {
					return err
				}
			}
		}
		return c.log(casebook.Anchor{Kind: casebook.Dismissed, At: at, Note: log[asked].Note + "; confirmed: " + reason})
	})
	return i, done, err
}
