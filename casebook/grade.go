package casebook

import "time"

// Grade is how grave an incident is under one regime, in one standing. A change
// is a new grade; the newest of a standing stands.
type Grade struct {
	ID         ID
	Incident   ID
	Regime     string
	Pack       string // digest of the pack that was applied
	Standing   Standing
	Level      string // the pack's word ("extremely_serious"), "" for none of its levels
	Reach      Reach
	Rule       string // of the pack, "" where a person graded
	Article    string
	Confidence string // of the rule: text, summary, memory, unknown
	Figures    Facts  // that decided it
	// Blank says who must fill in what the rule needs, "" where nothing is blank.
	Blank      string
	At         time.Time // since when: the commit that crossed the threshold, or the decision
	By         string
	Reason     string
	RecordedAt time.Time
}

// Standing is whose word a grade is. The four are kept apart.
type Standing uint8

// The standings of a grade.
const (
	Proposed      Standing = iota // a rule's
	ConfirmedHere                 // a person's of the party that owes
	Reported                      // as filed
	DeterminedBy                  // the centre's or the authority's
)

// Reach is how surely the figures reach a level.
type Reach uint8

// The reaches of a grade. Reached: the best guess is at the threshold or over it.
// Possible: only the upper end is, or a figure is unknown. Blank: the rule itself
// isn't known. Possible and Blank call a person and start no statutory clock.
const (
	NotReached Reach = iota
	Reached
	Possible
	Blank
)

var (
	standingNames = words{"proposed", "confirmed", "reported", "determined"}
	reachNames    = words{"", "reached", "possible", "blank"}
)

func (s Standing) String() string { return standingNames.of(uint8(s)) }
func (r Reach) String() string    { return reachNames.of(uint8(r)) }

// ParseStanding reads a standing's word.
func ParseStanding(s string) (Standing, error) {
	n, err := standingNames.find("standing of a grade", s)
	return Standing(n), err
}
