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
	linkRaw      linkType = 101
	linkLoop     linkType = 108
	linkSLL      linkType = 113
	linkIPv4     linkType = 228
	linkIPv6     linkType = 229
	linkSLL2     linkType = 276
)

func (l linkType) known() bool {
	switch l {
	case linkNull, linkEthernet, linkPPP, linkRawBSD, linkRawOpen, linkPPPHDLC, linkRaw, linkLoop, linkSLL, linkIPv4, linkIPv6, linkSLL2:
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
	etherPPPoE = 0x8864
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
	}
	return nil, false
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
		case etherMPLS:
			if len(b) < 4 {
				return nil, false
			}
			if b[2]&1 != 0 { // bottom of the stack
				return b[4:], len(b) > 4 && (b[4]>>4 == 4 || b[4]>>4 == 6)
			}
			b = b[4:]
		case etherPPPoE:
			if len(b) < 8 {
				return nil, false
			}
			return ppp(b[6:])
		default:
			return nil, false
		}
	}
	return nil, false
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
