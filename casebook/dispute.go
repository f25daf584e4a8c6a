package casebook

import "time"

// ScoreLine names one line of a scorecard: the duties of one party, region, regime and
// stage that fell due in one month, drills apart.
type ScoreLine struct {
	Party                        ID
	Region, Regime, Stage, Month string // Month of the due moments, in the zone of the law: 2026-03
	Exercise                     bool
}

// DraftDays is for how many days after its month a line of a scorecard is a draft that
// its party may dispute.
const DraftDays = 10

// FinalFrom is the moment from which a line is no draft any more: UTC, DraftDays after
// the end of its month. It is zero for a month that is written otherwise than 2026-03.
func (l ScoreLine) FinalFrom() time.Time {
	first, err := time.Parse("2006-01", l.Month)
	if err != nil {
		return time.Time{}
	}
	return first.AddDate(0, 1, DraftDays)
}

// Draft reports whether the line is a draft at a moment.
func (l ScoreLine) Draft(at time.Time) bool { return at.Before(l.FinalFrom()) }

// Dispute is a party's objection to a line of its scorecard, and what the authority
// decided on it.
type Dispute struct {
	ID        ID
	Tenant    int64
	Line      ScoreLine
	PartyName string // as it is called now
	Text      string // what is wrong with the line
	By        string
	At        time.Time
	State     DisputeState
	Reason    string // of the decision
	DecidedBy string
	DecidedAt time.Time // zero: nobody has decided
}

// DisputeState is where a dispute stands.
type DisputeState uint8

// The states of a dispute.
const (
	OpenDispute DisputeState = iota
	UpheldDispute
	RejectedDispute
)

var disputeStateNames = words{"open", "upheld", "rejected"}

func (s DisputeState) String() string { return disputeStateNames.of(uint8(s)) }

// ParseDisputeState reads a state's word.
func ParseDisputeState(s string) (DisputeState, error) {
	n, err := disputeStateNames.find("state of a dispute", s)
	return DisputeState(n), err
}
