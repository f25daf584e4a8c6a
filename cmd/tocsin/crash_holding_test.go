//go:build !race

// The programs that this starts are built without the race detector, and what the
// test itself does is slow under it: ./test runs it without.

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// table writes a table of holdings of n prefixes; some differ from seed to seed.
func table(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 64500))
	var b strings.Builder
	b.WriteString("cidr,asn,holder,region\n")
	for i := range n {
		if r.IntN(10) == 0 {
			continue
		}
		asn := 64500 + i%1000
		if r.IntN(8) == 0 {
			asn += int(seed)
		}
		fmt.Fprintf(&b, "%d.%d.%d.0/24,%d,Holder %d,XA\n", 1+i>>16, i>>8&255, i&255, asn, asn)
	}
	return b.String()
}

// TestCrashImport kills the import of a table. The same file goes on where the
// killed one was; another of the same source makes it given up.
func TestCrashImport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const rows = 20_000
	for i, name := range []string{"first.csv", "second.csv", "third.csv"} {
		write(t, filepath.Join(dir, name), table(uint64(i+1), rows))
	}
	load := func(data, file string) *exec.Cmd {
		return command(t, dir, "holding", "import", "--data", data, "--source", "registry", "--as-of", "2026-11-01T00:00:00Z", file)
	}
	quiet := func(data string, files ...string) (map[string][]string, time.Duration) {
		var took time.Duration
		for _, file := range files {
			began := time.Now()
			if e := finish(t, load(data, file)); e.code != 0 {
				t.Fatalf("exit %d\n%s%s", e.code, e.out, e.err)
			}
			took = time.Since(began)
		}
		return state(t, filepath.Join(dir, data)), took
	}
	same, took := quiet("same", "first.csv", "second.csv")
	other, _ := quiet("other", "first.csv", "third.csv")
	begun, _ := quiet("begun", "first.csv")
	if err := os.Remove(filepath.Join(dir, "begun", "socket")); err != nil {
		t.Fatal(err) // nothing that can be copied
	}
	if len(begun["holdings"]) < rows*8/10 || len(same["holdings"]) <= len(begun["holdings"]) {
		t.Fatalf("%d holdings, then %d: the tables don't differ", len(begun["holdings"]), len(same["holdings"]))
	}
	next := moments(3, took)
	halves, givenUp := 0, 0
	for round := range max(3, *crashKills/10) {
		for _, c := range []struct {
			then string
			want map[string][]string
		}{{"second.csv", same}, {"third.csv", other}} {
			data := fmt.Sprintf("killed-%d-%s", round, c.then)
			if err := os.CopyFS(filepath.Join(dir, data), os.DirFS(filepath.Join(dir, "begun"))); err != nil {
				t.Fatal(err)
			}
			killed := killAfter(t, load(data, "second.csv"), next())
			if killed {
				halves++
			}
			// What is half imported attributes nothing yet, and audits.
			must(t, dir, "audit", "--data", data)
			if e := finish(t, load(data, c.then)); e.code != 0 {
				t.Fatalf("exit %d\n%s%s", e.code, e.out, e.err)
			}
			got := state(t, filepath.Join(dir, data))
			if n := len(got["imports"]); n > 2 {
				continue // the kill came after the end: three tables in force are no wonder
			}
			if len(got["abandoned"]) > 0 {
				givenUp++
			}
			// The entries of a half import, and of its end, stay in the ledger.
			got["entries"], got["abandoned"] = c.want["entries"], nil
			wantSame(t, got, c.want)
			must(t, dir, "audit", "--data", data)
		}
	}
	if halves == 0 {
		t.Error("no import was killed: the test shows nothing")
	}
	t.Logf("an import takes %v; %d were killed, %d given up", took, halves, givenUp)
}

// TestCrashBackup kills a backup: no file has its final name, and the next one is
// whole.
func TestCrashBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "event4_sinkhole.csv"), generate(3, 20_000).text)
	must(t, dir, "load", "--feed", "shadowserver", "event4_sinkhole.csv")
	began := time.Now()
	must(t, dir, "backup", "quiet")
	next := moments(4, time.Since(began))
	killed := 0
	for i := range max(5, *crashKills/3) {
		name := fmt.Sprintf("backup-%d", i)
		if !killAfter(t, command(t, dir, "backup", name), next()) {
			must(t, dir, "audit", name)
			continue
		}
		killed++
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			// The kill came between the name and the end: then it is whole.
			must(t, dir, "audit", name)
		}
	}
	if killed == 0 {
		t.Error("no backup was killed: the test shows nothing")
	}
	must(t, dir, "backup", "last")
	must(t, dir, "audit", "last")
	must(t, dir, "audit")
	aside, err := filepath.Glob(filepath.Join(dir, "data", "cache", "*"))
	if err != nil || len(aside) > 0 {
		t.Errorf("killed backups left %v (%v)", aside, err)
	}
}
