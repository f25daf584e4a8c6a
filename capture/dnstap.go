package capture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"

	"tocsin/casebook"
	"tocsin/traffic"
)

var _ = add(Format{Name: "dnstap", About: "what name servers log in dnstap's frame streams: the questions of clients, with their answers",
	knows: knowsDnstap, open: openDnstap})

const (
	dnstapContent = "protobuf:dnstap.Dnstap"
	// maxFrame bounds a frame: two DNS messages of 64 KiB and what is around them.
	maxFrame = 256 << 10
	// maxControl bounds a control frame, as the protocol's own library does.
	maxControl = 512
)

// dnstap reads a frame stream (farsightsec.github.io/fstrm) of dnstap messages
// (dnstap.info, dnstap.proto).
type dnstap struct {
	in    *bufio.Reader
	tally *tally
	frame []byte
	dns   dnsReader
	pairs pairs
}

func knowsDnstap(head []byte) bool {
	return len(head) >= 12 && binary.BigEndian.Uint32(head) == 0 && binary.BigEndian.Uint32(head[4:]) <= maxControl &&
		bytes.Contains(head[:min(len(head), 8+maxControl)], []byte(dnstapContent))
}

func openDnstap(s source) (decoder, error) {
	return &dnstap{in: s.in, tally: s.tally}, nil
}

func (d *dnstap) fill(b *traffic.Batch) error {
	for b.Len() < batchRecords {
		if err := d.next(b); err != nil {
			d.pairs.flush(b)
			return err
		}
	}
	return nil
}

// next reads a frame: its length, then a message; a length of 0 announces a control
// frame.
func (d *dnstap) next(b *traffic.Batch) error {
	n, err := d.length()
	if err != nil {
		return err
	}
	if n == 0 {
		if n, err = d.length(); err != nil {
			return d.short(err)
		}
		if n > maxControl {
			return fmt.Errorf("a control frame behind frame %d has %d octets: %w", d.tally.Rows, n, casebook.ErrInvalid)
		}
		_, err = d.in.Discard(int(n))
		return d.short(err)
	}
	d.tally.Rows++
	if n > maxFrame {
		d.tally.refusef(d.tally.Rows, 0, "", "the frame has %d octets, the bound is %d", n, maxFrame)
		_, err := io.CopyN(io.Discard, d.in, int64(n))
		return d.short(err)
	}
	if cap(d.frame) < int(n) {
		d.frame = make([]byte, max(n, 4096))
	}
	d.frame = d.frame[:n]
	if _, err := io.ReadFull(d.in, d.frame); err != nil {
		return d.short(err)
	}
	if reason := d.take(d.frame, b); reason != "" {
		d.tally.refuse(d.tally.Rows, 0, "", reason)
	}
	return nil
}

func (d *dnstap) length() (uint32, error) {
	var b [4]byte
	_, err := io.ReadFull(d.in, b[:])
	if err == io.ErrUnexpectedEOF {
		return 0, d.short(err)
	}
	return binary.BigEndian.Uint32(b[:]), err
}

// short turns an end in the middle into the fault it is.
func (d *dnstap) short(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("the stream is cut short behind frame %d: %w", d.tally.Rows, casebook.ErrInvalid)
	}
	return err
}

// tap is what a dnstap message says.
type tap struct {
	kind              uint64
	protocol          uint64
	client, server    []byte
	clientPort        uint64
	serverPort        uint64
	asked, answered   uint64 // seconds
	askedNs, answerNs uint64
	query, response   []byte
}

// The kinds of messages come in pairs: an odd one is a question, the even one after it
// the answer. What a resolver or a forwarder asks on behalf of its clients is passed
// over: the clients' own questions tell who wanted to know.
const (
	tapResolverQuery  = 3
	tapClientQuery    = 5
	tapClientResponse = 6
	tapForwarderReply = 8
	tapLast           = 12
)

// The transports over TCP are those from plain TCP to DNS over HTTPS.
const (
	tapTCP = 2
	tapDoH = 4
)

