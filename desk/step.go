package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

// A DutyStep is what somebody who may does to a statutory clock.
type DutyStep struct {
	Act    string    // suspend, resume, extend
	At     time.Time // when that was done; zero: now
	Until  time.Time // with extend: the new last moment on time
	By     string    // who did it: the authority, the police
	Reason string
}

// stepWords are the acts, with the law's word for each.
var stepWords = map[string]string{"suspend": "suspended", "resume": "resumed", "extend": "extended"}

// StepDuty writes down that a duty's clock was suspended, resumed or extended by
// somebody who may, in the name of the person who says so. It holds for the duties of
// its stage in its incident. One whose moment moves is superseded by a new one, and
// both stay in sight. It gives ErrInvalid, and writes nothing, where the law doesn't
// know such an act or it came after the moment.
func (d *Desk) StepDuty(ctx context.Context, who casebook.Actor, id casebook.ID, y DutyStep) (casebook.Incident, error) {
	at := d.Now()
	word := stepWords[y.Act]
	y.Reason, y.By = clip(strings.TrimSpace(y.Reason), 2000), clipLine(strings.TrimSpace(y.By), 200)
	if y.At.IsZero() {
		y.At = at
	}
	switch err := d.isPerson(who, "write down what was done to a duty"); {
	case err != nil:
		return casebook.Incident{}, err
	case word == "":
		return casebook.Incident{}, fmt.Errorf("%.40q is nothing that can be done to a duty: suspend, resume or extend it: %w", y.Act, casebook.ErrInvalid)
	case y.Reason == "" || y.By == "":
		return casebook.Incident{}, fmt.Errorf("say who %s it, and why: %w", word, casebook.ErrInvalid)
	case (y.Act == "extend") == y.Until.IsZero():
		return casebook.Incident{}, fmt.Errorf("an extension, and nothing else, says until when: %w", casebook.ErrInvalid)
	}
	if err := d.isPast(word, y.At, at); err != nil {
		return casebook.Incident{}, err
	}
	duty, err := d.Reader(casebook.Operator()).Duty(ctx, id)
	if err != nil {
		return casebook.Incident{}, err
	}
	return d.change(ctx, who, y.Act+" duty", at, duty.Incident, func(c *casework) error { return c.step(id, word, y) })
}

func (c *casework) step(id casebook.ID, word string, y DutyStep) error {
	duty, others, err := c.ofStage(id)
	if err != nil {
		return err
	}
	name := id.Text(casebook.DutyPrefix)
	if others {
		return fmt.Errorf("several parties owe %s %s in this incident: what is done to one can't be told from the other's: %w", duty.Regime, duty.Stage, casebook.ErrConflict)
	}
	if resumes := y.Act == "resume"; c.incident.State != casebook.OpenIncident || resumes && duty.State != casebook.Suspended || !resumes && !duty.State.Runs() {
		return fmt.Errorf("duty %s is %s, and its incident %s: it can't be %s: %w", name, duty.State, c.incident.State, word, casebook.ErrConflict)
	}
	log, err := c.tx.Anchors(c.incident.ID)
	if err != nil {
		return err
	}
	source := ""
	if !y.Until.IsZero() {
		source = y.Until.UTC().Format(time.RFC3339Nano)
	}
	if err := c.log(casebook.Anchor{Kind: duty.Regime + "/" + duty.Stage + "." + word, At: y.At, Source: source, Note: y.By + ": " + y.Reason}); err != nil {
		return err
	}
	c.before, c.why = log, fmt.Sprintf("%s by %s: %s", word, y.By, y.Reason)
	if err := c.judge(); err != nil {
		return err
	}
	now, _, err := c.ofStage(id)
	if err != nil {
		return err
	}
	if y.Act == "suspend" && now.State != casebook.Suspended || y.Act != "suspend" && now.State != casebook.Superseded {
		return fmt.Errorf("duty %s can't be %s: %s lets nobody do that to %s, or its moment had passed, or it would move nothing: %w", name, word, duty.Regime, duty.Stage, casebook.ErrInvalid)
	}
	return nil
}

// ofStage finds a duty of the incident, and tells whether another party owes the same.
func (c *casework) ofStage(id casebook.ID) (duty casebook.Duty, others bool, err error) {
	all, err := c.tx.Duties(c.incident.ID)
	if err != nil {
		return duty, false, err
	}
	i := slices.IndexFunc(all, func(d casebook.Duty) bool { return d.ID == id })
	if i < 0 {
		return duty, false, fmt.Errorf("duty %s: %w", id.Text(casebook.DutyPrefix), casebook.ErrNotFound)
	}
	duty = all[i]
	others = slices.ContainsFunc(all, func(d casebook.Duty) bool {
		return d.Regime == duty.Regime && d.Stage == duty.Stage && d.Party != duty.Party && (d.State.Runs() || d.State == casebook.Suspended)
	})
	return duty, others, nil
}
