package capture

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"tocsin/traffic"
)

var _ = add(Format{Name: "netflow", About: "NetFlow v5 and v9, IPFIX and sFlow as exporters send them over UDP, and as they stand in captured packets",
	knows: func(head []byte) bool { return knowsNetflow5(head) || knowsNetflow9(head) }, open: openMessages})

// readV5 reads NetFlow version 5: a header and up to 30 records of 48 octets (Cisco's
// NetFlow export datagram format).
func (c *Collector) readV5(exporter netip.AddrPort, d []byte, b *traffic.Batch) (reason string) {
	if len(d) < 24 {
		return "the header is cut short"
	}
	count := int(binary.BigEndian.Uint16(d[2:]))
	s := c.source(sourceKey{exporter, uint32(binary.BigEndian.Uint16(d[20:])), 5})
	h := exportHeader{version: 5, uptime: binary.BigEndian.Uint32(d[4:])}
	h.exported = int64(binary.BigEndian.Uint32(d[8:]))*1e6 + int64(binary.BigEndian.Uint32(d[12:]))/1000
	if h.exported >= maxMoment {
		return "its moment is after 2199"
	}
	s.steady(&h)
	// The two highest bits tell how it was sampled, and 0 in the others leaves open
	// whether it was.
	s.rate = uint32(binary.BigEndian.Uint16(d[22:]) & 0x3fff)
	rest := d[24:]
	for i := range count {
		if len(rest) < 48 {
			return fmt.Sprintf("it says it has %d records, and ends in record %d", count, i+1)
		}
		c.recordV5(s, &h, rest[:48], b)
		rest = rest[48:]
	}
	return ""
}

func (c *Collector) recordV5(s *exportSource, h *exportHeader, r []byte, b *traffic.Batch) {
	f := newOneWay(s)
	f.Orig, f.Resp = netip.AddrFrom4([4]byte(r[0:4])), netip.AddrFrom4([4]byte(r[4:8]))
	f.OrigPackets, f.OrigBytes = int64(binary.BigEndian.Uint32(r[16:])), int64(binary.BigEndian.Uint32(r[20:]))
	f.Start = h.at(binary.BigEndian.Uint32(r[24:]))
	f.Duration = max(h.at(binary.BigEndian.Uint32(r[28:]))-f.Start, 0)
	f.OrigPort, f.RespPort = binary.BigEndian.Uint16(r[32:]), binary.BigEndian.Uint16(r[34:])
	f.Flags, f.Proto = r[37], r[38]
	if f.Proto == traffic.ICMP { // type and code stand in the destination's port
		f.OrigPort, f.RespPort = f.RespPort>>8, f.RespPort&255
	}
	f.Sampling = s.rate
	oneWayFate(&f, 0)
	if f.Start >= 0 && f.Start < maxMoment {
		b.Flows = append(b.Flows, f)
	}
}

// newOneWay begins a record that tells one direction.
func newOneWay(s *exportSource) traffic.Flow {
	return traffic.Flow{Duration: traffic.Unknown, OneWay: true, OrigBytes: traffic.Unknown, OrigPackets: traffic.Unknown,
		RespBytes: traffic.Unknown, RespPackets: traffic.Unknown, OrigPayload: traffic.Unknown, RespPayload: traffic.Unknown, Point: s.point}
}

// at turns an uptime in ms, which starts again every 49.7 days, into a moment.
func (h *exportHeader) at(uptime uint32) int64 {
	// What is told lies before the export, so the difference tells even if the counter
	// went over in between; but clocks may be a little apart.
	const apart = 3_600_000
	ago := int64(h.uptime - uptime)
	if ago > 1<<32-apart {
		ago -= 1 << 32
	}
	return h.exported - ago*1000
}

// Reasons why an exporter ended a record (IANA IPFIX registry, flowEndReason).
const (
	endIdle   = 1
	endActive = 2
	endSeen   = 3
)

// oneWayFate sets what a one-way record tells of the conversation.
func oneWayFate(f *traffic.Flow, reason uint8) {
	switch reason {
	case endIdle, endSeen:
	case 0:
		f.Piece = f.Proto != traffic.TCP || f.Flags&(flagFIN|flagRST) == 0
	default:
		f.Piece = true
	}
	if f.Proto == traffic.TCP && f.Flags&(flagSYN|flagACK|flagRST) == flagSYN {
		f.State, f.Oriented = traffic.Attempted, true // no ACK followed: nobody answered
	}
}

func knowsNetflow5(head []byte) bool {
	if len(head) < 24+48 || binary.BigEndian.Uint16(head) != 5 {
		return false
	}
	count := int(binary.BigEndian.Uint16(head[2:]))
	next := 24 + 48*count
	return count >= 1 && count <= 30 && (next >= len(head) || next+2 <= len(head) && binary.BigEndian.Uint16(head[next:]) == 5)
}
