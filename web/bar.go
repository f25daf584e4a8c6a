package web

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/store"
)

// barWidth is how wide the bar of the largest figure is, in pixels.
const barWidth = 96

// bar draws a figure beside its number, as a share of the largest in its column. It
// says nothing that the number doesn't.
func bar(n, most int64) template.HTML {
	if n <= 0 || most <= 0 {
		return ""
	}
	w := max(1, math.Round(barWidth*float64(n)/float64(most)))
	// Numbers alone: nothing in it comes from outside.
	return template.HTML(fmt.Sprintf(`<svg class="bar" width="%d" height="8" viewBox="0 0 %d 8" aria-hidden="true" focusable="false"><rect width="%.0f" height="8"/></svg>`, barWidth, barWidth, w))
}

// percent writes a range of confidence, given in thousandths.
func percent(low, high int64) string {
	if low/10 == high/10 {
		return fmt.Sprintf("%d %%", low/10)
	}
	return fmt.Sprintf("%d–%d %%", low/10, high/10)
}

// step writes when a step of a time series begins: the hour in UTC, or the day.
func (l *language) step(hourly bool, at time.Time) template.HTML {
	if !hourly {
		return l.dayOf(at)
	}
	return template.HTML(`<time datetime="` + at.UTC().Format(time.RFC3339) + `">` + at.UTC().Format("15:04") + `</time>`)
}

// stripDays is of how many days a threat's strip tells.
const stripDays = 91

// A strip is the days on which a threat was seen, as a calendar of weeks.
type strip struct {
	Days   []stripDay
	Runs   []dayRun // days without a gap, the newest first
	Seen   int      // days of the strip on which it was seen
	Before bool     // it was seen before the strip begins
}

// stripDay is one day of it.
type stripDay struct {
	Day    casebook.Day
	Assets int64
}

// dayRun is days from First to Last on each of which the threat was seen.
type dayRun struct {
	First, Last casebook.Day
	Most        int64 // assets on the day with the most
}

// makeStrip makes the strip of the weeks up to a day.
func makeStrip(days []store.ThreatDay, last casebook.Day) strip {
	assets := map[casebook.Day]int64{}
	s := strip{}
	first := last - stripDays + 1
	for _, d := range days {
		if d.Day < first {
			s.Before = true
		} else if d.Day <= last {
			assets[d.Day] += d.Assets
		}
	}
	for day := first; day <= last; day++ {
		n := assets[day]
		s.Days = append(s.Days, stripDay{day, n})
		if n == 0 {
			continue
		}
		s.Seen++
		if len(s.Runs) > 0 && s.Runs[0].Last == day-1 {
			s.Runs[0].Last, s.Runs[0].Most = day, max(s.Runs[0].Most, n)
		} else {
			s.Runs = append([]dayRun{{day, day, n}}, s.Runs...)
		}
	}
	return s
}

// Draw draws the strip: a column a week, a square a day from Monday down, darker the
// more assets were seen. What it says stands beside it in words.
func (s strip) Draw() template.HTML {
	const side, gap = 11, 2
	most := int64(0)
	for _, d := range s.Days {
		most = max(most, d.Assets)
	}
	var b strings.Builder
	weeks := (len(s.Days) + 6 + 6) / 7
	fmt.Fprintf(&b, `<svg class="strip" width="%d" height="%d" aria-hidden="true" focusable="false">`, weeks*(side+gap), 7*(side+gap))
	monday := int(s.Days[0].Day.Start().Weekday()+6) % 7
	for i, d := range s.Days {
		level := 0
		if d.Assets > 0 {
			level = 1 + int(3*math.Log1p(float64(d.Assets))/math.Log1p(float64(most)))
		}
		place := i + monday
		fmt.Fprintf(&b, `<rect class="d%d" x="%d" y="%d" width="%d" height="%d"/>`, min(level, 4), place/7*(side+gap), place%7*(side+gap), side, side)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // numbers alone
}
