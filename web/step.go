package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
	"tocsin/desk"
)

type postStep struct {
	Asked
	ID   string `path:"id"`
	Body struct {
		Acting
		Act    string    `json:"act" enum:"suspend,resume,extend"`
		At     time.Time `json:"at,omitzero" doc:"When that was done; absent: now."`
		Until  time.Time `json:"until,omitzero" doc:"With extend: the new last moment on time."`
		By     string    `json:"by" minLength:"1" maxLength:"200" doc:"Who did it: the authority, the police."`
		Reason string    `json:"reason" minLength:"1" maxLength:"2000"`
	}
}

func (s *server) enterSteps(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/duties/{id}/steps", OperationID: "step-duty", Tags: []string{"duties"},
		Summary:     "Write down that a duty was suspended, resumed or extended",
		Description: "It holds for the duties of its stage in its incident; the answer is the whole case. A duty whose moment moves is superseded by one that says when it was due before.",
	}, s.postStep)
}

func (s *server) postStep(ctx context.Context, in *postStep) (*object[wholeCase], error) {
	id, err := casebook.ParseID(casebook.DutyPrefix, in.ID)
	if err != nil {
		return nil, err
	}
	who, err := in.Body.person()
	if err != nil {
		return nil, err
	}
	// What the caller can't see it can't act on either.
	if _, err := s.desk.Reader(in.x.caller.scope).Duty(ctx, id); err != nil {
		return nil, err
	}
	b := in.Body
	i, err := s.desk.StepDuty(ctx, who, id, desk.DutyStep{Act: b.Act, At: b.At, Until: b.Until, By: b.By, Reason: b.Reason})
	if err != nil {
		return nil, err
	}
	return s.wholeCase(ctx, &OneIncident{in.Asked, i.ID.Text(casebook.IncidentPrefix)})
}
