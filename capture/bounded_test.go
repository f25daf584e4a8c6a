//go:build !race

// What fills every table to its bound would take minutes under the race detector, and
// would watch nothing but one goroutine: ./test runs it without.

package capture

import (
	"net/netip"
	"strings"
	"testing"

	"tocsin/traffic"
)

func TestConversationsPastTheBoundAreCut(t *testing.T) {
	w := newWire(&tally{})
	var b traffic.Batch
	ip := []byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 0, 198, 51, 100, 2, 0, 1, 0, 9, 0, 8, 0, 0}
	for i := range maxSessions + 50 {
		ip[13], ip[14], ip[15] = byte(i>>16), byte(i>>8), byte(i)
		w.take(begin.UnixMicro(), linkRaw, ip, len(ip), &b)
	}
	if len(w.sessions) != maxSessions || w.tally.Cut != 50 || len(b.Flows) != 50 || !b.Flows[0].Piece {
		t.Errorf("%d sessions, %d cut, %d flows; want %d, 50, 50", len(w.sessions), w.tally.Cut, len(b.Flows), maxSessions)
	}
}

// TestWhatIsHeldIsBounded begins more heads, handshakes and holes than there is room
// for, and wants the room back when all has ended.
func TestWhatIsHeldIsBounded(t *testing.T) {
	w := newWire(&tally{})
	var b traffic.Batch
	part := "GET /" + strings.Repeat("a", 1200)
	most := 0
	for i := range 90_000 {
		p := packet{at: begin.UnixMicro(), v4: true, proto: traffic.TCP, srcPort: uint16(i), dstPort: 80, flags: flagACK, seq: 1, payload: []byte(part), size: int64(len(part))}
		mapV4(&p.src, []byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		mapV4(&p.dst, []byte{198, 51, 100, 2})
		switch i % 3 {
		case 1:
			p.payload = append([]byte{22, 3, 1, 0x3f, 0xff, 1, 0, 0x30, 0}, part...)
		case 2:
			p.payload = []byte(part + " HTTP/1.1\r\n\r\n")
		}
		s := w.session(&p, &b)
		s.count(&p)
		w.inspect(s, &p, &b)
		p.seq += 10_000 // a hole
		w.inspect(s, &p, &b)
		w.settle(s, &p)
		most = max(most, w.buffered)
		b.Reset()
	}
	if most < maxBuffered/2 || most > maxBuffered+64<<10 {
		t.Errorf("held %d octets at most, the bound is %d", most, maxBuffered)
	}
	for done := false; !done; b.Reset() {
		done = w.end(&b)
	}
	if w.buffered != 0 {
		t.Errorf("%d octets are still held at the end", w.buffered)
	}
}

func TestCollectorsRoomIsBounded(t *testing.T) {
	c := NewCollector()
	var b traffic.Batch
	for i := range maxSources + 10 {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 2055)
		for range maxWaiting + 5 {
			c.Datagram(from, 0, v9(data9(2)), &b)
		}
	}
	for id := range uint16(maxTemplates + 10) {
		c.Datagram(exporter, 0, v9(set(0, 256+id, uint16(1), uint16(8), uint16(4))), &b)
	}
	// Each of the sources defines as many fields as it may.
	var wide [][]byte
	for id := range uint16(8) {
		fields := []any{256 + id, uint16(maxFields)}
		for range maxFields {
			fields = append(fields, uint16(8), uint16(4))
		}
		wide = append(wide, set(0, fields...))
	}
	for i := range 600 {
		c.Datagram(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 2055), 0, v9(wide...), &b)
	}
	fields := 0
	for _, s := range c.sources {
		for _, t := range s.templates {
			fields += len(t.fields)
		}
	}
	if fields != c.fields || fields > maxAllFields || c.waiting > maxAllWaiting {
		t.Errorf("%d fields, counted as %d, the bound is %d; %d octets wait", fields, c.fields, maxAllFields, c.waiting)
	}
	for id := range uint16(maxTemplates + 10) {
		c.Datagram(exporter, 0, v9(set(0, 256+id, uint16(1), uint16(8), uint16(4))), &b)
	}
	s := c.sources[sourceKey{exporter, 5, 9}]
	if len(c.sources) > maxSources || len(s.templates) != maxTemplates || c.Counts().Cut == 0 {
		t.Errorf("%d sources, %d templates, %d cut", len(c.sources), len(s.templates), c.Counts().Cut)
	}
	for _, s := range c.sources {
		if len(s.waiting) > maxWaiting {
			t.Fatalf("%d sets wait, the bound is %d", len(s.waiting), maxWaiting)
		}
	}
}
