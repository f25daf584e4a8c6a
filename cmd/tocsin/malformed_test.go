//go:build !race

// The programs that this starts are built without the race detector, and what the
// test itself does is slow under it: ./test runs it without.

package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// maxMemory is what the program may need for a delivery, whatever is in it.
const maxMemory = 250 << 20

func gzipped(t *testing.T, parts ...io.Reader) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, io.MultiReader(parts...)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zipped(t *testing.T, parts ...io.Reader) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("event4_sinkhole.csv")
	if err == nil {
		_, err = io.Copy(w, io.MultiReader(parts...))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// repeated gives n octets, without holding them.
func repeated(b byte, n int64) io.Reader { return io.LimitReader(endless(b), n) }

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func utf16LE(text string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// TestMalformed gives the real program what a feed should never send. Each is
// taken as far as it makes sense and refused clearly beyond, in bounded memory.
func TestMalformed(t *testing.T) {
	good := sinkholeHeader + "\n" + sinkhole(0, 3)
	packed := gzipped(t, strings.NewReader(sinkholeHeader+"\n"+sinkhole(0, 20_000)))
	for _, c := range []struct {
		name, text string
		code       int
		rows       int64 // -1: some, but not all 20,000
		taken      int64 // -1: as many as rows
		refused    int64
		state      string
		told       string // in what load says of the file, or in a refused row
	}{
		{"a sound report", good, 0, 3, 3, 0, "folded", ""},
		{"a truncated gzip", packed[:len(packed)/2], 2, -1, -1, 0, "broken", "cut short"},
		{"a gzip that ends in its header", packed[:5], 2, 0, 0, 0, "unreadable", "gzip"},
		{"a gzip with a wrong checksum", packed[:len(packed)-6] + "ABCDEF", 2, 20_000, 20_000, 0, "broken", "gzip"},
		{"UTF-16", utf16LE(good), 0, 3, 3, 0, "folded", ""},
		{"UTF-16 without its mark", utf16LE(good)[2:], 2, 0, 0, 0, "unreadable", "header"},
		{"a byte order mark", "\ufeff" + good, 0, 3, 3, 0, "folded", ""},
		{"NUL octets in a row", good + sinkhole(3, 1)[:30] + "\x00" + sinkhole(3, 1)[30:] + sinkhole(4, 1), 0, 5, 4, 1, "folded", "NUL"},
		{"nothing but NUL octets", strings.Repeat("\x00", 1<<16), 2, 0, 0, 0, "unreadable", ""},
		{"an empty file", "", 2, 0, 0, 0, "unreadable", "header"},
		{"a line of 10 MB", good + strings.Repeat("x", 10<<20) + "\n" + sinkhole(3, 1), 0, 5, 4, 1, "folded", "1048576"},
		{"a line of 10 MB as header", strings.Repeat("x", 10<<20) + "\n" + sinkhole(3, 1), 2, 0, 0, 0, "unreadable", ""},
		{"a field of 10 MB in quotes", good + `"` + strings.Repeat("x", 10<<20) + `",1,2,3,4` + "\n" + sinkhole(3, 1), 0, 5, 4, 1, "folded", ""},
		{"a gzip bomb", gzipped(t, strings.NewReader(good), repeated('x', 1<<30)), 2, -1, -1, -1, "broken", "unpacks"},
		{"a gzip bomb of empty lines", gzipped(t, strings.NewReader(good), repeated('\n', 1<<30)), 2, 3, 3, 0, "broken", "unpacks"},
		{"a zip bomb", zipped(t, strings.NewReader(good), repeated('x', 1<<30)), 2, -1, -1, -1, "broken", "unpacks"},
		{"columns in another order", "\"infection\",\"src_port\",\"src_ip\",\"protocol\",\"timestamp\"\n\"examplebot\",1024,\"192.0.2.1\",\"tcp\",\"2026-03-14 00:00:01\"\n", 0, 1, 1, 0, "folded", ""},
		{"a column that was renamed", strings.Replace(good, "src_ip", "source_ip", 1), 2, 0, 0, 0, "unreadable", `"source_ip"`},
		{"a column that nobody knows", "\"mood\"," + strings.ReplaceAll(sinkholeHeader+"\n"+sinkhole(0, 1), "\n\"2026", "\n\"good\",\"2026"), 0, 1, 1, 0, "folded", ""},
		{"dirty rows", good + "\"2026-03-14 00:09:00\",\"tcp\"\n" + `"some day","tcp","192.0.2.9",1024,"examplebot"` + "\n" + `"2026-03-14 00:10:00","tcp","",1024,"examplebot"` + "\n" + sinkhole(3, 1), 0, 7, 4, 3, "folded", "timestamp"},
		{"a quote that is never closed", good + "\"2026-03-14 00:09:00\",\"tcp,\"192.0.2.9\",1,\"x\n" + sinkhole(3, 1), 0, 5, 4, 1, "folded", "the row has 4 fields"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "event4_sinkhole.csv"), c.text)
			e := measure(t, dir, "load", "--feed", "shadowserver", "--format", "json", "event4_sinkhole.csv")
			var got loaded
			if err := json.Unmarshal([]byte(e.out), &got); err != nil || e.code != c.code {
				t.Fatalf("exit %d, want %d (%v)\n%s%s", e.code, c.code, err, e.out, e.err)
			}
			t.Logf("%s%sat most %d MiB", e.out, e.err, e.memory>>20)
			if got.State != c.state || got.Duplicate != 0 || got.Rows != got.Taken+got.Refused {
				t.Errorf("got %+v, want state %s and every row counted", got, c.state)
			}
			if c.rows == -1 {
				if got.Taken < 3 || got.Rows >= 20_000 {
					t.Errorf("got %d rows, %d taken, want those before the fault", got.Rows, got.Taken)
				}
			} else if got.Rows != c.rows || got.Taken != c.taken || got.Refused != c.refused {
				t.Errorf("got %d rows, %d taken, %d refused; want %d, %d, %d", got.Rows, got.Taken, got.Refused, c.rows, c.taken, c.refused)
			}
			if e.memory > maxMemory {
				t.Errorf("needed %d MiB, want at most %d", e.memory>>20, maxMemory>>20)
			}
			show := must(t, dir, "deliveries", "show", got.Delivery)
			if !strings.Contains(show.out, c.told) || got.Refused > 0 && !strings.Contains(show.out, "line ") {
				t.Errorf("want %q in\n%s", c.told, show.out)
			}
			if c.code != 0 && !strings.Contains(e.err, c.told) {
				t.Errorf("want %q in %s", c.told, e.err)
			}
			p := measure(t, dir, "parse", "--feed", "shadowserver", "event4_sinkhole.csv")
			if n := int64(strings.Count(p.out, "\n")); n != got.Taken || p.code != c.code || p.memory > maxMemory {
				t.Errorf("parse: %d observations, exit %d, %d MiB; want %d, %d, at most %d", n, p.code, p.memory>>20, got.Taken, c.code, maxMemory>>20)
			}
			if a := tocsin(t, dir, "audit"); a.code != 0 {
				t.Errorf("audit: exit %d\n%s", a.code, a.out)
			}
		})
	}
}
