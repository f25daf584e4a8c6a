package detect

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestVerdict(t *testing.T) {
	end := to("198.51.100.9:4782")
	found := func(detector string, score float64, ceiling Certainty, signs Signs) Evidence {
		return Evidence{Detector: detector, Host: addr(judgedHost), Peer: end, Role: Controller, Score: score, Ceiling: ceiling, Signs: signs, First: morning, Last: morning + hour}
	}
	harm := Evidence{Detector: "scan", Host: addr(judgedHost), Score: 0.8, Ceiling: Suspected, Signs: Attack, Act: "scan", First: morning + 30*minute, Last: morning + hour}
	inside := harm
	inside.Inside = true
	before := harm
	before.First = morning - 2*hour
	udp := found("beacon", 0.9, Suspected, Rhythm|Constancy|Oddness|Nameless)
	udp.Peer.Transport = UDP
	guessing := harm
	guessing.Act, guessing.Figures = "brute_force", []Figure{{"port", float64(end.Port)}}
	made := Evidence{Detector: "dga", Host: addr(judgedHost), Score: 0.7, Ceiling: Suspected, Signs: Generated, First: morning, Last: morning + hour}
	for _, c := range []struct {
		name string
		list []Evidence
		want Certainty
	}{
		{"nothing", nil, None},
		{"a clock alone", []Evidence{found("beacon", 0.7, Weak, Rhythm|Constancy)}, Weak},
		{"an odd clock", []Evidence{found("beacon", 0.7, Suspected, Rhythm|Oddness)}, Suspected},
		{"four kinds of reason for one endpoint", []Evidence{found("beacon", 0.9, Suspected, Rhythm|Constancy|Oddness|Nameless)}, Confirmed},
		{"four kinds over UDP, as made things give them", []Evidence{udp}, Suspected},
		{"one of those whose passwords are guessed", []Evidence{found("rendezvous", 0.6, Weak, Oddness), guessing}, Suspected},
		{"four kinds that an agent of the house gives too", []Evidence{found("beacon", 0.9, Suspected, Rhythm|Constancy|Oddness|Alike)}, Suspected},
		{"four kinds, none of them clear", []Evidence{found("beacon", 0.5, Suspected, Rhythm|Constancy|Oddness|Nameless)}, Suspected},
		{"contact, then attack", []Evidence{found("rendezvous", 0.6, Weak, Oddness), harm}, Confirmed},
		{"contact, then a search of the inside, as an administrator's", []Evidence{found("rendezvous", 0.6, Weak, Oddness), inside}, Suspected},
		{"attack, then contact", []Evidence{found("rendezvous", 0.6, Weak, Oddness), before}, Suspected},
		{"contact with nothing odd about it, then attack", []Evidence{found("beacon", 0.7, Weak, Rhythm), harm}, Suspected},
		{"two suspicions of different kinds", []Evidence{found("retry", 0.6, Suspected, Retry|Oddness), made}, Confirmed},
		{"two of one kind", []Evidence{made, made}, Suspected},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := &hostCase{host: addr(judgedHost), evidence: slices.Clone(c.list)}
			judgeHost(x)
			if x.certainty != c.want {
				t.Errorf("got %s, want %s", x.certainty, c.want)
			}
		})
	}
}

