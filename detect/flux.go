package detect

import (
	"fmt"
	"slices"
)

var _ = add(Detector{Name: "flux", About: "asks many names for the same page at one address", Host: fluxes})

const (
	fluxNames   = 12 // different domains at one address
	fluxTargets = 3  // different paths asked for, at most
	// fluxShare is the share of all domains that the host asked by HTTP: who walks
	// a list of strangers' sites meets many hosters, and none has so many of them.
	fluxShare = 0.2
)

// fluxes looks for a server that a host calls by many names but always for the
// same page: a bot walks its list of domains, and a few machines (a controller, or
// a defender's sinkhole) stand behind all of them. Whoever hosts many sites is
// asked for many pages.
func fluxes(h *Host, b *Bench) []Evidence {
	var out []Evidence
	for at, s := range h.sites {
		n, paths := s.names.count(), s.targets.count()
		if float64(n) < fluxShare*float64(h.asked) {
			continue
		}
		if n < fluxNames || paths > fluxTargets || s.ocsp || int(s.requests) < n {
			continue
		}
		e := Evidence{Detector: "flux", Host: h.Addr, Peer: at, Name: s.firstName, Role: Controller, Signs: Fluxing, First: s.first, Last: s.last, Ceiling: Suspected,
			Score: round3(clamp(0.55 + 0.4*float64(n)/float64(n+20)))}
		if what, ok := b.Shared(s.firstName, at.Addr); ok {
			e.Ceiling, e.Score = Weak, e.Score/2
			e.Because = "; it is shared: " + what
		}
		e.Figures = []Figure{{"requests", float64(s.requests)}, {"domains", float64(n)}, {"paths", float64(paths)}}
		e.Because = fmt.Sprintf("%s for %s under %s such as %s, all at one address%s", plural(s.requests, "request", "requests"),
			plural(paths, "page", "pages"), plural(n, "different domain", "different domains"), s.firstName, e.Because)
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Evidence) int { return a.Compare(&b) })
	return out
}
