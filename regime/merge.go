package regime

import (
	"cmp"
	"slices"

	"tocsin/casebook"
)

// Governing tells, of the duties of incidents that are merged into one, which stay
// behind which: each that has the same party, regime, stage and key as another is
// governed by the one that is due first, or opened first if they are due together.
// Both are kept; unmerging revives what was behind. Duties that are met, late,
// missed, void or superseded stand for themselves.
func Governing(duties []casebook.Duty) map[casebook.ID]casebook.ID {
	type owed struct {
		party              casebook.ID
		regime, stage, key string
	}
	groups := map[owed][]casebook.Duty{}
	for _, d := range duties {
		if d.State.Runs() || d.State == casebook.Suspended {
			o := owed{d.Party, d.Regime, d.Stage, d.Key}
			groups[o] = append(groups[o], d)
		}
	}
	behind := map[casebook.ID]casebook.ID{}
	for _, group := range groups {
		first := slices.MinFunc(group, func(a, b casebook.Duty) int {
			return cmp.Or(a.Due.Compare(b.Due), a.Started.Compare(b.Started), slices.Compare(a.ID[:], b.ID[:]))
		})
		for _, d := range group {
			if d.ID != first.ID {
				behind[d.ID] = first.ID
			}
		}
	}
	return behind
}
