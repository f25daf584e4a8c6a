package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
)

// threat is a casebook.Threat as the API shows it.
type threat struct {
	Kind      string    `json:"kind" enum:"threat"`
	ID        string    `json:"id"`
	Class     string    `json:"class" doc:"RSIT class."`
	Name      string    `json:"name" doc:"The family, or a source's own word for what it found."`
	Family    string    `json:"family" doc:"Of malware, as it was first written; empty where the source names none."`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Count     int64     `json:"count" doc:"Observations."`
	Findings  int64     `json:"findings"`
	Sizes     []size    `json:"sizes" nullable:"false"`
	TLP       string    `json:"tlp"`
	Exercise  bool      `json:"exercise"`
}

// size is a casebook.Size as the API shows it.
type size struct {
	Role         string            `json:"role"`
	Unique24h    casebook.Interval `json:"unique_24h" doc:"The largest number of different assets within any 24 hours."`
	Concurrent1h casebook.Interval `json:"concurrent_1h" doc:"The largest number of different assets within a clock hour."`
	UniqueTotal  int64             `json:"unique_total" doc:"Every asset ever seen; machines that change their address make it grow for ever."`
	PeakDay      string            `json:"peak_day" format:"date" doc:"The UTC day with the most assets."`
}

func viewThreat(t casebook.Threat) threat {
	v := threat{
		Kind: "threat", ID: t.ID.Text(casebook.ThreatPrefix), Class: t.Type, Name: t.Name, Family: t.Family, FirstSeen: t.FirstSeen, LastSeen: t.LastSeen,
		Count: t.Count, Findings: t.Findings, Sizes: []size{}, TLP: t.Mark.TLP.String(), Exercise: t.Mark.Exercise,
	}
	for _, s := range t.Sizes {
		v.Sizes = append(v.Sizes, size{s.Role.String(), s.Unique24h, s.Concurrent1h, s.UniqueTotal, s.PeakDay.String()})
	}
	return v
}

type listThreats struct {
	Asked
	Paged
}

type getThreat struct {
	Asked
	ID string `path:"id"`
}

func (s *server) enterThreats(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/threats", OperationID: "list-threats", Tags: []string{"threats"},
		Summary: "List threats, newest first",
	}, s.listThreats)
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/threats/{id}", OperationID: "get-threat", Tags: []string{"threats"},
		Summary: "One threat with its sizes",
	}, s.getThreat)
}

func (s *server) listThreats(ctx context.Context, in *listThreats) (*object[page[threat]], error) {
	after, err := in.after(casebook.ThreatPrefix)
	if err != nil {
		return nil, err
	}
	all, err := s.desk.Reader(in.x.caller.scope).Threats(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return pageOf(all, in.Limit, viewThreat, func(t casebook.Threat) string { return t.ID.Text(casebook.ThreatPrefix) }), nil
}

func (s *server) getThreat(ctx context.Context, in *getThreat) (*object[threat], error) {
	id, err := casebook.ParseID(casebook.ThreatPrefix, in.ID)
	if err != nil {
		return nil, err
	}
	t, err := s.desk.Reader(in.x.caller.scope).Threat(ctx, id)
	return &object[threat]{viewThreat(t)}, err
}
