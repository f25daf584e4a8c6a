package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// momentForms are the ways in which people and spreadsheets write moments; those
// with an offset first. What puts day and month in an order that nobody can tell
// (3/4/2026) isn't among them.
var momentForms = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04Z07:00",
	"2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04", "2006-01-02",
	"2006/1/2 15:04:05", "2006/1/2 15:04", "2006/1/2", "2006.1.2 15:04:05", "2006.1.2 15:04", "2006.1.2",
	"2006年1月2日 15:04:05", "2006年1月2日 15:04", "2006年1月2日15:04:05", "2006年1月2日15:04", "2006年1月2日15时04分", "2006年1月2日",
	"2.1.2006 15:04:05", "2.1.2006 15:04", "2.1.2006",
}

// readMoment reads a moment; one without an offset is meant in zone. A day without
// a time is its last second, since it is the last on which something holds. "" is the
// zero moment. A spreadsheet's own number of days since 1899-12-30 is understood.
func readMoment(s string, zone *time.Location) (time.Time, error) {
	if s = strings.TrimSpace(s); s == "" {
		return time.Time{}, nil
	}
	for _, form := range momentForms {
		t, err := time.ParseInLocation(form, s, zone)
		if err != nil || t.Year() < 1990 || t.Year() > 2199 {
			continue
		}
		if !strings.Contains(form, "15") {
			t = t.AddDate(0, 0, 1).Add(-time.Second)
		}
		return t.UTC(), nil
	}
	// 33,000 to 109,000 are the years 1990 to 2198.
	if days, err := strconv.ParseFloat(s, 64); err == nil && days >= 33_000 && days < 109_000 {
		day := time.Date(1899, 12, 30, 0, 0, 0, 0, zone).AddDate(0, 0, int(days))
		seconds := int((days-float64(int(days)))*86400 + 0.5)
		return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, seconds, 0, zone).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%.40q is no moment: write 2026-11-25 18:00, with an offset if it isn't meant in your own zone", s)
}
