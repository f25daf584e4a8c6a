package detect

import (
	"math"
	"math/bits"
)

// sketch counts different things by linear counting (Whang, Vander-Zanden, Taylor
// 1990): it is within a few in a hundred up to some five thousand and then says
// no more than that. The zero value is ready; it has a fixed size.
type sketch struct {
	words *[sketchWords]uint64
	few   [6]uint64
	n     uint8 // of few
}

const sketchWords = 32

// add adds a thing by its hash, which must be well mixed.
func (s *sketch) add(hash uint64) {
	if s.words == nil {
		for _, h := range s.few[:s.n] {
			if h == hash {
				return
			}
		}
		if int(s.n) < len(s.few) {
			s.few[s.n] = hash
			s.n++
			return
		}
		s.words = new([sketchWords]uint64)
		for _, h := range s.few {
			s.set(h)
		}
	}
	s.set(hash)
}

func (s *sketch) set(hash uint64) {
	bit := hash % (sketchWords * 64)
	s.words[bit/64] |= 1 << (bit % 64)
}

// count estimates how many different things were added.
func (s *sketch) count() int {
	if s.words == nil {
		return int(s.n)
	}
	ones := 0
	for _, w := range s.words {
		ones += bits.OnesCount64(w)
	}
	const m = sketchWords * 64
	empty := max(m-ones, 1)
	return int(math.Round(m * math.Log(m/float64(empty))))
}
