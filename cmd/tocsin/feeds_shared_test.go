//go:build !race

// What reads millions of rows itself would take a quarter of an hour under the
// race detector, and would watch nothing but a test: ./test runs it without.

package main

import (
	"bufio"
	"compress/gzip"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/desk"
)

// TestShadowserver200k loads a large report as a site would: after the tables of
// who holds what, so that each row is attributed.
func TestShadowserver200k(t *testing.T) {
	t.Parallel()
	report := shared(t, "feeds/bench-shadowserver-200k/2026-11-23-event4_sinkhole-xx-geo.csv.gz")
	v4, v6 := shared(t, "traffic/asn/asn-ipv4.csv.gz"), shared(t, "traffic/asn/asn-ipv6.csv.gz")
	dir := t.TempDir()
	tables := measure(t, dir, "holding", "import", v4, v6)
	if tables.code != 0 {
		t.Fatalf("exit %d\n%s%s", tables.code, tables.out, tables.err)
	}
	e := measure(t, dir, "load", "--feed", "shadowserver", "--format", "json", report)
	var got loaded
	if err := json.Unmarshal([]byte(e.out), &got); err != nil || e.code != 0 {
		t.Fatalf("exit %d (%v)\n%s%s", e.code, err, e.out, e.err)
	}
	t.Logf("%s at most %d MiB, %v of processor time; the tables: at most %d MiB, %v", e.out, e.memory>>20, e.cpu, tables.memory>>20, tables.cpu)
	if got.Rows != 200_000 || got.Taken != 180_000 || got.Duplicate != 20_000 || got.Refused != 0 {
		t.Errorf("got %+v, want 180,000 taken and 20,000 duplicate of 200,000", got)
	}
	if e.memory > 200<<20 {
		t.Errorf("needed %d MiB, want at most 200", e.memory>>20)
	}
}

// A trail is what a plain reading of a feed knows of one family at one address.
type trail struct {
	first, last time.Time
	count       int64
	days        map[int64]bool // since 1970, UTC
}

// relapses counts returns after more than 30 days, not counting days on which the
// feed has no row at all.
func (h trail) relapses(heard map[int64]bool) int {
	var days []int64
	for d := range h.days {
		days = append(days, d)
	}
	slices.Sort(days)
	n := 0
	for i := 1; i < len(days); i++ {
		gap := 0
		for d := days[i-1] + 1; d <= days[i]; d++ {
			if heard[d] {
				gap++
			}
		}
		if gap > 30 {
			n++
		}
	}
	return n
}

// trails reads a feed of control servers in the plainest way.
func trails(t *testing.T, file string) (all map[string]*trail, heard map[int64]bool, families map[string]bool, rows int64) {
	t.Helper()
	all, heard, families = map[string]*trail{}, map[int64]bool{}, map[string]bool{}
	for row := range rowsOf(t, file) {
		at, err := time.Parse(time.RFC3339, row[0])
		if err != nil {
			t.Fatal(err)
		}
		address, err := netip.ParseAddr(row[2])
		if err != nil {
			t.Fatal(err)
		}
		family := strings.ToLower(row[1])
		h := all[family+" at "+address.String()]
		if h == nil {
			h = &trail{first: at, last: at, days: map[int64]bool{}}
			all[family+" at "+address.String()] = h
		}
		if at.Before(h.first) {
			h.first = at
		}
		if at.After(h.last) {
			h.last = at
		}
		day := at.Unix() / 86_400
		h.count++
		h.days[day] = true
		heard[day] = true
		families[family] = true
		rows++
	}
	return all, heard, families, rows
}

// rowsOf gives the rows of a packed table without its header.
func rowsOf(t *testing.T, file string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		r := csv.NewReader(z)
		r.ReuseRecord = true
		for n := 0; ; n++ {
			row, err := r.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if n > 0 && !yield(row) {
				return
			}
		}
	}
}

