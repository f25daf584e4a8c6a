package indicator

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	digests "hash"
	"io"
	"maps"
	"net/netip"
	"slices"
	"unsafe"

	"tocsin/casebook"
)

// A compiled base is its tables as they lie in memory, behind the key of what they
// were made of and before the SHA-256 of it all. It is a cache: only the program
// that wrote it, on the same kind of machine, can read it, which is why the key
// names the program too. The digest notices damage. It doesn't notice a forger, who
// would have to write where only the user of the program may.
const compiledMagic = "tocsin compiled indicators\n"

// Key names what a compiled base was made of: a digest over the program and every
// list.
type Key [sha256.Size]byte

// Compile keeps the base under a key.
func (b *Base) Compile(w io.Writer, key Key) error {
	buffered := bufio.NewWriterSize(w, 1<<20)
	p := &packer{w: buffered, digest: sha256.New()}
	p.write([]byte(compiledMagic))
	p.write(key[:])
	p.set(b.Set)
	p.set(b.Warnings.names)
	p.set(b.Warnings.below)
	putStrings(p, b.Warnings.lists, func(l WarningList) { put(p, []int64{int64(l.Reach), l.Rows}) })
	putStrings(p, b.Families.names, func(name string) { put(p, []byte(name)) })
	put(p, []int64{int64(b.Families.Clusters()), int64(len(b.Lists))})
	for _, l := range b.Lists {
		put(p, []byte(l.Name))
		put(p, []byte(l.Format))
		put(p, []int64{l.Rows, l.Taken, l.Refused})
	}
	_, err := buffered.Write(p.digest.Sum(nil))
	return errors.Join(p.err, err, buffered.Flush())
}

// ReadBase reads what Compile kept under the key, a file of so many octets. It gives
// ErrNotFound for anything else: another key, another file, a damaged one.
func ReadBase(r io.Reader, size int64, key Key) (*Base, error) {
	u := &unpacker{r: r, left: size, digest: sha256.New()}
	if head := u.read(len(compiledMagic) + len(key)); !bytes.Equal(head, append([]byte(compiledMagic), key[:]...)) {
		return nil, fmt.Errorf("compiled indicators: not of these lists: %w", casebook.ErrNotFound)
	}
	b := &Base{Set: u.set(), Warnings: &Warnings{names: u.set(), below: u.set(), lists: map[string]WarningList{}}, Families: &Families{names: map[string]string{}}}
	for _, name := range u.names() {
		n := u.numbers(2)
		b.Warnings.lists[name] = WarningList{Name: name, Reach: Reach(n[0]), Rows: n[1]}
	}
	for _, name := range u.names() {
		b.Families.names[name] = string(get[byte](u))
	}
	n := u.numbers(2)
	b.Families.known = int(n[0])
	for i := int64(0); i < n[1] && u.err == nil; i++ {
		l := List{Name: string(get[byte](u)), Format: string(get[byte](u))}
		n := u.numbers(3)
		l.Rows, l.Taken, l.Refused = n[0], n[1], n[2]
		b.Lists = append(b.Lists, l)
	}
	want := u.digest.Sum(nil)
	if got := u.read(len(want)); u.err != nil || !bytes.Equal(got, want) {
		return nil, fmt.Errorf("compiled indicators: damaged: %w", casebook.ErrNotFound)
	}
	return b, nil
}

// packer writes slices, each behind its length.
type packer struct {
	w      io.Writer
	digest digests.Hash
	err    error
}

func (p *packer) write(b []byte) {
	if p.err == nil {
		p.digest.Write(b)
		_, p.err = p.w.Write(b)
	}
}

// flat is what may be written as it lies: no pointers.
type flat interface {
	byte | int64 | uint64 | quad | portRef | slot | fact | link | prefixRef | addrRef
}

// prefixRef and addrRef are rows of the two tables that don't lie flat.
type prefixRef struct {
	addr [16]byte
	bits uint32 // of IPv4 counted from its own beginning
	four uint32 // 1 for IPv4
	ref  uint32
}

type addrRef struct {
	addr [16]byte
	ref  uint32
}

// octetsOf shows a slice as the octets it lies in.
func octetsOf[T flat](s []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(*new(T))))
}

func put[T flat](p *packer, s []T) {
	p.write(octetsOf([]uint64{uint64(len(s))}))
	p.write(octetsOf(s))
}

// putStrings writes a map's keys in their order, then what each stands for.
func putStrings[V any](p *packer, m map[string]V, value func(V)) {
	names := slices.Sorted(maps.Keys(m))
	put(p, []int64{int64(len(names))})
	for _, name := range names {
		put(p, []byte(name))
	}
	for _, name := range names {
		value(m[name])
	}
}

