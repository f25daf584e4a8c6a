package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"tocsin/desk"
	"tocsin/store"
	"tocsin/web"
)

// standbyEvery is how often one that stands by asks whether the other one ended.
const standbyEvery = 250 * time.Millisecond

// A front listens before there is a platform behind it: one that stands by says so,
// until it takes over.
type front struct {
	listener net.Listener
	server   *http.Server
	ended    chan error
	live     atomic.Pointer[http.Handler]
}

func newFront(l net.Listener) *front {
	f := &front{listener: l}
	f.server = web.Server(f)
	return f
}

// begin serves, unless it does already.
func (f *front) begin() {
	if f.ended == nil {
		f.ended = make(chan error, 1)
		go func() { f.ended <- f.server.Serve(f.listener) }()
	}
}

// ServeHTTP answers for the platform; while another process has the database, that it
// isn't ready and why.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if live := f.live.Load(); live != nil {
		(*live).ServeHTTP(w, r)
		return
	}
	const fault = "standing by: another tocsin writes to the database, and this one takes over when it ends"
	w.Header().Set("Cache-Control", "no-store")
	switch r.URL.Path {
	case "/healthz":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(w, "ok")
		return
	case "/readyz":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = json.NewEncoder(w).Encode(map[string]any{"kind": "ready", "ok": false, "checks": []map[string]any{{"name": "database", "ok": false, "took_s": 0, "fault": fault}}})
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Retry-After", "2")
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(http.StatusServiceUnavailable), "status": http.StatusServiceUnavailable, "detail": fault})
}

// isHeld reports whether another process is the reason why a platform didn't open.
func isHeld(err error) bool { return errors.Is(err, desk.ErrOwned) || errors.Is(err, store.ErrHeld) }

// standBy answers that it isn't ready until open doesn't find another process any more. A
// server that is restarted meanwhile is waited for.
func (f *front) standBy(ctx context.Context, std streams, open func() error) error {
	f.begin()
	fmt.Fprintf(std.out, "standing by on http://%s: another tocsin writes to the database, and this one takes over when it ends\n", f.listener.Addr())
	for gone := false; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-f.ended:
			return err
		case <-time.After(standbyEvery):
		}
		err := open()
		if away := store.Unreachable(err); away != gone {
			if gone = away; away {
				slog.WarnContext(ctx, "the database doesn't answer; standing by until it does", "err", err)
			}
		}
		if !isHeld(err) && !gone {
			return err
		}
	}
}

// close ends the listening of one that never took over.
func (f *front) close() error {
	err := f.server.Close()
	<-f.ended
	return err
}

// serve puts the platform behind the front until ctx ends, then lets requests end for
// ten seconds. It ends with ErrLost as soon as another process has the database: started
// again, it stands by.
func (f *front) serve(ctx context.Context, h http.Handler, lost <-chan struct{}) error {
	f.live.Store(&h)
	f.begin()
	select {
	case err := <-f.ended:
		return fmt.Errorf("serve: %w", err)
	case <-lost:
		err := errors.Join(f.server.Close(), store.ErrLost)
		<-f.ended
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := f.server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = f.server.Close()
	}
	<-f.ended
	return err
}
