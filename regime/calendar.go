package regime

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a pack's zone must mean the same on a machine without a zone database

	"github.com/goccy/go-yaml"

	"tocsin/casebook"
)

// Calendar says which days are working days, from one day to another. It is dated
// data with a source: what lies outside its days isn't known.
type Calendar struct {
	ID      string
	Version string
	File    string // where it was read from, for messages
	About   string
	Sources []string
	From    time.Time // first day it covers
	Until   time.Time // last day it covers
	Weekend []time.Weekday
	off     map[int64]bool // days off that a source is sure of, by Unix second
	work    map[int64]bool // weekend days on which people work
	unsure  map[int64]bool // days off from memory only: they count as working days
}

// Name is what a duty keeps of it: "cn 2025-11-04".
func (c *Calendar) Name() string { return c.ID + " " + c.Version }

// Working reports whether people work on a day, and whether the calendar covers
// it. Of a day that it doesn't cover the shortest reading is given: that people
// work, whatever day of the week it is.
func (c *Calendar) Working(day time.Time) (working, known bool) {
	key := day.Unix()
	switch {
	case day.Before(c.From) || day.After(c.Until):
		return true, false
	case c.work[key]:
		return true, true
	case c.off[key]:
		return false, true
	}
	return !slices.Contains(c.Weekend, day.Weekday()), true
}

// short says that a day isn't covered.
func (c *Calendar) short(day time.Time) string {
	return fmt.Sprintf("the calendar %s covers %s to %s and not %s: every day beyond it counts as a working day, which is the shortest reading; put the next calendar in the site's folder",
		c.Name(), dayText(c.From), dayText(c.Until), dayText(day))
}

type calendarFile struct {
	Calendar string       `yaml:"calendar"`
	Version  string       `yaml:"version"`
	About    string       `yaml:"about"`
	Sources  []string     `yaml:"sources"`
	From     string       `yaml:"from"`
	Until    string       `yaml:"until"`
	Weekend  []string     `yaml:"weekend"`
	Days     []calendarGo `yaml:"days"`
}

// calendarGo is one entry: days off, or weekend days on which people work.
type calendarGo struct {
	Off        string `yaml:"off"` // a day, or "2026-10-01 to 2026-10-07"
	Work       string `yaml:"work"`
	Name       string `yaml:"name"`
	Confidence string `yaml:"confidence"` // text unless said
}

const (
	maxCalendarDays = 3660
	maxPackSize     = 256 << 10
)

// readCalendar reads a calendar. It gives ErrInvalid, naming file and line.
func readCalendar(file string, text []byte) (*Calendar, error) {
	var in calendarFile
	if err := yaml.UnmarshalWithOptions(text, &in, yaml.Strict()); err != nil {
		return nil, yamlFault(file, err)
	}
	c := &Calendar{File: file, ID: in.Calendar, Version: in.Version, About: in.About, Sources: in.Sources,
		off: map[int64]bool{}, work: map[int64]bool{}, unsure: map[int64]bool{}}
	var err error
	if c.From, err = time.Parse(time.DateOnly, in.From); err == nil {
		c.Until, err = time.Parse(time.DateOnly, in.Until)
	}
	if err != nil || c.Until.Before(c.From) || c.ID == "" || c.Version == "" || len(c.Sources) == 0 {
		return nil, fmt.Errorf("calendar %s: expected calendar, version, sources, and from and until as days such as 2026-01-01: %w", file, casebook.ErrInvalid)
	}
	for _, w := range in.Weekend {
		i := slices.Index([]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}, w)
		if i < 0 {
			return nil, fmt.Errorf("calendar %s: weekend: %.40q is no day of the week: %w", file, w, casebook.ErrInvalid)
		}
		c.Weekend = append(c.Weekend, time.Weekday(i))
	}
	for i, entry := range in.Days {
		if err := c.add(entry); err != nil {
			return nil, fmt.Errorf("calendar %s: days: entry %d: %w", file, i+1, err)
		}
	}
	return c, nil
}

func (c *Calendar) add(entry calendarGo) error {
	span, into := entry.Off, c.off
	if entry.Work != "" {
		span, into = entry.Work, c.work
	}
	if (entry.Off == "") == (entry.Work == "") {
		return fmt.Errorf("expected either off or work: %w", casebook.ErrInvalid)
	}
	if entry.Confidence != "" && !slices.Contains(confidences, entry.Confidence) {
		return fmt.Errorf("confidence %.40q%s: %w", entry.Confidence, meant(entry.Confidence, confidences), casebook.ErrInvalid)
	}
	if entry.Confidence != "" && !sure(entry.Confidence) && entry.Off != "" {
		into = c.unsure // a day off only from memory would lengthen a limit
	}
	first, last, ranged := strings.Cut(span, " to ")
	if !ranged {
		last = first
	}
	from, err := time.Parse(time.DateOnly, first)
	if err != nil {
		return fmt.Errorf("%.40q is no day such as 2026-10-01: %w", first, casebook.ErrInvalid)
	}
	until, err := time.Parse(time.DateOnly, last)
	if err != nil || until.Before(from) || until.Sub(from) > maxCalendarDays*24*time.Hour || from.Before(c.From) || until.After(c.Until) {
		return fmt.Errorf("%.40q is no span of days within the calendar: %w", span, casebook.ErrInvalid)
	}
	for day := from; !day.After(until); day = next(day) {
		if c.off[day.Unix()] || c.work[day.Unix()] || c.unsure[day.Unix()] {
			return fmt.Errorf("%s is there twice: %w", dayText(day), casebook.ErrInvalid)
		}
		into[day.Unix()] = true
	}
	return nil
}

// yamlFault says where a YAML text is at fault.
func yamlFault(file string, err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return fmt.Errorf("%s line %d: %s: %w", file, at.GetToken().Position.Line, at.GetMessage(), casebook.ErrInvalid)
	}
	return fmt.Errorf("%s: %v: %w", file, err, casebook.ErrInvalid)
}

// CalendarEnds says, as of a moment, that a pack counts working days on a calendar
// that has run out or does so within 60 days; "" if neither.
func (p *Pack) CalendarEnds(at time.Time) (warning string, expired bool) {
	counts := slices.ContainsFunc(p.Stages, func(s Stage) bool {
		return s.Rolls != nil || slices.ContainsFunc(s.Limits, func(r Reading) bool { return r.limit.Unit == WorkingDays })
	})
	day := dayOf(at, p.zone)
	switch c := p.calendar; {
	case !counts || p.InForce.Until != "" && dayText(day) > p.InForce.Until || c == weekends:
		return "", false
	case day.After(c.Until):
		return "expired: " + c.short(day), true
	case day.AddDate(0, 0, 60).After(c.Until):
		return c.short(c.Until.AddDate(0, 0, 1)), false
	}
	return "", false
}
