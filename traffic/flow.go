package traffic

import "net/netip"

// State is what became of a connection, as far as the source tells.
type State uint8

// The states. For transports without a handshake an answered exchange is
// Established and an unanswered one Attempted.
const (
	StateUnknown State = iota
	// Established: both sides spoke; for TCP the handshake was completed.
	Established
	// Attempted: the originator spoke and nobody answered.
	Attempted
	// Rejected: the answer was a refusal (TCP RST to a SYN, ICMP unreachable).
	Rejected
	// Reset: established, then broken off by either side.
	Reset
	// Midstream: the beginning wasn't seen, so who began is a guess.
	Midstream
)

var stateNames = [...]string{"unknown", "established", "attempted", "rejected", "reset", "midstream"}

// String gives the state's name in lower case.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return stateNames[0]
}

// Answered reports whether the other side took the connection: Established or Reset.
func (s State) Answered() bool { return s == Established || s == Reset }

// Side says whether an endpoint belongs to the network that the sensor watches, if
// the sensor was told which that is.
type Side uint8

// The sides.
const (
	SideUnknown Side = iota
	Inside
	Outside
)

// Flow is one conversation between two endpoints, or, where OneWay or Piece is set,
// a part of one.
type Flow struct {
	Start    int64 // µs since 1970, UTC: first packet
	Duration int64 // µs from first to last packet, or Unknown

	// Orig opened the conversation if Oriented is set; otherwise it is whose packet
	// was seen first, or in a one-way record whose packets were counted.
	Orig, Resp netip.Addr
	// Ports are 0 for transports without. For ICMP, OrigPort is the message's type
	// and RespPort its code.
	OrigPort, RespPort uint16
	Proto              uint8 // IANA protocol number, 0 unknown
	State              State
	// Oriented is set if the source knows who began.
	Oriented bool
	// OneWay is set if the record counts the packets of one direction only, as
	// NetFlow does; the other direction may come as a record of its own with the
	// endpoints exchanged. The Resp counts are Unknown then.
	OneWay bool
	// Piece is set if a timeout cut the record out of a conversation that was still
	// going on, or may have: another record goes on where this one ends.
	Piece bool
	// Open is set if the conversation was still going on when the record was written,
	// and a later record with the same Link tells all of it again.
	Open bool
	// OrigSide and RespSide are what the sensor was told. A sensor that was told
	// nothing may call everything Outside.
	OrigSide, RespSide Side

	// Octets from IP header on, each way, or Unknown. Suricata and Argus count the
	// link layer too, which adds 14 octets a packet or so.
	OrigBytes, RespBytes int64
	// Octets of payload above the transport, each way, or Unknown.
	OrigPayload, RespPayload int64
	// Packets each way, or Unknown.
	OrigPackets, RespPackets int64

	// Sampling is N where one packet (or flow) of N was looked at: 1 is all of them,
	// 0 unknown.
	Sampling uint32
	// Flags are the TCP flags seen, by both sides together, as on the wire
	// (FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32); 0 unknown or none.
	Flags uint8
	// Point is where this was seen, if the source tells: for NetFlow, IPFIX and
	// sFlow "address/domain" of the exporter. The same flow seen at two points comes
	// twice.
	Point string
	// Service is the application as the source recognised it, in lower case with
	// Zeek's words ("dns", "http", "ssl"), or "".
	Service string
	// Link ties a flow to the lookups, handshakes, requests, files and alerts that
	// the same source saw in it; it is a hash of the source's own identifier, and
	// 0 if there is none.
	Link uint64
}

// End is the moment of the last packet, or Start if the duration is unknown.
func (f *Flow) End() int64 { return f.Start + max(f.Duration, 0) }
