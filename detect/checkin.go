package detect

import (
	"fmt"
	"strings"
)

var _ = add(Detector{Name: "checkin", About: "posts to one script by itself, and asks that server for nothing else", Host: checkins})

const (
	checkinPosts = 20
	checkinPages = 2
	checkinSpan  = 3600 // seconds
)

// checkins looks for the gate of a bot: a script on a named server to which a
// host posts for hours, and of which it never asks a page. A browser tells where it
// came from, and fetches what belongs to a page. Programs that report to their
// makers are known as clocks, or post to no script.
func checkins(h *Host, b *Bench) []Evidence {
	var out []Evidence
	for at, s := range h.sites {
		span := float64(s.last-s.first) / 1e6
		script := strings.HasSuffix(s.path, ".php") || strings.HasSuffix(s.path, ".cgi")
		if !s.outside || s.raw > 0 || !script || s.posts < checkinPosts || s.posts*10 < s.requests*9 || s.referred > 0 ||
			s.targets.count() > checkinPages || s.names.count() > 1 || span < checkinSpan {
			continue
		}
		e := Evidence{Detector: "checkin", Host: h.Addr, Peer: at, Name: s.firstName, Role: Controller, Signs: Constancy | Oddness, First: s.first, Last: s.last, Ceiling: Suspected,
			Score: round3(clamp(0.45 + 0.35*float64(s.posts)/float64(s.posts+60)))}
		if what, ok := b.Clock(s.firstName, at); ok {
			e.Ceiling, e.Score = Weak, round3(e.Score/4)
			e.Because = "; a known benign clock: " + what
		}
		e.Figures = []Figure{{"requests", float64(s.requests)}, {"posts", float64(s.posts)}, {"pages", float64(s.targets.count())}, {"span_h", round3(span / 3600)}}
		e.Because = fmt.Sprintf("%s to the script %s of %s for %s, and nothing else was asked there%s",
			plural(s.posts, "POST", "POSTs"), s.path, s.firstName, lasting(span), e.Because)
		out = append(out, e)
	}
	Sort(out)
	return out
}
