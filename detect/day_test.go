package detect

import (
	"fmt"
	"testing"

	"tocsin/traffic"
)

// busy lists what runs on clean machines for a whole day beside a person's browsing.
// None of it may be suspected, whether look-ups and requests are seen or not.
var busy = []struct {
	name string
	lay  func(s *scene, h string)
}{
	{"push that is renewed each half an hour", func(s *scene, h string) {
		s.serve(h, "mtalk.google.com", "66.102.1.188", 5228, 10, 23, 1700, 0.1, 1690, 900, 900, "ssl")
	}},
	{"meetings, messengers, music and storage, each by its own clock", func(s *scene, h string) {
		for i, n := range []string{"teams.example", "zoom.example", "slack.example", "wa.example", "spclient.example", "client.dropbox.example", "onedrive.example", "av.example"} {
			s.serve(h, n, fmt.Sprintf("52.1.%d.9", i), 443, float64(i)*10, 23, []float64{30, 60, 90, 120, 180, 240, 300, 600}[i], 0.2, 5, 900, 3000, "ssl")
		}
		s.serve(h, "g.whatsapp.example", "157.240.1.60", 5222, 10, 23, 3600, 0.1, 3590, 9000, 9000, "")
		s.serve(h, "ap.spotify.example", "104.199.65.9", 4070, 10, 23, 3600, 0.1, 3590, 9000, 9000, "")
	}},
	{"six calls with pictures", func(s *scene, h string) {
		for i := range 6 {
			s.call(h, to(fmt.Sprintf("170.114.%d.9:8801/udp", i)), call{at: 3600 * float64(i), lasts: 1800, sent: 90_000_000, got: 200_000_000, outPackets: 100000})
		}
	}},
	{"figures of a server fetched each 15 seconds", func(s *scene, h string) {
		s.named(h, "node1.example", "45.77.1.1", 5)
		s.every(h, to("45.77.1.1:9100"), 10, 15, 0, 5000, call{lasts: 0.1, sent: 300, got: 60000, service: "http"})
	}},
	{"an agent that reports to monitoring outside", func(s *scene, h string) {
		s.named(h, "zabbix.example", "45.77.1.1", 5)
		s.every(h, to("45.77.1.1:10051"), 10, 60, 0.01, 1400, call{lasts: 0.1, sent: 300, got: 100})
	}},
	{"an agent that reports to monitoring at home", func(s *scene, h string) {
		s.every(h, to("10.0.0.9:10051"), 10, 60, 0.01, 1400, call{lasts: 0.1, sent: 300, got: 100})
	}},
	{"a printer asked by SNMP", func(s *scene, h string) {
		s.every(h, to("10.0.0.9:161/udp"), 10, 60, 0.01, 1400, call{lasts: 0.1, sent: 80, got: 100})
	}},
	{"forty feeds read each quarter of an hour", func(s *scene, h string) {
		for i := range 40 {
			s.serve(h, fmt.Sprintf("feed%d.example", i), anywhere(300+i), 443, 60+float64(i), 23, 900, 0, 1, 500, 9000, "ssl")
		}
	}},
	{"feeds read over plain HTTP", func(s *scene, h string) {
		for i := range 5 {
			a := anywhere(300 + i)
			s.serve(h, fmt.Sprintf("feed%d.example", i), a, 80, 60+float64(i), 23, 900, 0, 1, 500, 9000, "http")
			for j := range 90 {
				s.requests = append(s.requests, traffic.Request{At: morning + int64((60+900*float64(j))*1e6), Client: addr(h), Server: addr(a), ServerPort: 80, Method: "GET", Host: fmt.Sprintf("feed%d.example", i), URI: "/feed.php?type=rss", Status: 304})
			}
		}
	}},
	{"a builder that is asked for work each five minutes", func(s *scene, h string) {
		a := anywhere(300)
		s.serve(h, "ci.example", a, 443, 60, 23, 300, 0, 1, 500, 900, "ssl")
	}},
	{"BitTorrent's tables, and little to fetch", func(s *scene, h string) {
		torrentTables(s, h, 600, false)
	}},
	{"BitTorrent, and much to fetch", func(s *scene, h string) { torrentTables(s, h, 600, true) }},
	{"BitTorrent with few peers at its own ports", func(s *scene, h string) {
		for i := range 300 {
			port := 10000 + s.r.IntN(50000)
			if i%12 == 0 {
				port = 6881
			}
			st := traffic.Established
			if i%3 == 0 {
				st = traffic.Attempted
			}
			s.call(h, to(fmt.Sprintf("%s:%d/udp", anywhere(i), port)), call{at: float64(i) * 200 * s.r.Float64(), lasts: 0.3, sent: 110, got: 300, state: st, local: 51234})
		}
	}},
	{"a node of Ethereum", func(s *scene, h string) {
		for i := range 500 {
			st := traffic.Established
			if i%3 == 0 {
				st = traffic.Attempted
			}
			s.call(h, to(fmt.Sprintf("%s:30303/udp", anywhere(i))), call{at: float64(i) * 100, lasts: 0.3, sent: 300, got: 600, state: st, local: 30303})
			if i%8 == 0 {
				s.call(h, to(fmt.Sprintf("%s:30303", anywhere(i))), call{at: float64(i)*100 + 1, lasts: 5000, sent: 3_000_000, got: 9_000_000})
			}
		}
	}},
	{"a node of Bitcoin", func(s *scene, h string) {
		for i := range 200 {
			st := traffic.Established
			if i%3 > 0 {
				st = traffic.Attempted
			}
			s.call(h, to(fmt.Sprintf("%s:8333", anywhere(i))), call{at: float64(i) * 400, lasts: 5000, sent: 2_000_000, got: 9_000_000, state: st})
		}
	}},
	{"a tunnel's keepalive, told as one flow", func(s *scene, h string) {
		s.call(h, to("45.77.1.1:51820/udp"), call{at: 10, lasts: 23 * 3600, sent: 400000, got: 400000, local: 51820})
	}},
	{"a tunnel at an odd port, told each ten minutes", func(s *scene, h string) {
		s.every(h, to("45.77.1.1:23422/udp"), 10, 630, 0.05, 130, call{lasts: 600, sent: 4000, got: 4000, local: 51820})
	}},
	{"a tunnel's keepalive each 25 seconds, told one by one", func(s *scene, h string) {
		s.every(h, to("45.77.1.1:23422/udp"), 10, 25, 0, 3000, call{lasts: 0, sent: 32, got: 0, local: 51820})
	}},
	{"a telephone that registers", func(s *scene, h string) {
		s.named(h, "sip.example", "45.77.1.1", 1)
		s.every(h, to("45.77.1.1:5060/udp"), 10, 300, 0.1, 280, call{lasts: 0.2, sent: 900, got: 700, local: 5060})
	}},
	{"a telephone at its provider's own port", func(s *scene, h string) {
		s.named(h, "sip.example", "45.77.1.1", 1)
		s.every(h, to("45.77.1.1:5090/udp"), 10, 60, 0, 1400, call{lasts: 0.2, sent: 900, got: 700, local: 5060})
	}},
	{"a game for five hours at a nameless server", func(s *scene, h string) {
		s.named(h, "login.game.example", "45.77.1.1", 1)
		s.call(h, to("45.77.1.2:7777"), call{at: 3600, lasts: 5 * 3600, sent: 4_000_000, got: 40_000_000})
	}},
	{"games over UDP at nameless servers", func(s *scene, h string) {
		for i := range 8 {
			s.call(h, to(fmt.Sprintf("162.254.%d.9:%d/udp", i, 27020+i)), call{at: 3600 + float64(i)*1800, lasts: 1700, sent: 4_000_000, got: 40_000_000})
			s.call(h, to(fmt.Sprintf("104.160.%d.9:%d/udp", i, 7000+i)), call{at: 3600 + float64(i)*1800, lasts: 1700, sent: 4_000_000, got: 40_000_000})
		}
	}},
	{"names asked over HTTPS at a bare address", func(s *scene, h string) {
		s.serve(h, "", "45.90.28.9", 443, 10, 23, 40, 1.0, 30, 2000, 3000, "ssl")
	}},
	{"a television and its makers' servers", func(s *scene, h string) {
		s.every(h, to("239.255.255.250:1900/udp"), 10, 30, 0.01, 2800, call{lasts: 1, sent: 300, state: traffic.Attempted, local: 1900})
		for i := range 6 {
			s.serve(h, fmt.Sprintf("tv%d.example", i), anywhere(700+i), 443, 10, 23, 60*float64(i+1), 0.02, 1, 500, 900, "ssl")
		}
	}},
	{"a plug and its maker's queue", func(s *scene, h string) {
		s.serve(h, "m2.tuya.example", "45.77.1.1", 8883, 10, 23, 3600, 0.3, 3500, 5000, 5000, "ssl")
		s.serve(h, "m1.tuya.example", "45.77.1.2", 1883, 10, 23, 3600, 0.3, 3500, 5000, 5000, "mqtt")
	}},
	{"a camera and its maker's three servers", func(s *scene, h string) {
		for i := range 3 {
			a := fmt.Sprintf("47.91.%d.9", i)
			s.named(h, fmt.Sprintf("p2p%d.cam.example", i), a, 1)
			s.every(h, to(a+":32100/udp"), 10, 25, 0.02, 3300, call{lasts: 0.2, sent: 48, got: 32, local: 20190})
		}
	}},
	{"a remote support agent", func(s *scene, h string) {
		s.serve(h, "", "45.77.1.1", 5938, 10, 23, 7200, 0.1, 7100, 9000, 9000, "")
	}},
	{"questions to the whole link", func(s *scene, h string) {
		s.every(h, to("224.0.0.251:5353/udp"), 10, 60, 0.1, 1300, call{lasts: 0, sent: 80, state: traffic.Attempted, local: 5353})
		s.every(h, to("10.0.0.255:137/udp"), 10, 60, 0.1, 1300, call{lasts: 0, sent: 50, state: traffic.Attempted, local: 137})
		s.every(h, to("255.255.255.255:17500/udp"), 10, 30, 0, 2800, call{lasts: 0, sent: 150, state: traffic.Attempted, local: 17500})
	}},
	{"seven hundred sites, some of them gone", func(s *scene, h string) {
		for i := range 3000 {
			n := int(mix(uint64(i)) % 700)
			s.named(h, fmt.Sprintf("w%d.example", n), anywhere(n), 100+float64(i)*20-0.1)
			st := traffic.Established
			if n%23 == 0 {
				st = traffic.Attempted
			}
			s.call(h, to(anywhere(n)+":443"), call{at: 100 + float64(i)*20, lasts: 4, sent: 900, got: 30000, service: "ssl", state: st})
		}
	}},
	{"four mailboxes polled, and some mail handed in", func(s *scene, h string) {
		for i := range 4 {
			s.serve(h, fmt.Sprintf("imap%d.example", i), anywhere(800+i), 993, 10, 23, 300, 0.01, 3, 900, 3000, "ssl")
		}
		for i := range 25 {
			s.call(h, to(anywhere(810)+":587"), call{at: 3600 + float64(i)*1200, lasts: 3, sent: 30000, got: 900, service: "smtp"})
		}
	}},
	{"twenty servers kept in order over SSH", func(s *scene, h string) {
		for i := range 20 {
			s.every(h, to(fmt.Sprintf("45.77.3.%d:22", i+1)), 3600+float64(i), 1, 0.5, 6, call{lasts: 2, sent: 9000, got: 5000, service: "ssh"})
			s.every(h, to(fmt.Sprintf("45.77.3.%d:22", i+1)), 30000+float64(i), 1, 0.5, 6, call{lasts: 2, sent: 9000, got: 5000, service: "ssh"})
		}
	}},
	{"a resolver pinged each second", func(s *scene, h string) {
		s.every(h, Endpoint{addr("8.8.8.8"), 0, ICMP}, 10, 60, 0, 1400, call{lasts: 59, sent: 56 * 60, got: 56 * 60, local: 8})
	}},
	{"a speed test", func(s *scene, h string) {
		for i := range 8 {
			s.call(h, to("45.77.1.1:8080"), call{at: 4000 + float64(i)*0.1, lasts: 15, sent: 60_000_000, got: 100_000, outPackets: 2000})
		}
	}},
	{"a backup of 20 GB", func(s *scene, h string) {
		s.named(h, "s3.example", "45.77.1.1", 1)
		s.call(h, to("45.77.1.1:443"), call{at: 4000, lasts: 6 * 3600, sent: 20_000_000_000, got: 100_000_000, outPackets: 15_000_000, service: "ssl"})
	}},
	{"one's own picture for an hour", func(s *scene, h string) {
		s.call(h, to("45.77.1.1:50002/udp"), call{at: 4000, lasts: 3600, sent: 1_500_000_000, got: 20_000_000, outPackets: 1_400_000})
	}},
	{"a relay of a file syncing program", func(s *scene, h string) {
		s.call(h, to("45.77.1.1:22067"), call{at: 100, lasts: 11 * 3600, sent: 400000, got: 400000, service: "ssl"})
		s.call(h, to("45.77.1.1:22067"), call{at: 100 + 11*3600 + 30, lasts: 11 * 3600, sent: 400000, got: 400000, service: "ssl"})
	}},
	{"an update server of the house that is gone", func(s *scene, h string) {
		s.named(h, "old.example", "45.77.1.1", 1)
		s.every(h, to("45.77.1.1:8530"), 10, 3600, 0.1, 22, call{lasts: 9, state: traffic.Attempted})
	}},
	{"a browser's probes for rewritten answers, and services that aren't there", func(s *scene, h string) {
		for i := range 500 {
			n := make([]byte, 10)
			for j := range n {
				n[j] = byte('a' + s.r.IntN(26))
			}
			q, typ := string(n), uint16(1)
			if i%2 == 0 {
				q, typ = "_http._tcp.security.ubuntu.com", 33
			}
			s.lookups = append(s.lookups, traffic.Lookup{At: morning + int64(i)*170*second, Client: addr(h), Server: addr("10.0.0.53"), ServerPort: 53, Proto: UDP, Query: q, Type: typ, Answered: true, RCode: traffic.NXDomain})
		}
	}},
	{"a node of a file system over the net (IPFS)", func(s *scene, h string) {
		for i := range 400 {
			st := traffic.Established
			if i%2 == 0 {
				st = traffic.Attempted
			}
			s.call(h, to(anywhere(i)+":4001"), call{at: float64(i) * 150, lasts: 900, sent: 60000, got: 140000, state: st})
			s.call(h, to(anywhere(i+50)+":4001/udp"), call{at: float64(i)*150 + 1, lasts: 60, sent: 9000, got: 14000, state: st, local: 4001})
		}
	}},
	{"a network of one's own machines (Tailscale)", func(s *scene, h string) {
		for i := range 12 {
			s.every(h, to(fmt.Sprintf("%s:%d/udp", anywhere(i), 30000+i*91)), float64(i), 150, 0.1, 500, call{lasts: 60, sent: 900, got: 900, local: 41641})
		}
		for i := range 20 {
			s.serve(h, fmt.Sprintf("derp%d.example", i), anywhere(900+i), 443, float64(i), 23, 1500, 0.1, 1, 900, 900, "ssl")
		}
	}},
	{"files shared with strangers (eMule)", func(s *scene, h string) {
		for i := range 500 {
			st := traffic.Established
			if i%3 == 0 {
				st = traffic.Attempted
			}
			s.call(h, to(fmt.Sprintf("%s:%d/udp", anywhere(i), 4672+i%40)), call{at: float64(i) * 100, lasts: 1, sent: 60, got: 400, state: st, local: 4672})
			got := int64(9000)
			if i%20 == 1 {
				got = 9_000_000
			}
			s.call(h, to(fmt.Sprintf("%s:%d", anywhere(i), 4662+i%40)), call{at: float64(i)*100 + 2, lasts: 300, sent: 9000, got: got, state: st})
		}
	}},
	{"updates fetched from others' machines (Delivery Optimization)", func(s *scene, h string) {
		for i := range 60 {
			st := traffic.Established
			if i%2 == 0 {
				st = traffic.Attempted
			}
			s.call(h, to(anywhere(i)+":7680"), call{at: 4000 + float64(i)*9, lasts: 90, sent: 9000, got: 9_000_000, state: st})
		}
	}},
	{"voice among players", func(s *scene, h string) {
		for i := range 9 {
			s.call(h, to(fmt.Sprintf("%s:%d/udp", anywhere(i), 50000+i*7)), call{at: 4000 + float64(i)*2400, lasts: 2300, sent: 9_000_000, got: 20_000_000, local: uint16(50100 + i)})
		}
	}},
	{"a messenger at addresses of its own (Viber)", func(s *scene, h string) {
		for i := range 6 {
			s.call(h, to("52.0.253.9:5242"), call{at: 60 + float64(i)*14000, lasts: 13980, sent: 90_000, got: 160_000})
		}
	}},
	{"a tunnel on the web's port that isn't the web (OpenVPN)", func(s *scene, h string) {
		s.call(h, to("45.77.1.1:443"), call{at: 60, lasts: 11 * 3600, sent: 90_000_000, got: 900_000_000})
	}},
	{"one's own picture sent to many (a stream)", func(s *scene, h string) {
		s.named(h, "ingest.live.example", "52.0.1.9", 3590)
		s.call(h, to("52.0.1.9:1935"), call{at: 3600, lasts: 12 * 3600, sent: 9_000_000_000, got: 90_000_000, outPackets: 7_000_000})
	}},
	{"somebody helps from afar (RDP, VNC)", func(s *scene, h string) {
		s.call(h, to("45.77.1.1:3389"), call{at: 3600, lasts: 4 * 3600, sent: 9_000_000, got: 300_000_000})
		s.call(h, to("45.77.1.2:5900"), call{at: 3600, lasts: 4 * 3600, sent: 900_000, got: 300_000_000})
	}},
	{"a page left open that asks each ten seconds", func(s *scene, h string) {
		s.serve(h, "dash.example", "52.0.1.10", 443, 60, 20, 300, 0.02, 295, 30000, 90000, "ssl")
	}},
	{"the school's proxy", func(s *scene, h string) {
		for i := range 4000 {
			s.call(h, to("45.77.1.1:3128"), call{at: 60 + float64(i)*15 + s.r.ExpFloat64()*20, lasts: 5, sent: 900, got: 30000, service: "http"})
		}
	}},
	{"a scanner that sends to a mailbox, and 30 letters at once", func(s *scene, h string) {
		s.named(h, "smtp.example", "52.0.1.11", 60)
		s.every(h, to("52.0.1.11:587"), 4000, 2, 0.5, 30, call{lasts: 2, sent: 300_000, got: 900, service: "smtp"})
		s.every(h, to("52.0.1.11:25"), 9000, 600, 0.5, 30, call{lasts: 2, sent: 300_000, got: 900, service: "smtp"})
	}},
	{"an address of IPv6 and one of IPv4 for everything, one of them broken", func(s *scene, h string) {
		for i := range 600 {
			s.call(h, to(fmt.Sprintf("[2001:db8:%x::1]:443", i%80)), call{at: 60 + float64(i)*60, lasts: 1, state: traffic.Attempted})
		}
	}},
}

