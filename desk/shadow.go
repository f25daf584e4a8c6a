package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
)

// A Cost is what one line of a regime's schedule makes of the duties of one party
// that fell due in one month.
type Cost struct {
	Party    string
	Month    string // of the due moments, in the zone of the law
	Line     string // of the schedule
	Article  string
	Duties   int
	Amount   int64 // of all of them, in whole units of Currency
	Currency string
	Shadow   bool // the schedule is a draft: nobody owes this
}

// Shadow reckons what a regime's schedule makes of the own parties' duties that fell
// due in a month, "" is every month; of a draft it is what it would have cost. Drills
// cost nothing. It gives ErrNotFound for an unknown regime and ErrInvalid for one
// that has no schedule.
func (d *Desk) Shadow(ctx context.Context, scope casebook.Scope, id, month string) (at time.Time, costs []Cost, err error) {
	at = d.Now()
	pack, err := d.laws.Find(id)
	if err != nil {
		return at, nil, err
	}
	if len(pack.Consequences.Schedule) == 0 {
		return at, nil, fmt.Errorf("%s has no schedule of consequences (%s): there is nothing to reckon by: %w", id, pack.Consequences.State, casebook.ErrInvalid)
	}
	from, to, err := monthSpan(month)
	if err != nil {
		return at, nil, err
	}
	if to.IsZero() || to.After(at) {
		to = at
	}
	own, err := d.ownParties(ctx, scope)
	if err != nil {
		return at, nil, err
	}
	type line struct{ party, month, line string }
	found := map[line]*Cost{}
	card := regime.NewScorecard(at)
	for duty, err := range d.Reader(scope).FallenDuties(ctx, from, to, false) {
		if err != nil {
			return at, nil, fmt.Errorf("shadow of %s: %w", id, err)
		}
		in := card.Month(duty)
		if name, ok := own[duty.Party]; ok && (month == "" || in == month) {
			if duty.State == casebook.OpenDuty {
				duty.State = casebook.Missed // that its moment passed nobody has recorded yet
			}
			for _, charge := range pack.Charges([]casebook.Duty{duty}, time.Time{}, to, at) {
				l := line{name, in, charge.Line}
				if found[l] == nil {
					found[l] = &Cost{Party: name, Month: in, Line: charge.Line, Article: charge.Article, Currency: charge.Currency, Shadow: charge.Shadow}
				}
				found[l].Duties++
				found[l].Amount += charge.Amount
			}
		}
	}
	for _, c := range found {
		costs = append(costs, *c)
	}
	slices.SortFunc(costs, func(a, b Cost) int {
		return cmp.Or(cmp.Compare(a.Party, b.Party), cmp.Compare(a.Month, b.Month), cmp.Compare(a.Line, b.Line))
	})
	return at, costs, nil
}

// ownParties gives the names of those for whom this platform speaks.
func (d *Desk) ownParties(ctx context.Context, scope casebook.Scope) (map[casebook.ID]string, error) {
	all, err := d.Reader(scope).Parties(ctx)
	own := map[casebook.ID]string{}
	for _, p := range all {
		if p.Own {
			own[p.ID] = p.Name
		}
	}
	return own, err
}
