package detect

import (
	"fmt"
	"net/netip"
	"slices"
)

// circleMin is the fewest hosts of a closed circle.
const circleMin = 8

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
