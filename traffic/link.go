package traffic

// LinkOf makes the Link of a source's own identifier: FNV-1a over its octets
// (draft-eastlake-fnv), with 0 kept for no identifier.
func LinkOf(id []byte) uint64 {
	if len(id) == 0 {
		return 0
	}
	h := uint64(14695981039346656037)
	for _, c := range id {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return max(h, 1)
}
