package detect

import (
	"cmp"
	"fmt"
	"slices"
)

var _ = add(Detector{Name: "rendezvous", About: "comes back to an odd endpoint for hours, by whatever clock", Host: rendezvous})

const (
	meetStarts = 20
	meetSpan   = 30 * 60 // seconds
	meetChat   = 50      // starts at a chat server: a person's stays connected
	meetMost   = 3       // endpoints of one host that are worth telling
)

// rendezvous finds endpoints that a host comes back to for long, at a port where
// nothing usual listens or chat is spoken, without a clear clock. It is context,
// and what a later attack is held against; at a chat server, so many new
// connections are no person's.
func rendezvous(h *Host, b *Bench) []Evidence {
	if h.crowded() {
		return nil
	}
	var out []Evidence
	for i := range h.Ways {
		w := &h.Ways[i]
		if !w.Outside || w.Transport != TCP || w.Started < meetStarts || w.span() < meetSpan || !w.odd(h) || w.Clock != "" ||
			w.Peak >= floodPerMinute {
			continue
		}
		e := Evidence{Detector: "rendezvous", Host: h.Addr, Peer: w.Endpoint, Name: w.Name, Role: Controller, Signs: Oddness, First: w.First, Last: w.Last, Ceiling: Weak}
		chat := w.Service == ircService || irc(w.Port)
		if chat && w.Started >= meetChat {
			e.Ceiling = Suspected
		}
		if w.nameless(h) {
			e.Signs |= Nameless
		}
		e.Score = round3(clamp(0.35 + 0.25*float64(w.Started)/float64(w.Started+60) + 0.15*min(1, w.span()/max(h.span(), 1)) + 0.15*bit(chat) + 0.1*bit(w.nameless(h))))
		e.Figures = []Figure{{"connections", float64(w.Started)}, {"failed", float64(w.Failed)}, {"span_h", round3(w.span() / 3600)}, {"active_hours", float64(w.Hours)}}
		e.Because = fmt.Sprintf("%s within %s, %s of them unanswered%s", plural(w.Started, "connection", "connections"), lasting(w.span()), count(w.Failed), whatIsOdd(h, w))
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Evidence) int { return cmp.Or(cmp.Compare(b.Ceiling, a.Ceiling), a.Compare(&b)) })
	return out[:min(len(out), meetMost)]
}
