// Package detect turns what hosts did in traffic into claims: evidence, then one
// bot a host, then one botnet with its controllers, peers and size. It knows
// event time only, gives the same claims for the same records whatever the
// number of cores, and explains each in a sentence with figures. Each detector
// is one file with one table of cases. Reading telemetry is left to capture,
// running the engine to sensor, known-bad names and addresses to whoever
// implements Matcher, known-good clocks to whoever implements Clocks.
package detect

import (
	"net/netip"
	"slices"
	"strings"
)

// Certainty is how a claim may be used.
type Certainty uint8

// The grades, the mildest first.
const (
	None      Certainty = iota // nothing to tell
	Weak                       // context
	Suspected                  // look at it
	Confirmed                  // act on it
)

// String gives the word that is printed.
func (c Certainty) String() string {
	return [...]string{"none", "weak", "suspected", "confirmed"}[min(c, Confirmed)]
}

// Detector is one way of telling an infected host. A file of this package adds
// itself to the table with add. Both functions are pure, and are called from
// several goroutines; what they are handed is valid until they return.
type Detector struct {
	Name  string // one word, as evidence prints it
	About string // one line
	// Hour, if set, judges what one host looked up within one hour.
	Hour func(h *Hour, b *Bench) []Evidence
	// Host, if set, judges what one host did so far, when a window closes.
	Host func(h *Host, b *Bench) []Evidence
}

var table []Detector

func add(d Detector) bool {
	table = append(table, d)
	return true
}

// Detectors lists the detectors by name.
func Detectors() []Detector {
	list := slices.Clone(table)
	slices.SortFunc(list, func(a, b Detector) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Bench is what detectors ask of others. The zero value knows nothing: its
// questions are all answered no.
type Bench struct {
	Matcher Matcher
	Clocks  Clocks
	// Sampled tells that flows were sampled, so that intervals and counts of
	// small flows mean nothing.
	Sampled bool
}

// Matcher knows what is known bad. An implementation is immutable while it is
// asked; a newer generation is a new Matcher. Names are lower case, without the
// last dot; at is the moment of the sighting in microseconds since 1970, for what
// was known bad may have expired. Each answers false if nothing is known, and
// allocates nothing then.
type Matcher interface {
	// MatchAddress is asked for an address, its port and transport.
	MatchAddress(e Endpoint, at int64) (Match, bool)
	// MatchName is asked for a name and, by itself, for its parents.
	MatchName(name string, at int64) (Match, bool)
	// MatchURL is asked for a host, a port, and the path with its query.
	MatchURL(host string, port uint16, path string, at int64) (Match, bool)
	// MatchFingerprint is asked for what identifies software or a file: kind
	// is "ja3", "ja4", "certificate" or "file", value its lower-case text.
	MatchFingerprint(kind, value string, at int64) (Match, bool)
}

// Match is what is known of something bad.
type Match struct {
	Indicator  string  // as the source has it
	Source     string  // who says so
	Family     string  // "" if the source doesn't say
	Confidence float64 // 0 to 1, after all that lowers it
	// Shared says that many others stand behind the same address or name: a
	// content network, a public resolver. A shared match is never more than weak.
	Shared   bool
	Sinkhole bool // the address is a defender's
	// Mild says that the source speaks of a lure, of bad company, or of a
	// scanner: who calls that isn't infected for it.
	Mild bool
	// Reason tells what lowered the match, "" if nothing did.
	Reason string
}

// Clocks knows what calls home regularly and is benign: time servers, updaters,
// push, connectivity checks, telemetry.
type Clocks interface {
	// Clock says which known service an endpoint is, by any of the names it was
	// called by, its address, port and transport; "" and false if it isn't one.
	Clock(name string, a netip.Addr, port uint16, transport uint8) (what string, known bool)
	// Shared says what shared infrastructure an address or a name belongs to: a
	// content network, a cloud, a public resolver.
	Shared(name string, a netip.Addr) (what string, known bool)
}

// Clock asks the bench's clocks, if it has any.
func (b *Bench) Clock(name string, e Endpoint) (string, bool) {
	if b.Clocks == nil {
		return "", false
	}
	return b.Clocks.Clock(name, e.Addr, e.Port, e.Transport)
}

// Shared asks the bench's clocks, if it has any.
func (b *Bench) Shared(name string, a netip.Addr) (string, bool) {
	if b.Clocks == nil {
		return "", false
	}
	return b.Clocks.Shared(name, a)
}
