package casebook

import "time"

// Share says that a party may see a row, since when, and why. What a party sees
// beyond its own follows from these rows alone: what it holds now opens nothing.
type Share struct {
	Kind       ShareKind
	Object     ID
	Party      ID
	From       time.Time
	To         time.Time // zero: still
	Why        string    // "attributed", "filed", "ordered", and by what
	RecordedBy string
}

// ShareKind is the noun that a share opens. The numbers are kept in the database.
type ShareKind uint8

// The nouns that can be shared.
const (
	NothingShared ShareKind = iota
	SharedDelivery
	SharedFinding
	SharedThreat
	SharedIncident
	SharedDuty
	SharedParty
	SharedReport
	SharedOrder
)

var shareKindNames = words{"nothing", "delivery", "finding", "threat", "incident", "duty", "party", "report", "order"}

func (k ShareKind) String() string { return shareKindNames.of(uint8(k)) }
