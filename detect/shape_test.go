package detect

import (
	"fmt"
	"testing"

	"tocsin/traffic"
)

// shapes are ways in which bots behave, whatever their name: clocks from five seconds to
// eight hours, sessions, chat, meshes, tunnels, harm; in ten minutes of traffic and in
// three days. Each is laid on a person's browsing. Seen and flows are the least that
// must be said if look-ups and requests are seen, and if there are flows only, without
// what was spoken; None if flows can't show it.
var shapes = []struct {
	name        string
	hours       float64
	seen, flows Certainty
	lay         func(s *scene, h string)
}{
	{"TLS to an address without a name, each minute with half of the sleep random, sizes at random", 9, Suspected, None, func(s *scene, h string) {
		s.sleepy(h, to("45.77.9.9:443"), 100, 9*3600, 60, 0.5, 300, 9000, "ssl")
	}},
	{"the same each five seconds", 9, Suspected, None, func(s *scene, h string) {
		s.sleepy(h, to("45.77.9.9:443"), 100, 9*3600, 5, 0.2, 300, 9000, "ssl")
	}},
	{"the same each hour for a day", 24, Suspected, None, func(s *scene, h string) {
		s.sleepy(h, to("45.77.9.9:443"), 100, 24*3600, 3600, 0.3, 300, 900, "ssl")
	}},
	{"every eight hours for three days, at an odd port", 72, Suspected, Suspected, func(s *scene, h string) {
		s.sleepy(h, to("45.77.9.9:4444"), 100, 72*3600, 8*3600, 0.2, 300, 900, "ssl")
	}},
	{"each hour for a day with half of it random, at an odd port", 24, Suspected, Suspected, func(s *scene, h string) {
		s.sleepy(h, to("45.77.9.9:4444"), 100, 24*3600, 3600, 0.5, 300, 900, "")
	}},
	{"a named server at an odd port, each minute", 9, Suspected, Suspected, func(s *scene, h string) {
		s.named(h, "evil.duckdns.example", "45.77.9.9", 50)
		s.sleepy(h, to("45.77.9.9:4444"), 100, 9*3600, 60, 0.3, 300, 900, "")
	}},
	{"one long connection to an odd port, a word now and then", 9, Suspected, None, func(s *scene, h string) {
		s.call(h, to("45.77.9.9:5555"), call{at: 100, lasts: 9 * 3600, sent: 9 * 60 * 20, got: 9 * 60 * 20})
	}},
	{"ten minutes of one that comes each ten seconds", 0.16, Suspected, Suspected, func(s *scene, h string) {
		s.sleepy(h, to("45.77.9.9:4444"), 5, 595, 10, 0.3, 100, 200, "")
	}},
	{"ten minutes of one that comes each minute", 0.16, Suspected, Suspected, func(s *scene, h string) {
		s.sleepy(h, to("45.77.9.9:4444"), 5, 600, 60, 0.1, 100, 200, "")
	}},
	{"ten minutes of a dead controller", 0.16, Suspected, Suspected, func(s *scene, h string) {
		s.every(h, to("45.77.9.9:4444"), 5, 20, 0.1, 28, call{lasts: 3, state: traffic.Attempted})
	}},
	{"a dead controller, each hour for three days", 72, Confirmed, Suspected, func(s *scene, h string) {
		s.every(h, to("45.77.9.9:4444"), 5, 3600, 0.1, 66, call{lasts: 3, state: traffic.Attempted})
	}},
	{"chat without a name, one long connection", 9, Suspected, None, func(s *scene, h string) {
		s.call(h, to("45.77.9.9:6667"), call{at: 100, lasts: 9 * 3600, sent: 20000, got: 30000, service: "irc"})
	}},
	{"chat that is joined again each ten minutes", 9, Confirmed, Suspected, func(s *scene, h string) {
		s.every(h, to("45.77.9.9:6667"), 100, 620, 0.1, 45, call{lasts: 590, sent: 300, got: 700, service: "irc"})
	}},
	{"BitTorrent's tables for a meeting point, and a search (Mozi, Hajime)", 9, Confirmed, Confirmed, func(s *scene, h string) {
		for i := range 600 {
			port := 6881
			if i%2 == 0 {
				port = 2000 + s.r.IntN(60000)
			}
			state := traffic.Established
			if i%3 == 0 {
				state = traffic.Attempted
			}
			s.call(h, to(fmt.Sprintf("%s:%d/udp", anywhere(i), port)), call{at: 10 + float64(i)*15*s.r.Float64()*2, lasts: 0.3, sent: 110, got: 300, state: state, local: 14737})
		}
		for i := range 3000 {
			s.call(h, to(fmt.Sprintf("%s:%d", anywhere(9000+i), []int{23, 2323, 8080, 5555, 7547, 49152}[i%6])), call{at: 600 + float64(i)*8, lasts: 3, state: traffic.Attempted})
		}
	}},
	{"peers each forty minutes (Sality)", 24, Suspected, Suspected, func(s *scene, h string) {
		for i := range 120 {
			state := traffic.Established
			if i%3 > 0 {
				state = traffic.Attempted
			}
			s.every(h, to(fmt.Sprintf("%s:%d/udp", anywhere(i), 3000+int(mix(uint64(i))%50000))), 5+float64(i)*2, 2400, 0.1, 30, call{lasts: 0.3, sent: 34, got: 600, state: state, local: 7674})
		}
	}},
	{"a peer a second at one port (ZeroAccess)", 2, Suspected, Suspected, func(s *scene, h string) {
		for i := range 3000 {
			state := traffic.Established
			if i%4 > 0 {
				state = traffic.Attempted
			}
			s.call(h, to(fmt.Sprintf("%s:16471/udp", anywhere(i%400))), call{at: 10 + float64(i), lasts: 0.3, sent: 16, got: 848, state: state, local: 16471})
		}
	}},
	{"peers at any port, and a slow search (Hide and Seek)", 9, Confirmed, Confirmed, func(s *scene, h string) {
		for i := range 500 {
			s.call(h, to(fmt.Sprintf("%s:%d/udp", anywhere(i), 1024+int(mix(uint64(i))%60000))), call{at: 10 + float64(i)*60, lasts: 0.3, sent: 60, got: 60, state: []traffic.State{traffic.Established, traffic.Attempted, traffic.Attempted}[i%3], local: 23789})
		}
		for i := range 900 {
			s.call(h, to(fmt.Sprintf("%s:%d", anywhere(9000+i), []int{23, 80, 2480, 5984}[i%4])), call{at: 600 + float64(i)*30, lasts: 3, state: traffic.Attempted})
		}
	}},
	{"mail to two servers a minute", 3, Confirmed, Confirmed, func(s *scene, h string) {
		for i := range 300 {
			s.named(h, fmt.Sprintf("mx.d%d.example", i), anywhere(i), 600+float64(i)*30-1)
			s.lookups = append(s.lookups, traffic.Lookup{At: morning + int64((600+float64(i)*30-2)*1e6), Client: addr(h), Server: addr("10.0.0.53"), ServerPort: 53, Query: fmt.Sprintf("d%d.example", i), Type: 15, Answered: true, Answers: 1})
			s.call(h, to(anywhere(i)+":25"), call{at: 600 + float64(i)*30, lasts: 5, sent: 2400, got: 600, service: "smtp", state: []traffic.State{traffic.Established, traffic.Attempted}[i%2]})
		}
	}},
	{"mail that the provider blocks", 3, Suspected, Suspected, func(s *scene, h string) {
		for i := range 300 {
			s.call(h, to(anywhere(i)+":25"), call{at: 600 + float64(i)*30, lasts: 5, state: traffic.Attempted})
		}
	}},
	{"a worm at file shares, inside and outside", 1, Confirmed, Confirmed, func(s *scene, h string) {
		for i := range 600 {
			s.call(h, to(anywhere(i)+":445"), call{at: 60 + float64(i)*2, lasts: 3, state: traffic.Attempted})
			s.call(h, to(fmt.Sprintf("10.0.%d.%d:445", i/250, i%250+1)), call{at: 60 + float64(i)*2, lasts: 3, state: traffic.Attempted})
		}
	}},
	{"a Telnet search of one address a minute", 24, Suspected, Suspected, func(s *scene, h string) {
		for i := range 1400 {
			s.call(h, to(anywhere(i)+":23"), call{at: 60 + float64(i)*60, lasts: 3, state: traffic.Attempted})
		}
	}},
	{"a search for remote desktops", 1, Confirmed, Confirmed, func(s *scene, h string) {
		for i := range 200 {
			s.call(h, to(anywhere(i)+":3389"), call{at: 60 + float64(i)*10, lasts: 3, state: []traffic.State{traffic.Attempted, traffic.Rejected, traffic.Attempted}[i%3]})
		}
	}},
	{"passwords guessed at one server", 1, Suspected, Suspected, func(s *scene, h string) {
		s.every(h, to("45.77.9.9:22"), 60, 4, 0.3, 500, call{lasts: 2, sent: 1500, got: 2000, service: "ssh"})
	}},
	{"a flood of half-open connections", 1, Suspected, Suspected, func(s *scene, h string) {
		for i := range 20000 {
			s.call(h, to("45.77.9.9:80"), call{at: 600 + float64(i)*0.01, lasts: 0, state: traffic.Attempted})
		}
	}},
	{"a flood of UDP in one flow", 1, Suspected, Suspected, func(s *scene, h string) {
		s.call(h, to("45.77.9.9:80/udp"), call{at: 600, lasts: 60, sent: 60_000_000, outPackets: 600_000, state: traffic.Attempted})
	}},
	{"a flood of UDP to any port", 1, Suspected, Suspected, func(s *scene, h string) {
		for i := range 20000 {
			s.call(h, to(fmt.Sprintf("45.77.9.9:%d/udp", 1+mix(uint64(i))%65000)), call{at: 600 + float64(i)*0.002, lasts: 0, sent: 1000, state: traffic.Attempted, outPackets: 1})
		}
	}},
	{"a flood of requests, twenty a second", 1, Confirmed, Suspected, func(s *scene, h string) {
		for i := range 12000 {
			s.call(h, to("45.77.9.9:80"), call{at: 600 + float64(i)*0.05, lasts: 0.1, sent: 300, got: 600, service: "http"})
		}
	}},
	{"a nameless server asked five times a second", 1, Suspected, None, func(s *scene, h string) {
		for i := range 3000 {
			s.call(h, to("45.77.9.9:80"), call{at: 600 + float64(i)*0.2, lasts: 0.1, sent: 300, got: 600, service: "http"})
		}
	}},
	{"a miner whose pool drops it, at an odd port", 9, None, Suspected, func(s *scene, h string) {
		s.named(h, "pool.example", "45.77.9.9", 50)
		s.every(h, to("45.77.9.9:14444"), 100, 1800, 0.3, 16, call{lasts: 1750, sent: 40000, got: 30000})
	}},
	{"programs fetched from a bare address each ten minutes", 9, Suspected, None, func(s *scene, h string) {
		for at := 100.0; at < 9*3600; at += 600 * (1 + 0.1*s.r.Float64()) {
			s.call(h, to("45.77.9.9:80"), call{at: at, lasts: 1, sent: 300, got: 300000, service: "http"})
			s.requests = append(s.requests, traffic.Request{At: morning + int64(at*1e6), Client: addr(h), Server: addr("45.77.9.9"), ServerPort: 80, Method: "GET", Host: "45.77.9.9", URI: "/a/file.exe", MIME: "application/x-dosexec"})
		}
	}},
	{"a gate on a named server, posted to each five minutes (Zeus)", 9, Suspected, None, func(s *scene, h string) {
		s.named(h, "evil.example", "45.77.9.9", 50)
		for at := 100.0; at < 9*3600; at += 300 * (1 + 0.1*s.r.Float64()) {
			s.call(h, to("45.77.9.9:80"), call{at: at, lasts: 1, sent: 300, got: 300, service: "http"})
			s.requests = append(s.requests, traffic.Request{At: morning + int64(at*1e6), Client: addr(h), Server: addr("45.77.9.9"), ServerPort: 80, Method: "POST", Host: "evil.example", URI: "/panel/gate.php"})
		}
	}},
	{"data in look-ups for text (dnscat2)", 1, Suspected, None, func(s *scene, h string) { carry(s, h, 16, 900, 60) }},
	{"data in look-ups for nothing (iodine)", 1, Suspected, None, func(s *scene, h string) { carry(s, h, 10, 900, 180) }},
	{"data in look-ups for addresses", 1, Suspected, None, func(s *scene, h string) { carry(s, h, 1, 900, 60) }},
	{"a look-up with data each minute", 9, Suspected, None, func(s *scene, h string) { carry(s, h, 5, 540, 24) }},
	{"UDP to an odd port each minute, from a new port each time", 9, Suspected, Suspected, func(s *scene, h string) {
		s.every(h, to("45.77.9.9:9999/udp"), 10, 60, 0.2, 500, call{lasts: 0.1, sent: 60, got: 60})
	}},
	{"something else than names on their port", 9, Confirmed, None, func(s *scene, h string) {
		s.every(h, to("45.77.9.9:53"), 10, 60, 0.2, 500, call{lasts: 0.1, sent: 60, got: 60})
	}},
	{"two controllers in turn", 9, Confirmed, Suspected, func(s *scene, h string) {
		s.every(h, to("45.77.9.9:8989"), 10, 600, 0.2, 45, call{lasts: 1, sent: 60, got: 60})
		s.every(h, to("45.77.10.9:8989"), 310, 600, 0.2, 45, call{lasts: 1, sent: 60, got: 60})
	}},
	{"ten dead controllers, walked in a circle", 9, Confirmed, Suspected, func(s *scene, h string) {
		for i := range 10 {
			s.every(h, to(anywhere(i)+":447"), 10+float64(i)*60, 600, 0.1, 50, call{lasts: 3, state: traffic.Attempted})
		}
	}},
	{"ten controllers, walked in a circle (Trickbot)", 9, Confirmed, Suspected, func(s *scene, h string) {
		for i := range 10 {
			s.every(h, to(anywhere(i)+":447"), 10+float64(i)*60, 600, 0.1, 50, call{lasts: 3, sent: 600, got: 900, service: "ssl"})
		}
	}},
	{"forty bare addresses posted to, some of them gone (Emotet)", 9, Suspected, None, func(s *scene, h string) {
		for i := range 200 {
			a, port := anywhere(i%40), []int{80, 443, 8080, 7080}[i%4]
			at := 100 + float64(i)*120
			st := []traffic.State{traffic.Established, traffic.Attempted, traffic.Rejected}[i%40%3]
			s.call(h, to(fmt.Sprintf("%s:%d", a, port)), call{at: at, lasts: 2, sent: 700, got: 400, state: st, service: []string{"http", "", ""}[i%40%3]})
			if i%40%3 == 0 {
				s.requests = append(s.requests, traffic.Request{At: morning + int64(at*1e6), Client: addr(h), Server: addr(a), ServerPort: uint16(port), Method: "POST", Host: a, URI: fmt.Sprintf("/x%d/", i)})
			}
		}
	}},
}

