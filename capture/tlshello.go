package capture

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"strconv"

	"tocsin/traffic"
)

// clientHello is what a ClientHello says (RFC 8446, section 4.1.2).
type clientHello struct {
	legacy   uint16
	versions []uint16
	session  []byte
	ciphers  []uint16
	exts     []uint16
	groups   []uint16
	points   []byte
	sigs     []uint16
	name     []byte
	hasName  bool
	alpn     []byte // the first offered
	hasALPN  bool
	ja3, ja4 string
}

// reader cuts fields off a message; after the first that is missing all are empty.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) number(octets int) int {
	n := 0
	for _, c := range r.take(octets) {
		n = n<<8 | int(c)
	}
	return n
}

// vector takes a length of so many octets, and what has that length.
func (r *reader) vector(octets int) reader {
	n := r.number(octets)
	v := r.take(n)
	return reader{v, r.bad}
}

// numbers16 reads a vector of 16-bit numbers.
func numbers16(r reader) []uint16 {
	var list []uint16
	for len(r.b) >= 2 {
		list = append(list, uint16(r.number(2)))
	}
	return list
}

// grease reports whether a number is one of those that clients throw in to keep
// servers tolerant (RFC 8701).
func grease(n uint16) bool { return n&0x0f0f == 0x0a0a && n>>8 == n&0xff }

// parse reads a ClientHello and makes its fingerprints; transport is JA4's letter,
// t for TCP and q for QUIC. It gives false for what makes no sense.
func (c *clientHello) parse(body []byte, transport byte) bool {
	r := reader{b: body}
	c.legacy = uint16(r.number(2))
	r.take(32)
	session := r.vector(1)
	ciphers := r.vector(2)
	r.vector(1) // compression
	if r.bad || c.legacy>>8 != 3 {
		return false
	}
	c.session, c.ciphers = bytes.Clone(session.b), numbers16(ciphers)
	exts := r.vector(2)
	for len(exts.b) >= 4 {
		kind := uint16(exts.number(2))
		c.extension(kind, exts.vector(2))
		if exts.bad {
			break
		}
		c.exts = append(c.exts, kind)
	}
	c.ja3, c.ja4 = c.makeJA3(), c.makeJA4(transport)
	// Only the fingerprints of these are needed from here on.
	c.versions, c.ciphers, c.exts, c.groups, c.points, c.sigs = nil, nil, nil, nil, nil, nil
	return true
}

// extension reads one extension's body.
func (c *clientHello) extension(kind uint16, r reader) {
	switch kind {
	case 0: // server_name
		c.hasName = true
		list := r.vector(2)
		if list.number(1) == 0 {
			name := list.vector(2)
			c.name = bytes.Clone(name.b[:min(len(name.b), 255)])
		}
	case 10:
		c.groups = numbers16(r.vector(2))
	case 11:
		points := r.vector(1)
		c.points = bytes.Clone(points.b)
	case 13:
		c.sigs = numbers16(r.vector(2))
	case 16:
		c.hasALPN = true
		list := r.vector(2)
		first := list.vector(1)
		c.alpn = bytes.Clone(first.b[:min(len(first.b), 255)])
	case 43:
		c.versions = numbers16(r.vector(1))
	}
}

// makeJA3 gives the MD5 of version, ciphers, extensions, groups and point formats
// (github.com/salesforce/ja3).
func (c *clientHello) makeJA3() string {
	text := strconv.AppendUint(nil, uint64(c.legacy), 10)
	for _, list := range [][]uint16{c.ciphers, c.exts, c.groups} {
		text = joinDecimal(append(text, ','), list)
	}
	text = append(text, ',')
	for i, p := range c.points {
		if i > 0 {
			text = append(text, '-')
		}
		text = strconv.AppendUint(text, uint64(p), 10)
	}
	sum := md5.Sum(text)
	return hex.EncodeToString(sum[:])
}

func joinDecimal(text []byte, list []uint16) []byte {
	first := true
	for _, n := range list {
		if grease(n) {
			continue
		}
		if !first {
			text = append(text, '-')
		}
		first = false
		text = strconv.AppendUint(text, uint64(n), 10)
	}
	return text
}

// makeJA4 gives the fingerprint of FoxIO's specification of JA4
// (github.com/FoxIO-LLC/ja4, technical_details/JA4.md).
func (c *clientHello) makeJA4(transport byte) string {
	version := c.legacy
	best := uint16(0)
	for _, v := range c.versions {
		if !grease(v) {
			best = max(best, v)
		}
	}
	if best > 0 {
		version = best
	}
	ciphers, exts := plain(c.ciphers), plain(c.exts)
	out := append(make([]byte, 0, 36), transport)
	out = append(out, ja4Version(version)...)
	if c.hasName {
		out = append(out, 'd')
	} else {
		out = append(out, 'i')
	}
	for _, n := range []int{len(ciphers), len(exts)} {
		n = min(n, 99)
		out = append(out, byte('0'+n/10), byte('0'+n%10))
	}
	out = append(out, ja4ALPN(c.alpn)...)
	slices.Sort(ciphers)
	out = append(append(out, '_'), ja4Hash(joinHex(ciphers, nil))...)
	exts = slices.DeleteFunc(exts, func(e uint16) bool { return e == 0 || e == 16 })
	slices.Sort(exts)
	text := joinHex(exts, nil)
	if sigs := plain(c.sigs); len(sigs) > 0 && len(text) > 0 {
		text = joinHex(sigs, append(text, '_'))
	}
	out = append(append(out, '_'), ja4Hash(text)...)
	return string(out)
}

