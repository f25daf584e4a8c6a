package casebook

import (
	"testing"
	"time"
)

func TestRhythm(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(hours ...float64) (all []time.Time) {
		for _, h := range hours {
			all = append(all, noon.Add(time.Duration(h*float64(time.Hour))))
		}
		return all
	}
	for _, c := range []struct {
		name     string
		arrivals []time.Time
		want     time.Duration
	}{
		{"nothing came", nil, 0},
		{"three times are too few", at(0, 24, 48), 0},
		{"daily", at(0, 24, 48, 72), 24 * time.Hour},
		{"daily, in any order", at(72, 0, 48, 24), 24 * time.Hour},
		{"daily, one day missed", at(0, 24, 72, 96, 120), 24 * time.Hour},
		{"daily, two files at once each day", at(0, 0.001, 24, 24.001, 48, 48.001, 72, 72.001), 24*time.Hour - 3600*time.Millisecond},
		{"all in one minute", at(0, 0.001, 0.002, 0.003, 0.004), 0},
		{"hourly", at(0, 1, 2, 3, 4), time.Hour},
	} {
		if got := Rhythm(c.arrivals); got.Round(time.Second) != c.want.Round(time.Second) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		usual, age time.Duration
		want       bool
	}{{0, 1000 * time.Hour, false}, {time.Hour, 3 * time.Hour, false}, {time.Hour, 3*time.Hour + 1, true}} {
		if got := Silent(c.usual, c.age); got != c.want {
			t.Errorf("usually %v, silent for %v: got %v", c.usual, c.age, got)
		}
	}
}
