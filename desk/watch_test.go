package desk_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// watch looks at the clocks once.
func (o *opened) watch() int {
	o.t.Helper()
	n, err := o.WatchOnce(o.t.Context(), o.now)
	if err != nil {
		o.t.Fatal(err)
	}
	return n
}

// at sets the clock.
func (o *opened) at(after time.Duration) { o.now = morning.Add(after) }

// duty gives the one duty of a stage that is no blank.
func (o *opened) duty(id casebook.ID, stage string) casebook.Duty {
	o.t.Helper()
	all, err := o.Reader(casebook.Operator()).DutiesByDue(o.t.Context(), store.DutyFilter{Incident: id}, casebook.ID{}, 100)
	if err != nil {
		o.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(d casebook.Duty) bool { return d.Stage == stage && !d.Provisional })
	if i < 0 {
		o.t.Fatalf("no duty %s", stage)
	}
	return all[i]
}

// log gives what a timeline says of duties: "kind happened written".
func (o *opened) log(id casebook.ID) []string {
	o.t.Helper()
	all, err := o.Reader(casebook.Operator()).Anchors(o.t.Context(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	lines := []string{}
	for _, a := range all {
		if a.Kind == casebook.DutyWarned && !strings.Contains(a.Note, "provisional") || a.Kind == casebook.DutyMissed {
			lines = append(lines, fmt.Sprintf("%s %s %s", a.Kind, a.At.Format(time.TimeOnly), a.RecordedAt.Format(time.TimeOnly)))
		}
	}
	return lines
}

// oneClock is a desk with one duty of two hours from the morning on, and no other.
func oneClock(t *testing.T, dir string) (*opened, casebook.Incident) {
	o := open(t, dir)
	o.speaksFor("association") // reports under the scheme of 2009 alone
	i := o.called(casebook.Facts{addresses: casebook.NumberValue(1_000_000)})
	return o, i
}

func TestPeopleAreWarnedAndAMissIsRecorded(t *testing.T) {
	o, i := oneClock(t, t.TempDir())
	for _, step := range []struct {
		after time.Duration
		told  int
	}{{0, 0}, {59 * time.Minute, 0}, {time.Hour, 1}, {61 * time.Minute, 0}, {105 * time.Minute, 1}, {2 * time.Hour, 0}, {2*time.Hour + time.Second, 1}, {3 * time.Hour, 0}, {240 * time.Hour, 0}} {
		o.at(step.after)
		if got := o.watch(); got != step.told {
			t.Errorf("after %v: told %d, want %d", step.after, got, step.told)
		}
	}
	want := []string{"duty_warned 09:00:00 09:00:00", "duty_warned 09:45:00 09:45:00", "duty_missed 10:00:00 10:00:01"}
	if diff := cmp.Diff(o.log(i.ID), want); diff != "" {
		t.Errorf("timeline (got, want):\n%s", diff)
	}
	d := o.duty(i.ID, "level1_report")
	if d.State != casebook.Missed || !d.Due.Equal(morning.Add(2*time.Hour)) {
		t.Errorf("got %s, due %v", d.State, d.Due)
	}
	calls := o.calls()
	for n, word := range []string{"Clock started", "Due soon", "Due soon", "MISSED"} {
		if n >= len(calls) || !strings.HasPrefix(calls[n], word) {
			t.Errorf("call %d: got %q, want %s", n, calls, word)
		}
	}
	o.wantSound()
}

// TestWhatFellDueWhileNobodyRan is recorded at the start, as of the legal moment.
func TestWhatFellDueWhileNobodyRan(t *testing.T) {
	dir := t.TempDir()
	o, i := oneClock(t, dir)
	o.close()
	o = open(t, dir)
	o.at(5 * time.Hour)
	if n := o.watch(); n != 1 {
		t.Errorf("told %d, want the miss alone", n)
	}
	d := o.duty(i.ID, "level1_report")
	steps, err := o.Reader(casebook.Operator()).DutyChanges(t.Context(), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	last := steps[len(steps)-1]
	if last.State != casebook.Missed || !last.At.Equal(morning.Add(2*time.Hour)) || !last.RecordedAt.Equal(o.now) {
		t.Errorf("got %+v, want it missed as of 10:00 and written at 13:00", last)
	}
	if diff := cmp.Diff(o.log(i.ID), []string{"duty_missed 10:00:00 13:00:00"}); diff != "" {
		t.Errorf("timeline (got, want):\n%s", diff)
	}
	o.wantSound()
}

// TestNoClockStopsDriftsOrFiresTwice whatever happens to the machine's clock and to the
// process: at random the clock is set back or forward, the process dies and another
// opens what is on disk, two watchers look at once. Whatever the order, each moment
// is told once, the miss carries the legal moment, and nothing is told early.
func TestNoClockStopsDriftsOrFiresTwice(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 7))
			dir := t.TempDir()
			o, i := oneClock(t, dir)
			latest := morning // the furthest that the clock ever showed while somebody looked
			for range 4 + r.IntN(8) {
				switch r.IntN(4) {
				case 0: // an hour back, as when somebody mends a wrong zone
					o.now = o.now.Add(-time.Hour)
				case 1: // the process dies
					now := o.now
					o.close()
					o = open(t, dir)
					o.now = now
				default:
					o.now = o.now.Add(time.Duration(1+r.IntN(70)) * time.Minute)
				}
				if o.now.After(latest) {
					latest = o.now
				}
				o.watch()
				if n := o.watch(); n != 0 {
					t.Fatalf("a second look told %d again", n)
				}
			}
			d := o.duty(i.ID, "level1_report")
			if got, want := d.State == casebook.Missed, latest.After(morning.Add(2*time.Hour)); got != want {
				t.Errorf("the clock showed %v at most, and the duty is %s", latest, d.State)
			}
			if !d.Due.Equal(morning.Add(2*time.Hour)) || !d.Started.Equal(morning) {
				t.Errorf("the duty moved to %v", d.Due)
			}
			told := map[string]int{}
			for _, line := range o.log(i.ID) {
				told[strings.Join(strings.Fields(line)[:2], " ")]++
			}
			for line, n := range told {
				if n > 1 {
					t.Errorf("%s was told %d times", line, n)
				}
			}
			o.wantSound()
		})
	}
}

