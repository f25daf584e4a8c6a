//go:build !race

// Loading a million rows takes minutes under the race detector: ./test runs it
// without.

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// writeBots writes a report of machines on a sinkhole within one hour, each with an
// address of its own.
func writeBots(t *testing.T, file string, from, n int) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, sinkholeHeader+`,"family"`)
	for i := from; i < from+n; i++ {
		at := time.Date(2026, 11, 22, 3, i%60, i/60%60, 0, time.UTC)
		fmt.Fprintf(w, "%s,tcp,10.%d.%d.%d,%d,examplebot,examplebot\n", at.Format(time.DateTime), i>>16, i>>8&255, i&255, 1024+i%50_000)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// cases gives the incidents of a data directory.
func cases(t *testing.T, dir string) []incident {
	t.Helper()
	var all []incident
	for line := range strings.Lines(must(t, dir, "incident", "list", "--format", "json").out) {
		var short incident
		if err := json.Unmarshal([]byte(line), &short); err != nil {
			t.Fatal(err)
		}
		var whole incident
		if err := json.Unmarshal([]byte(must(t, dir, "incident", "show", "--format", "json", short.ID).out), &whole); err != nil {
			t.Fatal(err)
		}
		all = append(all, whole)
	}
	return all
}

// TestTheMillionthAddress: a botnet grows to 999,999 addresses, and then by one. Only
// then does the gravest grade of the scheme of 2009 count as reached; a person's yes
// starts its two hours, from the commit of the millionth on.
func TestTheMillionthAddress(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "party", "add", "--own", "--role", "telecom_operator", "--region", "CN-11", "North Access")
	const nearly, millionth = "2026-11-22-event4_sinkhole-xx.csv", "2026-11-23-event4_sinkhole-xx.csv"
	writeBots(t, filepath.Join(dir, nearly), 0, 999_999)
	writeBots(t, filepath.Join(dir, millionth), 999_999, 1)
	must(t, dir, "load", "--feed", "shadowserver", nearly)
	all := cases(t, dir)
	if len(all) != 1 || all[0].State != "proposed" {
		t.Fatalf("got %+v, want one incident that is proposed", all)
	}
	for _, g := range all[0].Grades {
		if g.Level == "extremely_serious" && g.Reach == "reached" {
			t.Errorf("999,999 addresses count as a million: %+v", g)
		}
	}
	before := time.Now()
	must(t, dir, "load", "--feed", "shadowserver", millionth)
	i := cases(t, dir)[0]
	last := i.Grades[len(i.Grades)-1]
	if last.Regime != "cn-miit-2009-156" || last.Level != "extremely_serious" || last.Reach != "reached" || last.At.Before(before) {
		t.Errorf("got %+v, want the gravest grade reached since the second load", last)
	}
	if n := last.Figures["controlled_addresses_unique_24h"].Number; n.Point != 1_000_000 {
		t.Errorf("the grade rests on %+v, want a million", n)
	}
	must(t, dir, "incident", "confirm", i.ID, "--as", "wang")
	i = cases(t, dir)[0]
	at := slices.IndexFunc(i.Duties, func(d duty) bool { return d.Stage == "level1_report" && d.State == "open" })
	if at < 0 {
		t.Fatalf("got %+v, want the two hours to run", i.Duties)
	}
	d := i.Duties[at]
	if d.Due.Sub(d.Started) != 2*time.Hour || d.Limit != "2h" {
		t.Errorf("got %+v, want two hours", d)
	}
	must(t, dir, "audit")
}