// TestConfidenceKeepsToItsBand holds the confidence of every claim within what
// its certainty means, whatever was said.
func TestConfidenceKeepsToItsBand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &hostCase{host: addr(judgedHost)}
		for range rapid.IntRange(0, 12).Draw(t, "pieces") {
			c.evidence = append(c.evidence, Evidence{
				Detector: rapid.SampledFrom([]string{"beacon", "retry", "dga", "scan", "mesh"}).Draw(t, "detector"),
				Peer:     Endpoint{netip.AddrFrom4([4]byte{198, 51, 100, rapid.Byte().Draw(t, "peer")}), 4782, TCP},
				Role:     rapid.SampledFrom([]Role{NoRole, Controller, Peer, Victim}).Draw(t, "role"),
				Score:    rapid.Float64Range(0, 1).Draw(t, "score"),
				Ceiling:  rapid.SampledFrom([]Certainty{Weak, Suspected, Confirmed}).Draw(t, "ceiling"),
				Signs:    Signs(rapid.Uint32().Draw(t, "signs")) & (1<<15 - 1),
				Act:      rapid.SampledFrom([]string{"", "scan", "spam"}).Draw(t, "act"),
				First:    morning, Last: morning + hour,
			})
		}
		shuffled := &hostCase{host: c.host, evidence: rapid.Permutation(c.evidence).Draw(t, "order")}
		judgeHost(c)
		judgeHost(shuffled)
		if c.certainty != shuffled.certainty || c.confidence != shuffled.confidence {
			t.Fatalf("in another order: %s %g, was %s %g", shuffled.certainty, shuffled.confidence, c.certainty, c.confidence)
		}
		low, high := 0.0, 0.499
		switch c.certainty {
		case Confirmed:
			low, high = 0.9, 1
		case Suspected:
			low, high = 0.5, 0.9
		}
		if c.confidence < low || c.confidence > high {
			t.Fatalf("%s with confidence %g, want %g to %g", c.certainty, c.confidence, low, high)
		}
		for _, x := range c.ends {
			if x.certainty > c.certainty {
				t.Fatalf("a controller is %s, and its bot only %s", x.certainty, c.certainty)
			}
		}
	})
}

func TestBotnetCounts(t *testing.T) {
	at := func(first, last int64) *hostCase {
		return &hostCase{certainty: Suspected, evidence: []Evidence{{Ceiling: Suspected, First: morning + first*hour, Last: morning + last*hour}}}
	}
	for _, c := range []struct {
		name                       string
		members                    []*hostCase
		concurrent, perDay, unique int
	}{
		{"one", []*hostCase{at(0, 5)}, 1, 1, 1},
		{"two at once", []*hostCase{at(0, 5), at(2, 9)}, 2, 2, 2},
		{"one after the other, within a day", []*hostCase{at(0, 1), at(3, 4)}, 1, 2, 2},
		{"on different days", []*hostCase{at(0, 1), at(48, 49), at(96, 97)}, 1, 1, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b Botnet
			b.count(c.members)
			if b.Concurrent != c.concurrent || b.PerDay != c.perDay || b.Unique != c.unique {
				t.Errorf("got %d at once, %d a day, %d in all; want %d, %d, %d", b.Concurrent, b.PerDay, b.Unique, c.concurrent, c.perDay, c.unique)
			}
		})
	}
}

// TestCircle lays a closed circle around a host that sends mail in bursts, and one
// that has a window.
func TestCircle(t *testing.T) {
	lay := func(s *scene) {
		s.every("10.0.0.5", to("10.0.0.14:25"), 0, 2, 0, 60, call{lasts: 2, sent: 900, got: 500})
		for i := range 9 {
			s.call("10.0.0.5", to("10.0.0."+string(rune('0'+i%10))+":15394/udp"), call{at: float64(i), sent: 50, got: 50, local: 26631})
		}
	}
	s := newScene(1)
	lay(s)
	r := s.report(t, &Bench{})
	if len(r.Botnets) != 1 || r.Botnets[0].Unique < circleMin || r.Botnets[0].Topology != "p2p" {
		t.Errorf("got %+v, want one botnet of the whole circle", r.Botnets)
	}
	s = newScene(1)
	lay(s)
	s.call("10.0.0.14", to("203.0.113.1:443"), call{at: 5, sent: 10, got: 10})
	r = s.report(t, &Bench{})
	if len(r.Botnets) != 1 || r.Botnets[0].Unique != 1 {
		t.Errorf("got %+v, want the one host that sends mail", r.Botnets)
	}
}

// TestAFlawlessClockIsTold: a day's clock at the web's port says little by itself, but
// who looks for context finds it.
func TestAFlawlessClockIsTold(t *testing.T) {
	const h = "10.0.0.5"
	s := newScene(1)
	s.every(h, to("198.51.100.9:8443"), 0, 60, 0, 1440, call{lasts: 1, sent: 300, got: 200})
	r := s.report(t, &Bench{})
	if grade, bot := r.grade(h); grade != Weak {
		t.Errorf("got %s, want weak:%s", grade, reasons(bot))
	}
}
