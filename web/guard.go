package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

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
	if err := s.crossOrigin.Check(r); err != nil {
		s.refuse(x, newProblem(http.StatusForbidden, "a page of another site sent this request; requests come from the platform's own pages or from programs"))
		return
	}
	if pattern == "" || rules[pattern] != open {
		var refusal *problem
		if x.caller, refusal = s.admit(r); refusal != nil {
			s.refuse(x, refusal)
			return
		}
	}
	if missing != nil {
		s.refuse(x, missing)
		return
	}
	s.routes.ServeHTTP(x, r)
}

// admit says who asks. Until there are accounts everybody admitted is the
// operator and sees all.
func (s *server) admit(r *http.Request) (caller, *problem) {
	by := func(door string) caller {
		return caller{casebook.Actor{Kind: casebook.Machine, Name: door}, casebook.Operator()}
	}
	switch {
	case s.options.Trusted:
		return by("local"), nil
	case s.hasKey(r):
		return by("key"), nil
	case !s.options.Loopback || !fromLoopback(r):
		p := newProblem(http.StatusUnauthorized, `a key is needed: send the one in the data directory's file server.key as "Authorization: Bearer KEY"`)
		p.header = http.Header{"Www-Authenticate": {`Bearer realm="tocsin"`}}
		return caller{}, p
	case !namesLoopback(r.Host):
		// A page whose name was made to point to this machine sends its own name.
		return caller{}, newProblem(http.StatusMisdirectedRequest,
			fmt.Sprintf("%.100q isn't this platform: without a key it answers as localhost, 127.0.0.1 or [::1] only", r.Host))
	case foreign(r) && !opensPage(r):
		return caller{}, newProblem(http.StatusForbidden,
			"a page of another site sent this request; without a key such a page may link to the platform's pages, and do nothing else here")
	}
	return by("loopback"), nil
}

func (s *server) hasKey(r *http.Request) bool {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if s.options.Key == "" || !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	// Of digests, so that the time doesn't tell the key's length either.
	want, got := sha256.Sum256([]byte(s.options.Key)), sha256.Sum256([]byte(strings.TrimSpace(key)))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
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
