package detect

import (
	"fmt"
	"testing"

	"tocsin/traffic"
)

func TestFlux(t *testing.T) {
	ask := func(s *scene, h, server string, names, paths int) {
		for i := range names {
			s.requests = append(s.requests, traffic.Request{At: morning + int64(i)*second, Client: addr(h), Server: addr(server), ServerPort: 80, Method: "GET",
				Host: fmt.Sprintf("n%d-%x.example", i, addr(server).As4()), URI: fmt.Sprintf("/p%d?x=%d", i%paths, i)})
		}
	}
	judgeAll(t, "flux", &Bench{Clocks: clocksOf{shared: map[string]string{"198.51.100.77": "a content network"}}}, []judged{
		{"forty names, one page", func(s *scene, h string) { ask(s, h, "198.51.100.9", 40, 1) }, Suspected},
		{"eight names, one page", func(s *scene, h string) { ask(s, h, "198.51.100.9", 8, 1) }, None},
		{"forty names, forty pages: a hoster", func(s *scene, h string) { ask(s, h, "198.51.100.9", 40, 40) }, None},
		{"forty names at a content network", func(s *scene, h string) { ask(s, h, "198.51.100.77", 40, 1) }, Weak},
		{"a walk over strangers' sites, of which one hoster has a part", func(s *scene, h string) {
			ask(s, h, "198.51.100.9", 40, 1)
			for i := range 300 {
				ask(s, h, fmt.Sprintf("203.0.%d.%d", i/250, i%250+1), 1, 1)
			}
		}, None},
	})
}

func TestDirect(t *testing.T) {
	ask := func(s *scene, h, server, host string, n, pages int, apart int64) {
		for i := range n {
			s.requests = append(s.requests, traffic.Request{At: morning + int64(i)*apart*second, Client: addr(h), Server: addr(server), ServerPort: 80, Method: "POST",
				Host: host, URI: fmt.Sprintf("/gate%d.php", i%pages)})
		}
	}
	judgeAll(t, "direct", &Bench{Clocks: clocksOf{clocks: map[string]string{"8090/6": "a messenger"}, shared: map[string]string{"198.51.100.77": "a cloud"}}}, []judged{
		{"one page at a bare address, for hours", func(s *scene, h string) { ask(s, h, "198.51.100.9", "198.51.100.9", 60, 1, 300) }, Suspected},
		{"fifteen times", func(s *scene, h string) { ask(s, h, "198.51.100.9", "198.51.100.9", 15, 1, 300) }, None},
		{"within ten minutes", func(s *scene, h string) { ask(s, h, "198.51.100.9", "198.51.100.9", 60, 1, 10) }, None},
		{"a router's many pages", func(s *scene, h string) { ask(s, h, "198.51.100.9", "198.51.100.9", 60, 20, 300) }, None},
		{"a router at home", func(s *scene, h string) { ask(s, h, "10.0.0.1", "10.0.0.1", 60, 1, 300) }, None},
		{"a server by its name", func(s *scene, h string) { ask(s, h, "198.51.100.9", "app.example.org", 60, 1, 300) }, None},
		{"a rented machine in a cloud", func(s *scene, h string) { ask(s, h, "198.51.100.77", "198.51.100.77", 60, 1, 300) }, Suspected},
		{"a list of bare addresses, each seldom", func(s *scene, h string) {
			for i := range 10 {
				a := fmt.Sprintf("198.%d.100.9", 20+i)
				ask(s, h, a, a, 3, 1, 1000)
			}
		}, Suspected},
		{"many machines of one service", func(s *scene, h string) {
			for i := range 10 {
				a := fmt.Sprintf("198.51.100.%d", 20+i)
				ask(s, h, a, a, 3, 1, 1000)
			}
		}, None},
		{"a messenger that is known", func(s *scene, h string) {
			ask(s, h, "198.51.100.9", "198.51.100.9", 60, 1, 300)
			for i := range s.requests {
				s.requests[i].ServerPort = 8090
			}
		}, Weak},
	})
}
