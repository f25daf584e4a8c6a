package regime

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// mustTime reads a moment.
func mustTime(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// read reads an incident.
func read(t *testing.T, l *Library, text string) Incident {
	t.Helper()
	in, err := l.ReadIncident("incident.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// told gives a line for each duty: stage, due moment in its zone, state.
func told(duties []Due) []string {
	list := []string{}
	for _, d := range duties {
		list = append(list, fmt.Sprintf("%s %s %s", d.Stage, d.Due.In(d.Location).Format(time.RFC3339), d.State))
	}
	return list
}

// TestVectors are the test vectors for a clock engine that came with the facts
// about the regimes.
func TestVectors(t *testing.T) {
	for _, c := range []struct {
		name, regime, incident, at string
		want                       []string
	}{
		{"tv1: hours pass over the eve of Spring Festival", "cn-cac-2025",
			`{"party":{"roles":["network_operator"],"region":"CN-11"},"grades":{"cn-cac-2025":"serious"},"events":{"awareness":"2026-02-16T22:30:00+08:00"}}`,
			"2026-02-16T23:00:00+08:00",
			[]string{"other_initial 2026-02-17T02:30:00+08:00 open"}},
		{"tv2: a month from 31 January, through national law", "eu-nis2",
			`{"party":{"roles":["essential_entity"],"member_state":"DE"},"grades":{"eu-nis2":"significant"},"events":{"incident_notification.submitted":"2027-01-31T10:00:00+01:00"}}`,
			"2027-02-01T00:00:00Z",
			[]string{"final 2027-03-01T23:59:59+01:00 open"}},
		{"tv2 where no national law is known", "eu-nis2",
			`{"party":{"roles":["essential_entity"]},"grades":{"eu-nis2":"significant"},"events":{"incident_notification.submitted":"2027-01-31T10:00:00+01:00"}}`,
			"2027-02-01T00:00:00Z",
			[]string{"final 2027-02-28T23:59:59+01:00 open"}},
		{"tv3a: classified 10 h after awareness", "eu-dora",
			`{"party":{"roles":["financial_entity"]},"events":{"awareness":"2026-03-02T08:00:00Z","classification":"2026-03-02T18:00:00Z"}}`,
			"2026-03-02T19:00:00Z", []string{"initial 2026-03-02T23:00:00+01:00 open"}},
		{"tv3b: classified 22 h after awareness", "eu-dora",
			`{"party":{"roles":["financial_entity"]},"events":{"awareness":"2026-03-02T08:00:00Z","classification":"2026-03-03T06:00:00Z"}}`,
			"2026-03-03T07:00:00Z", []string{"initial 2026-03-03T09:00:00+01:00 open"}},
		{"tv4: classified 30 h after awareness", "eu-dora",
			`{"party":{"roles":["financial_entity"]},"events":{"awareness":"2026-03-02T08:00:00Z","classification":"2026-03-03T14:00:00Z"}}`,
			"2026-03-03T15:00:00Z", []string{"initial 2026-03-03T19:00:00+01:00 open"}},
		{"tv5: graver than it seemed", "cn-miit-2009-156",
			`{"party":{"roles":["telecom_operator"],"region":"CN-11"},"grades":{"cn-miit-2009-156":[{"grade":"general","at":"2026-09-14T10:00:00+08:00"},{"grade":"extremely_serious","at":"2026-09-16T15:20:00+08:00"}]},"events":{"detection":"2026-09-14T09:00:00+08:00"}}`,
			"2026-09-16T16:00:00+08:00",
			[]string{"level1_report 2026-09-16T17:20:00+08:00 open", "level4_monthly 2026-10-13T23:59:59+08:00 superseded"}},
		{"tv5 when it should have been known before", "cn-miit-2009-156",
			`{"party":{"roles":["telecom_operator"],"region":"CN-11"},"grades":{"cn-miit-2009-156":[{"grade":"general","at":"2026-09-14T10:00:00+08:00"},{"grade":"extremely_serious","at":"2026-09-16T15:20:00+08:00","known":"2026-09-16T13:00:00+08:00"}]},"events":{"detection":"2026-09-14T09:00:00+08:00"}}`,
			"2026-09-16T16:00:00+08:00",
			[]string{"level1_report 2026-09-16T15:00:00+08:00 missed", "level4_monthly 2026-10-13T23:59:59+08:00 superseded"}},
		{"tv6: three newly confirmed facts", "kr-icna",
			`{"party":{"roles":["value_added_operator"],"region":"KR"},"events":{"newly_confirmed_fact":["2026-03-02T12:00:00+09:00","2026-03-02T10:00:00+09:00","2026-03-03T09:00:00+09:00"]}}`,
			"2026-03-03T09:30:00+09:00",
			[]string{"supplement 2026-03-03T10:00:00+09:00 open", "supplement 2026-03-03T12:00:00+09:00 open", "supplement 2026-03-04T09:00:00+09:00 open"}},
		{"tv7: the written record counts from the call", "au-soci",
			`{"party":{"roles":["cii_operator"],"region":"AU"},"grades":{"au-soci":"critical"},"events":{"awareness":"2026-03-02T08:00:00+11:00","oral_report":"2026-03-02T18:00:00+11:00"}}`,
			"2026-03-03T08:00:00+11:00",
			[]string{"critical 2026-03-02T20:00:00+11:00 met", "critical_written 2026-03-06T06:00:00+11:00 open"}},
		{"tv8: 24 h over the night on which summer time ends", "eu-nis2",
			`{"party":{"roles":["essential_entity"],"member_state":"DE"},"grades":{"eu-nis2":"significant"},"events":{"awareness":"2026-10-25T00:30:00+02:00"}}`,
			"2026-10-25T01:00:00+02:00",
			[]string{"early_warning 2026-10-25T23:30:00+01:00 open", "incident_notification 2026-10-27T23:30:00+01:00 open", "recipients_of_service 2026-10-25T00:30:00+02:00 unset"}},
		{"tv9: four business days over Thanksgiving", "us-sec-8k-105",
			`{"party":{"roles":["registrant"],"region":"US"},"events":{"determination":"2026-11-25T10:00:00-05:00"}}`,
			"2026-11-26T10:00:00-05:00",
			[]string{"item105 2026-12-02T23:59:59-05:00 open"}},
		{"tv10: thirty working days over Golden Week", "cn-miit-2017-202",
			`{"party":{"roles":["telecom_operator"],"region":"CN-11"},"events":{"receipt_of_appeal":"2026-09-28T16:00:00+08:00"}}`,
			"2026-09-29T16:00:00+08:00",
			[]string{"appeal_answer 2026-11-13T23:59:59+08:00 unset"}},
		{"tv12: the month's compilation after the holiday", "cn-miit-2009-156",
			`{"party":{"roles":["telecom_operator"],"region":"CN-11"},"grades":{"cn-miit-2009-156":"general"},"events":{"month_end":"2026-09-30T23:59:59+08:00"}}`,
			"2026-10-01T16:00:00+08:00",
			[]string{"level4_monthly 2026-10-13T23:59:59+08:00 unset"}},
		{"tv12 with the month's end told as the next month's beginning", "cn-miit-2009-156",
			`{"party":{"roles":["telecom_operator"],"region":"CN-11"},"grades":{"cn-miit-2009-156":"general"},"events":{"month_end":"2026-10-01T00:00:00+08:00"}}`,
			"2026-10-01T16:00:00+08:00",
			[]string{"level4_monthly 2026-10-13T23:59:59+08:00 unset"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := Builtin()
			answer, err := l.Due(read(t, l, c.incident), mustTime(t, c.at), c.regime)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprint(told(answer.Duties)), fmt.Sprint(c.want); got != want {
				t.Errorf("got  %s\nwant %s\nremarks %q", got, want, answer.Remarks)
			}
		})
	}
}

// TestVectorCalendarCorrected is tv11: a corrected calendar changes what is
// reckoned anew and nothing that was written; the duty says by which it was.
func TestVectorCalendarCorrected(t *testing.T) {
	corrected := []byte(`calendar: cn
version: "2026-09-20"
about: corrected
sources: [a correction]
from: 2025-01-01
until: 2026-12-31
weekend: [saturday, sunday]
days:
  - {off: 2026-10-01 to 2026-10-09}
`)
	l, faults := Check(map[string][]byte{"calendar/cn.yaml": corrected})
	for _, f := range faults {
		t.Error(f)
	}
	text := `{"party":{"roles":["authority"]},"events":{"receipt_of_appeal":"2026-09-28T16:00:00+08:00"}}`
	old, err := Builtin().Due(read(t, Builtin(), text), mustTime(t, "2026-09-29T16:00:00+08:00"), "cn-miit-2017-202")
	if err != nil || len(old.Duties) != 1 {
		t.Fatal(old, err)
	}
	if got, want := old.Duties[0].Calendar, "cn 2025-11-04"; got != want {
		t.Errorf("calendar: got %q, want %q", got, want)
	}
	if l.calendars["cn"].Version != "2026-09-20" {
		t.Errorf("the site's calendar isn't taken: %v", l.calendars["cn"])
	}
	if due, _ := (reckoning{zone: time.UTC, calendar: l.calendars["cn"]}).end(Limit{N: 30, Unit: WorkingDays}, mustTime(t, "2026-09-28T16:00:00Z")); due.Format(time.DateOnly) != "2026-11-18" {
		t.Errorf("by the corrected calendar: got %s, want 2026-11-18", due.Format(time.DateOnly))
	}
	if again := old.Duties[0].Due; !again.Equal(mustTime(t, "2026-11-13T15:59:59Z")) {
		t.Errorf("the duty that was there moved to %s", again)
	}
}

// TestLine prints the contract's own example.
func TestLine(t *testing.T) {
	l := Builtin()
	in := read(t, l, `{"party":{"roles":["network_operator"],"region":"CN-11"},
 "facts":{"controlled_addresses_unique_24h":1200000},
 "grades":{"cn-cac-2025":"serious"},
 "events":{"detection":"2026-02-16T22:00:00+08:00","awareness":"2026-02-16T22:30:00+08:00"}}`)
	answer, err := l.Due(in, mustTime(t, "2026-02-16T23:00:00+08:00"), "cn-cac-2025")
	if err != nil || len(answer.Duties) != 1 {
		t.Fatal(answer, err)
	}
	line := answer.Duties[0].Line()
	text, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"regime": "cn-cac-2025", "stage": "other_initial", "anchor": "awareness", "started": "2026-02-16T14:30:00Z", "limit": "4h",
		"due": "2026-02-16T18:30:00Z", "local": "2026-02-17T02:30:00+08:00", "zone": "Asia/Shanghai", "calendar": nil, "state": "open", "confidence": "text", "grade": "serious", "rule": "",
	} {
		if got[name] != want {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
}
