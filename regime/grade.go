package regime

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tocsin/casebook"
)

// Grade proposes grades from facts: for each level the rule that reaches it most
// surely, gravest level first, and within a level the gravest word only once.
// Levels that the facts rule out aren't there.
//
//   - casebook.Reached: a condition holds for the best guesses (≥ is inclusive).
//   - casebook.Possible: it holds only for other values within the intervals, or
//     some of its facts are known and others not, or its source isn't sure.
//   - casebook.Blank: the rule isn't known. Blank says who must fill it in.
//
// A level of which no fact is known at all isn't proposed, unless nothing is known
// of any: then each is Possible. Below a level that is reached nothing is proposed.
func (p *Pack) Grade(party Party, facts casebook.Facts) []casebook.Grade {
	return p.grade(p.Grades.Rules, party, facts)
}

// Grade proposes grades as Pack.Grade does, with the rules of other packs that add
// to this one's (2024/2690 to NIS2).
func (l *Library) Grade(p *Pack, party Party, facts casebook.Facts) []casebook.Grade {
	return p.grade(l.rules(p, facts), party, facts)
}

func (p *Pack) grade(rules []Rule, party Party, facts casebook.Facts) []casebook.Grade {
	if c := p.Grades.except; c != nil && c.At(facts) == Yes {
		return nil
	}
	var list, untouched []casebook.Grade
	for _, level := range p.Grades.Levels {
		best := casebook.Grade{}
		for _, r := range rules {
			if r.Level != level || oneOf(party.Roles, r.Roles) == No {
				continue
			}
			g, open := r.reach(facts)
			g.Regime, g.Pack = p.ID, p.Digest
			if open {
				if !slices.ContainsFunc(untouched, func(u casebook.Grade) bool { return u.Level == level }) {
					untouched = append(untouched, g)
				}
				continue
			}
			if surer(g.Reach, best.Reach) {
				best = g
			}
		}
		if best.Reach != casebook.NotReached {
			list = append(list, best)
		}
		if best.Reach == casebook.Reached {
			return list
		}
	}
	if len(list) == 0 {
		return untouched
	}
	return list
}

// surer reports whether a reach says more than another: reached, then possible,
// then blank.
func surer(a, b casebook.Reach) bool {
	weight := map[casebook.Reach]int{casebook.NotReached: 0, casebook.Blank: 1, casebook.Possible: 2, casebook.Reached: 3}
	return weight[a] > weight[b]
}

// reach says how surely facts reach a rule. Open: nothing that the rule asks for
// is known.
func (r Rule) reach(facts casebook.Facts) (g casebook.Grade, open bool) {
	g = casebook.Grade{Standing: casebook.Proposed, Level: r.Level, Rule: r.ID, Article: r.Article, Confidence: r.Confidence}
	if r.when == nil {
		g.Reach, g.Blank = casebook.Blank, r.Blank
		g.Figures = maps.Clone(facts)
		return g, false
	}
	open = true
	for _, way := range r.when.ways {
		w, untouched := r.way(way, facts)
		if w.Reach == casebook.NotReached || untouched && !open {
			continue
		}
		if open && !untouched || surer(w.Reach, g.Reach) {
			g, open = w, untouched
		}
	}
	if g.Reach == casebook.NotReached {
		return g, false
	}
	return g, open
}

// way says how surely facts reach a rule in one of its ways.
func (r Rule) way(way *Condition, facts casebook.Facts) (g casebook.Grade, open bool) {
	g = casebook.Grade{Standing: casebook.Proposed, Level: r.Level, Rule: r.ID, Article: r.Article, Confidence: r.Confidence, Figures: way.figures(facts)}
	at, could := way.At(facts), way.Could(facts)
	switch {
	case could == No:
	case r.Blank != "" || !sure(r.Confidence):
		g.Reach, g.Blank = casebook.Blank, r.Blank
	case at == Yes:
		g.Reach = casebook.Reached
	default:
		g.Reach = casebook.Possible
		g.Reason = way.why(facts)
	}
	return g, could != No && !way.touched(facts)
}

// why says what keeps a possible grade from being sure.
func (c *Condition) why(facts casebook.Facts) string {
	var missing, doubt []string
	for _, f := range c.Facts {
		switch v := facts[f]; {
		case v.Kind == casebook.Unknown:
			missing = append(missing, f)
		case v.Kind == casebook.Number && v.Number.Low != v.Number.High:
			doubt = append(doubt, fmt.Sprintf("%s is %s", f, v))
		}
	}
	var parts []string
	if len(missing) > 0 {
		parts = append(parts, "not known: "+strings.Join(missing, ", "))
	}
	if len(doubt) > 0 {
		parts = append(parts, strings.Join(doubt, ", "))
	}
	return strings.Join(parts, "; ")
}

// standing is where an incident stands under a pack: for each level whether its
// duties are owed.
type standing struct {
	owed map[string]Truth
	why  map[string]string // of a level that may be owed: who must say what
	// history is what people said, in order; empty where nobody has.
	history []Graded
}

