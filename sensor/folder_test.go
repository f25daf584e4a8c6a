package sensor_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tocsin/capture"
	"tocsin/sensor"
	"tocsin/traffic"
)

// flowsLog is n connections as Zeek writes them.
func flowsLog(n int) string {
	s := "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\tconn_state\n"
	for i := range n {
		s += fmt.Sprintf("%d.0\tC%d\t10.0.0.5\t%d\t192.0.2.7\t80\ttcp\t1.0\tSF\n", 1_764_000_000+i, i, 40000+i)
	}
	return s
}

// TestFolder takes each file once it rests, the oldest first, and one that was written
// anew again; what is no telemetry it passes over.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	put := func(name, text string, age time.Duration) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	put("conn.1.log", flowsLog(3), time.Minute)
	put("conn.0.log", flowsLog(5), time.Hour)
	put("conn.fresh.log", flowsLog(7), time.Second)
	put(".conn.hidden.log", flowsLog(1), time.Hour)
	put("README", "some words", time.Hour)
	put("broken.log", "#fields\tts\tid.orig_h\n", time.Hour)
	var read []string
	f := &sensor.Folder{Dir: dir, Settled: 10 * time.Second, Now: func() time.Time { return now }, Told: func(file string, c capture.Counts, err error) {
		read = append(read, fmt.Sprintf("%s %d %t", filepath.Base(file), c.Records, err == nil))
	}}
	source := f.Source()
	r, err := source.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b traffic.Batch
	flows := func() (n int) {
		for {
			if err := r.Next(&b); err != nil {
				t.Fatal(err)
			}
			if b.Len() == 0 {
				return n
			}
			n += b.Len()
		}
	}
	if n := flows(); n != 8 || !source.Live {
		t.Errorf("%d flows", n)
	}
	now = now.Add(time.Minute)
	put("conn.0.log", flowsLog(6), 30*time.Second)
	if n := flows(); n != 7+6 {
		t.Errorf("%d more flows", n)
	}
	f.Stop()
	if err := r.Next(&b); err != io.EOF {
		t.Errorf("after the stop: %v", err)
	}
	read = slices.DeleteFunc(read, func(s string) bool { return s[:6] == "broken" })
	if want := []string{"conn.0.log 5 true", "conn.1.log 3 true", "conn.fresh.log 7 true", "conn.0.log 6 true"}; !slices.Equal(read, want) {
		t.Errorf("read %q, want %q", read, want)
	}
}

// TestLive gives records of a pipe as they come, and nothing while none do.
func TestLive(t *testing.T) {
	in, out := io.Pipe()
	r, err := sensor.Live("pipe", in).Open()
	if err != nil {
		t.Fatal(err)
	}
	var b traffic.Batch
	if err := r.Next(&b); err != nil || b.Len() != 0 {
		t.Errorf("nothing was written: %d records, %v", b.Len(), err)
	}
	go func() { io.WriteString(out, flowsLog(20)); out.Close() }()
	n := 0
	for {
		err := r.Next(&b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n += b.Len()
	}
	if n != 20 {
		t.Errorf("%d records", n)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}
