package casebook

import (
	"fmt"
	"net/netip"
	"strings"
)

// AssetKind tells what an Asset is, in the words of STIX 2.1 where it has one.
type AssetKind uint8

// The kinds of assets. Numbers are never reused.
const (
	NoAsset AssetKind = iota
	IPv4Addr
	IPv6Addr
	IPv4Prefix
	IPv6Prefix
	DomainName
	URL
	EmailAddr
	FileHash
	UserAccount
)

var assetKindNames = words{"", "ipv4-addr", "ipv6-addr", "ipv4-prefix", "ipv6-prefix", "domain-name", "url", "email-addr", "file-hash", "user-account"}

func (k AssetKind) String() string { return assetKindNames.of(uint8(k)) }

// Asset is an address, a range, a name or a thing that can be held or be part of
// a threat. Two assets are the same exactly when they are ==. The zero value is
// no asset.
type Asset struct {
	Kind AssetKind
	Addr netip.Addr // of addresses and prefixes, unmapped, without zone
	Bits uint8      // length of a prefix
	Name string     // of all other kinds, canonical
}

// AddrAsset makes the asset of one address. An IPv4 address in IPv6 clothing is
// the IPv4 address; a zone is dropped. The zero Addr gives no asset.
func AddrAsset(a netip.Addr) Asset {
	a = a.Unmap().WithZone("")
	switch {
	case a.Is4():
		return Asset{Kind: IPv4Addr, Addr: a}
	case a.Is6():
		return Asset{Kind: IPv6Addr, Addr: a}
	}
	return Asset{}
}

// PrefixAsset makes the asset of a prefix, its host bits cleared; one of full
// length is the address. An invalid prefix gives no asset, and so does one of an
// IPv4 address in IPv6 clothing that is shorter than the clothing (96 bits).
func PrefixAsset(p netip.Prefix) Asset {
	if !p.IsValid() {
		return Asset{}
	}
	bits := p.Bits()
	if p.Addr().Is4In6() {
		if bits < 96 {
			return Asset{}
		}
		bits -= 96
		p = netip.PrefixFrom(p.Addr().Unmap(), bits)
	}
	p = p.Masked()
	if p.IsSingleIP() {
		return AddrAsset(p.Addr())
	}
	kind := IPv6Prefix
	if p.Addr().Is4() {
		kind = IPv4Prefix
	}
	return Asset{Kind: kind, Addr: p.Addr(), Bits: uint8(bits)}
}

// DomainAsset makes the asset of a domain name given in ASCII (A-labels, RFC
// 5890): lower case, without the dot at the end. It gives ErrInvalid for an
// empty label, one over 63 octets, a name over 253, or an octet that is neither
// letter, digit, hyphen nor underscore.
func DomainAsset(name string) (Asset, error) {
	bad := func(why string) (Asset, error) {
		return Asset{}, fmt.Errorf("domain name %.80q: %s: %w", name, why, ErrInvalid)
	}
	s := strings.TrimSuffix(name, ".")
	if len(s) > 253 {
		return bad("longer than 253 octets")
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return bad("a label must have 1 to 63 octets")
		}
		for _, c := range []byte(label) {
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
				return bad("a label has letters, digits, hyphens and underscores only")
			}
		}
	}
	return Asset{Kind: DomainName, Name: strings.ToLower(s)}, nil
}

// HashAsset makes the asset of a file by its MD5, SHA-1, SHA-256 or SHA-512 in
// hexadecimal. It gives ErrInvalid for anything else.
func HashAsset(hexadecimal string) (Asset, error) {
	s := strings.ToLower(hexadecimal)
	switch len(s) {
	case 32, 40, 64, 128:
	default:
		return Asset{}, fmt.Errorf("file hash %.80q has %d digits, not 32, 40, 64 or 128: %w", hexadecimal, len(s), ErrInvalid)
	}
	if strings.Trim(s, "0123456789abcdef") != "" {
		return Asset{}, fmt.Errorf("file hash %.80q is not hexadecimal: %w", hexadecimal, ErrInvalid)
	}
	return Asset{Kind: FileHash, Name: s}, nil
}

