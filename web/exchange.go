package web

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tocsin/access"
	"tocsin/casebook"
)

// maxPause is how long a body may stand still, in either direction, before the
// exchange is given up.
const maxPause = time.Minute

// exchange is one request and its answer under way: the writer that handlers are
// given, who asks, and what the log wants to know.
type exchange struct {
	http.ResponseWriter
	request *http.Request
	control *http.ResponseController
	caller  caller
	begun   time.Time
	status  int // 0 until the answer has begun
	bytes   int64
	traced  string
	page    string // address of the page that answers a refused form, "" otherwise
}

// caller is who asks, what they see, and what they may.
type caller struct {
	actor     casebook.Actor
	scope     casebook.Scope
	principal access.Principal
}

func newExchange(w http.ResponseWriter, r *http.Request) *exchange {
	x := &exchange{ResponseWriter: w, request: r, control: http.NewResponseController(w), begun: time.Now()}
	// The connection may have served before, and keeps its deadline.
	x.control.SetWriteDeadline(time.Time{})
	return x
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter. It fails when the client takes nothing
// for maxPause, so that a reader of the database isn't held by one that sleeps.
func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	// Not every writer has deadlines; those without have no peer that sleeps.
	x.control.SetWriteDeadline(time.Now().Add(maxPause))
	n, err := x.ResponseWriter.Write(b)
	x.bytes += int64(n)
	return n, err
}

// flush writes and hands on what was written so far.
func (x *exchange) flush(b []byte) error {
	if _, err := x.Write(b); err != nil {
		return err
	}
	// A writer that can't flush passes everything on at the end.
	if err := x.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// json answers with one JSON object.
func (x *exchange) json(status int, v any) error {
	x.Header().Set("Content-Type", "application/json")
	x.WriteHeader(status)
	e := json.NewEncoder(x)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// download answers with a file that a browser keeps and never shows, whatever its name
// or its content says.
func (x *exchange) download(name, mediaType string, content []byte) error {
	x.Header().Set("Content-Type", mediaType)
	x.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	x.Header().Set("Content-Length", strconv.Itoa(len(content)))
	x.WriteHeader(http.StatusOK)
	if x.request.Method != http.MethodHead {
		x.Write(content) // a client that is gone needs nothing
	}
	return nil
}

// trace names the exchange in the log.
func (x *exchange) trace() string {
	if x.traced == "" {
		var b [8]byte
		rand.Read(b[:])
		x.traced = hex.EncodeToString(b[:])
	}
	return x.traced
}

// body gives the request's body. It fails with ErrInvalid when the body breaks
// off or stands still for maxPause, and as http.MaxBytesReader does past a bound;
// 0 is none.
func (x *exchange) body(maxBytes int64) io.Reader {
	r := x.request.Body
	if maxBytes > 0 {
		r = http.MaxBytesReader(x, r, maxBytes)
	}
	return &body{exchange: x, r: r}
}

type body struct {
	exchange *exchange
	r        io.Reader
	read     int64
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	control := b.exchange.control
	control.SetReadDeadline(time.Now().Add(maxPause))
	n, err := b.r.Read(p)
	b.read += int64(n)
	if err == nil {
		return n, nil
	}
	// What follows the body, the wait for the client's end among it, has no
	// deadline of ours.
	control.SetReadDeadline(time.Time{})
	if err == io.EOF || status(err) != http.StatusInternalServerError {
		return n, err
	}
	return n, fmt.Errorf("the request's body breaks off after %d bytes (%w), send it again: %w", b.read, err, casebook.ErrInvalid)
}

// end writes the line in the log, and answers for a handler that panicked.
func (x *exchange) end(pattern string, count func(pattern string, status int)) {
	fault := recover()
	if fault != nil && fault != http.ErrAbortHandler {
		slog.ErrorContext(x.request.Context(), "request failed", "trace", x.trace(), "route", pattern, "err", fault, "stack", string(debug.Stack()))
		if x.status == 0 {
			p := newProblem(http.StatusInternalServerError, "this is a fault of the platform and not of the request: its log tells the cause under the trace")
			p.Trace = x.trace()
			p.write(x)
			fault = nil
		}
	}
	path := x.request.URL.Path
	if strings.HasPrefix(path, linkPath) {
		path = linkPath
	}
	slog.InfoContext(x.request.Context(), "request", "method", x.request.Method, "path", path,
		"status", x.status, "bytes", x.bytes, "took", time.Since(x.begun), "caller", x.caller.actor.Name, "aborted", fault != nil)
	count(pattern, x.status)
	// What is still buffered is written after this.
	x.control.SetWriteDeadline(time.Now().Add(maxPause))
	if fault != nil {
		panic(http.ErrAbortHandler)
	}
}

// Asked is part of every operation's input: the exchange that it came by.
type Asked struct{ x *exchange }

// Resolve implements huma.Resolver.
func (a *Asked) Resolve(ctx huma.Context) []error {
	_, w := humago.Unwrap(ctx)
	a.x = w.(*exchange)
	return nil
}

func (a *Asked) exchange() *exchange { return a.x }
