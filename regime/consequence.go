package regime

import (
	"time"

	"tocsin/casebook"
)

// Charge is what a schedule of consequences makes of one duty.
type Charge struct {
	Duty     casebook.Duty
	Line     string // of the schedule
	Article  string
	Amount   int64 // in whole units of Currency
	Currency string
	Shadow   bool // the schedule is a draft: nobody owes this
}

// Charges reckons what a pack's schedule makes of duties that fell due within
// [from, to), as of a moment: with a draft it is a shadow, for the party's eyes
// only; with a regime that has no consequences it is nothing. A duty is charged by
// the last line of the schedule that fits it. Lateness is from the due moment to
// the filing, or to the moment for what isn't filed. Duties of other regimes, and
// those that were met, void, superseded, suspended or unset, cost nothing.
func (p *Pack) Charges(duties []casebook.Duty, from, to, at time.Time) []Charge {
	c := p.Consequences
	if c.State == "none" {
		return nil
	}
	var list []Charge
	for _, d := range duties {
		if d.Regime != p.ID || d.Due.Before(from) || !d.Due.Before(to) {
			continue
		}
		// A draft is tried on the past; what is in force holds on its own days only.
		if c.State == "in_force" && !(Span{From: c.From, Until: c.Until}).covers(d.Due, p.zone) {
			continue
		}
		if charge, ok := c.charge(d, at); ok {
			list = append(list, charge)
		}
	}
	return list
}

func (c Consequences) charge(d casebook.Duty, at time.Time) (charge Charge, ok bool) {
	kind, end := "late", d.MetAt
	switch d.State {
	case casebook.Late:
	case casebook.Missed:
		kind, end = "missed", at
	default:
		return charge, false
	}
	for _, line := range c.Schedule {
		if line.For != kind || !line.fits(d, end) {
			continue
		}
		amount := line.Amount + line.PerHour*int64(end.Sub(d.Due)/time.Hour)
		if line.Most > 0 {
			amount = min(amount, line.Most)
		}
		charge, ok = Charge{d, line.ID, line.Article, amount, line.Currency, c.State == "draft"}, true
	}
	return charge, ok
}

func (l Penalty) fits(d casebook.Duty, end time.Time) bool {
	if len(l.Stages) > 0 && oneOf([]string{d.Stage}, l.Stages) != Yes {
		return false
	}
	over, err := ParseLimit(firstWord(l.Over, "at once"))
	if err != nil {
		return false
	}
	from, _ := reckoning{zone: time.UTC, calendar: weekends}.end(over, d.Due)
	return end.After(from)
}
