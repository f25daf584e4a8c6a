package detect

import (
	"fmt"
	"testing"

	"tocsin/traffic"
)

// ordinary lists what programs on a clean machine do all day, each a trap for a
// detector. Each is laid on a person's browsing, with the look-ups seen and
// without.
var ordinary = []struct {
	name string
	lay  func(s *scene, h string)
}{
	{"mail polled each five minutes", func(s *scene, h string) {
		s.named(h, "imap.example.org", "198.51.100.10", 1)
		s.every(h, to("198.51.100.10:993"), 5, 300, 0, 280, call{lasts: 2, sent: 900, got: 2400, service: "ssl"})
	}},
	{"a chat that is kept alive", func(s *scene, h string) {
		s.named(h, "chat.example.org", "198.51.100.11", 1)
		s.every(h, to("198.51.100.11:5222"), 5, 3600, 0.02, 20, call{lasts: 3590, sent: 9000, got: 12000})
	}},
	{"a push connection that the sensor sees in pieces", func(s *scene, h string) {
		for i := range 280 {
			s.call(h, to("198.51.100.12:8883"), call{at: float64(i) * 301.6, lasts: 0.08, sent: 31, got: 31, state: traffic.Midstream, local: 51000})
		}
	}},
	{"time", func(s *scene, h string) {
		for i := range 8 {
			s.every(h, to(fmt.Sprintf("198.51.100.%d:123/udp", 20+i)), float64(i), 1024, 0, 80, call{lasts: 0.02, sent: 48, got: 48, service: "ntp"})
		}
	}},
	{"an updater each hour", func(s *scene, h string) {
		s.named(h, "update.example.org", "198.51.100.13", 1)
		s.every(h, to("198.51.100.13:443"), 5, 3600, 0, 23, call{lasts: 1, sent: 700, got: 3000, service: "ssl"})
	}},
	{"telemetry each quarter of an hour, to the second", func(s *scene, h string) {
		s.named(h, "telemetry.example.org", "198.51.100.14", 1)
		s.every(h, to("198.51.100.14:443"), 5, 900.15, 0, 95, call{lasts: 0.5, sent: 1315, got: 2800, service: "ssl"})
	}},
	{"cloud storage that syncs", func(s *scene, h string) {
		s.named(h, "sync.example.org", "198.51.100.15", 1)
		s.every(h, to("198.51.100.15:443"), 5, 960, 0.1, 85, call{lasts: 900, sent: 46000, got: 3000, service: "ssl"})
	}},
	{"a game for four hours", func(s *scene, h string) {
		s.call(h, to("198.51.100.16:3724"), call{at: 3600, lasts: 4 * 3600, sent: 4_000_000, got: 30_000_000})
		s.call(h, to("198.51.100.17:25565"), call{at: 3600, lasts: 3 * 3600, sent: 3_000_000, got: 60_000_000})
		s.every(h, to("198.51.100.18:27015/udp"), 20000, 30, 0.2, 40, call{lasts: 0.1, sent: 60, got: 900, local: 27005})
	}},
	{"a list of game servers", func(s *scene, h string) {
		for i := range 400 {
			state := traffic.Established
			if i%4 == 0 {
				state = traffic.Attempted
			}
			s.call(h, to(fmt.Sprintf("%d.%d.%d.20:%d/udp", 11+i%90, i%200, i%250, 27015+i%20)), call{at: 500 + float64(i)*0.01, lasts: 0.1, sent: 25, got: 120, state: state, local: 50333})
		}
	}},
	{"calls over the net", func(s *scene, h string) {
		s.every(h, to("198.51.100.19:5060/udp"), 5, 60, 0, 1400, call{lasts: 0.1, sent: 500, got: 400, local: 5060})
		s.call(h, to("198.51.100.19:14022/udp"), call{at: 7000, lasts: 1800, sent: 15_000_000, got: 15_000_000, outPackets: 90000})
	}},
	{"a tunnel to the office", func(s *scene, h string) {
		s.call(h, to("198.51.100.30:1194/udp"), call{at: 100, lasts: 8 * 3600, sent: 80_000_000, got: 400_000_000})
		s.call(h, to("198.51.100.31:443"), call{at: 100, lasts: 8 * 3600, sent: 80_000_000, got: 400_000_000, service: "ssl"})
	}},
	{"a file server and a dead printer at home", func(s *scene, h string) {
		s.every(h, to("10.0.0.9:9100"), 5, 30, 0, 2000, call{lasts: 3, state: traffic.Attempted})
		s.every(h, to("10.0.0.8:445"), 5, 600, 0.5, 90, call{lasts: 20, sent: 90000, got: 900000})
	}},
	{"code fetched over SSH each five minutes", func(s *scene, h string) {
		s.named(h, "git.example.org", "198.51.100.32", 1)
		s.every(h, to("198.51.100.32:22"), 5, 300, 0, 280, call{lasts: 1.5, sent: 3000, got: 4000, service: "ssh"})
	}},
	{"an hour without the net", func(s *scene, h string) {
		for i := range 900 {
			s.call(h, to(fmt.Sprintf("203.0.113.%d:443", 1+i%60)), call{at: 9000 + float64(i)*4, lasts: 21, state: traffic.Attempted})
		}
	}},
	{"a page that refreshes its banners", func(s *scene, h string) {
		for i := range 5 {
			s.named(h, fmt.Sprintf("ads%d.example.org", i), fmt.Sprintf("198.51.100.%d", 40+i), 1)
			s.every(h, to(fmt.Sprintf("198.51.100.%d:80", 40+i)), 60, 120, 0.01, 60, call{lasts: 1, sent: 1400, got: 3000, service: "http"})
		}
	}},
	{"certificates checked by name at one network", func(s *scene, h string) {
		for i := range 20 {
			s.requests = append(s.requests, traffic.Request{At: morning + int64(i)*hour, Client: addr(h), Server: addr("198.51.100.50"), ServerPort: 80, Method: "POST",
				Host: fmt.Sprintf("ocsp.ca%d.example", i), URI: "/", MIME: "application/ocsp-response", RequestBytes: 83, ResponseBytes: 471})
		}
	}},
	{"BitTorrent that moves content", func(s *scene, h string) {
		swarm(s, h, 600, 2_000_000)
	}},
	{"a BitTorrent client with little to do", func(s *scene, h string) {
		for i := range 9 {
			s.every(h, to(fmt.Sprintf("85.17.%d.9:%d", i, 20000+i*777)), float64(i)*60, 1800, 0.05, 45, call{lasts: 3, state: traffic.Attempted})
		}
		for i := range 6 {
			s.every(h, to(fmt.Sprintf("85.18.%d.9:%d/udp", i, 6881+i)), float64(i)*60, 900, 0.2, 90, call{lasts: 0.2, sent: 145, got: 300, local: 44850})
		}
		s.every(h, to("198.51.100.60:6969"), 30, 1800, 0, 47, call{lasts: 1, sent: 400, got: 900})
	}},
	{"scanned from outside all day", func(s *scene, h string) {
		for i := range 3000 {
			s.flows = append(s.flows, traffic.Flow{Start: morning + int64(i)*28*second, Orig: addr(fmt.Sprintf("198.18.%d.%d", i/250, i%250+1)), Resp: addr(h),
				OrigPort: 40000, RespPort: uint16([]int{22, 23, 445, 3389}[i%4]), Proto: TCP, State: traffic.Attempted, Oriented: true, OrigPackets: 1, Sampling: 1})
		}
	}},
	{"SSH from outside that is taken", func(s *scene, h string) {
		for i := range 500 {
			s.flows = append(s.flows, traffic.Flow{Start: morning + int64(i)*60*second, Duration: 2 * second, Orig: addr("198.18.0.9"), Resp: addr(h),
				OrigPort: uint16(40000 + i), RespPort: 22, Proto: TCP, State: traffic.Established, Oriented: true, OrigPayload: 1200, RespPayload: 1800, OrigPackets: 9, RespPackets: 9, Sampling: 1})
		}
	}},
	{"answers to a question to the whole link", func(s *scene, h string) {
		for i := range 400 {
			s.call(h, to(fmt.Sprintf("10.0.0.77:%d/udp", 50000+i)), call{at: float64(i) * 120, lasts: 3, sent: 1000, state: traffic.Attempted, local: 1900})
		}
	}},
}

