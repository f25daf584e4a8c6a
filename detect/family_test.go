package detect

import (
	"fmt"
	"slices"
	"testing"

	"tocsin/traffic"
)

// families lists shapes in which malware was seen to behave, as published of the
// families named, each laid on a person's browsing. Numbers are ours.
var families = []struct {
	name       string
	lay        func(s *scene, h string)
	controller string // "" if there is none to name
	acts       []string
	least      Certainty
}{
	{"a remote tool whose controller is gone (njRAT)", func(s *scene, h string) {
		s.every(h, to("198.51.100.9:1177"), 100, 9, 0.5, 240, call{lasts: 3, state: traffic.Attempted})
	}, "198.51.100.9:1177", nil, Suspected},
	{"one that is refused, again and again (Remcos)", func(s *scene, h string) {
		s.every(h, to("198.51.100.9:5888"), 100, 0.7, 0.5, 700, call{lasts: 0.03, state: traffic.Rejected})
	}, "198.51.100.9:5888", nil, Suspected},
	{"a remote tool at work, renewed whenever it breaks (AndroidTester, DarkComet)", func(s *scene, h string) {
		at := 300.0
		for i := range 12 {
			lasts := 200 + float64(i)*400
			s.call(h, to("198.51.100.9:1604"), call{at: at, lasts: lasts, sent: 3_000_000, got: 4000})
			at += lasts + 20
		}
	}, "198.51.100.9:1604", nil, Suspected},
	{"chat that commands, then mail to the world (Neris)", func(s *scene, h string) {
		s.every(h, to("198.51.100.9:6667"), 60, 600, 0.1, 40, call{lasts: 590, sent: 900, got: 2000, service: "irc"})
		for i := range 300 {
			s.call(h, to(fmt.Sprintf("%d.20.%d.25:25", 60+i%40, i%250)), call{at: 3600 + float64(i)*7, lasts: 5, sent: 2400, got: 600, service: "smtp"})
		}
	}, "198.51.100.9:6667", []string{"spam"}, Confirmed},
	{"chat on a port of its own, then a flood (Rbot)", func(s *scene, h string) {
		s.every(h, to("198.51.100.9:5552"), 60, 300, 0.2, 60, call{lasts: 290, sent: 300, got: 800})
		for i := range 20 {
			s.call(h, to("192.0.2.80:80/udp"), call{at: 9000 + float64(i)*10, lasts: 9, sent: 40_000_000, outPackets: 90_000, state: traffic.Attempted})
		}
	}, "198.51.100.9:5552", []string{"ddos"}, Confirmed},
	{"something else than the web on port 80 (Virut)", func(s *scene, h string) {
		s.every(h, to("198.51.100.9:80"), 60, 120, 0.05, 120, call{lasts: 5, sent: 180, got: 90})
	}, "198.51.100.9:80", nil, Suspected},
	{"mail servers looked up and written to (Menti, Storm)", func(s *scene, h string) {
		for i := range 60 {
			s.lookups = append(s.lookups, traffic.Lookup{At: morning + int64(i)*30*second, Client: addr(h), Server: addr("10.0.0.53"), ServerPort: 53, Query: fmt.Sprintf("d%d.example", i), Type: 15, Answered: true})
			s.call(h, to(fmt.Sprintf("198.51.100.%d:25", i%4)), call{at: float64(i)*30 + 1, lasts: 5, sent: 2000, got: 500, service: "smtp"})
		}
	}, "", []string{"spam"}, Suspected},
	{"Telnet tried at the world, and a controller (Mirai)", func(s *scene, h string) {
		s.every(h, to("198.51.100.9:48101"), 10, 60, 0.05, 500, call{lasts: 1, sent: 20, got: 10})
		for i := range 4000 {
			s.call(h, to(fmt.Sprintf("%d.%d.%d.7:23", 30+i%90, i%240, i%250)), call{at: 900 + float64(i)*0.5, lasts: 3, state: traffic.Attempted})
		}
	}, "198.51.100.9:48101", []string{"scan"}, Confirmed},
	{"chat without a clock, and a flood of connections (Mirai of IoT-23)", func(s *scene, h string) {
		at := 5.0
		for i := range 900 {
			state := traffic.Established
			if i%3 == 0 {
				state = traffic.Attempted
			}
			s.call(h, to("198.51.100.9:6667"), call{at: at, lasts: 2, sent: 60, got: 80, state: state})
			at += s.r.ExpFloat64() * 60
		}
		for i := range 6000 {
			s.call(h, to("192.0.2.80:80"), call{at: 20000 + float64(i)*0.02, lasts: 0.1, state: traffic.Attempted})
		}
	}, "198.51.100.9:6667", []string{"ddos"}, Confirmed},
	{"a web server that is gone, asked all day (Cridex)", func(s *scene, h string) {
		s.every(h, to("198.51.100.9:8080"), 5, 90, 0.2, 500, call{lasts: 21, state: traffic.Attempted})
	}, "198.51.100.9:8080", nil, Suspected},
	{"mail handed in at many servers with stolen passwords", func(s *scene, h string) {
		for i := range 200 {
			s.call(h, to(fmt.Sprintf("192.0.2.%d:587", i%40)), call{at: 100 + float64(i)*20, lasts: 6, sent: 3000, got: 700, service: "smtp"})
		}
	}, "", []string{"spam"}, Suspected},
	{"passwords guessed over SSH at many servers", func(s *scene, h string) {
		for i := range 60 {
			s.every(h, to(fmt.Sprintf("192.0.2.%d:22", i+1)), 600+float64(i)*20, 2, 0.1, 9, call{lasts: 1.5, sent: 1200, got: 1800, service: "ssh"})
		}
	}, "", []string{"brute_force"}, Suspected},
	{"TLS by a clock to an address without a name (Torii, Trickbot)", func(s *scene, h string) {
		s.every(h, to("198.51.100.9:449"), 10, 300, 0.05, 200, call{lasts: 2, sent: 700, got: 1500, service: "ssl"})
	}, "198.51.100.9:449", nil, Suspected},
	{"the same on the web's own port, without jitter", func(s *scene, h string) {
		s.every(h, to("198.51.100.9:443"), 10, 300, 0.02, 200, call{lasts: 2, sent: 700, got: 1500, service: "ssl"})
	}, "198.51.100.9:443", nil, Suspected},
	{"half of the sleep random (a penetration framework)", func(s *scene, h string) {
		s.every(h, to("198.51.100.9:4443"), 10, 40, 0.5, 600, call{lasts: 1, sent: 350, got: 200, service: "ssl"})
	}, "198.51.100.9:4443", nil, Suspected},
	{"at work in office hours only", func(s *scene, h string) {
		s.every(h, to("198.51.100.9:8089"), 9*3600, 120, 0.1, 110, call{lasts: 1, sent: 350, got: 200})
		s.every(h, to("198.51.100.9:8089"), 16*3600, 120, 0.1, 60, call{lasts: 1, sent: 350, got: 200})
	}, "198.51.100.9:8089", nil, Suspected},
	{"requests to bare addresses (Emotet, Kovter)", func(s *scene, h string) {
		for i := range 120 {
			at := float64(i) * 500
			s.call(h, to("198.51.100.9:80"), call{at: at, lasts: 1, sent: 600, got: 300, service: "http"})
			s.requests = append(s.requests, traffic.Request{At: morning + int64(at*1e6), Client: addr(h), Server: addr("198.51.100.9"), ServerPort: 80,
				Method: "POST", Host: "198.51.100.9", URI: "/", Status: 200})
		}
	}, "198.51.100.9:80", nil, Suspected},
	{"many names, one page, one sinkhole (Simda)", func(s *scene, h string) {
		for i := range 300 {
			s.requests = append(s.requests, traffic.Request{At: morning + int64(i)*second, Client: addr(h), Server: addr("198.51.100.9"), ServerPort: 80,
				Method: "GET", Host: fmt.Sprintf("q%dx%d.example", i%97, i%97), URI: "/login.php", Status: 404})
		}
	}, "198.51.100.9:80", nil, Suspected},
	{"peers over UDP that exchange a word (Zeus, Sality, ZeroAccess)", func(s *scene, h string) {
		for i := range 250 {
			state := traffic.Established
			if i%3 > 0 {
				state = traffic.Attempted
			}
			s.every(h, to(fmt.Sprintf("%d.%d.%d.9:%d/udp", 30+i%90, i*7%240, i%250, 10000+i*131%20000)), 5+float64(i)*40, 3000, 0.2, 3, call{lasts: 0.3, sent: 180, got: 200, state: state, local: 19373})
		}
	}, "", nil, Suspected},
	{"peers on the web's port, most of them gone (Kelihos)", func(s *scene, h string) {
		for i := range 270 {
			state := traffic.Established
			if i%4 > 0 {
				state = traffic.Attempted
			}
			s.every(h, to(fmt.Sprintf("%d.%d.%d.9:80", 30+i%90, i*7%240, i%250)), 5+float64(i)*2, 130, 0.2, 7, call{lasts: 3, sent: 300, got: 200, state: state})
		}
	}, "", nil, Suspected},
}

func TestFamiliesAreFound(t *testing.T) {
	bench := &Bench{Clocks: clocksOf{}}
	const h = "10.0.0.5"
	for i, c := range families {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(uint64(100 + i))
			s.browse(h, 600, 9)
			c.lay(s, h)
			r := s.report(t, bench)
			grade, bot := r.grade(h)
			if grade < c.least {
				t.Fatalf("got %s, want at least %s:%s", grade, c.least, reasons(bot))
			}
			if c.controller != "" && (len(bot.Controllers) == 0 || bot.Controllers[0] != to(c.controller)) {
				t.Errorf("got controllers %v, want %s first:%s", bot.Controllers, c.controller, reasons(bot))
			}
			if !slices.Equal(bot.Acts, c.acts) {
				t.Errorf("got acts %v, want %v", bot.Acts, c.acts)
			}
			if len(r.Botnets) != 1 || r.Botnets[0].Unique != 1 {
				t.Errorf("got %d botnets, want one of one host", len(r.Botnets))
			}
		})
	}
}
