package detect

import (
	"fmt"
	"net/netip"
	"slices"
)

var _ = add(Detector{Name: "mesh", About: "one of many peers that know each other, without a server", Host: meshes})

const (
	meshPeers = 24 // addresses, in as many parts of the net
	meshWeb   = 40 // on a port that servers have too
	// meshSpread is the share of a mesh's peers that stand in different /16 (or
	// /32) networks: a service's machines stand together.
	meshSpread = 0.4
	// A program that takes a new local port for each peer must show it otherwise: by
	// peers that stand all apart, at ports of their own, and by short words.
	meshApart = 0.8
	meshWord  = 512 // octets with the median peer
	// meshLookups is how many look-ups show that a host's names are seen.
	meshLookups = 20
	// controlBytes is the most that the median connection of a mesh that only keeps
	// itself together moves; content is larger.
	controlBytes = 4000
	bulkBytes    = 1 << 20 // from one peer: content
	bulkPeers    = 3
	torrentShare = 0.05 // of the peers at ports that BitTorrent opens by default
	walkPeers    = 60   // new peers, before their clock is looked at
)

// crew is a group of endpoints that a host treats alike.
type crew struct {
	what    string
	ways    []*Way
	peers   int     // different addresses
	nets    int     // different networks
	never   float64 // share of the peers that never said anything
	again   float64 // mean connections of a peer
	local   float64 // share of the commonest local port
	remote  float64 // share of the commonest port called
	torrent float64
	bulk    int
	median  float64 // octets of a connection, both ways
	walk    Pulse   // of the moments at which peers were new
}

// meshes looks for a bot that hears its orders from peers: one program (one local
// port, or one remote port) that calls many nameless addresses all over the net,
// of which many are gone, and exchanges little with each. BitTorrent does all
// that too, but moves content, or stands at its own ports: then it is context
// only, unless new peers are called by a strict clock.
func meshes(h *Host, b *Bench) []Evidence {
	var out []Evidence
	all := crews(h)
	content := false
	for _, c := range all {
		content = content || !c.web() && (c.bulk >= bulkPeers || c.median > controlBytes)
	}
	for _, c := range all {
		if e, ok := mesh(h, c, b, content); ok {
			out = append(out, e)
		}
	}
	return out
}

// crews groups a host's nameless ways: UDP to ports where nothing usual listens,
// TCP to such ports, and TCP to one usual port each.
func crews(h *Host) []*crew {
	udp, tcp := &crew{what: "UDP"}, &crew{what: "TCP"}
	byPort := map[uint16]*crew{}
	for i := range h.Ways {
		w := &h.Ways[i]
		if !w.Outside || w.Name != "" || w.Clock != "" || w.Shared != "" && web(w.Port) {
			continue
		}
		switch {
		case w.Transport == UDP && !usual(w.Endpoint):
			udp.ways = append(udp.ways, w)
		case w.Transport == TCP && !usual(w.Endpoint):
			tcp.ways = append(tcp.ways, w)
		case w.Transport == TCP && w.Port != 25:
			if _, guessed := login(w.Port); guessed {
				continue
			}
			c := byPort[w.Port]
			if c == nil {
				c = &crew{what: fmt.Sprintf("TCP port %d", w.Port)}
				byPort[w.Port] = c
			}
			c.ways = append(c.ways, w)
		}
	}
	all := []*crew{udp, tcp}
	for _, c := range byPort {
		if len(c.ways) >= meshWeb {
			all = append(all, c)
		}
	}
	slices.SortFunc(all[2:], func(a, b *crew) int { return int(a.ways[0].Port) - int(b.ways[0].Port) })
	all = slices.DeleteFunc(all, func(c *crew) bool { return len(c.ways) < meshPeers })
	for _, c := range all {
		c.measure()
	}
	return all
}

// web tells a crew of one usual port. What such servers give is the web's content, and
// says nothing of the host's peers.
func (c *crew) web() bool { return c.what != "UDP" && c.what != "TCP" }

func (c *crew) measure() {
	peers, nets := make(map[netip.Addr]bool, len(c.ways)), map[netip.Prefix]bool{}
	local, remote := make(map[uint16]int, len(c.ways)), map[uint16]int{}
	sizes, firsts := make([]float64, 0, len(c.ways)), make([]float64, 0, len(c.ways))
	never, started, torrents := 0, 0, 0
	for _, w := range c.ways {
		peers[w.Addr] = true
		nets[network(w.Addr)] = true
		local[w.LocalPort]++
		remote[w.Port]++
		sizes = append(sizes, float64(w.Sent+w.Got)/float64(max(w.Started, 1)))
		firsts = append(firsts, float64(w.First)/1e6)
		started += w.Started
		if w.Got == 0 {
			never++
		}
		if torrent(w.Port) || w.Service == torrentService {
			torrents++
		}
		if w.Sent+w.Got >= bulkBytes {
			c.bulk++
		}
	}
	n := float64(len(c.ways))
	c.peers, c.nets = len(peers), len(nets)
	c.never, c.again, c.torrent = float64(never)/n, float64(started)/n, float64(torrents)/n
	c.local, c.remote = commonest(local)/n, commonest(remote)/n
	slices.Sort(sizes)
	c.median = quantile(sizes, 0.5)
	slices.Sort(firsts)
	c.walk = gapsOf(firsts)
}

