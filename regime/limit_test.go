package regime

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/casebook"
)

// zones are those of the packs, and some that are hard: half hours, changes at
// midnight, changes of the date line.
var zones = []string{
	"UTC", "Asia/Shanghai", "Europe/Berlin", "Europe/Brussels", "America/New_York", "Asia/Kolkata", "Asia/Seoul", "Australia/Sydney",
	"Australia/Lord_Howe", "America/Havana", "Asia/Beirut", "America/Asuncion", "Africa/Cairo", "Pacific/Apia", "Asia/Kathmandu", "America/Sao_Paulo", "Atlantic/Azores",
}

func zoneNamed(t interface{ Fatal(...any) }, name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func drawMoment(t *rapid.T) time.Time {
	return time.UnixMicro(rapid.Int64Range(1_262_304_000_000_000, 1_893_456_000_000_000).Draw(t, "moment")).UTC() // 2010 to 2030
}

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]Limit{
		"2h": {2, Hours, ""}, "30 min": {30, Minutes, ""}, "1 month": {1, Months, ""}, "3 months": {3, Months, ""}, "14 days": {14, Days, ""},
		"1 day": {1, Days, ""}, "5 working days": {5, WorkingDays, ""}, "at once": {0, AtOnce, ""}, "promptly": {0, NoFigure, "promptly"}, "unknown": {0, NoFigure, "unknown"},
	} {
		got, err := ParseLimit(text)
		if err != nil || got != want {
			t.Errorf("%q: got %v %v, want %v", text, got, err, want)
		}
		if got.String() != text {
			t.Errorf("%q is written %q", text, got)
		}
	}
	for _, text := range []string{"", "0h", "2", "2 hours later", "-1h", "99999h", "1.5h", "h", "two days"} {
		if got, err := ParseLimit(text); !errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("%q: got %v %v, want a refusal", text, got, err)
		}
	}
}

// Hours and minutes elapse: no zone, no calendar and no rule for holidays moves
// them.
func TestHoursElapse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := drawMoment(t)
		n := rapid.IntRange(1, 999).Draw(t, "hours")
		r := reckoning{zoneNamed(t, rapid.SampledFrom(zones).Draw(t, "zone")), Builtin().calendars["cn"], rapid.Bool().Draw(t, "rolls")}
		for unit, span := range map[Unit]time.Duration{Hours: time.Hour, Minutes: time.Minute} {
			if due, _ := r.end(Limit{N: n, Unit: unit}, start); due.Sub(start) != time.Duration(n)*span {
				t.Fatalf("%d from %s: got %s", n, start, due)
			}
		}
		if due, _ := r.end(Limit{Unit: AtOnce}, start); !due.Equal(start) {
			t.Fatalf("at once from %s: got %s", start, due)
		}
	})
}

// A limit of days ends with the last second of its last day, in its zone.
func TestDaysEndWithTheirDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := drawMoment(t)
		zone := zoneNamed(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		n := rapid.IntRange(1, 400).Draw(t, "days")
		due, _ := reckoning{zone: zone}.end(Limit{N: n, Unit: Days}, start)
		want := dayOf(start, zone).AddDate(0, 0, n)
		if got := dayOf(due, zone); !got.Equal(want) && zone.String() != "Pacific/Apia" { // Samoa skipped 2011-12-30
			t.Fatalf("%d days from %s: got the day %s, want %s", n, start.In(zone), dayText(got), dayText(want))
		}
		if after := dayOf(due.Add(time.Second), zone); !after.After(dayOf(due, zone)) {
			t.Fatalf("%s isn't the last second of its day in %s", due.In(zone), zone)
		}
	})
}

// The last second of every day, in every zone, over the years in which the clocks
// of zones were moved most oddly.
func TestLastSecond(t *testing.T) {
	for _, name := range zones {
		zone := zoneNamed(t, name)
		for day := time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2028; day = next(day) {
			last := lastSecond(day, zone)
			if skipped := name == "Pacific/Apia" && dayText(day) == "2011-12-30"; skipped {
				continue
			}
			if !dayOf(last, zone).Equal(day) || dayOf(last.Add(time.Second), zone).Equal(day) {
				t.Fatalf("%s %s: got %s", name, dayText(day), last.In(zone))
			}
		}
	}
}

// drawCalendar makes a calendar of 2026 and 2027 with days off and make-up days.
func drawCalendar(t *rapid.T) *Calendar {
	c := &Calendar{ID: "drawn", Version: "1", From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC),
		Weekend: []time.Weekday{time.Saturday, time.Sunday}, off: map[int64]bool{}, work: map[int64]bool{}}
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, 729), 0, 40).Draw(t, "days") {
		day := c.From.AddDate(0, 0, n)
		if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
			c.work[day.Unix()] = true
		} else {
			c.off[day.Unix()] = true
		}
	}
	return c
}

// Between the day of the event and the last day lie exactly as many working days
// as the limit says, and the last is one.
func TestWorkingDaysAreCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCalendar(t)
		zone := zoneNamed(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		start := c.From.Add(time.Duration(rapid.IntRange(0, 500*24*3600).Draw(t, "second")) * time.Second)
		n := rapid.IntRange(1, 60).Draw(t, "working days")
		due, remark := reckoning{zone: zone, calendar: c}.end(Limit{N: n, Unit: WorkingDays}, start)
		count := 0
		for day := next(dayOf(start, zone)); !day.After(dayOf(due, zone)); day = next(day) {
			if working, _ := c.Working(day); working {
				count++
			}
		}
		if working, _ := c.Working(dayOf(due, zone)); !working || count != n || remark != "" {
			t.Fatalf("%d working days from %s: %d until %s, which is one: %v; %s", n, start.In(zone), count, due.In(zone), working, remark)
		}
	})
}

