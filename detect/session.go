package detect

import "fmt"

var _ = add(Detector{Name: "session", About: "keeps one connection up, quietly, and renews it at once", Host: sessions})

const (
	sessionLongest = 15 * 60 // seconds
	sessionShare   = 0.4     // of the time that the host was seen
	uploadBytes    = 1 << 20
	// sessionMaxHost is the longest time of a host that the share is taken of: a
	// connection of so long is long whatever came before.
	sessionMaxHost = 12 * 3600
)

// sessions looks for a remote hand: one endpoint whose connection a host keeps up
// for most of the time, and opens again as soon as it breaks. Mail, push, games
// and tunnels keep connections up too; three things that don't fit must agree
// before it is more than context.
func sessions(h *Host, b *Bench) []Evidence {
	if h.crowded() {
		return nil
	}
	var out []Evidence
	for i := range h.Ways {
		if e, ok := session(h, &h.Ways[i]); ok {
			out = append(out, e)
		}
	}
	return out
}

func session(h *Host, w *Way) (Evidence, bool) {
	longest, lasts := float64(w.Longest)/1e6, float64(w.Lasting)/1e6
	if !w.Outside || w.Transport != TCP || longest < sessionLongest || lasts < sessionShare*min(h.span(), sessionMaxHost) || w.Answered == 0 {
		return Evidence{}, false
	}
	e := Evidence{Detector: "session", Host: h.Addr, Peer: w.Endpoint, Name: w.Name, Role: Controller, Signs: Session, First: w.First, Last: w.Last, Ceiling: Weak}
	if w.odd(h) && w.Service != tlsService && w.Service != sshService {
		e.Signs |= Oddness
	}
	if w.nameless(h) {
		e.Signs |= Nameless
	}
	if w.Sent >= uploadBytes && w.Sent >= 10*w.Got {
		e.Signs |= Upload
	}
	if w.Renewed >= 3 && w.Renewed*2 >= w.Started {
		e.Signs |= Retry
	}
	e.Score = round3(clamp(0.2 + 0.3*min(1, lasts/max(h.span(), 1)) + 0.15*float64((e.Signs&(Oddness|Nameless|Upload|Retry)).Count())))
	switch {
	case w.Clock != "":
		e.Score /= 4
	case w.Shared != "" && e.Signs&Oddness == 0:
	case w.Got >= uploadBytes && w.Got >= 2*w.Sent: // a game, a film, a tunnel: orders are short
	case e.Signs.Count() < 3:
	case e.Signs&Oddness != 0, e.Signs&Nameless != 0 && (web(w.Port) || e.Signs&Upload != 0):
		// A messenger's own port, at an address that it was made with, is nothing odd.
		e.Ceiling = Suspected
	}
	if e.Signs == Session {
		return Evidence{}, false // most of what a desktop keeps up
	}
	e.Figures = []Figure{{"connections", float64(w.Started)}, {"longest_h", round3(longest / 3600)}, {"lasting_h", round3(lasts / 3600)},
		{"renewed", float64(w.Renewed)}, {"sent_bytes", float64(w.Sent)}, {"received_bytes", float64(w.Got)}}
	e.Because = fmt.Sprintf("connected for %s of the %s that the host was seen, in %s, %s opened again at once; %s sent, %s received%s",
		lasting(lasts), lasting(h.span()), plural(w.Started, "connection", "connections"), count(w.Renewed), size(float64(w.Sent)), size(float64(w.Got)), whatIsOdd(h, w))
	return e, true
}