// entered tells of a change of grade that brought an incident to one of these
// levels from another, and left of the last one that took it away from them.
func (s standing) entered(levels []string) (change Graded, ok bool) { return s.crossed(levels, true) }
func (s standing) left(levels []string) (change Graded, ok bool)    { return s.crossed(levels, false) }

func (s standing) crossed(levels []string, in bool) (change Graded, ok bool) {
	for i := 1; i < len(s.history); i++ {
		if slices.Contains(levels, s.history[i].Level) == in && slices.Contains(levels, s.history[i-1].Level) != in {
			change, ok = s.history[i], true
		}
	}
	return change, ok
}

// stand weighs what people said and what the rules propose. A person's grade
// stands; a graver one that the facts reach or may reach is to be graded; what
// the centre or the authority determined settles it.
func (l *Library) stand(p *Pack, in Incident) (standing, []casebook.Grade) {
	s := standing{owed: map[string]Truth{}, why: map[string]string{}, history: l.given(p, in)}
	if len(s.history) == 0 {
		s.history = l.implied(p, in)
	}
	given, final := "", false
	if n := len(s.history); n > 0 {
		given, final = s.history[n-1].Level, s.history[n-1].Final
		s.owed[given] = Yes
	}
	proposed := p.grade(l.rules(p, in.Facts), in.Party, in.Facts)
	if final {
		return s, proposed
	}
	if given == "" && len(proposed) == 0 && p.Grades.Rest != "" {
		s.owed[p.Grades.Rest] = Yes
	}
	for _, g := range proposed {
		if given != "" && !p.graver(g.Level, given) {
			continue
		}
		truth := Maybe
		if g.Reach == casebook.Reached && given == "" {
			truth = Yes
		}
		// What is a blank to the rules, a person has filled in by grading.
		if given != "" && (g.Reach == casebook.Blank || len(g.Figures) == 0) {
			continue
		}
		s.owed[g.Level] = max(s.owed[g.Level], truth)
		if truth == Maybe {
			s.why[g.Level] = toBeGraded(g)
		}
	}
	return s, proposed
}

// given are the grades that people gave under a pack, or under the one that it
// stands for or inherits: who found an incident significant under the directive has
// found it so under the law that transposes it, and the other way round.
func (l *Library) given(p *Pack, in Incident) []Graded {
	kin := []string{p.ID, p.Transposes, p.Inherits}
	for _, id := range l.IDs() {
		o := l.newest(id)
		here, _ := in.Party.in(o.Region)
		if o.Transposes == p.ID && o.MemberState == in.Party.MemberState || o.Inherits == p.ID && here {
			kin = append(kin, id)
		}
	}
	for _, id := range kin {
		if list := in.Grades[id]; len(list) > 0 {
			return list
		}
	}
	return nil
}

// toBeGraded says who must say what before a grade is sure.
func toBeGraded(g casebook.Grade) string {
	switch {
	case g.Reach == casebook.Possible && len(g.Figures) == 0:
		return "to be graded: a person must say which grade it has; no fact that decides it is known"
	case g.Blank != "":
		return "to be graded: " + g.Blank
	case g.Reach == casebook.Reached:
		return "to be graded: a person must say whether it is " + words(g.Level) + ", which the figures reach"
	case g.Reason != "":
		return "to be graded: a person must say whether it is " + words(g.Level) + " (" + g.Reason + ")"
	}
	return "to be graded: a person must say whether it is " + words(g.Level)
}

func words(level string) string { return strings.ReplaceAll(level, "_", " ") }

// implied gives the grade that an event says by itself: where a regime's clock
// starts with the classification as major, that event is the grade.
func (l *Library) implied(p *Pack, in Incident) []Graded {
	if p.Grades.ImpliedBy == "" || len(p.Grades.Levels) == 0 || len(in.events(p.Grades.ImpliedBy)) == 0 && len(in.kinds(p.Grades.ImpliedBy)) == 0 {
		return nil
	}
	return []Graded{{Level: p.Grades.Levels[0]}}
}

// kinds gives the log's entries that stand for a word of the laws.
func (in Incident) kinds(word string) []Event {
	a, _ := anchorNamed(word)
	var list []Event
	for _, k := range a.kinds {
		list = append(list, in.events(k)...)
	}
	return list
}

// rules are a pack's own and those of packs that add to its grades, but for what
// these except.
func (l *Library) rules(p *Pack, facts casebook.Facts) []Rule {
	rules := p.Grades.Rules
	for _, id := range l.IDs() {
		if o := l.newest(id); (o.GradesFor == p.ID || p.Transposes != "" && o.GradesFor == p.Transposes) && (o.Grades.except == nil || o.Grades.except.At(facts) != Yes) {
			rules = slices.Concat(rules, o.Grades.Rules)
		}
	}
	return rules
}

// graver reports whether a level is graver than another; every level is graver
// than what isn't one of them.
func (p *Pack) graver(a, b string) bool {
	i, j := slices.Index(p.Grades.Levels, a), slices.Index(p.Grades.Levels, b)
	return i >= 0 && (j < 0 || i < j)
}
