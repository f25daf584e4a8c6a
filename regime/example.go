package regime

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
)

// Example is a case with its outcome, inside a pack: what facts are graded as, or
// which duties an incident owes.
type Example struct {
	Name  string         `json:"name"`
	Roles []string       `json:"roles,omitempty"`
	Facts map[string]any `json:"facts,omitempty"`
	Grade string         `json:"grade,omitempty"` // the gravest level proposed; "none"
	Reach string         `json:"reach,omitempty"` // reached, possible, blank

	Given map[string]any `json:"given,omitempty"` // an incident, as regime due reads it
	At    string         `json:"at,omitempty"`
	Owes  []Owed         `json:"owes,omitempty"` // exactly these, in order
}

// Owed is one duty that an example expects.
type Owed struct {
	Stage string `json:"stage"`
	Due   string `json:"due"`
	State string `json:"state"`
}

// examples runs a pack's own examples, and looks whether they stand on both sides
// of every threshold. Of the versions of one sheet the oldest is shown.
func (l *Library) examples(packs []*Pack, s *sheet) []error {
	if len(packs) == 0 {
		return nil
	}
	v := &verifier{lib: l, pack: packs[0], sheet: s}
	facts := make([]casebook.Facts, 0, len(v.pack.Examples))
	alone := l.with(packs...)
	for i, e := range v.pack.Examples {
		at := "examples." + strconv.Itoa(i)
		v.want(at+".name", e.Name, "what the example shows")
		in, err := alone.exampleIncident(e)
		if err != nil {
			v.say(at, "%s", strings.TrimSuffix(err.Error(), ": "+casebook.ErrInvalid.Error()))
			continue
		}
		facts = append(facts, in.Facts)
		if e.Grade != "" {
			v.checkGrade(alone, at, e, in)
		}
		if e.Given != nil {
			v.checkOwed(alone, at, e, in)
		}
		if e.Grade == "" && e.Given == nil {
			v.say(at, "expected grade, or given with owes")
		}
	}
	for _, r := range v.pack.Grades.Rules {
		if r.decides() && v.sheet.states("grades.rules."+r.ID+".when") {
			v.bothSides("grades.rules."+r.ID+".when", r.When, facts)
		}
	}
	for _, s := range v.pack.Stages {
		if s.when != nil && v.sheet.states("stages."+s.ID+".when") {
			v.bothSides("stages."+s.ID+".when", s.When, facts)
		}
	}
	return v.faults
}

// with gives the library as it will be once the packs are in it.
func (l *Library) with(packs ...*Pack) *Library {
	out := &Library{facts: l.facts, calendars: l.calendars, packs: map[string][]*Pack{}, digests: map[string]*Pack{}}
	for id, list := range l.packs {
		out.packs[id] = slices.Clone(list)
	}
	out.keep(packs...)
	return out
}

func (l *Library) exampleIncident(e Example) (Incident, error) {
	given := e.Given
	if given == nil {
		party := map[string]any{}
		if e.Roles != nil {
			party["roles"] = e.Roles
		}
		given = map[string]any{"party": party, "facts": e.Facts}
	}
	text, err := json.Marshal(given)
	if err != nil {
		return Incident{}, fmt.Errorf("%v: %w", err, casebook.ErrInvalid)
	}
	return l.ReadIncident("example", text)
}

func (v *verifier) checkGrade(l *Library, at string, e Example, in Incident) {
	p := v.pack
	if p.GradesFor != "" {
		p = l.newest(p.GradesFor)
	}
	level, reach := "none", ""
	// Where nothing is known of any rule each level is possible; an example calls that none.
	if got := p.grade(l.rules(p, in.Facts), in.Party, in.Facts); len(got) > 0 && (got[0].Reach != casebook.Possible || len(got[0].Figures) > 0) {
		level, reach = got[0].Level, got[0].Reach.String()
	}
	if level != e.Grade || reach != e.Reach {
		v.say(at, "example %q: got grade %s %s, want %s %s", e.Name, level, reach, e.Grade, e.Reach)
	}
}

func (v *verifier) checkOwed(l *Library, at string, e Example, in Incident) {
	moment, err := time.Parse(time.RFC3339, e.At)
	if err != nil {
		v.say(at+".at", "%.40q is no moment such as 2026-03-02T09:00:00+08:00", e.At)
		return
	}
	got, err := l.Due(in, moment, v.pack.ID)
	if err != nil {
		v.say(at, "%v", err)
		return
	}
	var told, wanted []string
	for _, d := range got.Duties {
		told = append(told, fmt.Sprintf("%s due %s %s", d.Stage, d.Due.In(d.Location).Format(time.RFC3339), d.State))
	}
	for _, o := range e.Owes {
		due, err := time.Parse(time.RFC3339, o.Due)
		if err != nil {
			v.say(at+".owes", "%.40q is no moment such as 2026-03-02T09:00:00+08:00", o.Due)
			return
		}
		zone := v.pack.zone
		for _, d := range got.Duties {
			if d.Stage == o.Stage {
				zone = d.Location
			}
		}
		wanted = append(wanted, fmt.Sprintf("%s due %s %s", o.Stage, due.In(zone).Format(time.RFC3339), o.State))
	}
	if !slices.Equal(told, wanted) {
		v.say(at, "example %q: got %s, want %s", e.Name, listText(told), listText(wanted))
	}
}

func listText(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// bothSides wants, of every number that a condition compares a fact with, an
// example on each side of it, next to it: the number itself, and one that differs
// by at most a thousandth of it. Of every other fact it wants an example where it
// is stated both ways.
func (v *verifier) bothSides(at, text string, facts []casebook.Facts) {
	numbers := map[string]bool{}
	for _, t := range v.lib.facts.thresholds(text) {
		numbers[t.fact] = true
		var yes, no bool
		near := max(1, t.edge/1000)
		for _, f := range facts {
			value := f[t.fact]
			if n := value.Number.Point; value.Kind == casebook.Number && n >= t.edge-near && n <= t.edge+near {
				yes, no = yes || t.holds(n), no || !t.holds(n)
			}
		}
		if !yes || !no {
			v.say(at, "the threshold %s has no example on each side of it, next to it", t)
		}
	}
	c, err := v.lib.facts.Compile(text)
	if err != nil {
		return
	}
	for _, name := range c.Facts {
		if !numbers[name] && v.lib.facts.facts[name].Type == "yes_no" && !slices.ContainsFunc(facts, func(f casebook.Facts) bool { return f[name].Kind == casebook.YesNo }) {
			v.say(at, "no example states %s", name)
		}
	}
}
