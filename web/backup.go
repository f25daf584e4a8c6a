package web

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
)

func (s *server) enterBackup(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/backup", OperationID: "backup", Tags: []string{"platform"},
		Summary:     "A backup of everything, taken while the platform runs",
		Description: "What tocsin restore reads. A backup that fails is cut off.",
		Responses:   answers(http.StatusOK, "The archive", anyBytes, nil),
	}, func(ctx context.Context, in *struct{ Asked }) (*stream, error) {
		if s.options.Backup == nil {
			return nil, fmt.Errorf("this platform gives no backup over HTTP: %w", casebook.ErrNotFound)
		}
		in.x.Header().Set("Content-Disposition", `attachment; filename="backup.tocsin"`)
		return streaming(in.x, func() error {
			in.x.Header().Set("Content-Type", anyBytes)
			return s.options.Backup(ctx, in.x)
		}), nil
	})
}
