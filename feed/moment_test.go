package feed

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMomentsAreReadAsPublishersWriteThem(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		layout, text, want string
		zone               *time.Location
	}{
		{"rfc3339", "2021-03-04 05:06:07", "2021-03-04T05:06:07Z", time.UTC},
		{"rfc3339", "2021-03-04T05:06:07Z", "2021-03-04T05:06:07Z", time.UTC},
		{"rfc3339", "2018-08-01T00:00:00+00", "2018-08-01T00:00:00Z", time.UTC},
		{"rfc3339", "2021-03-04T05:06:07.1234567-01:30", "2021-03-04T06:36:07.123456Z", time.UTC},
		{"rfc3339", "2021-03-04 05:06:07+0130", "2021-03-04T03:36:07Z", time.UTC},
		{"rfc3339", "2020-02-29 23:59:60", "2020-03-01T00:00:00Z", time.UTC},
		{"rfc3339", "2021-07-04 05:06:07", "2021-07-04T03:06:07Z", berlin},
		{"rfc3339", "2021-07-04 05:06:07.5", "2021-07-04T03:06:07.5Z", berlin},
		{"rfc3339", "2021-07-04 05:06:07Z", "2021-07-04T05:06:07Z", berlin},
		{"unix", "1763800000", "2025-11-22T08:26:40Z", time.UTC},
		{"unix", "1763800000.5", "2025-11-22T08:26:40.5Z", time.UTC},
		{"unix-ms", "1763800000123", "2025-11-22T08:26:40.123Z", time.UTC},
		{"2006-01-02", "2021-03-04", "2021-03-04T00:00:00Z", time.UTC},
		{"02.01.2006 15:04", "04.07.2021 05:06", "2021-07-04T03:06:00Z", berlin},
		{"Mon, 02 Jan 2006 15:04:05 -0700", "Thu, 04 Mar 2021 05:06:07 +0100", "2021-03-04T04:06:07Z", time.UTC},
	}
	for _, tc := range cases {
		c := clock{layouts: []string{tc.layout}, zone: tc.zone}
		got, ok := c.read([]byte(tc.text))
		if !ok || got.Format(time.RFC3339Nano) != tc.want || got.Location() != time.UTC {
			t.Errorf("%s %q: got %v %v, want %s", tc.layout, tc.text, got, ok, tc.want)
		}
		if err := checkLayout(tc.layout); err != nil {
			t.Error(err)
		}
	}
	for layout, texts := range map[string][]string{
		"rfc3339": {"", "2021-03-04", "2021-02-29 00:00:00", "2021-13-04 00:00:00", "2021-03-04 24:00:00", "2021-03-04 00:60:00", "2021-03-04 00:00:61",
			"2021-03-04 00:00:00.", "2021-03-04 00:00:00 UTC", "2021-03-04 00:00:00+24", "2021-03-04 00:00:00+0", "2021/03/04 00:00:00", "20x1-03-04 00:00:00",
			"1969-12-31 23:59:59", "2200-01-01 00:00:00", "9999-12-31 23:59:59", "0000-00-00 00:00:00"},
		"unix":    {"", "-1", "0", "1e9", "99999999999999", "1763800000.x", "0x10"},
		"unix-ms": {"99999999999999999999", "."},
	} {
		for _, text := range texts {
			c := clock{layouts: []string{layout}, zone: time.UTC}
			if got, ok := c.read([]byte(text)); ok {
				t.Errorf("%s %q: got %v, want none", layout, text, got)
			}
		}
	}
}

func TestNoRowIsLaterThanTheBound(t *testing.T) {
	last := time.Date(2026, 11, 22, 10, 0, 0, 500_000_000, time.FixedZone("", -3600)) // 11:00:00.5 in UTC
	const lies = " lies after 2026-11-22T11:00:00Z: the source's clock or the row is wrong"
	cases := []struct {
		name, moment string
		last         time.Time
		reason       string
	}{
		{"before", "2026-11-22 10:59:59", last, ""},
		{"the last moment itself", "2026-11-22 11:00:00.5", last, ""},
		{"a microsecond later", "2026-11-22 11:00:00.500001", last, `"2026-11-22 11:00:00.500001"` + lies},
		{"later, told in another zone", "2026-11-22T10:30:00-01:00", last, `"2026-11-22T10:30:00-01:00"` + lies},
		{"no moment at all", "2026-11-31 00:00:00", last, "is not a moment"},
		{"no bound", "2199-12-31 23:59:59", time.Time{}, ""},
	}
	for _, tc := range cases {
		text := sinkholeHeader + "2021-03-04 00:00:00,tcp,192.0.2.7,1,,,,,\n" + tc.moment + ",tcp,192.0.2.7,1,,,,,\n"
		r := readInput(t, format(t, "shadowserver"), Input{Type: "event4_sinkhole", Body: strings.NewReader(text), NotAfter: tc.last})
		switch {
		case r.err != nil || len(r.keys)+len(r.refused) != 2:
			t.Errorf("%s: got %d taken, %d refused, %v", tc.name, len(r.keys), len(r.refused), r.err)
		case tc.reason == "" && len(r.refused) > 0:
			t.Errorf("%s: got %+v, want it taken", tc.name, r.refused[0])
		case tc.reason != "" && (len(r.refused) != 1 || r.refused[0].Line != 3 || r.refused[0].Field != "timestamp" || !strings.Contains(r.refused[0].Reason, tc.reason)):
			t.Errorf("%s: got %+v, want line 3, field timestamp, reason … %s", tc.name, r.refused, tc.reason)
		}
	}
}

// TestCalendarAgreesWithPackageTime reads what package time writes.
func TestCalendarAgreesWithPackageTime(t *testing.T) {
	c := clock{layouts: []string{"rfc3339"}, zone: time.UTC}
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", 60*rapid.IntRange(-14*60, 14*60).Draw(t, "minutes east"))
		at := time.UnixMicro(rapid.Int64Range(firstMoment*1e6, lastMoment*1e6).Draw(t, "at")).In(zone)
		got, ok := c.read([]byte(at.Format(time.RFC3339Nano)))
		if !ok || !got.Equal(at) {
			t.Errorf("got %v %v, want %v", got, ok, at)
		}
	})
}