func TestBusyDaysStayClean(t *testing.T) {
	bench := &Bench{Clocks: clocksOf{clocks: map[string]string{"123/17": "NTP, by its port"}}}
	judge := func(t *testing.T, seed uint64, view string, lay func(s *scene, h string)) {
		s := newScene(seed)
		s.browse(judgedHost, 0, 24)
		lay(s, judgedHost)
		switch view {
		case "names unseen":
			s.lookups = nil
		case "flows only":
			s.flowsOnly()
		}
		r := s.report(t, bench)
		if grade, bot := r.grade(judgedHost); grade > Weak {
			t.Errorf("got %s, want weak or nothing:%s", grade, reasons(bot))
		}
	}
	for _, view := range []string{"all seen", "names unseen", "flows only"} {
		for i, c := range busy {
			t.Run(c.name+", "+view, func(t *testing.T) { judge(t, uint64(6000+i), view, c.lay) })
		}
		t.Run("everything on one machine, "+view, func(t *testing.T) {
			judge(t, 6999, view, func(s *scene, h string) {
				for _, c := range busy {
					c.lay(s, h)
				}
			})
		})
	}
}

// TestTheHousesAgent: thirty machines call one address by a clock, which nobody looked up.
// That is looked at, and confirms nothing, unless few of them do.
func TestTheHousesAgent(t *testing.T) {
	for _, c := range []struct {
		callers int
		want    Certainty
	}{{30, Suspected}, {5, Confirmed}} {
		s := newScene(7)
		for i := range 30 {
			h := fmt.Sprintf("10.0.0.%d", i+10)
			s.browse(h, 0, 4)
			if i < c.callers {
				s.every(h, to("198.51.100.9:7443"), float64(i), 60, 0.02, 200, call{lasts: 1, sent: 300, got: 200, service: "ssl"})
			}
		}
		r := s.report(t, &Bench{})
		if grade, bot := r.grade("10.0.0.10"); grade != c.want {
			t.Errorf("%d of 30 call it: got %s, want %s:%s", c.callers, grade, c.want, reasons(bot))
		}
	}
}

