package report

import (
	"slices"

	"tocsin/casebook"
)

// Difference is what became of one field from one version of a report to another.
type Difference struct {
	ID      string
	Label   Words
	Was, Is string // "" where the field said nothing
	// Marked: the mark as a trade secret was set or taken off.
	Marked bool
	Secret bool // as it is now
}

// Differences gives the fields in which two versions differ, in the order of the later
// one, those that it dropped at the end. Where a value came from is no difference.
func Differences(was, is []casebook.FormField) []Difference {
	find := func(all []casebook.FormField, id string) (casebook.FormField, bool) {
		i := slices.IndexFunc(all, func(f casebook.FormField) bool { return f.ID == id })
		if i < 0 {
			return casebook.FormField{}, false
		}
		return all[i], true
	}
	var all []Difference
	for _, now := range is {
		before, _ := find(was, now.ID)
		if now.Value != before.Value || now.Secret != before.Secret {
			all = append(all, Difference{now.ID, labelOf(now.ID), before.Value, now.Value, now.Secret != before.Secret, now.Secret})
		}
	}
	for _, before := range was {
		if _, there := find(is, before.ID); !there {
			all = append(all, Difference{before.ID, labelOf(before.ID), before.Value, "", before.Secret, false})
		}
	}
	return all
}

// labelOf is what a field is called that is known by its id alone.
func labelOf(id string) Words {
	if k, ok := kindByID(id); ok {
		return k.label
	}
	return Words{EN: human(id)}
}
