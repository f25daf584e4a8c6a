package capture

import "tocsin/traffic"

// Flags of a record of layout 1.
const (
	nfIPv6      = 1
	nfPackets64 = 2
	nfBytes64   = 4
	nfSampled1  = 128
)

// flow1 reads a record of layout 1: what all have in common, addresses, packets and
// octets. What a map of extensions says follows, and isn't read. Records of the oldest
// kind lack the exporter.
func (n *nfdump) flow1(r []byte, f *traffic.Flow, old bool) (reason string) {
	head := 32
	if old {
		head = 28
	}
	if len(r) < head+8+8 {
		return "the record is too short"
	}
	flags := n.order.Uint16(r[4:])
	f.Start = int64(n.order.Uint32(r[12:]))*1e6 + int64(n.order.Uint16(r[8:]))*1000
	end := int64(n.order.Uint32(r[16:]))*1e6 + int64(n.order.Uint16(r[10:]))*1000
	f.Duration = max(end-f.Start, 0)
	f.Flags, f.Proto = r[21], r[22]
	f.OrigPort, f.RespPort = n.order.Uint16(r[24:]), n.order.Uint16(r[26:])
	d := r[head:]
	if flags&nfIPv6 != 0 {
		if len(d) < 32+8 {
			return "the record is too short"
		}
		f.Orig, f.Resp, d = n.addr6(d), n.addr6(d[16:]), d[32:]
	} else {
		f.Orig, f.Resp, d = n.addr4(d), n.addr4(d[4:]), d[8:]
	}
	for _, count := range []struct {
		wide bool
		to   *int64
	}{{flags&nfPackets64 != 0, &f.OrigPackets}, {flags&nfBytes64 != 0, &f.OrigBytes}} {
		switch {
		case count.wide && len(d) >= 8:
			*count.to, d = int64(n.order.Uint64(d)&(1<<62-1)), d[8:]
		case !count.wide && len(d) >= 4:
			*count.to, d = int64(n.order.Uint32(d)), d[4:]
		default:
			return "the record is too short"
		}
	}
	if !old {
		n.origin(f, n.order.Uint16(r[28:]), flags&nfSampled1 != 0)
	}
	return ""
}

// Elements of a record of layout 2.
const (
	nfGeneric = 1
	nfV4      = 2
	nfV6      = 3
	nfCounts  = 5
)

// nfSampled3 is a flag of a record of layout 2.
const nfSampled3 = 2

// flow3 reads a record of layout 2: elements with their kinds and lengths.
func (n *nfdump) flow3(r []byte, f *traffic.Flow, _ bool) (reason string) {
	if len(r) < 12 {
		return "the record is too short"
	}
	generic := false
	for d := r[12:]; len(d) >= 4; {
		kind, size := n.order.Uint16(d), int(n.order.Uint16(d[2:]))
		if size < 4 || size > len(d) {
			return "an element of the record doesn't fit into it"
		}
		v := d[4:size]
		d = d[size:]
		switch {
		case kind == nfGeneric && len(v) >= 48:
			generic = true
			f.Start = n.millis(v)
			if end := n.millis(v[8:]); end >= f.Start {
				f.Duration = end - f.Start
			}
			f.OrigPackets, f.OrigBytes = int64(n.order.Uint64(v[24:])&(1<<62-1)), int64(n.order.Uint64(v[32:])&(1<<62-1))
			f.OrigPort, f.RespPort = n.order.Uint16(v[40:]), n.order.Uint16(v[42:])
			f.Proto, f.Flags = v[44], v[45]
		case kind == nfV4 && len(v) >= 8:
			f.Orig, f.Resp = n.addr4(v), n.addr4(v[4:])
		case kind == nfV6 && len(v) >= 32:
			f.Orig, f.Resp = n.addr6(v), n.addr6(v[16:])
		case kind == nfCounts && len(v) >= 24:
			if packets := n.order.Uint64(v[8:]); packets > 0 { // both directions were joined
				f.OneWay, f.Oriented, f.State = false, true, traffic.Established
				f.RespPackets, f.RespBytes = int64(packets&(1<<62-1)), int64(n.order.Uint64(v[16:])&(1<<62-1))
			}
		}
	}
	if !generic || !f.Orig.IsValid() {
		return "the record lacks addresses, or times and counts"
	}
	n.origin(f, n.order.Uint16(r[8:]), r[10]&nfSampled3 != 0)
	return ""
}

// millis reads ms since 1970 as µs, Unknown past 2199.
func (n *nfdump) millis(v []byte) int64 { return bounded(n.order.Uint64(v), 1_000) }
