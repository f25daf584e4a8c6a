package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/regime"
)

// incidentActs are what a person does to an incident from its page, by the last
// part of the address to which the form goes.
var incidentActs = []string{"open", "confirm", "dismiss", "grade", "take", "give", "release", "note", "close", "void", "correct", "correction"}

// categories are what an incident may be, the likeliest here first.
var categories = []string{"botnet", "trojan", "network_failure", "intrusion", "ddos", "defacement", "data_leak", "extortion", "other"}

// enterIncidentForms enters the routes to which the forms of an incident go.
func (s *server) enterIncidentForms() {
	s.enterPage("GET /incidents/new", s.newIncidentPage)
	s.enterPage("POST /incidents", s.openForm)
	s.enterAct("POST /incidents/{id}/confirm", "confirm", s.confirmForm)
	s.enterAct("POST /incidents/{id}/dismiss", "dismiss", s.dismissForm)
	s.enterAct("POST /incidents/{id}/grade", "grade", s.gradeForm)
	s.enterAct("POST /incidents/{id}/take", "take", s.takeForm)
	s.enterAct("POST /incidents/{id}/give", "give", s.giveForm)
	s.enterAct("POST /incidents/{id}/release", "release", s.releaseForm)
	s.enterAct("POST /incidents/{id}/note", "note", s.noteForm)
}

// incidents are a noun with acts.
func (s *server) incidents() actedOn {
	return actedOn{prefix: casebook.IncidentPrefix, base: "/incidents/", show: s.showCase,
		sees: func(ctx context.Context, scope casebook.Scope, id casebook.ID) error {
			_, err := s.desk.Reader(scope).Incident(ctx, id)
			return err
		},
		object: func(x *exchange, text string) (any, error) {
			c, err := s.readCase(x.request.Context(), x.caller.scope, text)
			return c.view(), err
		}}
}

// enterAct enters the route of an act on an incident.
func (s *server) enterAct(pattern, name string, act func(*exchange, typedAct) error) {
	s.enterActOn(s.incidents(), pattern, name, act)
}

func (s *server) confirmForm(x *exchange, t typedAct) error {
	y := desk.Confirmation{Title: t.text("title", 500, false), Note: t.text("text", 2000, false), Facts: t.facts(s.desk.Laws().Facts())}
	if word := t.choice("category", categories); word != "" {
		category, err := casebook.ParseCategory(word)
		if err != nil {
			return err
		}
		y.Category = &category
	}
	if err := t.err(); err != nil {
		return err
	}
	_, err := s.desk.Confirm(x.request.Context(), t.who, t.id, y)
	return err
}

func (s *server) dismissForm(x *exchange, t typedAct) error {
	reason := t.text("reason", 2000, true)
	if err := t.err(); err != nil {
		return err
	}
	_, err := s.desk.Dismiss(x.request.Context(), t.who, t.id, reason)
	return err
}

func (s *server) gradeForm(x *exchange, t typedAct) error {
	g := desk.Ruling{Reason: t.text("reason", 2000, true)}
	var ok bool
	if g.Regime, g.Level, ok = strings.Cut(t.text("level", 200, true), " "); !ok {
		t.wrong("level", "fault.choice")
	}
	var err error
	if g.Standing, err = casebook.ParseStanding(t.values.Get("standing")); err != nil || g.Standing == casebook.Proposed {
		t.wrong("standing", "fault.choice")
	}
	if err := t.err(); err != nil {
		return err
	}
	_, err = s.desk.GradeIncident(x.request.Context(), t.who, t.id, g)
	return err
}

func (s *server) takeForm(x *exchange, t typedAct) error {
	if err := t.err(); err != nil {
		return err
	}
	_, err := s.desk.Take(x.request.Context(), t.who, t.id)
	return err
}

func (s *server) giveForm(x *exchange, t typedAct) error {
	to := t.text("to", 200, true)
	if err := t.err(); err != nil {
		return err
	}
	_, err := s.desk.Give(x.request.Context(), t.who, t.id, to)
	return err
}

func (s *server) releaseForm(x *exchange, t typedAct) error {
	if err := t.err(); err != nil {
		return err
	}
	_, err := s.desk.Release(x.request.Context(), t.who, t.id)
	return err
}

func (s *server) noteForm(x *exchange, t typedAct) error {
	a := casebook.Anchor{Note: t.text("text", 4000, true), Source: t.text("source", 500, false)}
	zone := t.zone("zone")
	a.At, a.Zone = t.moment("happened", zone, t.at), zone.String()
	if err := t.err(); err != nil {
		return err
	}
	_, err := s.desk.Note(x.request.Context(), t.who, t.id, a)
	return err
}

// openView is the page on which an incident is opened by hand.
type openView struct {
	Form    form
	Own     []casebook.Party
	Now     time.Time
	Figures []figureGroup
	Others  []regime.Fact
	Zones   []string
}

func (s *server) newIncidentPage(x *exchange) error { return s.showOpening(x, blankForm(x)) }

func (s *server) showOpening(x *exchange, f form) error {
	own, err := s.ownParties(x.request.Context(), x.caller.scope)
	if err != nil {
		return err
	}
	v := openView{Form: f, Own: own, Now: s.desk.Now()}
	packs := s.packsFor(own, v.Now)
	v.Figures, v.Others = s.figures(packs, nil)
	v.Zones = zonesOf(packs)
	status := f.Status
	if status == 0 {
		status = http.StatusOK
	}
	s.show(x, status, "open", v)
	return nil
}

func (s *server) openForm(x *exchange) error {
	f, who, err := readAct(x, "open")
	if err != nil {
		return err
	}
	now := s.desk.Now()
	zone := f.zone("zone")
	o := desk.Opening{Title: f.text("title", 500, true), Facts: f.facts(s.desk.Laws().Facts()), Received: f.moment("received", zone, now), Occurred: f.moment("occurred", zone, now),
		Zone: zone.String(), Source: f.text("source", 500, false), Note: f.text("text", 4000, false), Exercise: f.values.Get("exercise") != ""}
	if word := f.choice("category", categories); word != "" {
		if o.Category, err = casebook.ParseCategory(word); err != nil {
			return err
		}
	}
	if text := f.values.Get("party"); text != "" {
		if o.Party, err = s.ownParty(x, text); err != nil {
			f.wrong("party", "fault.choice")
		}
	}
	var i casebook.Incident
	if err = f.err(); err == nil {
		i, err = s.desk.OpenIncident(x.request.Context(), who, o)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/incidents/new", func() error { return s.showOpening(x, f) })
	}
	keepName(x, who)
	return s.done(x, "/incidents/"+i.ID.Text(casebook.IncidentPrefix)+"?done=open#main", func() (any, error) {
		c, err := s.readCase(x.request.Context(), x.caller.scope, i.ID.Text(casebook.IncidentPrefix))
		return c.view(), err
	})
}

// ownParty reads the name of a party for which this platform speaks.
func (s *server) ownParty(x *exchange, text string) (casebook.ID, error) {
	id, err := casebook.ParseID(casebook.PartyPrefix, text)
	if err != nil {
		return id, err
	}
	own, err := s.ownParties(x.request.Context(), x.caller.scope)
	if err == nil && !slices.ContainsFunc(own, func(p casebook.Party) bool { return p.ID == id }) {
		err = fmt.Errorf("party %s: %w", text, casebook.ErrNotFound)
	}
	return id, err
}
