package regime

import (
	"slices"

	"tocsin/casebook"
)

// anchorWord is one word that the laws have for what starts a clock.
type anchorWord struct {
	name    string
	meaning string
	// kinds are the entries of an incident's log that stand for it where the word
	// itself isn't there: the first of them that there is, the earliest of a group.
	kinds []string
	each  bool // every event starts a clock of its own
	// known: what tells when the party knew, so that another such moment is a safe
	// stand-in while this one isn't recorded.
	known bool
}

// anchorWords are the words. Where a text is silent about what discovery is, it is
// the moment at which the matter was first put before the party's duty desk, or
// the receipt of a named report to it, whichever was first.
var anchorWords = []anchorWord{
	{name: "detection", meaning: "discovery: first put before the duty desk, or received as a named report to it", kinds: []string{casebook.Surfaced, casebook.Received}, known: true},
	{name: "awareness", meaning: "the party became aware; the same moments", kinds: []string{casebook.Surfaced, casebook.Received}, known: true},
	{name: "reasonable_belief", meaning: "the party reasonably believes that it happened", kinds: []string{casebook.Surfaced, casebook.Received}, known: true},
	{name: "classification", meaning: "the party gave it the grade that the regime asks for", kinds: []string{casebook.Classified}},
	{name: "determination", meaning: "a body or the party determined it", kinds: []string{casebook.Determined}},
	{name: "submission_of_previous_stage", meaning: "the previous stage was sent"},
	{name: "receipt_of_previous_stage", meaning: "the previous stage arrived"},
	{name: "newly_confirmed_fact", meaning: "a further fact was confirmed; each starts a clock", each: true},
	{name: "end_of_handling", meaning: "the handling ended", kinds: []string{casebook.Handled}},
	{name: "availability_of_fix", meaning: "a corrective measure became available"},
	{name: "payment", meaning: "a ransom was paid", each: true},
	{name: "notice_to_handle", meaning: "an order or a notice arrived", each: true},
	{name: "receipt_of_appeal", meaning: "an appeal arrived", each: true},
	{name: "end_of_impediment", meaning: "what kept the party from filing ended"},
	{name: "oral_report", meaning: "a report was given by word of mouth"},
	{name: "request", meaning: "the authority asked", each: true},
	{name: "month_end", meaning: "the month ended", each: true},
	{name: "quarter_end", meaning: "the quarter ended", each: true},
}

func anchorNamed(name string) (anchorWord, bool) {
	i := slices.IndexFunc(anchorWords, func(a anchorWord) bool { return a.name == name })
	if i < 0 {
		return anchorWord{}, false
	}
	return anchorWords[i], true
}

func anchorNames() []string {
	names := make([]string, len(anchorWords))
	for i, a := range anchorWords {
		names[i] = a.name
	}
	return names
}

// logKinds are the entries of an incident's log that are legal moments, in the
// words of casebook.
var logKinds = []string{
	casebook.Occurred, casebook.Observed, casebook.Received, casebook.Surfaced, casebook.Confirmed,
	casebook.Classified, casebook.Determined, casebook.Handled,
}

// voided is the event that says that there was no incident.
const voided = "void"

// stageActs are what can happen to a stage: "level1_report.submitted", or with its
// regime "cn-miit-2009-156/level1_report.submitted".
var stageActs = []string{"submitted", "received", "suspended", "resumed", "extended"}

// eventNames gives every name that an event may have.
func (l *Library) eventNames() []string {
	names := slices.Concat(anchorNames(), logKinds, []string{voided})
	for _, p := range l.Packs() {
		for _, s := range p.Stages {
			for _, act := range stageActs {
				names = append(names, s.ID+"."+act, p.ID+"/"+s.ID+"."+act)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// previous reports whether an anchor is the sending or the receipt of another
// stage, and which act of it that is.
func previous(anchor string) (act string, ok bool) {
	switch anchor {
	case "submission_of_previous_stage":
		return "submitted", true
	case "receipt_of_previous_stage":
		return "received", true
	}
	return "", false
}

// EventWords gives the names that an event may have, but for the acts upon stages.
func EventWords() []string { return slices.Concat(anchorNames(), logKinds, []string{voided}) }
