package intake

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/klauspost/compress/zstd"

	"tocsin/casebook"
)

// Vault keeps the bytes of deliveries, each content once, named by its SHA-256
// and packed with zstd unless it came packed. What Put returned without error
// stays, whatever happens to the machine.
type Vault struct {
	disk Disk
	max  int64
}

// A Disk is where a vault keeps its files: a folder of the machine, or in tests
// one that forgets what wasn't synced. Names are slash-separated and relative.
type Disk interface {
	// Create makes a new file for writing; it gives fs.ErrExist if it is there.
	Create(name string) (File, error)
	Open(name string) (ReadFile, error)
	// Rename moves a file in one step over what may be there.
	Rename(from, to string) error
	Remove(name string) error
	MkdirAll(name string) error
	// SyncDir makes the names of a folder last.
	SyncDir(name string) error
	List(dir string) ([]string, error)
}

// File is a file being written. Sync makes its bytes last.
type File interface {
	io.WriteCloser
	Sync() error
}

// ReadFile is a file being read, also out of order.
type ReadFile interface {
	io.ReadCloser
	io.ReaderAt
	Size() int64
}

// DefaultMaxBytes bounds one delivery as it comes through a door: 16 GiB.
const DefaultMaxBytes = 16 << 30

// NewVault gives a vault on a disk that takes deliveries of up to maxBytes; 0 is
// DefaultMaxBytes. Half-written files of an earlier life are removed.
func NewVault(disk Disk, maxBytes int64) (*Vault, error) {
	if maxBytes == 0 {
		maxBytes = DefaultMaxBytes
	}
	if err := disk.MkdirAll(incoming); err != nil {
		return nil, fmt.Errorf("delivery store: %w", err)
	}
	left, err := disk.List(incoming)
	if err != nil {
		return nil, fmt.Errorf("delivery store: %w", err)
	}
	for _, name := range left {
		if err := disk.Remove(path.Join(incoming, name)); err != nil {
			return nil, fmt.Errorf("delivery store: remove the half-written %s: %w", name, err)
		}
	}
	return &Vault{disk, maxBytes}, nil
}

const incoming = "incoming"

// ReadVault gives a vault only to read from: nothing on the disk is touched.
func ReadVault(disk Disk) *Vault { return &Vault{disk: disk} }

// Kept says what was put into a vault.
type Kept struct {
	Digest casebook.Digest // of the bytes as they came
	Bytes  int64
}

// Put keeps the bytes of r. When it returns without error they are on disk under
// their name. It gives ErrTooLarge past the vault's bound.
func (v *Vault) Put(ctx context.Context, r io.Reader) (Kept, error) {
	k, err := v.put(ctx, r)
	if full := errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT); full {
		return k, fmt.Errorf("keep the delivery: the disk is full: make room, then send it again: %w: %w", err, casebook.ErrUnavailable)
	}
	if err != nil {
		return k, fmt.Errorf("keep the delivery: %w", err)
	}
	return k, nil
}

func (v *Vault) put(ctx context.Context, r io.Reader) (Kept, error) {
	temporary := path.Join(incoming, casebook.NewID(now()).Text("in"))
	f, err := v.disk.Create(temporary)
	if err != nil {
		return Kept{}, err
	}
	k, packed, err := v.write(ctx, f, r)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return k, errors.Join(err, v.disk.Remove(temporary))
	}
	name := fileName(k.Digest, packed)
	if err = v.disk.MkdirAll(path.Dir(name)); err == nil {
		err = v.disk.Rename(temporary, name)
	}
	if err != nil {
		return k, errors.Join(err, v.disk.Remove(temporary))
	}
	// The folder may be as new as the file.
	for _, dir := range []string{path.Dir(name), "."} {
		if err := v.disk.SyncDir(dir); err != nil {
			return k, err
		}
	}
	return k, nil
}

