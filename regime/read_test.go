package regime

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
)

func TestReadIncident(t *testing.T) {
	in := read(t, Builtin(), `{"party":{"roles":["network_operator"],"region":"CN-11"},
 "facts":{"controlled_addresses_unique_24h":{"low":1,"point":2,"high":3},"extortion":true,"portal_rank":"central","persons_data":null},
 "grades":{"cn-cac-2025":"serious"},
 "events":{"awareness":"2026-02-16T22:30:00+08:00","newly_confirmed_fact":["2026-02-17T00:00:00Z",{"at":"2026-02-18T00:00:00.5Z","reason":"seen","by":["alice"]}]}}`)
	want := Incident{
		Party: Party{Roles: []string{"network_operator"}, Region: "CN-11"},
		Facts: casebook.Facts{"controlled_addresses_unique_24h": casebook.IntervalValue(casebook.Interval{Low: 1, Point: 2, High: 3}), "extortion": casebook.YesNoValue(true),
			"portal_rank": casebook.WordValue("central"), "persons_data": {}},
		Grades: map[string][]Graded{"cn-cac-2025": {{Level: "serious"}}},
		Events: []Event{{Kind: "awareness", At: mustTime(t, "2026-02-16T22:30:00+08:00")}, {Kind: "newly_confirmed_fact", At: mustTime(t, "2026-02-17T00:00:00Z")},
			{Kind: "newly_confirmed_fact", At: mustTime(t, "2026-02-18T00:00:00.5Z"), Reason: "seen", By: []string{"alice"}}},
	}
	for i := range want.Events {
		in.Events[i].At, want.Events[i].At = in.Events[i].At.UTC(), want.Events[i].At.UTC()
	}
	if !reflect.DeepEqual(in, want) {
		t.Errorf("got  %+v\nwant %+v", in, want)
	}
	if got := in.Newest(mustTime(t, "2020-01-01T00:00:00Z")); !got.Equal(mustTime(t, "2026-02-18T00:00:00.5Z")) {
		t.Errorf("newest event: got %s", got)
	}
}

func TestIncidentRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no JSON", `{`, "line 1: "},
		{"a list", `[]`, "line 1"},
		{"something after it", "{}\n{}", "line 2: something follows the incident"},
		{"a member that isn't known", "{\n\"partys\":{}}", `line 2: unknown field "partys"`},
		{"a member of the party", `{"party":{"role":"user"}}`, `unknown field "role"`},
		{"a role", `{"party":{"roles":["telecom_operater"]}}`, "party.roles: no such role \"telecom_operater\"; did you mean telecom_operator?"},
		{"a member state", `{"party":{"member_state":"Germany"}}`, "isn't a member state's code"},
		{"a region", `{"party":{"region":"Beijing"}}`, "isn't a code of ISO 3166"},
		{"a fact", `{"facts":{"users_hit":3}}`, "facts.users_hit: no such fact"},
		{"a fact nearly", `{"facts":{"person_data":3}}`, "did you mean persons_data?"},
		{"a fact of another type", `{"facts":{"persons_data":"many"}}`, "facts.persons_data: many, expected a whole number of persons"},
		{"half a person", `{"facts":{"persons_data":1.5}}`, "whole number"},
		{"fewer than none", `{"facts":{"persons_data":-1}}`, "whole number"},
		{"an interval upside down", `{"facts":{"persons_data":{"low":3,"point":2,"high":1}}}`, "must rise"},
		{"a word that isn't one", `{"facts":{"portal_rank":"provincial"}}`, "did you mean province?"},
		{"a regime", `{"grades":{"eu-nis":"significant"}}`, "grades.eu-nis: no such regime; did you mean eu-nis2?"},
		{"a grade", `{"grades":{"cn-cac-2025":"grave"}}`, "grades.cn-cac-2025: no such grade"},
		{"a grade nearly", `{"grades":{"cn-cac-2025":"extremly_serious"}}`, "did you mean extremely_serious?"},
		{"a change of grade without a moment", `{"grades":{"cn-cac-2025":[{"grade":"general"},{"grade":"serious"}]}}`, "needs at"},
		{"an event", `{"events":{"awarenes":"2026-02-16T22:30:00Z"}}`, "events.awarenes: no such event; did you mean awareness?"},
		{"a stage's act", `{"events":{"early_warning.submited":"2026-02-16T22:30:00Z"}}`, "did you mean early_warning.submitted?"},
		{"a moment without an offset", `{"events":{"awareness":"2026-02-16T22:30:00"}}`, "isn't a moment with its offset"},
		{"a day", `{"events":{"awareness":"2026-02-16"}}`, "isn't a moment with its offset"},
		{"a moment before all this", `{"events":{"awareness":"0026-02-16T22:30:00Z"}}`, "isn't a moment"},
		{"no moment", `{"events":{"awareness":null}}`, "events.awareness"},
		{"a correction by one person", `{"events":{"awareness":{"at":"2026-02-16T22:30:00Z","was":"2026-02-16T22:00:00Z","reason":"so","by":["alice","alice"]}}}`, "two people"},
		{"a correction without a reason", `{"events":{"awareness":{"at":"2026-02-16T22:30:00Z","was":"2026-02-16T22:00:00Z","by":["alice","bob"]}}}`, "need a reason"},
		{"a fact told twice", "{\"facts\":{\"persons_data\":1,\n\"persons_data\":2}}", `line 2: "persons_data" is there twice`},
		{"too deep", strings.Repeat(`{"a":`, 40), "objects within objects"},
		{"too long", `{"party":{"region":"` + strings.Repeat("x", maxIncident) + `"}}`, "more than 1048576 octets"},
		{"too many events", `{"events":{"request":[` + strings.Repeat(`"2026-02-16T22:30:00Z",`, maxEvents) + `"2026-02-16T22:30:00Z"]}}`, "events: more than 10000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Builtin().ReadIncident("case.json", []byte(c.text))
			if err == nil || !strings.HasPrefix(err.Error(), "case.json: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %q", err, c.want)
			}
			if !errors.Is(err, casebook.ErrInvalid) && !errors.Is(err, casebook.ErrTooLarge) {
				t.Errorf("%v is no refusal", err)
			}
		})
	}
}

