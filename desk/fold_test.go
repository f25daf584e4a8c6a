package desk_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/casebook"
	"tocsin/store"
)

// sightings are rows of a year of three families at some addresses, each different.
func sightings(n int) []string {
	r := rand.New(rand.NewPCG(5, 6))
	all := make([]string, n)
	for i := range all {
		at := time.Date(2026, 1, 1, r.IntN(24), r.IntN(60), 0, 0, time.UTC).AddDate(0, 0, r.IntN(365))
		all[i] = fmt.Sprintf("%s,%s,192.0.2.%d,%d\n", at.Format(time.RFC3339), []string{"Sample", "sample", "Other", "Third"}[r.IntN(4)], r.IntN(60), i)
	}
	return all
}

// known is what a desk found, but for identifiers and stamps.
func known(t *testing.T, o *opened) []string {
	t.Helper()
	var all []string
	reader := o.Reader(casebook.Operator())
	for f, err := range reader.Findings(t.Context(), store.FindingFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint("finding ", casebook.FamilyKey(f.Family), " ", f.Asset, f.Role, f.Type, f.Severity, f.Mark.TLP, f.FirstSeen, f.LastSeen, " count ", f.Count, " relapses ", f.Relapses, " days ", f.Days.Len()))
	}
	threats, err := reader.Threats(t.Context(), casebook.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range threats {
		line := fmt.Sprint("threat ", h.Type, " ", h.Key, " ", h.FirstSeen, h.LastSeen, " count ", h.Count, " findings ", h.Findings)
		for _, s := range h.Sizes {
			// Which of the days with most assets is named may depend on the order.
			line += fmt.Sprint(" ", s.Role, s.Unique24h, s.Concurrent1h, s.UniqueTotal)
		}
		all = append(all, line)
	}
	return sorted(all)
}

// TestFoldMindsNoOrder: the same rows in any order, in one delivery or in many,
// some of them told again, give the same findings, counts, relapses and sizes.
func TestFoldMindsNoOrder(t *testing.T) {
	t.Parallel()
	all := sightings(600)
	inOrder := slices.Clone(all)
	slices.Sort(inOrder)
	backwards := slices.Clone(inOrder)
	slices.Reverse(backwards)
	plain := open(t, t.TempDir())
	plain.take(c2Header + strings.Join(inOrder, ""))
	want := known(t, plain)
	relapsed := 0
	for _, f := range plain.findings() {
		relapsed += f.Relapses
	}
	if len(want) < 100 || relapsed == 0 {
		t.Fatalf("%d lines, %d relapses: the rows show nothing", len(want), relapsed)
	}
	for _, c := range []struct {
		name  string
		rows  []string
		parts int
		again int // rows told again by the next delivery
	}{
		{"as they come", all, 1, 0},
		{"backwards", backwards, 1, 0},
		{"in order, in many deliveries", inOrder, 7, 0},
		{"backwards, in many deliveries", backwards, 50, 0},
		{"with rows told again", all, 6, 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := open(t, t.TempDir())
			size := len(c.rows) / c.parts
			taken, duplicate := int64(0), int64(0)
			for from := 0; from < len(c.rows); from += size {
				part := c.rows[max(0, from-c.again):min(from+size, len(c.rows))]
				d := o.take(c2Header + strings.Join(part, ""))
				taken, duplicate = taken+d.Taken, duplicate+d.Duplicate
			}
			if taken != int64(len(all)) || duplicate != int64(c.again*(c.parts-1)) {
				t.Errorf("%d taken, %d duplicate; want %d, %d", taken, duplicate, len(all), c.again*(c.parts-1))
			}
			if diff := cmp.Diff(want, known(t, o)); diff != "" {
				t.Errorf("differs from a plain run (-want +got)\n%s", diff)
			}
			o.wantSound()
		})
	}
}

// TestFoldCountsWhatIsToldAgain by another delivery, and by the same.
func TestFoldCountsWhatIsToldAgain(t *testing.T) {
	o := open(t, t.TempDir())
	row := "2026-11-20T00:00:00Z,Sample,192.0.2.1,c0ffee\n"
	o.take(c2Header + row)
	// Other columns, other line ends, another packing: the same claim.
	for _, text := range []string{
		"ip,commit,family,observed_at\n192.0.2.1,c0ffee,Sample,2026-11-20T00:00:00Z\n",
		strings.ReplaceAll(c2Header+row, "\n", "\r\n"),
		c2Header + strings.ReplaceAll(row, "00:00:00Z", "01:00:00+01:00"),
		c2Header + row + row,
	} {
		if d := o.take(text); d.Taken != 0 || d.Duplicate != d.Rows || d.Rows == 0 {
			t.Errorf("%q: %d taken, %d duplicate of %d rows", text, d.Taken, d.Duplicate, d.Rows)
		}
	}
	if d := o.take(c2Header + strings.Replace(row, "c0ffee", "c0ffef", 1)); d.Taken != 1 {
		t.Error("another commit is another claim")
	}
	for _, f := range o.findings() {
		if f.Count != 2 {
			t.Errorf("the finding counts %d, want 2", f.Count)
		}
	}
	o.wantSound()
}

// TestFoldKeepsSizesCurrent: after each commit the size of a threat is that of
// what was folded so far.
func TestFoldKeepsSizesCurrent(t *testing.T) {
	o := open(t, t.TempDir())
	for n := int64(1); n <= 5; n++ {
		o.take(day("2026-11-20T12:00:00Z", "Sample", fmt.Sprintf("192.0.2.%d", n)))
		threats, err := o.Reader(casebook.Operator()).Threats(t.Context(), casebook.ID{}, 10)
		if err != nil || len(threats) != 1 || len(threats[0].Sizes) != 1 {
			t.Fatalf("got %v (%v), want one threat with one size", threats, err)
		}
		s := threats[0].Sizes[0]
		exact := casebook.Interval{Low: n, Point: n, High: n}
		if s.Role != casebook.Controller || s.Unique24h != exact || s.Concurrent1h != exact || s.UniqueTotal != n || s.PeakDay.String() != "2026-11-20" {
			t.Errorf("after %d addresses: got %+v", n, s)
		}
	}
}
