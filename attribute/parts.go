package attribute

import (
	"encoding/binary"
	"math"
)

// parts are the octets of a compiled table whose length is known to suffice.
type parts struct{ rest []byte }

func (p *parts) take(n uint64) []byte {
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}

func (p *parts) numbers(n uint32) []uint32 { return numbersAs[uint32](p, n) }

func numbersAs[T ~uint32](p *parts, n uint32) []T {
	b := p.take(4 * uint64(n))
	numbers := make([]T, n)
	for i := range numbers {
		numbers[i] = T(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return numbers
}

func (p *parts) wides(n uint32) []wide {
	b := p.take(16 * uint64(n))
	numbers := make([]wide, n)
	for i := range numbers {
		numbers[i] = wideAt(b[16*i:])
	}
	return numbers
}

func wideAt(b []byte) wide {
	return wide{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

func (p *parts) segments4(n uint32) []segment[narrow] {
	b := p.take(8 * uint64(n))
	segments := make([]segment[narrow], n)
	for i := range segments {
		b := b[8*i:][:8]
		segments[i] = segment[narrow]{narrow(binary.LittleEndian.Uint32(b)), binary.LittleEndian.Uint32(b[4:])}
	}
	return segments
}

func (p *parts) segments6(n uint32) []segment[wide] {
	b := p.take(20 * uint64(n))
	segments := make([]segment[wide], n)
	for i := range segments {
		b := b[20*i:][:20]
		segments[i] = segment[wide]{wideAt(b), binary.LittleEndian.Uint32(b[16:])}
	}
	return segments
}

func (p *parts) texts(n, octets uint32) texts {
	ends := p.numbers(n)
	return texts{string(p.take(uint64(octets))), ends}
}

func (p *parts) facts(n uint32) []fact {
	b := p.take(12 * uint64(n))
	facts := make([]fact, n)
	le := binary.LittleEndian
	for i := range facts {
		b := b[12*i:][:12]
		facts[i] = fact{le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:])}
	}
	return facts
}

func (p *parts) terms(n uint32) []terms {
	b := p.take(24 * uint64(n))
	all := make([]terms, n)
	le := binary.LittleEndian
	for i := range all {
		b := b[24*i:][:24]
		all[i] = terms{le.Uint32(b), le.Uint32(b[4:]), int64(le.Uint64(b[8:])), int64(le.Uint64(b[16:]))}
	}
	return all
}

// cells takes cells without what they tell. A next one that no cell can have
// becomes one that soundCells refuses.
func (p *parts) cells(n uint32) []cell {
	b := p.take(12 * uint64(n))
	cells := make([]cell, n)
	le := binary.LittleEndian
	for i := range cells {
		b := b[12*i:][:12]
		next := le.Uint32(b[8:])
		if next >= n {
			next = math.MaxUint32 >> 3
		}
		cells[i] = cell{le.Uint32(b), le.Uint32(b[4:]), next << 3}
	}
	return cells
}
