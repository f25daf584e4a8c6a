package regime

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

// Due is a duty with what the desk doesn't keep of it. Identity (ID, incident,
// party) and told moments are left empty.
type Due struct {
	casebook.Duty
	Name     string         // of the stage
	Event    string         // what started it: "awareness", "incident_notification.submitted"
	OwedBy   string         // role, for an authority's own clock; "" the party
	ToNames  []string       // the recipients as the regime calls them
	CopyName []string       // those who get a copy
	Location *time.Location // of Duty.Zone
	WasDue   time.Time      // before a correction or a pause; zero without one
	Cap      string         // the second limit that ends it early, "" where none does
	Readings []string       // what each source says of the limit, where there are several
	Content  []string       // what the filing holds
	// Grade is what it is owed under: with the rule and the figures that decided it,
	// or with the level only where a person graded. Its Level is "" where the stage
	// is owed at any.
	Grade casebook.Grade
	// LateReasons says when and how lateness must be explained, "" where the regime
	// doesn't ask.
	LateReasons string
	early       bool     // a filing from before it began counts
	Remarks     []string // a calendar that has run out, a rule that may hold
}

// Answer is what is owed, and what a person should know besides.
type Answer struct {
	Duties  []Due
	Grades  []casebook.Grade // as the rules propose
	Remarks []string
}

// Due reckons the duties of an incident as of a moment. regimes names those asked
// for; none asks every regime that was in force when the incident began, that
// addresses a role of the party, and that holds where it has its seat.
//
// Duties come in the order of regimes by id, then of stages as the pack has them,
// then of what started them, then by Key. The same incident gives the same duties
// with the same Regime, Stage and Key, whatever the order of its events, so that a
// duty once written is found again: what was written stands, and what is no longer
// here and was Provisional has been settled by a grade. The state is that of the
// moment; filings after it don't count yet. It gives ErrNotFound for an unknown
// regime.
func (l *Library) Due(in Incident, at time.Time, regimes ...string) (Answer, error) {
	var answer Answer
	if country, _, _ := strings.Cut(in.Party.Region, "-"); in.Party.MemberState == "" && states[country].zone != nil {
		in.Party.MemberState = country
	}
	in = in.sorted()
	packs, err := l.asked(in, at, regimes, &answer)
	if err != nil {
		return answer, err
	}
	for _, p := range packs {
		r := reckoner{lib: l, pack: p, in: in, at: at}
		r.standing, r.proposed = l.stand(p, in)
		answer.Grades = append(answer.Grades, r.proposed...)
		var found []Due
		for _, s := range p.Stages {
			found = append(found, r.stage(s)...)
		}
		if len(found) == 0 && len(regimes) > 0 {
			answer.Remarks = append(answer.Remarks, r.nothing())
		}
		answer.Duties = append(answer.Duties, found...)
	}
	if len(answer.Duties) == 0 && len(regimes) == 0 {
		answer.Remarks = append(answer.Remarks, fmt.Sprintf("nothing is owed by what is recorded, under the %d regimes in force that may concern the party", len(packs)))
	}
	for _, d := range answer.Duties {
		for _, r := range d.Remarks {
			if !slices.Contains(answer.Remarks, r) {
				answer.Remarks = append(answer.Remarks, r)
			}
		}
	}
	return answer, nil
}

// asked gives the packs to reckon with, each in the version of then.
func (l *Library) asked(in Incident, at time.Time, regimes []string, answer *Answer) ([]*Pack, error) {
	begins := in.begins(at)
	ids := slices.Clone(regimes)
	for _, id := range regimes {
		p, err := l.Find(id)
		if err != nil {
			return nil, err
		}
		if p.GradesFor != "" {
			answer.Remarks = append(answer.Remarks, fmt.Sprintf("%s has no clocks of its own: it says what is significant under %s, which is reckoned", id, p.GradesFor))
			ids = append(ids, p.GradesFor)
		}
	}
	if len(regimes) == 0 {
		ids = l.applicable(in, begins, answer)
	}
	slices.Sort(ids)
	var packs []*Pack
	for _, id := range slices.Compact(ids) {
		p := l.At(id, begins)
		switch newest := l.newest(id); {
		case p != nil && p.GradesFor != "" && len(p.Stages) == 0:
		case p == nil || newest.Status == "catalogue" || newest.Status == "proposed":
			if len(regimes) > 0 {
				answer.Remarks = append(answer.Remarks, notRunning(newest, begins))
			}
		default:
			packs = append(packs, p)
		}
	}
	return packs, nil
}