// TestNamesThatFoundNoRoom: who looked up more names than are kept isn't held to those.
func TestNamesThatFoundNoRoom(t *testing.T) {
	s := newScene(8)
	s.browse(judgedHost, 0, 4)
	s.every(judgedHost, to("198.51.100.9:443"), 1, 60, 0.02, 200, call{lasts: 1, sent: 300, got: 200, service: "ssl"})
	few, many := s.report(t, &Bench{}), Report{}
	for i := range maxNamed {
		s.named(judgedHost, fmt.Sprintf("n%d.example", i), fmt.Sprintf("100.64.%d.%d", i/250, i%250), float64(i)/10)
	}
	many = s.report(t, &Bench{})
	if grade, _ := few.grade(judgedHost); grade < Suspected {
		t.Errorf("with its names known: got %s, want it suspected", grade)
	}
	if grade, bot := many.grade(judgedHost); grade > Weak {
		t.Errorf("got %s, want weak or nothing:%s", grade, reasons(bot))
	}
}

// serve calls one server by its name and by a clock.
func (s *scene) serve(h, name, a string, port int, from, hours, period, jitter, lasts float64, sent, got int64, svc string) {
	if name != "" {
		for at := from; at < from+hours*3600; at += 7200 {
			s.named(h, name, a, at-0.2)
		}
	}
	for at := from; at < from+hours*3600; at += period * (1 + jitter*(s.r.Float64()-0.5)) {
		s.call(h, to(fmt.Sprintf("%s:%d", a, port)), call{at: at, lasts: lasts, sent: sent + s.r.Int64N(1+sent/3), got: got + s.r.Int64N(1+got/3), service: svc})
	}
}

