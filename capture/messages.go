package capture

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"

	"tocsin/casebook"
	"tocsin/traffic"
)

var _ = add(Format{Name: "ipfix", About: "IPFIX messages one after the other in a file (RFC 5655)",
	knows: knowsIPFIX, open: openMessages})

// messages reads a file of export messages as they were received, one after the other:
// IPFIX and NetFlow version 5, which tell their own length, and version 9, whose sets do.
type messages struct {
	in        *bufio.Reader
	tally     *tally
	collector *Collector
	buffer    []byte
}

func knowsIPFIX(head []byte) bool {
	if len(head) < 20 || binary.BigEndian.Uint16(head) != 10 {
		return false
	}
	n, set := int(binary.BigEndian.Uint16(head[2:])), binary.BigEndian.Uint16(head[16:])
	return n >= 20 && (set == 2 || set == 3 || set >= 256) && (n+2 > len(head) || binary.BigEndian.Uint16(head[n:]) == 10)
}

func openMessages(s source) (decoder, error) {
	m := &messages{in: s.in, tally: s.tally, collector: NewCollector(), buffer: make([]byte, 64<<10)}
	return m, nil
}

func (m *messages) fill(b *traffic.Batch) error {
	for b.Len() < batchRecords {
		if err := m.next(b); err != nil {
			return err
		}
	}
	return nil
}

func (m *messages) next(b *traffic.Batch) error {
	head, err := m.in.Peek(4)
	if err == io.EOF && len(head) == 0 {
		return io.EOF
	}
	if err != nil && err != io.EOF {
		return err
	}
	n := 0
	if len(head) == 4 {
		switch binary.BigEndian.Uint16(head) {
		case 5:
			n = 24 + 48*min(int(binary.BigEndian.Uint16(head[2:])), 1024)
		case 9:
			n = m.length9()
		case 10:
			n = int(binary.BigEndian.Uint16(head[2:]))
		}
	}
	if n < 16 || n > len(m.buffer) {
		return fmt.Errorf("no message begins behind message %d: the file is cut or out of step from here on: %w", m.tally.Rows, casebook.ErrInvalid)
	}
	m.tally.Rows++
	if _, err := io.ReadFull(m.in, m.buffer[:n]); err != nil {
		if err == io.ErrUnexpectedEOF {
			return fmt.Errorf("message %d is cut short: %w", m.tally.Rows, casebook.ErrInvalid)
		}
		return err
	}
	received := int64(binary.BigEndian.Uint32(m.buffer[4:])) * 1e6
	if reason := m.collector.read(netip.AddrPort{}, received, m.buffer[:n], b); reason != "" {
		m.tally.refuse(m.tally.Rows, 0, "", reason)
	}
	return nil
}

// length9 gives the length of a message of version 9: its sets go on until the file ends
// or a header begins, whose version is the number of no set (RFC 3954, section 5.2).
func (m *messages) length9() int {
	n := 20
	for n+4 <= len(m.buffer) {
		head, err := m.in.Peek(n + 4)
		if err != nil {
			return len(head) // what is there; less than a set's header is refused with it
		}
		id, length := binary.BigEndian.Uint16(head[n:]), int(binary.BigEndian.Uint16(head[n+2:]))
		if id > 1 && id < 256 || length < 4 {
			break
		}
		n += length
	}
	return n
}

// knowsNetflow9 wants a header and the sets behind it.
func knowsNetflow9(head []byte) bool {
	if len(head) < 28 || binary.BigEndian.Uint16(head) != 9 || binary.BigEndian.Uint16(head[2:]) == 0 {
		return false
	}
	sets := 0
	for n := 20; n+4 <= len(head); sets++ {
		id, length := binary.BigEndian.Uint16(head[n:]), int(binary.BigEndian.Uint16(head[n+2:]))
		if sets > 0 && id == 9 {
			return true
		}
		if id > 1 && id < 256 || length < 8 {
			return false
		}
		n += length
	}
	return sets > 0
}
