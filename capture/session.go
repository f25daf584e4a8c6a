package capture

import "tocsin/traffic"

// session is one conversation of two endpoints, put together from packets. Of its
// pairs of values the first is the originator's.
type session struct {
	key         sessionKey
	swapped     bool // the originator is endpoint b
	oriented    bool
	rejected    bool
	v4          bool
	class       int
	flags       [2]uint8
	finished    [2]bool
	reset       bool
	first, last int64
	bytes       [2]int64
	payload     [2]int64
	packets     [2]int64
	seq         uint32 // of the first packet
	origPort    uint16 // as told: for ICMP type and code
	respPort    uint16
	link        uint64
	service     string
	talk        *talk
	quiet       bool // nothing more is read of what it says
	unsized     bool // how long payloads are isn't known
	prev, next  *session
}

// begin starts a session at its first packet.
func (s *session) begin(p *packet, key sessionKey, srcFirst bool) {
	s.key, s.swapped = key, !srcFirst
	s.first, s.last, s.seq, s.v4 = p.at, p.at, p.seq, p.v4
	s.origPort, s.respPort = p.srcPort, p.dstPort
	s.oriented = true
	s.class = silenceMedium
	turn := false
	switch p.proto {
	case traffic.TCP:
		switch p.flags & (flagSYN | flagACK) {
		case flagSYN:
		case flagSYN | flagACK:
			turn, s.oriented = true, false
		default:
			turn, s.oriented = lesser(p), false
		}
	case traffic.UDP:
		// A server's answer may be what is seen first.
		if lesser(p) {
			turn, s.oriented = true, false
		}
	case traffic.ICMP, traffic.ICMPv6:
		if icmpKind(p.proto, p.srcPort) != p.srcPort {
			turn, s.oriented = true, false
			s.respPort = icmpKind(p.proto, p.srcPort) // turned below
		}
	}
	if turn {
		s.swapped = !s.swapped
		s.origPort, s.respPort = s.respPort, s.origPort
	}
	s.link = linkOf(&s.key, s.first)
}

// lesser reports whether a packet comes from a server's port and goes to none.
func lesser(p *packet) bool { return p.srcPort < 1024 && p.dstPort >= 1024 }

// side gives 0 for a packet of the originator and 1 for one of the responder.
func (s *session) side(p *packet) int {
	fromA := p.src == s.key.a
	if p.src == p.dst && p.proto != traffic.ICMP && p.proto != traffic.ICMPv6 {
		fromA = p.srcPort == s.key.aPort
	}
	if fromA != s.swapped {
		return 0
	}
	return 1
}

// count adds a packet.
func (s *session) count(p *packet) {
	i := s.side(p)
	s.last = max(s.last, p.at)
	s.bytes[i] += p.bytes
	s.payload[i] += p.size
	s.packets[i]++
	s.flags[i] |= p.flags
	if p.proto == traffic.TCP {
		s.finished[i] = s.finished[i] || p.flags&flagFIN != 0
		s.reset = s.reset || p.flags&flagRST != 0
	}
}

// closed reports whether TCP has ended it.
func (s *session) closed() bool { return s.reset || s.finished[0] && s.finished[1] }

func (s *session) answered() bool { return s.packets[1] > 0 }

// over reports whether a SYN begins another session between the same endpoints.
func (s *session) over(p *packet) bool {
	return s.closed() || s.flags[0]&flagSYN == 0 || s.side(p) == 1 || p.seq != s.seq && s.answered()
}

// flow tells the session.
func (s *session) flow(piece bool) traffic.Flow {
	f := traffic.Flow{
		Start: s.first, Duration: s.last - s.first, Orig: addrOf(&s.key.a), Resp: addrOf(&s.key.b),
		OrigPort: s.origPort, RespPort: s.respPort, Proto: s.key.proto, Oriented: s.oriented, Piece: piece,
		OrigBytes: s.bytes[0], RespBytes: s.bytes[1], OrigPayload: s.payload[0], RespPayload: s.payload[1],
		OrigPackets: s.packets[0], RespPackets: s.packets[1], Sampling: 1, Flags: s.flags[0] | s.flags[1],
		Service: s.service, Link: s.link,
	}
	if s.swapped {
		f.Orig, f.Resp = f.Resp, f.Orig
	}
	if s.unsized {
		f.OrigPayload, f.RespPayload = traffic.Unknown, traffic.Unknown
	}
	switch {
	case s.rejected && !s.answered():
		f.State = traffic.Rejected
	case s.key.proto == traffic.TCP:
		f.State = s.fate()
	case s.answered():
		f.State = traffic.Established
	default:
		f.State = traffic.Attempted
	}
	return f
}

// fate says what became of a TCP connection.
func (s *session) fate() traffic.State {
	if s.flags[0]&flagSYN == 0 {
		return traffic.Midstream
	}
	// The handshake is complete once the originator acknowledged.
	return tcpFate(s.flags[0], s.flags[1], s.answered(), s.flags[0]&flagACK == 0)
}

// sessionList holds sessions in the order of their last packet.
type sessionList struct{ first, last *session }

func (l *sessionList) append(s *session) {
	s.prev, s.next = l.last, nil
	if l.last != nil {
		l.last.next = s
	} else {
		l.first = s
	}
	l.last = s
}

func (l *sessionList) remove(s *session) {
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		l.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	} else {
		l.last = s.prev
	}
	s.prev, s.next = nil, nil
}
