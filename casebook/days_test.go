package casebook_test

import (
	"encoding/binary"
	"errors"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/casebook"
)

// sighted makes the set of the days given, added in that order.
func sighted(days ...casebook.Day) casebook.Days {
	var s casebook.Days
	for _, d := range days {
		s.Add(d)
	}
	return s
}

// every gives all days from one to another, both included.
func every(from, to casebook.Day) []casebook.Day {
	var days []casebook.Day
	for d := from; d <= to; d++ {
		days = append(days, d)
	}
	return days
}

// listed gives the days of a set, oldest first.
func listed(s casebook.Days) []casebook.Day {
	var days []casebook.Day
	s.Runs(func(from, to casebook.Day) { days = append(days, every(from, to)...) })
	return days
}

// drawDays draws days that lie close enough to touch, overlap and repeat.
func drawDays(t *rapid.T, label string) []casebook.Day {
	day := rapid.Map(rapid.Int32Range(-40, 40), func(n int32) casebook.Day { return casebook.Day(n) })
	return rapid.SliceOfN(day, 0, 60).Draw(t, label)
}

func TestADayIsADayInUTC(t *testing.T) {
	cases := []struct {
		moment string
		want   casebook.Day
		text   string
	}{
		{"1970-01-01T00:00:00Z", 0, "1970-01-01"},
		{"1970-01-01T23:59:59.999999999Z", 0, "1970-01-01"},
		{"1969-12-31T23:59:59.999999999Z", -1, "1969-12-31"},
		{"1969-12-31T00:00:00Z", -1, "1969-12-31"},
		{"1969-12-30T23:59:59Z", -2, "1969-12-30"},
		{"2021-03-04T07:30:00+08:00", 18689, "2021-03-03"},
		{"2021-03-03T23:30:00-05:00", 18690, "2021-03-04"},
		{"0001-01-01T00:00:00Z", -719162, "0001-01-01"},
	}
	for _, c := range cases {
		at, err := time.Parse(time.RFC3339Nano, c.moment)
		if err != nil {
			t.Fatal(err)
		}
		if got := casebook.DayOf(at); got != c.want || got.String() != c.text {
			t.Errorf("%s: got day %d, %s, want day %d, %s", c.moment, got, got, c.want, c.text)
		}
	}
}

func TestADayRunsFromItsStartToTheNextOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := casebook.Day(rapid.Int32Range(-800_000, 3_000_000).Draw(t, "day"))
		end := (d + 1).Start().Add(-1)
		if first, last := casebook.DayOf(d.Start()), casebook.DayOf(end); first != d || last != d {
			t.Fatalf("got days %d and %d from the ends of day %d", first, last, d)
		}
	})
}

func TestDaysAreASetWhateverTheOrderOfArrival(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s casebook.Days
		plain := map[casebook.Day]bool{}
		for _, d := range drawDays(t, "days") {
			if got, want := s.Add(d), !plain[d]; got != want {
				t.Fatalf("adding %d: got new %v, want %v", d, got, want)
			}
			plain[d] = true
		}
		want := slices.Sorted(maps.Keys(plain))
		if got := listed(s); !slices.Equal(got, want) {
			t.Fatalf("got days %d, want %d", got, want)
		}
		if s.Len() != len(want) {
			t.Errorf("got length %d, want %d", s.Len(), len(want))
		}
		for d := casebook.Day(-42); d <= 42; d++ {
			if s.Has(d) != plain[d] {
				t.Errorf("has %d: got %v, want %v", d, s.Has(d), plain[d])
			}
		}
		first, some := s.First()
		last, too := s.Last()
		switch {
		case some != (len(want) > 0) || too != some:
			t.Errorf("got ends %v and %v for %d days", some, too, len(want))
		case some && (first != want[0] || last != want[len(want)-1]):
			t.Errorf("got ends %d and %d, want %d and %d", first, last, want[0], want[len(want)-1])
		}
	})
}

func TestDaysAreKeptAsRunsThatNeverTouch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := drawDays(t, "days")
		s := sighted(days...)
		var before *casebook.Day
		s.Runs(func(from, to casebook.Day) {
			if from > to || before != nil && from <= *before+1 {
				t.Fatalf("run %d to %d after one that ends at %v", from, to, before)
			}
			before = &to
		})
		again := sighted(rapid.Permutation(days).Draw(t, "another order")...)
		if !reflect.DeepEqual(again, s) {
			t.Fatalf("got %v in another order, want %v", again, s)
		}
	})
}

func TestMergingDaysIsAddingThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ours, theirs := drawDays(t, "ours"), drawDays(t, "theirs")
		a, b := sighted(ours...), sighted(theirs...)
		a.Merge(b)
		if want := sighted(slices.Concat(ours, theirs)...); !reflect.DeepEqual(a, want) {
			t.Fatalf("got %v, want %v", a, want)
		}
		if want := sighted(theirs...); !reflect.DeepEqual(b, want) {
			t.Fatalf("merging changed the other set to %v, want %v", b, want)
		}
	})
}

func TestDaysAreReadBackAsWritten(t *testing.T) {
	far := rapid.Map(rapid.Int32Range(-800_000, 3_000_000), func(n int32) casebook.Day { return casebook.Day(n) })
	rapid.Check(t, func(t *rapid.T) {
		s := sighted(slices.Concat(drawDays(t, "near"), rapid.SliceOfN(far, 0, 5).Draw(t, "far"))...)
		b := s.AppendBinary([]byte("before"))
		got, err := casebook.ParseDays(b[len("before"):])
		if string(b[:6]) != "before" || err != nil || !reflect.DeepEqual(got, s) {
			t.Fatalf("%x: got %v, %v, want %v", b, got, err, s)
		}
	})
}

// runBytes writes runs as (distance, length less one) pairs.
func runBytes(pairs ...int64) []byte {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		b = binary.AppendVarint(b, pairs[i])
		b = binary.AppendUvarint(b, uint64(pairs[i+1]))
	}
	return b
}

func TestAListOfDaysThatNobodyWroteIsRefused(t *testing.T) {
	cases := map[string][]byte{
		"a run without its length":         binary.AppendVarint(nil, 7),
		"a distance cut off":               {0x80},
		"a length cut off":                 {0x02, 0x80},
		"runs that touch":                  runBytes(0, 3, 1, 0),
		"runs that overlap":                runBytes(0, 3, 0, 0),
		"runs that go back":                runBytes(0, 3, -9, 0),
		"a day out of bounds":              runBytes(1<<31, 0),
		"a day out of bounds, early":       runBytes(-1<<31, 0),
		"a run that ends out of bounds":    runBytes(1<<29, 1<<30),
		"a length over 64 bits' sign":      runBytes(0, -1),
		"a distance longer than needed":    {0x80, 0x00, 0x00},
		"a length longer than needed":      {0x02, 0x80, 0x00},
		"a distance over 64 bits":          {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x00},
		"a distance wider than a day":      runBytes(-1<<30, 0, 1<<31, 0),
		"a distance that leaves 64 bits":   runBytes(10, 0, 1<<63-1, 0),
		"a good run, then one without end": append(runBytes(0, 3, 5, 0), 0x04),
	}
	for name, b := range cases {
		t.Run(name, func(t *testing.T) {
			if got, err := casebook.ParseDays(b); !errors.Is(err, casebook.ErrInvalid) {
				t.Errorf("%x: got %v, %v, want ErrInvalid", b, got, err)
			}
		})
	}
}

func FuzzParseDays(f *testing.F) {
	f.Add([]byte{})
	f.Add(sighted(0, 1, 2, 40, 41, 90).AppendBinary(nil))
	f.Add(runBytes(-1<<30, 0, 1<<31, 0))
	f.Add([]byte{0x80, 0x00, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := casebook.ParseDays(b)
		if err != nil {
			if !errors.Is(err, casebook.ErrInvalid) {
				t.Fatalf("%x: got %v, want ErrInvalid", b, err)
			}
			return
		}
		if got := s.AppendBinary(nil); string(got) != string(b) {
			t.Fatalf("got %x, want %x", got, b)
		}
		if _, some := s.First(); some != (s.Len() > 0) {
			t.Fatalf("%x: a first day %v of %d", b, some, s.Len())
		}
	})
}

func BenchmarkDaysAdd(b *testing.B) {
	b.Run("newest day", func(b *testing.B) {
		var s casebook.Days
		var d casebook.Day
		b.ReportAllocs()
		for b.Loop() {
			s.Add(d / 4) // four sightings a day
			d++
		}
	})
	b.Run("400 days in any order", func(b *testing.B) {
		order := rand.New(rand.NewPCG(1, 2)).Perm(400)
		var s casebook.Days
		i := 0
		b.ReportAllocs()
		for b.Loop() {
			if i == len(order) {
				s, i = casebook.Days{}, 0
			}
			s.Add(casebook.Day(order[i]))
			i++
		}
	})
}
