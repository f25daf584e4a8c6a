package desk

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/courier"
	"tocsin/regime"
	"tocsin/store"
)

var regionCode = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`)

// KeepParty writes a party under its name, or what is known of it now. One that is an
// own one stays one until Disown says that it isn't any more. It gives
// ErrInvalid for a party without a name, with a role that no law knows, or in a
// region that is no code. Where it
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
			known := "there are " + strings.Join(regime.Roles, ", ")
			if near := regime.Nearest(role, regime.Roles); near != "" {
				known = fmt.Sprintf("the nearest is %q", near)
			}
			return p, fmt.Errorf("party %s: no law knows the role %q; %s: %w", p.Name, role, known, casebook.ErrInvalid)
		}
	}
	// By a place that no law knows nothing would ever be owed.
	if p.Region = strings.ToUpper(strings.TrimSpace(p.Region)); p.Region != "" && !regionCode.MatchString(p.Region) {
		return p, fmt.Errorf("party %s: region %.40q is no code of ISO 3166-2 (CN-11) or 3166-1 (DE): %w", p.Name, p.Region, casebook.ErrInvalid)
	}
	if p.MemberState = strings.ToUpper(strings.TrimSpace(p.MemberState)); p.MemberState != "" && !(len(p.MemberState) == 2 && regionCode.MatchString(p.MemberState)) {
		return p, fmt.Errorf("party %s: member state %.40q is no code of ISO 3166-1 (DE): %w", p.Name, p.MemberState, casebook.ErrInvalid)
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

// Disown says that this platform doesn't speak for a party any more: nothing new is owed
// by it here. What it owes already stays on record and goes on.
func (d *Desk) Disown(ctx context.Context, who casebook.Actor, id casebook.ID) (p casebook.Party, err error) {
	_, err = d.db.Write(ctx, store.Work{Kind: "party", Actor: who.String(), At: d.Now()}, func(tx *store.Tx) error {
		p, err = tx.Disown(id)
		return err
	})
	if err == nil {
		err = d.rebase(ctx)
	}
	return p, err
}

// KeepContact says where a party is reached for reports, orders or on duty, or that it
// isn't reached there any more. Stored data starts no program: exec: is refused.
func (d *Desk) KeepContact(ctx context.Context, who casebook.Actor, party casebook.ID, kind, target string, end bool) error {
	if !slices.Contains([]string{"reports", "orders", "duty"}, kind) {
		return fmt.Errorf("a contact is for reports, orders or duty, not for %q: %w", kind, casebook.ErrInvalid)
	}
	t, err := courier.ParseTarget(strings.TrimSpace(target))
	if err != nil {
		return err
	}
	if strings.HasPrefix(t.String(), "exec:") {
		return fmt.Errorf("a party's contact is an address, mailto:… or https://…; only settings may name a program: %w", casebook.ErrInvalid)
	}
	_, err = d.db.Write(ctx, store.Work{Kind: "contact", Actor: who.String(), At: d.Now()}, func(tx *store.Tx) error {
		if !end {
			return tx.AddContact(party, kind, t.String())
		}
		there, err := tx.EndContact(party, kind, t.String())
		if err == nil && !there {
			err = fmt.Errorf("that contact for %s: %w", kind, casebook.ErrNotFound)
		}
		return err
	})
	return err
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
