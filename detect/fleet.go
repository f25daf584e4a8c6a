package detect

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

const (
	maxFleet = 1 << 18 // hosts whose summaries are kept
	// fanGaps is how many gaps a host must show before it counts as returning.
	fanGaps   = 3
	fanSpread = 0.5
	// At a port where a service serves many, more is asked: a clear clock and one
	// size, the same for all of them.
	servedGaps     = 12
	servedSpread   = 0.45
	servedConstant = 0.7
	servedAlike    = 0.25 // how far apart the sizes of two hosts may be
	// exactSpread is under what a clock is a timer. Who hides sleeps at random;
	// services for all don't.
	exactSpread = 0.02
	rareShare   = 0.2 // of the hosts at home, for an endpoint that has a name
	rareHosts   = 20  // at home, before rareness says something
	circleMin   = 8   // hosts of a closed circle
)

// Fleet joins what is said of single hosts: who else calls the same endpoint, who
// shares peers, who belongs together. It is fed by one goroutine, in the order of
// hosts; the zero value is ready.
type Fleet struct {
	// Sampled tells that flows were sampled: then how many hosts call an endpoint
	// is looked at, and not when.
	Sampled bool

	hosts map[netip.Addr]*Summary
	// past is what was said of hosts that their watch had forgotten before it saw
	// them again.
	past map[netip.Addr][]Evidence
	full int64
}

// Take replaces what is known of each host. What was known of a host that its
// watch forgot in between is kept.
func (f *Fleet) Take(list []Summary) {
	if f.hosts == nil {
		f.hosts, f.past = map[netip.Addr]*Summary{}, map[netip.Addr][]Evidence{}
	}
	for i := range list {
		s := &list[i]
		old := f.hosts[s.Host]
		switch {
		case old == nil && len(f.hosts) >= maxFleet:
			f.full++
			continue
		case old != nil && s.First > old.Last:
			f.past[s.Host] = merge(f.past[s.Host], old.Evidence)
		}
		if past := f.past[s.Host]; past != nil {
			s.Evidence = merge(past, s.Evidence)
		}
		f.hosts[s.Host] = s
	}
}

// Hosts counts the hosts at home that were seen.
func (f *Fleet) Hosts() int { return len(f.hosts) }

// Full counts the summaries that found no room.
func (f *Fleet) Full() int64 { return f.full }

// sorted gives the summaries by host.
func (f *Fleet) sorted() []*Summary {
	list := make([]*Summary, 0, len(f.hosts))
	for _, s := range f.hosts {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *Summary) int { return a.Host.Compare(b.Host) })
	return list
}

// caller is one host's contact with an endpoint.
type caller struct {
	host    int
	contact *Contact
}

// fanIn adds evidence for endpoints to which several hosts return alike: one
// period, within a factor of two. The period may be loose in each of them, for
// others confirm it.
func (f *Fleet) fanIn(list []*Summary, cases []*hostCase) {
	byEnd := map[Endpoint][]caller{}
	for i, s := range list {
		for j := range s.Contacts {
			c := &s.Contacts[j]
			if !c.Shared && (f.Sampled && c.Odd || !f.Sampled && c.Pulse.Gaps >= fanGaps && c.Pulse.Spread <= fanSpread) {
				byEnd[c.Endpoint] = append(byEnd[c.Endpoint], caller{i, c})
			}
		}
	}
	ends := make([]Endpoint, 0, len(byEnd))
	for e, callers := range byEnd {
		if len(callers) >= 2 {
			ends = append(ends, e)
		}
	}
	slices.SortFunc(ends, Endpoint.Compare)
	for _, e := range ends {
		if f.Sampled {
			fanSampled(list, cases, e, byEnd[e])
		} else {
			fanEnd(list, cases, e, byEnd[e])
		}
	}
}

func fanEnd(list []*Summary, cases []*hostCase, at Endpoint, callers []caller) {
	periods := make([]float64, len(callers))
	for i, c := range callers {
		periods[i] = c.contact.Pulse.Period
	}
	slices.Sort(periods)
	median := quantile(periods, 0.5)
	alike := slices.DeleteFunc(callers, func(c caller) bool {
		p := c.contact.Pulse.Period
		return p < median/2 || p > median*2
	})
	odd := callers[0].contact.Odd
	if !odd {
		alike = served(alike, len(list))
	}
	if len(alike) < 2 {
		return
	}
	n, all := len(alike), len(list)
	gaps, first, last := 0, alike[0].contact.First, alike[0].contact.Last
	for _, c := range alike {
		gaps += c.contact.Pulse.Gaps
		first, last = min(first, c.contact.First), max(last, c.contact.Last)
	}
	if gaps < 2*beaconGaps {
		return
	}
	e := Evidence{Detector: "fan-in", Peer: at, Name: callers[0].contact.Name, Role: Controller, Signs: Alike | Rhythm, First: first, Last: last, Ceiling: Suspected}
	if odd {
		e.Signs |= Oddness
	}
	e.Score = round3(clamp(0.4 + 0.3*float64(n)/float64(n+4) + 0.2*bit(odd) + 0.1*(1-float64(n)/float64(all))))
	e.Figures = []Figure{{"hosts", float64(n)}, {"hosts_home", float64(all)}, {"period_s", round3(median)}}
	e.Because = fmt.Sprintf("%s of the %s at home return to it alike, one every %s s or so",
		plural(n, "host", "hosts"), count(all), number(median))
	for _, c := range alike {
		mine := e
		mine.Host = list[c.host].Host
		mine.First, mine.Last = c.contact.First, c.contact.Last
		cases[c.host].evidence = append(cases[c.host].evidence, mine)
	}
}

