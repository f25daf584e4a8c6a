package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// incident is a casebook.Incident as the API shows it.
type incident struct {
	Kind       string     `json:"kind" enum:"incident"`
	ID         string     `json:"id"`
	Category   string     `json:"category" enum:"other,trojan,botnet,network_failure,intrusion,defacement,data_leak,ddos,extortion"`
	Title      string     `json:"title"`
	State      string     `json:"state" enum:"proposed,open,closed,void"`
	Threat     string     `json:"threat" doc:"That it grew from; empty if it was opened by hand."`
	Party      string     `json:"party" doc:"Whose duties are reckoned; empty: every own party's."`
	Owner      string     `json:"owner" doc:"The person who has it; empty: nobody."`
	OpenedAt   time.Time  `json:"opened_at"`
	TriageDue  *time.Time `json:"triage_due" doc:"By when a person should say whether a proposed incident is one: an internal clock."`
	TLP        string     `json:"tlp"`
	Region     string     `json:"region"`
	Exercise   bool       `json:"exercise"`
	RecordedAt time.Time  `json:"recorded_at"`
}

func viewIncident(i casebook.Incident) incident {
	v := incident{Kind: "incident", ID: i.ID.Text(casebook.IncidentPrefix), Category: i.Category.String(), Title: i.Title, State: i.State.String(), Owner: i.Owner,
		OpenedAt: i.OpenedAt, TLP: i.Mark.TLP.String(), Region: i.Mark.Region, Exercise: i.Mark.Exercise, RecordedAt: i.RecordedAt}
	if !i.Threat.IsZero() {
		v.Threat = i.Threat.Text(casebook.ThreatPrefix)
	}
	if !i.Party.IsZero() {
		v.Party = i.Party.Text(casebook.PartyPrefix)
	}
	if !i.TriageDue.IsZero() {
		v.TriageDue = &i.TriageDue
	}
	return v
}

// wholeCase is an incident with all that belongs to it.
type wholeCase struct {
	incident
	Facts    []fact  `json:"facts" nullable:"false" doc:"Every one ever written, in that order; a newer one of a name goes before an older."`
	Grades   []grade `json:"grades" nullable:"false" doc:"Every one ever written, in that order; the newest of a regime and standing stands."`
	Duties   []duty  `json:"duties" nullable:"false" doc:"The soonest due first."`
	Timeline []entry `json:"timeline" nullable:"false" doc:"In the order in which it was written."`
}

type fact struct {
	Name       string    `json:"name"`
	Value      factValue `json:"value"`
	Confirmed  bool      `json:"confirmed" doc:"By a person."`
	At         time.Time `json:"at"`
	RecordedAt time.Time `json:"recorded_at"`
	By         string    `json:"by"`
}

type grade struct {
	ID         string    `json:"id"`
	Regime     string    `json:"regime"`
	Pack       string    `json:"pack"`
	Standing   string    `json:"standing" enum:"proposed,confirmed,reported,determined"`
	Level      string    `json:"level"`
	Reach      string    `json:"reach" doc:"reached; possible: only the upper end or an unknown figure reaches it; blank: the rule isn't known."`
	Rule       string    `json:"rule"`
	Article    string    `json:"article"`
	Confidence string    `json:"confidence"`
	Figures    facts     `json:"figures"`
	Blank      string    `json:"blank"`
	At         time.Time `json:"at" doc:"Since when: the commit that crossed the threshold, or the decision."`
	Reason     string    `json:"reason"`
	RecordedAt time.Time `json:"recorded_at"`
	By         string    `json:"by"`
}

// factValue is a casebook.Value as the API shows and takes it.
type factValue struct{ casebook.Value }

