package attribute

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// number is an address of one family that compares and counts.
type number[A any] interface {
	comparable
	before(A) bool
	minus(A) A
	next() A     // the lowest address after the highest
	top() uint32 // the highest 16 bits
	addr() netip.Addr
}

func compare[A number[A]](a, b A) int {
	switch {
	case a.before(b):
		return -1
	case b.before(a):
		return 1
	}
	return 0
}

// narrow is an IPv4 address as a number.
type narrow uint32

func narrowOf(a netip.Addr) narrow {
	o := a.As4()
	return narrow(binary.BigEndian.Uint32(o[:]))
}

func (a narrow) before(b narrow) bool  { return a < b }
func (a narrow) minus(b narrow) narrow { return a - b }
func (a narrow) next() narrow          { return a + 1 }
func (a narrow) top() uint32           { return uint32(a) >> 16 }

func (a narrow) addr() netip.Addr {
	var o [4]byte
	binary.BigEndian.PutUint32(o[:], uint32(a))
	return netip.AddrFrom4(o)
}

// last gives the highest address of the prefix of that many bits.
func (a narrow) last(prefix int) narrow { return a | (1<<(32-prefix) - 1) }

// wide is an IPv6 address as a number.
type wide struct{ hi, lo uint64 }

func wideOf(a netip.Addr) wide {
	o := a.As16()
	return wide{binary.BigEndian.Uint64(o[:8]), binary.BigEndian.Uint64(o[8:])}
}

func (a wide) before(b wide) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

func (a wide) minus(b wide) wide {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return wide{hi, lo}
}

func (a wide) next() wide {
	lo, carry := bits.Add64(a.lo, 1, 0)
	return wide{a.hi + carry, lo}
}

func (a wide) top() uint32 { return uint32(a.hi >> 48) }

func (a wide) addr() netip.Addr {
	var o [16]byte
	binary.BigEndian.PutUint64(o[:8], a.hi)
	binary.BigEndian.PutUint64(o[8:], a.lo)
	return netip.AddrFrom16(o)
}

// last gives the highest address of the prefix of that many bits.
func (a wide) last(prefix int) wide {
	if prefix < 64 {
		return wide{a.hi | (1<<(64-prefix) - 1), ^uint64(0)}
	}
	return wide{a.hi, a.lo | (1<<(128-prefix) - 1)}
}