// TestC2Tracker loads four years of control servers and compares every finding
// with a plain reading of the same file.
func TestC2Tracker(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it takes minutes")
	}
	file := shared(t, "feeds/c2-tracker/c2_observations_2022-2026.csv.gz")
	dir := t.TempDir()
	load := func(data, file string) ended {
		e := measure(t, dir, "load", "--data", data, "--feed", "c2-tracker", "--format", "json", file)
		if e.code != 0 {
			t.Fatalf("exit %d\n%s%s", e.code, e.out, e.err)
		}
		t.Logf("%s at most %d MiB, %v of processor time", e.out, e.memory>>20, e.cpu)
		return e
	}
	must(t, dir, "party", "add", "--data", "data", "--own", "--role", "centre", "--region", "CN-11", "Example Centre")
	part := load("part", beginning(t, dir, file, 400_000))
	whole := load("data", file)
	if whole.memory > 200<<20 {
		t.Errorf("needed %d MiB, want at most 200", whole.memory>>20)
	}
	if whole.memory > part.memory+40<<20 {
		t.Errorf("needed %d MiB for the whole and %d MiB for a tenth of it: memory isn't flat", whole.memory>>20, part.memory>>20)
	}

	want, heard, families, rows := trails(t, file)
	s := status(t, dir, "--data", "data")
	if s.Observations != rows || s.Duplicates != 0 || s.Refused != 0 || s.Findings != int64(len(want)) || s.Threats != int64(len(families)) {
		t.Errorf("got %+v, want %d observations, %d findings, %d threats", s, rows, len(want), len(families))
	}
	if rows != 4_548_646 || len(want) != 109_489 {
		t.Errorf("the file has %d rows of %d, not 4,548,646 of 109,489: is it another one?", rows, len(want))
	}
	compareTrails(t, command(t, dir, "findings", "--data", "data", "--format", "json").Output, want, heard)
	wantGraded(t, filepath.Join(dir, "data"), len(families), whole)
	must(t, dir, "audit", "--data", "data")
}

// wantGraded wants each threat graded within a second of the commit that first showed
// what it is, and that commit to be the anchor of its incident. A second is longer for a
// load that others kept from the processor.
func wantGraded(t *testing.T, data string, threats int, load ended) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+desk.Directory(data).Database()+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	graded := 0
	var late []time.Duration
	for _, line := range lines(t, db, `WITH first AS MATERIALIZED (SELECT o.threat, MIN(b.recorded_at) AS at FROM observation o JOIN batch b ON b.id = o.batch GROUP BY o.threat)
		SELECT h.name, MIN(g.at) - (SELECT f.at FROM first f WHERE f.threat = h.id) AS after,
		MIN(i.opened_at) - MIN(g.at) AS opened, MIN(g.recorded_at) - MIN(g.at) AS late,
		(SELECT MIN(a.at) FROM anchor a WHERE a.incident = i.id AND a.kind = 'surfaced') - MIN(g.at) AS surfaced
		FROM grade g JOIN incident i ON i.id = g.incident JOIN threat h ON h.id = i.threat GROUP BY h.id`) {
		var name string
		var after, opened, waited, surfaced int64
		fields := strings.Split(strings.TrimSpace(line), " after=")
		name = strings.TrimPrefix(fields[0], "name=")
		if _, err := fmt.Sscanf("after="+fields[1], "after=%d opened=%d late=%d surfaced=%d", &after, &opened, &waited, &surfaced); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if graded++; after != 0 || opened != 0 || surfaced != 0 {
			t.Errorf("%s: its anchor is %d µs after the first commit of it, its incident %d, its surfacing %d; want 0", name, after, opened, surfaced)
		}
		late = append(late, time.Duration(waited)*time.Microsecond)
	}
	if graded != threats || graded == 0 {
		t.Fatalf("%d of %d threats are graded", graded, threats)
	}
	slowest := slices.Max(late)
	second := max(time.Second, time.Duration(float64(time.Second)*float64(load.took)/float64(load.cpu)))
	t.Logf("%d threats, the slowest graded %v after its commit; a second was %v long", graded, slowest, second)
	if slowest > second {
		t.Errorf("a threat is graded %v after its commit; want within a second", slowest)
	}
}

// beginning writes the first rows of a packed table.
func beginning(t *testing.T, dir, file string, n int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("observed_at,family,ip,commit\n")
	for row := range rowsOf(t, file) {
		b.WriteString(strings.Join(row, ",") + "\n")
		if n--; n == 0 {
			break
		}
	}
	return write(t, filepath.Join(dir, "beginning.csv"), b.String())
}

// compareTrails wants each finding as the plain reading has it, once.
func compareTrails(t *testing.T, findings func() ([]byte, error), want map[string]*trail, heard map[int64]bool) {
	t.Helper()
	out, err := findings()
	if err != nil {
		t.Fatal(err)
	}
	wrong, seen := 0, map[string]bool{}
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for lines.Scan() {
		var f finding
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		key := strings.ToLower(f.Family) + " at " + f.Asset
		h := want[key]
		if h == nil || seen[key] {
			t.Fatalf("finding %s: unexpected, or told twice", key)
		}
		seen[key] = true
		got := fmt.Sprint(f.FirstSeen.UTC(), f.LastSeen.UTC(), f.Count, f.Relapses)
		if w := fmt.Sprint(h.first.UTC(), h.last.UTC(), h.count, h.relapses(heard)); got != w {
			if wrong++; wrong <= 5 {
				t.Errorf("%s: got %s, want %s", key, got, w)
			}
		}
	}
	if len(seen) != len(want) || wrong > 0 {
		t.Errorf("%d findings, %d of them wrong; want %d", len(seen), wrong, len(want))
	}
}