// Schema implements huma.SchemaProvider: a value has several types.
func (factValue) Schema(huma.Registry) *huma.Schema {
	whole := &huma.Schema{Type: huma.TypeInteger, Minimum: new(float64)}
	interval := &huma.Schema{Type: huma.TypeObject, Required: []string{"low", "point", "high"},
		Properties: map[string]*huma.Schema{"low": whole, "point": whole, "high": whole}, AdditionalProperties: false}
	s := &huma.Schema{Description: "A whole number, an interval with its best guess, yes or no, or a word.",
		OneOf: []*huma.Schema{whole, interval, {Type: huma.TypeBoolean}, {Type: huma.TypeString}}}
	s.PrecomputeMessages()
	for _, one := range s.OneOf {
		one.PrecomputeMessages()
	}
	return s
}

// facts are casebook.Facts as the API shows and takes them.
type facts map[string]factValue

func (f facts) values() casebook.Facts {
	all := casebook.Facts{}
	for name, v := range f {
		all[name] = v.Value
	}
	return all
}

func viewFacts(f casebook.Facts) facts {
	all := facts{}
	for name, v := range f {
		all[name] = factValue{v}
	}
	return all
}

// entry is a casebook.Anchor as the API shows it.
type entry struct {
	ID         string     `json:"id"`
	What       string     `json:"what"`
	HappenedAt time.Time  `json:"happened_at"`
	Zone       string     `json:"zone"`
	WrittenAt  time.Time  `json:"written_at"`
	By         string     `json:"by"`
	Source     string     `json:"source"`
	Note       string     `json:"note"`
	Supersedes string     `json:"supersedes,omitempty"`
	Clock      clockState `json:"clock"`
}

// clockState is a casebook.ClockState as the API shows it.
type clockState struct {
	Known  bool    `json:"known"`
	Offset float64 `json:"offset_ms" doc:"The machine's clock less the true time: positive is fast."`
	Bound  float64 `json:"bound_ms" doc:"The offset is within this."`
	Source string  `json:"source"`
}

func viewClock(c casebook.ClockState) clockState {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return clockState{c.Known, ms(c.Offset), ms(c.Bound), c.Source}
}

func viewEntry(a casebook.Anchor) entry {
	v := entry{ID: a.ID.Text(casebook.AnchorPrefix), What: a.Kind, HappenedAt: a.At, Zone: a.Zone, WrittenAt: a.RecordedAt, By: a.By, Source: a.Source, Note: a.Note, Clock: viewClock(a.Clock)}
	if !a.Supersedes.IsZero() {
		v.Supersedes = a.Supersedes.Text(casebook.AnchorPrefix)
	}
	return v
}

func viewGrade(g casebook.Grade) grade {
	return grade{g.ID.Text(casebook.GradePrefix), g.Regime, g.Pack, g.Standing.String(), g.Level, g.Reach.String(), g.Rule, g.Article, g.Confidence, viewFacts(g.Figures), g.Blank, g.At, g.Reason, g.RecordedAt, g.By}
}

// aCase is all that is known of an incident.
type aCase struct {
	casebook.Incident
	Facts    []store.KnownFact
	Grades   []casebook.Grade
	Duties   []casebook.Duty
	Timeline []casebook.Anchor
}

// maxCaseDuties bounds how many duties of one incident are shown at once.
const maxCaseDuties = 1000

func (s *server) readCase(ctx context.Context, scope casebook.Scope, text string) (c aCase, err error) {
	id, err := casebook.ParseID(casebook.IncidentPrefix, text)
	if err != nil {
		return c, err
	}
	r := s.desk.Reader(scope)
	if c.Incident, err = r.Incident(ctx, id); err != nil {
		return c, err
	}
	if c.Facts, err = r.Facts(ctx, id); err != nil {
		return c, err
	}
	if c.Grades, err = r.Grades(ctx, id); err != nil {
		return c, err
	}
	if c.Duties, err = r.DutiesByDue(ctx, store.DutyFilter{Incident: id}, casebook.ID{}, maxCaseDuties); err != nil {
		return c, err
	}
	c.Timeline, err = r.Anchors(ctx, id)
	return c, err
}

