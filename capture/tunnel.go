package capture

import (
	"encoding/binary"

	"tocsin/traffic"
)

// gre gives the IP packet inside GRE (RFC 2784, 2890).
func gre(b []byte) ([]byte, bool) {
	if len(b) < 4 || b[1]&7 != 0 {
		return nil, false
	}
	n := 4
	for _, bit := range []byte{0x80, 0x20, 0x10} { // checksum, key, sequence
		if b[0]&bit != 0 {
			n += 4
		}
	}
	if len(b) <= n {
		return nil, false
	}
	kind, b := binary.BigEndian.Uint16(b[2:]), b[n:]
	switch {
	case kind == etherSPAN2 && n == 4: // type I has no header
		kind = etherTEB
	case kind == etherSPAN2 && len(b) > 8:
		kind, b = etherTEB, b[8:]
	case kind == etherSPAN3 && len(b) > 12:
		more := 12
		if b[11]&1 != 0 {
			more = 20
		}
		kind, b = etherTEB, b[min(more, len(b)):]
	}
	return ether(kind, b)
}

// Ports of tunnels over UDP.
const (
	portGTP      = 2152
	portVXLAN    = 4789
	portVXLANOld = 8472
	portGeneve   = 6081
)

// tunnelled gives the IP packet inside VXLAN (RFC 7348), Geneve (RFC 8926) and GTP-U
// (3GPP TS 29.281), which networks of data centres and of mobile telephones are made
// of, and mirrors of them.
func (p *packet) tunnelled(b []byte, more bool) (ip []byte, ok bool) {
	if p.proto != traffic.UDP || more || len(b) < 8+8 {
		return nil, false
	}
	port := binary.BigEndian.Uint16(b[2:])
	b = b[8:]
	switch port {
	case portVXLAN, portVXLANOld:
		if b[0]&0xf7 != 0 || b[0]&8 == 0 || b[7] != 0 {
			return nil, false
		}
		return ether(etherTEB, b[8:])
	case portGeneve:
		options := int(b[0]&0x3f) * 4
		if b[0]>>6 != 0 || len(b) < 8+options {
			return nil, false
		}
		return ether(binary.BigEndian.Uint16(b[2:]), b[8+options:])
	case portGTP:
		return gtp(b)
	}
	return nil, false
}

// gtp steps over a user packet's header and its extensions.
func gtp(b []byte) (ip []byte, ok bool) {
	const user = 0xff
	if b[0]>>4 != 3 || b[1] != user {
		return nil, false
	}
	n := 8
	if b[0]&7 != 0 {
		n = 12
		if len(b) < n {
			return nil, false
		}
		for next := b[n-1]; b[0]&4 != 0 && next != 0; next = b[n-1] {
			if len(b) <= n || b[n] == 0 || len(b) < n+int(b[n])*4 {
				return nil, false
			}
			n += int(b[n]) * 4
		}
	}
	if len(b) <= n || b[n]>>4 != 4 && b[n]>>4 != 6 {
		return nil, false
	}
	return b[n:], true
}
