package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"syscall"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
)

// problem is an answer that isn't what was asked for (RFC 9457). Its type is
// about:blank, and so left out: the status says which kind it is.
type problem struct {
	Title  string `json:"title" doc:"The status in words."`
	Status int    `json:"status"`
	Detail string `json:"detail" doc:"What was wrong, where, and what to do: a sentence for a person."`
	Trace  string `json:"trace,omitempty" doc:"With a 500: the name under which the platform's log tells the cause."`

	header http.Header
}

func newProblem(status int, detail string) *problem {
	return &problem{Title: http.StatusText(status), Status: status, Detail: detail}
}

// Error implements error.
func (p *problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *problem) GetHeaders() http.Header { return p.header }

// ContentType implements huma.ContentTypeFilter.
func (p *problem) ContentType(string) string { return "application/problem+json" }

// The router's own refusals take the same shape. What its validation finds is
// ErrInvalid and so a 400, like any other fault of the input.
func init() {
	huma.NewError = func(status int, detail string, errs ...error) huma.StatusError {
		var told []string
		for _, err := range errs {
			var d huma.ErrorDetailer
			if errors.As(err, &d) && d.ErrorDetail().Location != "" {
				told = append(told, d.ErrorDetail().Location+": "+d.ErrorDetail().Message)
			} else if err != nil {
				told = append(told, err.Error())
			}
		}
		if len(told) > 0 {
			detail = strings.Join(told, "; ")
		}
		if status == http.StatusUnprocessableEntity {
			status = http.StatusBadRequest
		}
		return newProblem(status, detail)
	}
}

// status gives the code of an error: one for each refusal, 500 for all else.
func status(err error) int {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge), errors.Is(err, casebook.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, casebook.ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, casebook.ErrForbidden):
		return http.StatusForbidden
	case errors.Is(err, casebook.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, casebook.ErrConflict):
		return http.StatusConflict
	case errors.Is(err, casebook.ErrUnavailable):
		return http.StatusServiceUnavailable
	case errors.Is(err, syscall.ENOSPC):
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

// problem makes an error into the answer to an exchange. A fault of our own goes
// to the log, and the caller is told only under which name. What fails because
// the caller is gone is no fault.
func (x *exchange) problem(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	code := status(err)
	if code == http.StatusInsufficientStorage {
		slog.ErrorContext(x.request.Context(), "no room left on the disk", "route", x.request.Pattern, "err", err)
		return newProblem(code, "the platform's disk is full, and nothing of this was kept: make room, then send it again")
	}
	if code != http.StatusInternalServerError {
		return newProblem(code, err.Error())
	}
	if x.request.Context().Err() != nil {
		return newProblem(http.StatusRequestTimeout, "the request was given up before it was done; send it again")
	}
	slog.ErrorContext(x.request.Context(), "request failed", "trace", x.trace(), "route", x.request.Pattern, "err", err)
	p = newProblem(code, "this is a fault of the platform and not of the request: its log tells the cause under the trace")
	p.Trace = x.trace()
	return p
}

// write answers with the problem as JSON.
func (p *problem) write(x *exchange) {
	p.headers(x)
	x.Header().Set("Content-Type", p.ContentType(""))
	x.WriteHeader(p.Status)
	// A client that is gone needs no answer.
	json.NewEncoder(x).Encode(p)
}

func (p *problem) headers(x *exchange) {
	for name, values := range p.header {
		x.Header()[name] = values
	}
}
