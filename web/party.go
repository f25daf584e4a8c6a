package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
)

// party is a casebook.Party as the API shows it.
type party struct {
	Kind        string    `json:"kind" enum:"party"`
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Roles       []string  `json:"roles" nullable:"false" doc:"In the vocabulary of the law packs."`
	Region      string    `json:"region" doc:"Of its seat: ISO 3166-2 or 3166-1."`
	MemberState string    `json:"member_state" doc:"Selects national law under a union's, as DE."`
	Own         bool      `json:"own" doc:"This platform speaks for it: its duties are reckoned here."`
	RecordedAt  time.Time `json:"recorded_at"`
}

func viewParty(p casebook.Party) party {
	return party{"party", p.ID.Text(casebook.PartyPrefix), p.Name, list(p.Roles), p.Region, p.MemberState, p.Own, p.RecordedAt}
}

// list gives a list that is never null in JSON.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

type listParties struct{ Asked }

type putParty struct {
	Asked
	Body struct {
		Name        string   `json:"name" minLength:"1" maxLength:"200"`
		Roles       []string `json:"roles" minItems:"1"`
		Region      string   `json:"region,omitempty" maxLength:"16"`
		MemberState string   `json:"member_state,omitempty" maxLength:"2"`
		Own         bool     `json:"own,omitempty"`
	}
}

func (s *server) enterParties(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/parties", OperationID: "list-parties", Tags: []string{"parties"},
		Summary: "List parties, by name",
	}, func(ctx context.Context, in *listParties) (*object[page[party]], error) {
		all, err := s.desk.Reader(in.x.caller.scope).Parties(ctx)
		return pageOf(all, len(all), viewParty, nil), err
	})
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/parties", OperationID: "keep-party", Tags: []string{"parties"},
		Summary:     "Keep a party under its name",
		Description: "A party of that name is overwritten. Where it is an own one, threats are graded again and duties of running incidents are reckoned for it.",
	}, func(ctx context.Context, in *putParty) (*object[party], error) {
		b := in.Body
		p, err := s.desk.KeepParty(ctx, in.x.caller.actor, casebook.Party{Name: b.Name, Roles: b.Roles, Region: b.Region, MemberState: b.MemberState, Own: b.Own})
		return &object[party]{viewParty(p)}, err
	})
}
