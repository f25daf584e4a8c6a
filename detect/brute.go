package detect

import "fmt"

var _ = add(Detector{Name: "brute", About: "guesses passwords: short log-ins, fast, again and again", Host: brutes})

const (
	bruteLogins  = 30 // connections to one log-in port
	brutePerMin  = 6  // in the fullest minute
	bruteSeconds = 30 // mean length of a guess, at most
	bruteWide    = 10 // targets with several guesses each
	// bruteOctets is the most that a guess sends, on average: who was let in does
	// something there.
	bruteOctets = 5000
)

// brutes looks for log-ins that are opened faster than anybody types: many short
// connections to one server's log-in port, or a few each to many servers.
func brutes(h *Host, b *Bench) []Evidence {
	var out []Evidence
	type wide struct {
		targets, logins int
		first, last     int64
	}
	spread := map[uint16]*wide{}
	for i := range h.Ways {
		w := &h.Ways[i]
		what, ok := login(w.Port)
		if !ok && w.Service == sshService {
			what, ok = "SSH", true // wherever it listens
		}
		if !ok || w.Transport != TCP || w.Answered*2 < w.Started || what == "mailbox" && w.Peak < 20 || what == "SMB" && !w.Outside {
			continue
		}
		mean := float64(w.Lasting) / 1e6 / float64(max(w.Started, 1))
		if mean > bruteSeconds || w.Sent > bruteOctets*int64(w.Started) {
			continue
		}
		if w.Outside && w.Answered >= 3 && w.Peak >= 2 {
			s := spread[w.Port]
			if s == nil {
				s = &wide{first: w.First}
				spread[w.Port] = s
			}
			s.targets++
			s.logins += w.Started
			s.first, s.last = min(s.first, w.First), max(s.last, w.Last)
		}
		if w.Started >= bruteLogins && w.Peak >= brutePerMin {
			e := Evidence{Detector: "brute", Host: h.Addr, Peer: w.Endpoint, Name: w.Name, Role: Victim, Signs: Attack, Act: "brute_force", First: w.First, Last: w.Last,
				Ceiling: Suspected, Score: round3(clamp(0.4 + 0.5*float64(w.Started)/float64(w.Started+100)))}
			e.Figures = []Figure{{"logins", float64(w.Started)}, {"peak_1min", float64(w.Peak)}, {"mean_s", round3(mean)}, {"span_h", round3(w.span() / 3600)}}
			e.Because = fmt.Sprintf("%s log-ins at %s within %s, up to %d a minute, %s s each", count(w.Started)+" "+what, w.Endpoint, lasting(w.span()), w.Peak, number(mean))
			out = append(out, e)
		}
	}
	for _, port := range [...]uint16{21, 22, 23, 445, 1433, 2222, 2323, 3306, 3389, 5432, 5900, 5901} {
		s := spread[port]
		if s == nil || s.targets < bruteWide {
			continue
		}
		what, _ := login(port)
		e := Evidence{Detector: "brute", Host: h.Addr, Signs: Attack, Act: "brute_force", First: s.first, Last: s.last, Ceiling: Suspected,
			Score: round3(clamp(0.5 + 0.4*float64(s.targets)/float64(s.targets+50)))}
		e.Figures = []Figure{{"port", float64(port)}, {"targets", float64(s.targets)}, {"logins", float64(s.logins)}}
		e.Because = fmt.Sprintf("%s log-ins at %s outside, several short ones each", count(s.logins)+" "+what, plural(s.targets, "server", "servers"))
		out = append(out, e)
	}
	return out
}
