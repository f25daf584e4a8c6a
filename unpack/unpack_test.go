package unpack

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"golang.org/x/text/encoding/unicode"

	"tocsin/casebook"
)

func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func xzed(t testing.TB, text []byte, check byte, blockSize int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := xz.WriterConfig{CheckSum: check, BlockSize: blockSize, DictCap: 1 << 16}.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstded(t testing.TB, text []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(text, nil)
}

func zipped(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(text)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpackAll(body io.Reader, maxBytes int64) ([]byte, error) {
	return unpackTo(body, Bounds{MaxBytes: maxBytes})
}

func unpackTo(body io.Reader, b Bounds) ([]byte, error) {
	u, err := Open(body, b)
	if err != nil {
		return nil, err
	}
	defer u.Close()
	text, err := Text(u)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(text)
}

func TestADeliveryIsUnpackedByItsContent(t *testing.T) {
	var b strings.Builder
	for i := range 8_000 {
		fmt.Fprintf(&b, "row %d, %x\n", i, i*i)
	}
	text := []byte(b.String())
	utf16, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().Bytes(text)
	if err != nil {
		t.Fatal(err)
	}
	half := len(text) / 2
	cases := map[string][]byte{
		"plain":                text,
		"a byte order mark":    append([]byte("\xef\xbb\xbf"), text...),
		"UTF-16":               utf16,
		"gzip":                 gzipped(t, text),
		"two gzip members":     append(gzipped(t, text[:half]), gzipped(t, text[half:])...),
		"zstd":                 zstded(t, text),
		"zip":                  zipped(t, map[string][]byte{"a.csv": text, "folder/": nil, "__MACOSX/a": text}),
		"xz with CRC-64":       xzed(t, text, xz.CRC64, 1<<40),
		"xz with CRC-32":       xzed(t, text, xz.CRC32, 1<<40),
		"xz with SHA-256":      xzed(t, text, xz.SHA256, 1<<40),
		"xz of several blocks": xzed(t, text, xz.CRC64, 10_000),
		"two xz streams":       append(append(xzed(t, text[:half], xz.CRC64, 1<<40), 0, 0, 0, 0), xzed(t, text[half:], xz.CRC32, 1<<40)...),
	}
	for name, packed := range cases {
		got, err := unpackAll(bytes.NewReader(packed), 0)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: got %d octets and %v, want %d", name, len(got), err, len(text))
		}
	}
}

func TestEmptyDeliveriesUnpackToNothing(t *testing.T) {
	for name, packed := range map[string][]byte{"plain": nil, "gzip": gzipped(t, nil), "zstd": zstded(t, nil), "xz": xzed(t, nil, xz.CRC64, 1<<40), "one octet": {'a'}} {
		got, err := unpackAll(bytes.NewReader(packed), 0)
		if err != nil || len(got) > 1 {
			t.Errorf("%s: %x: got %q, %v", name, packed, got, err)
		}
	}
}

func TestBrokenCompressionIsTheDeliverysFault(t *testing.T) {
	text := bytes.Repeat([]byte("one,two,three\n"), 5000)
	whole := map[string][]byte{
		"gzip": gzipped(t, text), "zstd": zstded(t, text), "xz": xzed(t, text, xz.CRC64, 20_000),
		"zip": zipped(t, map[string][]byte{"a.csv": text}),
	}
	for name, packed := range whole {
		cases := map[string][]byte{"cut": packed[:len(packed)*3/4], "spoiled": bytes.Clone(packed), "beginning only": packed[:8]}
		cases["spoiled"][len(packed)/2] ^= 0x40
		for what, broken := range cases {
			_, err := unpackAll(bytes.NewReader(broken), 0)
			if !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s %s: got %v, want a sentence about %s that wraps ErrInvalid", name, what, err, name)
			}
		}
	}
}

func TestNoFlippedOctetOfAnXZGivesOtherText(t *testing.T) {
	text := []byte(strings.Repeat("one,two,three\n", 50))
	packed := xzed(t, text, xz.CRC64, 300)
	noticed := 0
	for i := len(xzMagic); i < len(packed); i++ {
		broken := bytes.Clone(packed)
		broken[i] ^= 0x10
		got, err := unpackAll(bytes.NewReader(broken), 0)
		if err != nil {
			noticed++
		} else if !bytes.Equal(got, text) {
			t.Errorf("octet %d of %d: other text and no error", i, len(packed))
		}
	}
	// What isn't noticed are lengths that other octets tell too.
	if noticed < len(packed)*3/4 {
		t.Errorf("%d of %d noticed", noticed, len(packed))
	}
}

