package detect

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"tocsin/traffic"
)

// morning is when the scenes begin.
const morning = int64(1_764_000_000) * second

// scene is traffic that a test lays: what some hosts do in a day.
type scene struct {
	r        *rand.Rand
	flows    []traffic.Flow
	lookups  []traffic.Lookup
	requests []traffic.Request
	shakes   []traffic.Handshake
	alerts   []alertLaid
	local    uint16
}

// alertLaid is an alert, and whether the host opened what it is about.
type alertLaid struct {
	traffic.Alert
	opened bool
}

func newScene(seed uint64) *scene { return &scene{r: rand.New(rand.NewPCG(seed, 7)), local: 40000} }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// to is an endpoint as a test writes it: "198.51.100.7:443/tcp".
func to(s string) Endpoint {
	transport := TCP
	if text, ok := cutSuffix(s, "/udp"); ok {
		s, transport = text, UDP
	}
	p := netip.MustParseAddrPort(s)
	return Endpoint{p.Addr(), p.Port(), transport}
}

func cutSuffix(s, suffix string) (string, bool) {
	if len(s) > len(suffix) && s[len(s)-len(suffix):] == suffix {
		return s[:len(s)-len(suffix)], true
	}
	return s, false
}

// call is one connection.
type call struct {
	at, lasts  float64 // seconds after morning, seconds
	state      traffic.State
	sent, got  int64
	service    string
	local      uint16 // 0: a new one
	outPackets int64
}

func (s *scene) call(host string, e Endpoint, c call) {
	if c.local == 0 {
		s.local++
		if s.local < 32768 {
			s.local = 32768
		}
		c.local = s.local
	}
	if c.state == traffic.StateUnknown {
		c.state = traffic.Established
	}
	if c.state == traffic.Attempted || c.state == traffic.Rejected {
		c.got = 0
	}
	s.flows = append(s.flows, traffic.Flow{Start: morning + int64(c.at*1e6), Duration: int64(c.lasts * 1e6), Orig: addr(host), Resp: e.Addr,
		OrigPort: c.local, RespPort: e.Port, Proto: e.Transport, State: c.state, Oriented: c.state != traffic.Midstream, OrigBytes: c.sent + 200, RespBytes: c.got + 200,
		OrigPayload: c.sent, RespPayload: c.got, OrigPackets: max(c.outPackets, 5), RespPackets: 5, Sampling: 1, Service: c.service})
}

// named tells the scene that a host looked a name up.
func (s *scene) named(host, name, a string, at float64) {
	s.lookups = append(s.lookups, traffic.Lookup{At: morning + int64(at*1e6), Client: addr(host), Server: addr("10.0.0.53"), ServerPort: 53, Proto: UDP,
		Query: name, Type: 1, Answered: true, Answers: 1, Addrs: []netip.Addr{addr(a)}})
}

// every calls an endpoint by a clock: n times, each period seconds and up to
// jitter (a share of the period) later, after a start.
func (s *scene) every(host string, e Endpoint, from, period, jitter float64, n int, c call) {
	at := from
	for range n {
		c.at = at
		s.call(host, e, c)
		at += period * (1 + jitter*s.r.Float64())
	}
}

// browse lays what a person does on the web for some hours: bursts, names, TLS.
func (s *scene) browse(host string, from, hours float64) {
	at := from
	for at < from+hours*3600 {
		site := s.r.IntN(60)
		name, a := fmt.Sprintf("www%d.example.net", site), fmt.Sprintf("203.0.113.%d", site+1)
		s.named(host, name, a, at-0.05)
		for range 2 + s.r.IntN(8) {
			s.call(host, to(a+":443"), call{at: at + s.r.Float64()*3, lasts: s.r.Float64() * 60, sent: 500 + s.r.Int64N(4000), got: 2000 + s.r.Int64N(400000), service: "ssl"})
		}
		at += s.r.ExpFloat64() * 90
	}
}

