package unpack

import (
	"encoding/binary"
	"errors"
	"io"
)

// lzma2 reads LZMA2 data, which .xz files hold (Pavlov's LZMA specification; the .xz
// format 1.2.0). It decodes chunk by chunk into one buffer in which matches are plain
// copies, in half the time of a general reader.
type lzma2 struct {
	in     io.Reader
	window int
	buf    []byte // what may be looked back at, and what was decoded
	read   int    // of buf, given out
	end    int    // of buf, decoded
	since  int64  // octets since the dictionary was reset
	begun  bool   // a dictionary and properties are there
	ready  bool
	err    error
	packed [1 << 16]byte
	coder  lzmaState
	ranges rangeDecoder
}

// maxChunk is the most that a chunk unpacks to.
const maxChunk = 1 << 21

var errLZMA = errors.New("its LZMA2 data is broken")

func newLZMA2(in io.Reader, window int) *lzma2 {
	return &lzma2{in: in, window: window}
}

// Read gives the next unpacked octets.
func (z *lzma2) Read(p []byte) (int, error) {
	for z.read == z.end {
		if z.err != nil {
			return 0, z.err
		}
		if z.err = z.chunk(); z.err != nil && z.err != io.EOF {
			z.end = z.read
		}
	}
	n := copy(p, z.buf[z.read:z.end])
	z.read += n
	return n, nil
}

// chunk reads one chunk; io.EOF is the end mark.
func (z *lzma2) chunk() error {
	var head [6]byte
	if _, err := io.ReadFull(z.in, head[:1]); err != nil {
		return cut(err)
	}
	control := head[0]
	switch {
	case control == 0:
		return io.EOF
	case control == 1 || control >= 0xe0:
		z.since, z.begun = 0, true
	case control < 0x80 && control > 2 || !z.begun:
		return errLZMA
	}
	if control < 0x80 {
		return z.plain(head[1:3])
	}
	rest := head[1:5]
	if control >= 0xc0 {
		rest = head[1:6]
	}
	if _, err := io.ReadFull(z.in, rest); err != nil {
		return cut(err)
	}
	size := int(control&0x1f)<<16 + int(binary.BigEndian.Uint16(rest)) + 1
	packed := z.packed[:int(binary.BigEndian.Uint16(rest[2:]))+1]
	switch {
	case control >= 0xc0:
		if !z.coder.properties(rest[4]) {
			return errLZMA
		}
		z.coder.reset()
		z.ready = true
	case !z.ready:
		return errLZMA
	case control >= 0xa0:
		z.coder.reset()
	}
	if _, err := io.ReadFull(z.in, packed); err != nil {
		return cut(err)
	}
	if !z.ranges.start(packed) {
		return errLZMA
	}
	z.room(size)
	if !z.coder.decode(z, size) || !z.ranges.done() {
		return errLZMA
	}
	z.end += size
	z.since += int64(size)
	return nil
}

// plain takes a chunk that isn't packed.
func (z *lzma2) plain(length []byte) error {
	if _, err := io.ReadFull(z.in, length); err != nil {
		return cut(err)
	}
	size := int(binary.BigEndian.Uint16(length)) + 1
	z.room(size)
	if _, err := io.ReadFull(z.in, z.buf[z.end:z.end+size]); err != nil {
		return cut(err)
	}
	z.end += size
	z.since += int64(size)
	return nil
}

// room makes place for n octets behind what is decoded, all of which was given out,
// and keeps what may be looked back at. The buffer grows with what comes, so that a
// header alone reserves nothing.
func (z *lzma2) room(n int) {
	if z.end+n <= len(z.buf) {
		return
	}
	if keep := min(z.window, z.end); z.end-keep >= keep || len(z.buf) >= z.window+maxChunk {
		copy(z.buf, z.buf[z.end-keep:z.end])
		z.read, z.end = keep, keep
	}
	if z.end+n > len(z.buf) {
		grown := make([]byte, min(max(2*len(z.buf), z.end+n), z.window+2*maxChunk))
		copy(grown, z.buf[:z.end])
		z.buf = grown
	}
}

// rangeDecoder gives bits of a range coder.
type rangeDecoder struct {
	in    []byte
	at    int
	width uint32
	code  uint32
	over  bool // it read past the end
}

func (r *rangeDecoder) start(in []byte) bool {
	if len(in) < 5 || in[0] != 0 {
		return false
	}
	*r = rangeDecoder{in: in, at: 5, width: 0xffffffff, code: binary.BigEndian.Uint32(in[1:])}
	return true
}

func (r *rangeDecoder) done() bool { return r.code == 0 && r.at == len(r.in) && !r.over }

const (
	probBits = 11
	probHalf = 1 << (probBits - 1)
	probMove = 5
	topWidth = 1 << 24
)

// refill widens the range by the next octet.
func (r *rangeDecoder) refill() {
	r.width <<= 8
	r.code <<= 8
	if r.at < len(r.in) {
		r.code |= uint32(r.in[r.at])
		r.at++
	} else {
		r.over = true
	}
}

// bit decodes one bit by its probability, and learns from it.
func (r *rangeDecoder) bit(p *uint16) uint32 {
	bound := (r.width >> probBits) * uint32(*p)
	if r.code < bound {
		r.width = bound
		*p += (1<<probBits - *p) >> probMove
		if r.width < topWidth {
			r.refill()
		}
		return 0
	}
	r.width -= bound
	r.code -= bound
	*p -= *p >> probMove
	if r.width < topWidth {
		r.refill()
	}
	return 1
}

// tree decodes as many bits as the tree is deep, the highest first.
func (r *rangeDecoder) tree(probs []uint16, deep uint) uint32 {
	m := uint32(1)
	for range deep {
		m = m<<1 | r.bit(&probs[m])
	}
	return m - 1<<deep
}

// backward decodes the lowest first.
func (r *rangeDecoder) backward(probs []uint16, deep uint) (n uint32) {
	m := uint32(1)
	for i := range deep {
		b := r.bit(&probs[m])
		m = m<<1 | b
		n |= b << i
	}
	return n
}

// direct decodes bits that are as likely one as the other.
func (r *rangeDecoder) direct(bits uint) (n uint32) {
	for range bits {
		r.width >>= 1
		b := uint32(0)
		if r.code >= r.width {
			r.code -= r.width
			b = 1
		}
		n = n<<1 | b
		if r.width < topWidth {
			r.refill()
		}
	}
	return n
}
