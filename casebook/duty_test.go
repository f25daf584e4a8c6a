package casebook

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDutyTellsPeopleBeforeAndAfter(t *testing.T) {
	start := time.Date(2026, 2, 16, 14, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		limit time.Duration
		want  []string
	}{
		{"two hours", 2 * time.Hour, []string{"15:30:00", "16:15:00", "16:30:01"}},
		{"half an hour: a quarter left is half gone", 30 * time.Minute, []string{"14:45:00", "15:00:01"}},
		{"ten minutes", 10 * time.Minute, []string{"14:35:00", "14:40:01"}},
		{"at once", 0, []string{"14:30:01"}},
		{"provisional at once", -1, nil},
	} {
		d := Duty{Started: start, Due: start.Add(max(0, c.limit)), State: OpenDuty, Provisional: c.limit < 0}
		var got []string
		for _, m := range d.Moments() {
			got = append(got, m.Format(time.TimeOnly))
		}
		if diff := cmp.Diff(got, c.want); diff != "" {
			t.Errorf("%s (got, want):\n%s", c.name, diff)
		}
	}
}

func TestDutyMomentsRise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.UnixMicro(rapid.Int64Range(0, 1<<51).Draw(t, "start")).UTC()
		span := time.Duration(rapid.Int64Range(0, int64(400*24*time.Hour)).Draw(t, "span"))
		d := Duty{Started: start, Due: start.Add(span), State: OpenDuty}
		last := start
		for told, m := range d.Moments() {
			if m.Before(last.Truncate(time.Second)) {
				t.Errorf("moment %d of a duty of %v is at %v, before %v", told, span, m, last)
			}
			d.Told = told
			if !d.Next().Equal(m) {
				t.Errorf("after %d times the next is %v, not %v", told, d.Next(), m)
			}
			last = m
		}
		if got, want := last.Sub(d.Due), time.Second; got != want {
			t.Errorf("the last is %v past due, not %v", got, want)
		}
		if d.Told++; !d.Next().IsZero() {
			t.Errorf("all told, and still %v is next", d.Next())
		}
		if d.Told, d.State = 0, Met; !d.Next().IsZero() {
			t.Errorf("met, and still %v is next", d.Next())
		}
	})
}
