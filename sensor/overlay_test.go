package sensor_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tocsin/detect"
	"tocsin/sensor"
	"tocsin/traffic"
)

// memory is a capture that a test made.
type memory struct {
	flows   []traffic.Flow
	lookups []traffic.Lookup
}

func (m *memory) Close() error { return nil }

func (m *memory) Next(b *traffic.Batch) error {
	b.Reset()
	if len(m.flows)+len(m.lookups) == 0 {
		return io.EOF
	}
	n := min(1000, len(m.flows))
	b.Flows = append(b.Flows, m.flows[:n]...)
	m.flows = m.flows[n:]
	if n == 0 {
		k := min(1000, len(m.lookups))
		b.Lookups = append(b.Lookups, m.lookups[:k]...)
		m.lookups = m.lookups[k:]
	}
	return nil
}

// run scans what a test made.
func run(t testing.TB, o sensor.Options, flows []traffic.Flow, lookups ...traffic.Lookup) (detect.Report, sensor.Summary) {
	t.Helper()
	slices.SortStableFunc(flows, func(a, b traffic.Flow) int { return cmp.Compare(a.End(), b.End()) })
	slices.SortStableFunc(lookups, func(a, b traffic.Lookup) int { return cmp.Compare(a.At, b.At) })
	sources := []sensor.Source{{Name: "flows", Open: func() (sensor.Reader, error) { return &memory{flows: flows}, nil }}}
	if len(lookups) > 0 {
		sources = append(sources, sensor.Source{Name: "lookups", Open: func() (sensor.Reader, error) { return &memory{lookups: lookups}, nil }})
	}
	var l last
	s, err := sensor.Run(context.Background(), sources, &l, o)
	if err != nil {
		t.Fatal(err)
	}
	return l.report, s
}

const noon = int64(1_764_000_000_000_000)

// office lays what n clean hosts do in four hours: each browses, polls mail and
// asks for updates at servers that all share.
func office(r *rand.Rand, n int) []traffic.Flow {
	var flows []traffic.Flow
	call := func(h int, at float64, server netip.Addr, port uint16, sent, got int64) {
		flows = append(flows, traffic.Flow{Start: noon + int64(at*1e6), Duration: int64(r.Float64() * 5e6), Orig: office1(h), Resp: server, OrigPort: uint16(20000 + r.IntN(40000)), RespPort: port,
			Proto: traffic.TCP, State: traffic.Established, Oriented: true, OrigBytes: sent + 300, RespBytes: got + 300, OrigPayload: sent, RespPayload: got, OrigPackets: 8, RespPackets: 9, Sampling: 1, Service: "ssl"})
	}
	for h := range n {
		for at := r.Float64() * 600; at < 4*3600; at += 60 + r.ExpFloat64()*400 {
			site := r.IntN(4000)
			for range 1 + r.IntN(4) {
				call(h, at+r.Float64(), netip.AddrFrom4([4]byte{203, 0, byte(site / 250), byte(site%250 + 1)}), 443, 400+r.Int64N(3000), 1000+r.Int64N(90000))
			}
		}
		for at := r.Float64() * 300; at < 4*3600; at += 300 + r.Float64()*5 {
			call(h, at, netip.AddrFrom4([4]byte{198, 51, 100, 10}), 993, 800, 2000+r.Int64N(300))
		}
		for at := r.Float64() * 3600; at < 4*3600; at += 900 {
			call(h, at, netip.AddrFrom4([4]byte{198, 51, 100, 11}), 443, 700+r.Int64N(20), 1500)
		}
	}
	return flows
}

func office1(h int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 1, byte(h / 250), byte(h%250 + 1)})
}

// lay lays bots over hosts: each calls the controller by its own clock, with its
// own jitter.
func lay(r *rand.Rand, hosts []int, controller netip.AddrPort, period, jitter float64, sent int64, service string) []traffic.Flow {
	var flows []traffic.Flow
	for _, h := range hosts {
		for at := r.Float64() * 1800; at < 4*3600; at += period * (1 + jitter*r.Float64()) {
			flows = append(flows, traffic.Flow{Start: noon + int64(at*1e6), Duration: int64(r.Float64() * 2e6), Orig: office1(h), Resp: controller.Addr(), OrigPort: uint16(20000 + r.IntN(40000)), RespPort: controller.Port(),
				Proto: traffic.TCP, State: traffic.Established, Oriented: true, OrigBytes: sent + 240, RespBytes: 500, OrigPayload: sent + r.Int64N(12), RespPayload: 260, OrigPackets: 6, RespPackets: 6, Sampling: 1, Service: service})
		}
	}
	return flows
}