// FuzzIncident: whatever is read either is refused with one of the refusals, or is
// reckoned without a panic, within bounds, and the same way twice.
func FuzzIncident(f *testing.F) {
	for _, seed := range []string{
		`{"party":{"roles":["network_operator"],"region":"CN-11"},"facts":{"controlled_addresses_unique_24h":1200000},"grades":{"cn-cac-2025":"serious"},"events":{"detection":"2026-02-16T22:00:00+08:00","awareness":"2026-02-16T22:30:00+08:00"}}`,
		`{"party":{"roles":["financial_entity"],"member_state":"DE"},"events":{"awareness":"2026-03-02T08:00:00Z","classification":"2026-03-02T18:00:00Z","initial.submitted":["2026-03-02T20:00:00Z"]}}`,
		`{"grades":{"cn-miit-2009-156":[{"grade":"general","at":"2026-09-14T10:00:00+08:00"},{"grade":"serious","at":"2026-09-16T15:20:00+08:00"}]},"events":{"month_end":"2026-09-30T23:59:59+08:00"}}`,
		`{"party":{},"facts":{"persons_data":{"low":1,"point":2,"high":3}},"events":{"void":{"at":"2026-03-02T08:00:00Z","reason":"x","by":["a","b"]}}}`,
		`{`, `null`, `[]`, `"x"`,
	} {
		f.Add([]byte(seed))
	}
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text []byte) {
		l := Builtin()
		in, err := l.ReadIncident("fuzz", text)
		if err != nil {
			if !errors.Is(err, casebook.ErrInvalid) && !errors.Is(err, casebook.ErrTooLarge) {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		a, err := l.Due(in, at)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := l.Due(in, at)
		if fmt.Sprint(a.Duties) != fmt.Sprint(b.Duties) {
			t.Fatal("the same incident gave other duties")
		}
		for _, d := range a.Duties {
			if d.Due.Before(d.Started) || d.Pack == "" || d.Article == "" || d.Line().Local == "" {
				t.Fatalf("%+v", d)
			}
		}
	})
}

// FuzzPack: a pack is taken or refused with a line, without a panic.
func FuzzPack(f *testing.F) {
	f.Add([]byte(province))
	f.Add([]byte(confirmedThreshold))
	f.Add([]byte("calendar: cn\nversion: \"2030-01-01\"\nsources: [a]\nfrom: 2026-01-01\nuntil: 2026-12-31\ndays:\n  - {off: 2026-02-01 to 2026-02-05}\n"))
	f.Add([]byte("id: a\nstages: {}\n"))
	f.Add([]byte("- - - - x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := readSheet("fuzz.yaml", text)
		if err == nil {
			// One pack alone: what stands on others has nothing to stand on.
			l := &Library{facts: Facts(), packs: map[string][]*Pack{}, digests: map[string]*Pack{}, calendars: Builtin().calendars}
			if faults := l.add([]*sheet{s}); len(faults) > 0 {
				err = errors.Join(faults...)
			}
		}
		if err != nil && !errors.Is(err, casebook.ErrInvalid) && !errors.Is(err, casebook.ErrTooLarge) && !errors.Is(err, casebook.ErrNotFound) {
			t.Fatalf("%v is no refusal", err)
		}
		if _, err := readCalendar("fuzz.yaml", text); err != nil && !errors.Is(err, casebook.ErrInvalid) {
			t.Fatalf("%v is no refusal", err)
		}
	})
}

func FuzzCondition(f *testing.F) {
	for _, seed := range []string{"persons_data >= 10", "extortion || loss_cny > 5 && !deaths_known", "portal_rank == 'central'", "1/0 == persons_data", "persons_data % 2 == 0"} {
		f.Add(seed)
	}
	facts := casebook.Facts{"persons_data": casebook.IntervalValue(casebook.Interval{Low: 1, Point: 5, High: 1 << 50}), "extortion": casebook.YesNoValue(true)}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Facts().Compile(text)
		if err != nil {
			if !errors.Is(err, casebook.ErrInvalid) && !errors.Is(err, casebook.ErrTooLarge) {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if at, could := c.At(facts), c.Could(facts); at > could {
			t.Fatalf("%s: %s, but could be %s at most", text, at, could)
		}
	})
}
