package detect

import (
	"fmt"
	"strings"
)

var _ = add(Detector{Name: "alert", About: "another sensor's rule fired on what it opened", Host: alerts})

// Words of rules and categories that speak of an infected host rather than of an
// attack on it, or of an unwanted program. The names are those of the open rule
// sets (Emerging Threats) and of Suricata's classification.config.
var (
	commandWords = []string{"cnc", "c2", "checkin", "check-in", "command and control", "beacon", "botnet", "reported cnc"}
	malwareWords = []string{"et trojan", "et malware", "et cnc", "etpro trojan", "command and control", "coin mining"}
	mildWords    = []string{"et policy", "et exploit", "et scan", "et info", "adware", "pua", "user-agent", "spyware", "response", "current_events", "et worm"}
)

// alerts takes over what another sensor's rules say of conversations that a host
// at home opened to the outside. One that speaks of command and control makes the
// host suspected; one that speaks of malware is context.
func alerts(h *Host, b *Bench) []Evidence {
	var out []Evidence
	for _, m := range h.marks {
		if m.alert == "" {
			continue
		}
		text := strings.ToLower(m.key + " " + m.alert)
		if !speaks(text, malwareWords) || speaks(text, mildWords) {
			continue
		}
		e := Evidence{Detector: "alert", Host: h.Addr, Peer: m.peer, Signs: Known, Family: m.match.Family, First: m.first, Last: m.last, Ceiling: Weak, Score: 0.4}
		if m.severity == 1 && m.outside && speaks(text, commandWords) {
			e.Ceiling, e.Score, e.Role = Suspected, 0.7, Controller
		}
		e.Figures = []Figure{{"sightings", float64(m.count)}, {"severity", float64(m.severity)}}
		e.Because = fmt.Sprintf("another sensor's rule %q (%s, severity %d) fired %s", m.key, m.alert, m.severity, plural(m.count, "time", "times"))
		out = append(out, e)
	}
	return out
}

func speaks(text string, words []string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
