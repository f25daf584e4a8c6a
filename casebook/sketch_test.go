package casebook_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tocsin/casebook"
)

// hashes gives n hashes, uniform in 64 bits and the same for the same seed.
func hashes(seed uint64, n int) []uint64 {
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]uint64, n)
	for i := range out {
		out[i] = r.Uint64()
	}
	return out
}

func counted(things ...uint64) casebook.Sketch {
	var s casebook.Sketch
	for _, h := range things {
		s.Add(h)
	}
	return s
}

func TestFewThingsAreCountedExactly(t *testing.T) {
	for _, n := range []int{0, 1, 2, 255, casebook.SketchExact} {
		things := hashes(1, n)
		s := counted(slices.Concat(things, things)...)
		count := int64(n)
		want := casebook.Interval{Low: count, Point: count, High: count}
		if got := s.Size(); got != want || !s.Exact() {
			t.Errorf("got %v, exact %v, want %v, exact", got, s.Exact(), want)
		}
	}
}

func TestOneThingTooManyIsEstimated(t *testing.T) {
	s := counted(hashes(1, casebook.SketchExact+1)...)
	got := s.Size()
	if s.Exact() || got.Low != 257 || got.High < 257 || got.High > 290 {
		t.Errorf("got %v, exact %v, want an estimate from 257 on", got, s.Exact())
	}
}

func TestTheTrueSizeLiesInTheInterval(t *testing.T) {
	for _, n := range []int{1_000, 10_000, 100_000, 1_000_000} {
		for seed := range uint64(5) {
			t.Run(fmt.Sprintf("%d things, seed %d", n, seed), func(t *testing.T) {
				t.Parallel()
				got, want := counted(hashes(seed, n)...).Size(), int64(n)
				if got.Low > want || want > got.High {
					t.Errorf("got %v, want %d within", got, want)
				}
				if got.Low > got.Point || got.Point > got.High {
					t.Errorf("got %v, want its point within", got)
				}
				if width, most := got.High-got.Low, got.Point/10; width > most {
					t.Errorf("got an interval %d wide, want at most a tenth of %d", width, got.Point)
				}
			})
		}
	}
}

// wantGrowth adds the things one by one and fails when the size goes back or
// its point leaves the interval.
func wantGrowth(t interface{ Fatalf(string, ...any) }, things []uint64) {
	var s casebook.Sketch
	last := s.Size()
	for i, h := range things {
		s.Add(h)
		got := s.Size()
		if got.Low < last.Low || got.Point < last.Point || got.High < last.High {
			t.Fatalf("adding thing %d, %x: got %v after %v", i+1, h, got, last)
		}
		if got.Low > got.Point || got.Point > got.High {
			t.Fatalf("adding thing %d, %x: got %v, its point outside", i+1, h, got)
		}
		last = got
	}
}

func TestAddingNeverMakesASizeSmaller(t *testing.T) {
	wantGrowth(t, hashes(3, 15_000))
	rapid.Check(t, func(t *rapid.T) {
		things := hashes(rapid.Uint64().Draw(t, "seed"), 600)
		mask := rapid.Uint64().Draw(t, "mask")
		for i := 300; i < len(things); i++ {
			things[i] &= mask
		}
		wantGrowth(t, things)
	})
}

func TestASketchFilledToItsBrimIsStillASize(t *testing.T) {
	brim := make([]uint64, 1<<12)
	for i := range brim {
		brim[i] = uint64(i) << 52 // the highest rank of each register
	}
	wantGrowth(t, brim)
	if got := counted(brim...).Size(); got.Low < 1<<60 {
		t.Errorf("got %v, want more than 2⁶⁰", got)
	}
}

// drawThings draws a stretch of one pool, so that stretches overlap and lie on
// both sides of the bound up to which a sketch is exact.
func drawThings(t *rapid.T, label string) []uint64 {
	from := rapid.IntRange(0, 700).Draw(t, label+" from")
	return hashes(9, 700)[from : from+rapid.IntRange(0, 700-from).Draw(t, label)]
}

func merged(a, b casebook.Sketch) casebook.Sketch {
	out := a.Clone()
	out.Merge(b)
	return out
}

func TestMergingSketchesIsCountingTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		as, bs, cs := drawThings(t, "a"), drawThings(t, "b"), drawThings(t, "c")
		a, b, c := counted(as...), counted(bs...), counted(cs...)
		same := func(law string, got, want casebook.Sketch) {
			if !bytes.Equal(got.AppendBinary(nil), want.AppendBinary(nil)) {
				t.Fatalf("%s: got %v, want %v", law, got.Size(), want.Size())
			}
		}
		same("together", merged(a, b), counted(slices.Concat(as, bs)...))
		same("the other way round", merged(b, a), merged(a, b))
		same("in other groups", merged(merged(a, b), c), merged(a, merged(b, c)))
		same("taken twice", merged(merged(a, b), b), merged(a, b))
		same("with itself", merged(a, a), a)
		same("with nothing", merged(a, casebook.Sketch{}), a)
		same("nothing with it", merged(casebook.Sketch{}, a), a)
		same("the merged stay as they were", a, counted(as...))
	})
}

