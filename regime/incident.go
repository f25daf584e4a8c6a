package regime

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

// Incident is all of a case that the law asks about.
type Incident struct {
	Party  Party
	Facts  casebook.Facts
	Grades map[string][]Graded // by regime, in the order in which they were given
	Events []Event             // in any order

	byKind map[string][]Event // the events of each kind in order of time, once sorted
}

// Party is who owes.
type Party struct {
	Roles       []string
	Region      string // of its seat, ISO 3166-2 or 3166-1
	MemberState string // of a union, ISO 3166-1 ("DE")

	// Of its network, and where what it does takes effect; "" is as its seat.
	NetworkRegion string
	EffectRegion  string
}

// PartyOf gives what a law asks of a party.
func PartyOf(p casebook.Party) Party {
	return Party{Roles: p.Roles, Region: p.Region, MemberState: p.MemberState, NetworkRegion: p.NetworkRegion, EffectRegion: p.EffectRegion}
}

// in reports whether any of a party's three regions is a certain one, and whether all
// of them are.
func (p Party) in(region string) (anywhere, wholly bool) {
	wholly = true
	for _, one := range []string{p.Region, cmp.Or(p.NetworkRegion, p.Region), cmp.Or(p.EffectRegion, p.Region)} {
		anywhere, wholly = anywhere || one == region, wholly && one == region
	}
	return anywhere, wholly
}

// Graded is a grade that somebody gave.
type Graded struct {
	Level string
	// At is when, zero if only the grade is known. Known is when it should have
	// been known, if that was earlier.
	At    time.Time
	Known time.Time
	// Final: the centre's or the authority's, which settles what rules propose.
	Final bool
}

// Event is a legal moment, or an act upon a stage.
type Event struct {
	Kind string // a law's word, a word of casebook's log, or "<stage>.submitted", "<regime>/<stage>.submitted"
	At   time.Time
	// Was is set on a correction: the moment that was recorded before. A correction
	// has a reason and two people.
	Was    time.Time
	Reason string
	By     []string
	// Until is set where an authority extended a stage: the new last moment on time.
	Until time.Time
}

// Of makes an incident of what the desk keeps. Entries of the log that another one
// supersedes count as corrected by it; a grade that is only proposed doesn't
// count, since the rules propose again.
func Of(party casebook.Party, facts casebook.Facts, grades []casebook.Grade, log []casebook.Anchor) Incident {
	in := Incident{
		Party:  PartyOf(party),
		Facts:  facts,
		Grades: map[string][]Graded{},
	}
	for _, g := range grades {
		if g.Standing == casebook.ConfirmedHere || g.Standing == casebook.DeterminedBy {
			in.Grades[g.Regime] = append(in.Grades[g.Regime], Graded{Level: g.Level, At: g.At, Final: g.Standing == casebook.DeterminedBy})
		}
	}
	for _, list := range in.Grades {
		slices.SortStableFunc(list, func(a, b Graded) int { return a.At.Compare(b.At) })
	}
	byID := map[casebook.ID]casebook.Anchor{}
	corrected := map[casebook.ID]bool{}
	asked := map[string]string{} // who asked for a correction, by the name of the entry that says so
	for _, a := range log {
		byID[a.ID] = a
		if a.Kind == casebook.CorrectionAsked {
			asked[a.ID.Text(casebook.AnchorPrefix)] = a.By
		}
	}
	for _, a := range log {
		// A note may name any entry, and takes the place of notes alone.
		if old, ok := byID[a.Supersedes]; ok && !a.Supersedes.IsZero() && old.Kind == a.Kind {
			corrected[a.Supersedes] = true
		}
	}
	for _, a := range log {
		if corrected[a.ID] {
			continue
		}
		e := Event{Kind: a.Kind, At: a.At, Reason: a.Note, By: []string{a.By}}
		if strings.HasSuffix(a.Kind, ".extended") {
			e.Until, _ = time.Parse(time.RFC3339, a.Source) // one that isn't a moment extends nothing
		}
		if first := asked[a.Source]; first != "" && !a.Supersedes.IsZero() {
			e.By = []string{first, a.By}
		}
		for hops := 0; a.Supersedes != (casebook.ID{}) && hops < len(log); hops++ {
			old, ok := byID[a.Supersedes]
			if !ok {
				break
			}
			if e.Was.IsZero() && old.Kind == e.Kind && !old.At.Equal(e.At) {
				e.Was = old.At
			}
			a = old
		}
		in.Events = append(in.Events, e)
	}
	return in
}

// sorted gives the incident with its events by kind, in order of time.
func (in Incident) sorted() Incident {
	in.byKind = map[string][]Event{}
	for _, e := range in.Events {
		in.byKind[e.Kind] = append(in.byKind[e.Kind], e)
	}
	for _, list := range in.byKind {
		slices.SortStableFunc(list, func(a, b Event) int { return a.At.Compare(b.At) })
	}
	return in
}

// events gives the moments of a kind, in order of time, of a sorted incident. The
// list isn't the caller's to change.
func (in Incident) events(kind string) []Event { return in.byKind[kind] }

// begins gives the earliest moment of the incident by which a pack's version is
// chosen; at if it has none.
func (in Incident) begins(at time.Time) time.Time {
	first := time.Time{}
	for _, e := range in.Events {
		knows := slices.Contains([]string{casebook.Surfaced, casebook.Received, casebook.Confirmed}, e.Kind)
		if a, ok := anchorNamed(e.Kind); (ok && a.kinds != nil) || knows {
			if first.IsZero() || e.At.Before(first) {
				first = e.At
			}
		}
	}
	if first.IsZero() {
		for _, e := range in.Events {
			if first.IsZero() || e.At.Before(first) {
				first = e.At
			}
		}
	}
	if first.IsZero() {
		return at
	}
	return first
}
