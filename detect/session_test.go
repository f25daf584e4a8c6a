package detect

import "testing"

func TestSession(t *testing.T) {
	odd := to("198.51.100.9:1604")
	judgeAll(t, "session", &Bench{Clocks: clocksOf{clocks: map[string]string{"push.example.org": "push"}}}, []judged{
		{"up for hours, more sent than received", func(s *scene, h string) {
			s.call(h, odd, call{lasts: 7200, sent: 30_000_000, got: 40_000})
		}, Suspected},
		{"up for hours, both ways", func(s *scene, h string) {
			s.call(h, odd, call{lasts: 7200, sent: 900_000, got: 9_000_000})
		}, Weak},
		{"opened again at once, and much received: a game", func(s *scene, h string) {
			for i := range 6 {
				s.call(h, odd, call{at: float64(i) * 1000, lasts: 980, sent: 700_000, got: 9_000_000})
			}
		}, Weak},
		{"opened again at once, five times", func(s *scene, h string) {
			for i := range 6 {
				s.call(h, odd, call{at: float64(i) * 1000, lasts: 980, sent: 2000, got: 2000})
			}
		}, Suspected},
		{"opened again at leisure", func(s *scene, h string) {
			for i := range 6 {
				s.call(h, odd, call{at: float64(i) * 2000, lasts: 980, sent: 2000, got: 2000})
			}
		}, Weak},
		{"for ten minutes only", func(s *scene, h string) { s.call(h, odd, call{lasts: 600, sent: 30_000_000, got: 40_000}) }, None},
		{"for a small part of the day", func(s *scene, h string) {
			s.call(h, odd, call{lasts: 1800, sent: 30_000_000, got: 40_000})
			s.call(h, to("203.0.113.1:443"), call{at: 80000, lasts: 1, sent: 1, got: 1})
		}, None},
		{"mail kept up", func(s *scene, h string) {
			s.call(h, to("198.51.100.9:993"), call{lasts: 7200, sent: 9000, got: 900_000})
		}, None},
		{"a known push service", func(s *scene, h string) {
			s.named(h, "push.example.org", "198.51.100.9", 0)
			s.call(h, odd, call{at: 1, lasts: 7200, sent: 30_000_000, got: 40_000})
		}, Weak},
	})
}
