package regime

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/casebook"
)

// due reckons an incident's duties as of a moment.
func due(t *testing.T, text, at string, regimes ...string) Answer {
	t.Helper()
	l := Builtin()
	a, err := l.Due(read(t, l, text), mustTime(t, at), regimes...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestTwoHourReport(t *testing.T) {
	incident := func(size, role string) string {
		return `{"party":{"roles":["` + role + `"],"region":"CN-11"},"facts":{"controlled_addresses_unique_24h":` + size + `},"events":{"detection":"2026-03-02T09:00:00+08:00"}}`
	}
	const blank2, blank3, blank4 = "level2_report 2026-03-02T11:00:00+08:00 unset", "level3_report 2026-03-02T11:00:00+08:00 unset", "level4_monthly 2026-04-08T23:59:59+08:00 unset"
	for _, c := range []struct {
		name, size, role string
		want             []string
	}{
		{"a million addresses start two hours", "1000000", "telecom_operator", []string{"level1_report 2026-03-02T11:00:00+08:00 open"}},
		{"one fewer is to be graded, and not as gravest", "999999", "telecom_operator", []string{blank2, blank3, blank4}},
		{"900,000 call a person", "900000", "registrar", []string{blank2, blank3, blank4}},
		{"an upper end that reaches a million", `{"low":850000,"point":900000,"high":1000000}`, "registry", []string{"level1_report 2026-03-02T11:00:00+08:00 unset", blank2, blank3, blank4}},
		{"an upper end just below it", `{"low":850000,"point":900000,"high":999999}`, "registry", []string{blank2, blank3, blank4}},
		{"a point that reaches it starts the clock, whatever the low end", `{"low":900000,"point":1000000,"high":1200000}`, "dns_service", []string{"level1_report 2026-03-02T11:00:00+08:00 open"}},
		{"a hosting centre that is nothing else owes notice to its users", "1000000", "hosting", []string{"user_notice 2026-03-02T09:00:00+08:00 unset"}},
		{"a network operator may be one of them", "1000000", "network_operator", []string{"level1_report 2026-03-02T11:00:00+08:00 unset"}},
		{"a user owes nothing", "1000000", "user", []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := due(t, incident(c.size, c.role), "2026-03-02T10:00:00+08:00", "cn-miit-2009-156")
			if got := told(a.Duties); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			for _, d := range a.Duties {
				if d.Provisional != (d.State == casebook.Unset) || d.Provisional && d.Blank == "" {
					t.Errorf("%s: provisional %v, state %s, blank %q", d.Stage, d.Provisional, d.State, d.Blank)
				}
			}
		})
	}
}

func TestRecipientsOfTheTwoHourReport(t *testing.T) {
	a := due(t, `{"party":{"roles":["centre"]},"grades":{"cn-miit-2009-156":"serious"},"events":{"detection":"2026-03-02T09:00:00+08:00"}}`, "2026-03-02T10:00:00+08:00", "cn-miit-2009-156")
	if len(a.Duties) != 1 || !slices.Equal(a.Duties[0].ToNames, []string{"MIIT 通信保障局"}) {
		t.Errorf("the centre reports to the bureau and not to itself: got %v", a.Duties)
	}
	a = due(t, `{"party":{"roles":["telecom_operator"]},"grades":{"cn-miit-2009-156":"serious"},"events":{"detection":"2026-03-02T09:00:00+08:00"}}`, "2026-03-02T10:00:00+08:00", "cn-miit-2009-156")
	if d := a.Duties[0]; !d.AnyOf || !slices.Equal(d.ToNames, []string{"MIIT 通信保障局", "CNCERT"}) {
		t.Errorf("an operator reports to the bureau or the centre: got %v, any of them: %v", d.ToNames, d.AnyOf)
	}
	a = due(t, `{"party":{"roles":["telecom_operator"]},"grades":{"cn-miit-2009-156":"extremely_serious"},"events":{"detection":"2026-03-02T09:00:00+08:00"}}`, "2026-03-02T10:00:00+08:00", "cn-miit-2009-156")
	if d := a.Duties[0]; d.AnyOf || len(d.ToNames) != 2 || !slices.Equal(d.CopyName, []string{"CNCERT"}) {
		t.Errorf("at the gravest grade to bureau and province, with a copy to the centre: got %v, copy %v", d.ToNames, d.CopyName)
	}
}

func TestStates(t *testing.T) {
	const party = `"party":{"roles":["network_operator"],"region":"CN-11"},"grades":{"cn-cac-2025":"serious"}`
	for _, c := range []struct{ name, events, at, want string }{
		{"open to the last second", `"awareness":"2026-03-02T09:00:00+08:00"`, "2026-03-02T13:00:00+08:00", "open"},
		{"missed a moment later", `"awareness":"2026-03-02T09:00:00+08:00"`, "2026-03-02T13:00:00.000001+08:00", "missed"},
		{"met at the last second", `"awareness":"2026-03-02T09:00:00+08:00","other_initial.submitted":"2026-03-02T13:00:00+08:00"`, "2026-03-03T13:00:00+08:00", "met"},
		{"late a second after", `"awareness":"2026-03-02T09:00:00+08:00","other_initial.submitted":"2026-03-02T13:00:01+08:00"`, "2026-03-03T13:00:00+08:00", "late"},
		{"a filing that is still to come doesn't count", `"awareness":"2026-03-02T09:00:00+08:00","other_initial.submitted":"2026-03-02T12:00:00+08:00"`, "2026-03-02T11:00:00+08:00", "open"},
		{"a filing under another regime's name doesn't count", `"awareness":"2026-03-02T09:00:00+08:00","kr-icna/initial.submitted":"2026-03-02T10:00:00+08:00"`, "2026-03-02T11:00:00+08:00", "open"},
		{"a filing under the regime's own name does", `"awareness":"2026-03-02T09:00:00+08:00","cn-cac-2025/other_initial.submitted":"2026-03-02T10:00:00+08:00"`, "2026-03-02T11:00:00+08:00", "met"},
		{"void where there was no incident", `"awareness":"2026-03-02T09:00:00+08:00","void":{"at":"2026-03-02T10:00:00+08:00","reason":"a drill","by":["alice","bob"]}`, "2026-03-02T11:00:00+08:00", "void"},
		{"what was met stays met", `"awareness":"2026-03-02T09:00:00+08:00","other_initial.submitted":"2026-03-02T09:30:00+08:00","void":{"at":"2026-03-02T10:00:00+08:00","reason":"a drill","by":["alice","bob"]}`, "2026-03-02T11:00:00+08:00", "met"},
		{"a suspension that the regime doesn't know stops nothing", `"awareness":"2026-03-02T09:00:00+08:00","other_initial.suspended":"2026-03-02T09:10:00+08:00"`, "2026-03-02T14:00:00+08:00", "missed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := due(t, `{`+party+`,"events":{`+c.events+`}}`, c.at, "cn-cac-2025")
			if len(a.Duties) != 1 || a.Duties[0].State.String() != c.want {
				t.Errorf("got %q, want %s", told(a.Duties), c.want)
			}
		})
	}
}

