package capture

import "encoding/binary"

// linkType is what a packet begins with, by the registry of tcpdump.org.
type linkType uint32

const (
	linkNull     linkType = 0
	linkEthernet linkType = 1
	linkPPP      linkType = 9
	linkRawBSD   linkType = 12
	linkRawOpen  linkType = 14
	linkPPPHDLC  linkType = 50
	linkPPPoE    linkType = 51
	linkRaw      linkType = 101
	linkHDLC     linkType = 104
	link80211    linkType = 105
	linkLoop     linkType = 108
	linkSLL      linkType = 113
	linkRadiotap linkType = 127
	linkPKTAP    linkType = 149 // as Apple's own tcpdump writes it
	linkIPv4     linkType = 228
	linkIPv6     linkType = 229
	linkNFLOG    linkType = 239
	linkPKTAP2   linkType = 258
	linkSLL2     linkType = 276
)

func (l linkType) known() bool {
	switch l {
	case linkNull, linkEthernet, linkPPP, linkRawBSD, linkRawOpen, linkPPPHDLC, linkPPPoE, linkRaw, linkHDLC, link80211, linkLoop,
		linkSLL, linkRadiotap, linkPKTAP, linkIPv4, linkIPv6, linkNFLOG, linkPKTAP2, linkSLL2:
		return true
	}
	return false
}

// What an EtherType says follows (IEEE 802 numbers).
const (
	etherIPv4  = 0x0800
	etherIPv6  = 0x86dd
	etherVLAN  = 0x8100
	etherQinQ  = 0x88a8
	etherQinQ2 = 0x9100
	etherMPLS  = 0x8847
	etherMPLS2 = 0x8848
	etherPPPoE = 0x8864
	etherTEB   = 0x6558 // Ethernet inside of something else
	etherSPAN2 = 0x88be // Cisco's mirrored packets, in GRE
	etherSPAN3 = 0x22eb
)

// network gives what of a packet begins with the IP header; ok is false for other
// protocols, and for packets too short to tell.
func (l linkType) network(b []byte) (ip []byte, ok bool) {
	switch l {
	case linkRaw, linkRawBSD, linkRawOpen, linkIPv4, linkIPv6:
		return b, len(b) > 0
	case linkNull, linkLoop:
		// The address family is in the capturing machine's order and numbers, which
		// differ: the version in the IP header tells.
		if len(b) < 5 {
			return nil, false
		}
		return b[4:], b[4]>>4 == 4 || b[4]>>4 == 6
	case linkPPP, linkPPPHDLC:
		return ppp(b)
	case linkEthernet:
		if len(b) < 14 {
			return nil, false
		}
		return ether(binary.BigEndian.Uint16(b[12:]), b[14:])
	case linkSLL:
		if len(b) < 16 {
			return nil, false
		}
		return ether(binary.BigEndian.Uint16(b[14:]), b[16:])
	case linkSLL2:
		if len(b) < 20 {
			return nil, false
		}
		return ether(binary.BigEndian.Uint16(b), b[20:])
	case linkPPPoE:
		return ether(etherPPPoE, b)
	case linkHDLC:
		if len(b) < 4 {
			return nil, false
		}
		return ether(binary.BigEndian.Uint16(b[2:]), b[4:])
	case linkRadiotap, link80211:
		return wireless(l, b)
	case linkPKTAP, linkPKTAP2:
		return pktap(b)
	case linkNFLOG:
		return nflog(b)
	}
	return nil, false
}

// pktap steps over Apple's header before a packet, which tells its link type.
func pktap(b []byte) (ip []byte, ok bool) {
	if len(b) < 12 {
		return nil, false
	}
	n, inner := binary.LittleEndian.Uint32(b), linkType(binary.LittleEndian.Uint32(b[8:]))
	if n < 12 || int64(n) > int64(len(b)) || inner == linkPKTAP || inner == linkPKTAP2 {
		return nil, false
	}
	return inner.network(b[n:])
}

