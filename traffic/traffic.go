// Package traffic holds the nouns of network telemetry at wire speed: flows, name
// lookups, TLS handshakes, HTTP requests, files, certificates and alerts, in
// batches that are used again and again. It leaves reading them to capture and
// judging them to detect and indicator.
//
// Moments are microseconds since 1970 in UTC, by the clock of whoever saw the
// traffic; 0 is unknown. Counts are as they were measured: nobody has multiplied
// them by a sampling rate. Addresses are unmapped (::ffff:192.0.2.7 is 192.0.2.7)
// and carry no zone.
//
// Records come in the order in which their file was written. For Zeek, Suricata,
// NetFlow and Argus that is by end and not by start, so Start may go back by as much
// as the longest flow lasted; for packets it is the order of capture. Whoever needs
// one order over several files merges them.
package traffic

import "time"

// Unknown is a count, a size, a span or a code that the source doesn't tell, as
// against 0, which it does tell.
const Unknown = -1

// Micros is a moment as the records write it.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// Time is a record's moment as a time in UTC.
func Time(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// Transports by their IANA protocol numbers, of those that anybody here treats
// apart. 0 is unknown: IPv6 hop-by-hop options, the number's owner, are no transport.
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	ICMPv6 = 58
	SCTP   = 132
)

// A Batch is a piece of a capture, in the order of its files within each slice. The
// slices are used again after Reset, and so are the lists inside Lookup; strings are
// not, and may be kept. A string may share a block of 2 KiB with others: who
// keeps many of them for long, clones them. The zero value is ready.
type Batch struct {
	Flows        []Flow
	Lookups      []Lookup
	Handshakes   []Handshake
	Requests     []Request
	Files        []File
	Certificates []Certificate
	Alerts       []Alert

	addrs lists
}

// Len counts the records of all kinds.
func (b *Batch) Len() int {
	return len(b.Flows) + len(b.Lookups) + len(b.Handshakes) + len(b.Requests) + len(b.Files) + len(b.Certificates) + len(b.Alerts)
}

// Reset empties the batch and keeps its room for the next records.
func (b *Batch) Reset() {
	b.Flows = b.Flows[:0]
	b.Lookups = b.Lookups[:0]
	b.Handshakes = b.Handshakes[:0]
	b.Requests = b.Requests[:0]
	b.Files = b.Files[:0]
	b.Certificates = b.Certificates[:0]
	b.Alerts = b.Alerts[:0]
	b.addrs.reset()
}
