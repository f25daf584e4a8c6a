package detect

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// weight is what a score of evidence counts for, by what it may raise.
func weight(c Certainty) float64 {
	return [...]float64{0, 0.35, 0.75, 0.95}[min(c, Confirmed)]
}

// noisyOr joins scores of reasons that are independent of each other.
func noisyOr(list []Evidence) float64 {
	best := map[string]float64{}
	var names []string
	for i := range list {
		e := &list[i]
		if _, ok := best[e.Detector]; !ok {
			names = append(names, e.Detector)
		}
		best[e.Detector] = max(best[e.Detector], e.Score*weight(e.Ceiling))
	}
	slices.Sort(names) // floating-point sums depend on their order
	left := 1.0
	for _, n := range names {
		left *= 1 - best[n]
	}
	return 1 - left
}

// band keeps a confidence within what its certainty means: 0.9 and over for
// confirmed, 0.5 to 0.9 for suspected, less for weak.
func band(c Certainty, confidence float64) float64 {
	switch c {
	case Confirmed:
		return round3(max(0.9, 0.9+confidence*0.099))
	case Suspected:
		return round3(0.5 + 0.399*clamp(confidence))
	}
	return round3(min(0.499, confidence))
}

const (
	// orderSlack is how long after the first harm a controller may first be seen,
	// and still have ordered it: sources write what ended first.
	orderSlack = 10 * minute
	// fourSigns is how many kinds of reason about one endpoint confirm it.
	fourSigns   = 4
	fourScore   = 0.8
	fleetSure   = 3 // hosts, each suspected for the same endpoint
	weakOrdered = 0.45
)

// controlSigns are the kinds of reason that speak of a controller and don't
// follow from one another.
const controlSigns = Rhythm | Constancy | Retry | Session | Oddness | Nameless | Upload | Fluxing | Generated | Known | Alike

// hardSigns are those of them that an ordinary agent, which reports by a clock to a
// port of its own, doesn't give. Without one of them nothing is confirmed.
const hardSigns Signs = Nameless | Retry | Upload | Fluxing | Generated | Order

// hard gives the signs that confirm an endpoint. That no look-up gave its address is
// none of them over UDP, for made things keep in touch with addresses that they were
// made with; nor where most of a larger home call it, as they do an agent's server.
func (c *hostCase) hard(e Endpoint) Signs {
	if e.Transport == UDP || c.house[e] {
		return hardSigns &^ Nameless
	}
	return hardSigns
}

// houseOf gives the endpoints that most hosts of a larger home call.
func houseOf(list []*Summary) map[Endpoint]bool {
	house, hosts := map[Endpoint]bool{}, map[Endpoint]int{}
	if len(list) < rareHosts {
		return house
	}
	for _, s := range list {
		for i := range s.Contacts {
			e := s.Contacts[i].Endpoint
			if hosts[e]++; 2*hosts[e] > len(list) {
				house[e] = true
			}
		}
	}
	return house
}

// judgeHost weighs what is said of one host.
func judgeHost(c *hostCase) {
	Sort(c.evidence)
	c.ends = endsOf(c.evidence)
	c.certainty, c.acts = None, nil
	var attack *Evidence
	for i := range c.evidence {
		e := &c.evidence[i]
		c.certainty = max(c.certainty, e.Ceiling)
		if e.Act != "" && e.Ceiling >= Suspected {
			if !slices.Contains(c.acts, e.Act) {
				c.acts = append(c.acts, e.Act)
			}
			if !e.Inside && (attack == nil || e.First < attack.First) {
				attack = e
			}
		}
		if c.family == "" && e.Ceiling >= Suspected {
			c.family = e.Family
		}
	}
	slices.Sort(c.acts)
	if attack != nil {
		c.order(*attack)
	}
	for i := range c.ends {
		e := &c.ends[i]
		hard := c.hard(e.Endpoint)
		if (e.signs&controlSigns).Count() >= fourSigns && e.signs&hard != 0 && e.certainty == Suspected && e.confidence >= fourScore*weight(Suspected) {
			e.certainty = Confirmed
		}
		c.certainty = max(c.certainty, e.certainty)
	}
	if c.twice() {
		c.certainty = Confirmed
	}
	for i := range c.ends {
		c.ends[i].confidence = band(c.ends[i].certainty, c.ends[i].confidence)
	}
	slices.SortFunc(c.ends, byLikelihood)
	c.confidence = band(c.certainty, noisyOr(c.evidence))
}

// endsOf groups evidence by the endpoint that it takes for a controller.
func endsOf(list []Evidence) []endCase {
	var ends []endCase
	for i := range list {
		e := &list[i]
		if e.Role != Controller || !e.Peer.Valid() && e.Name == "" {
			continue
		}
		at := slices.IndexFunc(ends, func(x endCase) bool {
			return x.Endpoint == e.Peer && (e.Peer.Valid() || x.name == e.Name)
		})
		if at < 0 {
			at = len(ends)
			ends = append(ends, endCase{Endpoint: e.Peer, name: e.Name, first: e.First, last: e.Last})
		}
		x := &ends[at]
		x.evidence = append(x.evidence, *e)
		x.signs |= e.Signs
		x.certainty = max(x.certainty, e.Ceiling)
		x.first, x.last = min(x.first, e.First), max(x.last, e.Last)
		x.name = cmp.Or(x.name, e.Name)
		x.family = cmp.Or(x.family, e.Family)
		x.sinkhole = x.sinkhole || e.Sinkhole
	}
	for i := range ends {
		ends[i].confidence = noisyOr(ends[i].evidence)
	}
	slices.SortFunc(ends, byLikelihood)
	return ends
}

