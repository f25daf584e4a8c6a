package regime

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/casebook"
)

// graded gives a line for each proposal.
func graded(list []casebook.Grade) []string {
	out := []string{}
	for _, g := range list {
		out = append(out, g.Level+" "+g.Reach.String()+" "+g.Rule)
	}
	return out
}

func pack(t *testing.T, id string) *Pack {
	t.Helper()
	p, err := Builtin().Find(id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProposals(t *testing.T) {
	n := casebook.NumberValue
	for _, c := range []struct {
		name, regime string
		facts        casebook.Facts
		want         []string
	}{
		{"reached, and nothing below it", "cn-miit-2009-156", casebook.Facts{"controlled_addresses_unique_24h": n(1_000_000)}, []string{"extremely_serious reached one_million_addresses"}},
		{"below it blanks", "cn-miit-2009-156", casebook.Facts{"controlled_addresses_unique_24h": n(999_999)}, []string{"serious blank serious_blank", "relatively_serious blank relatively_serious_blank", "general blank general_blank"}},
		{"the upper end may reach it", "cn-miit-2009-156", casebook.Facts{"controlled_addresses_unique_24h": casebook.IntervalValue(casebook.Interval{Low: 1, Point: 2, High: 1_000_000})},
			[]string{"extremely_serious possible one_million_addresses", "serious blank serious_blank", "relatively_serious blank relatively_serious_blank", "general blank general_blank"}},
		{"the total of addresses decides nothing", "cn-miit-2009-156", casebook.Facts{"controlled_addresses_concurrent_1h": n(5_000_000)}, []string{"serious blank serious_blank", "relatively_serious blank relatively_serious_blank", "general blank general_blank"}},
		{"data that leaked", "cn-cac-2025", casebook.Facts{"persons_data": n(10_000_000)}, []string{"serious reached persons_serious"}},
		{"a level above from an interval, one below for sure", "cn-cac-2025", casebook.Facts{"persons_data": casebook.IntervalValue(casebook.Interval{Low: 9_000_000, Point: 20_000_000, High: 100_000_000})},
			[]string{"extremely_serious possible persons_top", "serious reached persons_serious"}},
		{"several facts, the gravest counts", "cn-cac-2025", casebook.Facts{"persons_data": n(1_000_000), "loss_cny": n(20_000_000)}, []string{"serious reached loss_serious"}},
		{"half of a condition", "cn-cac-2025", casebook.Facts{"portal_outage_minutes": n(2000)}, []string{"extremely_serious possible portal_top", "serious blank portal_serious", "relatively_serious blank portal_relative"}},
		{"a grade from a draft calls a person only", "cn-cac-2025", casebook.Facts{"affected_people": n(2_000_000)}, []string{"serious blank people_serious", "relatively_serious blank people_relative"}},
		{"nothing known: every level is possible", "cn-cac-2025", nil, []string{"extremely_serious possible portal_top", "serious possible persons_serious", "relatively_serious possible persons_relative"}},
		{"an unknown written out is unknown", "cn-cac-2025", casebook.Facts{"persons_data": {}}, []string{"extremely_serious possible portal_top", "serious possible persons_serious", "relatively_serious possible persons_relative"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := graded(pack(t, c.regime).Grade(Party{}, c.facts))
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestFiguresThatDecided(t *testing.T) {
	got := pack(t, "cn-cac-2025").Grade(Party{}, casebook.Facts{"persons_data": casebook.NumberValue(10_000_000), "loss_cny": casebook.NumberValue(3)})
	if len(got) != 1 || fmt.Sprint(got[0].Figures) != "map[persons_data:10000000]" || got[0].Article == "" || got[0].Pack == "" || got[0].Standing != casebook.Proposed {
		t.Errorf("got %+v", got)
	}
}

// A person's grade stands. A graver one that the figures reach is to be graded,
// and what the authority determined settles it.
func TestAPersonsGrade(t *testing.T) {
	const text = `{"party":{"roles":["telecom_operator"]},"facts":{"controlled_addresses_unique_24h":1000000},"grades":{"cn-miit-2009-156":[{"grade":"serious","at":"2026-03-02T09:10:00+08:00"%s}]},"events":{"detection":"2026-03-02T09:00:00+08:00"}}`
	a := due(t, fmt.Sprintf(text, ""), "2026-03-02T09:30:00+08:00", "cn-miit-2009-156")
	if got, want := fmt.Sprint(told(a.Duties)), "[level1_report 2026-03-02T11:00:00+08:00 unset level2_report 2026-03-02T11:00:00+08:00 open]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	a = due(t, fmt.Sprintf(text, `,"determined":true`), "2026-03-02T09:30:00+08:00", "cn-miit-2009-156")
	if got, want := fmt.Sprint(told(a.Duties)), "[level2_report 2026-03-02T11:00:00+08:00 open]"; got != want {
		t.Errorf("determined: got %s, want %s", got, want)
	}
}

// A change within the grades that owe one stage moves nothing.
func TestRegradedWithinAStage(t *testing.T) {
	a := due(t, `{"party":{"roles":["network_operator"]},"grades":{"cn-cac-2025":[{"grade":"serious","at":"2026-03-02T09:10:00+08:00"},{"grade":"extremely_serious","at":"2026-03-02T11:00:00+08:00"}]},"events":{"awareness":"2026-03-02T09:00:00+08:00"}}`, "2026-03-02T11:30:00+08:00", "cn-cac-2025")
	if got, want := fmt.Sprint(told(a.Duties)), "[other_initial 2026-03-02T13:00:00+08:00 open]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	a = due(t, `{"party":{"roles":["network_operator"]},"grades":{"cn-cac-2025":[{"grade":"serious","at":"2026-03-02T09:10:00+08:00"},{"grade":"general","at":"2026-03-02T11:00:00+08:00"},{"grade":"serious","at":"2026-03-03T11:00:00+08:00"}]},"events":{"awareness":"2026-03-02T09:00:00+08:00"}}`, "2026-03-03T11:30:00+08:00", "cn-cac-2025")
	if got, want := fmt.Sprint(told(a.Duties)), "[other_initial 2026-03-03T15:00:00+08:00 open]"; got != want {
		t.Errorf("left and come back: got %s, want %s", got, want)
	}
}

// Over every value within an interval a condition holds only if it could, and its
// best guess is one of them.
func TestCouldIsTheMostOfAll(t *testing.T) {
	conditions := []string{
		"persons_data >= 10", "persons_data > 10 && persons_data < 13", "persons_data == 7", "persons_data != 7 && loss_cny <= 4", "!(persons_data < 5) || loss_cny == 3",
		"persons_data + loss_cny >= 20", "extortion || persons_data >= 15", "extortion && (persons_data <= 3 || loss_cny > 12)",
	}
	rapid.Check(t, func(t *rapid.T) {
		c, err := Facts().Compile(rapid.SampledFrom(conditions).Draw(t, "condition"))
		if err != nil {
			t.Fatal(err)
		}
		draw := func(name string) casebook.Value {
			low := rapid.Int64Range(0, 20).Draw(t, name)
			point := rapid.Int64Range(low, 20).Draw(t, name+" point")
			return casebook.IntervalValue(casebook.Interval{Low: low, Point: point, High: rapid.Int64Range(point, 20).Draw(t, name+" high")})
		}
		facts := casebook.Facts{"persons_data": draw("persons_data"), "loss_cny": draw("loss_cny")}
		if rapid.Bool().Draw(t, "known") {
			facts["extortion"] = casebook.YesNoValue(rapid.Bool().Draw(t, "extortion"))
		}
		most := No
		a, b := facts["persons_data"].Number, facts["loss_cny"].Number
		for x := a.Low; x <= a.High; x++ {
			for y := b.Low; y <= b.High; y++ {
				here := casebook.Facts{"persons_data": casebook.NumberValue(x), "loss_cny": casebook.NumberValue(y), "extortion": facts["extortion"]}
				most = max(most, c.At(here))
			}
		}
		if got := c.Could(facts); got != most {
			t.Fatalf("%s with %v: could %s, want %s", c.Text, facts, got, most)
		}
		if c.At(facts) > most {
			t.Fatalf("%s with %v: at %s, but over all at most %s", c.Text, facts, c.At(facts), most)
		}
	})
}

func TestConditionRefused(t *testing.T) {
	for text, want := range map[string]string{
		"controled_addresses_unique_24h >= 5":               "did you mean controlled_addresses_unique_24h?",
		"persons_data":                                      "comes to int",
		"persons_data >= \"many\"":                          "no matching overload",
		"persons_data >=":                                   "Syntax error",
		"portal_rank == \"provincial\"":                     "did you mean province?",
		"[1,2].exists(x, x == persons_data)":                "x",
		"extortion " + strings.Repeat("&& extortion ", 300): "more than 2000 characters",
	} {
		if _, err := Facts().Compile(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want it to say %q", text, err, want)
		}
	}
}

func TestSameCause(t *testing.T) {
	for days, want := range map[string]int64{
		"": 0, "2026-03-01": 1, "2026-03-01 2025-09-01": 2, "2025-08-31 2026-03-01": 1, "2026-03-01 2026-02-28 2025-12-24": 3,
	} {
		var moments []time.Time
		for day := range strings.FieldsSeq(days) {
			moments = append(moments, mustTime(t, day+"T12:00:00Z"))
		}
		if got := SameCause(moments); got != want {
			t.Errorf("%q: got %d, want %d", days, got, want)
		}
	}
}