func TestACloneSharesNothing(t *testing.T) {
	for _, n := range []int{0, 100, casebook.SketchExact, 5_000} {
		s := counted(hashes(4, n)...)
		before := s.AppendBinary(nil)
		clone := s.Clone()
		for _, h := range hashes(5, 2_000) {
			clone.Add(h)
		}
		if !bytes.Equal(s.AppendBinary(nil), before) {
			t.Errorf("a sketch of %d changed with its clone", n)
		}
	}
}

func TestASketchIsReadBackAsWritten(t *testing.T) {
	for _, n := range []int{0, 1, casebook.SketchExact, casebook.SketchExact + 1, 50_000} {
		s := counted(hashes(6, n)...)
		b := s.AppendBinary([]byte("before"))
		got, err := casebook.ParseSketch(b[len("before"):])
		if err != nil {
			t.Fatalf("a sketch of %d: %v", n, err)
		}
		if got.Size() != s.Size() || got.Exact() != s.Exact() {
			t.Errorf("got %v, exact %v, want %v, exact %v", got.Size(), got.Exact(), s.Size(), s.Exact())
		}
		if again := got.AppendBinary([]byte("before")); !bytes.Equal(again, b) {
			t.Errorf("a sketch of %d is written otherwise the second time", n)
		}
		clear(b) // what was read doesn't hold on to its bytes
		if got.Size() != s.Size() {
			t.Errorf("got %v once the bytes were gone, want %v", got.Size(), s.Size())
		}
	}
}

func TestASketchThatNobodyWroteIsRefused(t *testing.T) {
	few := counted(hashes(7, 3)...).AppendBinary(nil)
	many := counted(hashes(7, 300)...).AppendBinary(nil)
	with := func(b []byte, at int, octet byte) []byte {
		b = slices.Clone(b)
		b[at] = octet
		return b
	}
	cases := map[string][]byte{
		"no octet":                          nil,
		"another kind":                      with(few, 0, 2),
		"a hash cut off":                    few[:len(few)-1],
		"hashes out of order":               slices.Concat([]byte{0}, few[9:17], few[1:9]),
		"a hash twice":                      slices.Concat(few[:9], few[1:9]),
		"more hashes than are kept":         make([]byte, 1+8*(casebook.SketchExact+1)),
		"registers cut off":                 many[:len(many)-1],
		"a register too many":               append(slices.Clone(many), 0),
		"a register higher than a hash has": with(many, 17, 54),
		"registers that nothing filled":     append([]byte{1}, make([]byte, 1<<12)...),
		"registers alone":                   {1},
	}
	for name, b := range cases {
		t.Run(name, func(t *testing.T) {
			if got, err := casebook.ParseSketch(b); !errors.Is(err, casebook.ErrInvalid) {
				t.Errorf("got %v, %v, want ErrInvalid", got.Size(), err)
			}
		})
	}
}

func FuzzParseSketch(f *testing.F) {
	for _, n := range []int{0, 3, 17} {
		f.Add(counted(hashes(8, n)...).AppendBinary(nil), false)
	}
	f.Add([]byte{1}, false)
	for _, pattern := range [][]byte{{0}, {53}, {54}, {0, 1}, {3, 0, 52, 53}} {
		f.Add(pattern, true)
	}
	// With fill, b is a pattern that fills the registers: 4 kB from a few octets,
	// which are sooner changed to something new.
	f.Fuzz(func(t *testing.T, b []byte, fill bool) {
		if fill && len(b) > 0 {
			b = append([]byte{1}, bytes.Repeat(b, 1<<12/len(b)+1)[:1<<12]...)
		}
		s, err := casebook.ParseSketch(b)
		if err != nil {
			if !errors.Is(err, casebook.ErrInvalid) {
				t.Fatalf("got %v, want ErrInvalid", err)
			}
			return
		}
		if got := s.AppendBinary(nil); !bytes.Equal(got, b) {
			t.Fatalf("got %x, want %x", got, b)
		}
		size := s.Size()
		if size.Low < 0 || size.Low > size.Point || size.Point > size.High {
			t.Fatalf("got size %v", size)
		}
		if s.Exact() && size.Point != int64(len(b)/8) {
			t.Fatalf("got size %v of %d octets", size, len(b))
		}
	})
}

func BenchmarkSketchAdd(b *testing.B) {
	for _, n := range []int{casebook.SketchExact, 1 << 20} {
		b.Run(fmt.Sprintf("%d things", n), func(b *testing.B) {
			things := hashes(1, n)
			var s casebook.Sketch
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				if i == len(things) {
					s, i = casebook.Sketch{}, 0
				}
				s.Add(things[i])
				i++
			}
		})
	}
}

func BenchmarkSketchSize(b *testing.B) {
	s := counted(hashes(1, 100_000)...)
	for b.Loop() {
		s.Size()
	}
}
