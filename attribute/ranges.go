package attribute

// ranges find the chain of holdings over an address of one family.
type ranges[A number[A]] struct {
	segments []segment[A]
	cells    []cell
	highs    []A // last address of each cell's holding
	// first holds, for each value of an address's highest 16 bits, the last segment
	// that starts below them, and at the end the last of all. A small table has none.
	first []uint32
}

// segment is a run of addresses, up to the next segment, with the same holdings
// over it. Start and head lie together because a question needs both.
type segment[A any] struct {
	start A
	head  uint32 // first cell of the chain, 0 if nobody holds the addresses
}

// cell is a holding in a chain of holdings over one place, the most specific
// first. Chains share their ends. Cell 0 is the end of all of them.
type cell struct {
	holding uint32
	fact    uint32
	after   uint32 // next cell << 3 | what the cells from there on tell
}

func (c cell) next() uint32 { return c.after >> 3 }

func (c cell) tells() uint32 { return c.after & tellsAll }

// fewSegments are searched as quickly without an index.
const fewSegments = 1 << 10

// index fills first.
func (r *ranges[A]) index() {
	if len(r.segments) <= fewSegments {
		return
	}
	r.first = make([]uint32, 0, 1<<16+1)
	for i := range r.segments {
		for uint32(len(r.first)) <= r.segments[i].start.top() {
			r.first = append(r.first, uint32(max(i-1, 0)))
		}
	}
	for len(r.first) < cap(r.first) {
		r.first = append(r.first, uint32(len(r.segments)-1))
	}
}

// head gives the first cell of the chain over an address, 0 if nobody holds it.
func (r *ranges[A]) head(a A) uint32 {
	if len(r.segments) == 0 {
		return 0
	}
	low, high := uint32(0), uint32(len(r.segments)-1)
	if len(r.first) > 0 {
		top := a.top()
		low, high = r.first[top], r.first[top+1]
	}
	for low < high {
		if mid := (low + high + 1) / 2; a.before(r.segments[mid].start) {
			high = mid - 1
		} else {
			low = mid
		}
	}
	return r.segments[low].head
}

// sound checks that segments begin at the lowest address and ascend, and that
// their chains are there.
func (r *ranges[A]) sound() bool {
	var lowest A
	if len(r.segments) == 0 || lowest.before(r.segments[0].start) {
		return false
	}
	for i, s := range r.segments {
		if i > 0 && !r.segments[i-1].start.before(s.start) || s.head >= uint32(len(r.cells)) {
			return false
		}
	}
	return true
}
