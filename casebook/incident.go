package casebook

import "time"

// Incident is what people handle as one case: grown from a threat, or opened by
// hand from a phone call. What happened, and when, is in its anchors.
type Incident struct {
	ID         ID
	Mark       Mark
	Category   Category
	Title      string
	State      IncidentState
	Threat     ID     // that it grew from; zero if opened by hand
	ThreatName string // as the threat has it, "" without
	Party      ID     // whose duties are reckoned; zero: every own party's
	Owner      string // the person who has it, "" nobody
	OpenedAt   time.Time
	// TriageDue is the last moment on time to say whether a proposed incident is
	// one: an internal clock, never a statutory one. Zero once a person has said.
	TriageDue  time.Time
	RecordedAt time.Time // of the last change
}

// Triage is how long a proposed incident may wait for a person's yes or no.
const Triage = 15 * time.Minute

// Category is what an incident is on the whole.
type Category uint8

// The categories of incidents.
const (
	OtherIncident Category = iota
	TrojanIncident
	BotnetIncident
	NetworkFailureIncident
	IntrusionIncident
	DefacementIncident
	DataLeakIncident
	DDoSIncident
	ExtortionIncident
)

// IncidentState is where a case stands.
type IncidentState uint8

// The states of an incident. Proposed is a rule's word that no person has
// confirmed; Void is one that wasn't, with reasons on record.
const (
	ProposedIncident IncidentState = iota
	OpenIncident
	ClosedIncident
	VoidIncident
)

var (
	categoryNames      = words{"other", "trojan", "botnet", "network_failure", "intrusion", "defacement", "data_leak", "ddos", "extortion"}
	incidentStateNames = words{"proposed", "open", "closed", "void"}
)

func (c Category) String() string      { return categoryNames.of(uint8(c)) }
func (s IncidentState) String() string { return incidentStateNames.of(uint8(s)) }

// ParseCategory reads a category's word.
func ParseCategory(s string) (Category, error) {
	n, err := categoryNames.find("category of incidents", s)
	return Category(n), err
}

// ParseIncidentState reads a state's word.
func ParseIncidentState(s string) (IncidentState, error) {
	n, err := incidentStateNames.find("state of an incident", s)
	return IncidentState(n), err
}
