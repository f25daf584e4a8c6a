package detect

import (
	"fmt"
	"testing"

	"tocsin/traffic"
)

// peersOf lays one local port that calls n addresses all over the net.
func peersOf(s *scene, h string, n, port int, apart float64, answered int, got int64) {
	for i := range n {
		c := call{at: float64(i) * apart * (0.5 + s.r.Float64()), lasts: 0.2, sent: 100, got: got, local: 19000}
		if i%4 >= answered {
			c.state = traffic.Attempted
		}
		p := port
		if port == 0 {
			p = 10000 + i*37%30000
		}
		s.call(h, to(fmt.Sprintf("%d.%d.%d.5:%d/udp", 40+i%80, i*11%250, i%250, p)), c)
	}
}

func TestMesh(t *testing.T) {
	judgeAll(t, "mesh", &Bench{}, []judged{
		{"sixty peers that exchange a word", func(s *scene, h string) { peersOf(s, h, 60, 0, 20, 2, 120) }, Suspected},
		{"fifteen peers", func(s *scene, h string) { peersOf(s, h, 15, 0, 20, 2, 120) }, None},
		{"one port everywhere, a third of it answered (ZeroAccess)", func(s *scene, h string) { peersOf(s, h, 200, 16464, 1, 1, 44) }, Suspected},
		{"peers that move content", func(s *scene, h string) { peersOf(s, h, 60, 0, 20, 2, 3_000_000) }, Weak},
		{"peers that exchange a word, beside web servers whose names nobody saw", func(s *scene, h string) {
			peersOf(s, h, 60, 0, 20, 2, 120)
			for i := range 60 {
				s.call(h, to(fmt.Sprintf("%d.9.%d.7:443", 40+i, i)), call{at: float64(i), lasts: 3, sent: 900, got: 3_000_000})
			}
		}, Suspected},
		{"at BitTorrent's ports", func(s *scene, h string) {
			peersOf(s, h, 60, 0, 20, 2, 120)
			peersOf(s, h, 20, 6881, 20, 2, 120)
		}, Weak},
		{"at BitTorrent's ports, a new peer each seven seconds to the tick", func(s *scene, h string) {
			for i := range 120 {
				s.call(h, to(fmt.Sprintf("%d.%d.1.5:%d/udp", 40+i%80, i, 6881+i%5)), call{at: float64(i) * 7, lasts: 0.2, sent: 145, got: 330, local: 19000})
			}
		}, Suspected},
		{"many servers of one maker", func(s *scene, h string) {
			for i := range 60 {
				s.call(h, to(fmt.Sprintf("198.51.100.%d:%d/udp", i+1, 20000+i)), call{at: float64(i) * 20, lasts: 0.2, sent: 100, got: 100, local: 19000})
			}
		}, None},
		{"a new local port for each of thirty peers (Sality)", func(s *scene, h string) {
			for i := range 30 {
				s.call(h, to(fmt.Sprintf("%d.%d.%d.5:%d/udp", 40+i*2, i*11%250, i%250, 4000+i*91)), call{at: float64(i) * 0.52, lasts: 0, sent: 30, state: traffic.Attempted})
			}
		}, Suspected},
		{"a route traced by UDP", func(s *scene, h string) {
			for i := range 60 {
				s.call(h, to(fmt.Sprintf("198.51.100.9:%d/udp", 33434+i)), call{at: float64(i) * 0.52, lasts: 0, sent: 30, state: traffic.Attempted})
			}
		}, None},
		{"web servers all over the net that no look-up gave (Waledac)", func(s *scene, h string) {
			for i := range 40 {
				s.named(h, fmt.Sprintf("n%d.example", i), fmt.Sprintf("203.0.113.%d", i+1), float64(i))
			}
			for i := range 60 {
				s.every(h, to(fmt.Sprintf("%d.%d.%d.5:80", 40+i, i*11%250, i%250)), float64(i)*10, 600, 0.3, 5, call{lasts: 2, sent: 500, got: 900, service: "http"})
			}
		}, Suspected},
		{"web servers called by name", func(s *scene, h string) {
			for i := range 60 {
				a := fmt.Sprintf("%d.%d.%d.5", 40+i, i*11%250, i%250)
				s.named(h, fmt.Sprintf("n%d.example", i), a, float64(i)*10-1)
				s.every(h, to(a+":80"), float64(i)*10, 600, 0.3, 5, call{lasts: 2, sent: 500, got: 900, service: "http"})
			}
		}, None},
		{"a search, which nobody answers", func(s *scene, h string) { sweepOf(s, h, 2323, 200, never) }, None},
	})
}

func TestRendezvous(t *testing.T) {
	drift := func(s *scene, h string, e Endpoint, n int) {
		at := 0.0
		for range n {
			s.call(h, e, call{at: at, lasts: 1, sent: 50, got: 50})
			at += s.r.ExpFloat64() * 120
		}
	}
	judgeAll(t, "rendezvous", &Bench{}, []judged{
		{"an odd port, for hours, by no clock", func(s *scene, h string) { drift(s, h, to("198.51.100.9:4567"), 100) }, Weak},
		{"chat that is joined a hundred times", func(s *scene, h string) { drift(s, h, to("198.51.100.9:6667"), 100) }, Suspected},
		{"a few times", func(s *scene, h string) { drift(s, h, to("198.51.100.9:4567"), 10) }, None},
		{"the web", func(s *scene, h string) { drift(s, h, to("198.51.100.9:443"), 300) }, None},
	})
}