func (p *packer) set(s *Set) {
	if s == nil {
		put(p, []int64{0})
		return
	}
	put(p, []int64{1})
	a := &s.addresses
	put(p, a.v4)
	put(p, a.ports)
	put(p, []int64{int64(a.n4), int64(a.shift)})
	var six []addrRef
	for addr, ref := range a.v6 {
		six = append(six, addrRef{addr.As16(), ref})
	}
	put(p, six)
	var prefixes []prefixRef
	for at, ref := range a.prefixes.All() {
		row := prefixRef{addr: at.Addr().As16(), bits: uint32(at.Bits()), ref: ref}
		if at.Addr().Is4() {
			row.four = 1
		}
		prefixes = append(prefixes, row)
	}
	put(p, prefixes)
	for _, t := range []*texts{&s.names, &s.others} {
		put(p, []uint64{t.key, uint64(t.n), uint64(t.shift), uint64(len(t.blocks))})
		for _, block := range t.blocks {
			put(p, block)
		}
		put(p, t.slots)
		put(p, t.filter)
	}
	put(p, s.facts)
	put(p, s.links)
	put(p, []int64{int64(len(s.words)), s.stats.Rows, s.stats.Repeated})
	for _, word := range s.words {
		put(p, []byte(word))
	}
	put(p, s.stats.Values[:])
}

// unpacker reads what a packer wrote. After a fault it gives nothing more.
type unpacker struct {
	r      io.Reader
	left   int64 // octets of the file
	digest digests.Hash
	err    error
}

// read gives n octets.
func (u *unpacker) read(n int) []byte {
	b := make([]byte, n)
	u.fill(b)
	return b
}

func (u *unpacker) fill(b []byte) {
	if u.err == nil {
		_, u.err = io.ReadFull(u.r, b)
		u.digest.Write(b)
		u.left -= int64(len(b))
	}
}

func get[T flat](u *unpacker) []T {
	var n [1]uint64
	u.fill(octetsOf(n[:]))
	if u.err == nil && n[0] > uint64(u.left)/uint64(unsafe.Sizeof(*new(T))) {
		u.err = io.ErrUnexpectedEOF // a damaged length asks for no room
	}
	if u.err != nil || n[0] == 0 {
		return nil
	}
	s := make([]T, n[0])
	u.fill(octetsOf(s))
	return s
}

// numbers gives n numbers, zeros after a fault.
func (u *unpacker) numbers(n int) []int64 {
	if got := get[int64](u); u.err == nil && len(got) == n {
		return got
	}
	u.err = io.ErrUnexpectedEOF
	return make([]int64, n)
}

func (u *unpacker) names() (names []string) {
	for left := u.numbers(1)[0]; left > 0 && u.err == nil; left-- {
		names = append(names, string(get[byte](u)))
	}
	return names
}

func (u *unpacker) set() *Set {
	if u.numbers(1)[0] == 0 {
		return nil
	}
	s := &Set{}
	a := &s.addresses
	a.v4, a.ports = get[quad](u), get[portRef](u)
	n := u.numbers(2)
	a.n4, a.shift = int(n[0]), uint8(n[1])
	a.v6 = map[netip.Addr]uint32{}
	for _, row := range get[addrRef](u) {
		a.v6[netip.AddrFrom16(row.addr)] = row.ref
	}
	for _, row := range get[prefixRef](u) {
		addr := netip.AddrFrom16(row.addr)
		if row.four == 1 {
			addr = addr.Unmap()
		}
		a.lengths[1-row.four&1] = true
		a.prefixes.Insert(netip.PrefixFrom(addr, int(row.bits)), row.ref)
	}
	for _, t := range []*texts{&s.names, &s.others} {
		n := get[uint64](u)
		if len(n) != 4 {
			u.err = io.ErrUnexpectedEOF
			return s
		}
		t.key, t.n, t.shift = n[0], int(n[1]), uint8(n[2])
		for left := n[3]; left > 0 && u.err == nil; left-- {
			t.blocks = append(t.blocks, get[byte](u))
		}
		t.slots, t.filter = get[slot](u), get[uint64](u)
	}
	s.facts, s.links = get[fact](u), get[link](u)
	n = u.numbers(3)
	s.stats.Rows, s.stats.Repeated = n[1], n[2]
	for left := n[0]; left > 0 && u.err == nil; left-- {
		s.words = append(s.words, string(get[byte](u)))
	}
	copy(s.stats.Values[:], get[int64](u))
	return s
}
