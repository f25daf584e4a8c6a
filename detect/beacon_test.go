package detect

import (
	"fmt"
	"testing"

	"tocsin/traffic"
)

func TestBeacon(t *testing.T) {
	odd, web := to("198.51.100.9:4782"), to("198.51.100.9:443")
	beat := call{lasts: 1, sent: 300, got: 200}
	bench := &Bench{Clocks: clocksOf{clocks: map[string]string{"update.example.org": "an updater"}}}
	judgeAll(t, "beacon", bench, []judged{
		{"a metronome, nine times", func(s *scene, h string) { s.every(h, odd, 0, 60, 0, 9, beat) }, Suspected},
		{"a metronome, eight times", func(s *scene, h string) { s.every(h, odd, 0, 60, 0, 8, beat) }, None},
		{"two thirds of the sleep random, 40 times", func(s *scene, h string) { s.every(h, odd, 0, 60, 2, 40, beat) }, Suspected},
		{"two thirds of the sleep random, 20 times", func(s *scene, h string) { s.every(h, odd, 0, 60, 2, 20, beat) }, None},
		{"by chance (Poisson)", func(s *scene, h string) {
			for at := 0.0; at < 36000; at += s.r.ExpFloat64() * 120 {
				c := beat
				c.at = at
				s.call(h, odd, c)
			}
		}, None},
		{"two connections each time", func(s *scene, h string) {
			for i := range 60 {
				for _, c := range []float64{0, 0.3} {
					b := beat
					b.at = float64(i)*60 + c
					s.call(h, odd, b)
				}
			}
		}, Suspected},
		{"ten working days of nine hours", func(s *scene, h string) {
			for d := range 10 {
				s.every(h, odd, float64(d)*86400, 300, 0.1, 100, beat)
			}
		}, Suspected},
		{"a day asleep in between", func(s *scene, h string) {
			s.every(h, odd, 0, 60, 0.1, 100, beat)
			s.every(h, odd, 2*86400, 60, 0.1, 100, beat)
		}, Suspected},
		{"a named server on the web's port", func(s *scene, h string) {
			s.named(h, "app.example.org", "198.51.100.9", 0)
			s.every(h, web, 1, 60, 0, 200, call{lasts: 1, sent: 300, got: 200, service: "ssl"})
		}, Weak},
		{"a known updater on a port of its own", func(s *scene, h string) {
			s.named(h, "update.example.org", "198.51.100.9", 0)
			s.every(h, odd, 1, 60, 0, 200, beat)
		}, Weak},
		{"a camera and its maker's server, over UDP", func(s *scene, h string) {
			s.named(h, "cam.example.org", "198.51.100.9", 0)
			s.every(h, to("198.51.100.9:9765/udp"), 1, 60, 0, 200, beat)
		}, Weak},
		{"one odd endpoint among a crowd", func(s *scene, h string) {
			s.every(h, odd, 1, 60, 0, 200, beat)
			for i := range crowdSize {
				s.call(h, to(fmt.Sprintf("192.0.2.%d:30000", i)), beat)
			}
		}, Weak},
		{"time and names", func(s *scene, h string) {
			s.every(h, to("198.51.100.9:123/udp"), 1, 64, 0, 200, beat)
			s.every(h, to("198.51.100.9:53/udp"), 1, 64, 0, 200, beat)
		}, None},
		{"a machine at home", func(s *scene, h string) { s.every(h, to("10.0.0.9:4782"), 1, 60, 0, 200, beat) }, None},
		{"TLS that vouches for itself, on the web's port", func(s *scene, h string) {
			s.every(h, web, 1, 60, 0, 60, call{lasts: 1, sent: 300, got: 200, service: "ssl"})
			for i := range 60 {
				s.shakes = append(s.shakes, traffic.Handshake{At: morning + int64(i)*minute, Client: addr(h), Server: web.Addr, ServerPort: web.Port, Proto: TCP, SNI: "c.example", SelfSigned: true})
			}
		}, Suspected},
		{"TLS without a server's name, by a strict clock", func(s *scene, h string) {
			s.every(h, web, 1, 60, 0, 60, call{lasts: 1, sent: 300, got: 200, service: "ssl"})
			for i := range 60 {
				s.shakes = append(s.shakes, traffic.Handshake{At: morning + int64(i)*minute, Client: addr(h), Server: web.Addr, ServerPort: web.Port, Proto: TCP})
			}
		}, Suspected},
		{"a nameless address on the web's port, half of the sleep random", func(s *scene, h string) {
			s.browse(h, 0, 3)
			s.every(h, web, 1, 60, 1, 120, call{lasts: 1, sent: 300, got: 200, service: "ssl"})
		}, Suspected},
		{"the same, connected most of the time", func(s *scene, h string) {
			s.browse(h, 0, 3)
			s.every(h, web, 1, 60, 1, 120, call{lasts: 55, sent: 300, got: 200, service: "ssl"})
		}, Weak},
		{"UDP that one socket keeps alive (WireGuard)", func(s *scene, h string) {
			s.every(h, to("198.51.100.9:23422/udp"), 1, 25, 0, 400, call{sent: 32, local: 51820})
		}, Weak},
		{"UDP from a new port each time", func(s *scene, h string) {
			s.every(h, to("198.51.100.9:23422/udp"), 1, 25, 0, 400, call{sent: 32})
		}, Suspected},
		{"a named server's session that a timer cuts", func(s *scene, h string) {
			s.named(h, "hub.example.org", "198.51.100.9", 0)
			s.every(h, odd, 1, 3600, 0.01, 20, call{lasts: 3590, sent: 3000, got: 3000})
		}, Weak},
		{"nobody answers: that is another detector's", func(s *scene, h string) {
			s.every(h, odd, 1, 60, 0, 200, call{state: traffic.Attempted})
		}, None},
		{"a script that watches a server, each ten seconds", func(s *scene, h string) {
			s.named(h, "app.example.org", "198.51.100.9", 0)
			s.every(h, web, 1, 10, 0, 1800, call{lasts: 0.1, sent: 244, got: 900, service: "ssl"})
		}, Weak},
		{"as fast as the second hand, for an hour", func(s *scene, h string) {
			s.named(h, "app.example.org", "198.51.100.9", 0)
			s.every(h, web, 1, 2, 0, 1800, call{lasts: 0.1, sent: 244, got: 900, service: "ssl"})
		}, Suspected},
	})
}
