package capture

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"

	"tocsin/traffic"
)

// quicReader reads the ClientHello of QUIC connections, whose first packets are
// encrypted with keys that they themselves tell (RFC 9001, section 5.2; RFC 9369).
type quicReader struct {
	partial map[uint64]*quicHello
	order   []uint64
}

const (
	// maxQUIC is how many connections may wait for the rest of their ClientHello.
	maxQUIC = 512
	// maxCrypto is the longest ClientHello: with post-quantum keys 2 KiB are usual.
	maxCrypto = 16 << 10
	// maxPieces bounds the frames that a ClientHello may be spread over.
	maxPieces = 32
)

type quicHello struct {
	at     int64
	pieces []quicPiece
	done   bool
}

type quicPiece struct {
	offset int
	data   []byte
}

// quicVersion is what differs between versions 1 and 2.
type quicVersion struct {
	salt    []byte
	prefix  string
	initial byte // type bits of an Initial packet
}

var quicVersions = map[uint32]quicVersion{
	1:          {[]byte("\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"), "quic ", 0},
	0x6b3343cf: {[]byte("\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9"), "quicv2 ", 1},
	0xff00001d: {[]byte("\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99"), "quic ", 0}, // draft 29
}

// quicInitial reports whether a datagram begins with an Initial packet.
func quicInitial(b []byte) bool {
	if len(b) < 100 || b[0]&0xc0 != 0xc0 {
		return false
	}
	v, ok := quicVersions[binary.BigEndian.Uint32(b[1:])]
	return ok && b[0]>>4&3 == v.initial
}

// quicHello takes a client's datagram with Initial packets.
func (w *wire) quicHello(s *session, b []byte, batch *traffic.Batch) {
	q := w.quic.of(s.link, w.last)
	if q.done {
		return
	}
	for quicInitial(b) {
		plainText, n := quicOpen(b)
		if n == 0 {
			return
		}
		q.frames(plainText)
		b = b[n:]
	}
	message := q.assemble()
	if len(message) < 4 || message[0] != 1 {
		return
	}
	n := int(message[1])<<16 | int(message[2])<<8 | int(message[3])
	if len(message) < 4+n {
		return
	}
	q.done, q.pieces = true, nil
	var c clientHello
	if !c.parse(message[4:4+n], 'q') {
		return
	}
	client, server := s.key.a, s.key.b
	if s.swapped {
		client, server = server, client
	}
	batch.Handshakes = append(batch.Handshakes, traffic.Handshake{
		At: q.at, Client: addrOf(&client), Server: addrOf(&server), ClientPort: s.origPort, ServerPort: s.respPort, Proto: traffic.UDP,
		Version: 0x0304, Link: s.link, SNI: w.strings.Of(nameOf(c.name)), ALPN: w.strings.Of(c.alpn), JA3: c.ja3, JA4: c.ja4,
	})
}

// of finds a connection's beginning, or makes room for a new one.
func (r *quicReader) of(link uint64, at int64) *quicHello {
	if q := r.partial[link]; q != nil {
		return q
	}
	if r.partial == nil {
		r.partial = make(map[uint64]*quicHello)
	}
	if len(r.order) >= maxQUIC {
		delete(r.partial, r.order[0])
		r.order = append(r.order[:0], r.order[1:]...)
	}
	q := &quicHello{at: at}
	r.partial[link] = q
	r.order = append(r.order, link)
	return q
}

// quicOpen decrypts the Initial packet that b begins with, and gives its frames and
// its length; 0 for one that can't be opened.
func quicOpen(b []byte) (frames []byte, length int) {
	v := quicVersions[binary.BigEndian.Uint32(b[1:])]
	r := reader{b: b[5:]}
	dcid := r.vector(1)
	r.vector(1) // source connection
	r.take(r.varint())
	n := r.varint()
	at := len(b) - len(r.b)
	if r.bad || n < 20 || n > len(r.b) || len(dcid.b) > 20 || at+20 > len(b) {
		return nil, 0
	}
	key, iv, hp, ok := quicKeys(v, dcid.b)
	if !ok {
		return nil, 0
	}
	var mask [16]byte
	hp.Encrypt(mask[:], b[at+4:at+20])
	header := append([]byte(nil), b[:at+4]...)
	header[0] ^= mask[0] & 15
	width := int(header[0]&3) + 1
	number := uint64(0)
	for i := range width {
		header[at+i] ^= mask[1+i]
		number = number<<8 | uint64(header[at+i])
	}
	header = header[:at+width]
	for i := range 8 {
		iv[len(iv)-1-i] ^= byte(number >> (8 * i))
	}
	frames, err := key.Open(nil, iv, b[at+width:at+n], header)
	if err != nil {
		return nil, 0
	}
	return frames, at + n
}

// quicKeys derives the keys of a client's Initial packets.
func quicKeys(v quicVersion, dcid []byte) (cipher.AEAD, []byte, cipher.Block, bool) {
	secret, err := hkdf.Extract(sha256.New, dcid, v.salt)
	if err != nil {
		return nil, nil, nil, false
	}
	client := expandLabel(secret, "client in", 32)
	block, err := aes.NewCipher(expandLabel(client, v.prefix+"key", 16))
	if err != nil {
		return nil, nil, nil, false
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, nil, nil, false
	}
	hp, err := aes.NewCipher(expandLabel(client, v.prefix+"hp", 16))
	return aead, expandLabel(client, v.prefix+"iv", 12), hp, err == nil
}

// expandLabel is HKDF-Expand-Label with an empty context (RFC 8446, section 7.1).
func expandLabel(secret []byte, label string, n int) []byte {
	info := append([]byte{byte(n >> 8), byte(n), byte(6 + len(label))}, "tls13 "+label...)
	out, err := hkdf.Expand(sha256.New, secret, string(append(info, 0)), n)
	if err != nil {
		return make([]byte, n) // too long a key was asked for, which none is
	}
	return out
}

// varint reads a variable-length integer (RFC 9000, section 16).
func (r *reader) varint() int {
	if r.bad || len(r.b) == 0 {
		r.bad = true
		return 0
	}
	width := 1 << (r.b[0] >> 6)
	n := r.number(width)
	switch width {
	case 1:
		return n & 0x3f
	case 2:
		return n & 0x3fff
	case 4:
		return n & 0x3fffffff
	}
	r.bad = true // longer than any packet
	return 0
}

// frames keeps the CRYPTO frames of a packet (RFC 9000, section 19).
func (q *quicHello) frames(b []byte) {
	r := reader{b: b}
	for len(r.b) > 0 && !r.bad {
		switch kind := r.number(1); kind {
		case 0, 1: // PADDING, PING
		case 2, 3: // ACK
			r.varint()
			r.varint()
			ranges := r.varint()
			r.varint()
			for range 2 * min(ranges, 256) {
				r.varint()
			}
			if kind == 3 {
				for range 3 {
					r.varint()
				}
			}
		case 6:
			offset, n := r.varint(), r.varint()
			data := r.take(n)
			if !r.bad && offset+n <= maxCrypto && len(q.pieces) < maxPieces {
				q.pieces = append(q.pieces, quicPiece{offset, data})
			}
		default:
			return
		}
	}
}

// assemble gives the beginning of the handshake, as far as there is no hole.
func (q *quicHello) assemble() []byte {
	var message []byte
	for range q.pieces {
		grown := false
		for _, p := range q.pieces {
			if p.offset <= len(message) && p.offset+len(p.data) > len(message) {
				message = append(message, p.data[len(message)-p.offset:]...)
				grown = true
			}
		}
		if !grown {
			break
		}
	}
	return message
}
