package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
)

// user is a casebook.User as the API shows it.
type user struct {
	Kind       string     `json:"kind" enum:"user"`
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Roles      []string   `json:"roles" nullable:"false"`
	Party      string     `json:"party" doc:"In whose name the person acts (pty_…); empty: the platform's own."`
	Disabled   bool       `json:"disabled"`
	DisabledAt *time.Time `json:"disabled_at"`
	RecordedBy string     `json:"recorded_by" doc:"Of the last change."`
	RecordedAt time.Time  `json:"recorded_at"`
}

func viewUser(u casebook.User) user {
	v := user{Kind: "user", ID: u.ID.Text(casebook.UserPrefix), Name: u.Name, Roles: list(u.Roles), Party: partyText(u.Party), RecordedBy: u.RecordedBy, RecordedAt: u.RecordedAt}
	if !u.DisabledAt.IsZero() {
		v.Disabled, v.DisabledAt = true, &u.DisabledAt
	}
	return v
}

// partyText names a party; "" for the zero ID.
func partyText(id casebook.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.Text(casebook.PartyPrefix)
}

// parseParty reads what partyText wrote.
func parseParty(text string) (casebook.ID, error) {
	if text == "" {
		return casebook.ID{}, nil
	}
	return casebook.ParseID(casebook.PartyPrefix, text)
}

// me is who asks, as the platform knows them.
type me struct {
	Kind   string   `json:"kind" enum:"me"`
	Actor  string   `json:"actor" doc:"As the record names who acts: person:alice, machine:sensor-3."`
	Name   string   `json:"name"`
	Person bool     `json:"person"`
	Roles  []string `json:"roles" nullable:"false"`
	Scopes []string `json:"scopes" nullable:"false"`
	Party  string   `json:"party"`
}

type postUser struct {
	Asked
	Body struct {
		Name     string   `json:"name" minLength:"1" maxLength:"64"`
		Password string   `json:"password" maxLength:"1024" doc:"15 characters or more."`
		Roles    []string `json:"roles" minItems:"1" doc:"administrator, officer, supervisor, analyst, auditor; for people of a party abuse_desk."`
		Party    string   `json:"party,omitempty" doc:"In whose name the person acts; absent: the platform's own."`
	}
}

// OneUser is the input that names an account.
type OneUser struct {
	Asked
	ID string `path:"id"`
}

type postPassword struct {
	OneUser
	Body struct {
		Password string `json:"password" minLength:"1" maxLength:"1024"`
	}
}

type postMyPassword struct {
	Asked
	Body struct {
		Old      string `json:"old" minLength:"1" maxLength:"1024" doc:"The password until now."`
		Password string `json:"password" minLength:"1" maxLength:"1024"`
	}
}

type postRoles struct {
	OneUser
	Body struct {
		Roles []string `json:"roles" minItems:"1"`
	}
}

func (s *server) enterUsers(api huma.API) {
	tags := []string{"users"}
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/me", OperationID: "me", Tags: tags, Summary: "Who asks",
	}, func(_ context.Context, in *struct{ Asked }) (*object[me], error) {
		p := in.x.caller.principal
		return &object[me]{me{"me", p.Actor.String(), p.Actor.Name, p.IsPerson(), list(p.Roles), list(p.Scopes), partyText(p.Party)}}, nil
	})
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/me/password", OperationID: "change-my-password", Tags: tags,
		Summary: "Take another password", Description: "Signs the person out everywhere.",
	}, s.postMyPassword)
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/users", OperationID: "list-users", Tags: tags, Summary: "List accounts, by name",
	}, func(ctx context.Context, in *struct{ Asked }) (*object[page[user]], error) {
		all, err := s.desk.Reader(in.x.caller.scope).Users(ctx)
		return pageOf(all, len(all), viewUser, nil), err
	})
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/users", OperationID: "add-user", Tags: tags, DefaultStatus: http.StatusCreated, Summary: "Make an account",
	}, func(ctx context.Context, in *postUser) (*object[user], error) {
		party, err := parseParty(in.Body.Party)
		if err != nil {
			return nil, err
		}
		u, err := s.desk.AddUser(ctx, in.x.caller.actor, desk.NewUser{Name: in.Body.Name, Password: in.Body.Password, Roles: in.Body.Roles, Party: party})
		return &object[user]{viewUser(u)}, err
	})
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/users/{id}/roles", OperationID: "change-roles", Tags: tags, Summary: "Give an account other roles",
	}, func(ctx context.Context, in *postRoles) (*object[user], error) {
		return s.changeUser(ctx, &in.OneUser, desk.UserChange{Roles: in.Body.Roles})
	})
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/users/{id}/password", OperationID: "change-password", Tags: tags,
		Summary: "Give an account another password", Description: "Signs the person out everywhere.",
	}, func(ctx context.Context, in *postPassword) (*object[user], error) {
		return s.changeUser(ctx, &in.OneUser, desk.UserChange{Password: in.Body.Password})
	})
	for _, c := range []struct {
		word, summary string
		disabled      bool
	}{{"disable", "Disable an account: it is signed out, and its keys stop", true}, {"enable", "Enable a disabled account", false}} {
		operation(api, huma.Operation{
			Method: http.MethodPost, Path: "/api/v1/users/{id}/" + c.word, OperationID: c.word + "-user", Tags: tags, Summary: c.summary,
		}, func(ctx context.Context, in *OneUser) (*object[user], error) {
			return s.changeUser(ctx, in, desk.UserChange{Disabled: &c.disabled})
		})
	}
}

func (s *server) changeUser(ctx context.Context, in *OneUser, c desk.UserChange) (*object[user], error) {
	id, err := casebook.ParseID(casebook.UserPrefix, in.ID)
	if err != nil {
		return nil, err
	}
	u, err := s.desk.ChangeUser(ctx, in.x.caller.actor, id, c)
	return &object[user]{viewUser(u)}, err
}

func (s *server) postMyPassword(ctx context.Context, in *postMyPassword) (*object[user], error) {
	p := in.x.caller.principal
	if !p.IsPerson() {
		return nil, newProblem(http.StatusForbidden, p.Actor.Name+" is no person and has no password")
	}
	if refusal := s.tryPassword(ctx, in.x, p, in.Body.Old); refusal != nil {
		return nil, refusal
	}
	u, err := s.desk.ChangeMyPassword(ctx, p.Actor, in.Body.Password)
	return &object[user]{viewUser(u)}, err
}

// tryPassword wants the password of who is signed in, and slows down who guesses it.
func (s *server) tryPassword(ctx context.Context, x *exchange, p access.Principal, password string) error {
	from, at := peer(x.request), s.desk.Now()
	s.doors.Lock()
	wait := s.throttle.Wait(p.Actor.Name, from, at)
	s.doors.Unlock()
	if wait > 0 {
		return newProblem(http.StatusTooManyRequests, "too many passwords were tried: wait a while")
	}
	ok, err := s.desk.HasPassword(ctx, p.Actor, password)
	if err != nil || ok {
		return err
	}
	s.doors.Lock()
	s.throttle.Failed(p.Actor.Name, from, at)
	s.doors.Unlock()
	return newProblem(http.StatusForbidden, "old: that isn't the password until now")
}
