package indicator

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"unsafe"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"tocsin/casebook"
)

// maxText bounds the text of an indicator, in octets.
const maxText = 4096

// A fault is why a text is no indicator.
type fault string

func (f fault) Error() string { return string(f) }

// Unwrap says whose fault it is.
func (f fault) Unwrap() error { return casebook.ErrInvalid }

const (
	errEmpty   = fault("nothing stands there")
	errLong    = fault("longer than 4096 octets")
	errPattern = fault("a pattern, not a name: write the names out")
	errSingle  = fault("a name of one label says nothing about one host")
	errSuffix  = fault("a public suffix: everybody's names are below it")
	errName    = fault("neither an address nor a name, a URL or a hash")
	errNumeric = fault("a name that ends in a number is an address, and this is none")
	errPort    = fault("the port isn't one of 1 to 65535")
	errBits    = fault("the prefix is longer than its address, or covers all of them")
	errPath    = fault("a path of fewer than 3 octets is everybody's")
)

// Parse reads an indicator's text as lists write it, defanged or not: an address,
// address and port, prefix, name (*. in front is understood), URL with or without
// scheme, path, hash or JA4. A URL without path is its host. It gives ErrInvalid
// with the reason for anything else.
func Parse(text string) (Value, error) {
	var p parser
	return p.parse([]byte(text))
}

// parser turns octets into values. It keeps its buffer; a Value's Text is its own.
type parser struct {
	buf  []byte
	room []byte // of the names to come: made in pieces, and never written twice
}

func (p *parser) parse(b []byte) (Value, error) {
	if v, ok, err := p.bareName(b); ok {
		return v, err
	}
	b = trim(b)
	switch {
	case len(b) == 0:
		return Value{}, errEmpty
	case len(b) > maxText:
		return Value{}, errLong
	}
	b = p.refang(b)
	if b[0] == '/' {
		return pathValue(b)
	}
	rest, scheme := cutScheme(b)
	if scheme != "" { // who asks isn't whom
		end := bytes.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		rest = rest[bytes.LastIndexByte(rest[:end], '@')+1:]
	}
	host, tail := rest, ""
	if i := bytes.IndexByte(rest, '/'); i >= 0 {
		if host, tail = rest[:i], cleanPath(string(rest[i:])); tail == "/" {
			tail = ""
		}
	}
	if len(tail) > 0 && scheme == "" {
		if v, ok, err := prefix(host, []byte(tail[1:])); ok {
			return v, err
		}
	}
	v, err := p.host(host)
	switch {
	case err != nil:
		return Value{}, err
	case len(tail) > 0 && v.Kind > Domain:
		return Value{}, errName // a hash has no path
	case len(tail) > 0:
		return urlValue(v, scheme, tail)
	case v.Kind == Domain:
		v.Port = 0 // the name is bad, whatever the port
	}
	return v, nil
}

// bareName reads what most lines of most lists are, a name in its canonical form and
// nothing else, in one pass; ok is false for anything that needs a second look, which
// comes to the same for a name.
func (p *parser) bareName(b []byte) (v Value, ok bool, err error) {
	dot, plain := usual(b)
	if !plain || dot < 0 || b[len(b)-1]-'0' <= 9 || bytes.HasPrefix(b, []byte("hxxp")) {
		return v, false, nil
	}
	text := p.text(b)
	if err := checkName(text); err != nil {
		return v, true, err
	}
	return Value{Kind: Domain, Text: text}, true, nil
}

// text makes a string of octets. One allocation makes many.
func (p *parser) text(b []byte) string {
	const piece = 4 << 10
	if len(p.room)+len(b) > cap(p.room) {
		p.room = make([]byte, 0, piece)
	}
	begin := len(p.room)
	p.room = append(p.room, b...)
	return unsafe.String(unsafe.SliceData(p.room[begin:]), len(b))
}

