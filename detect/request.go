package detect

import (
	"net/netip"
	"strings"

	"tocsin/traffic"
)

const (
	maxSites = 1 << 9 // HTTP servers of one host that are counted apart
	maxTLS   = 1 << 10
)

// site is what a host asked of one HTTP server.
type site struct {
	requests, posts uint32
	referred        uint32 // that name the page they came from, as a browser does
	raw             uint32 // with the address as the host's name
	names           sketch // different names that it was called by
	targets         sketch // different paths, the query left out
	firstName       string
	path            string // of the first request
	ocsp            bool
	outside         bool
	first, last     int64
}

// tls is what a host's handshakes with one endpoint showed.
type tls struct {
	sessions, nameless, selfSigned uint32
	issuer                         string
}

// Request takes an HTTP request of a host at home. Outside tells that the server
// isn't at home.
func (w *Watch) Request(r *traffic.Request, outside bool) {
	h := w.host(r.Client, r.At)
	if h == nil || !unicast(r.Server) {
		return
	}
	h.asked.add(stringHash(domain(r.Host), w.seed))
	raw := false
	if _, err := netip.ParseAddr(strings.Trim(r.Host, "[]")); err == nil && r.Host != "" {
		raw = true
	} else if r.Host != "" {
		w.name(h, r.Server, r.Host)
	}
	if w.bench.Matcher != nil {
		w.matchRequest(h, r)
	}
	e := Endpoint{r.Server, r.ServerPort, traffic.TCP}
	s := h.sites[e]
	if s == nil {
		if len(h.sites) >= maxSites {
			return
		}
		if h.sites == nil {
			h.sites = map[Endpoint]*site{}
		}
		path, _, _ := strings.Cut(r.URI, "?")
		s = &site{outside: outside, first: r.At, last: r.At, firstName: strings.Clone(r.Host), path: strings.Clone(path[:min(len(path), 80)])}
		h.sites[e] = s
	}
	s.requests++
	s.first, s.last = min(s.first, r.At), max(s.last, r.At)
	if raw {
		s.raw++
	}
	if r.Method == "POST" {
		s.posts++
	}
	if r.Referrer != "" {
		s.referred++
	}
	s.ocsp = s.ocsp || strings.Contains(r.MIME, "ocsp") || strings.Contains(r.Host, "ocsp") || strings.Contains(r.Host, "crl")
	s.names.add(stringHash(domain(r.Host), w.seed))
	path, _, _ := strings.Cut(r.URI, "?")
	s.targets.add(stringHash(path, w.seed))
}

// domain is a name's last two labels, which is near enough to count how different
// names are.
func domain(name string) string {
	last := strings.LastIndexByte(name, '.')
	if last <= 0 {
		return name
	}
	return name[strings.LastIndexByte(name[:last], '.')+1:]
}

// Handshake takes a TLS session that a host at home opened.
func (w *Watch) Handshake(s *traffic.Handshake) {
	h := w.host(s.Client, s.At)
	if h == nil || !unicast(s.Server) {
		return
	}
	w.name(h, s.Server, s.SNI)
	if w.bench.Matcher != nil {
		w.matchHandshake(h, s)
	}
	e := Endpoint{s.Server, s.ServerPort, max(s.Proto, traffic.TCP)}
	t := h.tls[e]
	if t == nil {
		if len(h.tls) >= maxTLS {
			return
		}
		if h.tls == nil {
			h.tls = map[Endpoint]*tls{}
		}
		t = &tls{}
		h.tls[e] = t
	}
	t.sessions++
	if s.SNI == "" {
		t.nameless++
	}
	if s.SelfSigned {
		t.selfSigned++
	}
	if t.issuer == "" {
		t.issuer = strings.Clone(s.Issuer)
	}
}
