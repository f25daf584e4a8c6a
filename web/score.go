package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
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
	At          time.Time    `json:"at" doc:"The moment as of which it was counted."`
}

type lateReason struct {
	Reason string `json:"reason"`
	Duties int    `json:"duties"`
}

func viewScore(s regime.Score, at time.Time) score {
	v := score{Kind: "score", Party: s.PartyName, Region: s.Region, Regime: s.Regime, Stage: s.Stage, Month: s.Month, Exercise: s.Exercise,
		Due: s.Fell(), OnTime: s.OnTime, Late: s.Late, Never: s.Never, Longest: int64(s.Longest / time.Second), Reasons: []lateReason{}, Unexplained: s.Unexplained, At: at}
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
}

func (s *server) listScores(ctx context.Context, in *listScores) (*object[page[score]], error) {
	at, all, err := s.desk.Scorecard(ctx, in.x.caller.scope, in.Month)
	if err != nil {
		return nil, err
	}
	return pageOf(all, len(all), func(one regime.Score) score { return viewScore(one, at) }, nil), nil
}
