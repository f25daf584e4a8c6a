package capture

import (
	"testing"
	"time"
)

func TestMoments(t *testing.T) {
	night := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"1795489200":                     night,
		"1795489200.000001":              night.Add(time.Microsecond),
		"1795489200.0000019":             night.Add(time.Microsecond),
		"1.7954892e9":                    night,
		"2026-11-24T03:00:00Z":           night,
		"2026-11-24T05:00:00.25+0200":    night.Add(250 * time.Millisecond),
		"2026-11-24T05:00:00.25+02:00":   night.Add(250 * time.Millisecond),
		"2026-11-23 22:00:00,5 -05":      night.Add(500 * time.Millisecond),
		"2026/11/24 03:00:00.123456":     night.Add(123456 * time.Microsecond),
		"2026-11-24 03:00:00 UTC":        night,
		"2026-11-24T03:00:00.123456789Z": night.Add(123456 * time.Microsecond),
		"0":                              time.Unix(0, 0).UTC(),
		"2024-02-29T00:00:00Z":           time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
	} {
		if got, ok := parseMoment([]byte(text)); !ok || got != want.UnixMicro() {
			t.Errorf("%q: got %d %v, want %d", text, got, ok, want.UnixMicro())
		}
	}
	for _, text := range []string{"", "-", "-1", ".", "now", "2026-11-24", "2026-13-24T03:00:00Z", "2023-02-29T00:00:00Z", "2026-11-24T24:00:00Z",
		"2026-11-24T03:00:00 ", "2026-11-24T03:00:00+", "2026-11-24T03:00:00+2", "2026-11-24T03:00:00+25:00", "9999999999999", "1e400", "NaN", "7258118400",
		"2026-11-24T03-00-00Z", "\xff\xff\xff\xff-"} {
		if got, ok := parseMoment([]byte(text)); ok {
			t.Errorf("%q: got %d, want it refused", text, got)
		}
	}
}

func TestDaysFirst(t *testing.T) {
	want := time.Date(2026, 11, 4, 15, 0, 0, 0, time.UTC).UnixMicro()
	for _, text := range []string{"04/11/2026 03:00:00 PM", "4/11/2026 15:00", "04/11/2026 15:00:00"} {
		if got, ok := parseTableMoment([]byte(text)); !ok || got != want {
			t.Errorf("%q: got %d %v, want %d", text, got, ok, want)
		}
	}
}
