package indicator

import "math/rand/v2"

// texts finds the ref of a text. The texts stand one after the other in blocks,
// with a table of their places beside them, and a small filter in front that
// answers nearly all questions about texts that aren't there from one cache line.
// A question is compared with the text itself: nothing matches by its hash alone.
type texts struct {
	key    uint64
	blocks [][]byte
	slots  []slot // a power of two of them
	n      int
	filter []uint64
	shift  uint8 // brings a hash down to a slot
}

// slot is the place of a text, from 1, with its ref and its hash, so that texts are
// looked at only where the hashes agree. Place 0 is a free slot.
type slot struct{ place, ref, hash uint32 }

const (
	blockBits = 20
	blockSize = 1 << blockBits
	// bitsPerKey of the filter: with four bits in one word for a key it lets less
	// than 1 % of other questions pass.
	bitsPerKey = 16
	firstSlots = 1 << 10
)

// newTexts keys the hashes, so that the writer of a list can't make them collide.
// Nothing that anybody sees depends on the key.
func newTexts() texts {
	return texts{key: rand.Uint64(), slots: make([]slot, firstSlots), shift: 32 - 10}
}

// octets are what texts are asked in.
type octets interface{ ~string | ~[]byte }

const (
	prime = 0x9fb21c651e98df25
	mixer = 0xd6e8feb86659fd93
)

// step takes one more octet into a hash, last octet of the text first: so the
// hashes of all suffixes of a name come out of one pass.
func step(h uint64, c byte) uint64 { return (h ^ uint64(c)) * prime }

// finish spreads a hash over all its bits and gives the upper half.
func finish(h uint64) uint32 { return uint32((h ^ h>>32) * mixer >> 32) }

func hash[T octets](key uint64, text T) uint32 {
	h := key
	for i := len(text) - 1; i >= 0; i-- {
		h = step(h, text[i])
	}
	return finish(h)
}

// passes reports whether the text of a hash may be there.
func (t *texts) passes(h uint32) bool {
	if len(t.filter) == 0 {
		return false
	}
	at, mask := t.bits(h)
	return t.filter[at]&mask == mask
}

func (t *texts) bits(h uint32) (at, mask uint64) {
	at = uint64(h) * uint64(len(t.filter)) >> 32
	h *= 0x9e3779b1
	return at, 1<<(h>>26) | 1<<(h>>20&63) | 1<<(h>>14&63) | 1<<(h>>8&63)
}

// at gives the text of a place.
func (t *texts) at(place uint32) []byte {
	place--
	block, i := t.blocks[place>>blockBits], place&(blockSize-1)
	n := uint32(block[i])<<8 | uint32(block[i+1])
	return block[i+2 : i+2+n]
}

// find gives the slot of a text, or the free one where it belongs.
func find[T octets](t *texts, h uint32, text T) *slot {
	mask := uint32(len(t.slots) - 1)
	for i := h >> t.shift; ; i++ {
		s := &t.slots[i&mask]
		if s.place == 0 || s.hash == h && same(t.at(s.place), text) {
			return s
		}
	}
}

func same[T octets](a []byte, b T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// ref gives the ref of a text, 0 if it isn't there. It doesn't allocate.
func ref[T octets](t *texts, text T) uint32 {
	h := hash(t.key, text)
	if !t.passes(h) {
		return 0
	}
	return find(t, h, text).ref
}

// place gives the ref of a text to be set, adding the text if it is new. It is
// valid until the next call.
func place[T octets](t *texts, text T) *uint32 {
	if t.n*10 >= len(t.slots)*7 {
		t.grow()
	}
	h := hash(t.key, text)
	s := find(t, h, text)
	if s.place == 0 {
		s.place, s.hash = write(t, text), h
		t.n++
	}
	return &s.ref
}

func write[T octets](t *texts, text T) uint32 {
	last := len(t.blocks) - 1
	if last < 0 || len(t.blocks[last])+2+len(text) > blockSize {
		t.blocks = append(t.blocks, make([]byte, 0, blockSize))
		last++
	}
	b := t.blocks[last]
	place := uint32(last)<<blockBits + uint32(len(b)) + 1
	b = append(b, byte(len(text)>>8), byte(len(text)))
	t.blocks[last] = append(b, text...)
	return place
}

func (t *texts) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	t.shift--
	mask := uint32(len(t.slots) - 1)
	for _, s := range old {
		i := s.hash >> t.shift
		for s.place != 0 && t.slots[i&mask].place != 0 {
			i++
		}
		if s.place != 0 {
			t.slots[i&mask] = s
		}
	}
}

// seal makes the filter, once all texts are there.
func (t *texts) seal() {
	t.filter = make([]uint64, t.n*bitsPerKey/64+1)
	for _, s := range t.slots {
		if s.place != 0 {
			at, mask := t.bits(s.hash)
			t.filter[at] |= mask
		}
	}
}
