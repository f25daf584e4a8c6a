//go:build !race

// The programs that this starts are built without the race detector, and what the
// test itself does is slow under it: ./test runs it without.

package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tocsin/casebook"
)

// answered is a delivery for which a platform said that it is on disk.
type answered struct {
	id     string
	digest casebook.Digest
	rows   int64
}

// A crowd posts deliveries to a platform that may die at any moment.
type crowd struct {
	mu     sync.Mutex
	posted map[casebook.Digest]int64 // rows of all that were ever sent, by digest
	sure   []answered                // those that were answered with success
}

// post sends deliveries, one after the other, until the platform is gone.
func (c *crowd) post(t *testing.T, address string, client, life int) {
	for n := 0; ; n++ {
		rows := 1 + (n*37+client*11)%900
		text := sinkholeHeader + "\n" + strings.ReplaceAll(sinkhole(n*1000, rows), "examplebot", fmt.Sprintf("bot %d of %d", client, life))
		digest := casebook.Digest(sha256.Sum256([]byte(text)))
		c.mu.Lock()
		c.posted[digest] = int64(rows)
		c.mu.Unlock()
		answer, err := http.Post("http://"+address+"/api/v1/deliveries?feed=shadowserver&type=event4_sinkhole", "text/csv", strings.NewReader(text))
		if err != nil {
			return // killed
		}
		// Its status says that it is on disk; the rest may be cut off.
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode/100 != 2 {
			t.Errorf("client %d: %s %s", client, answer.Status, body)
			return
		}
		var d struct{ ID string }
		if json.Unmarshal(body, &d) != nil {
			d.ID = ""
		}
		c.mu.Lock()
		c.sure = append(c.sure, answered{d.ID, digest, int64(rows)})
		c.mu.Unlock()
	}
}

// serve starts a platform, with more flags where it needs them, and waits until it is
// ready.
func serve(t *testing.T, dir, data string, more ...string) (*exec.Cmd, string) {
	t.Helper()
	address, err := freeLoopback()
	if err != nil {
		t.Fatal(err)
	}
	cmd := command(t, dir, append([]string{"serve", "--data", data, "--listen", address}, more...)...)
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := awaitReady(address); err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		t.Fatalf("%s: %v\n%s", cmd, err, said.String())
	}
	return cmd, address
}

// TestCrashServe kills a platform while clients hand in deliveries. Each that was
// answered with success is there after the next start, byte for byte, and is
// folded; nothing is there that nobody sent.
func TestCrashServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	next := moments(2, 700*time.Millisecond)
	c := crowd{posted: map[casebook.Digest]int64{}}
	const clients = 4
	for life := range max(3, *crashKills/5) {
		cmd, address := serve(t, dir, "data")
		var all sync.WaitGroup
		for client := range clients {
			all.Go(func() { c.post(t, address, client, life) })
		}
		<-time.After(next())
		cmd.Process.Signal(syscall.SIGKILL)
		cmd.Wait()
		all.Wait()
	}
	if len(c.sure) < 10 {
		t.Fatalf("only %d deliveries were answered: the test shows nothing", len(c.sure))
	}

	cmd, address := serve(t, dir, "data")
	waiting := status(t, dir, "--server", "http://"+address).Waiting
	for deadline := time.Now().Add(patience); waiting > 0; <-time.After(20 * time.Millisecond) {
		if waiting = status(t, dir, "--server", "http://"+address).Waiting; time.Now().After(deadline) {
			t.Fatalf("%d deliveries still wait to be folded", waiting)
		}
	}
	cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err != nil {
		t.Errorf("stopped by an interrupt: %v", err)
	}
	kept := map[casebook.Digest]casebook.Delivery{}
	for _, d := range left(t, filepath.Join(dir, "data")) {
		rows, sent := c.posted[d.Digest]
		if !sent {
			t.Errorf("delivery %s is there, and nobody sent it", d.Digest)
		}
		if d.State != casebook.Folded || d.Rows != rows || d.Taken+d.Duplicate != rows {
			t.Errorf("delivery of %d rows: %s, %d rows read, %d taken, %d duplicate", rows, d.State, d.Rows, d.Taken, d.Duplicate)
		}
		kept[d.Digest] = d
	}
	for _, a := range c.sure {
		d, ok := kept[a.digest]
		if !ok || a.id != "" && d.ID.Text(casebook.DeliveryPrefix) != a.id {
			t.Errorf("delivery %s (%s) was answered with success and isn't there", a.id, a.digest)
		}
	}
	t.Logf("%d deliveries were sent, %d answered, %d kept", len(c.posted), len(c.sure), len(kept))
	must(t, dir, "audit", "--data", "data") // reads the bytes of each again
}

// TestStopServe interrupts a platform while it works: it ends by itself, cleanly.
func TestStopServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := crowd{posted: map[casebook.Digest]int64{}}
	cmd, address := serve(t, dir, "data")
	var done sync.WaitGroup
	done.Go(func() { c.post(t, address, 0, 0) })
	for many := false; !many; <-time.After(time.Millisecond) {
		c.mu.Lock()
		many = len(c.sure) > 3
		c.mu.Unlock()
	}
	cmd.Process.Signal(syscall.SIGINT)
	err := cmd.Wait()
	done.Wait()
	if failed, ok := errors.AsType[*exec.ExitError](err); err != nil || ok {
		t.Errorf("stopped by an interrupt: %v %v", err, failed)
	}
	must(t, dir, "audit", "--data", "data")
}
