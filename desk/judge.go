package desk

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
)

// judge reckons what is owed of the incident now and writes what is new. A duty
// that is there stays as it is: what started it and when it ends was frozen when it
// was written. Before a person has said yes, every duty is provisional.
func (c *casework) judge() error {
	i := c.incident
	if i.State > casebook.OpenIncident {
		return nil
	}
	proposed := i.State == casebook.ProposedIncident
	facts, err := c.facts(!proposed)
	if err != nil {
		return err
	}
	grades, err := c.tx.Grades(i.ID)
	if err != nil {
		return err
	}
	log, err := c.tx.Anchors(i.ID)
	if err != nil {
		return err
	}
	parties, err := c.parties()
	if err != nil {
		return err
	}
	if len(parties) == 0 && !proposed {
		c.calls = append(c.calls, call{kind: callNobody, incident: i, at: c.at})
	}
	there, err := c.tx.Duties(i.ID)
	if err != nil {
		return err
	}
	for _, party := range parties {
		lines, err := c.reckon(party, facts, grades, log)
		if err != nil {
			return err
		}
		mine := slices.DeleteFunc(slices.Clone(there), func(d casebook.Duty) bool { return d.Party != party.ID })
		if c.before != nil {
			before, err := c.reckon(party, facts, grades, c.before)
			if err != nil {
				return err
			}
			if mine, err = c.move(party, mine, before, lines, proposed); err != nil {
				return err
			}
		}
		if err := c.settle(party, mine, lines, proposed); err != nil {
			return err
		}
	}
	return nil
}

// reckon gives what a party owes by a log.
func (c *casework) reckon(party casebook.Party, facts casebook.Facts, grades []casebook.Grade, log []casebook.Anchor) ([]casebook.Duty, error) {
	answer, err := c.desk.laws.Due(regime.Of(party, facts, grades, log), c.at)
	if err != nil {
		return nil, err
	}
	var lines []casebook.Duty
	for _, line := range answer.Duties {
		// An authority's own clock is owed by who is that authority.
		if line.OwedBy == "" || slices.Contains(party.Roles, line.OwedBy) {
			// That a person's yes is missing is where the incident stands, and passes.
			line.Blank = strings.TrimSuffix(strings.TrimPrefix(line.Blank, "to be graded: "), "; "+regime.Unconfirmed)
			lines = append(lines, line.Duty)
		}
	}
	return lines, nil
}

// parties gives those whose duties are reckoned.
func (c *casework) parties() ([]casebook.Party, error) {
	own, err := c.tx.OwnParties(c.incident.Mark.Tenant)
	if err != nil || c.incident.Party.IsZero() {
		return own, err
	}
	return slices.DeleteFunc(own, func(p casebook.Party) bool { return p.ID != c.incident.Party }), nil
}

// settle holds what is owed now against the duties that are there.
func (c *casework) settle(party casebook.Party, there, lines []casebook.Duty, proposed bool) error {
	var stands []casebook.ID // the duties that are owed still
	for _, line := range lines {
		old := newestDuty(there, line)
		if proposed && line.State == casebook.OpenDuty {
			line.State, line.Provisional, line.Blank = casebook.Unset, true, regime.Unconfirmed
		}
		if old != nil {
			stands = append(stands, old.ID)
			if old.State == casebook.Missed && line.State == casebook.Late {
				if err := c.apply(party, old, line); err != nil {
					return err
				}
				continue
			}
			if firm := line.State != casebook.Unset; !old.State.Runs() || line.State == old.State || old.State == casebook.OpenDuty && !firm {
				continue
			}
			if line.State == casebook.Missed {
				line.State = casebook.OpenDuty // that it was missed is for the watch to record
				if old.State == casebook.OpenDuty {
					continue
				}
			}
		}
		if err := c.apply(party, old, line); err != nil {
			return err
		}
	}
	for _, d := range there {
		if d.State == casebook.Unset && !slices.Contains(stands, d.ID) {
			if err := c.tx.ChangeDuty(d.ID, d.State, casebook.Superseded, c.at, "no longer to be graded"); err != nil {
				return err
			}
		}
	}
	return nil
}

// newestDuty finds the newest duty of the same regime, stage and key.
func newestDuty(there []casebook.Duty, line casebook.Duty) *casebook.Duty {
	for n := len(there) - 1; n >= 0; n-- {
		if d := &there[n]; d.Regime == line.Regime && d.Stage == line.Stage && d.Key == line.Key {
			return d
		}
	}
	return nil
}

// apply opens a duty, or moves the one that is there.
func (c *casework) apply(party casebook.Party, old *casebook.Duty, line casebook.Duty) error {
	reason := line.Reason
	if old != nil {
		switch line.State {
		case casebook.Met, casebook.Late:
			if line.State == casebook.Late {
				reason = cmp.Or(c.late, reason)
			}
			return c.tx.ChangeDuty(old.ID, old.State, line.State, line.MetAt, reason)
		case casebook.Superseded, casebook.VoidDuty, casebook.Suspended:
			return c.tx.ChangeDuty(old.ID, old.State, line.State, c.at, reason)
		}
		if err := c.tx.ChangeDuty(old.ID, old.State, casebook.Superseded, c.at, "confirmed: a duty with a clock came in its place"); err != nil {
			return err
		}
		line.Supersedes = old.ID
	} else if !line.State.Runs() && line.State != casebook.Missed {
		return nil // over before it was known here
	}
	if line.State == casebook.Missed {
		line.State = casebook.OpenDuty
	}
	_, err := c.openDuty(party, line)
	return err
}

// openDuty writes a new duty, and calls people where it runs.
func (c *casework) openDuty(party casebook.Party, line casebook.Duty) (casebook.Duty, error) {
	m := c.incident.Mark
	m.RecordedBy = c.who.String()
	if m.Region == "" {
		m.Region = party.Region // an incident told by telephone is nowhere in particular; who owes has a seat
	}
	line.Mark, line.Incident, line.Party, line.PartyName = m, c.incident.ID, party.ID, party.Name
	d, err := c.tx.OpenDuty(line)
	if err != nil {
		return d, err
	}
	// One that begins with the month's end is opened before it begins.
	if err := c.log(casebook.Anchor{Kind: casebook.DutyOpened, At: earlier(d.Started, c.at), Source: d.ID.Text(casebook.DutyPrefix), Note: d.Regime + " " + d.Stage}); err != nil {
		return d, err
	}
	if c.incident.State == casebook.OpenIncident {
		c.calls = append(c.calls, call{kind: callOpened, duty: d, incident: c.incident, at: c.at})
	}
	return d, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
