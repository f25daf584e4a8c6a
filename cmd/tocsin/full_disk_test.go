//go:build !race

// The platform that this starts is built without the race detector: ./test runs it without.

package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAFullDisk: while a report is folded the disk fills up. Who waits is told within seconds
// why, the platform says that it isn't ready and gives no heartbeat, so that the second
// process calls people; what it had accepted stays. Room is made, and it goes on by itself:
// every row is there once, and the record says that nothing could be written.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("a small disk is mounted by root only")
	}
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tocsin-test", disk, "tmpfs", 0, "size=12m"); err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	const rows = 40_000
	file := filepath.Join(dir, "2026-11-22-event4_sinkhole-xx.csv")
	write(t, file, sinkholeHeader+"\n"+sinkhole(0, rows))
	cmd, address := serve(t, dir, "disk/data")
	e := tocsin(t, dir, "load", "--data", "disk/data", "--feed", "shadowserver", file)
	if e.code != 1 || !strings.Contains(e.err, "the disk of the database is full") || !strings.Contains(e.err, "its bytes are kept") {
		t.Fatalf("load on a full disk: exit %d, %s", e.code, e.err)
	}
	for _, path := range []string{"/readyz", "/api/v1/heartbeat"} {
		answer, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != 503 || !strings.Contains(string(text), "the disk of the database is full") {
			t.Errorf("%s: got %s %s", path, answer.Status, text)
		}
	}
	if err := syscall.Mount("tocsin-test", disk, "tmpfs", syscall.MS_REMOUNT, "size=400m"); err != nil {
		t.Fatal(err)
	}
	until(t, "the platform to go on", func() bool { return status(t, dir, "--data", "disk/data").Waiting == 0 })
	if s := status(t, dir, "--data", "disk/data"); s.Observations != rows || s.Duplicates != 0 {
		t.Errorf("of %d rows: %d observations, %d duplicates", rows, s.Observations, s.Duplicates)
	}
	if err := awaitReady(address); err != nil {
		t.Error(err)
	}
	stop(t, cmd)
	must(t, dir, "audit", "--data", "disk/data")
}
