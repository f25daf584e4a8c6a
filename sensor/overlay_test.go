//go:build !race

package sensor_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"tocsin/detect"
	"tocsin/sensor"
)

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
