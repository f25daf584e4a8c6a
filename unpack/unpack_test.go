package unpack_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"tocsin/unpack"
)

// packed gives a text in each compression that is told by its content.
func packed(t testing.TB, text string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{"": []byte(text)}
	for how, open := range map[string]func(io.Writer) (io.WriteCloser, error){
		"gzip": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
		"xz":   func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) },
		"zstd": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) },
	} {
		var b bytes.Buffer
		w, err := open(&b)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, text)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		all[how] = b.Bytes()
	}
	return all
}

func TestOpen(t *testing.T) {
	text := strings.Repeat("192.0.2.7 called 198.51.100.9\n", 5000)
	for how, data := range packed(t, text) {
		in, told, err := unpack.Open(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%q: %v", how, err)
		}
		got, err := io.ReadAll(in)
		if told != how || string(got) != text || err != nil {
			t.Errorf("%q: told %q, %d octets, %v", how, told, len(got), err)
		}
		in.Close()
	}
}

// TestCut reads data that breaks off: it must say so, and not end as if it were whole.
func TestCut(t *testing.T) {
	for how, data := range packed(t, strings.Repeat("192.0.2.7 ", 5000)) {
		for _, n := range []int{7, len(data) / 2, len(data) - 1} {
			in, _, err := unpack.Open(bytes.NewReader(data[:n]))
			if err == nil {
				_, err = io.ReadAll(in)
			}
			if (err == nil) != (how == "") {
				t.Errorf("%q cut to %d of %d octets: error %v", how, n, len(data), err)
			}
		}
	}
	if in, how, err := unpack.Open(strings.NewReader("")); err != nil || how != "" {
		t.Errorf("nothing: %v %q %v", in, how, err)
	}
	broken := errors.New("the disk is gone")
	if _, _, err := unpack.Open(io.MultiReader(failing{broken})); !errors.Is(err, broken) {
		t.Errorf("got %v, want the reader's own error", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzOpen(f *testing.F) {
	for _, data := range packed(f, "192.0.2.7 called 198.51.100.9\n") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in, _, err := unpack.Open(bytes.NewReader(data))
		if err != nil {
			return
		}
		defer in.Close()
		io.Copy(io.Discard, io.LimitReader(in, 1<<20))
	})
}
