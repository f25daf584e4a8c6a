package feed

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
)

// The moments that a claim can be of. What lies outside is a slip of the pen.
var (
	firstMoment = time.Date(1970, 1, 1, 0, 0, 1, 0, time.UTC).Unix()
	lastMoment  = time.Date(2199, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
)

// clock reads moments as a format writes them. The layouts are tried in order:
// "rfc3339", "unix" and "unix-ms" (since 1970, a fraction allowed), or a layout
// of package time. What has no zone of its own is in the clock's.
type clock struct {
	layouts []string
	zone    *time.Location

	day      [10]byte // the last date seen, and its first second in UTC
	dayStart int64
}

// read gives the moment in UTC, to the microsecond.
func (c *clock) read(b []byte) (time.Time, bool) {
	for _, layout := range c.layouts {
		var t time.Time
		var ok bool
		switch layout {
		case "rfc3339":
			t, ok = c.calendar(b)
		case "unix":
			t, ok = sinceEpoch(b, 1e6)
		case "unix-ms":
			t, ok = sinceEpoch(b, 1e3)
		default:
			var err error
			t, err = time.ParseInLocation(layout, string(b), c.zone)
			t, ok = t.UTC().Truncate(time.Microsecond), err == nil
		}
		if s := t.Unix(); ok && s >= firstMoment && s <= lastMoment {
			return t, true
		}
	}
	return time.Time{}, false
}

// calendar reads 2021-03-04T05:06:07 with T or a blank between, as many digits
// of the second as there are, and Z, +01:00, +0100, +01 or nothing behind.
func (c *clock) calendar(b []byte) (time.Time, bool) {
	if len(b) < 19 || b[13] != ':' || b[16] != ':' || b[10] != ' ' && b[10] != 'T' && b[10] != 't' {
		return time.Time{}, false
	}
	if [10]byte(b) != c.day && !c.turn(b[:10]) {
		return time.Time{}, false
	}
	hour, minute, second := two(b[11:]), two(b[14:]), two(b[17:])
	if hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	// A leap second is counted as the second after it, as package time does.
	at := c.dayStart + int64(hour*3600+minute*60+second)
	rest, micros := b[19:], int64(0)
	if len(rest) > 1 && rest[0] == '.' {
		unit := int64(100_000)
		rest = rest[1:]
		for len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9' {
			micros += int64(rest[0]-'0') * unit
			unit /= 10
			rest = rest[1:]
		}
	}
	if len(rest) == 0 && c.zone != time.UTC {
		y, m, d := time.Unix(c.dayStart, 0).UTC().Date()
		return time.Date(y, m, d, hour, minute, second, int(micros)*1000, c.zone).UTC(), true
	}
	offset, ok := zoneOffset(rest)
	return time.UnixMicro((at-offset)*1e6 + micros).UTC(), ok
}

// turn makes another date the current day.
func (c *clock) turn(date []byte) bool {
	if date[4] != '-' || date[7] != '-' {
		return false
	}
	t, err := time.Parse(time.DateOnly, string(date))
	if err != nil {
		return false
	}
	c.day, c.dayStart = [10]byte(date), t.Unix()
	return true
}

// two reads two digits; anything else gives a number that is too high.
func two(b []byte) int {
	tens, ones := b[0]-'0', b[1]-'0'
	if tens > 9 || ones > 9 {
		return 100
	}
	return int(tens)*10 + int(ones)
}

// zoneOffset gives the seconds east of UTC.
func zoneOffset(b []byte) (int64, bool) {
	switch {
	case len(b) == 0, len(b) == 1 && (b[0] == 'Z' || b[0] == 'z'):
		return 0, true
	case len(b) < 3 || b[0] != '+' && b[0] != '-':
		return 0, false
	}
	hours, minutes := two(b[1:]), 0
	switch {
	case len(b) == 5:
		minutes = two(b[3:])
	case len(b) == 6 && b[3] == ':':
		minutes = two(b[4:])
	case len(b) != 3:
		return 0, false
	}
	if hours > 23 || minutes > 59 {
		return 0, false
	}
	offset := int64(hours*3600 + minutes*60)
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// sinceEpoch reads a count of units since 1970; unit is one in microseconds.
func sinceEpoch(b []byte, unit int64) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(string(b), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < 0 || n > lastMoment*1e6/unit {
		return time.Time{}, false
	}
	micros := n * unit
	for _, digit := range []byte(fraction) {
		if digit < '0' || digit > '9' {
			return time.Time{}, false
		}
		unit /= 10
		micros += int64(digit-'0') * unit
	}
	return time.UnixMicro(micros).UTC(), true
}

// checkLayout gives ErrInvalid for a layout that could never tell a moment.
func checkLayout(layout string) error {
	switch layout {
	case "rfc3339", "unix", "unix-ms":
		return nil
	}
	sample := time.Date(2021, 11, 22, 13, 14, 15, 0, time.UTC)
	text := sample.Format(layout)
	if back, err := time.Parse(layout, text); err != nil || text == layout || back.YearDay() != sample.YearDay() || back.Year() != sample.Year() {
		return fmt.Errorf("time layout %q: expected rfc3339, unix, unix-ms or a layout of the Go package time that has year, month and day: %w", layout, casebook.ErrInvalid)
	}
	return nil
}