// write copies a delivery into a file, packing it unless it is packed already.
func (v *Vault) write(ctx context.Context, f io.Writer, r io.Reader) (k Kept, packed bool, err error) {
	in := bufio.NewReaderSize(&counter{ctx: ctx, r: r, left: v.max}, 1<<18)
	head, err := in.Peek(6)
	if errors.Is(err, io.EOF) {
		err = nil // a short delivery
	}
	if err != nil {
		return k, false, err
	}
	sum := sha256.New()
	packed = isPacked(string(head))
	if packed {
		k.Bytes, err = copyHashed(f, in, sum)
	} else {
		z, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
		if err != nil {
			return k, false, err
		}
		n, err := copyHashed(z, in, sum)
		k.Bytes = n
		if err := errors.Join(err, z.Close()); err != nil {
			return k, packed, err
		}
	}
	copy(k.Digest[:], sum.Sum(nil))
	return k, packed, err
}

func copyHashed(w io.Writer, r io.Reader, sum hash.Hash) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(w, sum)}, struct{ io.Reader }{r}, make([]byte, 1<<18))
}

// isPacked knows gzip, xz, zstd and zip by their first octets.
func isPacked(head string) bool {
	for _, magic := range []string{"\x1f\x8b", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd", "PK\x03\x04"} {
		if strings.HasPrefix(head, magic) {
			return true
		}
	}
	return false
}

// fileName: what came packed is kept as it came, without an ending.
func fileName(d casebook.Digest, packed bool) string {
	text := d.String()
	if packed {
		return path.Join(text[:2], text)
	}
	return path.Join(text[:2], text+".zst")
}

// counter bounds a door and notices when the caller is gone.
type counter struct {
	ctx  context.Context
	r    io.Reader
	left int64
}

func (c *counter) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, fmt.Errorf("more bytes than a delivery may have: %w", casebook.ErrTooLarge)
	}
	return n, err
}

// Open gives the bytes of a delivery as they came. The reader is also an
// io.ReaderAt with a Size when the delivery came packed. It gives ErrNotFound
// when the vault doesn't have it.
func (v *Vault) Open(d casebook.Digest) (io.ReadCloser, error) {
	f, err := v.disk.Open(fileName(d, true))
	if err == nil {
		return f, nil
	}
	if f, err = v.disk.Open(fileName(d, false)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = casebook.ErrNotFound
		}
		return nil, fmt.Errorf("delivery with SHA-256 %s: %w", d, err)
	}
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(1<<23))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &unpacked{z, f}, nil
}

type unpacked struct {
	*zstd.Decoder
	file io.Closer
}

func (u *unpacked) Close() error {
	u.Decoder.Close()
	return u.file.Close()
}

// Find gives the name of the file that keeps a delivery's bytes. It gives
// ErrNotFound when there is none.
func Find(disk Disk, d casebook.Digest) (string, error) {
	for _, packed := range []bool{true, false} {
		name := fileName(d, packed)
		f, err := disk.Open(name)
		if err == nil {
			return name, f.Close()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("delivery with SHA-256 %s: %w", d, casebook.ErrNotFound)
}

// Verify reads a delivery whole and reports whether its bytes are still those
// that came. The error is ErrNotFound when they are gone, ErrConflict when they
// differ.
func (v *Vault) Verify(ctx context.Context, d casebook.Digest) error {
	r, err := v.Open(d)
	if err != nil {
		return err
	}
	defer r.Close()
	sum := sha256.New()
	_, err = copyHashed(io.Discard, &counter{ctx: ctx, r: r, left: 1 << 62}, sum)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if got := casebook.Digest(sum.Sum(nil)); err != nil || got != d {
		return fmt.Errorf("delivery with SHA-256 %s reads differently (%v): %w", d, cause(err, got), casebook.ErrConflict)
	}
	return nil
}

func cause(err error, got casebook.Digest) any {
	if err != nil {
		return err
	}
	return got
}
