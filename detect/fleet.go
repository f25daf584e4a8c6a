package detect

import (
	"cmp"
	"net/netip"
	"slices"
)

// maxFleet is how many hosts' summaries are kept.
const maxFleet = 1 << 18

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

// hostCase gathers all that is said of one host.
type hostCase struct {
	host       netip.Addr
	evidence   []Evidence
	house      map[Endpoint]bool // endpoints that most of a larger home call
	ends       []endCase         // the endpoints that may command it, the likeliest first
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
	sinkhole   bool
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
