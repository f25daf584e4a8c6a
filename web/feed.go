package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// format is a feed.Format as the API shows it.
type format struct {
	Kind    string `json:"kind" enum:"feed"`
	Name    string `json:"name"`
	About   string `json:"about"`
	TLP     string `json:"tlp" doc:"What its observations are marked with, unless a row says otherwise."`
	GapDays int    `json:"gap_days" doc:"Days without a sighting after which the next one is a relapse."`
}

func (s *server) enterFeeds(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/feeds", OperationID: "list-feeds", Tags: []string{"deliveries"},
		Summary: "The formats of deliveries, by name",
	}, func(context.Context, *struct{ Asked }) (*object[page[format]], error) {
		formats := page[format]{Items: []format{}}
		for _, f := range s.desk.Feeds().Formats() {
			formats.Items = append(formats.Items, format{"feed", f.Name, f.About, f.TLP.String(), f.GapDays})
		}
		return &object[page[format]]{formats}, nil
	})
}
