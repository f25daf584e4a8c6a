package casebook

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// Sketch counts distinct things without keeping them: exactly up to
// SketchExact, then by HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007) with
// 2¹² registers, 4 kB. Adding and merging are idempotent and don't mind the
// order, so a sketch can be filled from batches that are taken twice. The zero
// value is empty.
type Sketch struct {
	few       []uint64 // sorted hashes, while there are at most SketchExact
	registers []uint8  // nil while few serves
}

const (
	// SketchExact is how many things a Sketch counts exactly (but for a
	// collision of 64-bit hashes, about one in 10¹⁴ at this size).
	SketchExact = 256

	sketchBits = 12
	sketchSize = 1 << sketchBits
	// sketchError is the standard error of the estimate, 1.04/√m.
	sketchError = 1.04 / 64
)

// Add counts the thing with this hash and reports whether that changed the
// sketch. Hashes must be uniform in all 64 bits.
func (s *Sketch) Add(hash uint64) bool {
	if s.registers == nil {
		i, found := slices.BinarySearch(s.few, hash)
		if found {
			return false
		}
		if len(s.few) < SketchExact {
			s.few = slices.Insert(s.few, i, hash)
			return true
		}
		s.spread()
	}
	return s.register(hash)
}

func (s *Sketch) spread() {
	s.registers = make([]uint8, sketchSize)
	for _, h := range s.few {
		s.register(h)
	}
	s.few = nil
}

func (s *Sketch) register(hash uint64) bool {
	i := hash >> (64 - sketchBits)
	rank := uint8(bits.LeadingZeros64(hash<<sketchBits|1<<(sketchBits-1)) + 1)
	if s.registers[i] >= rank {
		return false
	}
	s.registers[i] = rank
	return true
}

// Merge counts all that the other sketch counted and reports whether that
// changed this one.
func (s *Sketch) Merge(other Sketch) bool {
	changed := false
	if other.registers == nil {
		for _, h := range other.few {
			changed = s.Add(h) || changed
		}
		return changed
	}
	if s.registers == nil {
		s.spread()
		changed = true
	}
	for i, r := range other.registers {
		if r > s.registers[i] {
			s.registers[i] = r
			changed = true
		}
	}
	return changed
}

// Clone gives a copy that shares nothing.
func (s Sketch) Clone() Sketch {
	return Sketch{slices.Clone(s.few), slices.Clone(s.registers)}
}

// Exact reports whether Size is a count and not an estimate.
func (s Sketch) Exact() bool { return s.registers == nil }

// Size gives the count: exact as a point while the sketch is exact, otherwise
// the estimate with three standard errors (4.9 %) to both sides. Adding never
// makes it smaller.
func (s Sketch) Size() Interval {
	if s.Exact() {
		n := int64(len(s.few))
		return Interval{n, n, n}
	}
	n := min(s.estimate(), 1<<62) // forged registers, all full, would be infinite
	margin := 3 * sketchError * n
	return Interval{
		Low:   max(int64(math.Floor(n-margin)), SketchExact+1),
		Point: max(int64(math.Round(n)), SketchExact+1),
		High:  max(int64(math.Ceil(n+margin)), SketchExact+1),
	}
}

// estimate is the improved raw estimator (Ertl 2017, New cardinality estimation
// algorithms for HyperLogLog sketches, algorithm 6): without the switch between
// two formulas of 2007, so that it grows with every register.
func (s Sketch) estimate() float64 {
	const m, q = float64(sketchSize), 64 - sketchBits
	var counts [q + 2]float64
	for _, r := range s.registers {
		counts[r]++
	}
	z := m * tau(1-counts[q+1]/m)
	for k := q; k >= 1; k-- {
		z = 0.5 * (z + counts[k])
	}
	z += m * sigma(counts[0]/m)
	return m * m / (2 * math.Ln2 * z)
}

// sigma and tau are the corrections for registers at their two ends (Ertl 2017,
// section 3.2); x is a share of registers.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	for y, z := 1.0, x; ; y += y {
		x *= x
		next := z + x*y
		if next == z {
			return z
		}
		z = next
	}
}

func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	for y, z := 1.0, 1-x; ; {
		x = math.Sqrt(x)
		y /= 2
		next := z - (1-x)*(1-x)*y
		if next == z {
			return z / 3
		}
		z = next
	}
}

// AppendBinary appends the sketch: 0, then the hashes big-endian and sorted, or
// 1, then the registers.
func (s Sketch) AppendBinary(b []byte) []byte {
	if s.registers != nil {
		return append(append(b, 1), s.registers...)
	}
	b = append(b, 0)
	for _, h := range s.few {
		b = binary.BigEndian.AppendUint64(b, h)
	}
	return b
}

// ParseSketch reads what AppendBinary wrote. It gives ErrInvalid for anything else.
func ParseSketch(b []byte) (Sketch, error) {
	bad := func() (Sketch, error) {
		return Sketch{}, fmt.Errorf("sketch of %d octets: %w", len(b), ErrInvalid)
	}
	switch {
	case len(b) == 0:
		return bad()
	case b[0] == 1 && len(b) == 1+sketchSize:
		if top := slices.Max(b[1:]); top == 0 || top > 64-sketchBits+1 {
			return bad()
		}
		return Sketch{registers: slices.Clone(b[1:])}, nil
	case b[0] == 0 && len(b)%8 == 1 && len(b)/8 <= SketchExact:
		var s Sketch
		for b = b[1:]; len(b) > 0; b = b[8:] {
			h := binary.BigEndian.Uint64(b)
			if n := len(s.few); n > 0 && s.few[n-1] >= h {
				return bad()
			}
			s.few = append(s.few, h)
		}
		return s, nil
	}
	return bad()
}
