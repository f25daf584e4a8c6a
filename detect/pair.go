package detect

import (
	"encoding/binary"
	"net/netip"

	"tocsin/traffic"
)

// pairKey is one host's way to one endpoint.
type pairKey struct {
	peer      [16]byte
	host      uint32
	port      uint16
	transport uint8
}

// pair is what a host did with one endpoint. Its size is fixed; the two rhythms
// are made when there is something to count.
type pair struct {
	key         pairKey
	first, last int64 // first start and last end seen, µs
	started     uint32
	answered    uint32
	failed      uint32 // nobody answered
	refused     uint32 // of failed: the answer was no
	pieces      uint32 // records that went on with a connection that was known
	renewed     uint32 // starts at most reconnectWithin after the end of the one before
	recognised  uint32 // answered, and the source knew what was spoken
	minute      int32  // minute of the newest start, since 1970
	inMinute    uint32
	peak        uint32 // most starts in a minute
	localPort   uint16
	service     uint8 // the newest that was recognised
	state       traffic.State
	lastStart   int64
	lastLink    uint64
	point       uint32   // hash of where the newest start was seen
	sameLocal   uint32   // starts from the same local port as the one before
	sent, got   int64    // octets
	longest     int64    // µs
	lasting     int64    // µs, all connections together
	blast       uint32   // fastest one-sided stream, packets a second
	hours       uint64   // hours of the day run with a start, by hour modulo 64
	early       [2]int64 // starts before there was a rhythm
	earlyFailed [2]bool
	ok, dead    uint32 // places of rhythms; 0 is none
	dirty       bool
	outside     bool // the peer isn't at home
}

const (
	reconnectWithin = 90 * second
	// pieceWithin is how long a connection may be silent before its next record is
	// taken for another one: twice the longest timeout in use.
	pieceWithin = 2 * hour
	second      = int64(1e6)
	minute      = 60 * second
	hour        = 60 * minute
	day         = 24 * hour
)

func (p *pair) endpoint() Endpoint {
	return Endpoint{netip.AddrFrom16(p.key.peer).Unmap(), p.key.port, p.key.transport}
}

func (p *pair) seed(of uint64) uint64 {
	x := mix(of ^ uint64(p.key.port)<<8 ^ uint64(p.key.transport) ^ binary.BigEndian.Uint64(p.key.peer[:8]))
	return mix(x ^ binary.BigEndian.Uint64(p.key.peer[8:]))
}

// goesOn tells whether a record is a later part of the connection that the pair
// saw last: a source that lost sight of it, or cut it by a timeout, begins anew
// with the same local port.
func (p *pair) goesOn(f *traffic.Flow) bool {
	if p.started == 0 || f.OrigPort != p.localPort || f.OrigPort == 0 || f.Start-p.last > pieceWithin {
		return false
	}
	switch {
	case f.Piece:
		return true
	case f.Proto == traffic.TCP:
		return f.State == traffic.Midstream || f.OneWay && f.Flags != 0 && f.Flags&2 == 0
	}
	return false
}

// twice tells a record of a connection that was counted already: told in two
// files, or by two observation points.
func (p *pair) twice(f *traffic.Flow) bool {
	if p.started == 0 || f.OrigPort != p.localPort {
		return false
	}
	if f.Link != 0 && f.Link == p.lastLink && f.Start == p.lastStart {
		return true
	}
	if f.Point == "" || p.point == uint32(stringHash(f.Point, 0)) {
		return false
	}
	apart := f.Start - p.lastStart
	return apart < 2*second && apart > -2*second
}

