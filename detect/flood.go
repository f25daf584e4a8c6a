package detect

import "fmt"

var _ = add(Detector{Name: "flood", About: "sends one target more than it could use", Host: floods})

const (
	floodPerMinute = 900  // connections to one endpoint in a minute
	floodPings     = 6000 // ICMP echoes in a minute
	floodPackets   = 3000 // packets a second that nobody answers
)

// floods looks for a denial of service: connections opened to one endpoint faster
// than any use of it needs, or a stream of packets that hardly anything answers.
func floods(h *Host, b *Bench) []Evidence {
	var out []Evidence
	for i := range h.Ways {
		w := &h.Ways[i]
		most := floodPerMinute
		if w.Transport == ICMP || w.Transport == ICMPv6 {
			most = floodPings
		}
		if !w.Outside || w.Port == 53 || w.Peak < most && w.Blast < floodPackets {
			continue
		}
		e := Evidence{Detector: "flood", Host: h.Addr, Peer: w.Endpoint, Name: w.Name, Role: Victim, Signs: Attack, Act: "ddos", First: w.First, Last: w.Last, Ceiling: Suspected}
		e.Score = round3(clamp(0.5 + 0.25*float64(w.Peak)/float64(w.Peak+floodPerMinute) + 0.25*float64(w.Blast)/float64(w.Blast+floodPackets)))
		e.Figures = []Figure{{"connections", float64(w.Started)}, {"peak_1min", float64(w.Peak)}, {"packets_s", float64(w.Blast)}, {"span_h", round3(w.span() / 3600)}}
		what := fmt.Sprintf("up to %s connections a minute", count(w.Peak))
		if w.Blast >= floodPackets {
			what = fmt.Sprintf("%s packets a second with hardly an answer", count(w.Blast))
		}
		e.Because = fmt.Sprintf("sent %s %s, %s in all", w.Endpoint, what, plural(w.Started, "connection", "connections"))
		out = append(out, e)
	}
	return out
}
