package traffic

import "encoding/binary"

// LinkOf makes the Link of a source's own identifier: a hash of its octets, the same
// in every run, with 0 kept for no identifier. It isn't keyed: two identifiers that
// a stranger made to collide look like one connection.
func LinkOf(id []byte) uint64 {
	if len(id) == 0 {
		return 0
	}
	const prime = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio (Knuth, TAOCP 3, 6.4)
	h := uint64(len(id))
	for len(id) >= 8 {
		h = (h ^ binary.LittleEndian.Uint64(id)) * prime
		h ^= h >> 29
		id = id[8:]
	}
	var rest uint64
	for i, c := range id {
		rest |= uint64(c) << (8 * i)
	}
	h = (h ^ rest) * prime
	return max(h^h>>32, 1)
}
