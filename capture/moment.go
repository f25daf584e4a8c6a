package capture

import "bytes"

// parseMoment reads a moment: seconds since 1970 with a fraction, or a finer unit, or a date with a
// time of day, as RFC 3339 or near it ("2013/07/13 15:42:13.5", "…+0200"). Without
// a zone it is UTC. It must lie between 1970 and 2199.
func parseMoment(b []byte) (int64, bool) {
	var at int64
	var ok bool
	if len(b) > 4 && (b[4] == '-' || b[4] == '/') {
		at, ok = parseDate(b)
	} else {
		at, ok = parseMicros(b)
		if !ok || at >= maxMoment {
			at, ok = parseFiner(b)
		}
	}
	return at, ok && at >= 0 && at < maxMoment
}

// parseFiner reads milliseconds, microseconds or nanoseconds since 1970, which their
// number of digits tells apart from 2001 to 2286.
func parseFiner(b []byte) (int64, bool) {
	n := bytes.IndexByte(b, '.')
	if n < 0 {
		n = len(b)
	}
	if n != 13 && n != 16 && n != 19 {
		return 0, false
	}
	micros, ok := digits(b[:min(n, 16)])
	if n > 13 || !ok {
		return micros, ok
	}
	unit := int64(100)
	for micros *= 1000; n+1 < len(b) && b[n+1]-'0' <= 9; n++ {
		micros += int64(b[n+1]-'0') * unit
		unit /= 10
	}
	return micros, true
}

// parseDate reads YYYY-MM-DD hh:mm:ss, fraction and zone.
func parseDate(b []byte) (int64, bool) {
	if len(b) < 19 {
		return 0, false
	}
	year, ok1 := digits(b[0:4])
	month, ok2 := digits(b[5:7])
	day, ok3 := digits(b[8:10])
	hour, ok4 := digits(b[11:13])
	minute, ok5 := digits(b[14:16])
	second, ok6 := digits(b[17:19])
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || b[4] != b[7] || b[13] != ':' || b[16] != ':' {
		return 0, false
	}
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 60 {
		return 0, false
	}
	micros := ((daysSince(year, month, day)*24+hour)*60+minute)*60 + second
	micros *= 1e6
	b = b[19:]
	if len(b) > 0 && (b[0] == '.' || b[0] == ',') {
		unit := int64(100_000)
		for b = b[1:]; len(b) > 0 && b[0]-'0' <= 9; b = b[1:] {
			micros += int64(b[0]-'0') * unit
			unit /= 10
		}
	}
	offset, ok := parseZone(b)
	return micros - offset*1e6, ok
}

// parseZone reads Z, +02, +0200, +02:00, UTC or nothing, as seconds east.
func parseZone(b []byte) (int64, bool) {
	switch string(b) {
	case "", "Z", "z", " UTC", "UTC", " GMT":
		return 0, true
	}
	if b[0] == ' ' {
		b = b[1:]
	}
	if len(b) == 0 || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	sign := int64(1)
	if b[0] == '-' {
		sign = -1
	}
	b = b[1:]
	if len(b) == 5 && b[2] == ':' {
		b[2], b[3], b = b[3], b[4], b[:4]
	}
	hour, ok := int64(0), false
	minute := int64(0)
	if len(b) == 2 || len(b) == 4 {
		hour, ok = digits(b[:2])
	}
	if ok && len(b) == 4 {
		minute, ok = digits(b[2:])
	}
	return sign * (hour*60 + minute) * 60, ok && hour < 24 && minute < 60
}

func digits(b []byte) (int64, bool) {
	var n int64
	for _, c := range b {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	return n, true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince counts days since 1970-01-01 in the Gregorian calendar, by years that
// begin in March, so that the leap day is their last.
func daysSince(year, month, day int64) int64 {
	if month <= 2 {
		year, month = year-1, month+12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 719469
}
