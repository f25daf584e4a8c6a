package indicator

import (
	"encoding/binary"
	"net/netip"

	"github.com/gaissmai/bart"
)

// addresses find the refs of an address: its own, those of its ports, and those of
// the prefixes around it.
type addresses struct {
	v4       []quad // a power of two of them
	n4       int
	shift    uint8
	v6       map[netip.Addr]uint32 // first of ports
	ports    []portRef             // [0] is none
	prefixes bart.Table[uint32]    // ref
	lengths  [2]bool               // there are prefixes of IPv4, of IPv6
}

// quad is an IPv4 address and the first of its ports; first 0 is a free place.
type quad struct{ addr, first uint32 }

// portRef is the ref of an address at a port, or at all of them (0).
type portRef struct {
	ref, next uint32
	port      uint16
}

func newAddresses() addresses {
	return addresses{v4: make([]quad, 1<<8), shift: 32 - 8, v6: map[netip.Addr]uint32{}, ports: make([]portRef, 1)}
}

func number4(a netip.Addr) uint32 {
	o := a.As4()
	return binary.BigEndian.Uint32(o[:])
}

// find4 gives the place of an address, or the free one where it belongs
// (Fibonacci hashing: lists have runs of neighbours).
func (t *addresses) find4(a uint32) *quad {
	mask := uint32(len(t.v4) - 1)
	for i := a * 0x9e3779b1 >> t.shift; ; i++ {
		q := &t.v4[i&mask]
		if q.first == 0 || q.addr == a {
			return q
		}
	}
}

func (t *addresses) first(a netip.Addr) uint32 {
	if a.Is4() {
		return t.find4(number4(a)).first
	}
	if len(t.v6) == 0 {
		return 0
	}
	return t.v6[a]
}

// place gives the ref to be set of an address at a port (0 for all), valid until
// the next call.
func (t *addresses) place(a netip.Addr, port uint16) *uint32 {
	first := t.first(a)
	for i := first; i != 0; i = t.ports[i].next {
		if t.ports[i].port == port {
			return &t.ports[i].ref
		}
	}
	t.ports = append(t.ports, portRef{next: first, port: port})
	last := uint32(len(t.ports) - 1)
	if !a.Is4() {
		t.v6[a] = last
		return &t.ports[last].ref
	}
	if t.n4*10 >= len(t.v4)*7 {
		t.grow()
	}
	q := t.find4(number4(a))
	if q.first == 0 {
		t.n4++
	}
	q.addr, q.first = number4(a), last
	return &t.ports[last].ref
}

func (t *addresses) grow() {
	old := t.v4
	t.v4 = make([]quad, 2*len(old))
	t.shift--
	for _, q := range old {
		if q.first != 0 {
			*t.find4(q.addr) = q
		}
	}
}

// appendAddress appends what is known of an address at a port, the narrowest first.
// It allocates only where it finds something and m is full.
func (s *Set) appendAddress(m []Match, a netip.Addr, port uint16) []Match {
	any := uint32(0)
	for i := s.addresses.first(a); i != 0; i = s.addresses.ports[i].next {
		switch p := &s.addresses.ports[i]; p.port {
		case 0:
			any = p.ref
		case port:
			m = append(m, Match{Value: Value{Kind: Endpoint, Addr: a, Port: port}, set: s, ref: p.ref})
		}
	}
	if any != 0 {
		m = append(m, Match{Value: Value{Kind: Address, Addr: a}, set: s, ref: any})
	}
	family := 0
	if !a.Is4() {
		family = 1
	}
	if s.addresses.lengths[family] && s.addresses.prefixes.Contains(a) {
		for p, ref := range s.addresses.prefixes.Supernets(netip.PrefixFrom(a, a.BitLen())) {
			m = append(m, Match{Value: Value{Kind: Prefix, Addr: p.Addr(), Bits: uint8(p.Bits())}, set: s, ref: ref})
		}
	}
	return m
}
