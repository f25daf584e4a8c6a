package detect

import (
	"fmt"
	"net/netip"
	"slices"
)

var _ = add(Detector{Name: "direct", About: "asks a bare address for the same page, again and again, or posts to a list of bare addresses", Host: directs})

const (
	directRequests = 20
	directPages    = 4
	directSpan     = 30 * 60 // seconds
	// directList is how many bare addresses in as many networks are a list that a
	// program was born with.
	directList = 6
	directTold = 8 // of a list, the ones asked most
)

// directs looks for HTTP to an address without a name: people and nearly all
// programs call servers by name; a bot is born with its controllers' addresses,
// or gets them from peers, and asks for one of a few pages, often by POST.
func directs(h *Host, b *Bench) []Evidence {
	var out []Evidence
	var bare []Endpoint // that are posted to, mostly
	for at, s := range h.sites {
		if !s.outside || s.raw*5 < s.requests*4 {
			continue
		}
		clock, known := b.Clock("", at)
		if _, shared := b.Shared("", at.Addr); !shared && !known && s.posts*2 >= s.requests {
			bare = append(bare, at)
		}
		span := float64(s.last-s.first) / 1e6
		if s.raw < directRequests || s.targets.count() > directPages || span < directSpan {
			continue
		}
		e := Evidence{Detector: "direct", Host: h.Addr, Peer: at, Role: Controller, Signs: Nameless | Constancy, First: s.first, Last: s.last, Ceiling: Suspected,
			Score: round3(clamp(0.45 + 0.3*float64(s.raw)/float64(s.raw+60) + 0.2*float64(s.posts)/float64(s.requests)))}
		if known {
			e.Ceiling, e.Score = Weak, round3(e.Score/4)
			e.Because = "; a known benign clock: " + clock
		}
		e.Figures = []Figure{{"requests", float64(s.requests)}, {"posts", float64(s.posts)}, {"pages", float64(s.targets.count())}, {"span_h", round3(span / 3600)}}
		e.Because = fmt.Sprintf("%s to the bare address for %s such as %s, %s of them POST, for %s%s", plural(s.requests, "HTTP request", "HTTP requests"),
			plural(s.targets.count(), "page", "pages"), s.path, count(s.posts), lasting(span), e.Because)
		out = append(out, e)
	}
	out = append(out, walked(h, bare)...)
	Sort(out)
	return out
}

// walked judges bare addresses that a host posts to, however seldom to each: together
// they are a list of controllers, which a bot walks until one answers.
func walked(h *Host, bare []Endpoint) []Evidence {
	nets := map[netip.Prefix]bool{}
	requests, posts := uint32(0), uint32(0)
	first, last := int64(0), int64(0)
	for _, at := range bare {
		s := h.sites[at]
		nets[network(at.Addr)] = true
		requests, posts = requests+s.requests, posts+s.posts
		if first == 0 || s.first < first {
			first = s.first
		}
		last = max(last, s.last)
	}
	span := float64(last-first) / 1e6
	if len(nets) < directList || requests < directRequests || span < directSpan {
		return nil
	}
	slices.SortFunc(bare, func(a, b Endpoint) int {
		if m, n := h.sites[a].requests, h.sites[b].requests; m != n {
			return int(n) - int(m)
		}
		return a.Compare(b)
	})
	var out []Evidence
	for _, at := range bare[:min(len(bare), directTold)] {
		s := h.sites[at]
		out = append(out, Evidence{Detector: "direct", Host: h.Addr, Peer: at, Role: Controller, Signs: Nameless, First: s.first, Last: s.last, Ceiling: Suspected,
			Score:   round3(clamp(0.4 + 0.4*float64(len(nets))/float64(len(nets)+8))),
			Figures: []Figure{{"addresses", float64(len(bare))}, {"networks", float64(len(nets))}, {"requests", float64(requests)}, {"posts", float64(posts)}, {"span_h", round3(span / 3600)}},
			Because: fmt.Sprintf("one of %s in %s networks that it posts to over HTTP without a name: %s in all, for %s",
				plural(len(bare), "bare address", "bare addresses"), count(len(nets)), plural(requests, "request", "requests"), lasting(span))})
	}
	return out
}
