package main

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// TestLoadsAtOnce lets several commands work on one data directory that nobody
// serves. Whoever comes first owns it; the others use its socket, and take its
// place when it is done.
func TestLoadsAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const loads, rows = 6, 3000
	all := make([]ended, loads)
	var done sync.WaitGroup
	for i := range loads {
		name := write(t, filepath.Join(dir, fmt.Sprintf("event4_sinkhole-%d.csv", i)), sinkholeHeader+"\n"+sinkhole(i*rows, rows))
		more := write(t, filepath.Join(dir, fmt.Sprintf("more-%d.csv", i)), fmt.Sprintf("observed_at,family,ip,commit\n2026-03-14T10:00:00Z,Sample,203.0.113.%d,c0ffee\n", i))
		cmds := [][]string{{"load", "--feed", "shadowserver", "--type", "event4_sinkhole", name}, {"load", "--feed", "c2-tracker", more}}
		done.Go(func() {
			for _, args := range cmds {
				if all[i] = tocsin(t, dir, args...); all[i].code != 0 {
					return
				}
			}
		})
	}
	done.Wait()
	for i, e := range all {
		if e.code != 0 {
			t.Errorf("load %d: exit %d\n%s%s", i, e.code, e.out, e.err)
		}
	}
	s := status(t, dir)
	if s.Deliveries != 2*loads || s.Observations != loads*(rows+1) || s.Duplicates != 0 || s.Waiting != 0 {
		t.Errorf("got %+v, want %d deliveries and %d observations", s, 2*loads, loads*(rows+1))
	}
	must(t, dir, "audit")
}
