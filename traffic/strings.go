package traffic

import (
	"hash/maphash"
	"unsafe"
)

const (
	internSlots = 1 << 12
	blockBytes  = 2 << 10
	// longText is the length from which a text gets an allocation of its own, so that
	// it can't keep a block of strangers alive, nor they it.
	longText = 256
)

// Strings turns bytes of a reading buffer into strings that outlive it, and gives
// the same string for the same bytes while it remembers them. It remembers a bounded
// number, by a keyed hash, and forgets an old one for a new one; a string that it
// doesn't remember is cut from a block of 2 KiB. The zero value is ready; it
// serves one goroutine.
type Strings struct {
	seed  maphash.Seed
	slots []string
	block []byte
}

// Of gives the bytes as a string.
func (s *Strings) Of(b []byte) string {
	switch {
	case len(b) == 0:
		return ""
	case len(b) >= longText:
		return string(b)
	}
	if s.slots == nil {
		s.seed = maphash.MakeSeed()
		s.slots = make([]string, internSlots)
	}
	slot := &s.slots[maphash.Bytes(s.seed, b)%internSlots]
	if *slot != string(b) {
		*slot = s.cut(b)
	}
	return *slot
}

// cut copies b into the current block and gives the copy as a string. Each octet of
// a block is written once, before its string is made, and never again: that is what
// makes the conversion sound.
func (s *Strings) cut(b []byte) string {
	if len(s.block)+len(b) > cap(s.block) {
		s.block = make([]byte, 0, blockBytes)
	}
	n := len(s.block)
	s.block = append(s.block, b...)
	return unsafe.String(&s.block[n], len(b))
}
