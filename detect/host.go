package detect

import (
	"cmp"
	"net/netip"
	"slices"
)

// Host is what one host at home did, as detectors judge it when an hour closes.
// Counts are since the watch first saw what they count.
type Host struct {
	Addr        netip.Addr
	First, Last int64 // µs since 1970, UTC
	Ways        []Way // in the order in which they were first gone
	// Named is the share of the endpoints that answered on the web's ports whose
	// name the host was told or said, -1 if there are too few to say.
	Named float64
	// Crowd is how many outside addresses it called on unusual ports.
	Crowd int
	// Swarm is how many outside endpoints it called at BitTorrent's ports.
	Swarm int
	// Recognises tells that the source says what is spoken in a flow.
	Recognises bool
	// Server tells that it takes mail from outside.
	Lookups int64

	uses    []portUse
	targets []target
	sites   map[Endpoint]*site
	tls     map[Endpoint]*tls
	marks   []*mark
	inbound *inbound
	mail    mailUse
	asked   int // different domains that were asked by HTTP
}

type mailUse struct {
	domains     int
	first, last int64
}

// Way is what a host did with one endpoint.
type Way struct {
	Endpoint
	Outside bool
	Name    string // "" if none is known
	Raw     bool   // HTTP was spoken there, and never with a name
	// Bare says that TLS was spoken there many times and never with a server name,
	// as a client that has an address only does.
	Bare bool
	// SelfSigned says that nearly all sessions showed a certificate that vouches for
	// itself.
	SelfSigned bool
	Clock      string // which benign clock it is, "" if none
	Shared     string // which shared infrastructure it is, "" if none

	First, Last      int64
	Started          int
	Answered, Failed int
	Refused          int
	Renewed          int // starts at once after the end of the one before
	Pieces           int // records that were joined to a connection
	Recognised       int
	Service          uint8
	LocalPort        uint16
	SameLocal        int
	Sent, Got        int64
	Longest, Lasting int64 // µs
	Peak             int   // starts in the fullest minute
	Blast            int   // packets a second, one-sided
	Hours            int   // different hours with a start
	OK, Dead         Pulse // of what was answered, of what wasn't
	Constancy        float64
	Low, High        float64 // quartiles of the sizes sent, octets
}

// odd tells that the port doesn't fit: nothing usual listens there, or something
// else is spoken than belongs there.
func (w *Way) odd(h *Host) bool {
	if !usual(w.Endpoint) || w.SelfSigned {
		return true
	}
	if w.Service == ircService || irc(w.Port) && w.Transport == TCP {
		return true
	}
	return w.silentWeb(h)
}

// silentWeb tells a port of the web or of names on which no source that knows their
// protocols recognised any, although both sides spoke from the beginning. Of a few
// connections a sensor may have missed the beginning, whatever it says.
func (w *Way) silentWeb(h *Host) bool {
	return h.Recognises && w.Transport == TCP && (w.Port == 80 || w.Port == 443 || w.Port == 53) && w.Recognised == 0 &&
		w.Answered >= 10 && w.Pieces == 0 && w.Sent > 0 && w.Got > 0
}

// nameless tells an address that no look-up, handshake or request of the host
// named, although it names nearly all that it calls; or that was asked by HTTP
// with the bare address for a name, or by TLS without one.
func (w *Way) nameless(h *Host) bool {
	return w.Outside && w.Name == "" && (h.Named >= 0.7 && h.tells(w) || w.Raw || w.Bare)
}

// tells whether the host's names would have been seen at an endpoint: all of them if its
// look-ups are; otherwise what handshakes and requests say, where such were.
func (h *Host) tells(w *Way) bool {
	switch {
	case h.Lookups > 0, w.Service == tlsService:
		return true
	case w.Service == httpService:
		return len(h.sites) > 0
	}
	return false
}

// oneSocket tells UDP that always comes from one local port: a program keeps a socket
// open, as tunnels, calls and games do, and the source tells its silences apart. The
// clock is then a keepalive's, and nobody comes back.
func (w *Way) oneSocket() bool {
	return w.Transport == UDP && w.Started >= 3 && w.SameLocal*10 >= (w.Started-1)*9
}

