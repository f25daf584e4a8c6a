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
	Kind          string     `json:"kind" enum:"party"`
	ID            string     `json:"id"`
	Name          string     `json:"name"`
	Roles         []string   `json:"roles" nullable:"false" doc:"In the vocabulary of the law packs."`
	Region        string     `json:"region" doc:"Of its seat: ISO 3166-2 or 3166-1."`
	MemberState   string     `json:"member_state" doc:"Selects national law under a union's, as DE."`
	Own           bool       `json:"own" doc:"This platform speaks for it: its duties are reckoned here."`
	NetworkRegion string     `json:"network_region" doc:"Of its network; empty: as its seat."`
	EffectRegion  string     `json:"effect_region" doc:"Where what it does takes effect; empty: as its seat."`
	From          *time.Time `json:"from" doc:"Null: since before anybody asked."`
	To            *time.Time `json:"to" doc:"Null: still."`
	Successor     string     `json:"successor" doc:"Who took over."`
	RecordedAt    time.Time  `json:"recorded_at"`
}

func viewParty(p casebook.Party) party {
	v := party{Kind: "party", ID: p.ID.Text(casebook.PartyPrefix), Name: p.Name, Roles: list(p.Roles), Region: p.Region, NetworkRegion: p.NetworkRegion,
		EffectRegion: p.EffectRegion, MemberState: p.MemberState, Own: p.Own, Successor: partyText(p.Successor), RecordedAt: p.RecordedAt}
	if !p.From.IsZero() {
		v.From = &p.From
	}
	if !p.To.IsZero() {
		v.To = &p.To
	}
	return v
}

// list gives a list that is never null in JSON.
func list[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

type listParties struct{ Asked }

// OneParty is the input that names a party.
type OneParty struct {
	Asked
	ID string `path:"id"`
}

type endParty struct {
	OneParty
	Body struct {
		To        time.Time `json:"to,omitzero" doc:"The first moment at which it wasn't there any more; absent: now."`
		Successor string    `json:"successor,omitempty" doc:"Who took over (pty_…)."`
	}
}

type putParty struct {
	Asked
	Body struct {
		Name          string    `json:"name" minLength:"1" maxLength:"200"`
		Roles         []string  `json:"roles" minItems:"1"`
		Region        string    `json:"region,omitempty" maxLength:"16"`
		NetworkRegion string    `json:"network_region,omitempty" maxLength:"16"`
		EffectRegion  string    `json:"effect_region,omitempty" maxLength:"16"`
		MemberState   string    `json:"member_state,omitempty" maxLength:"2"`
		From          time.Time `json:"from,omitzero" doc:"Since when it has been there; absent: since before anybody asked."`
		To            time.Time `json:"to,omitzero" doc:"Until when it was there; absent: still."`
		Own           *bool     `json:"own,omitempty" doc:"true: this platform speaks for it; false: not any more; absent: as it is, for a new one not."`
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
		Description: "A party of that name that hasn't ended is overwritten. Where it is an own one, threats are graded again and duties of running incidents are reckoned for it.",
	}, func(ctx context.Context, in *putParty) (*object[party], error) {
		b := in.Body
		p, err := s.desk.KeepParty(ctx, in.x.caller.actor, casebook.Party{Name: b.Name, Roles: b.Roles, Region: b.Region, NetworkRegion: b.NetworkRegion, EffectRegion: b.EffectRegion,
			MemberState: b.MemberState, Own: b.Own != nil && *b.Own, From: b.From, To: b.To})
		if err == nil && p.Own && b.Own != nil && !*b.Own {
			p, err = s.desk.Disown(ctx, in.x.caller.actor, p.ID)
		}
		return &object[party]{viewParty(p)}, err
	})
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/parties/{id}", OperationID: "get-party", Tags: []string{"parties"}, Summary: "One party",
	}, func(ctx context.Context, in *OneParty) (*object[party], error) {
		id, err := casebook.ParseID(casebook.PartyPrefix, in.ID)
		if err != nil {
			return nil, err
		}
		p, err := s.desk.Reader(in.x.caller.scope).Party(ctx, id)
		return &object[party]{viewParty(p)}, err
	})
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/parties/{id}/end", OperationID: "end-party", Tags: []string{"parties"},
		Summary: "Say when a party ended, and who took over", Description: "What was shared with it stays shared with it, and opens nothing to its successor.",
	}, func(ctx context.Context, in *endParty) (*object[party], error) {
		id, err := casebook.ParseID(casebook.PartyPrefix, in.ID)
		if err != nil {
			return nil, err
		}
		successor, err := parseParty(in.Body.Successor)
		if err != nil {
			return nil, err
		}
		p, err := s.desk.EndParty(ctx, in.x.caller.actor, id, in.Body.To, successor)
		return &object[party]{viewParty(p)}, err
	})
}
