package detect

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

// Botnet is hosts that one hand commands.
type Botnet struct {
	ID          string // the same for the same controllers
	Family      string
	Topology    string // "centralised", "p2p", "unknown"
	Certainty   Certainty
	Confidence  float64
	Controllers []Endpoint
	Names       []string // of controllers known by name only
	Peers       int      // addresses outside that are peers
	Members     []netip.Addr
	// Concurrent is the most members active in the same hour, PerDay the most in
	// one day (UTC), Unique all of them. Behind address translation one address
	// hides many machines; with changing addresses one machine has many: the truth
	// is at least Concurrent and may be on either side of Unique.
	Concurrent, PerDay, Unique int
	First, Last                int64
	Evidence                   []Evidence
}

const (
	sharedTokens = 5    // tokens of two hosts that make them one botnet
	tokenShare   = 0.15 // of the shorter list
)

// groups is a forest of hosts that belong together.
type groups []int

func (g groups) root(i int) int {
	for g[i] != i {
		g[i] = g[g[i]]
		i = g[i]
	}
	return i
}

func (g groups) join(a, b int) {
	a, b = g.root(a), g.root(b)
	g[max(a, b)] = min(a, b)
}

// botnets joins suspected and confirmed hosts that share a controller, or that
// share peers or made-up names.
func botnets(cases []*hostCase) []Botnet {
	g := make(groups, len(cases))
	byAddr := map[netip.Addr]int{}
	byName := map[string]int{}
	for i, c := range cases {
		g[i] = i
		if c.certainty < Suspected {
			continue
		}
		for _, x := range c.ends {
			if x.certainty < Suspected {
				continue
			}
			if x.Valid() {
				if j, ok := byAddr[x.Addr]; ok {
					g.join(i, j)
				} else {
					byAddr[x.Addr] = i
				}
			} else if j, ok := byName[x.name]; ok {
				g.join(i, j)
			} else {
				byName[x.name] = i
			}
		}
	}
	joinByTokens(cases, g)
	members := map[int][]*hostCase{}
	for i, c := range cases {
		if c.certainty >= Suspected {
			members[g.root(i)] = append(members[g.root(i)], c)
		}
	}
	var out []Botnet
	for _, m := range members {
		out = append(out, botnet(m))
	}
	slices.SortFunc(out, func(a, b Botnet) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(b.Unique, a.Unique), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// joinByTokens joins hosts whose evidence of one detector shares enough tokens. A
// token that stands in very many lists is looked at through its first holders
// only, which joins the same hosts.
func joinByTokens(cases []*hostCase, g groups) {
	type holder struct {
		host int
		of   *Evidence
	}
	holders := map[string]map[uint64][]holder{}
	for i, c := range cases {
		for j := range c.evidence {
			e := &c.evidence[j]
			if len(e.Tokens) == 0 || e.Ceiling < Suspected && c.certainty < Suspected {
				continue
			}
			of := holders[e.Detector]
			if of == nil {
				of = map[uint64][]holder{}
				holders[e.Detector] = of
			}
			shared := map[int]int{}
			for _, t := range e.Tokens {
				for k, h := range of[t] {
					if k >= 8 {
						break
					}
					shared[h.host]++
				}
				of[t] = append(of[t], holder{i, e})
			}
			for host, n := range shared {
				if n >= min(sharedTokens, len(e.Tokens)) && float64(n) >= tokenShare*float64(len(e.Tokens)) {
					g.join(i, host)
				}
			}
		}
	}
}

// botnet makes one of its members.
func botnet(members []*hostCase) Botnet {
	var b Botnet
	ends := map[Endpoint]endCase{}
	names := map[string]bool{}
	mesh := false
	for _, c := range members {
		b.Members = append(b.Members, c.host)
		b.Certainty = max(b.Certainty, c.certainty)
		b.Confidence = max(b.Confidence, c.confidence)
		b.Family = cmp.Or(b.Family, c.family)
		for _, x := range c.ends {
			if x.certainty < Suspected {
				continue
			}
			if !x.Valid() {
				names[x.name] = true
			} else if old, ok := ends[x.Endpoint]; !ok || byLikelihood(x, old) < 0 {
				ends[x.Endpoint] = x
			}
		}
		for i := range c.evidence {
			e := &c.evidence[i]
			if e.Role == Peer && e.Ceiling >= Suspected {
				mesh = true
				for _, f := range e.Figures {
					if f.Name == "peers" {
						b.Peers = max(b.Peers, int(f.Value))
					}
				}
			}
		}
	}
	b.Controllers, b.Names = likeliest(ends), sortedKeys(names)
	switch {
	case mesh:
		b.Topology = "p2p"
	case len(b.Controllers)+len(b.Names) > 0:
		b.Topology = "centralised"
	default:
		b.Topology = "unknown"
	}
	b.count(members)
	b.ID = b.id()
	b.Evidence = b.evidence(members)
	return b
}

func likeliest(ends map[Endpoint]endCase) []Endpoint {
	list := make([]endCase, 0, len(ends))
	for _, x := range ends {
		list = append(list, x)
	}
	slices.SortFunc(list, byLikelihood)
	out := make([]Endpoint, len(list))
	for i, x := range list {
		out[i] = x.Endpoint
	}
	return out
}

func sortedKeys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// id hashes what makes the botnet this one: its likeliest controller, or else its
// first member.
func (b *Botnet) id() string {
	what := "host " + b.Members[0].String()
	switch {
	case len(b.Controllers) > 0:
		what = "controller " + b.Controllers[0].String()
	case len(b.Names) > 0:
		what = "name " + b.Names[0]
	}
	return "bn_" + strconv.FormatUint(stringHash(what, 0)|1<<63, 36)
}

// count says how many members there are, and how many at once, from the times
// between which each was seen to be one.
func (b *Botnet) count(members []*hostCase) {
	type edge struct {
		at   int64
		step int
	}
	var edges []edge
	perDay := map[int64]int{}
	for i, c := range members {
		first, last := c.active()
		if i == 0 {
			b.First, b.Last = first, last
		}
		b.First, b.Last = min(b.First, first), max(b.Last, last)
		edges = append(edges, edge{first / hour, 1}, edge{last/hour + 1, -1})
		for d := first / day; d <= last/day && d < first/day+3660; d++ {
			perDay[d]++
			b.PerDay = max(b.PerDay, perDay[d])
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.step, b.step)) })
	now := 0
	for _, e := range edges {
		now += e.step
		b.Concurrent = max(b.Concurrent, now)
	}
	b.Unique = len(members)
}

