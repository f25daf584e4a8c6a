package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tocsin/casebook"
)

// The media types beside application/json that the API speaks.
const (
	anyBytes  = "application/octet-stream"
	plainText = "text/plain; charset=utf-8"
	jsonLines = "application/x-ndjson"
)

// enterAPI enters every operation, and the document that describes them.
func (s *server) enterAPI() {
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:   "tocsin",
				Version: s.options.Version,
				Description: "Reports of trojans and botnets in; findings, threats and proofs out. " +
					"Moments are RFC 3339 in UTC. Lists run from the newest to the oldest and continue after a cursor. " +
					"Refusals are problems (RFC 9457). A write that is answered with 2xx is on disk. " +
					"Every POST takes an Idempotency-Key: sent again with the same body within a day it gets the first answer again.",
			},
			Components: &huma.Components{
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"key": {Type: "http", Scheme: "bearer", Description: "A machine's key or a person's. Not needed on the local socket, by who is signed in, and on loopback until there are accounts."},
				},
			},
			Security: []map[string][]string{{"key": {}}, {}},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
	// A later version may say more of a thing than this one.
	config.AllowAdditionalPropertiesByDefault = true
	api := humago.New(s.routes, config)
	s.enterHealth(api)
	s.enterDeliveries(api)
	s.enterFindings(api)
	s.enterThreats(api)
	s.enterSearch(api)
	s.enterStatus(api)
	s.enterFeeds(api)
	s.enterLedger(api)
	s.enterHoldings(api)
	s.enterParties(api)
	s.enterContacts(api)
	s.enterIncidents(api)
	s.enterExport(api)
	s.enterDuties(api)
	s.enterSteps(api)
	s.enterScores(api)
	s.enterDisputes(api)
	s.enterRegimes(api)
	s.enterOutbox(api)
	s.enterReports(api)
	s.enterOrders(api)
	s.enterBackup(api)
	s.enterUsers(api)
	s.enterKeys(api)
	s.enterDocument(api)
}

// enterDocument serves what describes all other operations, and itself.
func (s *server) enterDocument(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/openapi.json", OperationID: "openapi",
		Summary: "This document", Tags: []string{"platform"},
		Responses: answers(http.StatusOK, "OpenAPI 3.1", "application/openapi+json", nil),
	}, func(context.Context, *struct{ Asked }) (*raw, error) {
		return &raw{"application/openapi+json", s.document}, nil
	})
	document, err := json.Marshal(api.OpenAPI())
	if err != nil {
		panic(fmt.Sprintf("web: the OpenAPI document can't be written: %v", err))
	}
	s.document = document
}

// operation enters one operation. Errors of f become problems by the table in
// status.
func operation[I, O any, P interface {
	*I
	exchange() *exchange
}](api huma.API, op huma.Operation, f func(context.Context, P) (*O, error)) {
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Responses["default"] = &huma.Response{
		Description: "Refused",
		Content: map[string]*huma.MediaType{
			"application/problem+json": {Schema: schemaOf[problem](api)},
		},
	}
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := f(ctx, in)
		if err != nil {
			return nil, P(in).exchange().problem(err)
		}
		return out, nil
	})
}

// object is an answer of one JSON object.
type object[T any] struct{ Body T }

// page is a part of a list.
type page[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page; absent on the last."`
}

// idIfAny reads a public name that may be left out: "" is the zero ID.
func idIfAny(prefix, text string) (casebook.ID, error) {
	if text == "" {
		return casebook.ID{}, nil
	}
	return casebook.ParseID(prefix, text)
}

// pageOf makes a page of what was read beyond by one, to see whether more
// follows.
func pageOf[T, V any](all []T, limit int, view func(T) V, cursor func(T) string) *object[page[V]] {
	p := page[V]{Items: []V{}}
	for i, one := range all {
		if i == limit {
			p.Next = cursor(all[i-1])
			break
		}
		p.Items = append(p.Items, view(one))
	}
	return &object[page[V]]{p}
}

// raw is an answer of bytes that are there already.
type raw struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

// stream is an answer that is written as it comes.
type stream struct{ Body func(huma.Context) }

// streaming makes an answer of a function that writes to the exchange. If it
// fails before the first byte the answer is a problem; afterwards the connection
// is cut, so that nobody takes the part for the whole.
func streaming(x *exchange, write func() error) *stream {
	return &stream{func(huma.Context) {
		err := write()
		if err == nil {
			return
		}
		p := x.problem(err)
		if x.status != 0 {
			panic(http.ErrAbortHandler)
		}
		x.Header().Del("Content-Disposition")
		p.write(x)
	}}
}

// answers describes a response of a media type; a nil schema is a string of
// bytes.
func answers(status int, about, mediaType string, schema *huma.Schema) map[string]*huma.Response {
	if schema == nil {
		schema = &huma.Schema{Type: huma.TypeString}
		if mediaType == anyBytes {
			schema.Format = "binary"
		}
	}
	return map[string]*huma.Response{fmt.Sprint(status): {
		Description: about,
		Content:     map[string]*huma.MediaType{mediaType: {Schema: schema}},
	}}
}

// takesBytes describes a request's body that is taken as it comes.
func takesBytes(about string) *huma.RequestBody {
	return &huma.RequestBody{
		Description: about, Required: true,
		Content: map[string]*huma.MediaType{anyBytes: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}
}

func schemaOf[T any](api huma.API) *huma.Schema {
	return api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
}