// add takes the record of a connection that the host opened. One-way records
// count as answered when the other half comes (reply).
func (p *pair) add(f *traffic.Flow, w *Watch) {
	seed := p.seed(w.seed)
	end := f.End()
	sent, got := octets(f.OrigPayload, f.OrigBytes, f.OrigPackets, f.Proto), octets(f.RespPayload, f.RespBytes, f.RespPackets, f.Proto)
	p.dirty = true
	if p.goesOn(f) {
		p.pieces++
		p.lasting += max(0, end-max(p.last, f.Start))
		p.longest = max(p.longest, p.lasting)
		p.last = max(p.last, end)
		p.sent, p.got = p.sent+sent, p.got+got
		return
	}
	if p.started == 0 {
		p.first, p.last = f.Start, end
	} else if f.Start >= p.last-second && f.Start-p.last <= reconnectWithin {
		p.renewed++
	}
	if f.OrigPort == p.localPort && p.started > 0 {
		p.sameLocal++
	}
	p.started++
	p.lastStart, p.lastLink = f.Start, f.Link
	if f.Point != "" {
		p.point = uint32(stringHash(f.Point, 0))
	}
	p.localPort, p.state = f.OrigPort, f.State
	p.first, p.last = min(p.first, f.Start), max(p.last, end)
	p.sent, p.got = p.sent+sent, p.got+got
	if f.Duration > 0 {
		p.longest, p.lasting = max(p.longest, f.Duration), p.lasting+f.Duration
	}
	p.hours |= 1 << (uint64(f.Start/hour) & 63)
	p.tick(f)
	failed := f.State == traffic.Attempted || f.State == traffic.Rejected || f.OneWay && f.Proto == traffic.TCP && f.Flags == 2
	switch {
	case failed:
		p.failed++
		if f.State == traffic.Rejected {
			p.refused++
		}
		p.beat(&p.dead, true, f.Start, seed, w)
	default:
		if !f.OneWay && f.State != traffic.Midstream || f.OneWay && f.Proto == traffic.TCP {
			p.answered++
		}
		if s := serviceOf(f.Service); s != unrecognised {
			p.service = s
			p.recognised++
		}
		p.beat(&p.ok, false, f.Start, seed, w)
		if p.ok != 0 {
			w.rhythms.at(p.ok).size(sent, seed)
		}
	}
}

// beat adds a start to one of the two rhythms. They are made at the third start:
// most ways are gone only once or twice.
func (p *pair) beat(place *uint32, failed bool, at int64, seed uint64, w *Watch) {
	if n := p.started; n <= 2 {
		p.early[n-1], p.earlyFailed[n-1] = at, failed
		return
	}
	if *place == 0 {
		if w.counters.Rhythms >= maxRhythms {
			w.counters.FullRhythms++
			return
		}
		*place = w.rhythms.take()
		w.counters.Rhythms++
		for i, early := range p.early {
			if p.earlyFailed[i] == failed {
				w.rhythms.at(*place).start(early, seed)
			}
		}
	}
	r := w.rhythms.at(*place)
	before := r.late
	r.start(at, seed)
	w.counters.LateStarts += int64(r.late - before)
}

// tick counts starts by the minute, and packets by the second where one side
// speaks and the other hardly does.
func (p *pair) tick(f *traffic.Flow) {
	if m := int32(f.Start / minute); m != p.minute {
		p.minute, p.inMinute = m, 0
	}
	p.inMinute++
	p.peak = max(p.peak, p.inMinute)
	if f.OrigPackets >= 1000 && f.RespPackets*10 <= f.OrigPackets {
		rate := float64(f.OrigPackets) / max(float64(f.Duration)/1e6, 1)
		p.blast = max(p.blast, uint32(min(rate, 1e9)))
	}
}

// reply takes the other half of a one-way record.
func (p *pair) reply(f *traffic.Flow) {
	p.got += octets(f.OrigPayload, f.OrigBytes, f.OrigPackets, f.Proto)
	if f.Flags != 4 && f.Flags != 4|16 { // a lone reset is a refusal
		p.answered++
	}
	p.last = max(p.last, f.End())
	p.dirty = true
}

// octets prefers payload. Where a source tells only octets with headers, as NetFlow
// does, those of its packets are taken off: a handshake that came to nothing says
// nothing. It is 0 if nothing is told.
func octets(payload, all, packets int64, transport uint8) int64 {
	if payload >= 0 {
		return payload
	}
	head := int64(28) // of IP and UDP
	if transport == TCP {
		head = 52 // with the timestamps that nearly all have (RFC 7323)
	}
	return max(0, all-max(0, packets)*head)
}

// activeHours is the number of different hours with a start, at most 64.
func (p *pair) activeHours() int {
	n := 0
	for h := p.hours; h != 0; h &= h - 1 {
		n++
	}
	return n
}