// active bounds the time in which a host was seen to be a bot.
func (c *hostCase) active() (first, last int64) {
	for i := range c.evidence {
		e := &c.evidence[i]
		if e.Ceiling < Suspected && c.certainty >= Suspected {
			continue
		}
		if first == 0 || e.First < first {
			first = e.First
		}
		last = max(last, e.Last)
	}
	return first, last
}

// evidence says what holds the botnet together, and what its size means.
func (b *Botnet) evidence(members []*hostCase) []Evidence {
	e := Evidence{Detector: "botnet", Score: b.Confidence, First: b.First, Last: b.Last, Figures: []Figure{{"unique", float64(b.Unique)},
		{"unique_24h", float64(b.PerDay)}, {"concurrent_1h", float64(b.Concurrent)}}}
	hold := "alone"
	switch {
	case b.Unique == 1:
	case b.Topology == "p2p":
		hold = "who share peers or names"
	default:
		hold = "who call the same controller"
	}
	e.Because = fmt.Sprintf("%s at home, %s; at most %d in one hour and %d in one day. An address may hide several machines (address translation) and a machine may have had several addresses (DHCP)",
		plural(b.Unique, "host", "hosts"), hold, b.Concurrent, b.PerDay)
	if b.Unique == 1 {
		e.Because = "one host at home. Its address may hide several machines (address translation)"
	}
	return []Evidence{e}
}
