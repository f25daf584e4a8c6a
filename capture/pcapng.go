package capture

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"tocsin/casebook"
	"tocsin/traffic"
)

var _ = add(Format{Name: "pcapng", About: "packets as Wireshark and dumpcap write them; told as pcap is",
	knows: knowsPcapng, open: openPcapng})

const (
	ngSection   = 0x0a0d0d0a
	ngInterface = 1
	ngPacketOld = 2
	ngSimple    = 3
	ngPacket    = 6
	// maxBlock bounds a block; one that is longer is passed over unread.
	maxBlock = maxPacket + 64<<10
	// maxInterfaces bounds those of a section.
	maxInterfaces = 4096
)

// pcapng reads the packets of a file (draft-ietf-opsawg-pcapng).
type pcapng struct {
	in         *bufio.Reader
	tally      *tally
	order      binary.ByteOrder
	interfaces []ngIf
	block      []byte
	wire       *wire
	over       error // what ended the packets
	last       int64 // moment of the packet before, for those that have none
}

// ngIf is what an interface's packets have in common.
type ngIf struct {
	link   linkType
	perSec uint64 // units of time in a second
	offset int64  // seconds to add
	snap   int
}

func knowsPcapng(head []byte) bool {
	return len(head) >= 12 && binary.BigEndian.Uint32(head) == ngSection &&
		(binary.LittleEndian.Uint32(head[8:]) == 0x1a2b3c4d || binary.BigEndian.Uint32(head[8:]) == 0x1a2b3c4d)
}

func openPcapng(s source) (decoder, error) {
	return &pcapng{in: s.in, tally: s.tally, order: binary.LittleEndian, wire: newWire(s.tally)}, nil
}

func (p *pcapng) fill(b *traffic.Batch) error {
	for p.over == nil && b.Len() < batchRecords {
		p.over = p.next(b)
	}
	if p.over != nil && p.wire.end(b) {
		return p.over
	}
	return nil
}

// next reads one block.
func (p *pcapng) next(b *traffic.Batch) error {
	var header [12]byte
	if _, err := io.ReadFull(p.in, header[:8]); err != nil {
		return p.short(err, io.EOF)
	}
	kind := p.order.Uint32(header[:])
	if kind == ngSection { // a palindrome: read before the order is known
		if _, err := io.ReadFull(p.in, header[8:12]); err != nil {
			return p.short(err, nil)
		}
		p.order = binary.LittleEndian
		if binary.BigEndian.Uint32(header[8:]) == 0x1a2b3c4d {
			p.order = binary.BigEndian
		}
		p.interfaces = p.interfaces[:0]
	}
	length := int64(p.order.Uint32(header[4:]))
	if length < 12 || length%4 != 0 {
		return fmt.Errorf("a block behind packet %d has %d octets: the file is out of step from here on: %w", p.tally.Rows, length, casebook.ErrInvalid)
	}
	body := length - 8
	if kind == ngSection {
		body -= 4
	}
	if body < 4 || length > maxBlock {
		_, err := io.CopyN(io.Discard, p.in, body)
		return p.short(err, nil)
	}
	if int64(cap(p.block)) < body {
		p.block = make([]byte, max(body, 64<<10))
	}
	p.block = p.block[:body]
	if _, err := io.ReadFull(p.in, p.block); err != nil {
		return p.short(err, nil)
	}
	p.take(kind, p.block[:body-4], b)
	return nil
}

// short tells a file that ends inside a block from one that ends.
func (p *pcapng) short(err, clean error) error {
	if err == nil || err == clean {
		return err
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("the block behind packet %d is cut short: %w", p.tally.Rows, casebook.ErrInvalid)
	}
	return err
}

// take reads a block's body.
func (p *pcapng) take(kind uint32, body []byte, b *traffic.Batch) {
	switch kind {
	case ngInterface:
		if len(body) >= 8 && len(p.interfaces) < maxInterfaces {
			p.interfaces = append(p.interfaces, p.newInterface(body))
		}
	case ngPacket:
		if len(body) >= 20 {
			p.packet(p.order.Uint32(body), uint64(p.order.Uint32(body[4:]))<<32|uint64(p.order.Uint32(body[8:])),
				p.order.Uint32(body[12:]), p.order.Uint32(body[16:]), body[20:], b)
		}
	case ngPacketOld:
		if len(body) >= 20 {
			p.packet(uint32(p.order.Uint16(body)), uint64(p.order.Uint32(body[4:]))<<32|uint64(p.order.Uint32(body[8:])),
				p.order.Uint32(body[12:]), p.order.Uint32(body[16:]), body[20:], b)
		}
	case ngSimple:
		if len(body) >= 4 && len(p.interfaces) > 0 {
			whole := int(min(p.order.Uint32(body), maxPacket))
			captured := min(whole, len(body)-4)
			if snap := p.interfaces[0].snap; snap > 0 {
				captured = min(captured, snap)
			}
			p.tally.Rows++
			p.wire.take(p.last, p.interfaces[0].link, body[4:4+captured], whole, b)
		}
	}
}

func (p *pcapng) packet(number uint32, ticks uint64, captured, whole uint32, data []byte, b *traffic.Batch) {
	p.tally.Rows++
	if uint64(number) >= uint64(len(p.interfaces)) {
		p.tally.refuse(p.tally.Rows, 0, "", "the packet's interface wasn't described")
		return
	}
	if uint64(captured) > uint64(len(data)) {
		p.tally.refuse(p.tally.Rows, 0, "", "the packet says it is longer than its block")
		return
	}
	i := &p.interfaces[number]
	if !i.link.known() {
		p.tally.refusef(p.tally.Rows, 0, "", "link type %d isn't read", i.link)
		return
	}
	seconds := ticks / i.perSec
	if seconds > maxMoment/1e6 {
		p.tally.refuse(p.tally.Rows, 0, "", "the packet's moment is after 2199")
		return
	}
	rest := ticks % i.perSec
	if i.perSec > 1e9 {
		rest /= i.perSec / 1e9
		rest /= 1000
	} else {
		rest = rest * 1_000_000 / i.perSec
	}
	p.last = (int64(seconds)+i.offset)*1e6 + int64(rest)
	p.wire.take(p.last, i.link, data[:captured], int(min(max(whole, captured), maxPacket)), b)
}

// newInterface reads a description and the options that bear on time.
func (p *pcapng) newInterface(body []byte) ngIf {
	i := ngIf{link: linkType(p.order.Uint16(body)), perSec: 1_000_000, snap: int(min(p.order.Uint32(body[4:]), maxPacket))}
	for o := body[8:]; len(o) >= 4; {
		code, n := p.order.Uint16(o), int(p.order.Uint16(o[2:]))
		if code == 0 || len(o) < 4+n {
			break
		}
		switch v := o[4 : 4+n]; {
		case code == 9 && n >= 1: // if_tsresol: a power of ten, or of two
			if e := v[0] & 0x7f; v[0]&0x80 != 0 && e < 63 {
				i.perSec = 1 << e
			} else if v[0]&0x80 == 0 && e <= 18 {
				i.perSec = 1
				for range e {
					i.perSec *= 10
				}
			}
		case code == 14 && n >= 8: // if_tsoffset
			if offset := int64(p.order.Uint64(v)); offset > -maxMoment/1e6 && offset < maxMoment/1e6 {
				i.offset = offset
			}
		}
		o = o[min(4+(n+3)/4*4, len(o)):]
	}
	return i
}
