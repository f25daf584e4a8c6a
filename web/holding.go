package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
	"tocsin/desk"
)

const (
	maxTable    = 1 << 30 // octets of a table of holdings
	maxRefusals = 100     // bad rows of a table that are told one by one
)

// holdingImport is a store.HoldingImport as the API shows it.
type holdingImport struct {
	Kind    string    `json:"kind" enum:"holding_import"`
	Source  string    `json:"source"`
	Name    string    `json:"name"`
	AsOf    time.Time `json:"as_of" doc:"From when its differences to the earlier table hold."`
	Rows    int64     `json:"rows"`
	Refused int64     `json:"refused"`
	Added   int64     `json:"added" doc:"Holdings that came."`
	Ended   int64     `json:"ended" doc:"Holdings that went."`
	Digest  string    `json:"digest" doc:"SHA-256 of the file, in hexadecimal."`
	Bad     []refusal `json:"bad" nullable:"false" doc:"The first hundred bad rows."`
}

type postHoldings struct {
	Asked
	Source string    `query:"source" doc:"On whose word; a later table of the source replaces its earlier one. Absent: the name without its ending."`
	Name   string    `query:"name" doc:"What the sender calls the file."`
	AsOf   time.Time `query:"as_of" doc:"From when the differences hold; absent: now."`
}

func (s *server) enterHoldings(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/holdings/imports", OperationID: "import-holdings", Tags: []string{"holdings"},
		Summary:       "Import a table of who holds which address or name",
		Description:   "CSV, plain or gzip, of at most 1 GiB. The answer is given when the table is in use. An import that was cut short goes on when the same file comes again.",
		DefaultStatus: http.StatusCreated,
		RequestBody:   takesBytes("The table."),
	}, s.postHoldings)
}

func (s *server) postHoldings(ctx context.Context, in *postHoldings) (*object[holdingImport], error) {
	if in.Source == "" && in.Name != "" {
		in.Source = desk.SourceName(in.Name)
	}
	bad := []refusal{}
	i, err := s.desk.ImportHoldings(ctx, in.x.caller.actor, desk.Table{Source: in.Source, Name: in.Name, AsOf: in.AsOf, Body: in.x.body(maxTable)},
		func(r casebook.Refusal) error {
			if len(bad) < maxRefusals {
				bad = append(bad, viewRefusal(r))
			}
			return nil
		})
	return &object[holdingImport]{holdingImport{
		"holding_import", i.Source, i.Name, kept(i.AsOf), i.Rows, i.Refused, i.Added, i.Ended, i.Digest.String(), bad,
	}}, err
}
