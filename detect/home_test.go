package detect

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"tocsin/traffic"
)

func TestGuessHome(t *testing.T) {
	pairs := func(n int, of func(i int) (string, string)) []traffic.Flow {
		var out []traffic.Flow
		for i := range n {
			a, b := of(i)
			out = append(out, traffic.Flow{Orig: addr(a), Resp: addr(b)})
		}
		return out
	}
	world := func(i int) string { return fmt.Sprintf("%d.%d.%d.9", 20+i%100, i%250, i*7%250) }
	for _, c := range []struct {
		name        string
		flows       []traffic.Flow
		inside, out []string
	}{
		{"private addresses", pairs(100, func(i int) (string, string) { return "10.0.0.5", world(i) }), []string{"10.0.0.5", "192.168.1.1", "fd00::5"}, []string{"20.0.0.9"}},
		{"one machine with a public address", pairs(100, func(i int) (string, string) {
			if i%2 == 0 {
				return world(i), "198.51.100.7"
			}
			return "198.51.100.7", world(i)
		}), []string{"198.51.100.7", "10.0.0.1"}, []string{"198.51.100.8", "20.0.0.9"}},
		{"a network of public addresses", pairs(600, func(i int) (string, string) {
			return fmt.Sprintf("198.51.%d.%d", 96+i%4, i%200+1), world(i)
		}), []string{"198.51.97.3", "198.51.99.250"}, []string{"20.0.0.9"}},
		{"a private network, and a few strays", append(pairs(500, func(i int) (string, string) { return "10.0.0.5", world(i) }),
			pairs(10, func(i int) (string, string) { return "198.51.100.1", world(i) })...), []string{"10.0.0.5"}, []string{"198.51.100.1"}},
		{"a backbone, where nobody is inside", pairs(900, func(i int) (string, string) { return world(i), world(i*31 + 7) }), []string{"10.0.0.5"}, []string{world(3)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 3 {
				h := GuessHome(c.flows)
				for _, a := range c.inside {
					if !h.Contains(addr(a)) {
						t.Errorf("%s isn't at home, and should be", a)
					}
				}
				for _, a := range c.out {
					if h.Contains(addr(a)) {
						t.Errorf("%s is at home, and shouldn't be", a)
					}
				}
				rand.Shuffle(len(c.flows), func(i, j int) { c.flows[i], c.flows[j] = c.flows[j], c.flows[i] })
			}
		})
	}
}

func TestNamedHome(t *testing.T) {
	h := NewHome([]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")})
	for a, want := range map[string]bool{"198.51.100.7": true, "10.0.0.5": false, "224.0.0.1": false, "255.255.255.255": false} {
		if got := h.Contains(addr(a)); got != want {
			t.Errorf("%s: at home %v, want %v", a, got, want)
		}
	}
}

func TestTurned(t *testing.T) {
	for _, c := range []struct {
		name string
		f    traffic.Flow
		want bool
	}{
		{"from a service to a high port", traffic.Flow{Proto: TCP, OrigPort: 443, RespPort: 51000}, true},
		{"from a high port to a service", traffic.Flow{Proto: TCP, OrigPort: 51000, RespPort: 443}, false},
		{"the source knows who began", traffic.Flow{Proto: TCP, OrigPort: 443, RespPort: 51000, Oriented: true}, false},
		{"both high", traffic.Flow{Proto: TCP, OrigPort: 51000, RespPort: 41000}, false},
		{"both served: 123 to 123", traffic.Flow{Proto: UDP, OrigPort: 123, RespPort: 123}, false},
		{"from a push service to a high port", traffic.Flow{Proto: TCP, OrigPort: 8883, RespPort: 51000}, true},
		{"ICMP", traffic.Flow{Proto: ICMP, OrigPort: 3, RespPort: 51000}, false},
	} {
		if got := Turned(&c.f); got != c.want {
			t.Errorf("%s: turned %v, want %v", c.name, got, c.want)
		}
	}
	f := traffic.Flow{Orig: addr("10.0.0.1"), Resp: addr("198.51.100.1"), OrigPort: 1, RespPort: 2, OrigBytes: 3, RespBytes: 4, OrigPayload: 5, RespPayload: 6, OrigPackets: 7, RespPackets: 8}
	once := Turn(&f)
	if twice := Turn(&once); twice != f || once == f {
		t.Errorf("turned twice it is %+v, want %+v", twice, f)
	}
}
