// Package unpack opens compressed data, told by its content: gzip, xz, zstd. It
// bounds what a stranger's header may make us reserve, and leaves it to the caller
// to bound how much comes out, and to say whose fault broken data is.
package unpack

import (
	"bufio"
	"bytes"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// MaxWindow bounds, in octets, what compressed data may make us keep to look back.
const MaxWindow = 128 << 20

// Open looks at the first octets of r and gives what is in it, as it is if it isn't
// compressed; how is "gzip", "xz", "zstd" or "". Compression inside compression is
// left as it is. Reading gives the decompressor's own errors; ErrTooLarge is for a
// window over MaxWindow. Close frees the decompressor and leaves r open.
func Open(r io.Reader) (in io.ReadCloser, how string, err error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(6)
	if err != nil && err != io.EOF {
		return nil, "", err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(b)
		return z, "gzip", cut(err)
	case bytes.HasPrefix(head, []byte(XZMagic)):
		return io.NopCloser(XZ(b)), "xz", nil
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(MaxWindow))
		if err != nil {
			return nil, "zstd", err
		}
		return z.IOReadCloser(), "zstd", nil
	}
	return io.NopCloser(b), "", nil
}
