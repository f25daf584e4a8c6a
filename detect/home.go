package detect

import (
	"cmp"
	"net/netip"
	"slices"

	"tocsin/traffic"
)

// Home is the set of addresses that are watched: those that may be bots. The
// zero value holds none.
type Home struct {
	prefixes []netip.Prefix
	hosts    map[netip.Addr]bool
	private  bool
}

// NewHome takes the ranges that somebody named.
func NewHome(prefixes []netip.Prefix) Home { return Home{prefixes: slices.Clone(prefixes)} }

var carrierNAT = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

// private tells the addresses that no public network routes: RFC 1918, 4193,
// 6598 and 3927.
func private(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLinkLocalUnicast() || carrierNAT.Contains(a)
}

// unicast tells an address of one host, somewhere: not a group, not a broadcast,
// not this machine.
func unicast(a netip.Addr) bool {
	if !a.IsValid() || a.IsMulticast() || a.IsUnspecified() || a.IsLoopback() {
		return false
	}
	if a.Is4() {
		b := a.As4()
		return b != [4]byte{255, 255, 255, 255} && !(b[3] == 255 && private(a))
	}
	return true
}

// Contains tells whether an address is at home.
func (h *Home) Contains(a netip.Addr) bool {
	if !unicast(a) {
		return false
	}
	if h.private && private(a) || h.hosts[a] {
		return true
	}
	for _, p := range h.prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

const (
	// homeShare is the share of the conversations between public addresses that
	// home ranges explain.
	homeShare = 0.95
	// fewHosts is up to how many single addresses are taken as home before
	// ranges are.
	fewHosts   = 8
	fewRanges  = 16
	minPublic  = 20   // conversations, before public addresses are looked at
	publicPart = 0.10 // of all conversations
)

// GuessHome says what a capture shows as inside, from conversations at its
// beginning: the private ranges, and those public hosts or ranges that are one
// end of nearly every conversation between public addresses. The same
// conversations give the same home, in whatever order.
func GuessHome(conversations []traffic.Flow) Home {
	h := Home{private: true}
	var public [][2]netip.Addr
	all := 0
	for i := range conversations {
		a, b := conversations[i].Orig, conversations[i].Resp
		if !unicast(a) || !unicast(b) {
			continue
		}
		all++
		if !private(a) && !private(b) {
			public = append(public, [2]netip.Addr{a, b})
		}
	}
	if len(public) < minPublic || float64(len(public)) < publicPart*float64(all) {
		return h
	}
	if hosts, ok := cover(public, fewHosts, func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }); ok {
		h.hosts = map[netip.Addr]bool{}
		for _, p := range hosts {
			h.hosts[p.Addr()] = true
		}
		return h
	}
	for _, bits := range [][2]int{{24, 64}, {16, 48}} {
		if ranges, ok := cover(public, fewRanges, func(a netip.Addr) netip.Prefix {
			p, _ := a.Prefix(bits[a.BitLen()/128])
			return p
		}); ok {
			h.prefixes = ranges
			return h
		}
	}
	return h
}

// cover picks, greedily, at most most of the ranges that of gives, until they
// hold an end of nearly every pair.
func cover(pairs [][2]netip.Addr, most int, of func(netip.Addr) netip.Prefix) ([]netip.Prefix, bool) {
	var picked []netip.Prefix
	left := pairs
	for len(picked) < most {
		count, opened := map[netip.Prefix]int{}, map[netip.Prefix]int{}
		for _, p := range left {
			a, b := of(p[0]), of(p[1])
			count[a]++
			opened[a]++
			if a != b {
				count[b]++
			}
		}
		var best netip.Prefix
		for p, n := range count {
			if d := cmp.Or(cmp.Compare(n, count[best]), cmp.Compare(opened[p], opened[best]), best.Addr().Compare(p.Addr())); d > 0 {
				best = p
			}
		}
		// A range that explains little is no home, it is a chance.
		if count[best]*most < len(pairs) {
			break
		}
		picked = append(picked, best)
		left = slices.DeleteFunc(slices.Clone(left), func(p [2]netip.Addr) bool { return of(p[0]) == best || of(p[1]) == best })
		if float64(len(left)) <= (1-homeShare)*float64(len(pairs)) {
			slices.SortFunc(picked, func(a, b netip.Prefix) int {
				return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
			})
			return picked, true
		}
	}
	return nil, false
}
