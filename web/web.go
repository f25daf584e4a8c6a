// Package web is the face: the API under /api/v1 with its OpenAPI document,
// health, readiness and metrics, and the console's pages in two languages. A
// handler reads its input, makes one call to desk or to a reader, and renders.
// Deciding is left to desk, reading rows to store; neither SQL nor a setting is
// known here, and listening, TLS and shutting down are the caller's.
package web

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"tocsin/access"
	"tocsin/desk"
)

// Options says whom the handler admits and what it is given from outside. The
// zero value admits nobody but to the routes that are open to all.
type Options struct {
	Version string // of the program, as people see it
	// Key is what callers send as "Authorization: Bearer KEY"; "" admits no key.
	Key string
	// Trusted: the listener vouches for its callers (the local socket, calls in
	// the same process).
	Trusted bool
	// Loopback: the listener is on a loopback address, and callers from there
	// need no key.
	Loopback bool
	// Setup is the token of the link by which the first account is made; "" admits
	// none.
	Setup string
	// Backup streams a backup archive; nil when there is none to be had, and the
	// route answers 404.
	Backup func(ctx context.Context, w io.Writer) error
	// Guide accompanies a demonstration; nil for a platform that serves, which has no
	// page for one.
	Guide Guide
}

// New gives the handler of a desk's face: every route of the table rules, each
// behind the guard. It panics when the table and the routes don't agree, which is
// a mistake of the program and not of its settings.
func New(d *desk.Desk, o Options) http.Handler {
	s := &server{desk: d, options: o, site: openSite(d.Laws()), crossOrigin: http.NewCrossOriginProtection()}
	s.routes = newRoutes()
	s.signing = make(chan struct{}, signsIn)
	s.metrics = newMetrics(d, o.Version)
	s.enterAPI()
	s.enterPages()
	s.enterDoors()
	s.enterGuide()
	s.routes.complete(o.Guide != nil)
	return http.HandlerFunc(s.serve)
}

// server is what the handlers share. But for what is guarded it doesn't change once
// New returned.
type server struct {
	desk        *desk.Desk
	options     Options
	routes      *routes
	site        *site
	metrics     *metrics
	crossOrigin *http.CrossOriginProtection
	document    []byte // OpenAPI

	doors    sync.Mutex
	throttle access.Throttle // guarded by doors
	signing  chan struct{}   // passwords that are tried at once
	asked    sync.Map        // requests with an Idempotency-Key under way
}

// Server gives an http.Server for a handler: bounds on headers and on idle
// connections, none on a whole request, because a delivery may take hours. A body
// that stands still for a minute is given up by the handler itself. Address,
// listener and shutdown are the caller's.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}
