package capture

import "tocsin/traffic"

// Information elements that some makers' equipment tells (IANA; Cisco's, CERT's).
const (
	ieDirection     = 61
	ieNATEvent      = 230
	ieFirewallEvent = 233
	ieSamplingSize  = 309
	ieSamplingOf    = 310
	ieObservedMilli = 323
	yafFirstFlags   = 14
	yafFurtherFlags = 15
	yafApplication  = 33
	yafReversed     = 0x4000

	firewallCreated = 1
	firewallDenied  = 3
	firewallUpdate  = 5
)

// makerFields are what a record says beyond what all exporters say alike.
type makerFields struct {
	firewall, nat          uint8
	egress                 bool
	post                   bool
	postBytes, postPackets int64
	sampled, population    uint64
	observed               int64 // µs since 1970, 0 unknown
}

// field reads one field; it gives false for others.
func (m *makerFields) field(kind uint16, v []byte) bool {
	switch kind {
	case ieDirection:
		m.egress = unsigned(v) == 1
	case ieFirewallEvent:
		m.firewall = uint8(unsigned(v))
	case ieNATEvent:
		m.nat = uint8(unsigned(v))
	case ieSamplingSize:
		m.sampled = unsigned(v)
	case ieSamplingOf:
		m.population = unsigned(v)
	case ieObservedMilli:
		m.observed = max(bounded(unsigned(v), 1_000), 0)
	default:
		return false
	}
	return true
}

// repeats tells a record that speaks of a conversation which another one tells whole: a
// firewall reports each when it begins, without octets, and again when it ends
// (Cisco ASA NSEL), a translator when a mapping goes (RFC 8158).
func (m *makerFields) repeats(f *traffic.Flow) bool {
	silent := f.OrigBytes <= 0 && f.RespBytes <= 0 && f.OrigPackets <= 0 && f.RespPackets <= 0
	switch {
	case m.firewall == firewallCreated:
		return silent
	case m.nat != 0:
		gone := m.nat == 2 || m.nat == 3 || m.nat == 5 || m.nat == 7 || m.nat >= 9
		return silent && gone
	}
	return false
}

// denied tells a conversation that a firewall didn't let through.
func (m *makerFields) denied() bool { return m.firewall == firewallDenied }

// settle brings in what makers tell in their own way. Version 9's outward counters are
// the answer's where they differ from the inward ones (nProbe), or all there is. A flow
// that one exporter saw at two interfaces comes from two points.
func (r *flowRecord) settle(s *exportSource, h *exportHeader) {
	f, m := &r.flow, &r.makers
	if m.post {
		same := m.postBytes == f.OrigBytes && m.postPackets == f.OrigPackets
		switch {
		case f.OrigBytes < 0 && f.OrigPackets < 0:
			f.OrigBytes, f.OrigPackets = m.postBytes, m.postPackets
		case h.version == 9 && !same && !r.both:
			r.both, f.RespBytes, f.RespPackets = true, m.postBytes, m.postPackets
		}
	}
	if m.egress {
		f.Point = s.outward()
	}
	if m.observed > 0 && r.end < 0 && m.firewall != 0 {
		r.end = m.observed
	}
	if m.firewall == firewallUpdate && r.reason == 0 {
		r.reason = endActive
	}
}

// outward names a source's point where traffic leaves it.
func (s *exportSource) outward() string {
	if s.leaving == "" {
		s.leaving = s.point + ", outward"
	}
	return s.leaving
}

// yaf reads CERT's own fields: the flags of TCP, and what was spoken, by the number of
// the port that usually speaks it.
func (r *flowRecord) yaf(kind uint16, v []byte) {
	switch kind {
	case yafFirstFlags, yafFurtherFlags:
		r.flow.Flags |= uint8(unsigned(v))
	case yafFirstFlags | yafReversed, yafFurtherFlags | yafReversed:
		r.revFlags |= uint8(unsigned(v))
	case yafApplication:
		if r.flow.Service == "" {
			r.flow.Service = yafServices[uint16(unsigned(v))]
		}
	}
}

var yafServices = map[uint16]string{21: "ftp", 22: "ssh", 25: "smtp", 53: "dns", 80: "http", 110: "pop3", 123: "ntp", 143: "imap", 194: "irc", 443: "ssl", 6346: "gnutella", 6881: "bittorrent"}