const (
	officeHosts = 260
	lastSeed    = 20
)

// TestOverlay lays two botnets at once over clean hosts (BotMiner, section 3.2):
// one of k hosts, and one of a third as many, with independent jitter, and holds
// the counts and the clusters against the truth.
//
//	go test ./sensor -run TestOverlay -v
func TestOverlay(t *testing.T) {
	seeds := lastSeed
	if testing.Short() {
		seeds = 3
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%5s %14s %12s %12s %10s\n", "k", "counted", "worst error", "worst F1", "clean told")
	for _, k := range []int{2, 3, 5, 9, 10, 25, 50, 100, 200} {
		low, high, worst, worstF1, clean := 1<<30, 0, 0, 1.0, 0
		for seed := 1; seed <= seeds; seed++ {
			o := overlay(t, k, uint64(seed))
			low, high = min(low, o.size), max(high, o.size)
			worst = max(worst, abs(o.size-k))
			worstF1 = min(worstF1, o.f1)
			clean += o.clean
		}
		fmt.Fprintf(&b, "%5d %6d to %4d %12d %12.3f %10d\n", k, low, high, worst, worstF1, clean)
		allowed := 1
		if k >= 10 {
			allowed = k / 10
		}
		if worst > allowed {
			t.Errorf("k = %d: counted %d to %d hosts, want within %d", k, low, high, allowed)
		}
		if worstF1 < 0.95 {
			t.Errorf("k = %d: pairwise F1 %.3f at the worst seed, want 0.95", k, worstF1)
		}
	}
	t.Logf("\n%s", b.String())
}

type overlaid struct {
	size  int     // of the botnet at the first controller
	f1    float64 // of pairs
	clean int     // clean hosts that are suspected or confirmed
}

func overlay(t *testing.T, k int, seed uint64) overlaid {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, uint64(k)))
	flows := office(r, officeHosts)
	order := r.Perm(officeHosts)
	second := max(2, min(k/3, officeHosts-k))
	a, c := order[:k], order[k:k+second]
	flows = append(flows, lay(r, a, netip.MustParseAddrPort("192.0.2.66:8443"), 40+r.Float64()*260, 0.1+r.Float64()*0.4, 300, "ssl")...)
	flows = append(flows, lay(r, c, netip.MustParseAddrPort("192.0.2.99:4782"), 30+r.Float64()*200, 0.1+r.Float64()*0.4, 120, "")...)
	report, _ := run(t, sensor.Options{}, flows)
	truth := map[netip.Addr]int{}
	for _, h := range a {
		truth[office1(h)] = 1
	}
	for _, h := range c {
		truth[office1(h)] = 2
	}
	guess := map[netip.Addr]string{}
	var o overlaid
	for i := range report.Bots {
		if bot := &report.Bots[i]; bot.Certainty >= detect.Suspected {
			guess[bot.Addr] = bot.Botnet
			if truth[bot.Addr] == 0 {
				o.clean++
			}
		}
	}
	for i := range report.Botnets {
		n := &report.Botnets[i]
		if len(n.Controllers) > 0 && n.Controllers[0].Addr == netip.MustParseAddr("192.0.2.66") {
			o.size = n.Unique
		}
	}
	o.f1 = pairwise(truth, guess)
	return o
}

// pairwise is the F1 of pairs of hosts that are put together.
func pairwise(truth map[netip.Addr]int, guess map[netip.Addr]string) float64 {
	all := map[netip.Addr]bool{}
	for h := range truth {
		all[h] = true
	}
	for h := range guess {
		all[h] = true
	}
	hosts := make([]netip.Addr, 0, len(all))
	for h := range all {
		hosts = append(hosts, h)
	}
	both, told, true1 := 0, 0, 0
	for i, x := range hosts {
		for _, y := range hosts[:i] {
			t := truth[x] != 0 && truth[x] == truth[y]
			g := guess[x] != "" && guess[x] == guess[y]
			if t {
				true1++
			}
			if g {
				told++
			}
			if t && g {
				both++
			}
		}
	}
	if told+true1 == 0 {
		return 1
	}
	return 2 * float64(both) / float64(told+true1)
}

func abs(x int) int { return max(x, -x) }