// network is the part of the net that an address stands in, a /16 or a /32: a
// service's machines stand together.
func network(a netip.Addr) netip.Prefix {
	bits := 16
	if a.Is6() {
		bits = 32
	}
	p, _ := a.Prefix(bits)
	return p
}

// strangers tells a crew on a web port that is most of what a host calls there,
// although its look-ups are seen: it knows the addresses from somewhere else. A
// browser may ask for names where nobody sees it, but then calls port 443.
func (c *crew) strangers(h *Host) bool {
	port := c.ways[0].Port
	if h.Lookups < meshLookups || port == 443 {
		return false
	}
	all := 0
	for i := range h.Ways {
		if w := &h.Ways[i]; w.Outside && w.Transport == TCP && w.Port == port {
			all++
		}
	}
	return 5*len(c.ways) >= 3*all
}

func commonest(counts map[uint16]int) float64 {
	most := 0
	for _, k := range counts {
		most = max(most, k)
	}
	return float64(most)
}

// gapsOf gives the quartiles of the gaps between sorted moments in seconds, and
// in Near the share of the gaps within a tenth of the median.
func gapsOf(sorted []float64) Pulse {
	gaps := make([]float64, 0, len(sorted))
	for i := 1; i < len(sorted); i++ {
		gaps = append(gaps, sorted[i]-sorted[i-1])
	}
	slices.Sort(gaps)
	q1, q3 := quantile(gaps, 0.25), quantile(gaps, 0.75)
	p := Pulse{Gaps: len(gaps), Period: quantile(gaps, 0.5), Jitter: (q3 - q1) / 2, Spread: 1}
	if q1+q3 > 0 {
		p.Spread = (q3 - q1) / (q3 + q1)
	}
	near := 0
	for _, g := range gaps {
		if g >= p.Period*0.9 && g <= p.Period*1.1 {
			near++
		}
	}
	p.Near = float64(near) / float64(max(len(gaps), 1))
	return p
}

func mesh(h *Host, c *crew, b *Bench, content bool) (Evidence, bool) {
	web := c.web()
	spread := float64(c.nets) / float64(c.peers)
	switch {
	case c.peers < meshPeers || spread < meshSpread:
		return Evidence{}, false
	case c.what == "UDP" && c.local < 0.5 && (spread < meshApart || c.remote > 0.5 || c.median > meshWord):
		return Evidence{}, false
	case web && (c.peers < meshWeb || c.again < 2 || c.never < 0.3 && !c.strangers(h)):
		return Evidence{}, false
	case c.remote >= 0.8 && c.never >= 0.9 && c.again <= 3:
		return Evidence{}, false // one port, nobody answers: that is a search
	case c.what == "TCP" && c.never < 0.1 && c.again < 1.5:
		return Evidence{}, false
	}
	e := Evidence{Detector: "mesh", Host: h.Addr, Role: Peer, Signs: Mesh, First: c.ways[0].First, Ceiling: Suspected}
	hashes := make([]uint64, 0, len(c.ways))
	for _, w := range c.ways {
		e.First, e.Last = min(e.First, w.First), max(e.Last, w.Last)
		hashes = append(hashes, addrHash(w.Addr, 0))
	}
	slices.Sort(hashes)
	hashes = slices.Compact(hashes)
	e.Tokens = hashes[:min(len(hashes), MaxTokens)]
	note := ""
	clock := !b.Sampled && c.what == "UDP" && c.walk.Gaps >= walkPeers && c.walk.Near >= 0.5 && c.walk.Period >= 1
	if clock {
		e.Signs |= Rhythm
		note = fmt.Sprintf("; a new peer every %s s ± %s s", number(c.walk.Period), number(c.walk.Jitter))
	}
	if web {
		content = c.bulk >= bulkPeers || c.median > controlBytes
	}
	if content || c.torrent >= torrentShare {
		if !clock || content {
			e.Ceiling = Weak
		}
		note += "; BitTorrent and its like look the same"
	}
	e.Score = round3(clamp(0.3 + 0.3*float64(c.peers)/float64(c.peers+60) + 0.15*spread + 0.15*bit(clock) + 0.1*bit(!content)))
	if e.Ceiling == Weak {
		e.Score /= 2
	}
	e.Figures = []Figure{{"peers", float64(c.peers)}, {"networks", float64(c.nets)}, {"never_spoke", round3(c.never)},
		{"connections_each", round3(c.again)}, {"median_bytes", c.median}, {"torrent_ports", round3(c.torrent)}}
	e.Because = fmt.Sprintf("%s over %s in %s networks, %s%% of which never said anything, %s connections with each and %s in one%s",
		plural(c.peers, "peer", "peers"), c.what, count(c.nets), number(100*c.never), number(c.again), size(c.median), note)
	return e, true
}
