package detect

import (
	"fmt"
	"testing"

	"tocsin/traffic"
)

// sweepOf lays one try at each of n outside addresses, a second apart.
func sweepOf(s *scene, h string, port, n int, answers func(i int) bool) {
	for i := range n {
		c := call{at: float64(i), lasts: 1, state: traffic.Attempted}
		if answers(i) {
			c.state, c.sent, c.got = traffic.Established, 40, 60
		}
		s.call(h, to(fmt.Sprintf("%d.%d.%d.7:%d", 30+i%90, i/90%250, i%250, port)), c)
	}
}

func never(int) bool { return false }

func TestScan(t *testing.T) {
	judgeAll(t, "scan", &Bench{}, []judged{
		{"Telnet at 30 addresses", func(s *scene, h string) { sweepOf(s, h, 23, 32, never) }, Suspected},
		{"Telnet at 25 addresses", func(s *scene, h string) { sweepOf(s, h, 23, 25, never) }, None},
		{"Telnet at 300 addresses", func(s *scene, h string) { sweepOf(s, h, 23, 300, never) }, Confirmed},
		{"half of them answer", func(s *scene, h string) { sweepOf(s, h, 22, 300, func(i int) bool { return i%2 == 0 }) }, None},
		{"slowly: 20 an hour", func(s *scene, h string) {
			for i := range 200 {
				s.call(h, to(fmt.Sprintf("%d.%d.1.7:23", 30+i%90, i)), call{at: float64(i) * 180, lasts: 1, state: traffic.Attempted})
			}
		}, None},
		{"the web's port at 100 addresses: an outage looks alike", func(s *scene, h string) { sweepOf(s, h, 443, 100, never) }, None},
		{"the web's port at 400 addresses", func(s *scene, h string) { sweepOf(s, h, 80, 400, never) }, Suspected},
		{"QUIC where a firewall stops it", func(s *scene, h string) {
			for i := range 200 {
				s.call(h, to(fmt.Sprintf("%d.%d.1.7:443/udp", 30+i%90, i)), call{at: float64(i) * 10, lasts: 1, state: traffic.Attempted})
			}
		}, None},
		{"the inside, even at 300 addresses", func(s *scene, h string) {
			for i := range 300 {
				s.call(h, to(fmt.Sprintf("10.0.%d.%d:445", 2+i/250, i%250+1)), call{at: float64(i), lasts: 1, state: traffic.Attempted})
			}
		}, Suspected},
		{"forty closed ports of one address", func(s *scene, h string) {
			for i := range 40 {
				s.call(h, to(fmt.Sprintf("198.51.100.9:%d", 20+i*7)), call{at: float64(i), lasts: 0.1, state: traffic.Rejected})
			}
		}, Suspected},
		{"twenty closed ports of one address", func(s *scene, h string) {
			for i := range 20 {
				s.call(h, to(fmt.Sprintf("198.51.100.9:%d", 20+i*7)), call{at: float64(i), lasts: 0.1, state: traffic.Rejected})
			}
		}, None},
		{"a server whose other ports are closed", func(s *scene, h string) {
			for i := range 40 {
				s.call(h, to(fmt.Sprintf("198.51.100.9:%d", 20+i*7)), call{at: float64(i), lasts: 0.1, state: traffic.Rejected})
				s.call(h, to("198.51.100.9:443"), call{at: float64(i), lasts: 1, sent: 100, got: 100})
			}
		}, None},
	})
}

