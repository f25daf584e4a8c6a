package regime

import "time"

// A day is a date without a zone, kept as midnight UTC of that date.

func dayOf(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func next(day time.Time) time.Time { return day.AddDate(0, 0, 1) }

func dayText(day time.Time) string { return day.Format(time.DateOnly) }

// lastSecond gives the last second of a day in a zone. A zone may skip or repeat
// midnight, so it looks for the moment at which the date changes.
func lastSecond(day time.Time, zone *time.Location) time.Time {
	low := time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, zone)
	high := low.Add(36 * time.Hour)
	for high.Sub(low) > time.Second {
		middle := low.Add((high.Sub(low) / 2).Truncate(time.Second))
		if middle.Equal(low) {
			break
		}
		if dayOf(middle, zone).After(day) {
			high = middle
		} else {
			low = middle
		}
	}
	return low
}

// monthLater gives the same day n months on, or that month's last day if it has
// no such day.
func monthLater(day time.Time, n int) time.Time {
	first := time.Date(day.Year(), day.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1)
	return first.AddDate(0, 0, min(day.Day(), last.Day())-1)
}

// periodEnd gives the last day of the month, or of the quarter, that a day is in.
func periodEnd(day time.Time, months int) time.Time {
	into := (int(day.Month()) - 1) % months
	return time.Date(day.Year(), day.Month()-time.Month(into)+time.Month(months), 0, 0, 0, 0, 0, time.UTC)
}
