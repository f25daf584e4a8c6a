package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
)

// A Correction is a person's word that a legal moment was recorded wrong, or, with
// no Reason, the yes of a second person to what a first one said.
type Correction struct {
	Entry  string    // of the timeline: its name (anc_…), or its kind where one of that kind stands
	At     time.Time // when it truly was; with a yes zero, or the same once more
	Zone   string    // in which At was told, "" UTC
	Reason string
}

// correctable are the entries whose moments are legal ones and can be corrected.
// What was sent, and when, isn't among them: that is its proof's to say.
var correctable = []string{
	casebook.Occurred, casebook.Observed, casebook.Received, casebook.Surfaced, casebook.Confirmed,
	casebook.Classified, casebook.Determined, casebook.Handled, casebook.NewFact,
}

// Correctable reports whether entries of a kind have a legal moment that can be
// corrected.
func Correctable(kind string) bool { return slices.Contains(correctable, kind) }

// Correct corrects the moment of an entry in the log of an incident. It takes two
// people: the first says when it truly was and why, and nothing changes; the second
// says yes, and a new entry takes the old one's place. Duties that hang on it are
// reckoned again: each that moves is superseded by a new one, and both stay in
// sight. It gives ErrForbidden where one person does both.
func (d *Desk) Correct(ctx context.Context, who casebook.Actor, id casebook.ID, y Correction) (casebook.Incident, error) {
	at := d.Now()
	if err := d.isPerson(who, "correct a legal moment"); err != nil {
		return casebook.Incident{}, err
	}
	y.Reason = clip(strings.TrimSpace(y.Reason), 2000)
	if err := d.isPast("the corrected moment", y.At, at); err != nil {
		return casebook.Incident{}, err
	}
	return d.change(ctx, who, "correct", at, id, func(c *casework) error {
		if c.incident.State > casebook.OpenIncident {
			return fmt.Errorf("incident %s is %s: no clock of it runs that a correction could move: %w", id.Text(casebook.IncidentPrefix), c.incident.State, casebook.ErrConflict)
		}
		log, err := c.tx.Anchors(id)
		if err != nil {
			return err
		}
		old, err := standing(log, y.Entry)
		if err != nil {
			return err
		}
		if y.Reason != "" {
			return c.askCorrection(old, y)
		}
		return c.confirmCorrection(log, old, y)
	})
}

