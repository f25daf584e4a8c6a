package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/report"
)

// Answer writes what a party says of the rows of an order. A row that isn't in the
// order is refused and stops nothing; how many were taken is told.
func (d *Desk) Answer(ctx context.Context, who casebook.Actor, id casebook.ID, answers []report.Answer) (taken int, bad []casebook.Refusal, err error) {
	a, err := d.answer(ctx, who, "", id, answers)
	return a.Taken, a.Bad, err
}

// Answered is what became of answers to an order.
type Answered struct {
	Taken   int
	Bad     []casebook.Refusal
	Receipt string // name of the entry that says so, by which both sides speak of it
	At      time.Time
}

// answer writes answers in somebody's name; by is the name that they gave, "" where
// who acts is known.
func (d *Desk) answer(ctx context.Context, who casebook.Actor, by string, id casebook.ID, answers []report.Answer) (done Answered, err error) {
	at := d.Now()
	err = d.act(ctx, who, "answer order", at, func(c *casework) error {
		done = Answered{At: at}
		o, err := c.tx.Order(id)
		if err != nil {
			return err
		}
		if o.State != casebook.ServedOrder {
			return fmt.Errorf("order %s is %s: it can't be answered: %w", id.Text(casebook.OrderPrefix), o.State, casebook.ErrConflict)
		}
		if c.incident, err = c.tx.Incident(o.Incident); err != nil {
			return err
		}
		rows, err := c.tx.OrderRows(id)
		if err != nil {
			return err
		}
		instruction, err := c.instruction(o, rows)
		if err != nil {
			return err
		}
		var good []report.Answer
		good, done.Bad = instruction.Match(answers)
		for _, a := range good {
			i := slices.IndexFunc(rows, func(r casebook.OrderRow) bool { return r.Number == a.Number })
			if err := c.answer(o.Party, &rows[i], a, at); err != nil {
				return err
			}
			done.Taken++
		}
		c.toDecide(o, good)
		note := fmt.Sprintf("%d of %d rows", done.Taken, len(rows))
		if by != "" {
			note += ", by " + by
		}
		entry, err := c.entry(casebook.Anchor{Kind: casebook.OrderAnswered, At: at, Source: id.Text(casebook.OrderPrefix), Note: note})
		done.Receipt = entry.ID.Text(casebook.AnchorPrefix)
		return err
	})
	return done, err
}

// toDecide calls people where answers leave them something to decide.
func (c *casework) toDecide(o casebook.Order, answers []report.Answer) {
	var said []string
	for kind := casebook.AnswerDone; kind <= casebook.AnswerAppealed; kind++ {
		n := 0
		for _, a := range answers {
			if a.Kind == kind && kind.Decides() {
				n++
			}
		}
		if n > 0 {
			said = append(said, fmt.Sprintf("%d %s", n, strings.ReplaceAll(kind.String(), "_", " ")))
		}
	}
	if said != nil {
		note := fmt.Sprintf("%s, %s: %s", o.Task, o.PartyName, strings.Join(said, ", "))
		c.calls = append(c.calls, call{kind: callAnswered, incident: c.incident, note: note, at: c.at})
	}
}

// answer writes what a party says of a row. What it said before, said again, as in a
// table that is sent a second time with more rows filled in, moves nothing. A row that
// isn't the party's leaves its finding open, for whoever it belongs to.
func (c *casework) answer(party casebook.ID, r *casebook.OrderRow, a report.Answer, at time.Time) error {
	if a.Kind == r.Answer && r.State != casebook.ReopenedRow && a.Until.Equal(r.Until) && (a.At.IsZero() || a.At.Equal(r.AnsweredAt)) {
		return nil
	}
	r.State, r.Answer, r.Note, r.AnsweredAt, r.Until = casebook.AnsweredRow, a.Kind, clip(a.Note, 2000), at, a.Until
	if !a.At.IsZero() && a.At.Before(at) {
		r.AnsweredAt = a.At
	}
	if err := c.tx.SaveOrderRow(*r); err != nil {
		return err
	}
	switch {
	case a.Kind.Claims():
		return c.tx.SetFinding(r.Finding, party, casebook.ClaimedClean)
	case a.Kind == casebook.AnswerNotOurs:
		return c.tx.SetFinding(r.Finding, party, casebook.Open)
	}
	return nil
}
