package detect

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"tocsin/traffic"
)

// Bounds of what a watch keeps. Strangers fill these maps, so each has an end, a
// counter and a policy: when one is full, what is new is counted in totals only,
// until the close of an hour has made room by forgetting what was idle.
const (
	maxHosts      = 1 << 14 // of one watch
	maxPairs      = 1 << 15 // of one watch
	maxHostPairs  = 1 << 13 // of one host
	maxRhythms    = 1 << 13 // of one watch
	maxNamed      = 1 << 13 // addresses of one host whose name is kept
	maxPortUses   = 48      // ports of one host and transport that are counted apart
	maxTargets    = 64      // victims of one host whose ports are counted
	maxMarks      = 512     // matches and marks of one host
	idleForgotten = 26 * hour
)

// Counters tell what a watch could not keep. Add sums two.
type Counters struct {
	Hosts        int64
	Pairs        int64 // kept now
	Rhythms      int64
	LateStarts   int64 // connections that began before all those that are kept in order
	LateLookups  int64 // look-ups of an hour that was closed
	FullHosts    int64 // records of hosts that found no room
	FullPairs    int64 // connections whose endpoint found no room
	FullRhythms  int64 // starts whose rhythm found no room
	FullNames    int64
	Duplicates   int64 // connections told twice
	StrayRecords int64 // neither end at home
}

// Add sums counters.
func (c *Counters) Add(o Counters) {
	c.Hosts += o.Hosts
	c.Pairs += o.Pairs
	c.Rhythms += o.Rhythms
	c.LateStarts += o.LateStarts
	c.LateLookups += o.LateLookups
	c.FullHosts += o.FullHosts
	c.FullPairs += o.FullPairs
	c.FullRhythms += o.FullRhythms
	c.FullNames += o.FullNames
	c.Duplicates += o.Duplicates
	c.StrayRecords += o.StrayRecords
}

// Watch holds what some of the hosts at home do. Every record of a host goes to
// the same watch, and a watch serves one goroutine. What it says depends on its
// own records only.
type Watch struct {
	bench    *Bench
	seed     uint64
	index    map[netip.Addr]uint32
	hosts    []*host
	ways     ways
	rhythms  rhythms
	counters Counters
	closed   int64 // hours before this moment are closed, µs

	detectors []Detector
	vacant    []uint32 // places in hosts
}

// NewWatch makes a watch. Seed keys its samples; equal seeds sample alike.
func NewWatch(bench *Bench, seed uint64) *Watch {
	return &Watch{bench: bench, seed: seed, index: map[netip.Addr]uint32{}, ways: newWays(), detectors: Detectors()}
}

// Counters gives what was counted so far.
func (w *Watch) Counters() Counters { return w.counters }

// host is one address at home.
type host struct {
	addr        netip.Addr
	place       uint32 // in the watch's hosts
	first, last int64
	pairs       []uint32 // in the order in which they were made
	full        int64    // starts that found no room
	uses        []portUse
	targets     []target
	inbound     inbound
	named       map[netip.Addr]string
	unnamed     bool         // names found no room: of an address without one nothing follows
	books       [2]*hourBook // of the newest even and odd hour
	lookups     int64
	mail        sketch // different domains whose mail exchangers were asked for
	mailFirst   int64
	mailLast    int64
	marks       map[markKey]*mark
	sites       map[Endpoint]*site
	tls         map[Endpoint]*tls
	asked       sketch     // different domains, by HTTP
	kept        []Evidence // of what is closed, or forgotten
	current     []Evidence // at the last close
	partners    []netip.Addr
	recognises  bool // some flow came with its service
	dirty       bool
}

// inbound is what came to a host from outside: exposure, which is no infection.
type inbound struct {
	tried, taken uint64
	mail         uint64 // connections to port 25 that it took
	bytes        int64
	peers        sketch
}

