package casebook_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tocsin/casebook"
)

func TestARelapseIsAReturnAfterTheSourcesGap(t *testing.T) {
	daily := every(0, 200)
	cases := []struct {
		name      string
		seen      []casebook.Day
		published []casebook.Day
		gap, want int
	}{
		{"never seen", nil, daily, casebook.DefaultGap, 0},
		{"seen once", []casebook.Day{5}, daily, casebook.DefaultGap, 0},
		{"back after exactly the gap", []casebook.Day{0, 30}, daily, casebook.DefaultGap, 0},
		{"back a day later", []casebook.Day{0, 31}, daily, casebook.DefaultGap, 1},
		{"back twice", []casebook.Day{0, 31, 62}, daily, casebook.DefaultGap, 2},
		{"back twice, told newest first", []casebook.Day{62, 31, 0}, daily, casebook.DefaultGap, 2},
		{"a late sighting closes the gap", []casebook.Day{0, 31, 15}, daily, casebook.DefaultGap, 0},
		{"the gap counts from the last day of a run", slices.Concat(every(0, 20), []casebook.Day{50}), daily, casebook.DefaultGap, 0},
		{"seen daily", daily, daily, casebook.DefaultGap, 0},
		{"one silent day shortens the gap", []casebook.Day{0, 31}, slices.Concat(every(0, 9), every(11, 31)), casebook.DefaultGap, 0},
		{"a source silent throughout says nothing", []casebook.Day{0, 200}, []casebook.Day{0, 200}, casebook.DefaultGap, 0},
		{"a weekly source counts its own days", []casebook.Day{0, 42}, []casebook.Day{0, 7, 14, 21, 28, 35, 42}, 5, 1},
		{"a weekly source, one issue less", []casebook.Day{0, 35}, []casebook.Day{0, 7, 14, 21, 28, 35}, 5, 0},
		{"silence before and after counts for nothing", []casebook.Day{50, 81}, every(50, 81), casebook.DefaultGap, 1},
		{"a source with a short gap", []casebook.Day{0, 3, 5}, daily, 2, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := sighted(c.seen...).Relapses(c.gap, sighted(c.published...)); got != c.want {
				t.Errorf("got %d relapses, want %d", got, c.want)
			}
		})
	}
}

// relapses is the definition, walked day by day: the gap from one sighting to
// the next counts the later day and each published day between them.
func relapses(seen []casebook.Day, gap int, published []casebook.Day) int {
	seen = slices.Compact(slices.Sorted(slices.Values(seen)))
	n := 0
	for i := 1; i < len(seen); i++ {
		quiet := 0
		for d := seen[i-1] + 1; d <= seen[i]; d++ {
			if d == seen[i] || slices.Contains(published, d) {
				quiet++
			}
		}
		if quiet > gap {
			n++
		}
	}
	return n
}

func TestRelapsesFollowTheDefinitionDayByDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seen := rapid.SliceOfN(rapid.Map(rapid.Int32Range(-40, 40), func(n int32) casebook.Day { return casebook.Day(n) }), 0, 8).Draw(t, "seen")
		published := drawDays(t, "published")
		gap := rapid.IntRange(1, 20).Draw(t, "gap")
		want := relapses(seen, gap, published)
		if got := sighted(seen...).Relapses(gap, sighted(published...)); got != want {
			t.Fatalf("got %d relapses, want %d", got, want)
		}
	})
}
