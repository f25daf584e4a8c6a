package web

import (
	"context"
	"slices"

	"tocsin/casebook"
	"tocsin/desk"
)

// dutyActs are what a person writes down of a duty's clock from its page.
var dutyActs = []string{"suspend", "resume", "extend"}

// duties are a noun with acts.
func (s *server) duties() actedOn {
	return actedOn{prefix: casebook.DutyPrefix, base: "/duties/", show: s.showDuty,
		sees: func(ctx context.Context, scope casebook.Scope, id casebook.ID) error {
			_, err := s.desk.Reader(scope).Duty(ctx, id)
			return err
		},
		object: func(x *exchange, name string) (any, error) {
			answer, err := s.getDuty(x.request.Context(), &getDuty{Asked{x}, name})
			if err != nil {
				return nil, err
			}
			return answer.Body, nil
		}}
}

// enterDutyForms enters the routes to which the forms of a duty go.
func (s *server) enterDutyForms() {
	for _, act := range dutyActs {
		s.enterActOn(s.duties(), "POST /duties/{id}/"+act, act, s.stepForm)
	}
}

// stepForm writes down that a duty was suspended, resumed or extended by somebody who
// may. The name of the form says which.
func (s *server) stepForm(x *exchange, t typedAct) error {
	zone := t.zone("zone")
	y := desk.DutyStep{Act: t.Name, At: t.moment("at", zone, t.at), By: t.text("by", 200, true), Reason: t.text("reason", 2000, true)}
	if t.Name == "extend" {
		y.Until = t.until("until", zone)
		if y.Until.IsZero() && !t.Wrong("until") {
			t.wrong("until", "fault.missing")
		}
	}
	if err := t.err(); err != nil {
		return err
	}
	_, err := s.desk.StepDuty(x.request.Context(), t.who, t.id, y)
	return err
}

// dutyReport is a report that a duty asked for, with its filings.
type dutyReport struct {
	casebook.Report
	Versions []casebook.ReportVersion
}

// reportsOf gives the reports of a duty, the newest first.
func (s *server) reportsOf(ctx context.Context, scope casebook.Scope, d casebook.Duty) ([]dutyReport, error) {
	r := s.desk.Reader(scope)
	all, err := r.Reports(ctx, d.Incident, casebook.ID{}, pageRows)
	if err != nil {
		return nil, err
	}
	var list []dutyReport
	for _, one := range all {
		if one.Duty != d.ID {
			continue
		}
		filed, err := r.ReportVersions(ctx, one.ID)
		if err != nil {
			return nil, err
		}
		list = append(list, dutyReport{one, filed})
	}
	return list, nil
}

// May reports whether who sees the page may do an act, in the state in which the duty
// is.
func (v dutyView) May(act string) bool {
	switch act {
	case "draft":
		unfiled := v.State.Runs() || v.State == casebook.Missed || v.State == casebook.Suspended
		if !unfiled || slices.ContainsFunc(v.Reports, func(r dutyReport) bool { return r.State != casebook.WithdrawnReport }) {
			return false
		}
	case "resume":
		if v.State != casebook.Suspended {
			return false
		}
	default:
		if !v.State.Runs() {
			return false
		}
	}
	return v.Form.May("POST /duties/{id}/" + act)
}

// CanAct reports whether who sees the page may do anything to the duty's clock.
func (v dutyView) CanAct() bool { return slices.ContainsFunc(dutyActs, v.May) }

// Shows reports whether the page has the form of an act; "" is no form.
func (v dutyView) Shows(act string) bool { return act == "" || v.May(act) }