func TestSpam(t *testing.T) {
	deliver := func(s *scene, h string, port, servers, each int, apart float64) {
		for i := range servers * each {
			s.call(h, to(fmt.Sprintf("192.0.2.%d:%d", i%servers+1, port)), call{at: float64(i) * apart, lasts: 3, sent: 2000, got: 500})
		}
	}
	judgeAll(t, "spam", &Bench{}, []judged{
		{"eight servers in an hour", func(s *scene, h string) { deliver(s, h, 25, 8, 2, 60) }, Suspected},
		{"seven servers in an hour", func(s *scene, h string) { deliver(s, h, 25, 7, 2, 60) }, None},
		{"two hundred servers in an hour", func(s *scene, h string) { deliver(s, h, 25, 200, 1, 10) }, Confirmed},
		{"one server, thirty letters a minute", func(s *scene, h string) { deliver(s, h, 25, 1, 60, 2) }, Suspected},
		{"one server, a letter a minute", func(s *scene, h string) { deliver(s, h, 25, 1, 200, 60) }, None},
		{"handed in at one server", func(s *scene, h string) { deliver(s, h, 587, 1, 200, 2) }, None},
		{"handed in at fourteen servers", func(s *scene, h string) { deliver(s, h, 587, 14, 5, 10) }, Suspected},
		{"nobody takes it: a search, not mail", func(s *scene, h string) { sweepOf(s, h, 25, 60, never) }, None},
		{"a mail server, which takes mail too", func(s *scene, h string) {
			deliver(s, h, 25, 200, 1, 10)
			s.flows = append(s.flows, traffic.Flow{Start: morning, Duration: second, Orig: addr("198.51.100.3"), Resp: addr(h), OrigPort: 4000, RespPort: 25,
				Proto: TCP, State: traffic.Established, Oriented: true})
		}, Weak},
	})
}

func TestBrute(t *testing.T) {
	judgeAll(t, "brute", &Bench{}, []judged{
		{"forty log-ins in four minutes", func(s *scene, h string) {
			s.every(h, to("198.51.100.9:22"), 0, 6, 0, 40, call{lasts: 2, sent: 900, got: 1200})
		}, Suspected},
		{"one each minute", func(s *scene, h string) {
			s.every(h, to("198.51.100.9:22"), 0, 60, 0, 400, call{lasts: 2, sent: 900, got: 1200})
		}, None},
		{"much sent in each: somebody was let in", func(s *scene, h string) {
			s.every(h, to("198.51.100.9:22"), 0, 6, 0, 40, call{lasts: 2, sent: 9000, got: 5000})
		}, None},
		{"long ones: somebody works there", func(s *scene, h string) {
			s.every(h, to("198.51.100.9:22"), 0, 6, 0, 40, call{lasts: 90, sent: 900, got: 1200})
		}, None},
		{"a mailbox asked by several programs", func(s *scene, h string) {
			s.every(h, to("198.51.100.9:993"), 0, 6, 0, 400, call{lasts: 2, sent: 900, got: 1200})
		}, None},
		{"SSH where it isn't expected", func(s *scene, h string) {
			s.every(h, to("198.51.100.9:902"), 0, 2, 0, 60, call{lasts: 1, sent: 900, got: 1200, service: "ssh"})
		}, Suspected},
		{"three each at twelve servers", func(s *scene, h string) {
			for i := range 12 {
				s.every(h, to(fmt.Sprintf("192.0.2.%d:3389", i+1)), float64(i)*30, 5, 0, 4, call{lasts: 2, sent: 900, got: 1200})
			}
		}, Suspected},
	})
}

func TestFlood(t *testing.T) {
	judgeAll(t, "flood", &Bench{}, []judged{
		{"a thousand connections a minute", func(s *scene, h string) {
			s.every(h, to("192.0.2.80:80"), 0, 0.05, 0, 3000, call{state: traffic.Attempted})
		}, Suspected},
		{"six hundred a minute", func(s *scene, h string) {
			s.every(h, to("192.0.2.80:80"), 0, 0.1, 0, 3000, call{state: traffic.Attempted})
		}, None},
		{"a stream that nothing answers", func(s *scene, h string) {
			s.call(h, to("192.0.2.80:7/udp"), call{lasts: 10, sent: 50_000_000, outPackets: 60_000, state: traffic.Attempted})
		}, Suspected},
		{"a call with a picture", func(s *scene, h string) {
			s.call(h, to("192.0.2.80:3478/udp"), call{lasts: 600, sent: 50_000_000, outPackets: 120_000})
		}, None},
		{"a person who pings without a pause", func(s *scene, h string) {
			e := to("192.0.2.80:0/udp")
			e.Transport = ICMP
			s.every(h, e, 0, 0.066, 0, 7000, call{local: 8, sent: 56, got: 56})
		}, None},
	})
}
