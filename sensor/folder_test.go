package sensor_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	put("conn.0.log", strings.ReplaceAll(flowsLog(6), "192.0.2.7", "192.0.2.9"), 30*time.Second)
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

// TestFolderFollowsLogs reads logs on while they are written, to their end when they are
// rotated, and nothing of them twice.
func TestFolderFollowsLogs(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	name := func(s string) string { return filepath.Join(dir, s) }
	write := func(file, text string, age time.Duration) {
		t.Helper()
		f, err := os.OpenFile(name(file), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = f.WriteString(text)
		}
		if err := errors.Join(err, f.Close(), os.Chtimes(name(file), now.Add(-age), now.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	ended := map[string]int64{}
	f := &sensor.Folder{Dir: dir, Settled: 10 * time.Second, Now: func() time.Time { return now }, Told: func(file string, c capture.Counts, err error) {
		ended[filepath.Base(file)] += c.Records
	}}
	r, err := f.Source().Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b traffic.Batch
	wants := func(what string, want int) {
		t.Helper()
		n := 0
		for {
			if err := r.Next(&b); err != nil {
				t.Fatal(err)
			}
			if b.Len() == 0 {
				break
			}
			n += b.Len()
		}
		if n != want {
			t.Errorf("%s: %d flows, want %d", what, n, want)
		}
	}
	all := strings.SplitAfter(flowsLog(100), "\n") // a header and a hundred
	rows := func(from, to int) string { return strings.Join(all[from:to], "") }
	write("conn.log", rows(0, 11), 0)
	wants("a log that is young", 0)
	for range 3 {
		now = now.Add(5 * time.Second)
		write("conn.log", "", 0)
		r.Next(&b)
		if b.Len() > 0 {
			break
		}
	}
	if b.Len() != 10 {
		t.Fatalf("a log that doesn't rest: %d flows, want 10", b.Len())
	}
	half := all[11][:9]
	write("conn.log", half, 0)
	now = now.Add(6 * time.Second)
	wants("half a line", 0)
	write("conn.log", all[11][9:]+rows(12, 21), 0)
	now = now.Add(6 * time.Second)
	wants("the rest of it, and nine more", 10)
	write("conn.log", rows(21, 26), 0)
	if err := os.Rename(name("conn.log"), name("conn.1.log")); err != nil {
		t.Fatal(err)
	}
	write("conn.log", rows(0, 1)+rows(26, 31), 0)
	wants("rotated", 5)
	old, err := os.ReadFile(name("conn.1.log"))
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(old)
	z.Close()
	write("conn.1.log.gz", packed.String(), time.Minute)
	now = now.Add(11 * time.Second)
	wants("packed meanwhile; the new one rests", 5)
	if ended["conn.log"] != 30 {
		t.Errorf("the log that was rotated and the new one told of %d flows, want 30", ended["conn.log"])
	}
	if err := os.Remove(name("conn.1.log")); err != nil { // its place in the file system goes to the next
		t.Fatal(err)
	}
	write("conn.2.log", rows(0, 1)+rows(60, 64), time.Minute)
	wants("another one in the place of one that is gone", 4)
	write("conn.log", rows(31, 33), 0)
	now = now.Add(6 * time.Second)
	wants("the new one grows after a rest", 2)
	if err := os.Truncate(name("conn.log"), 0); err != nil {
		t.Fatal(err)
	}
	write("conn.log", rows(0, 1)+rows(40, 41), 0)
	now = now.Add(6 * time.Second)
	wants("cut off, to begin anew", 1)
	write("conn.log", rows(41, 42), 0)
	f.Stop()
	wantsEnd := 0
	for {
		if err := r.Next(&b); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		wantsEnd += b.Len()
	}
	if wantsEnd != 1 {
		t.Errorf("at the stop: %d flows, want 1", wantsEnd)
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
