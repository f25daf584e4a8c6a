package capture

import (
	"encoding/binary"

	"tocsin/traffic"
)

// wire puts the packets of a capture together into sessions, and reads what those
// say in clear: names, requests, handshakes.
type wire struct {
	tally     *tally
	fragments fragments
	sessions  map[sessionKey]*session
	idle      [silences]sessionList
	free      *session
	strings   traffic.Strings
	pairs     pairs
	dns       dnsReader
	quic      quicReader
	exports   *Collector // of NetFlow that the packets carry
	packet    packet
	last      int64
	buffered  int // octets that streams hold
}

// maxSessions is how many conversations are followed at once. The one that was silent
// longest is told early, as a piece, for a new one.
const maxSessions = 1 << 17

// How long a session may be silent before it is told, in µs. They are Zeek's defaults,
// so that a capture gives much the same flows there and here.
const (
	silenceShort  = iota // attempts nobody answered, and what was closed
	silenceMedium        // without connections
	silenceLong
	silences
)

var silence = [silences]int64{5_000_000, 60_000_000, 300_000_000}

func newWire(t *tally) *wire {
	return &wire{tally: t, sessions: make(map[sessionKey]*session)}
}

// take reads one packet, of whole octets on the wire, of which b was captured.
func (w *wire) take(at int64, link linkType, b []byte, whole int, batch *traffic.Batch) {
	if at < 0 || at >= maxMoment {
		w.tally.refuse(w.tally.Rows, 0, "", "the packet's moment isn't between 1970 and 2199")
		return
	}
	w.last = at
	w.expire(at, batch)
	w.pairs.advance(at, batch)
	ip, ok := link.network(b)
	if !ok {
		w.tally.Skipped++ // ARP and the like
		return
	}
	p := &w.packet
	*p = packet{at: at}
	reason, skip := w.parseIP(ip, p)
	switch {
	case reason != "":
		w.tally.refuse(w.tally.Rows, 0, "", reason)
		return
	case skip:
		w.tally.Skipped++
		return
	}
	if p.inner != nil {
		w.unreachable(p)
	}
	s := w.session(p, batch)
	s.count(p)
	w.inspect(s, p, batch)
	w.settle(s, p)
}

// unreachable marks the attempt that an ICMP error speaks of as rejected.
func (w *wire) unreachable(p *packet) {
	var inner packet
	var q wire // fragments of its own: an error's inside is no packet of the network
	if reason, skip := q.parseIP(p.inner, &inner); reason != "" || skip {
		return
	}
	key, _ := keyOf(&inner)
	if s := w.sessions[key]; s != nil && s.packets[1] == 0 {
		s.rejected = true
	}
}

// settle puts a session where it waits for its end.
func (w *wire) settle(s *session, p *packet) {
	class := silenceMedium
	switch {
	case p.proto == traffic.TCP && (s.closed() || !s.answered()):
		class = silenceShort
	case p.proto == traffic.TCP:
		class = silenceLong
	}
	w.idle[s.class].remove(s)
	s.class = class
	w.idle[class].append(s)
}

// session finds the session that a packet belongs to, or begins one.
func (w *wire) session(p *packet, b *traffic.Batch) *session {
	key, srcFirst := keyOf(p)
	s := w.sessions[key]
	if s != nil && p.proto == traffic.TCP && p.flags&(flagSYN|flagACK) == flagSYN && s.over(p) {
		w.tell(s, b, false)
		s = nil
	}
	if s != nil {
		return s
	}
	if len(w.sessions) >= maxSessions {
		w.shed(b)
	}
	if s = w.free; s != nil {
		w.free = s.next
		*s = session{}
	} else {
		s = &session{}
	}
	s.begin(p, key, srcFirst)
	w.sessions[key] = s
	w.idle[s.class].append(s)
	return s
}

// shed tells the session that was silent longest.
func (w *wire) shed(b *traffic.Batch) {
	var oldest *session
	for i := range w.idle {
		if s := w.idle[i].first; s != nil && (oldest == nil || s.last < oldest.last) {
			oldest = s
		}
	}
	w.tally.Cut++
	w.tell(oldest, b, true)
}

// expire tells the sessions that were silent too long at the moment now.
func (w *wire) expire(now int64, b *traffic.Batch) {
	for i := range w.idle {
		for s := w.idle[i].first; s != nil && now-s.last > silence[i]; s = w.idle[i].first {
			w.tell(s, b, false)
		}
	}
}

// end tells what is left, in the order in which it began to be silent, as much as the
// batch takes; it gives true once that is all.
func (w *wire) end(b *traffic.Batch) bool {
	for i := range w.idle {
		for s := w.idle[i].first; s != nil; s = w.idle[i].first {
			if b.Len() >= batchRecords {
				return false
			}
			w.tell(s, b, i != silenceShort && !s.closed())
		}
	}
	w.pairs.flush(b)
	return true
}

// tell gives a session's flow to the batch and forgets the session.
func (w *wire) tell(s *session, b *traffic.Batch, piece bool) {
	if s.talk != nil {
		w.finish(s, b)
	}
	w.idle[s.class].remove(s)
	delete(w.sessions, s.key)
	b.Flows = append(b.Flows, s.flow(piece))
	s.next, w.free = w.free, s
}

// sessionKey names a session, whichever side speaks: the smaller endpoint first.
type sessionKey struct {
	a, b         [16]byte
	aPort, bPort uint16
	id           uint16
	proto        uint8
}

// keyOf names a packet's session. srcFirst tells whether the source is endpoint a.
func keyOf(p *packet) (key sessionKey, srcFirst bool) {
	key.proto = p.proto
	srcPort, dstPort := p.srcPort, p.dstPort
	if p.proto == traffic.ICMP || p.proto == traffic.ICMPv6 {
		// Ports are type and code there: a reply belongs to its question.
		srcPort, dstPort = icmpKind(p.proto, p.srcPort), 0
		key.id = uint16(p.seq)
	}
	srcFirst = p.src != p.dst && string(p.src[:]) < string(p.dst[:]) || p.src == p.dst && srcPort <= dstPort
	if p.proto == traffic.ICMP || p.proto == traffic.ICMPv6 {
		key.aPort = srcPort
		srcPort = 0
	}
	if srcFirst {
		key.a, key.b = p.src, p.dst
		key.aPort, key.bPort = key.aPort|srcPort, dstPort
	} else {
		key.a, key.b = p.dst, p.src
		key.aPort, key.bPort = key.aPort|dstPort, srcPort
	}
	return key, srcFirst
}

// icmpKind gives the type of the question that a type answers, or itself.
func icmpKind(proto uint8, kind uint16) uint16 {
	switch {
	case proto == traffic.ICMP && (kind == 0 || kind == 14 || kind == 16 || kind == 18):
		if kind == 0 {
			return 8
		}
		return kind - 1
	case proto == traffic.ICMPv6 && (kind == 129 || kind == 136 || kind == 134):
		return kind - 1
	}
	return kind
}

// linkOf makes the Link of a session.
func linkOf(key *sessionKey, first int64) uint64 {
	var b [48]byte
	copy(b[:], key.a[:])
	copy(b[16:], key.b[:])
	binary.LittleEndian.PutUint16(b[32:], key.aPort)
	binary.LittleEndian.PutUint16(b[34:], key.bPort)
	b[36] = key.proto
	binary.LittleEndian.PutUint16(b[38:], key.id)
	binary.LittleEndian.PutUint64(b[40:], uint64(first))
	return traffic.LinkOf(b[:])
}
