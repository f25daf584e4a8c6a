// Package unpack gives the plain bytes of a delivery, whatever it was packed with:
// gzip, xz or zstd, or a zip that holds one file, told by the content and bounded
// against bombs. It leaves what the bytes mean to feed and capture.
package unpack

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"

	"tocsin/casebook"
)

const (
	defaultMaxBytes = 8 << 30
	// maxWindow bounds what a compressed delivery may make us keep to look back.
	maxWindow = 128 << 20
	// A delivery that grows more than maxRatio times is a bomb, unless it stays
	// below a size: gzip of real tables reaches about 20, of the most
	// monotonous ones 100.
	maxRatio         = 200
	defaultFreeBytes = 64 << 20
	// maxDirectory bounds what is read to find the one file in a zip.
	maxDirectory = 1 << 20
)

// Bounds are what a delivery may not pass.
type Bounds struct {
	// MaxBytes bounds the unpacked octets; 0 means 8 GiB, and less no bound.
	MaxBytes int64
	// FreeBytes is up to how many octets it may grow, however small it was packed;
	// 0 means 64 MiB. From there on it is a bomb if it has more than 200 times its
	// packed size.
	FreeBytes int64
}

// Open looks at the first octets of body and gives what is packed in it, or body
// as it is. A zip needs a body that is also interface{ io.ReaderAt; Size() int64 }.
// It gives ErrInvalid for packed data that is broken, ErrTooLarge past the bounds,
// and an error of body wrapped, as Read does too.
func Open(body io.Reader, b Bounds) (*Reader, error) {
	if body == nil {
		return nil, fmt.Errorf("no body: %w", casebook.ErrInvalid)
	}
	u := &Reader{body: &counter{r: body}, max: b.MaxBytes, free: b.FreeBytes}
	if u.max == 0 {
		u.max = defaultMaxBytes
	}
	if u.max < 0 {
		u.max = math.MaxInt64
	}
	if u.free <= 0 {
		u.free = defaultFreeBytes
	}
	if err := u.open(body); err != nil {
		u.Close()
		return nil, err
	}
	return u, nil
}

// Text drops a byte order mark from a text, and turns UTF-16 that has one into
// UTF-8.
func Text(r io.Reader) (io.Reader, error) {
	head := make([]byte, 3)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	head = head[:n]
	all := io.MultiReader(bytes.NewReader(head), r)
	switch {
	case bytes.Equal(head, []byte("\xef\xbb\xbf")):
		return r, nil
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Reader(all), nil
	}
	return all, nil
}

// Reader is what comes out of the packing. It keeps the bounds, and its errors say
// whose fault they are.
type Reader struct {
	r    io.Reader
	how  string // "gzip", …; "" as it came
	body *counter
	n    int64
	max  int64
	free int64
	done []func()
}

// Packing is what the delivery was packed with: "gzip", "xz", "zstd", "zip", or ""
// for one that came as it is.
func (u *Reader) Packing() string { return u.how }

// Close frees what the unpacking holds. It doesn't close the body.
func (u *Reader) Close() error {
	for _, f := range u.done {
		f()
	}
	u.done = nil
	return nil
}

func (u *Reader) open(body io.Reader) error {
	r := bufio.NewReaderSize(u.body, 64<<10)
	head, err := r.Peek(6)
	if err != nil && err != io.EOF {
		return u.blame(err)
	}
	err = nil
	starts := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case starts("\x1f\x8b"):
		u.how = "gzip"
		u.r, err = gzip.NewReader(r)
	case starts(xzMagic):
		u.how = "xz"
		u.r = newXZReader(r)
	case starts("\x28\xb5\x2f\xfd"):
		u.how = "zstd"
		var z *zstd.Decoder
		z, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err == nil {
			u.r = z
			u.done = append(u.done, z.Close)
		}
	case starts("PK\x03\x04"), starts("PK\x05\x06"):
		u.how = "zip"
		err = u.unzip(body)
	default:
		u.r = r
	}
	return u.blame(err)
}

// unzip opens the one file that a zip holds.
func (u *Reader) unzip(body io.Reader) error {
	file, ok := body.(interface {
		io.ReaderAt
		Size() int64
	})
	if !ok {
		return fmt.Errorf("a zip can be read from a file only, not from a stream: unpack it first: %w", casebook.ErrInvalid)
	}
	u.body = &counter{at: file, left: maxDirectory}
	z, err := zip.NewReader(u.body, file.Size())
	if err != nil {
		return err
	}
	u.body.left = -1
	var found []*zip.File
	for _, f := range z.File {
		if !f.FileInfo().IsDir() && !strings.HasPrefix(f.Name, "__MACOSX/") {
			found = append(found, f)
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("the zip holds %d files, expected one: unpack it and give each file for itself: %w", len(found), casebook.ErrInvalid)
	}
	r, err := found[0].Open()
	if err != nil {
		return err
	}
	u.done = append(u.done, func() { r.Close() })
	u.r = r
	return nil
}

// Read gives the next octets of text. It gives ErrTooLarge past the bounds and
// ErrInvalid for compressed data that is broken.
func (u *Reader) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.n += int64(n)
	switch {
	case u.n > u.max:
		return n, fmt.Errorf("the delivery has more than %d octets once unpacked: %w", u.max, casebook.ErrTooLarge)
	case u.how != "" && u.n > u.free && u.n/maxRatio > u.body.n:
		return n, fmt.Errorf("the delivery unpacks to more than %d times its size, as no real table does; unpack it by hand if it is one: %w", maxRatio, casebook.ErrTooLarge)
	case err == io.EOF:
		return n, err
	}
	return n, u.blame(err)
}

// blame tells a fault of the bytes from one of the body that carries them.
func (u *Reader) blame(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, casebook.ErrTooLarge), errors.Is(err, casebook.ErrInvalid):
		return err
	case u.body.err != nil:
		return fmt.Errorf("reading the delivery: %w", u.body.err)
	}
	return fmt.Errorf("the %s data is broken or cut short after %d octets of text (%v): %w", u.how, u.n, err, casebook.ErrInvalid)
}

// counter counts what is read from a body and remembers its error.
type counter struct {
	r    io.Reader
	at   io.ReaderAt
	n    int64
	left int64 // of reads at an offset; -1 for no bound
	err  error
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

func (c *counter) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 { // the directory points before the file
		return 0, fmt.Errorf("the zip's directory points to offset %d: %w", off, casebook.ErrInvalid)
	}
	if c.left >= 0 {
		if c.left -= int64(len(p)); c.left < 0 {
			return 0, fmt.Errorf("the zip's directory has more than %d octets: %w", maxDirectory, casebook.ErrTooLarge)
		}
	}
	n, err := c.at.ReadAt(p, off)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}
