package capture

import "errors"

var errPacked = errors.New("not as the packing's format says")

// unpacker copies literals and earlier output, within bounds.
type unpacker struct {
	src, out []byte
	at, most int
	bad      bool
}

// octet gives the next octet, 0 past the end.
func (u *unpacker) octet() int {
	if u.at >= len(u.src) {
		u.bad = true
		return 0
	}
	u.at++
	return int(u.src[u.at-1])
}

// literals copies n octets of the source.
func (u *unpacker) literals(n int) {
	if u.bad || n > len(u.src)-u.at || n > u.most-len(u.out) {
		u.bad = true
		return
	}
	u.out = append(u.out, u.src[u.at:u.at+n]...)
	u.at += n
}

// again copies n octets from distance octets back, which may overlap.
func (u *unpacker) again(distance, n int) {
	if u.bad || distance <= 0 || distance > len(u.out) || n > u.most-len(u.out) {
		u.bad = true
		return
	}
	for range n {
		u.out = append(u.out, u.out[len(u.out)-distance])
	}
}

// long adds up a length that goes on in further octets, as LZO writes it.
func (u *unpacker) long(base int) int {
	n := base
	for !u.bad {
		c := u.octet()
		if c != 0 {
			return n + c
		}
		if n += 255; n > u.most {
			u.bad = true
		}
	}
	return 0
}

// lz4Block unpacks a block of LZ4 (LZ4 Block Format Description).
func lz4Block(src []byte, most int) ([]byte, error) {
	u := unpacker{src: src, most: most}
	length := func(n int) int {
		if n < 15 {
			return n
		}
		for !u.bad {
			c := u.octet()
			if n += c; n > most {
				u.bad = true
			}
			if c != 255 {
				return n
			}
		}
		return 0
	}
	for !u.bad {
		token := u.octet()
		u.literals(length(token >> 4))
		if u.at == len(src) {
			break // the last sequence has literals only
		}
		distance := u.octet() | u.octet()<<8
		u.again(distance, length(token&15)+4)
	}
	if u.bad {
		return nil, errPacked
	}
	return u.out, nil
}

// lzo1x unpacks a stream of LZO1X, as its decompressor defines the format (Linux'
// Documentation/staging/lzo.rst describes it).
func lzo1x(src []byte, most int) ([]byte, error) {
	u := unpacker{src: src, most: most}
	state := 0 // literals that the instruction before copied: 0 to 3, or 4 for a run
	if len(src) > 0 && src[0] > 17 {
		n := u.octet() - 17
		u.literals(n)
		state = min(n, 4)
	}
	for !u.bad {
		c := u.octet()
		if c < 16 && state == 0 { // a run of literals
			n := c
			if n == 0 {
				n = u.long(15)
			}
			u.literals(n + 3)
			state = 4
			continue
		}
		var distance, n int
		last := c // holds in its lowest bits how many literals follow
		switch {
		case c < 16 && state == 4:
			distance, n = 0x801+c>>2+u.octet()<<2, 3
		case c < 16:
			distance, n = 1+c>>2+u.octet()<<2, 2
		case c < 32:
			if n = c & 7; n == 0 {
				n = u.long(7)
			}
			last = u.octet()
			distance = c&8<<11 + last>>2 + u.octet()<<6
			if distance == 0 {
				if u.bad || u.at != len(src) {
					return nil, errPacked
				}
				return u.out, nil
			}
			distance += 0x4000
			n += 2
		case c < 64:
			if n = c & 31; n == 0 {
				n = u.long(31)
			}
			last = u.octet()
			distance, n = 1+last>>2+u.octet()<<6, n+2
		default:
			distance, n = 1+c>>2&7+u.octet()<<3, c>>5+1
		}
		u.again(distance, n)
		state = last & 3
		u.literals(state)
	}
	return nil, errPacked
}