func (c aCase) view() wholeCase {
	v := wholeCase{incident: viewIncident(c.Incident), Facts: []fact{}, Grades: []grade{}, Duties: []duty{}, Timeline: []entry{}}
	for _, f := range c.Facts {
		v.Facts = append(v.Facts, fact{f.Name, factValue{f.Value}, f.Confirmed, f.At, f.RecordedAt, f.By})
	}
	for _, g := range c.Grades {
		v.Grades = append(v.Grades, viewGrade(g))
	}
	for _, d := range c.Duties {
		v.Duties = append(v.Duties, viewDuty(d))
	}
	for _, a := range c.Timeline {
		v.Timeline = append(v.Timeline, viewEntry(a))
	}
	return v
}

type listIncidents struct {
	Asked
	Paged
	State string `query:"state" enum:"proposed,open,closed,void"`
}

// OneIncident is the input that names an incident.
type OneIncident struct {
	Asked
	ID string `path:"id"`
}

type postIncident struct {
	Asked
	Body struct {
		Acting
		Category string    `json:"category,omitempty" enum:"other,trojan,botnet,network_failure,intrusion,defacement,data_leak,ddos,extortion"`
		Title    string    `json:"title" minLength:"1" maxLength:"500" doc:"What happened, in a few words, as it was told."`
		Party    string    `json:"party,omitempty" doc:"Whose duties are reckoned; absent: every own party's."`
		Facts    facts     `json:"facts,omitempty" doc:"Figures as the register of facts names them; what isn't known is left out."`
		Received time.Time `json:"received,omitzero" doc:"When word of it reached the desk; absent: now."`
		Occurred time.Time `json:"occurred,omitzero" doc:"When it began, if that is known."`
		Zone     string    `json:"zone,omitempty" maxLength:"60" doc:"In which the moments were told."`
		Source   string    `json:"source,omitempty" maxLength:"500" doc:"Who called, and how."`
		Note     string    `json:"note,omitempty" maxLength:"4000"`
		Exercise bool      `json:"exercise,omitempty"`
	}
}

type postConfirmation struct {
	OneIncident
	Body struct {
		Acting
		Category string `json:"category,omitempty" enum:"other,trojan,botnet,network_failure,intrusion,defacement,data_leak,ddos,extortion"`
		Title    string `json:"title,omitempty" maxLength:"500"`
		Facts    facts  `json:"facts,omitempty" doc:"What the person confirms. With the first yes, what else was observed is confirmed with it."`
		Note     string `json:"note,omitempty" maxLength:"2000"`
	}
}

type postDismissal struct {
	OneIncident
	Body struct {
		Acting
		Reason string `json:"reason" minLength:"1" maxLength:"2000"`
	}
}

type postGrade struct {
	OneIncident
	Body struct {
		Acting
		Regime   string `json:"regime"`
		Level    string `json:"level" doc:"A word of the pack."`
		Standing string `json:"standing,omitempty" enum:"confirmed,reported,determined" doc:"Absent: confirmed."`
		Reason   string `json:"reason" minLength:"1" maxLength:"2000"`
	}
}

type postOwner struct {
	OneIncident
	Body struct {
		Acting
		Act string `json:"act" enum:"take,give,release"`
		To  string `json:"to,omitempty" maxLength:"200" doc:"With give: to whom."`
	}
}

type postClosing struct {
	OneIncident
	Body struct {
		Acting
		Reason string `json:"reason" minLength:"1" maxLength:"2000" doc:"How it ended."`
		Anyway bool   `json:"anyway,omitempty" doc:"Although something is open."`
	}
}

type postVoiding struct {
	OneIncident
	Body struct {
		Acting
		Reason string `json:"reason,omitempty" maxLength:"2000"`
	}
}

type postEntry struct {
	OneIncident
	Body struct {
		Acting
		Note       string    `json:"note" minLength:"1" maxLength:"4000"`
		HappenedAt time.Time `json:"happened_at,omitzero" doc:"Absent: now."`
		Zone       string    `json:"zone,omitempty" maxLength:"60"`
		Source     string    `json:"source,omitempty" maxLength:"500"`
		Supersedes string    `json:"supersedes,omitempty" doc:"The entry that this one corrects."`
	}
}

