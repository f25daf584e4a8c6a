package detect

import (
	"fmt"
	"strings"
)

var _ = add(Detector{Name: "indicator", About: "calls what somebody lists as bad", Host: knowns})

// knowns turns matches into evidence. Direction was decided before: only what a
// host at home opened, looked up or asked for is a match. A match grows with the
// source's confidence, and shared infrastructure is never more than weak, for one
// bad customer makes no bad hoster; nor is a bad site that isn't malware's own, or
// an address without a port that the host called by a name that nobody lists. An
// address alone is suspected at most until the host reached it.
func knowns(h *Host, b *Bench) []Evidence {
	var out []Evidence
	for _, m := range h.marks {
		if m.alert != "" {
			continue
		}
		e := Evidence{Detector: "indicator", Host: h.Addr, Peer: m.peer, Name: nameOf(m), Role: Controller, Signs: Known, Family: m.match.Family, Sinkhole: m.match.Sinkhole, First: m.first, Last: m.last}
		confidence := clamp(m.match.Confidence)
		reached := true
		if m.what == "address" {
			reached = h.reached(m.peer)
		}
		e.Score = round3(confidence)
		tenant := ""
		if m.what == "address" && m.match.Indicator != m.peer.String() && !m.match.Sinkhole {
			tenant = h.tenant(m.peer)
		}
		switch {
		case m.match.Shared, m.match.Mild, confidence < 0.5, tenant != "":
			e.Ceiling = Weak
			e.Score = round3(confidence / 2)
		case confidence >= 0.8 && reached:
			e.Ceiling = Confirmed
		default:
			e.Ceiling = Suspected
		}
		e.Figures = []Figure{{"sightings", float64(m.count)}, {"confidence", round3(confidence)}}
		e.Because = sayMatch(m, reached)
		if tenant != "" {
			e.Because += fmt.Sprintf("; it was called by the name %s, of which nothing is known, and one machine has many names", tenant)
		}
		out = append(out, e)
	}
	return out
}

func nameOf(m *mark) string {
	if m.what == "name" || m.what == "url" {
		return m.match.Indicator
	}
	return ""
}

// reached tells whether anything answered at an endpoint; a source that doesn't
// tell is believed.
func (h *Host) reached(e Endpoint) bool {
	for i := range h.Ways {
		if w := &h.Ways[i]; w.Endpoint == e {
			return w.Answered > 0 || w.Failed == 0
		}
	}
	return true
}

// tenant gives the name by which a host called an endpoint whose address is listed
// without a port, if nobody lists that name: such a machine may serve thousands.
func (h *Host) tenant(e Endpoint) string {
	for i := range h.Ways {
		w := &h.Ways[i]
		if w.Endpoint != e || w.Name == "" {
			continue
		}
		for _, m := range h.marks {
			if m.what == "name" && (m.match.Indicator == w.Name || strings.HasSuffix(w.Name, "."+m.match.Indicator)) {
				return ""
			}
		}
		return w.Name
	}
	return ""
}

func sayMatch(m *mark, reached bool) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s is listed by %s", m.what, m.match.Indicator, m.match.Source)
	if m.match.Family != "" {
		fmt.Fprintf(&s, " as %s", m.match.Family)
	}
	fmt.Fprintf(&s, " (confidence %s), seen %s", number(m.match.Confidence), plural(m.count, "time", "times"))
	if !reached {
		s.WriteString(", and nothing answered there")
	}
	if m.match.Sinkhole {
		s.WriteString("; the address is a defender's sinkhole")
	}
	if m.match.Shared {
		s.WriteString("; others share it")
	}
	if m.match.Mild {
		s.WriteString("; who calls it isn't infected for that")
	}
	if m.match.Reason != "" {
		s.WriteString("; lowered: " + m.match.Reason)
	}
	return s.String()
}
