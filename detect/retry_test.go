package detect

import (
	"fmt"
	"testing"

	"tocsin/traffic"
)

func TestRetry(t *testing.T) {
	odd := to("198.51.100.9:1177")
	dead := call{lasts: 3, state: traffic.Attempted}
	judgeAll(t, "retry", &Bench{Clocks: clocksOf{shared: map[string]string{"198.51.100.77": "a cloud"}}}, []judged{
		{"twenty attempts at an odd port", func(s *scene, h string) { s.every(h, odd, 0, 20, 0.3, 20, dead) }, Suspected},
		{"nineteen", func(s *scene, h string) { s.every(h, odd, 0, 20, 0.3, 19, dead) }, None},
		{"twenty within a minute: a program that starts", func(s *scene, h string) { s.every(h, odd, 0, 3, 0.3, 20, dead) }, None},
		{"a fifth of them answered", func(s *scene, h string) {
			s.every(h, odd, 0, 20, 0.3, 80, dead)
			s.every(h, odd, 7, 80, 0, 19, call{lasts: 1, sent: 10, got: 10})
		}, Suspected},
		{"a third of them answered", func(s *scene, h string) {
			s.every(h, odd, 0, 20, 0.3, 60, dead)
			s.every(h, odd, 7, 40, 0, 30, call{lasts: 1, sent: 10, got: 10})
		}, None},
		{"a server of the web that is down for a while", func(s *scene, h string) {
			s.every(h, to("198.51.100.9:443"), 0, 20, 0.3, 100, dead)
		}, Weak},
		{"a server of the web that nobody has, all day", func(s *scene, h string) {
			s.every(h, to("198.51.100.9:443"), 0, 60, 0.3, 300, dead)
		}, Suspected},
		{"the same, with a name", func(s *scene, h string) {
			s.named(h, "app.example.org", "198.51.100.9", 0)
			s.every(h, to("198.51.100.9:443"), 1, 60, 0.3, 300, dead)
		}, Weak},
		{"one dead peer of many", func(s *scene, h string) {
			for i := range 12 {
				s.every(h, to(fmt.Sprintf("85.17.%d.9:54081", i)), 0, 60, 0, 30, dead)
			}
		}, Weak},
		{"one of twelve dead controllers at one port, for hours", func(s *scene, h string) {
			for i := range 12 {
				s.every(h, to(fmt.Sprintf("85.17.%d.9:447", i)), 0, 600, 0.1, 30, dead)
			}
		}, Suspected},
		{"a rented machine in a cloud, at an odd port", func(s *scene, h string) { s.every(h, to("198.51.100.77:1177"), 0, 20, 0.3, 40, dead) }, Suspected},
		{"a cloud's web", func(s *scene, h string) { s.every(h, to("198.51.100.77:443"), 0, 60, 0.3, 300, dead) }, Weak},
		{"a dead printer at home", func(s *scene, h string) { s.every(h, to("10.0.0.9:9100"), 0, 30, 0, 500, dead) }, None},
	})
}