// swarm lays a BitTorrent program: peers at any port, many gone, content from
// some.
func swarm(s *scene, h string, peers int, content int64) {
	for i := range peers {
		a := fmt.Sprintf("%d.%d.%d.%d", 20+s.r.IntN(60), s.r.IntN(250), s.r.IntN(250), 1+s.r.IntN(250))
		port := 10000 + s.r.IntN(50000)
		if i%5 == 0 {
			port = 6881 + s.r.IntN(8)
		}
		at := s.r.Float64() * 7200
		s.call(h, to(fmt.Sprintf("%s:%d/udp", a, port)), call{at: at, lasts: 0.2, sent: 145, got: 330, local: 44850})
		state := traffic.Established
		if i%2 == 0 {
			state = traffic.Attempted
		}
		got := int64(0)
		if state == traffic.Established && i%5 == 1 {
			got = content
		}
		s.call(h, to(fmt.Sprintf("%s:%d", a, port)), call{at: at + 1, lasts: 60, sent: 700, got: got, state: state})
	}
	for i := range 8 { // dead ones, each minute
		s.every(h, to(fmt.Sprintf("85.17.%d.9:54081", i)), float64(i), 60.05, 0, 22, call{state: traffic.Rejected})
	}
}

func TestOrdinaryMachinesStayClean(t *testing.T) {
	bench := &Bench{Clocks: clocksOf{clocks: map[string]string{"123/17": "NTP, by its port"}}}
	const h = "10.0.0.5"
	for i, c := range ordinary {
		for _, looked := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, look-ups seen: %v", c.name, looked), func(t *testing.T) {
				s := newScene(uint64(i))
				s.browse(h, 600, 9)
				c.lay(s, h)
				if !looked {
					s.lookups = nil
				}
				r := s.report(t, bench)
				if grade, bot := r.grade(h); grade > Weak {
					t.Errorf("got %s, want weak or nothing:%s", grade, reasons(bot))
				}
			})
		}
	}
	t.Run("all of it at once", func(t *testing.T) {
		s := newScene(99)
		s.browse(h, 600, 9)
		for _, c := range ordinary {
			c.lay(s, h)
		}
		r := s.report(t, bench)
		if grade, bot := r.grade(h); grade > Weak {
			t.Errorf("got %s, want weak or nothing:%s", grade, reasons(bot))
		}
	})
}
