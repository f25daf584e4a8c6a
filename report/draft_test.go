package report_test

import (
	"slices"
	"strings"
	"testing"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/report"
)

// asked gives the ids of fields that the content asks for: required ones, and those
// that may follow with a question mark.
func asked(t *testing.T, category casebook.Category, content ...string) string {
	m := matter(t)
	m.Incident.Category = category
	m.Stage.Content = content
	var ids []string
	for _, f := range report.Draft(m).Fields {
		switch {
		case f.Asked == "":
		case f.Required:
			ids = append(ids, f.ID)
		default:
			ids = append(ids, f.ID+"?")
		}
	}
	return strings.Join(ids, " ")
}

func TestContentAsksForFields(t *testing.T) {
	for _, c := range []struct {
		name     string
		category casebook.Category
		content  []string
		want     string
	}{
		{"the plan's four items", casebook.BotnetIncident, []string{"time of occurrence", "first judgement of scope and harm", "emergency measures taken", "suggestions"},
			"occurred infected harm measures proposals"},
		{"what may follow isn't required", casebook.BotnetIncident, []string{"may follow: trend, cause, leads for tracing, further measures, support asked for, how the scene is kept"},
			"cause? trend? tracing? proposals? scene?"},
		{"a demand is asked for where there is one", casebook.BotnetIncident, []string{"time, place, kind, first grade; impact and harm; of ransomware the amount, way and date of the demand"},
			"occurred kind grade place harm ransom?"},
		{"and is required of an extortion", casebook.ExtortionIncident, []string{"of ransomware the amount, way and date of the demand"}, "ransom"},
		{"an early warning's two questions", casebook.BotnetIncident, []string{"unlawful or malicious act suspected?", "cross-border impact possible?"}, "malicious cross_border"},
		{"indicators where there are any", casebook.BotnetIncident, []string{"indicators of compromise where available"}, "controllers?"},
		{"words that no field has make one", casebook.BotnetIncident, []string{"certificate revocation serial"}, "asked_00ff8d42d3"},
		{"in Chinese", casebook.BotnetIncident, []string{"发生时间；影响范围；处置措施"}, "occurred infected harm measures"},
		{"none", casebook.BotnetIncident, nil, ""},
	} {
		if got := asked(t, c.category, c.content...); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestEveryPackGivesAForm drafts each stage of each pack that is shipped: whatever it
// asks for has a field, ids are unique, and a form with every required field filled
// in has nothing that stops it.
func TestEveryPackGivesAForm(t *testing.T) {
	stages, fields := 0, 0
	for _, p := range regime.Builtin().Packs() {
		for _, s := range p.Stages {
			m := matter(t)
			m.Stage = report.Stage{Regime: p.ID, ID: s.ID, Name: s.Name, Content: s.Content}
			f := report.Draft(m)
			seen := map[string]bool{}
			var said []casebook.FormField
			words := ""
			for _, field := range f.Fields {
				if seen[field.ID] {
					t.Errorf("%s %s: two fields are %s", p.ID, s.ID, field.ID)
				}
				seen[field.ID] = true
				words += field.Asked + "\n"
				if field.Required {
					said = append(said, casebook.FormField{ID: field.ID, Value: "x"})
				}
			}
			for _, line := range s.Content {
				stages++
				if last := line[strings.LastIndexAny(line, ",;:")+1:]; !strings.Contains(words, strings.TrimSpace(last)) && !strings.Contains(line, "ransomware") {
					t.Errorf("%s %s: no field has %q", p.ID, s.ID, last)
				}
			}
			full, err := f.With(said)
			if err != nil {
				t.Fatal(err)
			}
			if gaps := full.Check(); report.Stops(gaps) {
				t.Errorf("%s %s: %+v", p.ID, s.ID, gaps)
			}
			fields += len(f.Fields)
		}
	}
	if stages < 20 || fields < 200 {
		t.Errorf("only %d lines of content and %d fields were read", stages, fields)
	}
}

func TestDraftNamesItsSources(t *testing.T) {
	f := report.Draft(matter(t))
	for _, field := range f.Fields {
		if (field.Value == "") != (field.From == "") {
			t.Errorf("%s: value %q from %q", field.ID, field.Value, field.From)
		}
	}
	for id, want := range map[string]string{
		"occurred":  "anchor:" + matter(t).Timeline[1].ID.Text(casebook.AnchorPrefix),
		"infected":  "threat:" + matter(t).Threat.ID.Text(casebook.ThreatPrefix),
		"harm":      "fact:outage_minutes",
		"phone":     "account:alice",
		"proposals": "",
	} {
		if got := f.Field(id).From; got != want {
			t.Errorf("%s comes from %q, want %q", id, got, want)
		}
	}
}

// TestDraftNeverGuesses: of nothing known, nothing is said but who and when.
func TestDraftNeverGuesses(t *testing.T) {
	f := report.Draft(report.Matter{At: at(t, "2026-03-14T07:10:00Z"), Stage: report.Stage{Regime: "r", ID: "s", Content: []string{"cause, harm, scope, grade, measures"}}})
	var said []string
	for _, field := range f.Fields {
		if !field.Empty() {
			said = append(said, field.ID)
		}
		if field.Empty() != (field.From == "") {
			t.Errorf("%s: value %q from %q", field.ID, field.Value, field.From)
		}
	}
	if !slices.Equal(said, []string{"reported"}) {
		t.Errorf("got %q", said)
	}
	var stops []string
	for _, g := range f.Check() {
		if g.Stops {
			stops = append(stops, g.Field)
		}
	}
	if want := []string{"to", "unit", "filler", "phone", "name", "description", "grade", "infected", "harm", "cause", "measures"}; !slices.Equal(stops, want) {
		t.Errorf("stopped by %q, want %q", stops, want)
	}
}

func TestGradeThatCounts(t *testing.T) {
	m := matter(t)
	m.Stage.Content = []string{"grade"}
	if got := report.Draft(m).Value("grade"); !strings.HasPrefix(got, "relatively serious (confirmed by the reporting party); controlled addresses unique 24h 101000 (98000 to 104000)") {
		t.Errorf("got %q", got)
	}
	m.Stage.Regime, m.Lang = "eu-nis2", report.Chinese
	if got := report.Draft(m).Value("grade"); got != "significant (主管部门或中心认定)" {
		t.Errorf("got %q", got)
	}
	m.Stage.Regime = "de-bsig-32"
	if f := report.Draft(m); f.Value("grade") != "" || !report.Stops(f.Check()) {
		t.Errorf("got %q, %+v: the stage asks for a grade and there is none under its regime", f.Value("grade"), f.Check())
	}
}

func TestCheckSaysWhatIsMissing(t *testing.T) {
	m := matter(t)
	m.Phone = ""
	got := report.Draft(m).Check()
	want := []struct {
		field string
		stops bool
		en    string
	}{
		{"phone", true, "Telephone is missing, and “First report” can't be filed without it."},
		{"proposals", true, "The law asks for: suggestions."},
		{"cause", false, "Cause is missing; it may follow. The law asks for: cause."},
	}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i, w := range want {
		if g := got[i]; g.Field != w.field || g.Stops != w.stops || !strings.Contains(g.Says.EN, w.en) || !strings.Contains(g.Says.ZH, "缺少") {
			t.Errorf("got %+v, want %+v", g, w)
		}
	}
}

// TestNotYetKnownIsAnAnswer: an honest "not yet known" files, and must be
// supplemented.
func TestNotYetKnownIsAnAnswer(t *testing.T) {
	for _, said := range []string{report.NotYetKnown, "Unknown.", "尚不清楚。", "不详"} {
		f, err := report.Draft(matter(t)).With([]casebook.FormField{{ID: "proposals", Value: said}, {ID: "cause", Value: "known"}})
		if err != nil {
			t.Fatal(err)
		}
		gaps := f.Check()
		if len(gaps) != 1 || gaps[0].Field != "proposals" || gaps[0].Stops || !strings.Contains(gaps[0].Says.EN, "supplement") {
			t.Errorf("%s: got %+v", said, gaps)
		}
	}
}

func TestEarlierVersionIsCarriedOn(t *testing.T) {
	m := matter(t)
	m.Earlier = []casebook.FormField{
		{ID: "proposals", Value: "block it", From: "person:bob", Secret: true},
		{ID: "harm", Value: "none seen", From: "person:bob"},
		{ID: "infected", Value: "7", From: "threat:old"},
		{ID: "reported", Value: "yesterday", From: "person:bob"},
		{ID: "controllers", Value: report.NotYetKnown, From: "person:bob"},
	}
	f := report.Draft(m)
	if f.Field("harm").Known == "" || f.Field("controllers").Open() {
		t.Errorf("got %+v, %+v: what is known now is said beside a person's word, and instead of “not yet known”", f.Field("harm"), f.Field("controllers"))
	}
	if p := f.Field("proposals"); p.Value != "block it" || !p.Secret || p.From != "person:bob" {
		t.Errorf("got %+v", p)
	}
	if f.Value("harm") != "none seen" || strings.HasPrefix(f.Value("infected"), "7") || f.Value("reported") == "yesterday" {
		t.Errorf("got %q, %q, %q: a person's word stays, figures and the moment are new", f.Value("harm"), f.Value("infected"), f.Value("reported"))
	}
}

func TestWithRefuses(t *testing.T) {
	f := report.Draft(matter(t))
	for name, values := range map[string][]casebook.FormField{
		"a bad id":     {{ID: "No Such"}},
		"twice":        {{ID: "harm"}, {ID: "harm"}},
		"a long value": {{ID: "harm", Value: strings.Repeat("x", report.MaxValue+1)}},
	} {
		if _, err := f.With(values); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	var many []casebook.FormField
	for i := range report.MaxFields {
		many = append(many, casebook.FormField{ID: "x" + strings.Repeat("y", i%50) + string(rune('a'+i/50))})
	}
	if _, err := f.With(many); err == nil {
		t.Error("a form without end was taken")
	}
	if kept := f.Frozen(); len(kept) == 0 || slices.ContainsFunc(kept, func(v casebook.FormField) bool { return v.Value == "" }) {
		t.Errorf("kept %+v", kept)
	}
}

// TestADraftGoesOnWithWhatIsKnown: what the record fills moves on with it, what a person
// wrote stays, and the draft says what is known beside it.
func TestADraftGoesOnWithWhatIsKnown(t *testing.T) {
	then := report.Draft(matter(t))
	written := then.Frozen()
	for i := range written {
		switch written[i].ID {
		case "infected":
			written[i].Secret = true
		case "harm":
			written[i].Value, written[i].From = "none seen", "person:bob"
		}
	}
	m := matter(t)
	m.Filler = "carol"
	m.Threat.Sizes[0].Unique24h = casebook.Interval{Low: 5, Point: 6, High: 7}
	m.Facts["outage_minutes"] = casebook.NumberValue(77)
	now, err := report.Draft(m).Under(written)
	if err != nil {
		t.Fatal(err)
	}
	if f := now.Field("infected"); !strings.Contains(f.Value, "6 (5–7)") || !f.Secret || f.Known != "" {
		t.Errorf("the figure of now is shown, with its mark: got %+v", f)
	}
	if f := now.Field("harm"); f.Value != "none seen" || !strings.Contains(f.Known, "77") {
		t.Errorf("a person's word stays, and what is known is beside it: got %+v", f)
	}
	if now.Value("filler") != "carol" {
		t.Errorf("filled in by %q, not by who drafts now", now.Value("filler"))
	}
	empty, err := report.Draft(m).Under([]casebook.FormField{{ID: "harm", From: "person:bob"}})
	if err != nil || empty.Value("harm") != "" {
		t.Errorf("what a person emptied stays empty: got %q (%v)", empty.Value("harm"), err)
	}
}
