package capture

import (
	"encoding/binary"
	"net/netip"

	"tocsin/traffic"
)

// Information elements that are read (IANA, IP Flow Information Export entities;
// RFC 3954 numbers the first of them alike).
const (
	ieBytes           = 1
	iePackets         = 2
	ieProtocol        = 4
	ieTCPFlags        = 6
	ieSrcPort         = 7
	ieSrcV4           = 8
	ieDstPort         = 11
	ieDstV4           = 12
	ieEndUptime       = 21
	ieStartUptime     = 22
	iePostBytes       = 23
	iePostPackets     = 24
	ieSrcV6           = 27
	ieDstV6           = 28
	ieICMPTypeCode    = 32
	ieSamplingRate    = 34
	ieSamplerID       = 48
	ieSamplerInterval = 50
	ieTotalBytes      = 85
	ieTotalPackets    = 86
	ieApplicationName = 96
	ieEndReason       = 136
	ieICMP6TypeCode   = 139
	ieStartSeconds    = 150
	ieEndSeconds      = 151
	ieStartMillis     = 152
	ieEndMillis       = 153
	ieStartMicros     = 154
	ieEndMicros       = 155
	ieStartNanos      = 156
	ieEndNanos        = 157
	ieStartDelta      = 158
	ieEndDelta        = 159
	ieBooted          = 160
	ieDurationMillis  = 161
	ieDurationMicros  = 162
	ieICMPType        = 176
	ieICMPCode        = 177
	ieICMP6Type       = 178
	ieICMP6Code       = 179
	ieInitiatorBytes  = 231
	ieResponderBytes  = 232
	ieInitiatorPkts   = 298
	ieResponderPkts   = 299
	ieSelectorID      = 302
	iePacketInterval  = 305
	iePacketSpace     = 306
	reverseEnterprise = 29305 // RFC 5103
	yafEnterprise     = 6871  // CERT/NetSA
)

// flowRecord is what a record says, field by field.
type flowRecord struct {
	flow       traffic.Flow
	sampler    uint64
	hasSampler bool
	rate       uint64
	interval   uint64
	space      uint64
	startUp    uint32
	endUp      uint32
	hasStartUp bool
	hasEndUp   bool
	end        int64
	booted     int64
	reason     uint8
	revFlags   uint8
	both       bool
	makers     makerFields
}

// record reads one record and gives its length, 0 if it is cut short.
func (c *Collector) record(s *exportSource, h *exportHeader, t *template, d []byte, b *traffic.Batch) int {
	r := flowRecord{flow: newOneWay(s), end: traffic.Unknown}
	r.flow.Start = traffic.Unknown
	read := 0
	for i := range t.fields {
		f := &t.fields[i]
		n := int(f.length)
		if n == varying && h.version == 10 {
			if len(d)-read < 1 {
				return 0
			}
			n = int(d[read])
			read++
			if n == 255 {
				if len(d)-read < 2 {
					return 0
				}
				n = int(binary.BigEndian.Uint16(d[read:]))
				read += 2
			}
		}
		if len(d)-read < n {
			return 0
		}
		v := d[read : read+n]
		read += n
		switch {
		case t.options && i < t.scopes && h.version == 9: // a scope's kinds are numbers of their own
		case f.enterprise == 0:
			c.field(&r, h, f.kind, v)
		case f.enterprise == reverseEnterprise:
			r.reverse(f.kind, v)
		case f.enterprise == yafEnterprise:
			r.yaf(f.kind, v)
		}
	}
	if m := &r.makers; m.sampled > 0 {
		r.rate = m.population / m.sampled
	}
	if t.options {
		s.learn(&r)
		return read
	}
	if r.finish(s, h) {
		b.Flows = append(b.Flows, r.flow)
	} else {
		c.tally.Skipped++ // NAT events, MAC records and the like
	}
	return read
}

// unsigned reads a number of up to 8 octets.
func unsigned(v []byte) uint64 {
	if len(v) > 8 {
		v = v[len(v)-8:]
	}
	var n uint64
	for _, c := range v {
		n = n<<8 | uint64(c)
	}
	return n
}

// tally64 reads a count; one that doesn't fit is unknown.
func tally64(v []byte) int64 {
	if n := unsigned(v); n <= 1<<62 {
		return int64(n)
	}
	return traffic.Unknown
}

