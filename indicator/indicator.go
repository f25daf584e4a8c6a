// Package indicator holds what others know to be bad: millions of addresses,
// names, URLs and fingerprints, each with its source, family, confidence and
// expiry. A Set is built once, asked by many, and swapped whole while they go on
// asking. Beside it stand warning lists, which say that a match is shared,
// well-known or a defender's, and the program's own table of benign services. It
// reads the lists as they are published, and leaves it to detect what a match in
// traffic means: who called whom decides that.
package indicator

import (
	"fmt"
	"net/netip"
	"time"
)

// Kind tells what an indicator is compared with.
type Kind uint8

// The kinds.
const (
	NoKind      Kind = iota
	Address          // one address, whatever the port
	Endpoint         // an address and port
	Prefix           // a range of addresses
	Domain           // a name and all names below it, within the registrable domain
	URL              // host, port if it isn't the usual one, and path
	Path             // a path on whatever host
	JA3              // MD5 of a TLS client's hello
	JA4              // JA4 of a TLS client's hello
	Certificate      // hash of a server's certificate
	File             // hash of a file
	kinds
)

var kindNames = [kinds]string{"", "address", "endpoint", "prefix", "domain", "url", "path", "ja3", "ja4", "certificate", "file"}

// String gives the kind's word in lower case, "" for NoKind.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return ""
}

// Class tells what a source says of an indicator, the gravest first.
type Class uint8

// The classes. The zero value is what a bare list says: bad, not how.
const (
	Unsaid     Class = iota
	Malware          // part of a malware's doings: its controller, its distribution
	Malicious        // bad tools and services of no one family
	Lure             // people are led there: exploit kits, injected pages, phishing kits
	Suspicious       // bad company, itself perhaps innocent: dynamic DNS, free hosting
	Scanner          // it looks for weaknesses from outside; a call to it means nothing
	Sinkhole         // a defender's: who calls it is infected, and nobody commands it
	classes
)

var classNames = [classes]string{"", "malware", "malicious", "lure", "suspicious", "scanner", "sinkhole"}

// String gives the class's word, "" for Unsaid.
func (c Class) String() string {
	if c < classes {
		return classNames[c]
	}
	return ""
}

// Value is what is compared. Of Address, Endpoint and Prefix the address counts,
// of the others the text in its canonical form: lower case for all but paths.
type Value struct {
	Kind Kind
	Addr netip.Addr // unmapped, without zone; of a prefix the lowest
	Port uint16     // of an endpoint
	Bits uint8      // of a prefix
	Text string
}

// String writes the value as lists do: 192.0.2.7, 192.0.2.7:443, 192.0.2.0/24,
// example.net, example.net/gate.php.
func (v Value) String() string {
	switch v.Kind {
	case Address:
		return v.Addr.String()
	case Endpoint:
		return netip.AddrPortFrom(v.Addr, v.Port).String()
	case Prefix:
		return netip.PrefixFrom(v.Addr, int(v.Bits)).String()
	}
	return v.Text
}

// Indicator is one line of one source.
type Indicator struct {
	Value
	Claim
}

// Claim is what a source says of an indicator.
type Claim struct {
	Source string // who says so: the list's name
	Family string // of the malware, as Families folds it; "" if untold
	Class  Class
	// Confidence is how sure the source is, in percent; 0 is untold, and then
	// Assumed stands in.
	Confidence uint8
	// First and Last bound when it was seen to be bad, and Expires is when the
	// claim lapses; in seconds since 1970, UTC, 0 untold.
	First, Last, Expires uint32
}

// assumed is the confidence, in percent, of a claim whose source tells none: the
// share of claims of such lists that one would act on. They are judgements, kept
// apart so that one can disagree with them.
var assumed = [classes]uint8{Unsaid: 60, Malware: 75, Malicious: 60, Lure: 25, Suspicious: 25, Scanner: 20, Sinkhole: 90}

// Percent is the confidence told, or else what is assumed of the class.
func (c Claim) Percent() uint8 {
	if c.Confidence == 0 && c.Class < classes {
		return assumed[c.Class]
	}
	return min(c.Confidence, 100)
}

// Lapsed reports whether the claim has run out at a moment, in microseconds since
// 1970. A claim lapses at its expiry, not after it.
func (c Claim) Lapsed(micros int64) bool {
	return c.Expires != 0 && micros >= int64(c.Expires)*1e6
}

// seconds gives a moment as claims keep it: 0 for one before 1970 or after 2105.
func seconds(t time.Time) uint32 {
	if s := t.Unix(); s > 0 && s <= 0xffffffff {
		return uint32(s)
	}
	return 0
}

// Refusal is a line of a list that isn't taken.
type Refusal struct {
	File   string
	Line   int64  // from 1, or the number of the element in a list without lines; 0 is the whole list
	Text   string // the beginning of it
	Reason string
}

// String is the refusal as a sentence.
func (r Refusal) String() string {
	if r.Line == 0 {
		return fmt.Sprintf("%s refused: %s", r.File, r.Reason)
	}
	return fmt.Sprintf("%s:%d: %q refused: %s", r.File, r.Line, r.Text, r.Reason)
}
