package unpack

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"tocsin/casebook"
)

const xzMagic = "\xfd7zXZ\x00"

// xzReader reads the .xz file format (version 1.2.0) around the LZMA2 data that
// lzma2 reads. A block's header asks for a dictionary of up to 4 GiB; a stranger must
// not decide that.
type xzReader struct {
	r      *bufio.Reader
	n      int64 // octets read of the stream, for its padding to four
	check  byte
	sum    hash.Hash // nil if the check is none
	block  io.Reader // nil between blocks
	blocks uint64
	begun  bool
	err    error // what ended the reading
}

var errXZ = errors.New("not as the format says")

func newXZReader(r *bufio.Reader) io.Reader { return &xzReader{r: r} }

func (x *xzReader) ReadByte() (byte, error) {
	b, err := x.r.ReadByte()
	if err == nil {
		x.n++
	}
	return b, err
}

// compressed hands the LZMA2 reader the stream, counted.
type compressed struct{ *xzReader }

func (c compressed) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (x *xzReader) Read(p []byte) (int, error) {
	for {
		if x.err != nil {
			return 0, x.err
		}
		if x.block == nil {
			x.err = x.next()
			continue
		}
		n, err := x.block.Read(p)
		if x.sum != nil {
			x.sum.Write(p[:n])
		}
		if err == io.EOF {
			x.block = nil
			err = x.endBlock()
		}
		if x.err = err; n > 0 {
			return n, err
		}
	}
}

// next reads on to the next block, or past the end of a stream; it gives io.EOF
// after the last one.
func (x *xzReader) next() error {
	if !x.begun {
		if err := x.startStream(); err != nil {
			return err
		}
	}
	size, err := x.ReadByte()
	if err != nil {
		return cut(err)
	}
	if size != 0 {
		return x.startBlock(size)
	}
	if err := x.endStream(); err != nil {
		return err
	}
	x.begun = false
	for { // padding between streams is groups of zeros
		head, err := x.r.Peek(1)
		if err != nil {
			return err
		}
		if head[0] != 0 {
			return nil
		}
		x.r.Discard(1)
	}
}

func (x *xzReader) startStream() error {
	head, err := x.take(12)
	if err != nil {
		return err
	}
	if string(head[:6]) != xzMagic || head[6] != 0 || crc32.ChecksumIEEE(head[6:8]) != binary.LittleEndian.Uint32(head[8:]) {
		return errXZ
	}
	switch x.check = head[7]; x.check {
	case 0:
		x.sum = nil
	case 1:
		x.sum = crc32.NewIEEE()
	case 4:
		x.sum = crc64.New(crc64.MakeTable(crc64.ECMA))
	case 10:
		x.sum = sha256.New()
	default:
		return fmt.Errorf("its check %d is unknown", x.check)
	}
	x.begun, x.blocks = true, 0
	return nil
}

// startBlock reads a block's header, of which the first octet is known.
func (x *xzReader) startBlock(size byte) error {
	rest, err := x.take(int(size)*4 + 3)
	if err != nil {
		return err
	}
	body, sum := rest[:len(rest)-4], binary.LittleEndian.Uint32(rest[len(rest)-4:])
	if crc32.Update(crc32.ChecksumIEEE([]byte{size}), crc32.IEEETable, body) != sum {
		return errXZ
	}
	r := bytes.NewReader(body)
	flags, _ := r.ReadByte()
	for _, bit := range []byte{0x40, 0x80} { // the sizes, which we count ourselves
		if flags&bit != 0 {
			binary.ReadUvarint(r)
		}
	}
	filter := make([]byte, 3)
	if _, err := io.ReadFull(r, filter); err != nil || flags&0x3f != 0 || filter[0] != 0x21 || filter[1] != 1 {
		return errors.New("it uses a filter other than LZMA2")
	}
	capacity, ok := windowOf(filter[2])
	if !ok {
		return errXZ
	}
	if capacity > maxWindow {
		return fmt.Errorf("its dictionary of %d octets is over the bound of %d: %w", capacity, maxWindow, casebook.ErrTooLarge)
	}
	x.blocks++
	x.block = newLZMA2(compressed{x}, int(capacity))
	return nil
}

func (x *xzReader) endBlock() error {
	if err := x.pad(); err != nil || x.sum == nil {
		return err
	}
	want, err := x.take(x.sum.Size())
	if err != nil {
		return err
	}
	got := x.sum.Sum(nil)
	x.sum.Reset()
	if x.check != 10 { // the two CRCs are stored little-endian
		for i, j := 0, len(got)-1; i < j; i, j = i+1, j-1 {
			got[i], got[j] = got[j], got[i]
		}
	}
	if !bytes.Equal(got, want) {
		return errors.New("its checksum differs")
	}
	return nil
}

// endStream reads the index and the footer, of which only the count of blocks
// tells something that the blocks haven't.
func (x *xzReader) endStream() error {
	count, err := binary.ReadUvarint(x)
	if err != nil {
		return cut(err)
	}
	if count != x.blocks {
		return errXZ
	}
	for range 2 * count {
		if _, err := binary.ReadUvarint(x); err != nil {
			return cut(err)
		}
	}
	if err := x.pad(); err != nil {
		return err
	}
	tail, err := x.take(4 + 12)
	if err == nil && string(tail[14:]) != "YZ" {
		err = errXZ
	}
	return err
}

func (x *xzReader) pad() error {
	for x.n%4 != 0 {
		b, err := x.ReadByte()
		if err != nil {
			return cut(err)
		}
		if b != 0 {
			return errXZ
		}
	}
	return nil
}

func (x *xzReader) take(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(compressed{x}, b); err != nil {
		return nil, cut(err)
	}
	return b, nil
}

// cut turns an end of file inside the data into the fault it is.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// windowOf decodes the size of a dictionary, in octets.
func windowOf(bits byte) (int64, bool) {
	switch {
	case bits > 40:
		return 0, false
	case bits == 40:
		return 1<<32 - 1, true
	}
	return int64(2|bits&1) << (bits/2 + 11), true
}