// field reads one field.
func (c *Collector) field(r *flowRecord, h *exportHeader, kind uint16, v []byte) {
	f := &r.flow
	switch kind {
	case ieBytes, ieTotalBytes, ieInitiatorBytes:
		f.OrigBytes = tally64(v)
	case iePackets, ieTotalPackets, ieInitiatorPkts:
		f.OrigPackets = tally64(v)
	case iePostBytes:
		r.makers.postBytes, r.makers.post = tally64(v), true
	case iePostPackets:
		r.makers.postPackets, r.makers.post = tally64(v), true
	case ieResponderBytes:
		r.both, f.RespBytes = true, tally64(v)
	case ieResponderPkts:
		r.both, f.RespPackets = true, tally64(v)
	case ieProtocol:
		f.Proto = uint8(unsigned(v))
	case ieTCPFlags:
		f.Flags = uint8(unsigned(v))
	case ieSrcPort:
		f.OrigPort = uint16(unsigned(v))
	case ieDstPort:
		f.RespPort = uint16(unsigned(v))
	case ieSrcV4, ieSrcV6:
		setAddr(&f.Orig, v)
	case ieDstV4, ieDstV6:
		setAddr(&f.Resp, v)
	case ieICMPTypeCode, ieICMP6TypeCode:
		if n := unsigned(v); n != 0 || f.Proto == traffic.ICMP || f.Proto == traffic.ICMPv6 {
			f.OrigPort, f.RespPort = uint16(n>>8), uint16(n&255)
		}
	case ieICMPType, ieICMP6Type:
		f.OrigPort = uint16(unsigned(v))
	case ieICMPCode, ieICMP6Code:
		f.RespPort = uint16(unsigned(v))
	case ieEndReason:
		r.reason = uint8(unsigned(v))
	case ieApplicationName:
		for len(v) > 0 && v[len(v)-1] == 0 {
			v = v[:len(v)-1]
		}
		var room [64]byte
		f.Service = c.strings.Of(serviceWord(lower(append(room[:0], v[:min(len(v), len(room))]...))))
	case ieSamplerID, ieSelectorID:
		r.sampler, r.hasSampler = unsigned(v), true
	case ieSamplingRate, ieSamplerInterval:
		r.rate = unsigned(v)
	case iePacketInterval:
		r.interval = unsigned(v)
	case iePacketSpace:
		r.space = unsigned(v)
	default:
		if !r.makers.field(kind, v) {
			r.moment(h, kind, v)
		}
	}
}

// setAddr sets an address, but not by one that is all zeros where the other family's
// is known: exporters send both.
func setAddr(a *netip.Addr, v []byte) {
	n, ok := netip.AddrFromSlice(v)
	if ok && (!n.IsUnspecified() || !a.IsValid()) {
		*a = n.Unmap()
	}
}

// moment reads a field about time.
func (r *flowRecord) moment(h *exportHeader, kind uint16, v []byte) {
	switch kind {
	case ieStartUptime:
		r.startUp, r.hasStartUp = uint32(unsigned(v)), true
	case ieEndUptime:
		r.endUp, r.hasEndUp = uint32(unsigned(v)), true
	case ieStartSeconds:
		r.flow.Start = bounded(unsigned(v), 1_000_000)
	case ieEndSeconds:
		r.end = bounded(unsigned(v), 1_000_000)
	case ieStartMillis:
		r.flow.Start = bounded(unsigned(v), 1_000)
	case ieEndMillis:
		r.end = bounded(unsigned(v), 1_000)
	case ieStartMicros, ieStartNanos:
		r.flow.Start = ntp(v)
	case ieEndMicros, ieEndNanos:
		r.end = ntp(v)
	case ieStartDelta:
		r.flow.Start = h.exported - int64(uint32(unsigned(v)))
	case ieEndDelta:
		r.end = h.exported - int64(uint32(unsigned(v)))
	case ieBooted:
		r.booted = bounded(unsigned(v), 1_000)
	case ieDurationMillis:
		r.flow.Duration = bounded(unsigned(v), 1_000)
	case ieDurationMicros:
		r.flow.Duration = bounded(unsigned(v), 1)
	}
}

// bounded makes µs of so many units, Unknown past 2199.
func bounded(n uint64, unit int64) int64 {
	if n >= uint64(maxMoment/unit) {
		return traffic.Unknown
	}
	return int64(n) * unit
}

