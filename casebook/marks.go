package casebook

import "fmt"

// The small marks that an observation carries. Each is a number in the database
// and a word everywhere else; numbers are never reused.

// Role is the part that an asset plays in a threat.
type Role uint8

// The roles of an asset. An infected machine is a Bot, the criminal's server a
// Controller.
const (
	RoleOther Role = iota
	Controller
	Bot
	Distributor
	Attacker
	Exposed
	Compromised
	Victim
)

// Severity is how bad one observation is on its own, in the words of the
// Shadowserver reports. It says nothing of the grade of a case.
type Severity uint8

// The severities, mild to bad.
const (
	SeverityUnknown Severity = iota
	Info
	Low
	Medium
	High
	Critical
)

// TLP is the Traffic Light Protocol 2.0 (FIRST, 2022), mild to strict: the
// strictest of the inputs wins. The zero value is AMBER, because what nobody
// marked is not for everybody.
type TLP uint8

// The labels of TLP 2.0 in the order of their numbers, which is not their
// strictness: see Stricter.
const (
	Amber TLP = iota
	Clear
	Green
	AmberStrict
	Red
)

// Transport is the protocol under a port.
type Transport uint8

// The transports that feeds name.
const (
	TransportUnknown Transport = iota
	TCP
	UDP
	ICMP
	SCTP
)

// State is where a finding stands between being seen and being gone.
type State uint8

// The states of a finding.
const (
	Open State = iota
	Told
	ClaimedClean
	Verified
	Unverified
	Relapsed
	Void
)

var (
	roleNames      = words{"other", "controller", "bot", "distributor", "attacker", "exposed", "compromised", "victim"}
	severityNames  = words{"", "info", "low", "medium", "high", "critical"}
	tlpNames       = words{"AMBER", "CLEAR", "GREEN", "AMBER+STRICT", "RED"}
	transportNames = words{"", "tcp", "udp", "icmp", "sctp"}
	stateNames     = words{"open", "told", "claimed_clean", "verified", "unverified", "relapsed", "void"}
)

func (r Role) String() string      { return roleNames.of(uint8(r)) }
func (s Severity) String() string  { return severityNames.of(uint8(s)) }
func (t TLP) String() string       { return tlpNames.of(uint8(t)) }
func (t Transport) String() string { return transportNames.of(uint8(t)) }
func (s State) String() string     { return stateNames.of(uint8(s)) }

// ParseRole reads a role's word.
func ParseRole(s string) (Role, error) { n, err := roleNames.find("role", s); return Role(n), err }

// ParseSeverity reads a severity's word; "" is unknown.
func ParseSeverity(s string) (Severity, error) {
	n, err := severityNames.find("severity", s)
	return Severity(n), err
}

// ParseTLP reads a label of TLP 2.0 in capitals, without the "TLP:" before it.
func ParseTLP(s string) (TLP, error) { n, err := tlpNames.find("TLP label", s); return TLP(n), err }

// ParseTransport reads a transport's word; "" is unknown.
func ParseTransport(s string) (Transport, error) {
	n, err := transportNames.find("transport", s)
	return Transport(n), err
}

// ParseState reads a state's word.
func ParseState(s string) (State, error) { n, err := stateNames.find("state", s); return State(n), err }

// Stricter gives the stricter of two labels.
func Stricter(a, b TLP) TLP {
	if tlpRank(b) > tlpRank(a) {
		return b
	}
	return a
}

func tlpRank(t TLP) int {
	switch t {
	case Clear:
		return 0
	case Green:
		return 1
	case AmberStrict:
		return 3
	case Red:
		return 4
	}
	return 2
}

type words []string

func (w words) of(n uint8) string {
	if int(n) >= len(w) {
		return fmt.Sprintf("unknown-%d", n)
	}
	return w[n]
}

func (w words) find(what, s string) (uint8, error) {
	for i, name := range w {
		if name == s {
			return uint8(i), nil
		}
	}
	return 0, fmt.Errorf("%q is not a %s (one of %q): %w", s, what, []string(w), ErrInvalid)
}