// upFor is the share of its period that a connection lasts, on average. Near 1 it is one
// session, which a timer of the server's cuts.
func (w *Way) upFor() float64 {
	return float64(w.Lasting) / 1e6 / (float64(w.Started) * max(w.OK.Period, 1e-6))
}

// crowded tells a host that speaks with so many odd endpoints, or with a swarm,
// that one of them is unremarkable: it is judged as a mesh.
func (h *Host) crowded() bool { return h.Crowd >= crowdSize || h.Swarm >= swarmSize }

const (
	swarmSize    = 3
	bareSessions = 8
	selfSessions = 3
	coverageWays = 8 // endpoints, before Named says anything
)

// summarise fills h from what the watch holds of a host. The room of an earlier
// summary is used again.
func (w *Watch) summarise(h *Host, of *host) {
	*h = Host{Addr: of.addr, First: of.first, Last: of.last, Ways: h.Ways[:0], marks: h.marks[:0], Named: -1,
		Recognises: of.recognises, Lookups: of.lookups, uses: of.uses, targets: of.targets, sites: of.sites, tls: of.tls, inbound: &of.inbound, asked: of.asked.count(),
		mail: mailUse{of.mail.count(), of.mailFirst, of.mailLast}}
	named, answered := 0, 0
	crowd := map[netip.Addr]bool{}
	h.Ways = slices.Grow(h.Ways, len(of.pairs))
	for _, i := range of.pairs {
		p := w.ways.at(i)
		h.Ways = append(h.Ways, Way{})
		way := &h.Ways[len(h.Ways)-1]
		way.fill(p, &w.rhythms)
		way.Name = of.named[way.Addr]
		if s := of.sites[way.Endpoint]; s != nil {
			way.Raw = s.raw > 0 && s.raw == s.requests
		}
		if t := of.tls[way.Endpoint]; t != nil {
			way.Bare = t.sessions >= bareSessions && t.nameless == t.sessions
			way.SelfSigned = t.sessions >= selfSessions && t.selfSigned*10 >= t.sessions*8
		}
		if !way.Outside {
			continue
		}
		if way.Started >= 3 || way.Blast > 0 || way.Longest >= sessionLongest*second {
			way.Clock, _ = w.bench.Clock(way.Name, way.Endpoint)
			way.Shared, _ = w.bench.Shared(way.Name, way.Addr)
		}
		if web(way.Port) && way.Transport == TCP && way.Answered > 0 {
			answered++
			if way.Name != "" {
				named++
			}
		}
		if !usual(way.Endpoint) {
			crowd[way.Addr] = true
		}
		if torrent(way.Port) || way.Service == torrentService {
			h.Swarm++
		}
	}
	h.Crowd = len(crowd)
	if answered >= coverageWays && named > 0 && !of.unnamed {
		h.Named = float64(named) / float64(answered)
	}
	for _, m := range of.marks {
		h.marks = append(h.marks, m)
	}
	slices.SortFunc(h.marks, func(a, b *mark) int {
		return cmp.Or(cmp.Compare(a.what, b.what), cmp.Compare(a.key, b.key), a.peer.Compare(b.peer))
	})
}

func (w *Way) fill(p *pair, of *rhythms) {
	*w = Way{Endpoint: p.endpoint(), Outside: p.outside, First: p.first, Last: p.last, Started: int(p.started),
		Answered: int(p.answered), Failed: int(p.failed), Refused: int(p.refused), Renewed: int(p.renewed), Pieces: int(p.pieces),
		Recognised: int(p.recognised), Service: p.service, LocalPort: p.localPort, SameLocal: int(p.sameLocal), Sent: p.sent, Got: p.got,
		Longest: p.longest, Lasting: p.lasting, Peak: int(p.peak), Blast: int(p.blast), Hours: p.activeHours(), OK: Pulse{Spread: 1}, Dead: Pulse{Spread: 1}}
	if p.ok != 0 {
		r := of.at(p.ok)
		w.OK = r.pulse()
		w.Constancy, w.Low, w.High = r.constancy()
	}
	if p.dead != 0 {
		w.Dead = of.at(p.dead).pulse()
	}
}

// span is how long the host was seen, seconds.
func (h *Host) span() float64 { return float64(h.Last-h.First) / 1e6 }

// span is how long the endpoint was called, seconds.
func (w *Way) span() float64 { return float64(w.Last-w.First) / 1e6 }
