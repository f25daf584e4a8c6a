package feed

import (
	"bytes"
	"fmt"
	"strings"

	"tocsin/casebook"
)

// shape says how a row becomes an observation: what is the same in all rows, and
// which columns tell the rest. Columns are named in any case; where several are
// listed, they are tried in order.
type shape struct {
	base  casebook.Observation // what no column tells
	fixed bool                 // the role is base.Role whatever the type
	clock clock

	times       []string // the latest of them counts
	assets      []candidate
	ports       []string
	peers       []candidate
	peerPorts   []string
	transports  []string
	severities  []string
	confidences []string
	scale       float64 // the confidence that is certainty
	families    []string
	identifiers []string
	types       []string
	tlps        []string
	cases       []condition

	// known holds the folded names of the columns that the publisher has; nil
	// if any may come.
	known map[string]bool
	// outOfScope refuses every row, with this reason.
	outOfScope string
}

// candidate is a column that may tell an asset, and as what it is tried.
type candidate struct {
	column string
	kinds  []kind
}

// condition overrides type and identifier where a column holds a word.
type condition struct {
	column, word string
	typ          casebook.Type
	identifier   string
}

// fold is how column names are compared.
func fold(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// contentTypes are the RSIT types about what people say or show, which are no
// business of this platform.
var contentTypes = map[string]bool{"harmful-speech": true, "violence": true, "copyright": true, "child-sexual-exploitation": true}

func scopeReason(typeWord string) string {
	return fmt.Sprintf("reports of type %q are about content, which is out of scope", typeWord)
}

// typeWord finds an RSIT type by the word that a publisher uses for it. reason
// is set for a type that is out of scope.
func typeWord(s string) (t casebook.Type, reason string, ok bool) {
	s = fold(s)
	switch s {
	case "blacklist", "blocklist": // IntelMQ's and the Shadowserver schema's own
		return casebook.Other, "", true
	}
	if contentTypes[s] {
		return casebook.Other, scopeReason(s), true
	}
	t, err := casebook.TypeByName(s)
	return t, "", err == nil
}

// parseTransport reads a transport in any case, without allocating.
func parseTransport(b []byte) (casebook.Transport, bool) {
	switch {
	case bytes.EqualFold(b, []byte("tcp")):
		return casebook.TCP, true
	case bytes.EqualFold(b, []byte("udp")):
		return casebook.UDP, true
	case bytes.EqualFold(b, []byte("icmp")):
		return casebook.ICMP, true
	case bytes.EqualFold(b, []byte("sctp")):
		return casebook.SCTP, true
	}
	return casebook.TransportUnknown, false
}

// parseSeverity reads a severity in any case, without allocating.
func parseSeverity(b []byte) (casebook.Severity, bool) {
	var low [8]byte
	if len(b) > len(low) {
		return casebook.SeverityUnknown, false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		low[i] = c
	}
	switch string(low[:len(b)]) {
	case "info":
		return casebook.Info, true
	case "low":
		return casebook.Low, true
	case "medium":
		return casebook.Medium, true
	case "high":
		return casebook.High, true
	case "critical":
		return casebook.Critical, true
	}
	return casebook.SeverityUnknown, false
}

// parsePort reads a port; an empty one and 0 are none.
func parsePort(b []byte) (uint16, bool) {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' || n > 65535 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return uint16(n), n <= 65535
}