func TestPause(t *testing.T) {
	const at = `{"party":{"roles":["registrant"]},"events":{"determination":"2026-03-02T10:00:00-05:00","item105.suspended":{"at":"2026-03-04T10:00:00-05:00","reason":"the Attorney General","by":["ag"]}`
	a := due(t, at+`}}`, "2026-04-10T10:00:00-04:00", "us-sec-8k-105")
	if d := a.Duties[0]; d.State != casebook.Suspended || !strings.Contains(d.Reason, "Attorney General") {
		t.Errorf("got %s, %q", d.State, d.Reason)
	}
	a = due(t, at+`,"item105.resumed":"2026-03-14T10:00:00-05:00"}}`, "2026-03-14T12:00:00-05:00", "us-sec-8k-105")
	d := a.Duties[0]
	if got, want := fmt.Sprint(told(a.Duties)), "[item105 2026-03-16T23:59:59-04:00 open]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !d.WasDue.Equal(mustTime(t, "2026-03-06T23:59:59-05:00")) {
		t.Errorf("before the pause it was due %s", d.WasDue)
	}
}

func TestCorrectedAnchor(t *testing.T) {
	a := due(t, `{"party":{"roles":["network_operator"]},"grades":{"cn-cac-2025":"serious"},
		"events":{"awareness":{"at":"2026-03-02T08:00:00+08:00","was":"2026-03-02T09:00:00+08:00","reason":"the night log says so","by":["alice","bob"]}}}`, "2026-03-02T10:00:00+08:00", "cn-cac-2025")
	d := a.Duties[0]
	if !d.Due.Equal(mustTime(t, "2026-03-02T12:00:00+08:00")) || !d.WasDue.Equal(mustTime(t, "2026-03-02T13:00:00+08:00")) {
		t.Errorf("got due %s, before %s", d.Due, d.WasDue)
	}
}