// IsZero reports whether there is no asset.
func (a Asset) IsZero() bool { return a.Kind == NoAsset }

// Prefix gives the range of an address (full length) or a prefix; ok is false
// for the other kinds.
func (a Asset) Prefix() (p netip.Prefix, ok bool) {
	switch a.Kind {
	case IPv4Addr, IPv6Addr:
		return netip.PrefixFrom(a.Addr, a.Addr.BitLen()), true
	case IPv4Prefix, IPv6Prefix:
		return netip.PrefixFrom(a.Addr, int(a.Bits)), true
	}
	return netip.Prefix{}, false
}

// String writes the asset as people do: 192.0.2.7, 2001:db8::/32, example.net.
func (a Asset) String() string { return string(a.Append(nil)) }

// Append appends what String gives.
func (a Asset) Append(b []byte) []byte {
	switch a.Kind {
	case NoAsset:
		return b
	case IPv4Addr, IPv6Addr:
		return a.Addr.AppendTo(b)
	case IPv4Prefix, IPv6Prefix:
		return netip.PrefixFrom(a.Addr, int(a.Bits)).AppendTo(b)
	}
	return append(b, a.Name...)
}

// AppendCanonical appends the octets by which the asset is stored, compared and
// ordered within its kind: 16 for an address (IPv4 mapped into IPv6), 32 for a
// prefix (its lowest and highest address), the name itself otherwise.
func (a Asset) AppendCanonical(b []byte) []byte {
	switch a.Kind {
	case NoAsset:
		return b
	case IPv4Addr, IPv6Addr:
		o := a.Addr.As16()
		return append(b, o[:]...)
	case IPv4Prefix, IPv6Prefix:
		low := a.Addr.As16()
		high := LastAddr(netip.PrefixFrom(a.Addr, int(a.Bits))).As16()
		return append(append(b, low[:]...), high[:]...)
	}
	return append(b, a.Name...)
}

// CanonicalAsset is the inverse of AppendCanonical. It gives ErrInvalid for
// octets that no asset of the kind has.
func CanonicalAsset(kind AssetKind, octets []byte) (Asset, error) {
	bad := func() (Asset, error) {
		return Asset{}, fmt.Errorf("%x is no canonical form of a %s: %w", octets, kind, ErrInvalid)
	}
	switch kind {
	case NoAsset:
		if len(octets) != 0 {
			return bad()
		}
		return Asset{}, nil
	case IPv4Addr, IPv6Addr:
		addr, ok := netip.AddrFromSlice(octets)
		if a := AddrAsset(addr); ok && len(octets) == 16 && a.Kind == kind {
			return a, nil
		}
		return bad()
	case IPv4Prefix, IPv6Prefix:
		if len(octets) != 32 {
			return bad()
		}
		low := netip.AddrFrom16([16]byte(octets[:16])).Unmap()
		for bits := 0; bits < low.BitLen(); bits++ {
			p := netip.PrefixFrom(low, bits)
			if p.Masked() == p && LastAddr(p).As16() == [16]byte(octets[16:]) {
				if a := PrefixAsset(p); a.Kind == kind {
					return a, nil
				}
			}
		}
		return bad()
	}
	a, err := Asset{Kind: kind, Name: string(octets)}, error(nil)
	switch kind {
	case DomainName:
		a, err = DomainAsset(a.Name)
	case FileHash:
		a, err = HashAsset(a.Name)
	}
	if err != nil || int(kind) >= len(assetKindNames) || len(octets) == 0 || a.Name != string(octets) {
		return bad()
	}
	return a, nil
}

// LastAddr gives the highest address of a prefix.
func LastAddr(p netip.Prefix) netip.Addr {
	o := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(o)*8; bit++ {
		o[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(o)
	return a
}
