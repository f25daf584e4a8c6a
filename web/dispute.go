package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
	"tocsin/store"
)

// dispute is a casebook.Dispute as the API shows it.
type dispute struct {
	Kind      string     `json:"kind" enum:"dispute"`
	ID        string     `json:"id"`
	Party     string     `json:"party"`
	PartyID   string     `json:"party_id"`
	Region    string     `json:"region"`
	Regime    string     `json:"regime"`
	Stage     string     `json:"stage"`
	Month     string     `json:"month"`
	Exercise  bool       `json:"exercise"`
	Text      string     `json:"text" doc:"What is wrong with the line."`
	By        string     `json:"by"`
	At        time.Time  `json:"at"`
	State     string     `json:"state" enum:"open,upheld,rejected"`
	Reason    string     `json:"reason" doc:"Of the decision."`
	DecidedBy string     `json:"decided_by"`
	DecidedAt *time.Time `json:"decided_at"`
}

func viewDispute(d casebook.Dispute) dispute {
	v := dispute{Kind: "dispute", ID: d.ID.Text(casebook.DisputePrefix), Party: d.PartyName, PartyID: d.Line.Party.Text(casebook.PartyPrefix), Region: d.Line.Region,
		Regime: d.Line.Regime, Stage: d.Line.Stage, Month: d.Line.Month, Exercise: d.Line.Exercise, Text: d.Text, By: d.By, At: d.At, State: d.State.String(), Reason: d.Reason, DecidedBy: d.DecidedBy}
	if !d.DecidedAt.IsZero() {
		v.DecidedAt = &d.DecidedAt
	}
	return v
}

func (s *server) enterDisputes(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/disputes", OperationID: "list-disputes", Tags: []string{"duties"},
		Summary: "Objections to lines of scorecards: those that wait first, then the newest",
	}, s.listDisputes)
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/disputes", OperationID: "add-dispute", Tags: []string{"duties"}, DefaultStatus: http.StatusCreated,
		Summary:     "Object to a line of a scorecard",
		Description: "While the line is a draft, and for one's own party where one acts for one. The counts stay those of the duties.",
	}, s.addDispute)
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/disputes/{id}/decision", OperationID: "decide-dispute", Tags: []string{"duties"},
		Summary: "Decide on an objection, with reasons; another person than who raised it",
	}, s.decideDispute)
}

// maxDisputes is how many disputes are listed.
const maxDisputes = 1000

type listDisputes struct {
	Asked
	Month string `query:"month" doc:"2026-11; absent: every month."`
	Open  bool   `query:"open" doc:"Only those that nobody has decided."`
}

func (s *server) listDisputes(ctx context.Context, in *listDisputes) (*object[page[dispute]], error) {
	all, err := s.desk.Reader(in.x.caller.scope).Disputes(ctx, store.DisputeFilter{Month: in.Month, Open: in.Open}, maxDisputes)
	return pageOf(all, len(all), viewDispute, nil), err
}

type addDispute struct {
	Asked
	Body struct {
		Acting
		PartyID  string `json:"party_id" doc:"The line, as a scorecard names it."`
		Region   string `json:"region,omitempty"`
		Regime   string `json:"regime"`
		Stage    string `json:"stage"`
		Month    string `json:"month"`
		Exercise bool   `json:"exercise,omitempty"`
		Text     string `json:"text" doc:"What is wrong with the line."`
	}
}

func (s *server) addDispute(ctx context.Context, in *addDispute) (*object[dispute], error) {
	who, err := in.Body.person(in.x)
	if err != nil {
		return nil, err
	}
	party, err := casebook.ParseID(casebook.PartyPrefix, in.Body.PartyID)
	if err != nil {
		return nil, err
	}
	line := casebook.ScoreLine{Party: party, Region: in.Body.Region, Regime: in.Body.Regime, Stage: in.Body.Stage, Month: in.Body.Month, Exercise: in.Body.Exercise}
	d, err := s.desk.Dispute(ctx, who, in.x.caller.scope, line, in.Body.Text)
	return &object[dispute]{viewDispute(d)}, err
}

type decideDispute struct {
	Asked
	ID   string `path:"id"`
	Body struct {
		Acting
		Decision string `json:"decision" enum:"upheld,rejected"`
		Reason   string `json:"reason"`
	}
}

func (s *server) decideDispute(ctx context.Context, in *decideDispute) (*object[dispute], error) {
	who, err := in.Body.person(in.x)
	if err != nil {
		return nil, err
	}
	id, err := casebook.ParseID(casebook.DisputePrefix, in.ID)
	if err != nil {
		return nil, err
	}
	d, err := s.desk.DecideDispute(ctx, who, id, in.Body.Decision == "upheld", in.Body.Reason)
	return &object[dispute]{viewDispute(d)}, err
}
