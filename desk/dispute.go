package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/store"
)

// maxDispute is how many characters an objection, or the reason of a decision, may have.
const maxDispute = 4000

// Dispute writes a party's objection to a line of its scorecard, while the line is a
// draft. Who acts for a party objects for that party; the platform's own people write
// down what a party told them. It gives ErrNotFound for a line that the reader doesn't
// see, ErrInvalid for one in which all was on time, and ErrConflict for one that is
// final, or under dispute already.
func (d *Desk) Dispute(ctx context.Context, who casebook.Actor, scope casebook.Scope, line casebook.ScoreLine, text string) (casebook.Dispute, error) {
	if err := d.isPerson(who, "dispute a score"); err != nil {
		return casebook.Dispute{}, err
	}
	one := casebook.Dispute{Tenant: scope.Tenant, Line: line, Text: strings.TrimSpace(text)}
	if err := worded("text", one.Text, "what is wrong with the line"); err != nil {
		return one, err
	}
	if !scope.All && line.Party != scope.Party {
		return one, noLine(line)
	}
	at, scores, err := d.Scorecard(ctx, scope, line.Month)
	if err != nil {
		return one, err
	}
	n := slices.IndexFunc(scores, func(s regime.Score) bool { return s.Line() == line })
	switch {
	case line.Month == "" || n < 0:
		return one, noLine(line)
	case scores[n].Late+scores[n].Never == 0:
		return one, fmt.Errorf("all of the line was on time: there is nothing to dispute: %w", casebook.ErrInvalid)
	case !line.Draft(at):
		return one, fmt.Errorf("the line is final since %s: a moment that is wrong is corrected in its incident: %w", line.FinalFrom().Format("2006-01-02"), casebook.ErrConflict)
	}
	one.PartyName = scores[n].PartyName
	_, err = d.db.Write(ctx, store.Work{Kind: "dispute score", Actor: who.String(), At: at}, func(tx *store.Tx) (err error) {
		one, err = tx.AddDispute(one)
		return err
	})
	return one, err
}

// worded wants a text of a person: there, and no longer than is read.
func worded(field, text, what string) error {
	switch n := utf8.RuneCountInString(text); {
	case n == 0:
		return fmt.Errorf("%s: say %s: %w", field, what, casebook.ErrInvalid)
	case n > maxDispute:
		return fmt.Errorf("%s: %d characters, at most %d: %w", field, n, maxDispute, casebook.ErrInvalid)
	}
	return nil
}

func noLine(l casebook.ScoreLine) error {
	return fmt.Errorf("no line of %s %s in %q that you may see: %w", l.Regime, l.Stage, l.Month, casebook.ErrNotFound)
}

// DecideDispute writes what the authority decided on a dispute, and why. The counts stay
// those of the duties: where a dispute shows that a moment is wrong, it is corrected in
// its incident, and the line is counted anew. It gives ErrForbidden to who raised the
// dispute, and ErrConflict for one that was decided.
func (d *Desk) DecideDispute(ctx context.Context, who casebook.Actor, id casebook.ID, uphold bool, reason string) (one casebook.Dispute, err error) {
	if err := d.isPerson(who, "decide on a dispute"); err != nil {
		return one, err
	}
	reason = strings.TrimSpace(reason)
	if err := worded("reason", reason, "why"); err != nil {
		return one, err
	}
	state := casebook.RejectedDispute
	if uphold {
		state = casebook.UpheldDispute
	}
	_, err = d.db.Write(ctx, store.Work{Kind: "decide dispute", Actor: who.String(), At: d.Now()}, func(tx *store.Tx) (err error) {
		if one, err = tx.DecideDispute(id, state, reason); err == nil && one.By == who.String() {
			return fmt.Errorf("%s raised the dispute: another person decides: %w", who.Name, casebook.ErrForbidden)
		}
		return err
	})
	return one, err
}
