package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
)

// accessKey is a casebook.AccessKey as the API shows it.
type accessKey struct {
	Kind       string     `json:"kind" enum:"key"`
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Shown      string     `json:"shown" doc:"The first characters of the secret."`
	Scopes     []string   `json:"scopes" nullable:"false" doc:"Of a machine's key: deliver, read, watch."`
	User       string     `json:"user" doc:"As whom it acts; empty: a machine."`
	Party      string     `json:"party"`
	ExpiresAt  *time.Time `json:"expires_at"`
	RevokedAt  *time.Time `json:"revoked_at"`
	UsedAt     *time.Time `json:"used_at" doc:"Last used, to within ten minutes."`
	RecordedBy string     `json:"recorded_by"`
	RecordedAt time.Time  `json:"recorded_at"`
}

// madeKey is a key that was just made.
type madeKey struct {
	accessKey
	Secret string `json:"secret" doc:"To be sent as Authorization: Bearer SECRET. It is shown this once."`
}

func viewKey(k casebook.AccessKey) accessKey {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	return accessKey{"key", k.ID.Text(casebook.KeyPrefix), k.Name, k.Shown, list(k.Scopes), k.User, partyText(k.Party), at(k.ExpiresAt), at(k.RevokedAt), at(k.UsedAt), k.RecordedBy, k.RecordedAt}
}

type postKey struct {
	Asked
	Body struct {
		Name      string    `json:"name" minLength:"1" maxLength:"100" doc:"Of the program that has it."`
		Scopes    []string  `json:"scopes,omitempty" doc:"What it is for: deliver, read, watch."`
		User      string    `json:"user,omitempty" maxLength:"64" doc:"A person's key: acts as this person, with their roles."`
		Party     string    `json:"party,omitempty" doc:"Sees what was shared with this party only."`
		ExpiresAt time.Time `json:"expires_at,omitzero"`
	}
}

type oneKey struct {
	Asked
	ID string `path:"id"`
}

func (s *server) enterKeys(api huma.API) {
	tags := []string{"keys"}
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/keys", OperationID: "list-keys", Tags: tags, Summary: "List keys, newest first",
	}, func(ctx context.Context, in *struct{ Asked }) (*object[page[accessKey]], error) {
		all, err := s.desk.Reader(in.x.caller.scope).Keys(ctx)
		return pageOf(all, len(all), viewKey, nil), err
	})
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/keys", OperationID: "add-key", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Make a key", Description: "The answer holds the secret, which is shown this once and kept nowhere.",
	}, func(ctx context.Context, in *postKey) (*object[madeKey], error) {
		b := in.Body
		party, err := parseParty(b.Party)
		if err != nil {
			return nil, err
		}
		k, secret, err := s.desk.AddKey(ctx, in.x.caller.actor, casebook.AccessKey{Name: b.Name, Scopes: b.Scopes, User: b.User, Party: party, ExpiresAt: b.ExpiresAt})
		return &object[madeKey]{madeKey{viewKey(k), secret}}, err
	})
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/keys/{id}/revoke", OperationID: "revoke-key", Tags: tags, Summary: "End a key for good",
	}, func(ctx context.Context, in *oneKey) (*object[accessKey], error) {
		id, err := casebook.ParseID(casebook.KeyPrefix, in.ID)
		if err != nil {
			return nil, err
		}
		k, err := s.desk.RevokeKey(ctx, in.x.caller.actor, id)
		return &object[accessKey]{viewKey(k)}, err
	})
}