func TestShapesAreFound(t *testing.T) {
	bench := &Bench{Clocks: clocksOf{clocks: map[string]string{"123/17": "NTP, by its port"}}}
	for i, c := range shapes {
		for _, view := range []string{"seen", "flows"} {
			want := c.seen
			if view == "flows" {
				want = c.flows
			}
			if want == None {
				continue
			}
			t.Run(c.name+", "+view, func(t *testing.T) {
				s := newScene(uint64(5000 + i))
				s.browse(judgedHost, 0, c.hours)
				c.lay(s, judgedHost)
				if view == "flows" {
					s.flowsOnly()
				}
				r := s.report(t, bench)
				if grade, bot := r.grade(judgedHost); grade < want {
					t.Errorf("got %s, want at least %s:%s", grade, want, reasons(bot))
				}
			})
		}
	}
}

// flowsOnly takes away what flow exporters don't tell: look-ups, requests, what was
// spoken, and octets without their headers.
func (s *scene) flowsOnly() {
	s.lookups, s.requests, s.shakes = nil, nil, nil
	for i := range s.flows {
		f := &s.flows[i]
		f.Service, f.OrigPayload, f.RespPayload = "", -1, -1
	}
}

// anywhere is the i-th of many addresses all over the net.
func anywhere(i int) string {
	x := mix(uint64(i) + 77)
	return fmt.Sprintf("%d.%d.%d.%d", 11+x%100, x>>8%250, x>>16%250, 1+x>>24%250)
}

// sleepy calls an endpoint by a clock up to a share of which is random, with sizes
// between two.
func (s *scene) sleepy(h string, e Endpoint, from, until, period, jitter float64, low, high int64, service string) {
	for at := from; at < until; at += period * (1 - jitter*s.r.Float64()) {
		s.call(h, e, call{at: at, lasts: 0.3 + s.r.Float64()*2, sent: low + s.r.Int64N(high-low+1), got: 200 + s.r.Int64N(2000), service: service})
	}
}

// carry lays data in look-ups of a kind, one each four seconds.
func carry(s *scene, h string, kind uint16, n, long int) {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	for i := range n {
		b := make([]byte, 0, 250)
		for len(b) < long {
			if len(b)%60 == 59 && len(b) < long-2 {
				b = append(b, '.')
				continue
			}
			b = append(b, letters[s.r.IntN(36)])
		}
		s.lookups = append(s.lookups, traffic.Lookup{At: morning + int64(i)*4*second, Client: addr(h), Server: addr("10.0.0.53"), ServerPort: 53, Proto: UDP,
			Query: string(b) + ".t.tunnel-example.com", Type: kind, Answered: true, Answers: 1, AnswerBytes: 100})
	}
}
