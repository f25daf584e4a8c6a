package detect

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// IP protocol numbers, as endpoints carry them.
const (
	ICMP   uint8 = 1
	TCP    uint8 = 6
	UDP    uint8 = 17
	ICMPv6 uint8 = 58
)

// Endpoint is an address with port and transport; the zero value is none.
type Endpoint struct {
	Addr      netip.Addr
	Port      uint16
	Transport uint8 // IP protocol number
}

// Valid tells an endpoint from none.
func (e Endpoint) Valid() bool { return e.Addr.IsValid() }

// String gives 192.0.2.7:8443 or [2001:db8::1]:443.
func (e Endpoint) String() string { return netip.AddrPortFrom(e.Addr, e.Port).String() }

// Compare orders endpoints by address, port, transport.
func (e Endpoint) Compare(o Endpoint) int {
	return cmp.Or(e.Addr.Compare(o.Addr), cmp.Compare(e.Port, o.Port), cmp.Compare(e.Transport, o.Transport))
}

// Signs are the independent kinds of reason that evidence can give. A claim
// grows by kinds that agree, not by how often one repeats itself.
type Signs uint32

// The kinds.
const (
	Rhythm    Signs = 1 << iota // it returns by a clock
	Constancy                   // the same sizes each time
	Retry                       // it keeps knocking where nobody answers
	Session                     // it keeps one connection up, and renews it at once
	Oddness                     // the port doesn't fit what is spoken, or nothing known is spoken
	Nameless                    // an address that no look-up gave, though the host does look up
	Upload                      // more leaves than comes
	Fluxing                     // many names, one behaviour
	Generated                   // names that a program made up
	Tunnel                      // data in look-ups
	Alike                       // several hosts do the same
	Mesh                        // peers of peers, without a server
	Attack                      // it harms others
	Order                       // contact, then attack
	Known                       // an indicator
)

// Count is the number of kinds.
func (s Signs) Count() int {
	n := 0
	for ; s != 0; s &= s - 1 {
		n++
	}
	return n
}

// Figure is a number that a claim rests on, under the name it is printed with:
// snake_case with its unit, "period_s", "connections".
type Figure struct {
	Name  string
	Value float64
}

// Evidence is one reason to think that a host is infected.
type Evidence struct {
	Detector string
	Host     netip.Addr
	Peer     Endpoint // whom it points at, if it does
	Name     string   // of the peer or of the domain it points at, "" if none
	Role     Role     // what the peer would be
	Score    float64  // 0 to 1: how clear it is
	Ceiling  Certainty
	Signs    Signs
	Act      string // for an attack: "scan", "spam", "brute_force", "ddos"
	Inside   bool   // of an attack: at machines at home, where administrators search too
	Family   string
	Sinkhole bool // the peer is a defender's: it shows the infection, and commands nobody
	// First and Last bound what was seen, in microseconds since 1970, UTC.
	First, Last int64
	Figures     []Figure // in the order in which they are printed
	Because     string   // one sentence with the figures
	// Tokens are hashes of what other bots of the same botnet would share, at
	// most MaxTokens, ascending: names that a generator made, peers.
	Tokens []uint64
}

// MaxTokens bounds Evidence.Tokens.
const MaxTokens = 256

// Role is what the other end of an evidence is.
type Role uint8

// The roles.
const (
	NoRole     Role = iota
	Controller      // it commands
	Peer            // one of many of its kind
	Victim
)

// Compare orders evidence for print: the strongest first, then by what it is.
func (e *Evidence) Compare(o *Evidence) int {
	return cmp.Or(cmp.Compare(o.Score, e.Score), strings.Compare(e.Detector, o.Detector),
		e.Peer.Compare(o.Peer), strings.Compare(e.Name, o.Name), e.Host.Compare(o.Host),
		cmp.Compare(e.First, o.First), cmp.Compare(e.Last, o.Last), strings.Compare(e.Because, o.Because))
}

// Sort orders evidence for print.
func Sort(list []Evidence) {
	slices.SortFunc(list, func(a, b Evidence) int { return a.Compare(&b) })
}
