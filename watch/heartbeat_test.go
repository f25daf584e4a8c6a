package watch

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tocsin/casebook"
)

const someBeat = `{"kind":"heartbeat","instance":"log_1","now":"2026-02-16T14:00:00.000123Z","started":"2026-02-16T12:00:00Z",
"watched_at":"2026-02-16T13:59:59Z","clock_offset_ms":12.5,"clock_known":true,"checkpoint":"…","open":123,"due":[
{"duty":"dty_2","incident":"inc_1","party":"Example\nTelecom","regime":"cn-cac-2025","stage":"initial","article":"art. 4","due":"2026-02-16T18:30:00Z","local":"2026-02-17T02:30:00+08:00","zone":"Asia/Shanghai","provisional":true,"state":"open"},
{"duty":"dty_1","incident":"inc_1","due":"2026-02-16T16:00:00.5Z","state":"unset"},
{"duty":"dty_1","incident":"inc_1","due":"2026-02-16T16:00:00.5Z","state":"unset"},
{"duty":"dty_3","incident":"inc_1","due":"2026-02-16T15:00:00Z","state":"met"},
{"duty":"dty_4","incident":"inc_1","due":"soon","state":"open"}]}`

func TestParseHeartbeat(t *testing.T) {
	got, err := ParseHeartbeat([]byte(someBeat))
	if err != nil {
		t.Fatal(err)
	}
	want := Heartbeat{Instance: "log_1", Now: begin.Add(123 * time.Microsecond), Started: begin.Add(-2 * hour), Watched: begin.Add(-time.Second),
		ClockOffset: 12500 * time.Microsecond, ClockKnown: true, Open: 123, Due: []Due{
			{Duty: "dty_1", Incident: "inc_1", Due: begin.Add(2*hour + 500*time.Millisecond), State: "unset"},
			{Duty: "dty_2", Incident: "inc_1", Party: "Example Telecom", Regime: "cn-cac-2025", Stage: "initial", Article: "art. 4", Due: begin.Add(4*hour + 30*minute),
				Local: "2026-02-17T02:30:00+08:00", Zone: "Asia/Shanghai", Provisional: true, State: "open"},
		}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseHeartbeatRefuses(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`"kind":"heartbeat"`, `"kind":"status"`, "kind"},
		{`"instance":"log_1"`, `"instance":""`, "instance is empty"},
		{`"now":"2026-02-16T14:00:00.000123Z"`, `"now":"14:00"`, "now: "},
		{`"started":"2026-02-16T12:00:00Z"`, `"started":null`, "started: "},
		{`"started":"2026-02-16T12:00:00Z"`, `"started":"0001-01-01T00:00:00Z"`, "years 2000"},
		{`"watched_at":"2026-02-16T13:59:59Z"`, `"watched_at":"never"`, "watched_at: "},
		{`{"kind"`, `["kind"`, "heartbeat: "},
		{`"open":123`, `"open":"many"`, "open"},
		{`"checkpoint":"…"`, `"checkpoint":"` + strings.Repeat("x", maxBeat) + `"`, "over"},
	} {
		_, err := ParseHeartbeat([]byte(strings.Replace(someBeat, c.from, c.to, 1)))
		if !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.to[:min(40, len(c.to))], err, c.want)
		}
	}
	for _, none := range []string{`null`, `""`} {
		b, err := ParseHeartbeat([]byte(strings.Replace(someBeat, `"2026-02-16T13:59:59Z"`, none, 1)))
		if err != nil || !b.Watched.IsZero() {
			t.Errorf("watched_at %s: %v, %v", none, b.Watched, err)
		}
	}
}

func TestParseHeartbeatIsBounded(t *testing.T) {
	var rows []string
	for i := range 1000 {
		rows = append(rows, fmt.Sprintf(`{"duty":"dty_%d","due":"2026-02-16T15:%02d:00Z","party":%q,"state":"open"}`, i, i%60, strings.Repeat("长", 400)))
	}
	text := strings.Replace(someBeat, `"due":[`, `"due":[`+strings.Join(rows[:300], ",")+",", 1)
	b, err := ParseHeartbeat([]byte(text))
	if err != nil || len(b.Due) != MaxDue || b.Open != MaxDue || utf8.RuneCountInString(b.Due[0].Party) != 300 {
		t.Errorf("%d due, %d open, %v", len(b.Due), b.Open, err)
	}
}

func TestLocalMoments(t *testing.T) {
	at := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at.UTC()
	}
	for _, c := range []struct {
		due, local, zone, want string
	}{
		{"2026-02-16T18:30:00Z", "2026-02-17T02:30:00+08:00", "Asia/Shanghai", "2026-02-17 02:30:00 +08:00"},
		{"2026-02-16T18:30:00Z", "", "Asia/Shanghai", "2026-02-17 02:30:00 +08:00"},
		{"2026-02-16T18:30:00Z", "2026-02-17T09:30:00+08:00", "Asia/Shanghai", "2026-02-17 02:30:00 +08:00"}, // another moment
		// The hour that is there twice, and the one that isn't.
		{"2026-10-25T00:30:00Z", "", "Europe/Berlin", "2026-10-25 02:30:00 +02:00"},
		{"2026-10-25T01:30:00Z", "", "Europe/Berlin", "2026-10-25 02:30:00 +01:00"},
		{"2026-03-29T00:59:59Z", "", "Europe/Berlin", "2026-03-29 01:59:59 +01:00"},
		{"2026-03-29T01:00:00Z", "", "Europe/Berlin", "2026-03-29 03:00:00 +02:00"},
		{"2026-02-16T18:30:00Z", "", "Nowhere/Atall", ""},
		{"2026-02-16T18:30:00Z", "", "", ""},
		{"2026-02-16T18:30:00Z", "", "Local", ""},
		{"2026-02-16T18:30:00Z", "", "../../etc/passwd", ""},
	} {
		if got := (Due{Due: at(c.due), Local: c.local, Zone: c.zone}).local(); got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
}

func FuzzParseHeartbeat(f *testing.F) {
	f.Add([]byte(someBeat))
	f.Add([]byte(`{"kind":"heartbeat","instance":"\u202e","now":"2199-12-31T23:59:59.999999999Z","started":"2000-01-01T00:00:00+23:59","due":[{"due":"2026-02-16T18:30:00Z","zone":"\u0000"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := ParseHeartbeat(text)
		if err != nil {
			if !errors.Is(err, casebook.ErrInvalid) {
				t.Error(err)
			}
			return
		}
		if len(b.Due) > MaxDue || b.Open < len(b.Due) || b.Instance == "" {
			t.Errorf("%+v", b)
		}
		now := b.Now
		s, _ := Step(State{}, rules, Moment{now, -1}, News{Platform: site, Beat: &b, Sent: now, Answered: now})
		for range 6 {
			now = now.Add(minute)
			var calls []Call
			s, calls = Step(s, rules, Moment{now, minute}, down(NoAnswer))
			for _, c := range calls {
				for _, language := range Languages() {
					m := c.Message(language)
					if _, err := json.Marshal(m.Body); err != nil || !utf8.ValidString(m.Text) || strings.ContainsAny(m.Subject, "\r\n") {
						t.Errorf("%q, %q, %v", m.Subject, m.Text, err)
					}
				}
			}
		}
	})
}
