package capture

import (
	"encoding/binary"
	"net/netip"

	"tocsin/traffic"
)

// packet is what the sessions need to know of one packet.
type packet struct {
	at               int64
	src, dst         [16]byte // IPv4 mapped
	v4               bool
	srcPort, dstPort uint16
	proto            uint8
	flags            uint8
	seq              uint32
	bytes            int64 // from the IP header on, as it was on the wire
	payload          []byte
	size             int64 // of the payload on the wire, of which payload may be the beginning
	inner            []byte
}

// addrOf makes an address of 16 octets.
func addrOf(a *[16]byte) netip.Addr { return netip.AddrFrom16(*a).Unmap() }

// Protocol numbers that lead to another header.
const (
	protoHopByHop = 0
	protoIPIP     = 4
	protoIPv6     = 41
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoAH       = 51
	protoDestOpts = 60
)

// fragment tells the parts of a packet that was cut.
type fragment struct {
	src, dst [16]byte
	id       uint32
	proto    uint8
}

// maxFragments is how many cut packets are remembered.
const maxFragments = 4096

// fragments remembers the ports that a packet's first part told, for the others; the
// oldest is forgotten for a new one.
type fragments struct {
	ports map[fragment][2]uint16
	order []fragment
	next  int
}

func (f *fragments) put(key fragment, ports [2]uint16) {
	if f.ports == nil {
		f.ports = make(map[fragment][2]uint16)
	}
	if _, known := f.ports[key]; !known {
		if len(f.order) < maxFragments {
			f.order = append(f.order, key)
		} else {
			delete(f.ports, f.order[f.next])
			f.order[f.next] = key
			f.next = (f.next + 1) % maxFragments
		}
	}
	f.ports[key] = ports
}

// parseIP reads the headers of a packet, through tunnels. reason says why it can't be
// read; skip that it is sound but tells nothing.
func (w *wire) parseIP(b []byte, p *packet) (reason string, skip bool) {
	for range 4 {
		if len(b) == 0 {
			return "no IP header", false
		}
		var next uint8
		var frag fragment
		var offset int
		var more bool
		switch b[0] >> 4 {
		case 4:
			next, b, frag, offset, more, reason = parseV4(b, p)
		case 6:
			next, b, frag, offset, more, reason = parseV6(b, p)
		default:
			return "neither IPv4 nor IPv6", false
		}
		if reason != "" {
			return reason, false
		}
		p.proto = next
		if offset > 0 {
			ports, known := w.fragments.ports[frag]
			p.srcPort, p.dstPort = ports[0], ports[1]
			p.payload, p.size = nil, int64(len(b))
			return "", !known
		}
		switch next {
		case protoIPIP, protoIPv6:
			continue
		case protoGRE:
			inner, ok := gre(b)
			if ok {
				b = inner
				continue
			}
		}
		if inner, ok := p.tunnelled(b, more); ok {
			b = inner
			continue
		}
		reason, skip = p.transport(b)
		if more && reason == "" && !skip {
			w.fragments.put(frag, [2]uint16{p.srcPort, p.dstPort})
			p.payload = nil // half a payload may look like another
		}
		return reason, skip
	}
	return "more than 4 headers of IP in each other", false
}