func (s *server) enterIncidents(api huma.API) {
	tags := []string{"incidents"}
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/incidents", OperationID: "list-incidents", Tags: tags, Summary: "List incidents, newest first",
	}, s.listIncidents)
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/incidents/{id}", OperationID: "get-incident", Tags: tags, Summary: "One incident with its facts, grades, duties and timeline",
	}, func(ctx context.Context, in *OneIncident) (*object[wholeCase], error) { return s.wholeCase(ctx, in) })
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/incidents", OperationID: "open-incident", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Open an incident by hand", Description: "Word that reached the desk starts its clocks: the answer holds the duties.",
	}, s.postIncident)
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/incidents/{id}/confirmation", OperationID: "confirm-incident", Tags: tags,
		Summary: "Say that a proposed incident is one, or confirm further facts", Description: "Statutory clocks start here.",
	}, s.postConfirmation)
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/incidents/{id}/dismissal", OperationID: "dismiss-incident", Tags: tags,
		Summary: "Say that a proposed incident is none",
	}, s.postDismissal)
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/incidents/{id}/grades", OperationID: "grade-incident", Tags: tags,
		Summary: "Grade an incident by a person's word",
	}, s.postGrade)
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/incidents/{id}/owner", OperationID: "own-incident", Tags: tags,
		Summary: "Take, give or release an incident",
	}, s.postOwner)
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/incidents/{id}/timeline", OperationID: "note-incident", Tags: tags,
		Summary: "Write in an incident's timeline",
	}, s.postEntry)
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/incidents/{id}/closing", OperationID: "close-incident", Tags: tags,
		Summary: "End a case that is done",
	}, s.postClosing)
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/incidents/{id}/voiding", OperationID: "void-incident", Tags: tags,
		Summary: "Say that there was no incident; a second person confirms",
	}, s.postVoiding)
	s.enterCorrections(api)
}

func (s *server) postClosing(ctx context.Context, in *postClosing) (*object[wholeCase], error) {
	return s.onIncident(ctx, &in.OneIncident, in.Body.Acting, func(who casebook.Actor, id casebook.ID) error {
		_, err := s.desk.CloseIncident(ctx, who, id, in.Body.Reason, in.Body.Anyway)
		return err
	})
}

func (s *server) postVoiding(ctx context.Context, in *postVoiding) (*object[wholeCase], error) {
	return s.onIncident(ctx, &in.OneIncident, in.Body.Acting, func(who casebook.Actor, id casebook.ID) error {
		_, _, err := s.desk.VoidIncident(ctx, who, id, in.Body.Reason)
		return err
	})
}

func (s *server) wholeCase(ctx context.Context, in *OneIncident) (*object[wholeCase], error) {
	c, err := s.readCase(ctx, in.x.caller.scope, in.ID)
	return &object[wholeCase]{c.view()}, err
}

