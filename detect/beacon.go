package detect

import "fmt"

var _ = add(Detector{Name: "beacon", About: "returns to one endpoint by a clock", Host: beacons})

const (
	// beaconGaps is the fewest gaps that tell a clock from chance.
	beaconGaps = 8
	// exactGaps are enough for a timer's clock to a bare address: six ticks within a
	// hundredth are no chance.
	exactGaps = 6
	// A clock with more jitter needs more gaps, and so does UDP, over which many
	// programs keep in touch: below strictSpread few are enough.
	strictSpread = 0.12
	looseSpread  = 0.40
	looseGaps    = 24
	// crowdSize is how many unusual endpoints make one of them unremarkable: a
	// program that speaks with a crowd is judged as a mesh.
	crowdSize = 30
	// relentless is how many strict returns within half a minute each no person
	// and no ordinary program makes with a new connection every time. A named server is
	// polled so by scripts that watch it, but not faster than each five seconds.
	relentless       = 500
	relentlessPeriod = 30
	relentlessNamed  = 5
	// hidesSpread is the most spread of a sleep that is drawn from an interval with a
	// lower end, as programs that hide do: half of it random, and some chance.
	hidesSpread = 0.20
	hidesSpan   = 30 * 60 // seconds
)

// beacons looks for endpoints to which a host returns by a clock, whatever the
// hour, with or without jitter. The period and its spread are taken from the
// quartiles of the gaps (RITA's Bowley skewness asks the same of them), so a night
// without work changes nothing. The clock alone is what updaters and mail have
// too: it is weak until something else doesn't fit.
func beacons(h *Host, b *Bench) []Evidence {
	if b.Sampled {
		return nil
	}
	var out []Evidence
	for i := range h.Ways {
		if e, ok := beacon(h, &h.Ways[i]); ok {
			out = append(out, e)
		}
	}
	return out
}

func beacon(h *Host, w *Way) (Evidence, bool) {
	p := &w.OK
	if !w.Outside || w.Transport != TCP && w.Transport != UDP || p.Gaps < exactGaps || p.Gaps < beaconGaps && !(p.Spread <= exactSpread/2 && w.Raw) || p.Spread > looseSpread || p.Near < 0.7 || p.Period <= 0 {
		return Evidence{}, false
	}
	if (p.Spread > strictSpread || w.Transport == UDP) && p.Gaps < looseGaps || w.Transport == UDP && (w.Port == 53 || w.Port == 123) {
		return Evidence{}, false
	}
	e := Evidence{Detector: "beacon", Host: h.Addr, Peer: w.Endpoint, Name: w.Name, Role: Controller, Signs: Rhythm, First: w.First, Last: w.Last}
	if w.Constancy >= 0.9 && w.High > 0 {
		e.Signs |= Constancy
	}
	odd, nameless := w.odd(h), w.nameless(h)
	if odd && !h.crowded() && !w.oneSocket() && !(w.Name != "" && (w.Transport == UDP || p.Spread > 2*strictSpread || w.upFor() >= 0.8)) {
		// A made thing keeps in touch with its maker's named server over UDP, or by a
		// connection that a timer renews, and a loose clock at a named server is a
		// person's as well.
		e.Signs |= Oddness
	}
	if nameless {
		e.Signs |= Nameless
	}
	sure := float64(p.Gaps) / float64(p.Gaps+4)
	e.Score = round3(clamp(sure * (0.45*(1-p.Spread/0.6) + 0.15*p.Near + 0.15*w.Constancy + 0.15*bit(e.Signs&Oddness != 0) + 0.1*bit(nameless))))
	e.Ceiling = Weak
	switch {
	case w.Clock != "":
		e.Score /= 4
	case e.Signs&Oddness != 0:
		e.Ceiling = Suspected
	case w.oneSocket():
	case nameless && w.Transport == TCP && web(w.Port) && e.Signs&Constancy != 0 && p.Spread <= strictSpread && w.Shared == "":
		e.Ceiling = Suspected
	case nameless && w.Transport == TCP && web(w.Port) && p.Gaps >= looseGaps && p.Spread <= hidesSpread && w.span() >= hidesSpan && w.upFor() < 0.5 && w.Shared == "":
		e.Ceiling = Suspected
	case w.Transport == TCP && web(w.Port) && p.Gaps >= relentless && p.Period <= relentlessPeriod && (w.Name == "" || p.Period <= relentlessNamed) && p.Spread <= 0.02 && w.Constancy >= 0.9 && w.span() >= 1800 && w.Shared == "":
		e.Ceiling = Suspected
	}
	e.Figures = []Figure{{"connections", float64(w.Started)}, {"period_s", round3(p.Period)}, {"jitter_s", round3(p.Jitter)},
		{"spread", round3(p.Spread)}, {"span_h", round3(w.span() / 3600)}, {"constancy", round3(w.Constancy)}, {"active_hours", float64(w.Hours)}}
	e.Because = fmt.Sprintf("%s, one every %s s ± %s s for %s%s%s", plural(w.Started, "connection", "connections"),
		number(p.Period), number(p.Jitter), lasting(w.span()), sizes(w), whatIsOdd(h, w))
	return e, true
}

// sizes tells what was sent each time.
func sizes(w *Way) string {
	switch {
	case w.High <= 0:
		return ""
	case w.Low == w.High:
		return fmt.Sprintf(", %s each", size(w.Low))
	}
	return fmt.Sprintf(", %s–%s each", number(w.Low), size(w.High))
}

// whatIsOdd tells what doesn't fit, and what is known to be benign.
func whatIsOdd(h *Host, w *Way) string {
	var parts []string
	switch {
	case w.Clock != "":
		return "; a known benign clock: " + w.Clock
	case w.Service == ircService || irc(w.Port) && w.Transport == TCP:
		parts = append(parts, "it speaks chat (IRC)")
	case usual(w.Endpoint) && w.SelfSigned:
		parts = append(parts, "its certificate vouches for itself")
	case !usual(w.Endpoint):
		parts = append(parts, fmt.Sprintf("nothing usual listens on port %d", w.Port))
	case w.silentWeb(h):
		parts = append(parts, fmt.Sprintf("what is spoken on port %d isn't what belongs there", w.Port))
	}
	if w.nameless(h) {
		parts = append(parts, "no look-up gave this address")
	}
	if w.Shared != "" {
		parts = append(parts, "it is shared: "+w.Shared)
	}
	if len(parts) == 0 {
		return ""
	}
	return "; " + and(parts)
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
