package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
	"tocsin/courier"
	"tocsin/desk"
	"tocsin/store"
)

// outgoing is a line of the outbox as the API shows it.
type outgoing struct {
	Kind       string    `json:"kind" enum:"outgoing"`
	ID         string    `json:"id" doc:"Its Message-ID and idempotency key, the same at every attempt."`
	What       string    `json:"what" doc:"call: people on duty are called."`
	Target     string    `json:"target" doc:"Where it goes, without secrets; empty: whoever is on duty."`
	Subject    string    `json:"subject"`
	Text       string    `json:"text"`
	State      string    `json:"state" enum:"waiting,sending,sent,dead"`
	Attempts   int       `json:"attempts"`
	DueAt      time.Time `json:"due_at" doc:"Of the next attempt."`
	Said       string    `json:"said" doc:"What the other side answered, or why the last attempt failed."`
	RecordedAt time.Time `json:"recorded_at"`
}

func viewOutgoing(o store.Outgoing) outgoing {
	var m desk.Message
	// What can't be read is shown without its content.
	_ = json.Unmarshal(o.Payload, &m)
	v := outgoing{Kind: "outgoing", ID: o.MessageID, What: o.Kind, Subject: m.Subject, Text: m.Text, State: o.State.String(), Attempts: o.Attempts, DueAt: o.DueAt, Said: o.Fault, RecordedAt: o.RecordedAt}
	if m.Target != "" {
		v.Target = "(unreadable)"
		if t, err := courier.ParseTarget(m.Target); err == nil {
			v.Target = t.Name()
		}
	}
	return v
}

type listOutbox struct {
	Asked
	State string `query:"state" enum:"waiting,sending,sent,dead"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type resendOutgoing struct {
	Asked
	ID   string `path:"id"`
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"200" doc:"Why; stays with the line."`
	} `required:"false"`
}

// heartbeat is a desk.Heartbeat as the API shows it.
type heartbeat struct {
	Kind       string     `json:"kind" enum:"heartbeat"`
	Instance   string     `json:"instance" doc:"Name of the ledger: tells platforms apart."`
	Now        time.Time  `json:"now"`
	Started    time.Time  `json:"started"`
	WatchedAt  *time.Time `json:"watched_at" doc:"When the clocks were last looked at; null: not yet."`
	Offset     float64    `json:"clock_offset_ms" doc:"The machine's clock less the true time."`
	Known      bool       `json:"clock_known"`
	Checkpoint string     `json:"checkpoint"`
	Open       int64      `json:"open" doc:"Duties that run, counted up to 100,000."`
	Due        []dueLine  `json:"due" nullable:"false" doc:"The soonest of them, at most 200: firm ones, and as many provisional ones as there is room for whose moment has not passed."`
}

type dueLine struct {
	Duty        string    `json:"duty"`
	Incident    string    `json:"incident"`
	Party       string    `json:"party"`
	Regime      string    `json:"regime"`
	Stage       string    `json:"stage"`
	Article     string    `json:"article"`
	Due         time.Time `json:"due"`
	Local       string    `json:"local"`
	Zone        string    `json:"zone"`
	Provisional bool      `json:"provisional"`
	Exercise    bool      `json:"exercise"`
	State       string    `json:"state"`
}

func (s *server) enterOutbox(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/outbox", OperationID: "list-outbox", Tags: []string{"outbox"},
		Summary: "List what is told outside, newest first; in a state, the first to be sent first",
	}, s.listOutbox)
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/outbox/{id}/resend", OperationID: "resend", Tags: []string{"outbox"},
		Summary: "Send a line again, under the same Message-ID",
	}, func(ctx context.Context, in *resendOutgoing) (*object[outgoing], error) {
		why := ""
		if in.Body != nil {
			why = in.Body.Reason
		}
		o, err := s.desk.Resend(ctx, in.x.caller.actor, in.ID, why)
		return &object[outgoing]{viewOutgoing(o)}, err
	})
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/heartbeat", OperationID: "heartbeat", Tags: []string{"platform"},
		Summary: "What one that watches from elsewhere must know", Description: "tocsin watch asks for it.",
	}, s.heartbeat)
}

func (s *server) listOutbox(ctx context.Context, in *listOutbox) (*object[page[outgoing]], error) {
	state, err := outboxState(in.State)
	if err != nil {
		return nil, err
	}
	all, err := s.desk.Reader(in.x.caller.scope).Outbox(ctx, state, in.Limit)
	return pageOf(all, len(all), viewOutgoing, nil), err
}

// outboxState reads the word of a state; "" is any.
func outboxState(word string) (*store.OutboxState, error) {
	for one := store.OutboxWaiting; one <= store.OutboxDead; one++ {
		if one.String() == word {
			return &one, nil
		}
	}
	if word != "" {
		return nil, fmt.Errorf("state %.40q: %w", word, casebook.ErrInvalid)
	}
	return nil, nil
}

func (s *server) heartbeat(ctx context.Context, in *struct{ Asked }) (*object[heartbeat], error) {
	// Who can't write records no miss and sends no call: the one that watches must.
	if trouble := s.desk.Trouble(); trouble != nil {
		return nil, trouble
	}
	h, err := s.desk.Heartbeat(ctx, in.x.caller.scope)
	clock := viewClock(h.Clock)
	v := heartbeat{Kind: "heartbeat", Instance: h.Instance, Now: h.Now.UTC(), Started: h.Started.UTC(), Offset: clock.Offset, Known: clock.Known,
		Checkpoint: h.Checkpoint, Open: h.Open, Due: []dueLine{}}
	if !h.WatchedAt.IsZero() {
		v.WatchedAt = &h.WatchedAt
	}
	for _, d := range h.Due {
		v.Due = append(v.Due, dueLine{d.ID.Text(casebook.DutyPrefix), d.Incident.Text(casebook.IncidentPrefix), d.PartyName, d.Regime, d.Stage, d.Article,
			d.Due, localText(d.Due, d.Zone), d.Zone, d.Provisional, d.Mark.Exercise, d.State.String()})
	}
	return &object[heartbeat]{v}, err
}