// notRunning says why a regime's clocks don't run at a moment.
func notRunning(p *Pack, at time.Time) string {
	switch {
	case p.WhyNot != "":
		return fmt.Sprintf("%s: no clock runs: %s", p.ID, p.WhyNot)
	case p.InForce.Until != "" && dayText(dayOf(at, p.zone)) > p.InForce.Until:
		return fmt.Sprintf("%s: no clock runs: it was in force until %s and not on %s", p.ID, p.InForce.Until, dayText(dayOf(at, p.zone)))
	}
	return fmt.Sprintf("%s: no clock runs: it is in force from %s and not on %s", p.ID, p.InForce.From, dayText(dayOf(at, p.zone)))
}

// applicable picks the regimes that hold for a party at a moment: by jurisdiction,
// by role, national law in the place of a union's, a province's in the nation's.
// A regime that a person graded under always counts.
func (l *Library) applicable(in Incident, at time.Time, answer *Answer) []string {
	country, _, _ := strings.Cut(in.Party.Region, "-")
	if country == "" && in.Party.MemberState == "" {
		answer.Remarks = append(answer.Remarks, "party.region isn't given: regimes of every country that address the party's roles are reckoned")
	}
	var ids []string
	instead := map[string]bool{}
	for _, p := range l.InForce(at) {
		_, graded := in.Grades[p.ID]
		if !graded && (!l.concerns(p, in.Party, country) || !addressesAny(p, in.Party.Roles)) {
			continue
		}
		ids = append(ids, p.ID)
		// A province's law takes the nation's place for what is in that province alone.
		if _, wholly := in.Party.in(p.Region); p.Region != "" && wholly {
			instead[p.Inherits] = true
		}
		if p.MemberState != "" && p.MemberState == in.Party.MemberState {
			instead[p.Transposes] = true
		}
	}
	return slices.DeleteFunc(ids, func(id string) bool {
		_, graded := in.Grades[id]
		return instead[id] && !graded
	})
}

func (l *Library) concerns(p *Pack, party Party, country string) bool {
	if anywhere, _ := party.in(p.Region); p.Region != "" && !anywhere {
		return false
	}
	if p.MemberState != "" && p.MemberState != party.MemberState && p.MemberState != country {
		return false
	}
	if country == "" && party.MemberState == "" || p.Jurisdiction == "global" {
		return true
	}
	if p.Jurisdiction == "EU" {
		_, member := states[party.MemberState]
		_, seated := states[country]
		return member || seated
	}
	return p.Jurisdiction == country || p.Jurisdiction == party.MemberState
}

// addressesAny reports whether any stage of a pack may be owed by these roles.
func addressesAny(p *Pack, roles []string) bool {
	if p.Addresses(roles) != No {
		return true
	}
	return slices.ContainsFunc(p.Stages, func(s Stage) bool { return len(s.Roles) > 0 && oneOf(roles, s.Roles) == Yes })
}

// reckoner works out one pack's duties.
type reckoner struct {
	lib      *Library
	pack     *Pack
	in       Incident
	at       time.Time
	standing standing
	proposed []casebook.Grade
}

// nothing says why a pack that was asked for owes nothing.
func (r *reckoner) nothing() string {
	p := r.pack
	if !addressesAny(p, r.in.Party.Roles) {
		return fmt.Sprintf("%s owes nothing: it addresses %s, and the party is %s", p.ID, strings.Join(p.Who.Roles, ", "), strings.Join(r.in.Party.Roles, ", "))
	}
	if len(r.in.Events) == 0 {
		return fmt.Sprintf("%s owes nothing yet: the incident has no event that starts a clock", p.ID)
	}
	for level, truth := range r.standing.owed {
		if truth == Yes {
			return fmt.Sprintf("%s owes nothing at the grade %s by what is recorded", p.ID, level)
		}
	}
	return fmt.Sprintf("%s owes nothing by what is recorded", p.ID)
}

