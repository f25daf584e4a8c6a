package unpack

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// corpora are texts of different kinds: what repeats near, far, hardly, not at all.
func corpora() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 150_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var rows strings.Builder
	for i := range 15_000 {
		rows.WriteString("192.0.2." + strings.Repeat("7", i%3) + "\thost" + string(rune('a'+r.IntN(26))) + ".example\n")
	}
	far := append(append(append([]byte(nil), noise...), bytes.Repeat([]byte{0}, 2<<20)...), noise...)
	return map[string][]byte{"nothing": nil, "one": {7}, "zeros": make([]byte, 3<<20), "noise": noise, "rows": []byte(rows.String()), "far": far, "short": []byte("abcabcabcabcabd")}
}

// TestLZMA2 unpacks what another program packed, with each of the properties that the
// format has.
func TestLZMA2(t *testing.T) {
	for name, text := range corpora() {
		for _, p := range []lzma.Properties{{LC: 3, LP: 0, PB: 2}, {LC: 0, LP: 0, PB: 0}, {LC: 4, LP: 0, PB: 4}, {LC: 0, LP: 4, PB: 1}, {LC: 1, LP: 2, PB: 3}} {
			for _, window := range []int{1 << 16, 8 << 20} {
				if len(text) > 2<<20 && p.LC != 3 {
					continue // packing takes its time
				}
				var packed bytes.Buffer
				w, err := xz.WriterConfig{Properties: &p, DictCap: window}.NewWriter(&packed)
				if err != nil {
					t.Fatal(err)
				}
				w.Write(text)
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(newXZReader(bufio.NewReader(&packed)))
				if err != nil || !bytes.Equal(got, text) {
					t.Errorf("%s, %+v, window %d: %d octets of %d, %v", name, p, window, len(got), len(text), err)
				}
			}
		}
	}
}

// FuzzLZMA2 unpacks what strangers changed: no panic, and where it finds nothing
// wrong, the text that another program gives too.
func FuzzLZMA2(f *testing.F) {
	for name, text := range corpora() {
		if name == "zeros" || name == "far" {
			text = text[:min(len(text), 100_000)]
		}
		var packed bytes.Buffer
		w, err := lzma.Writer2Config{DictCap: 1 << 16}.NewWriter2(&packed)
		if err != nil {
			f.Fatal(err)
		}
		w.Write(text)
		w.Close()
		f.Add(packed.Bytes()[:min(packed.Len(), 4000)])
		f.Add(packed.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 8 << 20
		ours, err := io.ReadAll(io.LimitReader(newLZMA2(bytes.NewReader(data), 1<<16), most))
		if err != nil || len(ours) == most {
			return
		}
		other, err := lzma.Reader2Config{DictCap: 1 << 16}.NewReader2(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("another program refuses: %v", err)
		}
		theirs, err := io.ReadAll(io.LimitReader(other, most))
		if err == nil && !bytes.Equal(ours, theirs) {
			t.Fatalf("%d octets, another program gives %d", len(ours), len(theirs))
		}
	})
}

func BenchmarkLZMA2(b *testing.B) {
	text := corpora()["rows"]
	var packed bytes.Buffer
	w, err := xz.NewWriter(&packed)
	if err != nil {
		b.Fatal(err)
	}
	w.Write(text)
	w.Close()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		io.Copy(io.Discard, newXZReader(bufio.NewReader(bytes.NewReader(packed.Bytes()))))
	}
}
