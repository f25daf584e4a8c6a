package detect

import (
	"fmt"
	"slices"
)

const (
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
	fanMany     = 5   // hosts at an odd endpoint, when nothing is known of intervals
)

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
			if (!c.Shared || c.Odd) && (f.Sampled && c.Odd || !f.Sampled && c.Pulse.Gaps >= fanGaps && c.Pulse.Spread <= fanSpread) {
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