// TestClocksOverTheDaysOfTheLaw: limits by the hour pass through the Spring Festival,
// the end of a month and a zone's change of its offset as if they weren't there.
func TestClocksOverTheDaysOfTheLaw(t *testing.T) {
	for _, c := range []struct {
		name string
		now  string
		want string
	}{
		{"the eve of the Spring Festival", "2026-02-16T22:30:00+08:00", "2026-02-16T16:30:00Z"},
		{"the last minute of a leap year's February", "2028-02-29T23:59:00+08:00", "2028-02-29T17:59:00Z"},
		{"the end of a year", "2026-12-31T23:30:00+08:00", "2026-12-31T17:30:00Z"},
		{"while Europe's clocks go back", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00Z"},
		{"while America's clocks go forward", "2026-03-08T01:30:00-05:00", "2026-03-08T08:30:00Z"},
	} {
		o := open(t, t.TempDir())
		var err error
		if o.now, err = time.Parse(time.RFC3339, c.now); err != nil {
			t.Fatal(err)
		}
		o.speaksFor("association")
		d := o.duty(o.called(casebook.Facts{addresses: casebook.NumberValue(1_000_000)}).ID, "level1_report")
		if got := d.Due.Format(time.RFC3339); got != c.want {
			t.Errorf("%s: due %s, want %s", c.name, got, c.want)
		}
		o.close()
	}
}

// TestTheStationsTellByThemselves: two days pass in a bubble with every station running,
// so that those that work once a day do it twice.
func TestTheStationsTellByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t, t.TempDir(), inTheYear2026)
		o.speaksFor("association")
		begun := time.Now()
		i := o.called(casebook.Facts{addresses: casebook.NumberValue(1_000_000)})
		run(t, o, func() {
			time.Sleep(2*time.Hour - time.Second)
			if d := o.duty(i.ID, "level1_report"); d.State != casebook.OpenDuty {
				t.Errorf("%v after the call the duty is %s", time.Since(begun), d.State)
			}
			time.Sleep(3 * time.Second)
			d := o.duty(i.ID, "level1_report")
			if d.State != casebook.Missed {
				t.Errorf("%v after the call the duty is %s", time.Since(begun), d.State)
			}
			steps, err := o.Reader(casebook.Operator()).DutyChanges(t.Context(), d.ID)
			if err != nil {
				t.Fatal(err)
			}
			if late := steps[len(steps)-1].RecordedAt.Sub(d.Due); late > 2*time.Second {
				t.Errorf("the miss was written %v after its moment", late)
			}
			time.Sleep(2 * 24 * time.Hour)
			if n := len(o.log(i.ID)); n != 3 {
				t.Errorf("two days later %d entries of the clock, want two warnings and the miss", n)
			}
			h, err := o.Heartbeat(t.Context(), casebook.Operator())
			if err != nil || h.Now.Sub(h.WatchedAt) > 2*time.Second {
				t.Errorf("the clocks were last looked at %v (%v), now is %v", h.WatchedAt, err, h.Now)
			}
		})
		o.wantSound()
	})
}

