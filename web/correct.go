package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
	"tocsin/desk"
)

type postCorrection struct {
	OneIncident
	Body struct {
		Acting
		Entry      string    `json:"entry" minLength:"1" maxLength:"60" doc:"Of the timeline: its id (anc_…), or its word (received) where one entry of it stands."`
		HappenedAt time.Time `json:"happened_at,omitzero" doc:"When it truly was. With a yes absent, or the same once more."`
		Zone       string    `json:"zone,omitempty" maxLength:"60"`
		Reason     string    `json:"reason,omitempty" maxLength:"2000" doc:"Why. Absent: the yes of a second person to what a first one asked for."`
	}
}

func (s *server) enterCorrections(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/incidents/{id}/corrections", OperationID: "correct-incident", Tags: []string{"incidents"},
		Summary:     "Correct a legal moment of an incident",
		Description: "One person says when it truly was and why, another says yes. Duties that move are superseded by new ones that say when they were due before.",
	}, s.postCorrection)
}

func (s *server) postCorrection(ctx context.Context, in *postCorrection) (*object[wholeCase], error) {
	return s.onIncident(ctx, &in.OneIncident, in.Body.Acting, func(who casebook.Actor, id casebook.ID) error {
		_, err := s.desk.Correct(ctx, who, id, desk.Correction{Entry: in.Body.Entry, At: in.Body.HappenedAt, Zone: in.Body.Zone, Reason: in.Body.Reason})
		return err
	})
}