// standing finds an entry that can be corrected and that no other has corrected.
func standing(log []casebook.Anchor, entry string) (found casebook.Anchor, err error) {
	corrected := map[casebook.ID]casebook.ID{}
	for _, a := range log {
		if !a.Supersedes.IsZero() {
			corrected[a.Supersedes] = a.ID
		}
	}
	var names []string
	for _, a := range log {
		name := a.ID.Text(casebook.AnchorPrefix)
		by, gone := corrected[a.ID]
		switch {
		case name == entry && gone:
			return found, fmt.Errorf("entry %s was corrected by %s: correct that one: %w", entry, by.Text(casebook.AnchorPrefix), casebook.ErrConflict)
		case name == entry, a.Kind == entry && !gone:
			found = a
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
		return found, fmt.Errorf("the timeline has no entry %.80q: %w", entry, casebook.ErrNotFound)
	case len(names) > 1:
		return found, fmt.Errorf("the timeline has several entries %s: say which, one of %s: %w", entry, strings.Join(names, ", "), casebook.ErrInvalid)
	case !Correctable(found.Kind):
		return found, fmt.Errorf("an entry %s has no legal moment of its own that could be corrected, only %s have: %w", found.Kind, strings.Join(correctable, ", "), casebook.ErrInvalid)
	}
	return found, nil
}

// askCorrection writes the first person's word.
func (c *casework) askCorrection(old casebook.Anchor, y Correction) error {
	if y.At.IsZero() {
		return fmt.Errorf("say when it truly was: %w", casebook.ErrInvalid)
	}
	if y.At.Equal(old.At) {
		return fmt.Errorf("that is the moment on record, %s: there is nothing to correct: %w", old.At.Format(time.RFC3339), casebook.ErrInvalid)
	}
	note := fmt.Sprintf("%s, %s: %s says that %s was %s and not %s: %s", c.incident.ID.Text(casebook.IncidentPrefix), c.incident.Title, c.who.Name, old.Kind,
		y.At.UTC().Format(time.RFC3339), old.At.UTC().Format(time.RFC3339), y.Reason)
	c.calls = append(c.calls, call{kind: callCorrection, incident: c.incident, note: clipLine(note, 500), at: c.at})
	return c.log(casebook.Anchor{Kind: casebook.CorrectionAsked, At: y.At, Zone: y.Zone, Source: old.ID.Text(casebook.AnchorPrefix), Note: y.Reason})
}

// confirmCorrection is the second person's yes.
func (c *casework) confirmCorrection(log []casebook.Anchor, old casebook.Anchor, y Correction) error {
	var asked *casebook.Anchor
	for n := range log {
		if log[n].Kind == casebook.CorrectionAsked && log[n].Source == old.ID.Text(casebook.AnchorPrefix) {
			asked = &log[n]
		}
	}
	switch {
	case asked == nil:
		return fmt.Errorf("nobody has said when %s truly was: say when and why, and another person says yes: %w", old.Kind, casebook.ErrConflict)
	case strings.EqualFold(asked.By, c.who.String()):
		return fmt.Errorf("%s asked for this correction: another person must say yes: %w", asked.By, casebook.ErrForbidden)
	case !y.At.IsZero() && !y.At.Equal(asked.At):
		return fmt.Errorf("%s said %s, not %s: say yes to that, or give a reason for another moment: %w", asked.By, asked.At.Format(time.RFC3339), y.At.UTC().Format(time.RFC3339), casebook.ErrConflict)
	}
	if err := c.log(casebook.Anchor{Kind: old.Kind, At: asked.At, Zone: asked.Zone, Source: asked.ID.Text(casebook.AnchorPrefix), Note: asked.Note, Supersedes: old.ID}); err != nil {
		return err
	}
	c.before = log
	c.why = fmt.Sprintf("the moment of %s was corrected from %s to %s: %s", old.Kind, old.At.Format(time.RFC3339), asked.At.Format(time.RFC3339), asked.Note)
	return c.judge()
}

// move puts new duties in the place of those that a correction moves: whose
// reckoning differs by the corrected entry alone. It gives the duties that then
// stand.
func (c *casework) move(party casebook.Party, mine, before, after []casebook.Duty, proposed bool) ([]casebook.Duty, error) {
	var heirs []*casebook.Duty // each takes one place
	for _, b := range before {
		old := newestDuty(mine, b)
		if old == nil || old.State == casebook.Superseded || old.State == casebook.VoidDuty {
			continue
		}
		line := heir(b, before, after)
		if line != nil && line.Started.Equal(b.Started) && line.Due.Equal(b.Due) && (b.State != casebook.Suspended || line.State == casebook.Suspended) {
			continue
		}
		if err := c.tx.ChangeDuty(old.ID, old.State, casebook.Superseded, c.at, c.why); err != nil {
			return nil, err
		}
		was := *old
		old.State = casebook.Superseded
		if line == nil || slices.Contains(heirs, line) {
			continue
		}
		heirs = append(heirs, line)
		opened, err := c.replace(party, was, *line, proposed)
		if err != nil {
			return nil, err
		}
		mine = append(mine, opened)
	}
	return mine, nil
}

// heir finds what is owed after a correction in the place of what was owed before
// it: the same, or one of the same stage that is new.
func heir(b casebook.Duty, before, after []casebook.Duty) *casebook.Duty {
	if same := newestDuty(after, b); same != nil {
		return same
	}
	for n := range after {
		if a := &after[n]; a.Regime == b.Regime && a.Stage == b.Stage && newestDuty(before, *a) == nil {
			return a
		}
	}
	return nil
}

// replace opens a duty in the place of one that a correction moved. What was filed
// stays filed, at its moment, and is on time or late by the new one.
func (c *casework) replace(party casebook.Party, old, line casebook.Duty, proposed bool) (casebook.Duty, error) {
	state, at, reason := line.State, c.at, c.why
	if !old.MetAt.IsZero() {
		if state, at = casebook.Met, old.MetAt; old.MetAt.After(line.Due) {
			state = casebook.Late
		}
		if old.State == casebook.Late && old.Reason != "" {
			reason = old.Reason
		}
	} else if state == casebook.Met || state == casebook.Late {
		at = line.MetAt
	}
	line.Supersedes, line.Reason, line.MetAt = old.ID, c.why, time.Time{}
	if line.State != casebook.Unset {
		line.State = casebook.OpenDuty // where else it stands is a step of its own
	}
	if proposed && line.State == casebook.OpenDuty {
		line.State, line.Provisional, line.Blank = casebook.Unset, true, regime.Unconfirmed
	}
	opened, err := c.openDuty(party, line)
	if err != nil || state.Runs() || state == casebook.Missed { // that it was missed is for the watch to record
		return opened, err
	}
	err = c.tx.ChangeDuty(opened.ID, opened.State, state, at, reason)
	opened.State = state
	return opened, err
}