// Beyond a calendar every day counts: the moment is never later than with any
// calendar that may come, and it is said.
func TestBeyondTheCalendarIsShortest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCalendar(t)
		short := *c
		short.Until = c.From.AddDate(0, 0, rapid.IntRange(0, 300).Draw(t, "covered"))
		start := short.Until.AddDate(0, 0, rapid.IntRange(-20, 60).Draw(t, "from"))
		l := Limit{N: rapid.IntRange(1, 30).Draw(t, "n"), Unit: rapid.SampledFrom([]Unit{WorkingDays, Days, Months}).Draw(t, "unit")}
		known, _ := reckoning{time.UTC, c, true}.end(l, start)
		shortest, remark := reckoning{time.UTC, &short, true}.end(l, start)
		if shortest.After(known) {
			t.Fatalf("%s from %s: %s without the calendar, %s with it", l, start, shortest, known)
		}
		if dayOf(shortest, time.UTC).After(short.Until) && remark == "" {
			t.Fatalf("%s from %s ends on %s beyond the calendar, unsaid", l, start, shortest)
		}
	})
}

// A month later is the same day, or the last one of a shorter month.
func TestMonths(t *testing.T) {
	for _, c := range []struct{ from, want string }{
		{"2026-01-31", "2026-02-28"}, {"2028-01-31", "2028-02-29"}, {"2026-03-31", "2026-04-30"}, {"2026-12-31", "2027-01-31"}, {"2026-02-28", "2026-03-28"}, {"2026-05-15", "2026-06-15"},
	} {
		from, _ := parseDay(c.from)
		if got := dayText(monthLater(from, 1)); got != c.want {
			t.Errorf("a month from %s: got %s, want %s", c.from, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		day := dayOf(drawMoment(t), time.UTC)
		n := rapid.IntRange(1, 30).Draw(t, "months")
		got := monthLater(day, n)
		if months := (got.Year()-day.Year())*12 + int(got.Month()) - int(day.Month()); months != n {
			t.Fatalf("%d months from %s: got %s", n, dayText(day), dayText(got))
		}
		if got.Day() != day.Day() && (got.Day() > day.Day() || next(got).Day() != 1) {
			t.Fatalf("%d months from %s: got %s", n, dayText(day), dayText(got))
		}
	})
}

// A last day that isn't a working day moves to the next one, and no further.
func TestRolling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCalendar(t)
		start := c.From.AddDate(0, 0, rapid.IntRange(0, 500).Draw(t, "day"))
		l := Limit{N: rapid.IntRange(1, 60).Draw(t, "days"), Unit: Days}
		stiff, _ := reckoning{time.UTC, c, false}.end(l, start)
		rolled, _ := reckoning{time.UTC, c, true}.end(l, start)
		for day := dayOf(stiff, time.UTC); day.Before(dayOf(rolled, time.UTC)); day = next(day) {
			if working, _ := c.Working(day); working {
				t.Fatalf("%s from %s rolled over the working day %s to %s", l, start, dayText(day), rolled)
			}
		}
		if working, _ := c.Working(dayOf(rolled, time.UTC)); !working || rolled.Before(stiff) {
			t.Fatalf("%s from %s rolled to %s", l, start, rolled)
		}
	})
}

// TestFederalHolidays reckons the holidays of the United States by their rules and
// compares the calendar with them.
func TestFederalHolidays(t *testing.T) {
	c := Builtin().calendars["us"]
	nth := func(y int, m time.Month, w time.Weekday, n int) time.Time {
		d := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
		return d.AddDate(0, 0, (int(w-d.Weekday())+7)%7+7*(n-1))
	}
	want := map[int64]bool{}
	for y := c.From.Year(); y <= c.Until.Year()+1; y++ {
		lastMay := nth(y, time.June, time.Monday, 1).AddDate(0, 0, -7)
		day := func(m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
		for _, d := range []time.Time{day(1, 1), nth(y, 1, time.Monday, 3), nth(y, 2, time.Monday, 3), lastMay, day(6, 19), day(7, 4),
			nth(y, 9, time.Monday, 1), nth(y, 10, time.Monday, 2), day(11, 11), nth(y, 11, time.Thursday, 4), day(12, 25)} {
			switch d.Weekday() {
			case time.Saturday:
				d = d.AddDate(0, 0, -1)
			case time.Sunday:
				d = next(d)
			}
			if !d.Before(c.From) && !d.After(c.Until) {
				want[d.Unix()] = true
			}
		}
	}
	if got := fmt.Sprint(c.off); got != fmt.Sprint(want) {
		t.Errorf("got  %s\nwant %s", got, fmt.Sprint(want))
	}
}

func TestChinasMakeUpDays(t *testing.T) {
	c := Builtin().calendars["cn"]
	for day, want := range map[string]bool{
		"2026-02-14": true, "2026-02-15": false, "2026-02-23": false, "2026-02-24": true, "2026-02-28": true, "2026-03-01": false,
		"2026-09-20": true, "2026-10-07": false, "2026-10-08": true, "2026-10-10": true, "2026-10-11": false, "2025-09-28": true, "2025-10-08": false,
	} {
		d, _ := parseDay(day)
		if got, known := c.Working(d); got != want || !known {
			t.Errorf("%s: working %v, known %v; want working %v", day, got, known, want)
		}
	}
	if _, known := c.Working(time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC)); known {
		t.Error("2027 isn't decreed, and the calendar says it is")
	}
}
