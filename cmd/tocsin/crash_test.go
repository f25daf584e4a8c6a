//go:build !race

// The programs that this starts are built without the race detector, and what the
// test itself does is slow under it: ./test runs it without.

package main

import (
	"flag"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

var (
	crashKills = flag.Int("crash.kills", 30, "how often TestCrashLoad kills the program; the other crash tests follow in proportion")
	crashSeed  = flag.Uint64("crash.seed", 1, "seed of the moments at which the program is killed")
)

// killAfter runs the program and kills it after a while, unless it ends before.
func killAfter(t *testing.T, cmd *exec.Cmd, wait time.Duration) (killed bool) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatalf("%s: %v", cmd, err)
		}
		return false
	case <-time.After(wait):
	}
	// It may end just now; then nothing is killed.
	cmd.Process.Signal(syscall.SIGKILL)
	<-ended
	return cmd.ProcessState.ExitCode() == -1
}

// moments gives random moments within a span and a bit beyond its end. Most of
// them are early, so that a load is cut into many pieces.
func moments(name uint64, span time.Duration) func() time.Duration {
	r := rand.New(rand.NewPCG(*crashSeed, name))
	return func() time.Duration {
		share := r.Float64() * 1.1
		if r.IntN(3) > 0 {
			share *= share * share
		}
		return time.Duration(share * float64(span))
	}
}

// TestCrashLoad kills a load at random moments and runs the same again, until it
// ends; and that with new data directories until there were kills enough. What
// comes out is what one quiet run gives. More kills:
//
//	go test ./cmd/tocsin -run Crash -crash.kills=200 -timeout 20m
func TestCrashLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := generate(7, 60_000)
	const name = "2026-11-23-event4_sinkhole-xx-geo.csv"
	write(t, filepath.Join(dir, name), r.text)
	load := func(data string) *exec.Cmd {
		return command(t, dir, "load", "--data", data, "--feed", "shadowserver", name)
	}
	began := time.Now()
	if e := finish(t, load("quiet")); e.code != 0 {
		t.Fatalf("exit %d\n%s%s", e.code, e.out, e.err)
	}
	quiet := time.Since(began)
	want := state(t, filepath.Join(dir, "quiet"))
	s := status(t, dir, "--data", "quiet")
	if s.Observations != r.rows-r.duplicates-r.refusals || s.Duplicates != r.duplicates || s.Refused != r.refusals {
		t.Fatalf("got %+v, want %d duplicates and %d refused of %d", s, r.duplicates, r.refusals, r.rows)
	}
	t.Logf("a quiet load takes %v", quiet)
	next := moments(1, quiet)
	pieces := map[int64]bool{} // cursors at which the program was killed
	for kills, round := 0, 0; kills < *crashKills; round++ {
		data := filepath.Join(dir, "killed")
		cursor, inRound := int64(0), 0
		for killAfter(t, load("killed"), next()) {
			kills++
			inRound++
			for _, d := range left(t, data) {
				if d.Rows < cursor {
					t.Fatalf("kill %d: the cursor went back from %d to %d", kills, cursor, d.Rows)
				}
				cursor = d.Rows
			}
			pieces[cursor] = true
			if inRound == 2 && cursor > 0 {
				// What a kill leaves is whole, also before anybody repairs it.
				must(t, dir, "audit", "--data", "killed")
			}
		}
		t.Logf("round %d: %d kills", round, inRound)
		wantSame(t, state(t, data), want)
		must(t, dir, "audit", "--data", "killed")
		if t.Failed() {
			t.FailNow()
		}
		if err := exec.Command("rm", "-r", data).Run(); err != nil {
			t.Fatal(err)
		}
	}
	// There are 61 cursors at which a load of 60 batches can be killed.
	if len(pieces) < min(*crashKills/5, 20) {
		t.Errorf("the kills hit only %d different cursors: they don't cover the load", len(pieces))
	}
}
