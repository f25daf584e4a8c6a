package capture

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tocsin/traffic"
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

// everything is a whole capture, copied out of its batches.
type everything struct {
	traffic.Batch
	format string
	counts Counts
	bad    []string
}

// readAll reads a capture to its end.
func readAll(t testing.TB, name string, body io.Reader) everything {
	t.Helper()
	r, err := Open(name, body)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return drain(t, r)
}

func drain(t testing.TB, r *Reader) everything {
	t.Helper()
	all := everything{format: r.Format().Name}
	var b traffic.Batch
	for {
		err := r.Next(&b)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all.add(&b)
	}
	all.counts = r.Counts()
	for _, bad := range r.Refusals() {
		all.bad = append(all.bad, bad.Field+": "+bad.Reason)
	}
	return all
}

// add copies a batch, whose lists are used again.
func (all *everything) add(b *traffic.Batch) {
	all.Flows = append(all.Flows, b.Flows...)
	for _, l := range b.Lookups {
		l.Addrs = append(l.Addrs[:0:0], l.Addrs...)
		all.Lookups = append(all.Lookups, l)
	}
	all.Handshakes = append(all.Handshakes, b.Handshakes...)
	all.Requests = append(all.Requests, b.Requests...)
	all.Files = append(all.Files, b.Files...)
	all.Certificates = append(all.Certificates, b.Certificates...)
	all.Alerts = append(all.Alerts, b.Alerts...)
}

// spent is the processor time of this process so far: on a machine that others use
// too, the clock on the wall tells little.
func spent() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure reads a capture again and again and reports its rows a processor second.
func measure(b *testing.B, name string, text []byte) {
	b.Helper()
	var batch traffic.Batch
	var rows int64
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	before := spent()
	for b.Loop() {
		r, err := Open(name, bytes.NewReader(text))
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			err = r.Next(&batch)
		}
		if err != io.EOF || r.Counts().Refused > 0 {
			b.Fatal(err, r.Refusals())
		}
		rows += r.Counts().Rows
		r.Close()
	}
	b.ReportMetric(float64(rows)/(spent()-before).Seconds(), "rows/cpu-s")
}
