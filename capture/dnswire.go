package capture

import (
	"encoding/binary"
	"net/netip"

	"tocsin/traffic"
)

// dnsReader reads DNS messages (RFC 1035, section 4.1), without allocating.
type dnsReader struct {
	strings traffic.Strings
	name    []byte
	addrs   []netip.Addr
}

const (
	// maxName is the longest name in octets of text, each written \DDD at worst.
	maxName = 4 * 255
	// maxRecords is how many records of an answer are read.
	maxRecords = 128
)

// parse reads a message into l, whose endpoints and moment it leaves alone. The
// addresses of the answer are in d.addrs until the next call. ok is false for what is
// no message with a question.
func (d *dnsReader) parse(m []byte, l *traffic.Lookup) (id uint16, response, ok bool) {
	d.addrs = d.addrs[:0]
	if len(m) < 12 {
		return 0, false, false
	}
	id = binary.BigEndian.Uint16(m)
	flags := binary.BigEndian.Uint16(m[2:])
	questions, answers := binary.BigEndian.Uint16(m[4:]), binary.BigEndian.Uint16(m[6:])
	response = flags&0x8000 != 0
	if flags>>11&15 != 0 || questions == 0 || questions > 16 {
		return 0, false, false
	}
	l.RTT, l.RCode, l.TTL = traffic.Unknown, traffic.Unknown, traffic.Unknown
	at, good := d.readName(m, 12)
	if !good || at+4 > len(m) {
		return 0, false, false
	}
	l.Query = d.strings.Of(short(nameOf(d.name)))
	l.Type = binary.BigEndian.Uint16(m[at:])
	at += 4
	for range questions - 1 {
		if at, good = d.readName(m, at); !good || at+4 > len(m) {
			return 0, false, false
		}
		at += 4
	}
	if !response {
		return id, false, true
	}
	l.Answered, l.RCode = true, int16(flags&15)
	l.Rejected = l.RCode == traffic.Refused
	l.Answers = int32(answers)
	for range min(answers, maxRecords) {
		if at = d.record(m, at, l); at < 0 {
			break // cut short: what came is told
		}
	}
	return id, true, true
}

// record reads a record of the answer; it gives where the next begins, or -1.
func (d *dnsReader) record(m []byte, at int, l *traffic.Lookup) int {
	at, ok := d.readName(m, at)
	if !ok || at+10 > len(m) {
		return -1
	}
	kind, ttl, n := binary.BigEndian.Uint16(m[at:]), int64(binary.BigEndian.Uint32(m[at+4:])), int(binary.BigEndian.Uint16(m[at+8:]))
	at += 10
	if at+n > len(m) {
		return -1
	}
	data := m[at : at+n]
	if l.TTL < 0 || ttl < l.TTL {
		l.TTL = ttl
	}
	switch {
	case kind == 1 && n == 4, kind == 28 && n == 16:
		if len(d.addrs) < traffic.MaxAddrs {
			a, _ := netip.AddrFromSlice(data)
			d.addrs = append(d.addrs, a.Unmap())
		}
	case kind == 2 || kind == 5 || kind == 12 || kind == 39: // NS, CNAME, PTR, DNAME
		if _, ok := d.readName(m, at); ok {
			l.Name = d.strings.Of(short(nameOf(d.name)))
			l.AnswerBytes += int32(len(d.name))
		}
	default:
		l.AnswerBytes += int32(n)
	}
	return at + n
}

// readName reads the name at an offset into d.name, in lower case with dots between
// labels, and gives where it ends. Pointers lead backwards only.
func (d *dnsReader) readName(m []byte, at int) (end int, ok bool) {
	d.name = d.name[:0]
	end = -1
	limit := at + 1
	for {
		if at >= len(m) {
			return 0, false
		}
		n := int(m[at])
		switch {
		case n == 0:
			if end < 0 {
				end = at + 1
			}
			return end, true
		case n >= 0xc0:
			if at+1 >= len(m) {
				return 0, false
			}
			to := (n&0x3f)<<8 | int(m[at+1])
			if end < 0 {
				end = at + 2
			}
			if to >= limit-1 {
				return 0, false
			}
			at, limit = to, to+1
		case n >= 0x40 || at+1+n > len(m):
			return 0, false
		default:
			if len(d.name) > 0 {
				d.name = append(d.name, '.')
			}
			d.label(m[at+1 : at+1+n])
			if len(d.name) > maxName {
				return 0, false
			}
			at += 1 + n
		}
	}
}

// label adds a label, what isn't plain escaped.
func (d *dnsReader) label(b []byte) {
	for _, c := range b {
		switch {
		case c >= 'A' && c <= 'Z':
			d.name = append(d.name, c+'a'-'A')
		case c > ' ' && c < 0x7f && c != '.' && c != '\\':
			d.name = append(d.name, c)
		default:
			d.name = append(d.name, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
		}
	}
}

// datagram reads what a UDP packet says in clear.
func (w *wire) datagram(s *session, p *packet, b *traffic.Batch) {
	switch {
	case s.respPort == 53 || s.respPort == 5353 || s.respPort == 5355:
		s.service = "dns"
		w.name(s, p.payload, b)
	case exportPorts[s.respPort] && w.export(s, p, b):
		s.service = "netflow"
	case s.side(p) == 0 && quicInitial(p.payload):
		s.service = "quic"
		w.quicHello(s, p.payload, b)
	case s.service == "":
		s.service = udpService(p.payload, s)
	}
}

// exportPorts are where collectors of NetFlow, IPFIX and sFlow usually listen.
var exportPorts = map[uint16]bool{2055: true, 2056: true, 4739: true, 6343: true, 9555: true, 9991: true, 9995: true, 9996: true}

// export reads a datagram of an exporter, whose flows join those of the packets
// themselves. It gives false for another protocol at such a port.
func (w *wire) export(s *session, p *packet, b *traffic.Batch) bool {
	if w.exports == nil {
		w.exports = NewCollector()
	}
	return w.exports.read(netip.AddrPortFrom(addrOf(&p.src), p.srcPort), p.at, p.payload, b) == ""
}

// name takes a DNS message of a session.
func (w *wire) name(s *session, message []byte, b *traffic.Batch) {
	client, server := s.key.a, s.key.b
	if s.swapped {
		client, server = server, client
	}
	l := traffic.Lookup{At: w.last, Client: addrOf(&client), Server: addrOf(&server), ClientPort: s.origPort, ServerPort: s.respPort,
		Proto: s.key.proto, Link: s.link}
	id, response, ok := w.dns.parse(message, &l)
	switch key := (pairKey{s.link, uint32(id)}); {
	case !ok:
	case response:
		w.pairs.answer(key, l, w.dns.addrs, false, b)
	default:
		w.pairs.ask(key, l, b)
	}
}

// hearDNS takes octets of a direction that speaks DNS over TCP: messages behind their
// lengths (RFC 1035, section 4.2.2).
func (w *wire) hearDNS(s *session, i int, data []byte, b *traffic.Batch) {
	st := &s.talk.streams[i]
	if !w.keep(st, data, 64<<10+2) {
		st.kind = speechDone
		return
	}
	read := 0
	for len(st.buf)-read >= 2 {
		n := int(binary.BigEndian.Uint16(st.buf[read:]))
		if len(st.buf)-read < 2+n {
			break
		}
		w.name(s, st.buf[read+2:read+2+n], b)
		read += 2 + n
	}
	if read > 0 {
		n := copy(st.buf, st.buf[read:])
		w.buffered -= read
		st.buf = st.buf[:n]
	}
}