// order looks for the endpoint that a host called before it began to do harm, and
// that doesn't fit by itself: contact, then attack.
func (c *hostCase) order(attack Evidence) {
	for i := range c.ends {
		x := &c.ends[i]
		strong := x.certainty >= Suspected || x.signs&(Oddness|Nameless) != 0 && bestScore(x.evidence) >= weakOrdered
		if !strong || x.first > attack.First+orderSlack || x.last < attack.First-day || samePeer(c.evidence, x.Endpoint) || x.certainty < Suspected && guessed(attack, x.Endpoint) {
			continue
		}
		e := Evidence{Detector: "order", Host: c.host, Peer: x.Endpoint, Name: x.name, Role: Controller, Signs: Order, Ceiling: Confirmed,
			First: x.first, Last: x.last, Score: 0.8, Figures: []Figure{{"lead_s", round3(float64(attack.First-x.first) / 1e6)}}}
		e.Because = fmt.Sprintf("called %s %s before the first harm (%s)", x.Endpoint, lasting(max(0, float64(attack.First-x.first)/1e6)), attack.Act)
		if x.first > attack.First {
			e.Because = fmt.Sprintf("called %s about when the first harm began (%s)", x.Endpoint, attack.Act)
		}
		x.evidence = append(x.evidence, e)
		x.signs |= Order
		x.certainty, x.confidence = Confirmed, noisyOr(x.evidence)
		c.evidence = append(c.evidence, e)
		c.certainty = Confirmed
		return // the likeliest one only
	}
}

func bestScore(list []Evidence) float64 {
	best := 0.0
	for i := range list {
		best = max(best, list[i].Score)
	}
	return best
}

// guessed tells an endpoint at the port at which a host guesses passwords everywhere.
func guessed(attack Evidence, at Endpoint) bool {
	return attack.Act == "brute_force" && slices.Contains(attack.Figures, Figure{"port", float64(at.Port)})
}

// samePeer tells an endpoint that the host attacks.
func samePeer(list []Evidence, at Endpoint) bool {
	return slices.ContainsFunc(list, func(e Evidence) bool { return e.Role == Victim && e.Peer.Addr == at.Addr })
}

// twice tells two suspicions of different kinds, neither of which follows from
// the other: names that a program made up, a mesh, harm, something known.
func (c *hostCase) twice() bool {
	var kinds Signs
	for i := range c.evidence {
		e := &c.evidence[i]
		if e.Ceiling < Suspected || e.Inside {
			continue
		}
		switch {
		case e.Detector == "circle", e.Detector == "fan-in":
		case e.Signs&(Generated|Fluxing) != 0:
			kinds |= Generated
		case e.Role == Controller && e.Signs&Known == 0:
			kinds |= Rhythm
		default:
			kinds |= e.Signs & (Mesh | Attack | Known | Tunnel)
		}
	}
	return kinds.Count() >= 2
}

// Controlled is an endpoint, or a name, that commands bots.
type Controlled struct {
	Endpoint   Endpoint
	Name       string
	Family     string
	Certainty  Certainty
	Confidence float64
	// Sinkhole says that a defender answers there by now: who calls it is infected,
	// and nobody commands it through this.
	Sinkhole bool
	Bots     []netip.Addr
	First    int64
	Last     int64
	Evidence []Evidence
}

// Bot is a host at home that is infected, or may be.
type Bot struct {
	Addr        netip.Addr
	Family      string
	Certainty   Certainty
	Confidence  float64
	Controllers []Endpoint
	Names       []string // of controllers known by name only
	Acts        []string
	Botnet      string // id
	First, Last int64
	Evidence    []Evidence
}

// Report is all that is claimed, at one moment.
type Report struct {
	Controllers []Controlled
	Bots        []Bot
	Botnets     []Botnet
}

// Report weighs all that was taken so far. The same summaries give the same
// report.
func (f *Fleet) Report() Report {
	list := f.sorted()
	cases, house := make([]*hostCase, len(list)), houseOf(list)
	for i, s := range list {
		cases[i] = &hostCase{host: s.Host, evidence: slices.Clone(s.Evidence), house: house}
	}
	f.fanIn(list, cases)
	for _, c := range cases {
		judgeHost(c)
	}
	circle(list, cases)
	sure(cases)
	var r Report
	r.Botnets = botnets(cases)
	r.Bots = bots(cases, r.Botnets)
	r.Controllers = controllers(cases)
	return r
}

// sure confirms an endpoint for which three hosts or more are suspected each for
// itself, if there is a hard reason, or if most of a larger home doesn't call it:
// what nearly everybody calls by a clock is an agent of the house, which may know its
// server by the address alone.
func sure(cases []*hostCase) {
	hosts := map[Endpoint]int{}
	for _, c := range cases {
		for _, x := range c.ends {
			if x.certainty >= Suspected && x.Valid() {
				hosts[x.Endpoint]++
			}
		}
	}
	for _, c := range cases {
		for i := range c.ends {
			x := &c.ends[i]
			n := hosts[x.Endpoint]
			few := len(cases) >= rareHosts && 2*n <= len(cases)
			if x.certainty == Suspected && n >= fleetSure && (few || x.signs&c.hard(x.Endpoint) != 0) {
				x.certainty, x.confidence = Confirmed, band(Confirmed, x.confidence)
				if c.certainty < Confirmed {
					c.certainty, c.confidence = Confirmed, band(Confirmed, c.confidence)
				}
			}
		}
		slices.SortFunc(c.ends, byLikelihood)
	}
}
