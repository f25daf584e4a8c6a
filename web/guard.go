package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"tocsin/access"
	"tocsin/casebook"
)

// contentPolicy lets a page load our own style, script and pictures, and itself
// anew, and nothing else from anywhere.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// serve is the way of every request: log, headers, guard, route.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	x := newExchange(w, r)
	pattern, missing := s.routes.find(r)
	defer x.end(pattern, s.metrics.count)
	h := x.Header()
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	// With no-referrer a browser says of our own forms that they come from nowhere.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if strings.HasPrefix(r.URL.Path, linkPath) {
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Robots-Tag", "noindex, nofollow")
	}
	if err := s.crossOrigin.Check(r); err != nil {
		s.refuse(x, newProblem(http.StatusForbidden, "a page of another site sent this request; requests come from the platform's own pages or from programs"))
		return
	}
	refusal := s.enter(x, pattern)
	if s.leadsToDemo(x, pattern) {
		return
	}
	if refusal == nil {
		refusal = missing
	}
	if refusal != nil {
		if !s.showDoor(x, refusal) {
			s.refuse(x, refusal)
		}
		return
	}
	s.once(x, pattern)
}

// enter lets an exchange in or says why not: first who asks, then whether they may.
func (s *server) enter(x *exchange, pattern string) *problem {
	needed := rules[pattern]
	if pattern != "" && needed == access.Open {
		return nil
	}
	p, refusal := s.admit(x.request)
	if refusal != nil {
		return refusal
	}
	x.caller = caller{actor: p.Actor, scope: access.Scope(p), principal: p}
	if pattern == "" || p.May(needed) {
		return nil
	}
	return mayNot(p, needed)
}

// mayNot says that somebody lacks a permission, and who has it.
func mayNot(p access.Principal, needed access.Permission) *problem {
	return newProblem(http.StatusForbidden, fmt.Sprintf("%s may not %s; who may: %s", p.Actor.Name, needed, strings.Join(access.WhoMay(needed), ", ")))
}

// admit says who asks: by the listener, by a key, by a session, or because they are on
// this machine and there are no accounts yet.
func (s *server) admit(r *http.Request) (access.Principal, *problem) {
	if s.options.Trusted {
		return access.Operator("local"), nil
	}
	any, err := s.desk.AnyUser(r.Context())
	if err != nil {
		return access.Principal{}, s.fault(r, err)
	}
	if key := bearer(r); key != "" {
		return s.byKey(r, key, any)
	}
	if secret := sessionOf(r); secret != "" && any {
		p, err := s.desk.BySession(r.Context(), secret)
		switch {
		case err == nil && foreign(r) && !opensPage(r):
			return access.Principal{}, newProblem(http.StatusForbidden,
				"a page of another site sent this request; such a page may link to the platform's pages, and do nothing else here")
		case err == nil:
			return p, nil
		case !errors.Is(err, casebook.ErrForbidden):
			return access.Principal{}, s.fault(r, err)
		}
	}
	switch {
	case any:
		return access.Principal{}, unknown(`sign in, or send a key as "Authorization: Bearer KEY": a key is needed where nobody is signed in`)
	case !s.options.Loopback || !fromLoopback(r):
		return access.Principal{}, unknown(`a key is needed: send the one in the data directory's file server.key as "Authorization: Bearer KEY"`)
	case !namesLoopback(r.Host):
		// A page whose name was made to point to this machine sends its own name.
		return access.Principal{}, newProblem(http.StatusMisdirectedRequest,
			fmt.Sprintf("%.100q isn't this platform: without a key it answers as localhost, 127.0.0.1 or [::1] only", r.Host))
	case foreign(r) && !opensPage(r):
		return access.Principal{}, newProblem(http.StatusForbidden,
			"a page of another site sent this request; without a key such a page may link to the platform's pages, and do nothing else here")
	}
	return access.Operator("loopback"), nil
}

// byKey admits by a key. The one in the data directory is the operator's until there
// are accounts; from then on it does what programs do, and nothing that a person must.
func (s *server) byKey(r *http.Request, key string, any bool) (access.Principal, *problem) {
	if s.options.Key != "" && access.Same(access.Digest(s.options.Key), key) {
		if !any {
			return access.Operator("key"), nil
		}
		return access.OfKey(casebook.AccessKey{Tenant: 1, Name: "key", Scopes: access.Scopes()}), nil
	}
	p, err := s.desk.ByKey(r.Context(), key)
	if errors.Is(err, casebook.ErrForbidden) {
		return p, unknown("a key is needed: the one that was sent is none of this platform, or was revoked, or has expired")
	}
	if err != nil {
		return p, s.fault(r, err)
	}
	return p, nil
}

func unknown(detail string) *problem {
	p := newProblem(http.StatusUnauthorized, detail)
	p.header = http.Header{"Www-Authenticate": {`Bearer realm="tocsin"`}}
	return p
}

// fault is the answer where we couldn't find out who asks.
func (s *server) fault(r *http.Request, err error) *problem {
	slog.ErrorContext(r.Context(), "who asks couldn't be found out", "err", err)
	return newProblem(http.StatusInternalServerError, "this is a fault of the platform and not of the request: its log tells the cause")
}

// bearer gives the key that a request was sent with, "" none.
func bearer(r *http.Request) string {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}

func fromLoopback(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback()
}

// namesLoopback reports whether a Host header, with a port or without, names
// this machine from inside.
func namesLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// foreign reports whether a browser says that a page of another origin sent a
// request (W3C Fetch Metadata). Programs say nothing.
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return true
}

// opensPage reports whether a browser's window goes to one of our pages, as by a
// link. Whoever sent it there can't read what it shows; an answer of the API
// could be a download, which a page may start.
func opensPage(r *http.Request) bool {
	h, path := r.Header, r.URL.Path
	window := h.Get("Sec-Fetch-Dest") == "document" || h.Get("Sec-Fetch-Dest") == ""
	return r.Method == http.MethodGet && h.Get("Sec-Fetch-Mode") == "navigate" && window &&
		!strings.HasPrefix(path, "/api") && !strings.HasPrefix(path, "/metrics")
}

// refuse answers with a problem: as a page to who asked for one, as JSON to all
// others.
func (s *server) refuse(x *exchange, p *problem) {
	if strings.HasPrefix(x.request.URL.Path, "/api/") || !strings.Contains(x.request.Header.Get("Accept"), "text/html") {
		p.write(x)
		return
	}
	p.headers(x)
	s.show(x, p.Status, "problem", p)
}
