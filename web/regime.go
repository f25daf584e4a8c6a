package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/regime"
)

// lawLine is a regime as the list of them shows it.
type lawLine struct {
	Kind         string `json:"kind" enum:"regime"`
	ID           string `json:"id"`
	Version      int    `json:"version"`
	Name         string `json:"name"`
	NativeName   string `json:"native_name"`
	Number       string `json:"number"`
	Jurisdiction string `json:"jurisdiction"`
	Status       string `json:"status" doc:"in_force, historical, proposed or catalogue."`
	From         string `json:"from" doc:"The first day in force."`
	Until        string `json:"until" doc:"The last; empty: still."`
	InForce      bool   `json:"in_force" doc:"Now."`
	Confidence   string `json:"confidence"`
	Pack         string `json:"pack" doc:"Its digest."`
}

// law is a regime with everything in its pack.
type law struct {
	lawLine
	Text regime.Pack `json:"text" doc:"The pack as docs/regimes.md describes it."`
}

func (s *server) viewLaw(p *regime.Pack, at time.Time) lawLine {
	return lawLine{"regime", p.ID, p.Version, p.Name, p.NativeName, p.Number, p.Jurisdiction, p.Status, p.InForce.From, p.InForce.Until,
		s.desk.Laws().At(p.ID, at) == p, p.Confidence, p.Digest}
}

type getRegime struct {
	Asked
	ID string `path:"id"`
}

func (s *server) enterRegimes(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/regimes", OperationID: "list-regimes", Tags: []string{"regimes"},
		Summary: "List the law packs, every version",
	}, func(_ context.Context, in *struct{ Asked }) (*object[page[lawLine]], error) {
		at := s.desk.Now()
		all := s.desk.Laws().Packs()
		return pageOf(all, len(all), func(p *regime.Pack) lawLine { return s.viewLaw(p, at) }, nil), nil
	})
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/regimes/{id}", OperationID: "get-regime", Tags: []string{"regimes"},
		Summary: "One law pack, in its newest version",
	}, func(_ context.Context, in *getRegime) (*object[law], error) {
		p, err := s.desk.Laws().Find(in.ID)
		if err != nil {
			return nil, err
		}
		return &object[law]{law{s.viewLaw(p, s.desk.Now()), *p}}, nil
	})
}
