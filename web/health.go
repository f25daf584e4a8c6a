package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tocsin/casebook"
)

// readyWithin is how long the database may take to answer a read.
const readyWithin = 2 * time.Second

// readiness says whether the platform can work.
type readiness struct {
	Kind   string  `json:"kind" enum:"ready"`
	OK     bool    `json:"ok"`
	Checks []check `json:"checks" nullable:"false"`
}

type check struct {
	Name  string  `json:"name" enum:"database,writes"`
	OK    bool    `json:"ok"`
	Took  float64 `json:"took_s" doc:"Seconds that the answer took; of writes, since when none succeeds."`
	Fault string  `json:"fault"`
}

type readyAnswer struct {
	Status int
	Body   readiness
}

func (s *server) enterHealth(api huma.API) {
	tags := []string{"platform"}
	free := []map[string][]string{{}}
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/healthz", OperationID: "health", Tags: tags, Security: free,
		Summary: "Whether the process serves", Responses: answers(http.StatusOK, "It does", plainText, nil),
	}, func(context.Context, *struct{ Asked }) (*raw, error) {
		return &raw{plainText, []byte("ok\n")}, nil
	})
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/readyz", OperationID: "ready", Tags: tags, Security: free,
		Summary:     "Whether the database answers and can be written",
		Description: "503 when it doesn't within two seconds, and while nothing can be written: a disk is full, a server is away.",
		Responses:   answers(http.StatusServiceUnavailable, "Not ready", "application/json", schemaOf[readiness](api)),
	}, s.ready)
	metrics := s.metrics.handler()
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/metrics", OperationID: "metrics", Tags: tags,
		Summary: "Figures for monitoring", Responses: answers(http.StatusOK, "Prometheus text format", plainText, nil),
	}, func(context.Context, *struct{ Asked }) (*stream, error) {
		return &stream{func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			metrics.ServeHTTP(w, r)
		}}, nil
	})
}

// ready is open to everybody, so the cause of a fault goes to the log only.
func (s *server) ready(ctx context.Context, _ *struct{ Asked }) (*readyAnswer, error) {
	begun := time.Now()
	within, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	_, err := s.desk.Reader(casebook.Operator()).Checkpoint(within)
	c := check{Name: "database", OK: err == nil, Took: time.Since(begun).Seconds()}
	answer := &readyAnswer{Status: http.StatusOK}
	if err != nil {
		slog.WarnContext(ctx, "not ready: the database doesn't answer", "err", err)
		c.Fault = "the database doesn't answer"
		answer.Status = http.StatusServiceUnavailable
	}
	writes := check{Name: "writes", OK: true}
	if trouble := s.desk.Trouble(); trouble != nil {
		writes.OK, writes.Took, writes.Fault = false, s.desk.Now().Sub(trouble.Since).Seconds(), trouble.Error()
		answer.Status = http.StatusServiceUnavailable
	}
	answer.Body = readiness{"ready", c.OK && writes.OK, []check{c, writes}}
	return answer, nil
}