func (s *server) listIncidents(ctx context.Context, in *listIncidents) (*object[page[incident]], error) {
	after, err := in.after(casebook.IncidentPrefix)
	if err != nil {
		return nil, err
	}
	var state *casebook.IncidentState
	if in.State != "" {
		one, err := casebook.ParseIncidentState(in.State)
		if err != nil {
			return nil, err
		}
		state = &one
	}
	all, err := s.desk.Reader(in.x.caller.scope).Incidents(ctx, state, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return pageOf(all, in.Limit, viewIncident, func(i casebook.Incident) string { return i.ID.Text(casebook.IncidentPrefix) }), nil
}

func (s *server) postIncident(ctx context.Context, in *postIncident) (*object[wholeCase], error) {
	b := in.Body
	who, err := b.person()
	if err != nil {
		return nil, err
	}
	o := desk.Opening{Title: b.Title, Facts: b.Facts.values(), Received: b.Received, Occurred: b.Occurred, Zone: b.Zone, Source: b.Source, Note: b.Note, Exercise: b.Exercise}
	if b.Category != "" {
		if o.Category, err = casebook.ParseCategory(b.Category); err != nil {
			return nil, err
		}
	}
	if b.Party != "" {
		if o.Party, err = casebook.ParseID(casebook.PartyPrefix, b.Party); err != nil {
			return nil, err
		}
	}
	i, err := s.desk.OpenIncident(ctx, who, o)
	if err != nil {
		return nil, err
	}
	return s.wholeCase(ctx, &OneIncident{in.Asked, i.ID.Text(casebook.IncidentPrefix)})
}

// onIncident does a person's act on an incident and answers with the whole case.
func (s *server) onIncident(ctx context.Context, in *OneIncident, a Acting, act func(who casebook.Actor, id casebook.ID) error) (*object[wholeCase], error) {
	id, err := casebook.ParseID(casebook.IncidentPrefix, in.ID)
	if err != nil {
		return nil, err
	}
	who, err := a.person()
	if err != nil {
		return nil, err
	}
	// What the caller can't see it can't act on either.
	if _, err := s.desk.Reader(in.x.caller.scope).Incident(ctx, id); err != nil {
		return nil, err
	}
	if err := act(who, id); err != nil {
		return nil, err
	}
	return s.wholeCase(ctx, in)
}

func (s *server) postConfirmation(ctx context.Context, in *postConfirmation) (*object[wholeCase], error) {
	return s.onIncident(ctx, &in.OneIncident, in.Body.Acting, func(who casebook.Actor, id casebook.ID) error {
		y := desk.Confirmation{Title: in.Body.Title, Facts: in.Body.Facts.values(), Note: in.Body.Note}
		if in.Body.Category != "" {
			category, err := casebook.ParseCategory(in.Body.Category)
			if err != nil {
				return err
			}
			y.Category = &category
		}
		_, err := s.desk.Confirm(ctx, who, id, y)
		return err
	})
}

func (s *server) postDismissal(ctx context.Context, in *postDismissal) (*object[wholeCase], error) {
	return s.onIncident(ctx, &in.OneIncident, in.Body.Acting, func(who casebook.Actor, id casebook.ID) error {
		_, err := s.desk.Dismiss(ctx, who, id, in.Body.Reason)
		return err
	})
}

func (s *server) postGrade(ctx context.Context, in *postGrade) (*object[wholeCase], error) {
	return s.onIncident(ctx, &in.OneIncident, in.Body.Acting, func(who casebook.Actor, id casebook.ID) error {
		g := desk.Ruling{Regime: in.Body.Regime, Level: in.Body.Level, Standing: casebook.ConfirmedHere, Reason: in.Body.Reason}
		if in.Body.Standing != "" {
			var err error
			if g.Standing, err = casebook.ParseStanding(in.Body.Standing); err != nil {
				return err
			}
		}
		_, err := s.desk.GradeIncident(ctx, who, id, g)
		return err
	})
}

func (s *server) postOwner(ctx context.Context, in *postOwner) (*object[wholeCase], error) {
	return s.onIncident(ctx, &in.OneIncident, in.Body.Acting, func(who casebook.Actor, id casebook.ID) (err error) {
		switch in.Body.Act {
		case "take":
			_, err = s.desk.Take(ctx, who, id)
		case "give":
			_, err = s.desk.Give(ctx, who, id, in.Body.To)
		default:
			_, err = s.desk.Release(ctx, who, id)
		}
		return err
	})
}

func (s *server) postEntry(ctx context.Context, in *postEntry) (*object[wholeCase], error) {
	return s.onIncident(ctx, &in.OneIncident, in.Body.Acting, func(who casebook.Actor, id casebook.ID) (err error) {
		a := casebook.Anchor{At: in.Body.HappenedAt, Zone: in.Body.Zone, Source: in.Body.Source, Note: in.Body.Note}
		if in.Body.Supersedes != "" {
			if a.Supersedes, err = casebook.ParseID(casebook.AnchorPrefix, in.Body.Supersedes); err != nil {
				return err
			}
		}
		_, err = s.desk.Note(ctx, who, id, a)
		return err
	})
}
