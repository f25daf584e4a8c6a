package detect

import (
	"math/rand/v2"
	"testing"
)

// TestWaysComeAndGo holds ways against a map, while pairs come and go.
func TestWaysComeAndGo(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, peers := range []int{256, 4} { // growing all the time, and crowded
		x, want := newWays(), map[pairKey]uint32{}
		for step := range 20_000 {
			k := pairKey{peer: [16]byte{byte(r.IntN(peers)), 15: byte(r.IntN(4))}, host: uint32(r.IntN(3)), port: 443, transport: 6}
			p, hash := x.find(&k)
			i, known := want[k]
			switch {
			case known != (p != nil) || known && p != x.at(i):
				t.Fatalf("step %d: found %v, want %v", step, p != nil, known)
			case known && r.IntN(3) == 0:
				x.drop(i)
				delete(want, k)
			case !known:
				want[k] = x.add(&k, hash)
			}
		}
		if x.n != len(want) {
			t.Errorf("%d pairs, want %d", x.n, len(want))
		}
		for k, i := range want {
			if p, _ := x.find(&k); p != x.at(i) || p.key != k {
				t.Errorf("a pair isn't where it was put")
			}
		}
	}
}
