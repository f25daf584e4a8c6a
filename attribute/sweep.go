package attribute

import (
	"cmp"
	"fmt"
	"slices"

	"tocsin/casebook"
)

// What ranges that overlap without nesting may cost: so many cells for each
// holding, and in all. Ranges that nest take one cell each.
const (
	cellsPerHolding = 64
	maxCells        = 1 << 24
)

// span is a holding's range, both ends included.
type span[A number[A]] struct {
	low, high A
	number    uint32 // of the holding
	fact      uint32
}

// live is a holding over the place that the sweep has come to.
type live[A number[A]] struct {
	span[A]
	cell uint32 // begins the chain of this holding and all less specific ones
}

// moreSpecific orders holdings over one place: the smaller range first, of equal
// ones the later added.
func (a *live[A]) moreSpecific(b *live[A]) bool {
	one, two := a.high.minus(a.low), b.high.minus(b.low)
	return one.before(two) || one == two && a.number > b.number
}

// sweep goes through a family's addresses upwards and cuts them where the holdings
// over them change.
type sweep[A number[A]] struct {
	ranges[A]
	over []live[A] // least specific first
	most int       // cells
}

// flatten turns ranges, nested and overlapping as they are, into segments. It
// puts spans in order.
func flatten[A number[A]](spans []span[A]) (ranges[A], error) {
	slices.SortFunc(spans, func(a, b span[A]) int {
		// Of two with one start the larger comes first: the smaller goes on top.
		return cmp.Or(compare(a.low, b.low), compare(b.high, a.high), cmp.Compare(a.number, b.number))
	})
	s := sweep[A]{most: min(cellsPerHolding*(len(spans)+cellsPerHolding), maxCells)}
	s.segments = make([]segment[A], 0, 1+len(spans)*3/2)
	s.cells, s.highs = make([]cell, 1, len(spans)+1), make([]A, 1, len(spans)+1)
	var lowest A
	s.cut(lowest)
	for _, sp := range spans {
		for len(s.over) > 0 && s.nextEnd().before(sp.low) {
			s.close(s.nextEnd())
		}
		s.open(sp)
		if err := s.crowded(sp.low); err != nil {
			return ranges[A]{}, err
		}
	}
	for len(s.over) > 0 {
		s.close(s.nextEnd())
	}
	if len(spans) == 0 {
		return s.ranges, nil
	}
	return s.ranges, s.crowded(spans[len(spans)-1].low)
}

// nextEnd gives the lowest last address of the holdings over the place.
func (s *sweep[A]) nextEnd() A {
	end := s.over[0].high
	for i := range s.over[1:] {
		if high := s.over[1+i].high; high.before(end) {
			end = high
		}
	}
	return end
}

// open lets a holding begin.
func (s *sweep[A]) open(sp span[A]) {
	l := live[A]{span: sp}
	at := len(s.over)
	for at > 0 && s.over[at-1].moreSpecific(&l) {
		at--
	}
	s.over = slices.Insert(s.over, at, l)
	s.chain(at)
	s.cut(sp.low)
}

// close lets all holdings end whose last address this is.
func (s *sweep[A]) close(end A) {
	ends := func(l live[A]) bool { return l.high == end }
	at := slices.IndexFunc(s.over, ends)
	s.over = slices.DeleteFunc(s.over, ends)
	s.chain(at)
	var lowest A
	if next := end.next(); next != lowest {
		s.cut(next)
	}
}

// crowded refuses ranges that cost too much, found when the sweep came to a place.
func (s *sweep[A]) crowded(at A) error {
	if len(s.over) > MaxDepth {
		return fmt.Errorf("more than %d holdings cover %v: %w", MaxDepth, at.addr(), casebook.ErrTooLarge)
	}
	if len(s.cells) > s.most {
		return fmt.Errorf("too many ranges overlap without nesting, up to %v: %w", at.addr(), casebook.ErrTooLarge)
	}
	return nil
}

// chain makes the cells anew from a place in over upwards: what lies on a holding
// that came or went has another end to its chain.
func (s *sweep[A]) chain(from int) {
	// Past the bound, crowded is about to refuse the whole.
	for i := from; i < len(s.over) && len(s.cells) <= s.most; i++ {
		next := uint32(0)
		if i > 0 {
			next = s.over[i-1].cell
		}
		l := &s.over[i]
		l.cell = uint32(len(s.cells))
		s.cells = append(s.cells, cell{l.number, l.fact, next << 3})
		s.highs = append(s.highs, l.high)
	}
}

// cut begins a segment with the holdings now over the place.
func (s *sweep[A]) cut(start A) {
	head := uint32(0)
	if n := len(s.over); n > 0 {
		head = s.over[n-1].cell
	}
	n := len(s.segments)
	if n > 0 && s.segments[n-1].start == start {
		n--
	}
	s.segments = s.segments[:n]
	if n == 0 || s.segments[n-1].head != head {
		s.segments = append(s.segments, segment[A]{start, head})
	}
}
