package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
)

const zipArchive = "application/zip"

func (s *server) enterExport(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/incidents/{id}/export", OperationID: "export-incident", Tags: []string{"incidents"},
		Summary:     "The archive of a case",
		Description: "A zip that is read, and verified, without this program. An archive that fails is cut off.",
		Responses:   answers(http.StatusOK, "The archive", zipArchive, nil),
	}, s.exportIncident)
}

func (s *server) exportIncident(ctx context.Context, in *OneIncident) (*stream, error) {
	id, err := casebook.ParseID(casebook.IncidentPrefix, in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := s.desk.Reader(in.x.caller.scope).Incident(ctx, id); err != nil {
		return nil, err
	}
	in.x.Header().Set("Content-Disposition", `attachment; filename="`+in.ID+`.zip"`)
	return streaming(in.x, func() error {
		in.x.Header().Set("Content-Type", zipArchive)
		return s.desk.Export(ctx, in.x.caller.actor, in.x.caller.scope, id, in.x)
	}), nil
}