func TestAFaultOfTheBodyIsNotTheDeliverys(t *testing.T) {
	down := errors.New("connection reset")
	packed := gzipped(t, bytes.Repeat([]byte("one,two\n"), 50_000))
	for name, begin := range map[string][]byte{"plain": []byte("a,b\n"), "gzip": packed[:len(packed)-20]} {
		_, err := unpackAll(io.MultiReader(bytes.NewReader(begin), iotest.ErrReader(down)), 0)
		if !errors.Is(err, down) || errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("%s: got %v, want what the body said", name, err)
		}
	}
}

func TestBoundsEndTheReading(t *testing.T) {
	zeros := make([]byte, 2<<20)
	cases := []struct {
		name     string
		packed   []byte
		maxBytes int64
		says     string
	}{
		{"over the bound", []byte("0123456789"), 9, "more than 9 octets"},
		{"over the bound, packed", gzipped(t, zeros[:2000]), 1999, "more than 1999 octets"},
		{"a gzip bomb", gzipped(t, zeros), 0, "200 times its size"},
		{"a zstd bomb", zstded(t, zeros), 0, "200 times its size"},
		{"a zip bomb", zipped(t, map[string][]byte{"a": zeros}), 0, "200 times its size"},
		{"an xz that asks for a dictionary of 4 GiB", greedyXZ(), 0, "dictionary"},
		{"a zip with a huge directory", hugeZip(t), 0, "directory"},
	}
	for _, tc := range cases {
		_, err := unpackTo(bytes.NewReader(tc.packed), Bounds{tc.maxBytes, 1 << 20})
		if !errors.Is(err, casebook.ErrTooLarge) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: got %v, want ErrTooLarge that says %q", tc.name, err, tc.says)
		}
	}
	if got, err := unpackAll(bytes.NewReader(gzipped(t, zeros)), 0); err != nil || len(got) != len(zeros) {
		t.Errorf("a small bomb: got %d octets, %v, want it unpacked", len(got), err)
	}
	if got, err := unpackAll(strings.NewReader("0123456789"), 10); err != nil || len(got) != 10 {
		t.Errorf("at the bound: got %q, %v", got, err)
	}
}

// greedyXZ is a stream header, and the header of a block whose dictionary has
// the largest size that there is.
func greedyXZ() []byte {
	flags := []byte{0, 4}
	b := append([]byte(xzMagic), flags...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(flags))
	block := []byte{2, 0, 0x21, 1, 40, 0, 0, 0}
	b = append(b, block...)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(block))
}

func hugeZip(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range 10_000 {
		if _, err := z.CreateRaw(&zip.FileHeader{Name: fmt.Sprintf("%0100d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAZipNeedsAFileAndHoldsOne(t *testing.T) {
	two := zipped(t, map[string][]byte{"a": nil, "b": nil})
	if _, err := unpackAll(bytes.NewReader(two), 0); !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(err.Error(), "2 files") {
		t.Errorf("two files: got %v", err)
	}
	one := zipped(t, map[string][]byte{"a": []byte("x")})
	if _, err := unpackAll(io.MultiReader(bytes.NewReader(one)), 0); !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(err.Error(), "not from a stream") {
		t.Errorf("a stream: got %v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	text := []byte("a,b\nc,d\n")
	for _, seed := range [][]byte{text, gzipped(f, text), xzed(f, text, xz.CRC64, 1<<40), zstded(f, text), zipped(f, map[string][]byte{"a": text}), greedyXZ()} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		const most = 1 << 20
		got, err := unpackAll(bytes.NewReader(packed), most)
		if err == nil && len(got) > 2*most { // UTF-16 may grow by half
			t.Errorf("got %d octets, the bound is %d", len(got), most)
		}
		if err != nil && !errors.Is(err, casebook.ErrInvalid) && !errors.Is(err, casebook.ErrTooLarge) {
			t.Errorf("got %v, want a fault of the delivery", err)
		}
	})
}