func parseV4(b []byte, p *packet) (next uint8, rest []byte, frag fragment, offset int, more bool, reason string) {
	if len(b) < 20 {
		return 0, nil, frag, 0, false, "the IPv4 header is cut short"
	}
	header := int(b[0]&15) * 4
	if header < 20 || len(b) < header {
		return 0, nil, frag, 0, false, "the IPv4 header's length makes no sense"
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 { // left to the network card
		total = len(b)
	}
	if total < header {
		return 0, nil, frag, 0, false, "the IPv4 packet's length makes no sense"
	}
	p.v4, p.bytes = true, int64(total)
	mapV4(&p.src, b[12:16])
	mapV4(&p.dst, b[16:20])
	field := binary.BigEndian.Uint16(b[6:])
	frag = fragment{p.src, p.dst, uint32(binary.BigEndian.Uint16(b[4:])), b[9]}
	p.size = int64(total - header)
	return b[9], b[header:min(total, len(b))], frag, int(field&0x1fff) * 8, field&0x2000 != 0, ""
}

// mapV4 writes an IPv4 address as an IPv6 one (RFC 4291, section 2.5.5.2).
func mapV4(to *[16]byte, v4 []byte) {
	*to = [16]byte{10: 0xff, 11: 0xff}
	copy(to[12:], v4)
}

func parseV6(b []byte, p *packet) (next uint8, rest []byte, frag fragment, offset int, more bool, reason string) {
	if len(b) < 40 {
		return 0, nil, frag, 0, false, "the IPv6 header is cut short"
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if length == 0 {
		length = len(b) - 40
	}
	p.v4, p.bytes, p.size = false, int64(length)+40, int64(length)
	copy(p.src[:], b[8:24])
	copy(p.dst[:], b[24:40])
	next = b[6]
	b = b[40:min(40+length, len(b))]
	for range 8 {
		var n int
		switch next {
		case protoHopByHop, protoRouting, protoDestOpts:
			if len(b) < 8 {
				return 0, nil, frag, 0, false, "an IPv6 extension header is cut short"
			}
			n = (int(b[1]) + 1) * 8
		case protoAH:
			if len(b) < 8 {
				return 0, nil, frag, 0, false, "an IPv6 extension header is cut short"
			}
			n = (int(b[1]) + 2) * 4
		case protoFragment:
			if len(b) < 8 {
				return 0, nil, frag, 0, false, "an IPv6 extension header is cut short"
			}
			field := binary.BigEndian.Uint16(b[2:])
			frag = fragment{p.src, p.dst, binary.BigEndian.Uint32(b[4:]), b[0]}
			offset, more = int(field&0xfff8), field&1 != 0
			n = 8
		default:
			return next, b, frag, offset, more, ""
		}
		if len(b) < n {
			return 0, nil, frag, 0, false, "an IPv6 extension header is cut short"
		}
		next, b = b[0], b[n:]
		p.size -= int64(n)
		if offset > 0 {
			return next, b, frag, offset, more, ""
		}
	}
	return 0, nil, frag, 0, false, "more than 8 IPv6 extension headers"
}

// transport reads the header above IP.
func (p *packet) transport(b []byte) (reason string, skip bool) {
	switch p.proto {
	case traffic.TCP:
		if len(b) < 20 {
			return "the TCP header is cut short", false
		}
		header := int(b[12]>>4) * 4
		if header < 20 {
			return "the TCP header's length makes no sense", false
		}
		p.seq, p.flags = binary.BigEndian.Uint32(b[4:]), b[13]
		p.ports(b, header)
	case traffic.UDP, 136: // UDP-Lite
		if len(b) < 8 {
			return "the UDP header is cut short", false
		}
		p.ports(b, 8)
	case traffic.SCTP:
		if len(b) < 12 {
			return "the SCTP header is cut short", false
		}
		p.ports(b, 12)
	case traffic.ICMP, traffic.ICMPv6:
		if len(b) < 8 {
			return "the ICMP header is cut short", false
		}
		p.icmp(b)
	default:
		p.srcPort, p.dstPort, p.payload = 0, 0, nil
	}
	return "", false
}

func (p *packet) ports(b []byte, header int) {
	p.srcPort, p.dstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	p.size = max(p.size-int64(header), 0)
	p.payload = b[min(header, len(b)):]
	if int64(len(p.payload)) > p.size {
		p.payload = p.payload[:p.size]
	}
}

// icmp keeps type and code as ports, and what packet an error speaks of.
func (p *packet) icmp(b []byte) {
	p.srcPort, p.dstPort = uint16(b[0]), uint16(b[1])
	p.size = max(p.size-8, 0)
	p.payload, p.inner = nil, nil
	if p.proto == traffic.ICMP && b[0] == 3 || p.proto == traffic.ICMPv6 && b[0] == 1 { // unreachable
		p.inner = b[8:]
	}
	if p.proto == traffic.ICMPv6 && b[0] >= 128 || p.proto == traffic.ICMP && (b[0] == 0 || b[0] == 8 || b[0] == 13 || b[0] == 14) {
		p.seq = uint32(binary.BigEndian.Uint16(b[4:])) // identifier
	}
}