// ntp reads NTP's timestamp (RFC 5905, section 6) as µs since 1970.
func ntp(v []byte) int64 {
	if len(v) != 8 {
		return traffic.Unknown
	}
	const from1900 = 2_208_988_800
	seconds, fraction := int64(binary.BigEndian.Uint32(v)), uint64(binary.BigEndian.Uint32(v[4:]))
	if seconds < from1900 {
		return traffic.Unknown
	}
	return (seconds-from1900)*1e6 + int64(fraction*1_000_000>>32)
}

// reverse reads a field about the other direction (RFC 5103).
func (r *flowRecord) reverse(kind uint16, v []byte) {
	switch kind {
	case ieBytes, ieTotalBytes:
		r.both, r.flow.RespBytes = true, tally64(v)
	case iePackets, ieTotalPackets:
		r.both, r.flow.RespPackets = true, tally64(v)
	case ieTCPFlags:
		r.revFlags = uint8(unsigned(v))
	}
}

// finish makes a flow of what the fields said; it gives false for a record that tells
// no conversation.
func (r *flowRecord) finish(s *exportSource, h *exportHeader) bool {
	f := &r.flow
	if !f.Orig.IsValid() || !f.Resp.IsValid() || r.makers.repeats(f) {
		return false
	}
	r.settle(s, h)
	r.uptimes(s, h)
	switch {
	case f.Start < 0 && r.end >= 0 && f.Duration >= 0:
		f.Start = r.end - f.Duration
	case f.Start < 0 && r.end >= 0:
		f.Start = r.end
	case f.Start < 0: // nothing told when: it was before the export
		f.Start = h.exported
	case r.end >= f.Start && f.Duration < 0:
		f.Duration = r.end - f.Start
	}
	if f.Start < 0 || f.Start >= maxMoment {
		return false
	}
	f.Sampling = s.sampling(r)
	if !r.both {
		oneWayFate(f, r.reason)
		if r.makers.denied() {
			f.State, f.Oriented = traffic.Rejected, true
		}
		return true
	}
	f.OneWay, f.Piece = false, r.reason != endIdle && r.reason != endSeen && r.reason != 0
	switch {
	case f.Proto == traffic.TCP && (f.Flags|r.revFlags) != 0:
		f.State = tcpFate(f.Flags, r.revFlags, f.RespPackets != 0, false)
	case f.RespPackets == 0 || f.RespBytes == 0:
		f.State = traffic.Attempted
	default:
		f.State = traffic.Established
	}
	if r.makers.denied() {
		f.State = traffic.Rejected
	}
	f.Flags |= r.revFlags
	f.Oriented = f.State != traffic.Midstream
	return true
}

// uptimes turns uptimes into moments: by the header in version 9; in IPFIX by the
// moment of the start, which the record tells or an option did. If neither, the record
// is taken to end when it was exported.
func (r *flowRecord) uptimes(s *exportSource, h *exportHeader) {
	base := *h
	if h.version == 10 {
		booted := max(r.booted, s.booted)
		switch {
		case booted > 0:
			base.uptime = uint32((h.exported - booted) / 1000)
		case r.hasEndUp:
			base.uptime = r.endUp
		default:
			base.uptime = r.startUp
		}
	}
	if r.hasStartUp && r.flow.Start < 0 {
		r.flow.Start = base.at(r.startUp)
	}
	if r.hasEndUp && r.end < 0 {
		r.end = base.at(r.endUp)
	}
}

// learn keeps the sampling rate that an option tells, and when the exporter started.
func (s *exportSource) learn(r *flowRecord) {
	if r.booted > 0 {
		s.booted = r.booted
	}
	rate := r.rate
	if r.interval > 0 {
		rate = (r.interval + r.space) / r.interval
	}
	if rate == 0 || rate >= 1<<32 {
		return
	}
	if !r.hasSampler {
		s.rate = uint32(rate)
		return
	}
	if s.rates == nil {
		s.rates = make(map[uint64]uint32)
	}
	if _, known := s.rates[r.sampler]; known || len(s.rates) < maxSamplers {
		s.rates[r.sampler] = uint32(rate)
	}
}

// sampling gives the rate that a record was sampled at, 0 if that isn't known.
func (s *exportSource) sampling(r *flowRecord) uint32 {
	if r.rate > 0 && r.rate < 1<<32 {
		return uint32(r.rate)
	}
	if rate, ok := s.rates[r.sampler]; ok && r.hasSampler {
		return rate
	}
	if s.rate == 0 && len(s.rates) == 1 {
		for _, rate := range s.rates {
			return rate // the only one there is
		}
	}
	return s.rate
}
