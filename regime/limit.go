package regime

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"tocsin/casebook"
)

// Unit is what a limit is counted in.
type Unit uint8

// The units. Minutes and hours elapse and never move. Days, working days and
// months end with the last second of their last day. NoFigure is a limit that the
// law puts in a word ("promptly") or leaves to an order: somebody has to say more.
const (
	NoFigure Unit = iota
	AtOnce
	Minutes
	Hours
	Days
	WorkingDays
	Months
)

// Limit is how long there is.
type Limit struct {
	N    int
	Unit Unit
	Word string // of NoFigure: "promptly", "as ordered", "unknown"
}

var limitText = regexp.MustCompile(`^(\d{1,4}) ?(min|h|days?|working days?|months?)$`)

// words that stand for a limit without a figure.
var limitWords = []string{"promptly", "as ordered", "no figure", "unknown"}

// ParseLimit reads a limit as the packs write it: 30 min, 2h, 14 days, 5 working
// days, 1 month, at once; or one of the words that carry no figure: promptly, as
// ordered, no figure, unknown.
func ParseLimit(s string) (Limit, error) {
	if s == "at once" {
		return Limit{Unit: AtOnce}, nil
	}
	for _, w := range limitWords {
		if s == w {
			return Limit{Word: w}, nil
		}
	}
	m := limitText.FindStringSubmatch(s)
	if m == nil {
		return Limit{}, fmt.Errorf("limit %.40q, expected such as 2h, 30 min, 14 days, 5 working days, 1 month, at once, promptly, as ordered or unknown: %w", s, casebook.ErrInvalid)
	}
	n, _ := strconv.Atoi(m[1])
	if n == 0 {
		return Limit{}, fmt.Errorf("limit %q: zero is written at once: %w", s, casebook.ErrInvalid)
	}
	l := Limit{N: n}
	switch m[2][0] {
	case 'h':
		l.Unit = Hours
	case 'd':
		l.Unit = Days
	case 'w':
		l.Unit = WorkingDays
	case 'm':
		l.Unit = Minutes
		if len(m[2]) > 3 {
			l.Unit = Months
		}
	}
	return l, nil
}

// String writes the limit as ParseLimit reads it.
func (l Limit) String() string {
	many := "s"
	if l.N == 1 {
		many = ""
	}
	switch l.Unit {
	case AtOnce:
		return "at once"
	case Minutes:
		return fmt.Sprintf("%d min", l.N)
	case Hours:
		return fmt.Sprintf("%dh", l.N)
	case Days:
		return fmt.Sprintf("%d day%s", l.N, many)
	case WorkingDays:
		return fmt.Sprintf("%d working day%s", l.N, many)
	case Months:
		return fmt.Sprintf("%d month%s", l.N, many)
	}
	return l.Word
}

// byDay reports whether the limit ends with a day, so that zone and calendar
// decide its moment.
func (l Limit) byDay() bool { return l.Unit >= Days }

// reckoning is all that decides where a limit ends.
type reckoning struct {
	zone     *time.Location
	calendar *Calendar // of working days
	rolls    bool      // a last day that isn't a working day moves to the next one
}

// end gives the last second on time, and a remark where the calendar doesn't
// reach so far. The day of the event isn't counted: the day after is day 1 (Reg.
// 1182/71 art. 3(1) says so, and no regime of the research says otherwise).
func (r reckoning) end(l Limit, started time.Time) (due time.Time, remark string) {
	switch l.Unit {
	case Minutes:
		return started.Add(time.Duration(l.N) * time.Minute), ""
	case Hours:
		return started.Add(time.Duration(l.N) * time.Hour), ""
	case Days, WorkingDays, Months:
	default:
		return started, ""
	}
	day := dayOf(started, r.zone)
	switch l.Unit {
	case Days:
		day = day.AddDate(0, 0, l.N)
	case Months:
		day = monthLater(day, l.N)
	case WorkingDays:
		for left := l.N; left > 0; {
			day = next(day)
			working, known := r.calendar.Working(day)
			if !known {
				remark = r.calendar.short(day)
			}
			if working {
				left--
			}
		}
	}
	for r.rolls {
		working, known := r.calendar.Working(day)
		if !known {
			remark = r.calendar.short(day)
		}
		if working {
			break
		}
		day = next(day)
	}
	return lastSecond(day, r.zone), remark
}

// noon moves a moment that falls on a day on which people don't work to noon of the
// next day on which they do; ok is false where it falls on a working day.
func (r reckoning) noon(due time.Time) (moved time.Time, ok bool) {
	day := dayOf(due, r.zone)
	for working, _ := r.calendar.Working(day); !working; working, _ = r.calendar.Working(day) {
		day, ok = next(day), true
	}
	return time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, r.zone), ok
}
