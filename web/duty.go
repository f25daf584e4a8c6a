package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
	"tocsin/store"
)

// duty is a casebook.Duty as the API shows it.
type duty struct {
	Kind        string     `json:"kind" enum:"duty"`
	ID          string     `json:"id"`
	Incident    string     `json:"incident"`
	Party       string     `json:"party"`
	Regime      string     `json:"regime"`
	Stage       string     `json:"stage"`
	Key         string     `json:"key" doc:"Tells several duties of one stage apart."`
	Article     string     `json:"article"`
	Anchor      string     `json:"anchor" doc:"The law's word for what started it."`
	Started     time.Time  `json:"started"`
	Limit       string     `json:"limit"`
	Due         time.Time  `json:"due" doc:"The last second on time."`
	Local       string     `json:"local" doc:"Due, in the zone of the law."`
	Zone        string     `json:"zone"`
	Calendar    *string    `json:"calendar" doc:"Of working days, with its version."`
	State       string     `json:"state" enum:"unset,open,met,late,missed,suspended,superseded,void"`
	Provisional bool       `json:"provisional" doc:"A blank may be touched, or nobody has confirmed yet."`
	Blank       string     `json:"blank" doc:"Who must say what."`
	To          []string   `json:"to" nullable:"false"`
	AnyOf       bool       `json:"any_of" doc:"One of to is enough."`
	CopyTo      []string   `json:"copy_to" nullable:"false"`
	Meets       string     `json:"meets" doc:"What meets it: dispatched, delivered or acknowledged."`
	Confidence  string     `json:"confidence" doc:"Of the source of the limit: text, summary, memory, unknown."`
	RestsOn     string     `json:"rests_on" doc:"What the limit rests on, as a sentence."`
	Pack        string     `json:"pack" doc:"Digest of the law pack that was applied."`
	MetAt       *time.Time `json:"met_at"`
	Supersedes  string     `json:"supersedes" doc:"The duty that this one came instead of."`
	WasDue      *time.Time `json:"was_due" doc:"When that one was due, if that was another moment."`
	Reason      string     `json:"reason"`
	Exercise    bool       `json:"exercise"`
	RecordedAt  time.Time  `json:"recorded_at"`
}

func viewDuty(d casebook.Duty) duty {
	v := duty{Kind: "duty", ID: d.ID.Text(casebook.DutyPrefix), Incident: d.Incident.Text(casebook.IncidentPrefix), Party: d.PartyName,
		Regime: d.Regime, Stage: d.Stage, Key: d.Key, Article: d.Article, Anchor: d.Anchor, Started: d.Started, Limit: d.Limit, Due: d.Due, Local: localText(d.Due, d.Zone), Zone: d.Zone,
		State: d.State.String(), Provisional: d.Provisional, Blank: d.Blank, To: list(d.To), AnyOf: d.AnyOf, CopyTo: list(d.CopyTo), Meets: d.Meets,
		Confidence: d.Confidence, RestsOn: d.RestsOn, Pack: d.Pack, Reason: d.Reason, Exercise: d.Mark.Exercise, RecordedAt: d.RecordedAt}
	if d.Calendar != "" {
		v.Calendar = &d.Calendar
	}
	if !d.MetAt.IsZero() {
		v.MetAt = &d.MetAt
	}
	if !d.WasDue.IsZero() {
		v.WasDue = &d.WasDue
	}
	if !d.Supersedes.IsZero() {
		v.Supersedes = d.Supersedes.Text(casebook.DutyPrefix)
	}
	return v
}

// localText writes a moment in a zone, RFC 3339 with its offset; in UTC where the
// zone isn't known.
func localText(t time.Time, zone string) string {
	if at, err := time.LoadLocation(zone); err == nil {
		t = t.In(at)
	}
	return t.Format(time.RFC3339)
}

// dutyWithSteps is a duty and each step of its life.
type dutyWithSteps struct {
	duty
	Steps []dutyStep `json:"steps" nullable:"false"`
}

type dutyStep struct {
	State      string    `json:"state"`
	At         time.Time `json:"at" doc:"The legal moment."`
	Reason     string    `json:"reason"`
	RecordedAt time.Time `json:"recorded_at"`
	By         string    `json:"by"`
}

type listDuties struct {
	Asked
	Paged
	State    string `query:"state" doc:"One or several of unset, open, met, late, missed, suspended, superseded, void, with commas between; absent: any."`
	Incident string `query:"incident" doc:"Of this incident."`
}

type getDuty struct {
	Asked
	ID string `path:"id"`
}

func (s *server) enterDuties(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/duties", OperationID: "list-duties", Tags: []string{"duties"},
		Summary: "List duties, the soonest due first",
	}, s.listDuties)
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/duties/{id}", OperationID: "get-duty", Tags: []string{"duties"},
		Summary: "One duty with each step of its life",
	}, s.getDuty)
}

// dutyStates reads states with commas between.
func dutyStates(text string) ([]casebook.DutyState, error) {
	var states []casebook.DutyState
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		state, err := casebook.ParseDutyState(word)
		if err != nil {
			return nil, fmt.Errorf("state: %w", err)
		}
		states = append(states, state)
	}
	return states, nil
}

func (s *server) listDuties(ctx context.Context, in *listDuties) (*object[page[duty]], error) {
	after, err := in.after(casebook.DutyPrefix)
	if err != nil {
		return nil, err
	}
	var f store.DutyFilter
	if f.States, err = dutyStates(in.State); err != nil {
		return nil, err
	}
	if f.Incident, err = idIfAny(casebook.IncidentPrefix, in.Incident); err != nil {
		return nil, err
	}
	all, err := s.desk.Reader(in.x.caller.scope).DutiesByDue(ctx, f, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return pageOf(all, in.Limit, viewDuty, func(d casebook.Duty) string { return d.ID.Text(casebook.DutyPrefix) }), nil
}

func (s *server) getDuty(ctx context.Context, in *getDuty) (*object[dutyWithSteps], error) {
	id, err := casebook.ParseID(casebook.DutyPrefix, in.ID)
	if err != nil {
		return nil, err
	}
	r := s.desk.Reader(in.x.caller.scope)
	d, err := r.Duty(ctx, id)
	if err != nil {
		return nil, err
	}
	steps, err := r.DutyChanges(ctx, id)
	v := dutyWithSteps{viewDuty(d), []dutyStep{}}
	for _, c := range steps {
		v.Steps = append(v.Steps, dutyStep{c.State.String(), c.At, c.Reason, c.RecordedAt, c.By})
	}
	return &object[dutyWithSteps]{v}, err
}
