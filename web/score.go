package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/regime"
)

// score is a regime.Score as the API shows it. Counts stand before every share.
type score struct {
	Kind        string       `json:"kind" enum:"score"`
	Party       string       `json:"party"`
	PartyID     string       `json:"party_id"`
	Region      string       `json:"region"`
	Regime      string       `json:"regime"`
	Stage       string       `json:"stage"`
	Month       string       `json:"month" doc:"Of the due moment, in the zone of the law: 2026-11."`
	Exercise    bool         `json:"exercise" doc:"Drills have lines of their own."`
	Due         int          `json:"due" doc:"How many fell due: on_time, late and never together."`
	OnTime      int          `json:"on_time"`
	Late        int          `json:"late" doc:"Filed after the moment."`
	Never       int          `json:"never" doc:"Not filed by the moment of this answer."`
	Longest     int64        `json:"longest_late_seconds" doc:"Of the latest filing."`
	Reasons     []lateReason `json:"late_reasons" nullable:"false"`
	Unexplained int          `json:"late_unexplained" doc:"Late without a reason."`
	Draft       bool         `json:"draft" doc:"Its party may dispute it still."`
	FinalFrom   time.Time    `json:"final_from" doc:"When it is no draft any more."`
	At          time.Time    `json:"at" doc:"The moment as of which it was counted."`
}

type lateReason struct {
	Reason string `json:"reason"`
	Duties int    `json:"duties"`
}

func viewScore(s regime.Score, at time.Time) score {
	v := score{Kind: "score", Party: s.PartyName, Region: s.Region, Regime: s.Regime, Stage: s.Stage, Month: s.Month, Exercise: s.Exercise,
		Due: s.Fell(), OnTime: s.OnTime, Late: s.Late, Never: s.Never, Longest: int64(s.Longest / time.Second), Reasons: []lateReason{}, Unexplained: s.Unexplained, Draft: s.Line().Draft(at), FinalFrom: s.Line().FinalFrom(), At: at}
	if !s.Party.IsZero() {
		v.PartyID = s.Party.Text(casebook.PartyPrefix)
	}
	for _, r := range s.Reasons {
		v.Reasons = append(v.Reasons, lateReason{r.Text, r.Duties})
	}
	return v
}

type listScores struct {
	Asked
	Month string `query:"month" doc:"2026-11; absent: every month."`
}

func (s *server) enterScores(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/scorecards", OperationID: "list-scores", Tags: []string{"duties"},
		Summary:     "How duties were met, by party, region, regime, stage and month",
		Description: "Counted anew each time from the duties that fell due. Duties that nobody has set, suspended, superseded and void ones count nowhere.",
	}, s.listScores)
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/scorecards/shadow", OperationID: "list-costs", Tags: []string{"duties"},
		Summary:     "What a regime's schedule of consequences makes of the own parties' duties",
		Description: "Of a draft it is what it would have cost: nobody owes it. Drills cost nothing.",
	}, s.listCosts)
}

// cost is a desk.Cost as the API shows it.
type cost struct {
	Kind     string    `json:"kind" enum:"cost"`
	Party    string    `json:"party"`
	Regime   string    `json:"regime"`
	Month    string    `json:"month"`
	Line     string    `json:"line" doc:"Of the schedule."`
	Article  string    `json:"article"`
	Duties   int       `json:"duties"`
	Amount   int64     `json:"amount" doc:"Of all of them, in whole units of the currency."`
	Currency string    `json:"currency"`
	Shadow   bool      `json:"shadow" doc:"The schedule is a draft: nobody owes this."`
	At       time.Time `json:"at" doc:"The moment as of which it was reckoned."`
}

type listCosts struct {
	Asked
	Regime string `query:"regime" required:"true"`
	Month  string `query:"month" doc:"2026-11; absent: every month."`
}

func (s *server) listCosts(ctx context.Context, in *listCosts) (*object[page[cost]], error) {
	at, all, err := s.desk.Shadow(ctx, in.x.caller.scope, in.Regime, in.Month)
	if err != nil {
		return nil, err
	}
	return pageOf(all, len(all), func(c desk.Cost) cost {
		return cost{"cost", c.Party, in.Regime, c.Month, c.Line, c.Article, c.Duties, c.Amount, c.Currency, c.Shadow, at}
	}, nil), nil
}

func (s *server) listScores(ctx context.Context, in *listScores) (*object[page[score]], error) {
	at, all, err := s.desk.Scorecard(ctx, in.x.caller.scope, in.Month)
	if err != nil {
		return nil, err
	}
	return pageOf(all, len(all), func(one regime.Score) score { return viewScore(one, at) }, nil), nil
}