// take reads a frame.
func (d *dnstap) take(frame []byte, b *traffic.Batch) (reason string) {
	var message []byte
	p := protobuf{b: frame}
	for p.next() {
		if p.field == 14 {
			message = p.bytes
		}
	}
	if p.bad {
		return "not a protobuf message"
	}
	if message == nil {
		return "a frame without a message"
	}
	var t tap
	p = protobuf{b: message}
	for p.next() {
		t.set(&p)
	}
	if p.bad {
		return "not a protobuf message"
	}
	between := t.kind >= tapResolverQuery && t.kind <= tapForwarderReply && t.kind != tapClientQuery && t.kind != tapClientResponse
	if t.kind == 0 || t.kind > tapLast || between {
		d.tally.Skipped++
		return ""
	}
	return d.lookup(&t, b)
}

func (t *tap) set(p *protobuf) {
	switch p.field {
	case 1:
		t.kind = p.number
	case 3:
		t.protocol = p.number
	case 4:
		t.client = p.bytes
	case 5:
		t.server = p.bytes
	case 6:
		t.clientPort = p.number
	case 7:
		t.serverPort = p.number
	case 8:
		t.asked = p.number
	case 9:
		t.askedNs = p.number
	case 10:
		t.query = p.bytes
	case 12:
		t.answered = p.number
	case 13:
		t.answerNs = p.number
	case 14:
		t.response = p.bytes
	}
}

// lookup takes the DNS message that a message holds.
func (d *dnstap) lookup(t *tap, b *traffic.Batch) (reason string) {
	l := traffic.Lookup{Proto: traffic.UDP, ClientPort: uint16(t.clientPort), ServerPort: uint16(t.serverPort)}
	if t.protocol >= tapTCP && t.protocol <= tapDoH {
		l.Proto = traffic.TCP
	}
	client, _ := netip.AddrFromSlice(t.client)
	server, _ := netip.AddrFromSlice(t.server)
	l.Client, l.Server = client.Unmap(), server.Unmap()
	message, seconds, nanos := t.query, t.asked, t.askedNs
	if t.kind%2 == 0 {
		message = t.response
		if t.answered != 0 {
			seconds, nanos = t.answered, t.answerNs
		}
	}
	if seconds == 0 || seconds >= maxMoment/1e6 || nanos >= 1e9 {
		return "its moment isn't between 1970 and 2199"
	}
	l.At = int64(seconds)*1e6 + int64(nanos)/1000
	id, response, ok := d.dns.parse(message, &l)
	if !ok {
		return "the DNS message in it can't be read"
	}
	key := tapKey(&l, id)
	d.pairs.advance(l.At, b)
	if !response {
		d.pairs.ask(key, l, b)
		return ""
	}
	if asked := int64(t.asked)*1e6 + int64(t.askedNs)/1000; t.asked != 0 && t.asked <= seconds && asked <= l.At {
		l.RTT = l.At - asked
	}
	d.pairs.answer(key, l, d.dns.addrs, false, b)
	return ""
}

// tapKey names a question by who asked, from where, and its number.
func tapKey(l *traffic.Lookup, id uint16) pairKey {
	key := sessionKey{aPort: l.ClientPort, proto: l.Proto}
	if l.Client.IsValid() {
		key.a = l.Client.As16()
	}
	return pairKey{linkOf(&key, 0), uint32(id)}
}

// protobuf walks over the fields of a message (protobuf.dev, Encoding).
type protobuf struct {
	b      []byte
	field  uint64
	number uint64
	bytes  []byte
	bad    bool
}

// next reads a field; it gives false after the last, and at a fault, which sets bad.
func (p *protobuf) next() bool {
	if len(p.b) == 0 {
		return false
	}
	tag := p.varint()
	p.field, p.number, p.bytes = tag>>3, 0, nil
	switch tag & 7 {
	case 0:
		p.number = p.varint()
	case 1:
		if v := p.cut(8); v != nil {
			p.number = binary.LittleEndian.Uint64(v)
		}
	case 2:
		p.bytes = p.cut(p.varint())
	case 5:
		if v := p.cut(4); v != nil {
			p.number = uint64(binary.LittleEndian.Uint32(v))
		}
	default:
		p.bad = true
	}
	return !p.bad
}

func (p *protobuf) varint() uint64 {
	v, n := binary.Uvarint(p.b)
	if n <= 0 {
		p.bad, p.b = true, nil
		return 0
	}
	p.b = p.b[n:]
	return v
}

func (p *protobuf) cut(n uint64) []byte {
	if n > uint64(len(p.b)) {
		p.bad, p.b = true, nil
		return nil
	}
	v := p.b[:n]
	p.b = p.b[n:]
	return v
}
