package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
	"tocsin/courier"
	"tocsin/store"
)

// contact is where a party is reached, as the API shows it.
type contact struct {
	Kind   string    `json:"kind" enum:"contact"`
	For    string    `json:"for" enum:"reports,orders,duty"`
	Target string    `json:"target" doc:"Without secrets."`
	Since  time.Time `json:"since"`
}

func viewContact(c store.Contact) contact {
	v := contact{"contact", c.Kind, "(unreadable)", c.Since}
	if t, err := courier.ParseTarget(c.Target); err == nil {
		v.Target = t.Name()
	}
	return v
}

type listContacts struct {
	Asked
	ID string `path:"id"`
}

type postContact struct {
	Asked
	ID   string `path:"id"`
	Body struct {
		For    string `json:"for" enum:"reports,orders,duty"`
		Target string `json:"target" doc:"mailto:… or https://…"`
		End    bool   `json:"end,omitempty" doc:"The party isn't reached there any more."`
	}
}

func (s *server) enterContacts(api huma.API) {
	operation(api, huma.Operation{Method: http.MethodGet, Path: "/api/v1/parties/{id}/contacts", OperationID: "list-contacts", Tags: []string{"parties"},
		Summary: "Where a party is reached"}, func(ctx context.Context, in *listContacts) (*object[page[contact]], error) {
		return s.contacts(ctx, in.Asked, in.ID)
	})
	operation(api, huma.Operation{Method: http.MethodPost, Path: "/api/v1/parties/{id}/contacts", OperationID: "keep-contact", Tags: []string{"parties"},
		Summary: "Say where a party is reached, or no more"}, func(ctx context.Context, in *postContact) (*object[page[contact]], error) {
		id, err := casebook.ParseID(casebook.PartyPrefix, in.ID)
		if err == nil {
			err = s.desk.KeepContact(ctx, in.x.caller.actor, id, in.Body.For, in.Body.Target, in.Body.End)
		}
		if err != nil {
			return nil, err
		}
		return s.contacts(ctx, in.Asked, in.ID)
	})
}

func (s *server) contacts(ctx context.Context, a Asked, text string) (*object[page[contact]], error) {
	id, err := casebook.ParseID(casebook.PartyPrefix, text)
	if err != nil {
		return nil, err
	}
	r := s.desk.Reader(a.x.caller.scope)
	if _, err := r.Party(ctx, id); err != nil {
		return nil, err
	}
	all, err := r.Contacts(ctx, id)
	return pageOf(all, len(all), viewContact, nil), err
}
