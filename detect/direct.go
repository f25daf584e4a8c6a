package detect

import "fmt"

var _ = add(Detector{Name: "direct", About: "asks a bare address for the same page, again and again", Host: directs})

const (
	directRequests = 20
	directPages    = 4
	directSpan     = 30 * 60 // seconds
)

// directs looks for HTTP to an address without a name: people and nearly all
// programs call servers by name; a bot is born with its controllers' addresses,
// or gets them from peers, and asks for one of a few pages, often by POST.
func directs(h *Host, b *Bench) []Evidence {
	var out []Evidence
	for at, s := range h.sites {
		span := float64(s.last-s.first) / 1e6
		if !s.outside || s.raw < directRequests || s.raw*5 < s.requests*4 || s.targets.count() > directPages || span < directSpan {
			continue
		}
		e := Evidence{Detector: "direct", Host: h.Addr, Peer: at, Role: Controller, Signs: Nameless | Constancy, First: s.first, Last: s.last, Ceiling: Suspected,
			Score: round3(clamp(0.45 + 0.3*float64(s.raw)/float64(s.raw+60) + 0.2*float64(s.posts)/float64(s.requests)))}
		if what, ok := b.Clock("", at); ok {
			e.Ceiling, e.Score = Weak, round3(e.Score/4)
			e.Because = "; a known benign clock: " + what
		}
		e.Figures = []Figure{{"requests", float64(s.requests)}, {"posts", float64(s.posts)}, {"pages", float64(s.targets.count())}, {"span_h", round3(span / 3600)}}
		e.Because = fmt.Sprintf("%s to the bare address for %s such as %s, %s of them POST, for %s%s", plural(s.requests, "HTTP request", "HTTP requests"),
			plural(s.targets.count(), "page", "pages"), s.path, count(s.posts), lasting(span), e.Because)
		out = append(out, e)
	}
	Sort(out)
	return out
}
