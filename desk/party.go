package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/store"
)

// KeepParty writes a party under its name, or what is known of it now. It gives
// ErrInvalid for a party without a name or with a role that no law knows. Where it
// is an own one, every threat is graded again: it may owe what nobody owed before.
func (d *Desk) KeepParty(ctx context.Context, who casebook.Actor, p casebook.Party) (casebook.Party, error) {
	p.Name = strings.TrimSpace(p.Name)
	if p.Name == "" || len(p.Name) > 200 {
		return p, fmt.Errorf("a party has a name of 1 to 200 octets: %w", casebook.ErrInvalid)
	}
	if len(p.Roles) == 0 {
		return p, fmt.Errorf("party %s has no role: give it at least one of %s: %w", p.Name, strings.Join(regime.Roles, ", "), casebook.ErrInvalid)
	}
	for _, role := range p.Roles {
		if !slices.Contains(regime.Roles, role) {
			return p, fmt.Errorf("party %s: no law knows the role %q; the nearest is %q: %w", p.Name, role, regime.Nearest(role, regime.Roles), casebook.ErrInvalid)
		}
	}
	p.Mark = casebook.Mark{Tenant: 1, TLP: casebook.Amber, RecordedBy: who.String()}
	_, err := d.db.Write(ctx, store.Work{Kind: "party", Actor: who.String(), At: d.Now()}, func(tx *store.Tx) (err error) {
		p, err = tx.SaveParty(p)
		return err
	})
	if err == nil {
		err = d.rebase(ctx)
	}
	return p, err
}

// EndParty says when a party ended, and who took over; the zero ID is nobody. What was
// shared with it stays shared with it, and opens nothing to its successor.
func (d *Desk) EndParty(ctx context.Context, who casebook.Actor, id casebook.ID, to time.Time, successor casebook.ID) (p casebook.Party, err error) {
	at := d.Now()
	if to.IsZero() {
		to = at
	}
	_, err = d.db.Write(ctx, store.Work{Kind: "party", Actor: who.String(), At: at}, func(tx *store.Tx) error {
		p, err = tx.EndParty(id, to, successor, who.String())
		return err
	})
	if err == nil {
		err = d.rebase(ctx)
	}
	return p, err
}
