package casebook

import (
	"encoding/binary"
	"fmt"
	"sort"
	"time"
)

// Day is a UTC day, counted from 1 January 1970 (day 0).
type Day int32

// DayOf gives the UTC day of a moment.
func DayOf(t time.Time) Day {
	s := t.Unix()
	d := s / 86400
	if s%86400 < 0 {
		d--
	}
	return Day(d)
}

// Start gives the first moment of the day.
func (d Day) Start() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// String writes the day as 2006-01-02.
func (d Day) String() string { return d.Start().Format(time.DateOnly) }

// Days is a set of days as a list of runs, so that its size follows the pauses
// and not the length. What it tells doesn't depend on the order in which days
// came. The zero value is the empty set.
type Days struct {
	runs []run
}

type run struct{ from, to Day } // both inclusive; runs are sorted and never touch

// Add puts a day into the set and reports whether it is new there.
func (s *Days) Add(d Day) bool {
	// The usual day is the newest one or one after it.
	i := len(s.runs)
	if i > 0 && d <= s.runs[i-1].to {
		i = sort.Search(len(s.runs), func(i int) bool { return d <= s.runs[i].to })
		if s.runs[i].from <= d {
			return false
		}
	}
	// Now d lies after run i-1 and before run i.
	joinsLeft := i > 0 && s.runs[i-1].to == d-1
	joinsRight := i < len(s.runs) && s.runs[i].from == d+1
	switch {
	case joinsLeft && joinsRight:
		s.runs[i-1].to = s.runs[i].to
		s.runs = append(s.runs[:i], s.runs[i+1:]...)
	case joinsLeft:
		s.runs[i-1].to = d
	case joinsRight:
		s.runs[i].from = d
	default:
		s.runs = append(s.runs, run{})
		copy(s.runs[i+1:], s.runs[i:])
		s.runs[i] = run{d, d}
	}
	return true
}

// Has reports whether the day is in the set.
func (s Days) Has(d Day) bool {
	i := sort.Search(len(s.runs), func(i int) bool { return d <= s.runs[i].to })
	return i < len(s.runs) && s.runs[i].from <= d
}

// Len counts the days.
func (s Days) Len() int {
	n := 0
	for _, r := range s.runs {
		n += int(r.to-r.from) + 1
	}
	return n
}

// First and Last give the ends of the set; ok is false when it is empty.
func (s Days) First() (d Day, ok bool) {
	if len(s.runs) == 0 {
		return 0, false
	}
	return s.runs[0].from, true
}

// Last gives the newest day; ok is false when there is none.
func (s Days) Last() (d Day, ok bool) {
	if len(s.runs) == 0 {
		return 0, false
	}
	return s.runs[len(s.runs)-1].to, true
}

// Merge puts all days of the other set into this one.
func (s *Days) Merge(other Days) {
	for _, r := range other.runs {
		for d := r.from; d <= r.to; d++ {
			s.Add(d)
		}
	}
}

// Runs calls f with the first and last day of each run, oldest first.
func (s Days) Runs(f func(from, to Day)) {
	for _, r := range s.runs {
		f(r.from, r.to)
	}
}

// between counts the days d of the set with a < d < b.
func (s Days) between(a, b Day) int {
	n := 0
	for i := sort.Search(len(s.runs), func(i int) bool { return s.runs[i].to > a }); i < len(s.runs) && s.runs[i].from < b; i++ {
		from, to := max(s.runs[i].from, a+1), min(s.runs[i].to, b-1)
		if from <= to {
			n += int(to-from) + 1
		}
	}
	return n
}

// DefaultGap is how many days without a sighting make the next one a relapse,
// for a source that declares no other gap.
const DefaultGap = 30

// Relapses counts how often the days resume after a gap of more than gap days,
// which is at least 1.
// Published holds the days on which the source published anything: a silent day
// says nothing about the finding and doesn't count towards a gap. From one
// sighting at day a to the next at day b the gap is b − a less the silent days
// between them.
func (s Days) Relapses(gap int, published Days) int {
	n := 0
	for i := 1; i < len(s.runs); i++ {
		a, b := s.runs[i-1].to, s.runs[i].from
		if int(b-a) <= gap {
			continue
		}
		silent := int(b-a) - 1 - published.between(a, b)
		if int(b-a)-silent > gap {
			n++
		}
	}
	return n
}

// AppendBinary appends the set as varints: for each run the distance from the
// end of the one before (from day 0 at first), then its length less one.
func (s Days) AppendBinary(b []byte) []byte {
	last := Day(0)
	for _, r := range s.runs {
		b = binary.AppendVarint(b, int64(r.from-last))
		b = binary.AppendUvarint(b, uint64(r.to-r.from))
		last = r.to
	}
	return b
}

// ParseDays reads what AppendBinary wrote of days less than 2³⁰ from day 0. It
// gives ErrInvalid for anything else.
func ParseDays(b []byte) (Days, error) {
	bad := func() (Days, error) { return Days{}, fmt.Errorf("list of days %x: %w", b, ErrInvalid) }
	var s Days
	last, rest := int64(0), b
	for len(rest) > 0 {
		skip, n := binary.Varint(rest)
		if n <= 0 || n > 1 && rest[n-1] == 0 { // a zero at the end: longer than needed
			return bad()
		}
		rest = rest[n:]
		length, n := binary.Uvarint(rest)
		if n <= 0 || n > 1 && rest[n-1] == 0 {
			return bad()
		}
		rest = rest[n:]
		from, to := last+skip, last+skip+int64(length)
		if from >= 1<<30 || from <= -1<<30 || length > 1<<30 || to >= 1<<30 || len(s.runs) > 0 && skip < 2 {
			return bad()
		}
		s.runs = append(s.runs, run{Day(from), Day(to)})
		last = to
	}
	return s, nil
}