func TestAProposalThatNobodyAnswersIsToldAgain(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("association")
	o.take(day("2026-11-20T00:00:00Z", "Sample", "192.0.2.1"))
	o.settle()
	told := func(after time.Duration) (n int) {
		o.at(after)
		before := len(o.calls())
		o.watch()
		for _, subject := range o.calls()[before:] {
			if strings.Contains(subject, "Still waiting") || strings.Contains(subject, "Sample") {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{14 * time.Minute, 0}, {15 * time.Minute, 1}, {29 * time.Minute, 0}, {30 * time.Minute, 1}, {45 * time.Minute, 1}, {74 * time.Minute, 0}, {75 * time.Minute, 1}} {
		if got := told(c.after); got != c.want {
			t.Errorf("after %v: told %d times, want %d", c.after, got, c.want)
		}
	}
	i := o.only(casebook.ProposedIncident)
	if _, err := o.Dismiss(t.Context(), wang, i.ID, "a sinkhole of our own"); err != nil {
		t.Fatal(err)
	}
	if got := told(10 * time.Hour); got != 0 {
		t.Errorf("told %d times of what was dismissed", got)
	}
}

func TestAJumpOfTheClockIsRecordedAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shift atomic.Int64 // in nanoseconds
		o := open(t, t.TempDir(), func(c *desk.Config) {
			c.Now = func() time.Time { return time.Now().AddDate(26, 0, 0).Add(time.Duration(shift.Load())) }
			c.Clock = func(context.Context) (casebook.ClockState, error) {
				return casebook.ClockState{Known: true, Offset: -time.Duration(shift.Load()), Bound: time.Millisecond, Source: "test"}, nil
			}
		})
		run(t, o, func() {
			time.Sleep(10 * time.Second)
			shift.Store(int64(time.Hour))
			time.Sleep(3 * time.Second)
		})
		c, err := o.Reader(casebook.Operator()).Clock(t.Context())
		if err != nil || !c.Off() {
			t.Errorf("got %+v (%v), want a clock that is known to be off", c, err)
		}
		if calls := strings.Join(o.calls(), "\n"); !strings.Contains(calls, "jumped by 1h0m0s") {
			t.Errorf("people were told\n%s", calls)
		}
		o.wantSound()
	})
}

// TestAHeartbeatNamesTheClocksThatRun: provisional moments that passed long ago, and
// stay until somebody grades, crowd out no clock.
func TestAHeartbeatNamesTheClocksThatRun(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("telecom_operator")
	for range 60 {
		o.called(nil)
	}
	o.at(time.Hour)
	i := o.called(casebook.Facts{addresses: casebook.NumberValue(1_000_000)})
	h, err := o.Heartbeat(t.Context(), casebook.Operator())
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Due) != 200 || h.Open < 300 {
		t.Fatalf("a heartbeat names %d of %d, too few to say anything", len(h.Due), h.Open)
	}
	if !slices.ContainsFunc(h.Due, func(d casebook.Duty) bool { return d.Incident == i.ID && d.Stage == "level1_report" }) {
		t.Error("it doesn't name the two hours that run")
	}
	if !slices.IsSortedFunc(h.Due, func(a, b casebook.Duty) int { return a.Due.Compare(b.Due) }) {
		t.Error("the soonest doesn't come first")
	}
}