// nflog finds the packet among what Linux' firewall tells of it, as the system's and
// Android's captures hold it. Lengths are in the order of the machine: nearly all are
// little-endian.
func nflog(b []byte) (ip []byte, ok bool) {
	const payload = 9
	if len(b) < 4 {
		return nil, false
	}
	for b = b[4:]; len(b) >= 4; {
		n, kind := int(binary.LittleEndian.Uint16(b)), binary.LittleEndian.Uint16(b[2:])&0x7fff
		if n < 4 || n > len(b) {
			return nil, false
		}
		if kind == payload {
			return b[4:n], n > 4
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return nil, false
}

// wireless reads a data frame of IEEE 802.11 that isn't encrypted, behind radiotap's
// header if there is one.
func wireless(l linkType, b []byte) (ip []byte, ok bool) {
	if l == linkRadiotap {
		if len(b) < 4 || int(binary.LittleEndian.Uint16(b[2:])) > len(b) {
			return nil, false
		}
		b = b[binary.LittleEndian.Uint16(b[2:]):]
	}
	const data, quality, protected, both, order = 0x08, 0x80, 0x40, 0x03, 0x80
	if len(b) < 24 || b[0]&0x0c != data || b[0]&0x40 != 0 || b[1]&protected != 0 { // 0x40: without data
		return nil, false
	}
	n := 24
	if b[1]&both == both {
		n += 6
	}
	if b[0]&quality != 0 {
		n += 2
		if b[1]&order != 0 {
			n += 4
		}
	}
	return snap(b[min(n, len(b)):])
}

// snap reads IEEE 802.2's header with an EtherType in it.
func snap(b []byte) (ip []byte, ok bool) {
	if len(b) < 8 || b[0] != 0xaa || b[1] != 0xaa {
		return nil, false
	}
	return ether(binary.BigEndian.Uint16(b[6:]), b[8:])
}

// ether follows EtherTypes through tags and labels, a bounded number of them.
func ether(kind uint16, b []byte) (ip []byte, ok bool) {
	for range 8 {
		switch kind {
		case etherIPv4, etherIPv6:
			return b, len(b) > 0
		case etherVLAN, etherQinQ, etherQinQ2:
			if len(b) < 4 {
				return nil, false
			}
			kind, b = binary.BigEndian.Uint16(b[2:]), b[4:]
		case etherMPLS, etherMPLS2:
			if len(b) < 4 {
				return nil, false
			}
			if b[2]&1 != 0 { // bottom of the stack
				return labelled(b[4:])
			}
			b = b[4:]
		case etherPPPoE:
			if len(b) < 8 {
				return nil, false
			}
			return ppp(b[6:])
		case etherTEB:
			if len(b) < 14 {
				return nil, false
			}
			kind, b = binary.BigEndian.Uint16(b[12:]), b[14:]
		default:
			if kind <= 1500 { // IEEE 802.3: a length
				return snap(b)
			}
			return nil, false
		}
	}
	return nil, false
}

// labelled tells what is behind MPLS' labels, which nothing says: IP, or Ethernet
// behind a control word (RFC 4385) or without one.
func labelled(b []byte) (ip []byte, ok bool) {
	if len(b) == 0 {
		return nil, false
	}
	switch b[0] >> 4 {
	case 4, 6:
		return b, true
	case 0:
		if len(b) >= 18 && binary.BigEndian.Uint16(b[12:]) < 0x0600 {
			return ether(etherTEB, b[4:])
		}
	}
	return ether(etherTEB, b)
}

// ppp reads PPP's protocol field (RFC 1661), behind HDLC's address if that is there.
func ppp(b []byte) (ip []byte, ok bool) {
	if len(b) >= 2 && b[0] == 0xff && b[1] == 0x03 {
		b = b[2:]
	}
	if len(b) < 3 {
		return nil, false
	}
	kind := binary.BigEndian.Uint16(b)
	return b[2:], kind == 0x0021 || kind == 0x0057
}