func (w *Watch) host(a netip.Addr, at int64) *host {
	if i, ok := w.index[a]; ok {
		h := w.hosts[i]
		h.first, h.last, h.dirty = min(h.first, at), max(h.last, at), true
		return h
	}
	if len(w.index) >= maxHosts {
		w.counters.FullHosts++
		return nil
	}
	h := &host{addr: a, place: uint32(len(w.hosts)), first: at, last: at, dirty: true}
	if n := len(w.vacant); n > 0 {
		h.place, w.vacant = w.vacant[n-1], w.vacant[:n-1]
		w.hosts[h.place] = h
	} else {
		w.hosts = append(w.hosts, h)
	}
	w.index[a] = h.place
	w.counters.Hosts++
	return h
}

// Flow takes a conversation that a host at home opened, the host as Orig. Outside
// tells that the other end isn't at home.
func (w *Watch) Flow(f *traffic.Flow, outside bool) {
	h := w.host(f.Orig, f.Start)
	if h == nil || !unicast(f.Resp) {
		return
	}
	h.last = max(h.last, f.End())
	h.recognises = h.recognises || f.Service != ""
	key := pairKey{peer: f.Resp.As16(), host: h.place, port: f.RespPort, transport: f.Proto}
	if f.Proto == traffic.ICMP || f.Proto == traffic.ICMPv6 {
		key.port = 0
		if f.OrigPort != 8 && f.OrigPort != 128 {
			return // answers and errors: nobody asked for them
		}
	}
	p := w.pair(h, &key, outside)
	if p != nil && p.twice(f) {
		w.counters.Duplicates++
		return
	}
	again := p != nil && p.goesOn(f)
	if !again {
		h.use(f, outside)
	}
	if p == nil {
		h.full++
		return
	}
	p.add(f, w)
	if w.bench.Matcher != nil && outside && p.started == 1 {
		w.matchAddress(h, f)
	}
}

func (w *Watch) pair(h *host, key *pairKey, outside bool) *pair {
	p, hash := w.ways.find(key)
	if p != nil {
		return p
	}
	if w.ways.n >= maxPairs || len(h.pairs) >= maxHostPairs {
		w.counters.FullPairs++
		return nil
	}
	i := w.ways.add(key, hash)
	h.pairs = append(h.pairs, i)
	w.counters.Pairs++
	p = w.ways.at(i)
	p.outside = outside
	return p
}

// Reply takes the half of a conversation that came back to the host, as one-way
// sources tell it: Resp is the host. It reports false if the host is not known to
// have called.
func (w *Watch) Reply(f *traffic.Flow) bool {
	i, ok := w.index[f.Resp]
	if !ok {
		return false
	}
	p, _ := w.ways.find(&pairKey{peer: f.Orig.As16(), host: i, port: f.OrigPort, transport: f.Proto})
	if p == nil {
		return false
	}
	p.reply(f)
	w.hosts[i].dirty = true
	return true
}

// Inbound takes a conversation that somebody opened towards a host, the host as
// Resp. Outside tells that the other end isn't at home.
func (w *Watch) Inbound(f *traffic.Flow, outside bool) {
	h := w.host(f.Resp, f.Start)
	if h == nil {
		return
	}
	if !outside {
		if !slices.Contains(h.partners, f.Orig) && len(h.partners) < maxPartners {
			h.partners = append(h.partners, f.Orig)
		}
		return
	}
	h.inbound.tried++
	if f.State.Answered() {
		h.inbound.taken++
		if f.RespPort == 25 && f.Proto == traffic.TCP {
			h.inbound.mail++
		}
		h.inbound.bytes += octets(f.OrigPayload, f.OrigBytes, f.OrigPackets, f.Proto) + octets(f.RespPayload, f.RespBytes, f.RespPackets, f.Proto)
		h.inbound.peers.add(addrHash(f.Orig, w.seed))
	}
}

func addrHash(a netip.Addr, seed uint64) uint64 {
	b := a.As16()
	return mix(mix(seed^binary.BigEndian.Uint64(b[:8])) ^ binary.BigEndian.Uint64(b[8:]))
}

func stringHash[T string | []byte](s T, seed uint64) uint64 {
	x := seed ^ 14695981039346656037
	for i := range len(s) {
		x = (x ^ uint64(s[i])) * 1099511628211
	}
	return mix(x)
}
