package detect

import (
	"encoding/binary"
	"math/rand/v2"
)

// ways holds the pairs of a watch by their place, in blocks, so that growing copies
// nothing and the collector passes over all of them, and finds the place of a key:
// open addressing over hashes, with the keys left in the pairs. A map would keep
// each key a second time, and every record would wait for memory once more.
type ways struct {
	blocks []*[pairBlock]pair
	made   uint32 // pairs that were ever made
	freed  []uint32
	key    uint64    // of the hashes, against strangers who make them collide; nothing that is told depends on it
	slots  []waySlot // a power of two of them
	n      int
}

// waySlot is a pair's place, from 1, with the hash of its key. Place 0 is free.
type waySlot struct{ hash, place uint32 }

const (
	// pairBlock is how many pairs are made at once.
	pairBlock = 256
	firstWays = 1 << 6
)

func newWays() ways { return ways{key: rand.Uint64(), slots: make([]waySlot, firstWays)} }

func (x *ways) at(i uint32) *pair { return &x.blocks[i/pairBlock][i%pairBlock] }

func (x *ways) hash(k *pairKey) uint32 {
	h := mix(x.key ^ binary.NativeEndian.Uint64(k.peer[:8]))
	h = mix(h ^ binary.NativeEndian.Uint64(k.peer[8:]))
	return uint32(mix(h ^ uint64(k.host)<<32 ^ uint64(k.port)<<8 ^ uint64(k.transport)))
}

// slot gives where a key stands, or would.
func (x *ways) slot(k *pairKey, hash uint32) uint32 {
	mask := uint32(len(x.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		if s := &x.slots[i]; s.place == 0 || s.hash == hash && x.at(s.place-1).key == *k {
			return i
		}
	}
}

// find gives the pair of a key and its hash; nil if there is none.
func (x *ways) find(k *pairKey) (*pair, uint32) {
	hash := x.hash(k)
	s := x.slots[x.slot(k, hash)]
	if s.place == 0 {
		return nil, hash
	}
	return x.at(s.place - 1), hash
}

// add makes the pair of a key that find didn't find, with the hash that it gave, and
// gives its place.
func (x *ways) add(k *pairKey, hash uint32) uint32 {
	if 4*(x.n+1) > 3*len(x.slots) {
		x.grow()
	}
	i := x.made
	if n := len(x.freed); n > 0 {
		i, x.freed = x.freed[n-1], x.freed[:n-1]
		*x.at(i) = pair{}
	} else {
		if x.made%pairBlock == 0 {
			x.blocks = append(x.blocks, new([pairBlock]pair))
		}
		x.made++
	}
	x.at(i).key = *k
	x.slots[x.slot(k, hash)] = waySlot{hash, i + 1}
	x.n++
	return i
}

func (x *ways) grow() {
	old := x.slots
	x.slots = make([]waySlot, 2*len(old))
	mask := uint32(len(x.slots) - 1)
	for _, s := range old {
		i := s.hash & mask
		for s.place != 0 && x.slots[i].place != 0 {
			i = (i + 1) & mask
		}
		if s.place != 0 {
			x.slots[i] = s
		}
	}
}

// drop forgets a pair. What stands behind it is moved up where a search would end at
// the gap (Knuth, TAOCP 3, 6.4, algorithm R).
func (x *ways) drop(i uint32) {
	k := &x.at(i).key
	mask := uint32(len(x.slots) - 1)
	gap := x.slot(k, x.hash(k))
	for j := (gap + 1) & mask; x.slots[j].place != 0; j = (j + 1) & mask {
		if from := x.slots[j].hash & mask; (j-from)&mask >= (j-gap)&mask {
			x.slots[gap] = x.slots[j]
			gap = j
		}
	}
	x.slots[gap] = waySlot{}
	x.freed = append(x.freed, i)
	x.n--
}
