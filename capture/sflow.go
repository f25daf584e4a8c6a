package capture

import (
	"encoding/binary"
	"net/netip"

	"tocsin/traffic"
)

// Formats of sFlow version 5 that are read (sflow.org, sFlow version 5, section 5).
const (
	sflowFlow         = 1
	sflowFlowExpanded = 3
	sflowRawHeader    = 1
	sflowIPv4         = 3
	sflowIPv6         = 4
	// Protocols of a sampled header.
	sflowEthernet   = 1
	sflowHeaderIPv4 = 11
	sflowHeaderIPv6 = 12
)

// readSFlow reads a datagram of samples. Each sampled packet becomes a one-way flow of
// one packet.
func (c *Collector) readSFlow(exporter netip.AddrPort, received int64, d []byte, b *traffic.Batch) (reason string) {
	r := reader{b: d[4:]}
	agent := 4
	if kind := r.number(4); kind == 2 {
		agent = 16
	} else if kind != 1 {
		return "the agent's address is of no known kind"
	}
	addr, _ := netip.AddrFromSlice(r.take(agent))
	domain := uint32(r.number(4))
	r.take(8)
	samples := r.number(4)
	if r.bad {
		return "the header is cut short"
	}
	if received < 0 || received >= maxMoment {
		return "no moment to date its samples by"
	}
	// An agent behind others is told apart by its own address.
	s := c.source(sourceKey{netip.AddrPortFrom(addr.Unmap(), exporter.Port()), domain, 5})
	for range samples {
		kind, n := r.number(4), r.number(4)
		body := reader{b: r.take(n)}
		if r.bad {
			return "a sample is cut short"
		}
		switch kind {
		case sflowFlow, sflowFlowExpanded:
			if c.sample(s, received, body, kind == sflowFlowExpanded, b); body.bad {
				return "a sample is cut short"
			}
		}
	}
	return ""
}

// sample reads a flow sample.
func (c *Collector) sample(s *exportSource, at int64, r reader, expanded bool, b *traffic.Batch) {
	width := 4
	if expanded {
		width = 8
	}
	r.take(4 + width) // sequence, source
	rate := r.number(4)
	r.take(8 + 2*width) // pool, drops, input, output
	for range r.number(4) {
		kind, n := r.number(4), r.number(4)
		v := r.take(n)
		if r.bad {
			return
		}
		if c.sampled(s, at, uint32(rate), kind, v, b) {
			return // other records tell the same packet again
		}
	}
}

// sampled reads one record of a sample; it gives true once that told the packet.
func (c *Collector) sampled(s *exportSource, at int64, rate uint32, kind int, v []byte, b *traffic.Batch) bool {
	f := newOneWay(s)
	f.Start, f.Duration, f.OrigPackets, f.Sampling, f.Piece = at, 0, 1, rate, true
	switch {
	case kind == sflowRawHeader && len(v) >= 16:
		p, ok := c.header(v)
		if !ok {
			return false
		}
		f.Orig, f.Resp, f.OrigPort, f.RespPort, f.Proto, f.Flags, f.OrigBytes = addrOf(&p.src), addrOf(&p.dst), p.srcPort, p.dstPort, p.proto, p.flags, p.bytes
	case kind == sflowIPv4 && len(v) >= 28:
		f.Orig, f.Resp = netip.AddrFrom4([4]byte(v[8:12])), netip.AddrFrom4([4]byte(v[12:16]))
		sampledTuple(&f, v, 16)
	case kind == sflowIPv6 && len(v) >= 52:
		f.Orig, f.Resp = netip.AddrFrom16([16]byte(v[8:24])).Unmap(), netip.AddrFrom16([16]byte(v[24:40])).Unmap()
		sampledTuple(&f, v, 40)
	default:
		return false
	}
	if f.Proto == traffic.TCP && f.Flags&(flagSYN|flagACK) == flagSYN {
		f.Oriented = true
	}
	b.Flows = append(b.Flows, f)
	return true
}

// sampledTuple reads length, protocol, ports and flags of a packet that the agent read
// itself.
func sampledTuple(f *traffic.Flow, v []byte, ports int) {
	f.OrigBytes, f.Proto = int64(binary.BigEndian.Uint32(v)), uint8(binary.BigEndian.Uint32(v[4:]))
	f.OrigPort, f.RespPort = uint16(binary.BigEndian.Uint32(v[ports:])), uint16(binary.BigEndian.Uint32(v[ports+4:]))
	f.Flags = uint8(binary.BigEndian.Uint32(v[ports+8:]))
}

// header reads a sampled packet's headers.
func (c *Collector) header(v []byte) (*packet, bool) {
	link := linkRaw
	switch binary.BigEndian.Uint32(v) {
	case sflowEthernet:
		link = linkEthernet
	case sflowHeaderIPv4, sflowHeaderIPv6:
	default:
		return nil, false
	}
	n := int(binary.BigEndian.Uint32(v[12:]))
	if n < 0 || n > len(v)-16 {
		return nil, false
	}
	ip, ok := link.network(v[16 : 16+n])
	if !ok {
		return nil, false
	}
	p := &c.wire.packet
	*p = packet{}
	reason, skip := c.wire.parseIP(ip, p)
	return p, reason == "" && !skip
}
