package regime

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
)

var idText = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// otherStage names a stage of another regime: "eu-nis2/early_warning".
var otherStage = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}/[a-z][a-z0-9_]{0,63}$`)

var wordText = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

func parseDay(s string) (time.Time, error) { return time.Parse(time.DateOnly, s) }

// verifier looks through a pack and notes every fault.
type verifier struct {
	lib    *Library
	pack   *Pack
	sheet  *sheet
	faults []error
}

func (v *verifier) say(at, format string, args ...any) {
	v.faults = append(v.faults, v.sheet.fault(at, fmt.Sprintf(format, args...)))
}

// want says that a text is missing.
func (v *verifier) want(at, text, what string) {
	if strings.TrimSpace(text) == "" {
		v.say(at, "missing: %s", what)
	}
}

// oneOf says that a word isn't one of those there are.
func (v *verifier) oneOf(at, word string, known []string) {
	if !slices.Contains(known, word) {
		v.say(at, "%.60q%s", word, meant(word, known))
	}
}

func (v *verifier) all(at string, list, known []string) {
	for i, word := range list {
		v.oneOf(at+"."+strconv.Itoa(i), word, known)
	}
}

// verify checks a pack and compiles its conditions.
func (l *Library) verify(p *Pack, s *sheet) []error {
	v := &verifier{lib: l, pack: p, sheet: s}
	v.head()
	v.place()
	v.grades()
	for i := range p.Stages {
		v.stage(&p.Stages[i])
	}
	v.cycles()
	for i := range p.Powers {
		v.power(&p.Powers[i])
	}
	v.consequences()
	return v.faults
}

func (v *verifier) head() {
	p := v.pack
	if !idText.MatchString(p.ID) {
		v.say("id", "%.80q: expected small letters, digits, dots and hyphens", p.ID)
	}
	v.want("name", p.Name, "what the regime is called")
	v.want("jurisdiction", p.Jurisdiction, "ISO 3166-1, EU or global")
	v.oneOf("status", p.Status, []string{"in_force", "historical", "proposed", "catalogue"})
	v.oneOf("confidence", p.Confidence, confidences)
	if p.Version < 1 || p.Version > 9999 {
		v.say("version", "%d, expected 1 to 9999", p.Version)
	}
	if len(p.Sources) == 0 {
		v.say("sources", "missing: say where this was read")
	}
	v.span("in_force", p.InForce, p.Status != "proposed" && p.Status != "catalogue")
	v.all("who.roles", p.Who.Roles, Roles)
	v.all("who.perhaps", p.Who.Perhaps, Roles)
	for _, id := range sortedKeys(p.Recipients) {
		at := "recipients." + id
		v.want(at+".name", p.Recipients[id].Name, "what the regime calls the recipient")
		if r := p.Recipients[id].Role; r != "" {
			v.oneOf(at+".role", r, Roles)
		}
	}
	if p.Confidence == Confirmed && len(p.ConfirmedBy) == 0 {
		v.say("confirmed_by", "missing: say who confirmed it, and when")
	}
	for i, c := range p.ConfirmedBy {
		if _, err := parseDay(c.On); err != nil || c.Who == "" {
			v.say("confirmed_by."+strconv.Itoa(i), "expected who, and on as a day such as 2026-12-01")
		}
	}
	if (p.Status == "catalogue" || p.Status == "proposed") && p.WhyNot == "" {
		v.say("why_not", "missing: say why no stage runs")
	}
	if p.Status == "catalogue" && len(p.Stages) > 0 {
		v.say("stages", "a catalogue entry runs no stage: put what is known under known")
	}
	if (p.Region == "") != (p.Inherits == "") && p.Region != "" {
		v.say("region", "a region's pack inherits the nation's: say inherits")
	}
}

func (v *verifier) span(at string, s Span, must bool) {
	if s.From == "" && must {
		v.say(at+".from", "missing: the first day in force")
	}
	for _, end := range []struct{ name, day string }{{"from", s.From}, {"until", s.Until}} {
		if _, err := parseDay(end.day); err != nil && end.day != "" {
			v.say(at+"."+end.name, "%.40q is no day such as 2026-01-31", end.day)
		}
	}
	if s.Until != "" && s.Until < s.From {
		v.say(at+".until", "%s is before %s", s.Until, s.From)
	}
}

// place finds zone and calendar.
func (v *verifier) place() {
	p := v.pack
	p.zone = v.zone("zone", p.Zone, len(p.Stages) > 0)
	if p.Calendar == "" {
		p.calendar = weekends
		return
	}
	c := v.lib.calendars[p.Calendar]
	switch {
	case c == nil:
		v.say("calendar", "no calendar is called %.40q%s", p.Calendar, meant(p.Calendar, sortedKeys(v.lib.calendars)))
		p.calendar = weekends
		return
	case p.InForce.From > dayText(c.Until):
		v.say("calendar", "expired: %s ends on %s, and the pack is in force from %s: put the next calendar in the site's folder", c.Name(), dayText(c.Until), p.InForce.From)
	}
	p.calendar = c
}

func (v *verifier) zone(at, name string, must bool) *time.Location {
	if name == "" && !must {
		return time.UTC
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		v.say(at, "%.40q is no zone such as Asia/Shanghai", name)
		return time.UTC
	}
	return zone
}

// weekends is the calendar of a pack that names none: it knows no working day, so
// nothing rolls over it and each day counts.
var weekends = &Calendar{ID: "none", Version: "0"}

func (v *verifier) grades() {
	g := &v.pack.Grades
	for i, level := range g.Levels {
		if !wordText.MatchString(level) || slices.Contains(g.Levels[:i], level) {
			v.say("grades.levels."+strconv.Itoa(i), "%.40q: expected a new word in small letters", level)
		}
	}
	if g.ImpliedBy != "" {
		v.oneOf("grades.implied_by", g.ImpliedBy, anchorNames())
	}
	g.except = v.condition("grades.except", g.Except)
	seen := map[string]bool{}
	for i := range g.Rules {
		r := &g.Rules[i]
		at := "grades.rules." + r.ID
		if !wordText.MatchString(r.ID) || seen[r.ID] {
			v.say("grades.rules."+strconv.Itoa(i), "id %.40q: expected a new word in small letters", r.ID)
		}
		seen[r.ID] = true
		levels := g.Levels
		if v.pack.GradesFor != "" {
			if base := v.lib.newest(v.pack.GradesFor); base != nil {
				levels = base.Grades.Levels
			}
		}
		v.oneOf(at+".level", r.Level, levels)
		v.want(at+".article", r.Article, "the article that the rule follows")
		v.want(at+".says", r.Says, "the rule in your own words")
		v.oneOf(at+".confidence", r.Confidence, confidences)
		v.confirmed(at, r.Confidence)
		v.all(at+".roles", r.Roles, Roles)
		r.when = v.condition(at+".when", r.When)
		switch {
		case r.When == "" && r.Blank == "":
			v.say(at+".when", "missing: the condition, or blank: who must fill it in")
		case r.Blank == "" && !sure(r.Confidence):
			v.say(at+".confidence", "%s alone counts as unknown: say blank, who must confirm the threshold", r.Confidence)
		}
	}
}

func (v *verifier) confirmed(at, confidence string) {
	if confidence == Confirmed && len(v.pack.ConfirmedBy) == 0 {
		v.say(at+".confidence", "confirmed by whom? say confirmed_by: who, and on which day")
	}
}

func (v *verifier) condition(at, text string) *Condition {
	if text == "" {
		return nil
	}
	c, err := v.lib.facts.Compile(text)
	if err != nil {
		v.say(at, "%s", strings.TrimSuffix(err.Error(), ": "+casebook.ErrInvalid.Error()))
		return nil
	}
	return c
}

func (v *verifier) stage(s *Stage) {
	at := "stages." + s.ID
	n := 0
	for _, o := range v.pack.Stages {
		if o.ID == s.ID {
			n++
		}
	}
	if !wordText.MatchString(s.ID) || n > 1 {
		v.say(at, "id %.40q: expected a new word in small letters", s.ID)
	}
	v.want(at+".name", s.Name, "what is owed")
	v.want(at+".article", s.Article, "the article that it is owed under")
	v.all(at+".grades", s.Grades, append(slices.Clone(v.pack.Grades.Levels), v.pack.Grades.Rest))
	v.all(at+".roles", s.Roles, Roles)
	v.all(at+".not", s.Not, Roles)
	if s.By != "" {
		v.oneOf(at+".by", s.By, Roles)
	}
	s.when = v.condition(at+".when", s.When)
	if s.Zone != "" {
		s.zone = v.zone(at+".zone", s.Zone, true)
	}
	v.clock(at, s)
	if len(s.To.list()) == 0 {
		v.say(at+".to", "missing: who gets it, any_of or all_of")
	}
	if len(s.To.AnyOf) > 0 && len(s.To.AllOf) > 0 {
		v.say(at+".to", "expected any_of or all_of, not both")
	}
	v.all(at+".to", append(s.To.list(), s.CopyTo...), sortedKeys(v.pack.Recipients))
	v.limits(at, s)
}

// clock checks what starts a stage and what meets it.
func (v *verifier) clock(at string, s *Stage) {
	v.anchor(at, s.Anchor, s.Of)
	if s.Or != "" {
		v.anchor(at, s.Or, "")
	}
	if s.Which != "" {
		v.oneOf(at+".which", s.Which, []string{"first", "last", "each"})
	}
	if s.Every != "" {
		v.oneOf(at+".every", s.Every, []string{"month", "quarter"})
	}
	if _, ok := v.pack.Stage(s.Until); s.Until != "" && (!ok || s.Until == s.ID) {
		v.say(at+".until", "%.40q: expected another stage", s.Until)
	}
	if s.Meets != "" {
		v.oneOf(at+".meets", s.Meets, []string{"dispatched", "delivered", "acknowledged"})
	}
	for i, m := range s.MetBy {
		if _, ok := v.pack.Stage(m); !ok && !otherStage.MatchString(m) {
			v.oneOf(at+".met_by."+strconv.Itoa(i), m, anchorNames())
		}
	}
}

func (v *verifier) anchor(at, anchor, of string) {
	v.oneOf(at+".anchor", anchor, anchorNames())
	_, chained := previous(anchor)
	if _, ok := v.pack.Stage(of); chained && !ok {
		v.say(at+".of", "%.40q: expected the stage whose sending or receipt starts this one", of)
	}
	if !chained && of != "" {
		v.say(at+".of", "%s isn't the sending or receipt of another stage", anchor)
	}
}

func (v *verifier) limits(at string, s *Stage) {
	if len(s.Limits) == 0 {
		v.say(at+".limits", "missing: say the limit, or blank: who must fill it in")
	}
	for i := range s.Limits {
		r := &s.Limits[i]
		at := at + ".limits." + strconv.Itoa(i)
		var err error
		if r.limit, err = ParseLimit(r.Limit); err != nil {
			v.say(at+".limit", "%s", strings.TrimSuffix(err.Error(), ": "+casebook.ErrInvalid.Error()))
		}
		v.oneOf(at+".confidence", r.Confidence, confidences)
		v.confirmed(at, r.Confidence)
		if (!sure(r.Confidence) || r.limit.Unit == NoFigure) && r.Blank == "" {
			v.say(at+".blank", "missing: %s, so somebody must say more: who", limitDoubt(*r))
		}
		if r.Anchor != "" {
			v.anchor(at, r.Anchor, r.Of)
		}
		if r.limit.Unit == WorkingDays && v.pack.Calendar == "" && !v.pack.National {
			v.say("calendar", "missing: %s counts working days", at)
		}
		r.when = v.condition(at+".when", r.When)
	}
	if s.Cap != nil {
		var err error
		if s.Cap.limit, err = ParseLimit(s.Cap.Limit); err != nil {
			v.say(at+".cap.limit", "%s", strings.TrimSuffix(err.Error(), ": "+casebook.ErrInvalid.Error()))
		}
		v.anchor(at+".cap", s.Cap.Anchor, "")
		v.oneOf(at+".cap.confidence", s.Cap.Confidence, confidences)
	}
	if s.Rolls != nil {
		v.oneOf(at+".rolls.to", s.Rolls.To, []string{"next_working_day", "next_working_day_noon"})
		v.oneOf(at+".rolls.confidence", s.Rolls.Confidence, confidences)
		v.confirmed(at+".rolls", s.Rolls.Confidence)
		s.Rolls.unless = v.condition(at+".rolls.unless", s.Rolls.Unless)
		v.want(at+".rolls.article", s.Rolls.Article, "the article that moves the last day")
		if v.pack.Calendar == "" && !v.pack.National {
			v.say("calendar", "missing: %s moves to working days", at)
		}
	}
}

func limitDoubt(r Reading) string {
	if !sure(r.Confidence) {
		return "a limit known from " + r.Confidence + " only counts as unknown"
	}
	return r.Limit + " is no figure"
}

// cycles looks for stages that wait for one another.
func (v *verifier) cycles() {
	for _, s := range v.pack.Stages {
		at, hops := s, 0
		for ; at.Of != "" && hops <= len(v.pack.Stages); hops++ {
			at, _ = v.pack.Stage(at.Of)
		}
		if hops > len(v.pack.Stages) {
			v.say("stages."+s.ID+".of", "the stages wait for one another in a circle")
		}
	}
}

func (v *verifier) power(w *Power) {
	at := "powers." + w.ID
	if !wordText.MatchString(w.ID) {
		v.say(at, "id %.40q: expected a word in small letters", w.ID)
	}
	v.oneOf(at+".act", w.Act, Acts)
	if len(w.By) == 0 {
		v.say(at+".by", "missing: which role has the power")
	}
	v.all(at+".by", w.By, Roles)
	v.all(at+".against", w.Against, Roles)
	v.want(at+".article", w.Article, "the article that gives the power")
	v.want(at+".says", w.Says, "the power in your own words")
	v.want(at+".form", w.Form, "the form that the act must have")
	v.oneOf(at+".confidence", w.Confidence, confidences)
	v.span(at, Span{From: w.From, Until: w.Until}, false)
}

func (v *verifier) consequences() {
	c := v.pack.Consequences
	v.oneOf("consequences.state", c.State, []string{"none", "draft", "in_force"})
	v.span("consequences", Span{From: c.From, Until: c.Until}, len(c.Schedule) > 0)
	if c.State == "none" && len(c.Schedule) > 0 {
		v.say("consequences.schedule", "a regime without consequences has no schedule: say draft or in_force")
	}
	for i, line := range c.Schedule {
		at := "consequences.schedule." + firstWord(line.ID, strconv.Itoa(i))
		v.oneOf(at+".for", line.For, []string{"late", "missed"})
		v.want(at+".article", line.Article, "the article, or the line of the draft")
		v.want(at+".currency", line.Currency, "ISO 4217")
		if line.Amount < 0 || line.PerHour < 0 || line.Most < 0 {
			v.say(at, "an amount below zero")
		}
		if _, err := ParseLimit(firstWord(line.Over, "at once")); err != nil {
			v.say(at+".over", "%.40q is no time such as 1h", line.Over)
		}
		for _, s := range line.Stages {
			if _, ok := v.pack.Stage(s); !ok {
				v.say(at+".stages", "%.40q is no stage", s)
			}
		}
	}
}
