package feed

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/nlnwa/whatwg-url/url"
	"golang.org/x/net/idna"

	"tocsin/casebook"
)

// kind is what a column's text is tried as to become an asset.
type kind uint8

const (
	kindIP kind = iota
	kindPrefix
	kindEndpoint // address:port
	kindDomain
	kindURL
	kindEmail
	kindHash
	kindAccount
)

var kindNames = map[string]kind{
	"ip": kindIP, "prefix": kindPrefix, "endpoint": kindEndpoint, "domain": kindDomain,
	"url": kindURL, "email": kindEmail, "hash": kindHash, "account": kindAccount,
}

const (
	// maxName bounds the canonical form of a URL, an e-mail address and an
	// account: a row in an index of PostgreSQL ends at 2,704 octets.
	maxName = 2000
	maxURL  = 8 << 10 // as it came; its canonical form may be shorter
)

// What is wrong with a text that gives no asset, said of it.
var (
	errNoAsset   = errors.New("is no address or name that the row can be about")
	errLongAsset = fmt.Errorf("is longer than %d octets in canonical form, which is the bound of an address or name", maxName)
)

// parseAsset reads text as the first of the kinds that it is. The port is that
// of an endpoint, otherwise 0. It gives errNoAsset if it is none of them, or an
// address that no machine has, and errLongAsset if it is one over the bound.
func parseAsset(b []byte, kinds []kind) (casebook.Asset, uint16, error) {
	for _, k := range kinds {
		if k == kindIP {
			if addr, ok := parseAddr(b); ok && !addr.IsUnspecified() {
				return casebook.AddrAsset(addr), 0, nil
			}
			continue
		}
		if a, port, err := parseName(string(b), k); err != errNoAsset {
			return a, port, err
		}
	}
	return casebook.Asset{}, 0, errNoAsset
}

func parseName(s string, k kind) (a casebook.Asset, port uint16, err error) {
	switch k {
	case kindPrefix:
		var p netip.Prefix
		p, err = netip.ParsePrefix(s)
		a = casebook.PrefixAsset(p)
	case kindEndpoint:
		var e netip.AddrPort
		e, err = netip.ParseAddrPort(s)
		if err == nil && !e.Addr().IsUnspecified() {
			a, port = casebook.AddrAsset(e.Addr()), e.Port()
		}
	case kindDomain:
		a = parseDomain(s)
	case kindURL:
		// So long a text isn't worth its reading, whatever it would be.
		if len(s) > maxURL {
			return casebook.Asset{}, 0, errLongAsset
		}
		a = parseURL(s)
	case kindEmail:
		a = parseEmail(s)
	case kindHash:
		a, err = casebook.HashAsset(s)
	case kindAccount:
		if isPlainText(s) {
			a = casebook.Asset{Kind: casebook.UserAccount, Name: s}
		}
	}
	switch {
	case err != nil || a.IsZero():
		return casebook.Asset{}, 0, errNoAsset
	case len(a.Name) > maxName:
		return casebook.Asset{}, 0, errLongAsset
	}
	return a, port, nil
}

// parseAddr reads an address; the usual dotted one by hand, the rest by netip.
func parseAddr(b []byte) (netip.Addr, bool) {
	var octets [4]byte
	n, value, digits := 0, 0, 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) && b[i]-'0' <= 9 {
			if digits == 1 && value == 0 {
				return netip.Addr{}, false // a leading zero: octal to some, decimal to others
			}
			value = value*10 + int(b[i]-'0')
			if digits++; value > 255 {
				break
			}
			continue
		}
		if i < len(b) && b[i] != '.' || digits == 0 || n == 4 {
			break
		}
		octets[n] = byte(value)
		n++
		value, digits = 0, 0
		if i == len(b) && n == 4 {
			return netip.AddrFrom4(octets), true
		}
	}
	if len(b) > 64 || bytes.IndexByte(b, ':') < 0 {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(string(b))
	return addr, err == nil
}

var nameProfile = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

// parseDomain reads a name of at least two labels into A-labels (RFC 5891). An
// address is no name.
func parseDomain(s string) casebook.Asset {
	s = strings.TrimSuffix(s, ".")
	if len(s) > 1024 || !strings.Contains(s, ".") {
		return casebook.Asset{}
	}
	if !isASCII(s) || strings.Contains(strings.ToLower(s), "xn--") {
		var err error
		if s, err = nameProfile.ToASCII(s); err != nil {
			return casebook.Asset{}
		}
	}
	a, err := casebook.DomainAsset(s)
	if err != nil {
		return casebook.Asset{}
	}
	if last := a.Name[strings.LastIndexByte(a.Name, '.')+1:]; strings.Trim(last, "0123456789") == "" {
		return casebook.Asset{}
	}
	return a
}

// parseURL reads an absolute URL with a host into the form in which the WHATWG
// URL standard writes it.
func parseURL(s string) casebook.Asset {
	if !utf8.ValidString(s) {
		return casebook.Asset{}
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" {
		return casebook.Asset{}
	}
	href := u.Href(false)
	if !isPlainText(href) {
		return casebook.Asset{}
	}
	return casebook.Asset{Kind: casebook.URL, Name: href}
}

// parseEmail keeps what stands before the last @, which only the receiving host
// may interpret (RFC 5321, section 2.3.11), and makes the domain canonical.
func parseEmail(s string) casebook.Asset {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || !isPlainText(s) || strings.ContainsAny(s, " <>") {
		return casebook.Asset{}
	}
	domain := parseDomain(s[at+1:])
	if domain.IsZero() {
		return casebook.Asset{}
	}
	return casebook.Asset{Kind: casebook.EmailAddr, Name: s[:at+1] + domain.Name}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isPlainText reports whether s is not empty, valid UTF-8 and free of control
// characters.
func isPlainText(s string) bool {
	return s != "" && utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}
