package web

import (
	"context"
	"fmt"
	"html"
	"regexp"
	"slices"

	"tocsin/casebook"
	"tocsin/desk"
)

// enterEndForms enters the routes of acts that take back or end what an incident is:
// closing it, voiding it, correcting a moment of it. The two last take two people.
func (s *server) enterEndForms() {
	s.enterAct("POST /incidents/{id}/close", "close", s.closeForm)
	s.enterAct("POST /incidents/{id}/void", "void", s.voidForm)
	s.enterAct("POST /incidents/{id}/correct", "correct", s.correctForm)
	s.enterAct("POST /incidents/{id}/correction", "correction", s.correctionForm)
}

func (s *server) closeForm(x *exchange, t typedAct) error {
	reason := t.text("reason", 2000, true)
	if err := t.err(); err != nil {
		return err
	}
	_, err := s.desk.CloseIncident(x.request.Context(), t.who, t.id, reason, t.values.Get("anyway") != "")
	return err
}

// voidForm is the word of the first person, or the yes of the second: the desk knows
// which.
func (s *server) voidForm(x *exchange, t typedAct) error {
	reason := t.text("reason", 2000, t.values.Get("second") == "")
	if err := t.err(); err != nil {
		return err
	}
	_, _, err := s.desk.VoidIncident(x.request.Context(), t.who, t.id, reason)
	return err
}

// correctForm is the first person's word on when something truly was.
func (s *server) correctForm(x *exchange, t typedAct) error {
	zone := t.zone("zone")
	y := desk.Correction{Entry: t.text("entry", 60, true), At: t.moment("truly", zone, t.at), Zone: zone.String(), Reason: t.text("reason", 2000, true)}
	if y.At.IsZero() && !t.Wrong("truly") {
		t.wrong("truly", "fault.missing")
	}
	if err := t.err(); err != nil {
		return err
	}
	_, err := s.desk.Correct(x.request.Context(), t.who, t.id, y)
	return err
}

// correctionForm is the second person's yes. It says to which moment, so that a word
// that was changed meanwhile isn't agreed to unseen.
func (s *server) correctionForm(x *exchange, t typedAct) error {
	y := desk.Correction{Entry: t.text("entry", 60, true)}
	var err error
	if y.At, err = parseMoment(t.values.Get("to")); err != nil {
		return err
	}
	if err := t.err(); err != nil {
		return err
	}
	_, err = s.desk.Correct(x.request.Context(), t.who, t.id, y)
	return err
}

// endsView is what stands of the ways in which a case ends or is taken back.
type endsView struct {
	Entries   []casebook.Anchor // whose moments can be corrected
	Asked     []askedCorrection
	VoidAsked *casebook.Anchor // the first word that there was no incident
}

// askedCorrection is a correction that waits for a second person.
type askedCorrection struct {
	casebook.Anchor                 // the first person's word
	Old             casebook.Anchor // the entry that it corrects
}

// endsOf finds in the log what can be corrected and what waits for a second person.
func endsOf(log []casebook.Anchor) endsView {
	var v endsView
	corrected := map[casebook.ID]bool{}
	for _, a := range log {
		corrected[a.Supersedes] = true
	}
	asked := map[string]casebook.Anchor{}
	for i, a := range log {
		switch {
		case desk.Correctable(a.Kind) && !corrected[a.ID]:
			v.Entries = append(v.Entries, a)
		case a.Kind == casebook.CorrectionAsked:
			asked[a.Source] = a
		case a.Kind == casebook.VoidAsked && v.VoidAsked == nil:
			v.VoidAsked = &log[i]
		}
	}
	for _, old := range v.Entries {
		if a, ok := asked[old.ID.Text(casebook.AnchorPrefix)]; ok {
			v.Asked = append(v.Asked, askedCorrection{a, old})
		}
	}
	return v
}

// ByMe reports whether who sees the page is known to have written an entry: then another
// person says yes to it.
func (v caseView) ByMe(a casebook.Anchor) bool {
	return v.Form.Known && a.By == "person:"+v.Form.As
}

// Unreported are the running duties that nobody has drafted a report for.
func (v caseView) Unreported() []casebook.Duty {
	var all []casebook.Duty
	for _, d := range v.Running.Lines {
		if !slices.ContainsFunc(v.Reports, func(r reportLine) bool { return r.Duty == d.ID && r.State != casebook.WithdrawnReport }) {
			all = append(all, d.Duty)
		}
	}
	return all
}

// papersOf gives the reports and orders of an incident as lines of its page.
func (s *server) papersOf(ctx context.Context, scope casebook.Scope, incident casebook.ID) ([]reportLine, []casebook.Order, error) {
	r := s.desk.Reader(scope)
	filings, err := r.Reports(ctx, incident, casebook.ID{}, pageRows)
	if err != nil {
		return nil, nil, err
	}
	lines, err := s.reportLines(ctx, scope, filings)
	if err != nil {
		return nil, nil, err
	}
	orders, err := r.Orders(ctx, incident, casebook.ID{}, pageRows)
	return lines, orders, err
}

// tags are what marks up a moment on a page.
var tags = regexp.MustCompile(`<[^>]*>`)

// entryOptions are entries of a log to choose from.
func (l *language) entryOptions(entries []casebook.Anchor) []option {
	var all []option
	for _, a := range entries {
		moment := html.UnescapeString(tags.ReplaceAllString(string(l.inZone(a.At, a.Zone)), ""))
		all = append(all, option{Value: a.ID.Text(casebook.AnchorPrefix), Label: fmt.Sprintf("%s: %s", l.wordOr("entry", a.Kind), moment)})
	}
	return all
}
