package detect

import "fmt"

var _ = add(Detector{Name: "retry", About: "keeps knocking at one endpoint that doesn't answer", Host: retries})

const (
	retryFailed = 20 // attempts that nobody answered
	retrySpan   = 5 * 60
	// retryDead is how many dead odd endpoints one host may have before they are
	// peers that are gone, and no controller.
	retryDead = 3
	// retryList is how long, in seconds, more of them must be tried to be a list of
	// controllers, which listen on one port: peers listen where they like.
	retryList = 2 * 3600
	// retryStubborn is how many attempts at one nameless server on a usual port, and
	// half of all that fail, are more than an outage or a program that gives up.
	retryStubborn = 200
)

// retries looks for a dead controller: an endpoint that a host calls again and
// again, though nearly nobody ever answers. Failed starts have a statistic of
// their own, for a system repeats them by its own timers. People give up;
// programs don't. On the web's ports, or in a crowd of dead peers, it says little.
func retries(h *Host, b *Bench) []Evidence {
	dead, failed, ports := 0, 0, map[uint16]bool{}
	for i := range h.Ways {
		w := &h.Ways[i]
		if !w.Outside || w.Transport != TCP {
			continue
		}
		failed += w.Failed
		if w.Failed >= 5 && w.Failed*5 >= w.Started*4 && !usual(w.Endpoint) {
			dead++
			ports[w.Port] = true
		}
	}
	var out []Evidence
	for i := range h.Ways {
		w := &h.Ways[i]
		if !w.Outside || w.Transport != TCP || w.Failed < retryFailed || w.Failed*5 < w.Started*4 || w.span() < retrySpan {
			continue
		}
		gone := dead > retryDead && !(len(ports) == 1 && w.span() >= retryList)
		out = append(out, retry(h, w, gone, failed, b))
	}
	return out
}

func retry(h *Host, w *Way, gone bool, failed int, b *Bench) Evidence {
	e := Evidence{Detector: "retry", Host: h.Addr, Peer: w.Endpoint, Name: w.Name, Role: Controller, Signs: Retry, First: w.First, Last: w.Last, Ceiling: Weak}
	p := &w.Dead
	steady := !b.Sampled && p.Spread <= 0.45 && p.Near >= 0.6
	if steady {
		e.Signs |= Rhythm
	}
	odd := w.odd(h) && !gone && !h.crowded()
	if odd {
		e.Signs |= Oddness
	}
	if w.nameless(h) {
		e.Signs |= Nameless
	}
	share := float64(w.Failed) / float64(w.Started)
	e.Score = round3(clamp(float64(w.Failed) / float64(w.Failed+15) * (0.3 + 0.2*share + 0.15*bit(steady) + 0.2*bit(odd) + 0.15*bit(w.nameless(h)))))
	switch {
	case w.Clock != "":
		e.Score /= 4
	case w.Shared != "" && !odd:
	case odd, e.Signs&Nameless != 0 && steady && w.Failed >= 3*retryFailed:
		e.Ceiling = Suspected
	case w.Name == "" && steady && w.Failed >= retryStubborn && share >= 0.95 && 2*w.Failed >= failed:
		e.Ceiling = Suspected
	}
	e.Figures = []Figure{{"attempts", float64(w.Started)}, {"failed", float64(w.Failed)}, {"refused", float64(w.Refused)}, {"span_h", round3(w.span() / 3600)}}
	rate := " (the flows were sampled, so intervals say nothing)"
	if !b.Sampled {
		e.Figures = append(e.Figures, Figure{"period_s", round3(p.Period)}, Figure{"jitter_s", round3(p.Jitter)})
		rate = fmt.Sprintf(", one every %s s ± %s s", number(p.Period), number(p.Jitter))
	}
	e.Because = fmt.Sprintf("%s of %s went unanswered%s, and it still tried after %s%s",
		count(w.Failed), plural(w.Started, "attempt", "attempts"), rate, lasting(w.span()), whatIsOdd(h, w))
	return e
}