// fanSampled judges an endpoint of sampled flows by how many hosts call it.
func fanSampled(list []*Summary, cases []*hostCase, at Endpoint, callers []caller) {
	n, all := len(callers), len(list)
	if n < fanMany {
		return
	}
	for _, c := range callers {
		e := Evidence{Detector: "fan-in", Host: list[c.host].Host, Peer: at, Name: c.contact.Name, Role: Controller, Signs: Alike | Oddness,
			First: c.contact.First, Last: c.contact.Last, Ceiling: Suspected, Score: round3(clamp(0.3 + 0.4*float64(n)/float64(n+8)))}
		e.Figures = []Figure{{"hosts", float64(n)}, {"hosts_home", float64(all)}}
		e.Because = fmt.Sprintf("%s of the %s at home call it, and nothing usual listens on port %d; the flows were sampled, so intervals say nothing",
			plural(n, "host", "hosts"), count(all), at.Port)
		cases[c.host].evidence = append(cases[c.host].evidence, e)
	}
}

// served keeps those callers of a usual port that return alike in period and size,
// if they have something that a service's customers don't: an address that is
// nobody's name, a clock that hides, an endpoint that is rare at home.
func served(callers []caller, all int) []caller {
	var sizes, spreads []float64
	alike := slices.DeleteFunc(callers, func(c caller) bool {
		x := c.contact
		return x.Pulse.Gaps < servedGaps || x.Pulse.Spread > servedSpread || x.Constancy < servedConstant || x.Size <= 0
	})
	nameless, naming := 0, 0
	for _, c := range alike {
		sizes, spreads = append(sizes, c.contact.Size), append(spreads, c.contact.Pulse.Spread)
	}
	slices.Sort(sizes)
	slices.Sort(spreads)
	size := quantile(sizes, 0.5)
	alike = slices.DeleteFunc(alike, func(c caller) bool {
		return c.contact.Size < size*(1-servedAlike) || c.contact.Size > size*(1+servedAlike)
	})
	for _, c := range alike {
		if c.contact.Nameless {
			nameless++
		}
		if c.contact.Naming {
			naming++
		}
	}
	n := len(alike)
	hides := quantile(spreads, 0.5) >= exactSpread
	switch {
	case 2*nameless > n:
		return alike
	case 2*naming <= n && hides && (n > 2 || all >= rareHosts/2):
		return alike
	case hides && n > 2 && all >= rareHosts && float64(n) <= rareShare*float64(all):
		return alike
	}
	return nil
}

// circle finds hosts of a closed circle: where a host that harms or meshes speaks
// with hosts at home only, and those speak with nobody else, the whole circle is
// one network of bots; its addresses were rewritten, or it is a net of traps. A
// circle is told from an office by its being closed: nobody in it has any other
// partner.
func circle(list []*Summary, cases []*hostCase) {
	at := map[netip.Addr]int{}
	for i, s := range list {
		at[s.Host] = i
	}
	for i, s := range list {
		if cases[i].certainty < Suspected || s.Outside > 0 || len(s.Partners) < circleMin-1 {
			continue
		}
		members := []int{i}
		closed := true
		for _, p := range s.Partners {
			j, known := at[p]
			if !known {
				continue
			}
			if list[j].Outside > 0 {
				closed = false
				break
			}
			for _, q := range list[j].Partners {
				if q != s.Host && !slices.Contains(s.Partners, q) {
					closed = false
				}
			}
			members = append(members, j)
		}
		if !closed || len(members) < circleMin {
			continue
		}
		join(list, cases, members, s)
	}
}

func join(list []*Summary, cases []*hostCase, members []int, hub *Summary) {
	tokens := []uint64{addrHash(hub.Host, 0)}
	for _, m := range members {
		e := Evidence{Detector: "circle", Host: list[m].Host, Role: Peer, Signs: Mesh | Alike, Ceiling: Suspected, Score: 0.6,
			First: list[m].First, Last: list[m].Last, Tokens: tokens,
			Figures: []Figure{{"members", float64(len(members))}},
			Because: fmt.Sprintf("one of a closed circle of %s at home around %s, which does harm, that speak with nobody else",
				plural(len(members), "host", "hosts"), hub.Host)}
		cases[m].evidence = append(cases[m].evidence, e)
		cases[m].certainty = max(cases[m].certainty, Suspected)
		cases[m].confidence = max(cases[m].confidence, 0.6)
	}
}

// hostCase gathers all that is said of one host.
type hostCase struct {
	host       netip.Addr
	evidence   []Evidence
	ends       []endCase // the endpoints that may command it, the likeliest first
	certainty  Certainty
	confidence float64
	acts       []string
	family     string
}

// endCase is one endpoint as a host's controller.
type endCase struct {
	Endpoint
	name       string
	family     string
	signs      Signs
	certainty  Certainty
	confidence float64
	first      int64
	last       int64
	evidence   []Evidence
}

func byLikelihood(a, b endCase) int {
	return cmp.Or(cmp.Compare(b.certainty, a.certainty), cmp.Compare(b.confidence, a.confidence), a.Endpoint.Compare(b.Endpoint), cmp.Compare(a.name, b.name))
}
