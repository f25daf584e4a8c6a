package detect

import (
	"cmp"
	"net/netip"
	"slices"
)

const (
	maxPrinted = 16   // pieces of evidence of one claim
	maxEnds    = 32   // controllers of one bot
	weakEnds   = 4    // weak controllers of one host that are worth a line
	weakFloor  = 0.25 // of their confidence
)

// bots makes one claim for each host of which something is said.
func bots(cases []*hostCase, nets []Botnet) []Bot {
	of := map[netip.Addr]string{}
	for _, n := range nets {
		for _, m := range n.Members {
			of[m] = n.ID
		}
	}
	var out []Bot
	for _, c := range cases {
		if c.certainty == None || c.certainty == Weak && c.confidence < weakFloor && !c.known() {
			continue
		}
		Sort(c.evidence)
		b := Bot{Addr: c.host, Family: c.family, Certainty: c.certainty, Confidence: c.confidence, Acts: c.acts, Botnet: of[c.host]}
		b.First, b.Last = c.active()
		for _, x := range c.ends {
			switch {
			case x.certainty < Suspected || len(b.Controllers)+len(b.Names) >= maxEnds:
			case x.Valid():
				b.Controllers = append(b.Controllers, x.Endpoint)
			default:
				b.Names = append(b.Names, x.name)
			}
		}
		b.Evidence = strongest(c.evidence)
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b Bot) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), a.Addr.Compare(b.Addr))
	})
	return out
}

// known tells that something listed was matched: however far it was lowered, it is
// told, with the reason.
func (c *hostCase) known() bool {
	return slices.ContainsFunc(c.evidence, func(e Evidence) bool { return e.Signs&Known != 0 })
}

// strongest gives the evidence that a claim is printed with.
func strongest(list []Evidence) []Evidence {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Evidence) int { return cmp.Or(cmp.Compare(b.Ceiling, a.Ceiling), a.Compare(&b)) })
	return list[:min(len(list), maxPrinted)]
}

// controllers makes one claim for each endpoint or name that may command hosts.
func controllers(cases []*hostCase) []Controlled {
	type key struct {
		Endpoint
		name string
	}
	at := map[key]*Controlled{}
	for _, c := range cases {
		weak := 0
		for _, x := range c.ends[:min(len(c.ends), maxEnds)] {
			if x.certainty == Weak {
				if weak++; weak > weakEnds || x.confidence < weakFloor && x.signs&Known == 0 {
					continue
				}
			}
			k := key{x.Endpoint, ""}
			if !x.Valid() {
				k.name = x.name
			}
			m := at[k]
			if m == nil {
				m = &Controlled{Endpoint: x.Endpoint, First: x.first, Last: x.last}
				at[k] = m
			}
			if x.certainty > m.Certainty {
				m.Certainty, m.Confidence = x.certainty, 0
			}
			if x.certainty == m.Certainty {
				m.Confidence = max(m.Confidence, x.confidence)
			}
			m.Name, m.Family = cmp.Or(m.Name, x.name), cmp.Or(m.Family, x.family)
			m.Sinkhole = m.Sinkhole || x.sinkhole
			m.Bots = append(m.Bots, c.host)
			m.First, m.Last = min(m.First, x.first), max(m.Last, x.last)
			m.Evidence = append(m.Evidence, x.evidence...)
		}
	}
	out := make([]Controlled, 0, len(at))
	for _, m := range at {
		m.Evidence = strongest(m.Evidence)
		out = append(out, *m)
	}
	slices.SortFunc(out, func(a, b Controlled) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), a.Endpoint.Compare(b.Endpoint), cmp.Compare(a.Name, b.Name))
	})
	return out
}
