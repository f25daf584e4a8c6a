package regime

import (
	"slices"
	"time"

	"tocsin/casebook"
)

// Concerning gives the packs that were in force at a moment and may concern a
// party: by where it has its seat, and by what it is. A party of which nothing is
// known may be concerned by all of them. Sorted by id.
func (l *Library) Concerning(party Party, at time.Time) []*Pack {
	if len(party.Roles) == 0 && party.Region == "" && party.MemberState == "" {
		return l.InForce(at)
	}
	var packs []*Pack
	in := Incident{Party: party, Events: []Event{{Kind: casebook.Surfaced, At: at}}}
	ids := l.applicable(in, at, &Answer{})
	slices.Sort(ids)
	for _, id := range ids {
		if p := l.At(id, at); p != nil {
			packs = append(packs, p)
		}
	}
	return packs
}

// GradeFacts gives the names of the facts for which the pack's own rules of grading
// ask, sorted.
func (p *Pack) GradeFacts() []string {
	var names []string
	for _, r := range p.Grades.Rules {
		if r.when != nil {
			names = append(names, r.when.Facts...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Graver reports whether the level of a grade is graver than that of another, both
// of this pack; of one level, whether it is reached more surely.
func (p *Pack) Graver(a, b casebook.Grade) bool {
	if a.Level == b.Level {
		return surer(a.Reach, b.Reach)
	}
	return p.graver(a.Level, b.Level)
}