// owes weighs whether a stage is owed at all, and by which level. why says what a
// person must say where that isn't known.
func (r *reckoner) owes(s Stage) (truth Truth, level, why string) {
	truth = r.owedByRole(s)
	if truth == Maybe {
		why = "to be graded: party.roles must say whether the party is one of those that owe it"
	}
	if truth != No && len(s.Grades) > 0 {
		byGrade := No
		byGrade, level = r.owedByGrade(s)
		if byGrade == Maybe && why == "" {
			why = r.standing.why[level]
		}
		truth = min(truth, byGrade)
	}
	if truth != No && s.when != nil {
		byFacts := r.owedByFacts(s)
		if byFacts == Maybe && why == "" {
			why = "to be graded: a person must say whether " + s.when.Text
		}
		truth = min(truth, byFacts)
	}
	return truth, level, why
}

// owedByRole: an authority's own clock is owed by whoever that is, whoever asks.
func (r *reckoner) owedByRole(s Stage) Truth {
	roles := r.in.Party.Roles
	switch {
	case s.By != "":
		return Yes
	case len(s.Not) > 0 && oneOf(roles, s.Not) == Yes:
		return No
	case len(s.Roles) > 0:
		return oneOf(roles, s.Roles)
	}
	return r.pack.Addresses(roles)
}

// owedByGrade gives the surest of the stage's levels. One that a change of grade
// left was owed, under no level of now.
func (r *reckoner) owedByGrade(s Stage) (truth Truth, level string) {
	for _, g := range s.Grades {
		if t := r.standing.owed[g]; t > truth {
			truth, level = t, g
		}
	}
	if _, was := r.standing.left(s.Grades); truth == No && was {
		return Yes, ""
	}
	return truth, level
}

func (r *reckoner) owedByFacts(s Stage) Truth {
	switch {
	case s.when.Could(r.in.Facts) == No:
		return No
	case s.Presumed || s.when.At(r.in.Facts) == Yes:
		return Yes
	}
	return Maybe
}

// stage gives the duties of one stage, one for each event that starts it.
func (r *reckoner) stage(s Stage) []Due {
	truth, level, why := r.owes(s)
	if truth == No {
		return nil
	}
	var list []Due
	for _, b := range r.begins(s) {
		d, ok := r.duty(s, b)
		if !ok {
			continue
		}
		if s.Until != "" && r.within(s.Until, b.at) {
			continue
		}
		switch change, left := r.standing.left(s.Grades); {
		case left && level == "":
			if b.at.After(change.At) && (b.open.IsZero() || b.open.After(change.At)) {
				continue // it would have begun only after the grade was left
			}
			d.State, d.Reason = casebook.Superseded, fmt.Sprintf("the grade changed to %s", words(change.Level))
		case b.knows:
			if d, ok = r.regraded(s, b, d); !ok {
				continue
			}
		}
		d.Grade = r.under(level)
		if truth == Maybe {
			d.Provisional, d.Blank = true, joined(why, d.Blank)
		}
		list = append(list, d)
	}
	r.settle(s, list)
	return list
}

// under gives the grade of a level as the rules propose it, unless a person gave it.
func (r *reckoner) under(level string) casebook.Grade {
	i := slices.IndexFunc(r.proposed, func(g casebook.Grade) bool { return g.Level == level })
	if given := r.standing.history; i < 0 || len(given) > 0 && given[len(given)-1].Level == level {
		return casebook.Grade{Regime: r.pack.ID, Pack: r.pack.Digest, Level: level}
	}
	return r.proposed[i]
}

// within reports whether a moment isn't past the due one of another stage, so that
// one is what is owed.
func (r *reckoner) within(stage string, at time.Time) bool {
	other, _ := r.pack.Stage(stage)
	for _, b := range r.begins(other) {
		if d, ok := r.duty(other, b); ok && !at.After(d.Due) {
			return true
		}
	}
	return false
}

// regraded moves the beginning of a duty to the moment at which a change of grade
// made it owed, or at which it should have been known to be.
func (r *reckoner) regraded(s Stage, b beginning, d Due) (Due, bool) {
	change, ok := r.standing.entered(s.Grades)
	from := change.At
	if !change.Known.IsZero() && change.Known.Before(from) {
		from = change.Known
	}
	if !ok || !from.After(b.at) {
		return d, true
	}
	b.at = from
	d, ok = r.duty(s, b)
	d.Reason = joined(d.Reason, "the grade changed to "+words(change.Level))
	return d, ok
}

func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}
