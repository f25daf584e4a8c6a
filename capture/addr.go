package capture

import (
	"bytes"
	"net/netip"
)

// parseAddr reads an address as netip.ParseAddr does (RFC 4291, section 2.2), from
// bytes and without allocating, drops a zone and unmaps.
func parseAddr(b []byte) (netip.Addr, bool) {
	for i, c := range b {
		switch c {
		case '.':
			v4, ok := parseIPv4(b)
			return netip.AddrFrom4(v4), ok
		case ':':
			return parseIPv6(b)
		}
		if i == 4 {
			break
		}
	}
	return netip.Addr{}, false
}

func parseIPv4(b []byte) (v4 [4]byte, ok bool) {
	part, digits := 0, 0
	n := uint32(0)
	for _, c := range b {
		if d := uint32(c - '0'); d <= 9 {
			if digits > 0 && n == 0 {
				return v4, false // a leading zero might be octal
			}
			n = n*10 + d
			digits++
			if n > 255 {
				return v4, false
			}
			continue
		}
		if c != '.' || digits == 0 || part == 3 {
			return v4, false
		}
		v4[part] = byte(n)
		part++
		n, digits = 0, 0
	}
	if part != 3 || digits == 0 {
		return v4, false
	}
	v4[3] = byte(n)
	return v4, true
}

func parseIPv6(b []byte) (netip.Addr, bool) {
	var a [16]byte
	at, gap := 0, -1
	if zone := bytes.IndexByte(b, '%'); zone >= 0 {
		b = b[:zone]
	}
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, b = 0, b[2:]
	}
	for len(b) > 0 {
		written, read := group(a[at:], b)
		if read == 0 {
			return netip.Addr{}, false
		}
		at += written
		if b = b[read:]; len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 || written == 4 {
			return netip.Addr{}, false
		}
		if b = b[1:]; b[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			gap, b = at, b[1:]
		}
	}
	if (at < 16) != (gap >= 0) {
		return netip.Addr{}, false
	}
	if gap >= 0 {
		tail := at - gap
		copy(a[16-tail:], a[gap:at])
		clear(a[gap : 16-tail])
	}
	return netip.AddrFrom16(a).Unmap(), true
}

// group reads the digits of one group, or an IPv4 address that ends the text, and tells
// how many octets it wrote and read; none if they make no sense or don't fit.
func group(a, b []byte) (written, read int) {
	n := uint32(0)
	for read < len(b) && hexDigit(b[read]) < 16 && read < 5 {
		n = n<<4 | uint32(hexDigit(b[read]))
		read++
	}
	if read < len(b) && b[read] == '.' {
		if v4, ok := parseIPv4(b); ok && len(a) >= 4 {
			return copy(a, v4[:]), len(b)
		}
		return 0, 0
	}
	if read == 5 || len(a) < 2 {
		return 0, 0
	}
	a[0], a[1] = byte(n>>8), byte(n)
	return 2, read
}

func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