// torrentTables lays BitTorrent's tables, with content or without.
func torrentTables(s *scene, h string, n int, content bool) {
	for i := range n {
		st := traffic.Established
		if i%3 == 0 {
			st = traffic.Attempted
		}
		port := 1025 + int(mix(uint64(i))%60000)
		if i%7 == 0 {
			port = 6881
		}
		s.call(h, to(fmt.Sprintf("%s:%d/udp", anywhere(i), port)), call{at: 600 + s.r.Float64()*70000, lasts: 0.3, sent: 110, got: 300, state: st, local: 51413})
		got := int64(0)
		if content && i%10 == 1 {
			got = 5_000_000
		}
		s.call(h, to(fmt.Sprintf("%s:%d", anywhere(i), port)), call{at: 600 + s.r.Float64()*70000, lasts: 20, sent: 700, got: got, state: st})
	}
}

// TestNamesSeenInHandshakesAlone: where look-ups and requests aren't told, what speaks
// neither isn't nameless for it.
func TestNamesSeenInHandshakesAlone(t *testing.T) {
	s := newScene(9)
	s.browse(judgedHost, 0, 6)
	s.every(judgedHost, to("198.51.100.9:80"), 1, 300, 0.05, 70, call{lasts: 1, sent: 87, got: 189, service: "http"})
	for _, l := range s.lookups {
		s.shakes = append(s.shakes, traffic.Handshake{At: l.At, Client: l.Client, Server: l.Addrs[0], ServerPort: 443, Proto: TCP, SNI: l.Query})
	}
	s.lookups = nil
	r := s.report(t, &Bench{})
	if grade, bot := r.grade(judgedHost); grade > Weak {
		t.Errorf("got %s, want weak or nothing:%s", grade, reasons(bot))
	}
}
