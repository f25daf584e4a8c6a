package feed

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"tocsin/casebook"
)

// shared gives the path of a shared data file, and skips the test where there
// is none.
func shared(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("TOCSIN_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	path := filepath.Join(root, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("shared data not found: %v", err)
	}
	return path
}

func format(t testing.TB, name string) Format {
	t.Helper()
	f, err := Builtin().Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// BenchmarkReadSinkhole reads 200,000 sinkhole rows from gzip and writes each as
// JSON; rows/s is per wall second of one goroutine.
func BenchmarkReadSinkhole(b *testing.B) {
	packed, err := os.ReadFile(shared(b, "feeds/bench-shadowserver-200k/2026-11-23-event4_sinkhole-xx-geo.csv.gz"))
	if err != nil {
		b.Fatal(err)
	}
	f := format(b, "shadowserver")
	var line []byte
	var rows int64
	b.ReportAllocs()
	for b.Loop() {
		in := Input{Name: "event4_sinkhole.csv.gz", Type: "event4_sinkhole", Body: bytes.NewReader(packed)}
		result, err := f.Read(in, func(o *casebook.Observation, bad *casebook.Refusal) error {
			line = o.AppendJSON(line[:0])
			return nil
		})
		if err != nil || result.Taken != 200_000 {
			b.Fatalf("%+v, %v", result, err)
		}
		rows += result.Rows
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkSplitCSV(b *testing.B) {
	row := []byte(`"2021-03-04 00:00:00","high","tcp","192.0.2.7","4188","64500","ZZ","REGION","CITY","","","","","","","198.51.100.2","4455","64501","ZZ","REGION","CITY","","518210","Communications, Service Provider, and Hosting Service","","virut","virut","","","","000000000000","",""` + "\n")
	text := bytes.Repeat(row, 10_000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		c := newCSVReader(bytes.NewReader(text), ',')
		for {
			if _, _, err := c.next(33); err == io.EOF {
				break
			}
		}
	}
}
