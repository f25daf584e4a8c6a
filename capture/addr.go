package capture

import "net/netip"

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
	for i, c := range b {
		if c == '%' {
			b = b[:i]
			break
		}
	}
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, b = 0, b[2:]
	}
	for len(b) > 0 {
		if at == 16 {
			return netip.Addr{}, false
		}
		n, i := uint32(0), 0
		for ; i < len(b); i++ {
			h := hexDigit(b[i])
			if h > 15 {
				break
			}
			if i == 4 {
				return netip.Addr{}, false
			}
			n = n<<4 | uint32(h)
		}
		if i == 0 {
			return netip.Addr{}, false
		}
		if i < len(b) && b[i] == '.' {
			v4, ok := parseIPv4(b)
			if !ok || at > 12 {
				return netip.Addr{}, false
			}
			at += copy(a[at:], v4[:])
			break
		}
		a[at], a[at+1] = byte(n>>8), byte(n)
		at += 2
		if b = b[i:]; len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return netip.Addr{}, false
		}
		if b = b[1:]; b[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			gap, b = at, b[1:]
		}
	}
	if at < 16 {
		if gap < 0 {
			return netip.Addr{}, false
		}
		tail := at - gap
		copy(a[16-tail:], a[gap:at])
		clear(a[gap : 16-tail])
	} else if gap >= 0 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom16(a).Unmap(), true
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