func TestMissingAwarenessIsStoodInFor(t *testing.T) {
	a := due(t, `{"party":{"roles":["hosting"]},"events":{"detection":"2026-03-02T09:00:00+05:30"}}`, "2026-03-02T10:00:00+05:30", "in-certin-2022")
	d := a.Duties[0]
	if d.State != casebook.Unset || !d.Due.Equal(mustTime(t, "2026-03-02T15:00:00+05:30")) || !strings.Contains(d.Blank, "record the moment of awareness") {
		t.Errorf("got %q, blank %q", told(a.Duties), d.Blank)
	}
}

func TestLogOfTheDesk(t *testing.T) {
	at := mustTime(t, "2026-03-02T09:00:00+08:00")
	party := casebook.Party{Roles: []string{"telecom_operator"}, Region: "CN-11"}
	facts := casebook.Facts{"controlled_addresses_unique_24h": casebook.NumberValue(1_000_000)}
	surfaced := casebook.Anchor{ID: casebook.NewID(at), Kind: casebook.Surfaced, At: at}
	confirmed := casebook.Anchor{ID: casebook.NewID(at), Kind: casebook.Confirmed, At: at.Add(20 * time.Minute)}
	corrected := casebook.Anchor{ID: casebook.NewID(at), Kind: casebook.Surfaced, At: at.Add(-10 * time.Minute), Supersedes: surfaced.ID}
	for _, c := range []struct {
		name string
		log  []casebook.Anchor
		want string
	}{
		{"put before the desk, nobody said yes", []casebook.Anchor{surfaced}, "level1_report 2026-03-02T11:00:00+08:00 unset"},
		{"confirmed: the clock runs from when it was put before the desk", []casebook.Anchor{surfaced, confirmed}, "level1_report 2026-03-02T11:00:00+08:00 open"},
		{"a named report runs by itself", []casebook.Anchor{{Kind: casebook.Received, At: at}}, "level1_report 2026-03-02T11:00:00+08:00 open"},
		{"a correction moves it", []casebook.Anchor{corrected, confirmed, surfaced}, "level1_report 2026-03-02T10:50:00+08:00 open"},
		{"a note that names it doesn't", []casebook.Anchor{surfaced, confirmed, {Kind: casebook.Noted, At: at, Supersedes: surfaced.ID}}, "level1_report 2026-03-02T11:00:00+08:00 open"},
		{"a claim alone starts nothing", []casebook.Anchor{{Kind: casebook.Observed, At: at}, {Kind: casebook.Occurred, At: at}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := Builtin().Due(Of(party, facts, nil, c.log), at.Add(time.Hour), "cn-miit-2009-156")
			if got := strings.Join(told(a.Duties), ", "); err != nil || got != c.want {
				t.Errorf("got %q %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestWhoseLaw(t *testing.T) {
	ids := func(a Answer) []string {
		var list []string
		for _, d := range a.Duties {
			list = append(list, d.Regime)
		}
		return slices.Compact(list)
	}
	const events = `"events":{"awareness":"2026-03-02T09:00:00Z","detection":"2026-03-02T09:00:00Z"}`
	for _, c := range []struct {
		name, incident string
		want           []string
	}{
		{"a Chinese operator", `{"party":{"roles":["telecom_operator"],"region":"CN-11"},` + events + `}`, []string{"cn-cac-2025", "cn-miit-2009-156", "cn-miit-2017-202", "cn-miit-2017-emergency-plan"}},
		{"one in Ningxia has its province's", `{"party":{"roles":["telecom_operator"],"region":"CN-64"},` + events + `}`, []string{"cn-cac-2025", "cn-miit-2017-202", "cn-miit-2017-emergency-plan", "cn-nx-2009-156"}},
		{"one in Beijing whose service takes effect in Ningxia has both", `{"party":{"roles":["telecom_operator"],"region":"CN-11","effect_region":"CN-64"},` + events + `}`, []string{"cn-cac-2025", "cn-miit-2009-156", "cn-miit-2017-202", "cn-miit-2017-emergency-plan", "cn-nx-2009-156"}},
		{"one of Ningxia whose network is in Beijing too", `{"party":{"roles":["telecom_operator"],"region":"CN-64","network_region":"CN-11"},` + events + `}`, []string{"cn-cac-2025", "cn-miit-2009-156", "cn-miit-2017-202", "cn-miit-2017-emergency-plan", "cn-nx-2009-156"}},
		{"a German entity has its own law in the directive's place", `{"party":{"roles":["essential_entity"],"member_state":"DE"},` + events + `}`, []string{"de-bsig-32"}},
		{"a French one has the directive", `{"party":{"roles":["essential_entity"],"member_state":"FR"},` + events + `}`, []string{"eu-nis2"}},
		{"a bank", `{"party":{"roles":["financial_entity"],"region":"DE-HE","member_state":"DE"},` + events + `}`, []string{"eu-dora"}},
		{"a hosting centre in India", `{"party":{"roles":["hosting"],"region":"IN-MH"},` + events + `}`, []string{"in-certin-2022"}},
		{"a regime that somebody graded under", `{"party":{"roles":["registrant"],"region":"IN-MH"},"grades":{"eu-nis2":"significant"},` + events + `}`, []string{"in-certin-2022"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := due(t, c.incident, "2026-03-02T10:00:00Z")
			if got := ids(a); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q; remarks %q", got, c.want, a.Remarks)
			}
		})
	}
}

func TestVersionOfThen(t *testing.T) {
	const text = `{"party":{"roles":["cii_operator"]},"facts":{"disrupts_essential_service":true},"events":{"awareness":"%s-02T08:00:00+08:00","initial.submitted":"%[1]s-02T09:00:00+08:00","supplementary.submitted":"%[1]s-02T10:00:00+08:00"}}`
	for month, want := range map[string]string{"2025-03": "2025-03-16", "2026-03": "2026-04-01"} {
		a := due(t, fmt.Sprintf(text, month), month+"-05T00:00:00Z", "sg-csa-cii")
		i := slices.IndexFunc(a.Duties, func(d Due) bool { return d.Stage == "final" })
		if i < 0 || a.Duties[i].Due.In(a.Duties[i].Location).Format(time.DateOnly) != want {
			t.Errorf("%s: got %q, want the final report on %s", month, told(a.Duties), want)
		}
	}
}

func TestNothingIsSaid(t *testing.T) {
	for _, c := range []struct{ name, regime, incident, want string }{
		{"a law that isn't final", "us-circia", `{"party":{"roles":["cii_operator"]},"events":{"reasonable_belief":"2026-03-02T09:00:00Z"}}`, "no clock runs"},
		{"a law that ended", "cn-miit-2009-157", `{"party":{"roles":["registrar"]},"events":{"notice_to_handle":"2019-03-02T09:00:00Z"}}`, "in force until 2017-12-31"},
		{"a law to come", "eu-cra", `{"party":{"roles":["manufacturer"]},"events":{"awareness":"2026-03-02T09:00:00Z"}}`, "in force from 2026-09-11"},
		{"another's law", "eu-dora", `{"party":{"roles":["registrar"]},"events":{"awareness":"2026-03-02T09:00:00Z"}}`, "addresses financial_entity"},
		{"no event", "kr-icna", `{"party":{"roles":["hosting"]}}`, "no event that starts a clock"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := due(t, c.incident, "2026-03-02T10:00:00Z", c.regime)
			if len(a.Duties) > 0 || !strings.Contains(strings.Join(a.Remarks, "\n"), c.want) {
				t.Errorf("got %q, remarks %q, want one that says %q", told(a.Duties), a.Remarks, c.want)
			}
		})
	}
	if _, err := Builtin().Due(Incident{}, time.Time{}, "eu-nis3"); !errors.Is(err, casebook.ErrNotFound) || !strings.Contains(err.Error(), "did you mean eu-nis2?") {
		t.Errorf("got %v", err)
	}
}

// The order in which events are told changes nothing; a duty is found again under
// its key; what is due doesn't depend on when it is asked; nothing is early, and a
// further event loses no duty.
func TestDutiesStand(t *testing.T) {
	l := Builtin()
	var running []string
	for _, p := range l.InForce(mustTime(t, "2026-09-15T00:00:00Z")) {
		if len(p.Stages) > 0 {
			running = append(running, p.ID)
		}
	}
	names := slices.DeleteFunc(l.eventNames(), func(n string) bool { return n == voided })
	key := func(d Due) string {
		return strings.Join([]string{d.Regime, d.Stage, d.Key, d.Due.UTC().Format(time.RFC3339Nano)}, "|")
	}
	rapid.Check(t, func(t *rapid.T) {
		base := mustParse("2026-09-15T00:00:00Z")
		in := Incident{Party: Party{Roles: rapid.SliceOfNDistinct(rapid.SampledFrom(Roles), 1, 4, rapid.ID).Draw(t, "roles")}, Grades: map[string][]Graded{}}
		for _, n := range rapid.SliceOfN(rapid.SampledFrom(names), 1, 8).Draw(t, "events") {
			in.Events = append(in.Events, Event{Kind: n, At: base.Add(time.Duration(rapid.IntRange(0, 90*24*3600).Draw(t, "second")) * time.Second)})
		}
		at := base.Add(time.Duration(rapid.IntRange(0, 400*24).Draw(t, "hour")) * time.Hour)
		first, err := l.Due(in, at, running...)
		if err != nil {
			t.Fatal(err)
		}
		keys := map[string]bool{}
		for _, d := range first.Duties {
			if d.Due.Before(d.Started) {
				t.Fatalf("%s is due before it starts: %s, %s", key(d), d.Due, d.Started)
			}
			if keys[key(d)] {
				t.Fatalf("%s is there twice", key(d))
			}
			keys[key(d)] = true
		}
		turned := in
		turned.Events = slices.Clone(in.Events)
		slices.Reverse(turned.Events)
		again, _ := l.Due(turned, at, running...)
		if got, want := fmt.Sprint(again.Duties), fmt.Sprint(first.Duties); got != want {
			t.Fatalf("in another order\n%s\nwant\n%s", got, want)
		}
		later, _ := l.Due(in, at.Add(1000*time.Hour), running...)
		for i, d := range later.Duties {
			if key(d) != key(first.Duties[i]) {
				t.Fatalf("asked later, %s became %s", key(first.Duties[i]), key(d))
			}
		}
		more := in
		more.Events = append(slices.Clone(in.Events), Event{Kind: "newly_confirmed_fact", At: base.Add(95 * 24 * time.Hour)})
		with, _ := l.Due(more, at, running...)
		for _, d := range first.Duties {
			if !slices.ContainsFunc(with.Duties, func(o Due) bool { return key(o) == key(d) }) {
				t.Fatalf("a further fact lost %s", key(d))
			}
		}
	})
}

func mustParse(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// Each filing meets one duty, so that of several facts none goes unreported.
func TestFilingsMeetOneEach(t *testing.T) {
	a := due(t, `{"party":{"roles":["telecom_operator"]},"events":{"newly_confirmed_fact":["2026-03-02T10:00:00+09:00","2026-03-02T12:00:00+09:00","2026-03-02T14:00:00+09:00"],
		"supplement.submitted":["2026-03-02T13:00:00+09:00","2026-03-02T15:00:00+09:00"]}}`, "2026-03-04T00:00:00+09:00", "kr-icna")
	want := []string{"supplement 2026-03-03T10:00:00+09:00 met", "supplement 2026-03-03T12:00:00+09:00 met", "supplement 2026-03-03T14:00:00+09:00 missed"}
	if got := told(a.Duties); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProgressInsteadOfFinal(t *testing.T) {
	const start = `{"party":{"roles":["essential_entity"],"member_state":"DE"},"grades":{"eu-nis2":"significant"},"events":{"incident_notification.submitted":"2026-03-02T10:00:00+01:00","end_of_handling":`
	a := due(t, start+`"2026-03-20T10:00:00+01:00"}}`, "2026-03-21T00:00:00Z", "eu-nis2")
	if got := fmt.Sprint(told(a.Duties)); got != "[final 2026-04-02T23:59:59+02:00 open]" {
		t.Errorf("handled before the final report was due: got %s", got)
	}
	a = due(t, start+`"2026-05-04T10:00:00+02:00","progress.submitted":"2026-04-02T12:00:00+02:00"}}`, "2026-05-05T00:00:00Z", "eu-nis2")
	want := "[final 2026-04-02T23:59:59+02:00 met progress 2026-06-04T23:59:59+02:00 open]"
	if got := fmt.Sprint(told(a.Duties)); got != want {
		t.Errorf("handled after it: got %s, want %s", got, want)
	}
}

// A pack may ask that a report arrives, or is acknowledged: that it was sent is then
// not enough.
func TestWhatMeets(t *testing.T) {
	l, faults := Check(map[string][]byte{"ours.yaml": []byte(strings.Replace(province, "    limits: [{limit: 6h", "    meets: acknowledged\n    limits: [{limit: 6h", 1))})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	const text = `{"party":{"roles":["hosting"]},"grades":{"cn-xx-2026":"grave"},"events":{"detection":"2026-03-02T09:00:00+08:00","report.submitted":"2026-03-02T12:00:00+08:00"%s}}`
	for more, want := range map[string]string{"": "missed", `,"report.received":"2026-03-02T12:05:00+08:00"`: "met", `,"report.received":"2026-03-02T16:00:00+08:00"`: "late"} {
		a, err := l.Due(read(t, l, fmt.Sprintf(text, more)), mustTime(t, "2026-03-03T00:00:00+08:00"), "cn-xx-2026")
		if err != nil || a.Duties[0].State.String() != want {
			t.Errorf("%q: got %q %v, want %s", more, told(a.Duties), err, want)
		}
	}
}

// A grade under the directive is one under the law that transposes it.
func TestGradeUnderTheDirective(t *testing.T) {
	a := due(t, `{"party":{"roles":["essential_entity"],"region":"DE-BY"},"grades":{"eu-nis2":"significant"},"events":{"awareness":"2026-03-02T09:00:00+01:00"}}`, "2026-03-02T10:00:00+01:00", "de-bsig-32")
	if got, want := fmt.Sprint(told(a.Duties)), "[erstmeldung 2026-03-03T09:00:00+01:00 open meldung 2026-03-05T09:00:00+01:00 open]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	a = due(t, `{"party":{"roles":["essential_entity"],"member_state":"DE"},"grades":{"de-bsig-32":"not_significant"},"events":{"awareness":"2026-03-02T09:00:00+01:00"}}`, "2026-03-02T10:00:00+01:00", "eu-nis2")
	if len(a.Duties) > 0 {
		t.Errorf("not significant there: got %q", told(a.Duties))
	}
}

// The rule that moves a weekend's notification to Monday noon is from memory: it
// moves nothing, and that is said, until a site confirms it; then it does, but not
// for significant entities, nor where that isn't known.
func TestNoonOfTheNextWorkingDay(t *testing.T) {
	l, faults := Check(map[string][]byte{"dora.yaml": []byte(`overlay: eu-dora
confirmed_by: [{who: "our supervisor, by letter", on: "2026-01-01"}]
stages:
  - {id: initial, rolls: {confidence: confirmed}}
`)})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	const text = `{"party":{"roles":["financial_entity"],"member_state":"DE"}%s,"events":{"awareness":"2026-05-01T20:00:00+02:00","classification":"2026-05-02T10:00:00+02:00"}}`
	at := mustTime(t, "2026-05-02T11:00:00+02:00")
	for _, c := range []struct {
		name, facts, want, remark string
		l                         *Library
	}{
		{"unconfirmed", ``, "2026-05-02T14:00:00+02:00", "until somebody confirms", Builtin()},
		{"confirmed, and not a significant entity", `,"facts":{"significant_entity":false}`, "2026-05-04T12:00:00+02:00", "", l},
		{"confirmed, a significant entity", `,"facts":{"significant_entity":true}`, "2026-05-02T14:00:00+02:00", "which holds or isn't known", l},
		{"confirmed, it isn't known", ``, "2026-05-02T14:00:00+02:00", "which holds or isn't known", l},
	} {
		a, err := c.l.Due(read(t, c.l, fmt.Sprintf(text, c.facts)), at, "eu-dora")
		if got, want := fmt.Sprint(told(a.Duties)), "[initial "+c.want+" open]"; err != nil || got != want {
			t.Errorf("%s: got %s %v, want %s", c.name, got, err, want)
		}
		if said := strings.Join(a.Remarks, "; "); !strings.Contains(said, c.remark) {
			t.Errorf("%s: remarks %q, want %q", c.name, said, c.remark)
		}
	}
}

// Who files before anybody has graded is on time; what follows a stage isn't met by
// what was sent before it.
func TestFiledBeforeItBegan(t *testing.T) {
	a := due(t, `{"party":{"roles":["financial_entity"]},"events":{"awareness":"2026-03-02T08:00:00Z","initial.submitted":"2026-03-02T09:00:00Z","classification":"2026-03-02T18:00:00Z"}}`, "2026-03-04T00:00:00Z", "eu-dora")
	if got, want := fmt.Sprint(told(a.Duties)), "[initial 2026-03-02T23:00:00+01:00 met intermediate 2026-03-05T10:00:00+01:00 open]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	a = due(t, `{"party":{"roles":["telecom_operator"]},"grades":{"cn-miit-2009-156":[{"grade":"general","at":"2026-03-02T09:00:00+08:00"},{"grade":"serious","at":"2026-03-02T15:00:00+08:00"}]},"events":{"detection":"2026-03-02T09:00:00+08:00","level2_report.submitted":"2026-03-02T14:00:00+08:00"}}`, "2026-03-03T00:00:00+08:00", "cn-miit-2009-156")
	if got := fmt.Sprint(told(a.Duties)); !strings.HasPrefix(got, "[level2_report 2026-03-02T17:00:00+08:00 met ") {
		t.Errorf("got %s", got)
	}
}

func BenchmarkDue(b *testing.B) {
	l := Builtin()
	in, err := l.ReadIncident("bench", []byte(`{"party":{"roles":["telecom_operator"],"region":"CN-11"},"facts":{"controlled_addresses_unique_24h":{"low":850000,"point":900000,"high":1010000}},"events":{"detection":"2026-03-02T09:00:00+08:00"}}`))
	if err != nil {
		b.Fatal(err)
	}
	at := mustParse("2026-03-02T02:00:00Z")
	for b.Loop() {
		if a, err := l.Due(in, at); err != nil || len(a.Duties) < 5 {
			b.Fatal(a, err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, faults := load(nil, false); len(faults) > 0 {
			b.Fatal(faults)
		}
	}
}

func TestExtension(t *testing.T) {
	const text = `{"party":{"roles":["network_operator"]},"grades":{"cn-cac-2025":"serious"},"events":{"awareness":"2026-03-02T09:00:00+08:00",
		"other_initial.extended":{"at":"%s","until":"2026-03-02T20:00:00+08:00","reason":"power cut","by":["the provincial office","bob"]}}}`
	a := due(t, fmt.Sprintf(text, "2026-03-02T12:00:00+08:00"), "2026-03-02T14:00:00+08:00", "cn-cac-2025")
	if d := a.Duties[0]; d.State != casebook.OpenDuty || !d.Due.Equal(mustTime(t, "2026-03-02T20:00:00+08:00")) || !d.WasDue.Equal(mustTime(t, "2026-03-02T13:00:00+08:00")) {
		t.Errorf("granted in time: got %q, before %s", told(a.Duties), d.WasDue)
	}
	a = due(t, fmt.Sprintf(text, "2026-03-02T13:30:00+08:00"), "2026-03-02T14:00:00+08:00", "cn-cac-2025")
	if d := a.Duties[0]; d.State != casebook.Missed {
		t.Errorf("granted too late: got %q", told(a.Duties))
	}
}

// One filing serves two regimes where a law says so.
func TestOneFilingForTwo(t *testing.T) {
	text := strings.Replace(province, "    to: {all_of: [branch]}\n", "    to: {all_of: [branch]}\n    met_by: [cn-cac-2025/other_initial]\n", 1)
	l, faults := Check(map[string][]byte{"ours.yaml": []byte(text)})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	a, err := l.Due(read(t, l, `{"party":{"roles":["hosting"]},"grades":{"cn-xx-2026":"grave","cn-cac-2025":"serious"},"events":{"detection":"2026-03-02T09:00:00+08:00","awareness":"2026-03-02T09:00:00+08:00",
		"cn-cac-2025/other_initial.submitted":"2026-03-02T12:00:00+08:00"}}`), mustTime(t, "2026-03-03T00:00:00+08:00"), "cn-xx-2026", "cn-cac-2025")
	if got, want := fmt.Sprint(told(a.Duties)), "[other_initial 2026-03-02T13:00:00+08:00 met report 2026-03-02T15:00:00+08:00 met]"; err != nil || got != want {
		t.Errorf("got %s %v, want %s", got, err, want)
	}
}

func TestGoverning(t *testing.T) {
	at := mustTime(t, "2026-03-02T09:00:00Z")
	duty := func(stage, key string, hours int, s casebook.DutyState) casebook.Duty {
		return casebook.Duty{ID: casebook.NewID(at), Regime: "kr-icna", Stage: stage, Key: key, Started: at, Due: at.Add(time.Duration(hours) * time.Hour), State: s}
	}
	list := []casebook.Duty{duty("initial", "", 24, casebook.OpenDuty), duty("initial", "", 20, casebook.OpenDuty), duty("initial", "", 2, casebook.Met),
		duty("supplement", "a", 24, casebook.OpenDuty), duty("supplement", "b", 24, casebook.OpenDuty), duty("initial", "", 20, casebook.Unset)}
	got := Governing(list)
	want := map[casebook.ID]casebook.ID{list[0].ID: list[1].ID, list[5].ID: list[1].ID}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What the Union says is significant for a digital service holds under the law that
// transposes the directive too.
func TestDigitalServiceUnderNationalLaw(t *testing.T) {
	const text = `{"party":{"roles":["dns_service"],"member_state":"DE"},"facts":{"outage_minutes":%d%s},"events":{"awareness":"2026-03-02T09:00:00+01:00"}}`
	a := due(t, fmt.Sprintf(text, 31, ""), "2026-03-02T10:00:00+01:00")
	if got, want := fmt.Sprint(told(a.Duties)), "[erstmeldung 2026-03-03T09:00:00+01:00 open meldung 2026-03-05T09:00:00+01:00 open]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	a = due(t, fmt.Sprintf(text, 31, `,"planned_maintenance":true,"severe_disruption_possible":false,"others_damage_possible":false`), "2026-03-02T10:00:00+01:00")
	if len(a.Duties) > 0 {
		t.Errorf("planned: got %q", told(a.Duties))
	}
}