// trim takes blanks and quotes off both ends.
func trim(b []byte) []byte {
	out := func(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '"' || c == '\'' }
	for len(b) > 0 && out(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && out(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// refang undoes what keeps people from clicking: hxxp, [.], (.), [:].
func (p *parser) refang(b []byte) []byte {
	defanged := len(b) > 4 && b[1]|0x20 == 'x' && b[2]|0x20 == 'x' && bytes.EqualFold(b[:4], []byte("hxxp"))
	if !defanged && bytes.IndexByte(b, '[') < 0 && bytes.IndexByte(b, '(') < 0 {
		return b
	}
	p.buf = append(p.buf[:0], b...)
	b = p.buf
	if defanged {
		b[1], b[2] = 't', 't'
	}
	for _, bracket := range [...]string{"[.]", "(.)", "[:]", "[://]"} {
		if bytes.Contains(b, []byte(bracket)) {
			b = bytes.ReplaceAll(b, []byte(bracket), []byte(bracket[1:len(bracket)-1]))
		}
	}
	return b
}

func cutScheme(b []byte) (rest []byte, scheme string) {
	i := bytes.Index(b, []byte("://"))
	if i <= 0 || i > 8 {
		return b, ""
	}
	return b[i+3:], strings.ToLower(string(b[:i]))
}

func pathValue(b []byte) (Value, error) {
	text := cleanPath(string(b))
	if len(text) < 3 {
		return Value{}, errPath
	}
	return Value{Kind: Path, Text: text}, nil
}

// cleanPath drops what a server doesn't see, and the slash at the end that some
// clients leave out.
func cleanPath(s string) string {
	s, _, _ = strings.Cut(s, "#")
	if len(s) > 1 {
		s = strings.TrimRight(s, "/ \t\r\"'")
	}
	return s
}

func prefix(host, bits []byte) (v Value, ok bool, err error) {
	n, ok := number(bits, 128)
	if !ok {
		return v, false, nil
	}
	a, ok := address(host)
	if !ok {
		return v, false, nil
	}
	asset := casebook.PrefixAsset(netip.PrefixFrom(a, n))
	switch {
	case asset.IsZero() || n == 0:
		return v, true, errBits
	case asset.Kind == casebook.IPv4Addr || asset.Kind == casebook.IPv6Addr:
		return Value{Kind: Address, Addr: asset.Addr}, true, nil
	}
	return Value{Kind: Prefix, Addr: asset.Addr, Bits: asset.Bits}, true, nil
}

// url joins host, port and path. The scheme is dropped with the port that it
// implies, since half of the telemetry doesn't tell it.
func urlValue(host Value, scheme, path string) (Value, error) {
	name := host.Text
	if host.Addr.IsValid() {
		name = host.Addr.String()
		if host.Addr.Is6() {
			name = "[" + name + "]"
		}
	}
	port := host.Port
	if port == 80 && scheme != "https" || port == 443 && scheme != "http" {
		port = 0
	}
	if port != 0 {
		return Value{Kind: URL, Text: fmt.Sprintf("%s:%d%s", name, port, path)}, nil
	}
	return Value{Kind: URL, Text: name + path}, nil
}

// host reads what stands where a host may stand, and hashes. A name keeps its port.
func (p *parser) host(b []byte) (Value, error) {
	if len(b) == 0 {
		return Value{}, errEmpty
	}
	if a, ok := address(b); ok {
		return Value{Kind: Address, Addr: a}, nil
	}
	if b[0] == '[' && b[len(b)-1] == ']' {
		if a, ok := address(b[1 : len(b)-1]); ok {
			return Value{Kind: Address, Addr: a}, nil
		}
	}
	name, port := b, 0
	if i := bytes.LastIndexByte(b, ':'); i >= 0 {
		n, ok := number(b[i+1:], 65535)
		if !ok || n == 0 {
			return Value{}, errPort
		}
		if name, port = b[:i], n; len(name) == 0 {
			return Value{}, errEmpty
		}
		if a, ok := address(bytes.Trim(name, "[]")); ok {
			return Value{Kind: Endpoint, Addr: a, Port: uint16(port)}, nil
		}
	}
	if bytes.IndexByte(name, '.') < 0 {
		if v, ok := fingerprint(name); ok && port == 0 {
			return v, nil
		}
	}
	text, err := p.name(name)
	return Value{Kind: Domain, Text: text, Port: uint16(port)}, err
}

// fingerprint recognises hashes by their length, and JA4 by its shape. What the
// hash is of, only the list can tell; a file unless it does.
func fingerprint(b []byte) (Value, bool) {
	text := strings.ToLower(string(b))
	if isJA4(text) {
		return Value{Kind: JA4, Text: text}, true
	}
	if len(text) < 32 {
		return Value{}, false
	}
	a, err := casebook.HashAsset(text)
	return Value{Kind: File, Text: a.Name}, err == nil
}

// isJA4 looks for t13d1516h2_8daaf6152771_02713d6af862 (the JA4 specification):
// 10 characters and two hashes cut to 12 hexadecimal digits.
func isJA4(s string) bool {
	if len(s) != 36 || s[10] != '_' || s[23] != '_' || strings.IndexByte("tqd", s[0]) < 0 || strings.IndexByte("di", s[3]) < 0 {
		return false
	}
	return strings.Trim(s[11:23]+s[24:], "0123456789abcdef") == ""
}

// name gives a domain name in its canonical form.
func (p *parser) name(b []byte) (string, error) {
	b = bytes.TrimPrefix(b, []byte("*"))
	b = bytes.TrimPrefix(b, []byte("."))
	b = bytes.TrimSuffix(b, []byte("."))
	if _, plain := usual(b); plain {
		s := string(b)
		return s, checkName(s)
	}
	if bytes.ContainsAny(b, `\[](){}*+^$|?`) {
		return "", errPattern
	}
	if !ascii(b) {
		plain, err := idna.Lookup.ToASCII(string(b))
		if err != nil {
			return "", errName
		}
		b = []byte(plain)
	}
	a, err := casebook.DomainAsset(string(b))
	if err != nil {
		return "", errName
	}
	return a.Name, checkName(a.Name)
}

// usual tells the names that are canonical as they are, what DomainAsset would check, in
// one pass, and where their last dot is, or -1.
func usual(b []byte) (dot int, ok bool) {
	dot = -1
	for i, c := range b {
		switch {
		case nameOctets[c]:
		case c == '.' && i-dot > 1 && i-dot <= 64:
			dot = i
		default:
			return dot, false
		}
	}
	label := len(b) - 1 - dot
	return dot, label > 0 && label <= 63 && len(b) <= 253
}

// nameOctets are those that labels are written in.
var nameOctets = func() (of [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyz0123456789-_" {
		of[c] = true
	}
	return of
}()

// checkName refuses names that would accuse others too.
func checkName(name string) error {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return errSingle
	}
	last := name[dot+1:]
	if len(last) == 0 || last[0]-'0' <= 9 && strings.Trim(last, "0123456789") == "" {
		return errNumeric
	}
	switch last {
	case "com", "net", "org":
		return nil // nothing below them is the registry's, and half of all names are
	}
	if suffix, icann := publicsuffix.PublicSuffix(name); icann && suffix == name {
		return errSuffix
	}
	return nil
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// address reads an IP address; ok is false for anything else. A zone is dropped.
func address(b []byte) (netip.Addr, bool) {
	if len(b) < 2 || len(b) > 60 {
		return netip.Addr{}, false
	}
	if bytes.IndexByte(b, ':') < 0 {
		return address4(b)
	}
	a, err := netip.ParseAddr(string(b))
	return a.Unmap().WithZone(""), err == nil
}

// address4 reads a dotted quad, as netip.ParseAddr does, without the text.
func address4(b []byte) (netip.Addr, bool) {
	var o [4]byte
	part, value, digits := 0, 0, 0
	for i := 0; i <= len(b); i++ {
		if i == len(b) || b[i] == '.' {
			if digits == 0 || part == 4 {
				return netip.Addr{}, false
			}
			o[part] = byte(value)
			part++
			value, digits = 0, 0
			continue
		}
		c := b[i] - '0'
		if c > 9 || digits > 0 && value == 0 {
			return netip.Addr{}, false
		}
		value, digits = value*10+int(c), digits+1
		if value > 255 {
			return netip.Addr{}, false
		}
	}
	return netip.AddrFrom4(o), part == 4
}

// number reads 0 to limit in decimal digits.
func number(b []byte, limit int) (n int, ok bool) {
	if len(b) == 0 || len(b) > 6 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n <= limit
}
