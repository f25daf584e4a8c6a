package capture

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"tocsin/casebook"
	"tocsin/traffic"
)

var _ = add(Format{Name: "pcap", About: "packets as libpcap writes them: flows, DNS, TLS and QUIC with SNI, JA3 and JA4, certificates, HTTP",
	knows: knowsPcap, open: openPcap})

// maxPacket is the longest packet that is read: libpcap's own bound for any link.
const maxPacket = 256 << 10

// pcap reads the packets of a file (draft-ietf-opsawg-pcap).
type pcap struct {
	in     *bufio.Reader
	tally  *tally
	order  binary.ByteOrder
	nanos  bool
	extra  int // octets that a variant has behind each packet's header
	link   linkType
	packet []byte
	wire   *wire
	over   error // what ended the packets
}

func knowsPcap(head []byte) bool {
	_, _, _, ok := pcapMagic(head)
	return ok
}

// pcapMagic tells octet order and the unit of time.
func pcapMagic(head []byte) (order binary.ByteOrder, nanos bool, extra int, ok bool) {
	if len(head) < 4 {
		return nil, false, 0, false
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(head) {
		case 0xa1b2c3d4:
			return order, false, 0, true
		case 0xa1b23c4d:
			return order, true, 0, true
		case 0xa1b2cd34: // Kuznetsov's
			return order, false, 8, true
		}
	}
	return nil, false, 0, false
}

func openPcap(s source) (decoder, error) {
	p := &pcap{in: s.in, tally: s.tally, wire: newWire(s.tally)}
	p.order, p.nanos, p.extra, _ = pcapMagic(s.head)
	var header [24]byte
	if _, err := io.ReadFull(s.in, header[:]); err != nil {
		return nil, fmt.Errorf("the file header is cut short: %w", casebook.ErrInvalid)
	}
	p.link = linkType(p.order.Uint32(header[20:]) & 0xffff)
	if !p.link.known() {
		return nil, fmt.Errorf("link type %d isn't read: %w", p.link, casebook.ErrInvalid)
	}
	return p, nil
}

func (p *pcap) fill(b *traffic.Batch) error {
	for p.over == nil && b.Len() < batchRecords {
		p.over = p.next(b)
	}
	if p.over != nil && p.wire.end(b) {
		return p.over
	}
	return nil
}

// next reads one packet.
func (p *pcap) next(b *traffic.Batch) error {
	var header [24]byte
	h := header[:16+p.extra]
	if _, err := io.ReadFull(p.in, h); err != nil {
		if err == io.ErrUnexpectedEOF {
			return fmt.Errorf("the last packet's header is cut short: %w", casebook.ErrInvalid)
		}
		return err
	}
	fraction := int64(p.order.Uint32(h[4:]))
	if p.nanos {
		fraction /= 1000
	}
	at := int64(p.order.Uint32(h))*1e6 + fraction
	captured, whole := int64(p.order.Uint32(h[8:])), int64(p.order.Uint32(h[12:]))
	if captured > maxPacket {
		return fmt.Errorf("packet %d says it has %d octets, the bound is %d: the file is out of step from here on: %w", p.tally.Rows+1, captured, maxPacket, casebook.ErrInvalid)
	}
	p.tally.Rows++
	if int(captured) > cap(p.packet) {
		p.packet = make([]byte, maxPacket)
	}
	p.packet = p.packet[:captured]
	if _, err := io.ReadFull(p.in, p.packet); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return fmt.Errorf("packet %d is cut short: %w", p.tally.Rows, casebook.ErrInvalid)
		}
		return err
	}
	p.wire.take(at, p.link, p.packet, int(min(max(whole, captured), maxPacket)), b)
	return nil
}
