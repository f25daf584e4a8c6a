package detect

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// TestPulse compares the quartiles of what a rhythm keeps with what they are for
// clocks of a known make.
func TestPulse(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		name           string
		gap            func() float64
		n              int
		period, spread float64
		near           float64 // how near the figures must be
	}{
		{"a metronome", func() float64 { return 60 }, 1000, 60, 0, 0.001},
		{"half of the sleep random", func() float64 { return 30 + 30*r.Float64() }, 2000, 45, 0.167, 0.06},
		{"all of the sleep random", func() float64 { return 600 * r.Float64() }, 2000, 312, 0.46, 0.12},
		{"by chance", func() float64 { return r.ExpFloat64() * 100 }, 2000, 75, 0.62, 0.15},
		{"few", func() float64 { return 60 }, 10, 60, 0, 0.001},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h rhythm
			at := morning
			for range c.n {
				h.start(at, 42)
				at += int64(c.gap() * 1e6)
			}
			p := h.pulse()
			if p.Gaps != c.n-1 {
				t.Errorf("got %d gaps, want %d", p.Gaps, c.n-1)
			}
			if math.Abs(p.Period-c.period) > max(1, c.near*2*c.period) || math.Abs(p.Spread-c.spread) > c.near {
				t.Errorf("got a period of %.1f s with spread %.3f, want about %.1f s with %.3f", p.Period, p.Spread, c.period, c.spread)
			}
		})
	}
}

// TestStartsMayComeLate shuffles starts within a window, as a log ordered by ends
// does, and wants the same pulse as in order.
func TestStartsMayComeLate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 400).Draw(t, "starts")
		r := rand.New(rand.NewPCG(uint64(rapid.IntRange(0, 1<<20).Draw(t, "seed")), 1))
		starts := make([]int64, n)
		at := morning
		for i := range starts {
			starts[i] = at
			at += int64((50 + 20*r.Float64()) * 1e6)
		}
		var want, got rhythm
		for _, s := range starts {
			want.start(s, 7)
		}
		for i := 0; i < n; i += heldStarts / 2 {
			part := starts[i:min(n, i+heldStarts/2)]
			r.Shuffle(len(part), func(a, b int) { part[a], part[b] = part[b], part[a] })
			for _, s := range part {
				got.start(s, 7)
			}
		}
		if got.pulse() != want.pulse() || got.late != 0 {
			t.Fatalf("late starts: got %+v with %d too late, want %+v", got.pulse(), got.late, want.pulse())
		}
	})
}

func TestSketch(t *testing.T) {
	for _, n := range []int{0, 1, 6, 7, 30, 200, 1000, 4000} {
		var s sketch
		for i := range n {
			for range 3 {
				s.add(mix(uint64(i)*0x9e3779b97f4a7c15 + 1))
			}
		}
		if got := s.count(); math.Abs(float64(got-n)) > 0.06*float64(n)+0.5 {
			t.Errorf("counted %d of %d", got, n)
		}
	}
}