// report runs a scene and gives the claims.
func (s *scene) report(t testing.TB, b *Bench) Report {
	t.Helper()
	f := s.fleet(t, b)
	return f.Report()
}

// fleet runs a scene through one watch and a fleet.
func (s *scene) fleet(t testing.TB, b *Bench) *Fleet {
	t.Helper()
	w := NewWatch(b, 1)
	home := Home{private: true}
	type event struct {
		at int64
		do func()
	}
	var events []event
	for i := range s.flows {
		f := &s.flows[i]
		events = append(events, event{f.End(), func() {
			if f.OneWay && !home.Contains(f.Orig) {
				w.Reply(f)
				return
			}
			if home.Contains(f.Orig) {
				w.Flow(f, !home.Contains(f.Resp))
			}
			if home.Contains(f.Resp) {
				w.Inbound(f, !home.Contains(f.Orig))
			}
		}})
	}
	for i := range s.lookups {
		events = append(events, event{s.lookups[i].At, func() { w.Lookup(&s.lookups[i]) }})
	}
	for i := range s.requests {
		events = append(events, event{s.requests[i].At, func() { w.Request(&s.requests[i], !home.Contains(s.requests[i].Server)) }})
	}
	for i := range s.shakes {
		events = append(events, event{s.shakes[i].At, func() { w.Handshake(&s.shakes[i]) }})
	}
	for i := range s.alerts {
		a := &s.alerts[i]
		events = append(events, event{a.At, func() { w.Alert(&a.Alert, a.Orig, a.opened, true) }})
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	closed := morning - morning%hour
	var fleet Fleet
	for _, e := range events {
		if e.at > closed+hour+lateness {
			closed = e.at - e.at%hour
			fleet.Take(w.Close(closed))
		}
		e.do()
	}
	fleet.Take(w.Close(EndOfTime))
	fleet.Take(w.Judge())
	return &fleet
}

// clocksOf is a small table of benign clocks and shared networks for tests.
type clocksOf struct{ clocks, shared map[string]string }

func (c clocksOf) Clock(name string, a netip.Addr, port uint16, transport uint8) (string, bool) {
	if what, ok := c.clocks[name]; ok && name != "" {
		return what, true
	}
	what, ok := c.clocks[fmt.Sprintf("%d/%d", port, transport)]
	return what, ok
}

func (c clocksOf) Shared(name string, a netip.Addr) (string, bool) {
	what, ok := c.shared[a.String()]
	return what, ok
}

// grade finds what a report says of a host.
func (r *Report) grade(host string) (Certainty, *Bot) {
	for i := range r.Bots {
		if r.Bots[i].Addr == addr(host) {
			return r.Bots[i].Certainty, &r.Bots[i]
		}
	}
	return None, nil
}

func reasons(b *Bot) string {
	if b == nil {
		return "nothing is said"
	}
	s := ""
	for i := range b.Evidence {
		e := &b.Evidence[i]
		s += fmt.Sprintf("\n\t%s (%s, %.2f) %s: %s", e.Detector, e.Ceiling, e.Score, e.Peer, e.Because)
	}
	return s
}

// judged is a case of a detector's table: what is laid, and what the detector may
// raise by it; None if it says nothing.
type judged struct {
	name string
	lay  func(s *scene, h string)
	want Certainty
}

const judgedHost = "10.0.0.5"

// judgeAll runs the cases of one detector.
func judgeAll(t *testing.T, detector string, b *Bench, cases []judged) {
	t.Helper()
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(uint64(1000 + i))
			c.lay(s, judgedHost)
			got, because := None, "nothing is said"
			if sum := s.fleet(t, b).hosts[addr(judgedHost)]; sum != nil {
				for _, e := range sum.Evidence {
					if e.Detector == detector && e.Ceiling > got {
						got, because = e.Ceiling, e.Because
					}
				}
			}
			if got != c.want {
				t.Errorf("got %s (%s), want %s", got, because, c.want)
			}
			if got > None && because == "" {
				t.Error("the claim doesn't explain itself")
			}
		})
	}
}