// plain gives a copy without GREASE.
func plain(list []uint16) []uint16 {
	return slices.DeleteFunc(slices.Clone(list), grease)
}

func joinHex(list []uint16, text []byte) []byte {
	for i, n := range list {
		if i > 0 {
			text = append(text, ',')
		}
		text = hex.AppendEncode(text, []byte{byte(n >> 8), byte(n)})
	}
	return text
}

// ja4Hash gives the first 12 digits of the SHA-256, or zeros of nothing.
func ja4Hash(text []byte) string {
	if len(text) == 0 {
		return "000000000000"
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

func ja4Version(v uint16) string {
	switch v {
	case 0x0304:
		return "13"
	case 0x0303:
		return "12"
	case 0x0302:
		return "11"
	case 0x0301:
		return "10"
	case 0x0300:
		return "s3"
	case 0x0002:
		return "s2"
	case 0xfeff:
		return "d1"
	case 0xfefd:
		return "d2"
	case 0xfefc:
		return "d3"
	}
	return "00"
}

// ja4ALPN gives first and last character of a protocol's name, or of its hexadecimal
// digits if either isn't a letter or digit.
func ja4ALPN(name []byte) string {
	if len(name) == 0 {
		return "00"
	}
	first, last := name[0], name[len(name)-1]
	if !alphanumeric(first) || !alphanumeric(last) {
		digits := hex.EncodeToString(name)
		first, last = digits[0], digits[len(digits)-1]
	}
	return string([]byte{first, last})
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// serverHello is what a ServerHello says (RFC 8446, section 4.1.3).
type serverHello struct {
	ok      bool
	retry   bool
	version uint16
	session []byte
	resumed bool // by a pre-shared key
	alpn    []byte
	ja3s    string
}

// retryRandom marks a ServerHello that asks for another ClientHello.
var retryRandom = sha256.Sum256([]byte("HelloRetryRequest"))

func (s *serverHello) parse(body []byte) {
	r := reader{b: body}
	*s = serverHello{version: uint16(r.number(2))}
	legacy := s.version
	random := r.take(32)
	session := r.vector(1)
	cipher := uint16(r.number(2))
	r.take(1)
	if r.bad || legacy>>8 != 3 {
		return
	}
	s.ok, s.retry, s.session = true, bytes.Equal(random, retryRandom[:]), bytes.Clone(session.b)
	var kinds []uint16
	exts := r.vector(2)
	for len(exts.b) >= 4 {
		kind := uint16(exts.number(2))
		v := exts.vector(2)
		if exts.bad {
			break
		}
		kinds = append(kinds, kind)
		switch kind {
		case 16:
			list := v.vector(2)
			first := list.vector(1)
			s.alpn = bytes.Clone(first.b[:min(len(first.b), 255)])
		case 41:
			s.resumed = true
		case 43:
			s.version = uint16(v.number(2))
		}
	}
	text := strconv.AppendUint(nil, uint64(legacy), 10)
	text = strconv.AppendUint(append(text, ','), uint64(cipher), 10)
	text = joinDecimal(append(text, ','), kinds)
	sum := md5.Sum(text)
	s.ja3s = hex.EncodeToString(sum[:])
}

// echoes reports whether the server took up the session that the client offered.
func (s *serverHello) echoes(session []byte) bool {
	return len(session) > 0 && bytes.Equal(s.session, session)
}

// certificate is the first of a Certificate message (RFC 5246, section 7.4.2).
type certificate struct {
	sha1, sha256        string
	subject, issuer     string
	notBefore, notAfter int64
}

func (c *certificate) parse(body []byte) bool {
	r := reader{b: body}
	list := r.vector(3)
	der := list.vector(3)
	if der.bad || len(der.b) == 0 {
		return false
	}
	c.of(der.b)
	return true
}

// of reads a certificate; one that the library can't read has its hashes only.
func (c *certificate) of(der []byte) {
	one, two := sha1.Sum(der), sha256.Sum256(der)
	c.sha1, c.sha256 = hex.EncodeToString(one[:]), hex.EncodeToString(two[:])
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return
	}
	c.subject = string(short([]byte(parsed.Subject.String())))
	c.issuer = string(short([]byte(parsed.Issuer.String())))
	c.notBefore, c.notAfter = max(traffic.Micros(parsed.NotBefore), 0), max(traffic.Micros(parsed.NotAfter), 0)
}
