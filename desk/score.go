package desk

import (
	"context"
	"fmt"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
)

// zoneSpan is more than any zone is from UTC, so that a month reckoned in its own
// zone lies within.
const zoneSpan = 48 * time.Hour

// monthSpan gives the moments between which a month may lie, whatever the zone; two
// zero times for "", any month.
func monthSpan(month string) (from, to time.Time, err error) {
	if month == "" {
		return from, to, nil
	}
	first, err := time.Parse("2006-01", month)
	if err != nil {
		return from, to, fmt.Errorf("a month is written as 2026-11, not %.20q: %w", month, casebook.ErrInvalid)
	}
	return first.Add(-zoneSpan), first.AddDate(0, 1, 0).Add(zoneSpan), nil
}

// Scorecard counts how the duties that a reader sees, and that fell due in a month,
// were met; "" is every month. A month is that of the due moment in the zone of its
// law. Drills have lines of their own, after those of what happened.
func (d *Desk) Scorecard(ctx context.Context, scope casebook.Scope, month string) (at time.Time, lines []regime.Score, err error) {
	at = d.Now()
	from, to, err := monthSpan(month)
	if err != nil {
		return at, nil, err
	}
	if to.IsZero() || to.After(at) {
		to = at
	}
	card := regime.NewScorecard(at)
	for _, drills := range []bool{false, true} {
		for duty, err := range d.Reader(scope).FallenDuties(ctx, from, to, drills) {
			if err != nil {
				return at, nil, fmt.Errorf("scorecard: %w", err)
			}
			if month == "" || card.Month(duty) == month {
				card.Add(duty)
			}
		}
	}
	return at, card.Scores(), nil
}
