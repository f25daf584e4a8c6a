package casebook

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
)

// Report is a filing at one stage of a regime. Its versions are never changed: what
// is filed later is a further version, and a correction says what it corrects.
type Report struct {
	ID         ID
	Mark       Mark
	Incident   ID
	Duty       ID // that it is to meet; zero for a report that no duty asks for
	Party      ID // whose it is
	Regime     string
	Stage      string
	State      ReportState
	Version    int    // the newest; 0 while it is a draft
	Task       string // number of the task, once a recipient gave one
	OpenedAt   time.Time
	RecordedAt time.Time
}

// ReportState is where a report stands.
type ReportState uint8

// The states of a report. Filed is dispatched to at least one recipient in its newest
// version.
const (
	DraftReport ReportState = iota
	FiledReport
	WithdrawnReport
)

var reportStateNames = words{"draft", "filed", "withdrawn"}

func (s ReportState) String() string { return reportStateNames.of(uint8(s)) }

// ParseReportState reads a state's word.
func ParseReportState(s string) (ReportState, error) {
	n, err := reportStateNames.find("state of a report", s)
	return ReportState(n), err
}

// FormField is one field of a filing.
type FormField struct {
	ID     string `json:"id"`
	Value  string `json:"value"`
	From   string `json:"from,omitempty"`   // where it came from: a fact, a finding, a person
	Secret bool   `json:"secret,omitempty"` // marked as a trade secret
}

// ByPerson reports whether a person wrote the field.
func (f FormField) ByPerson() bool { return strings.HasPrefix(f.From, "person:") }

// ReportVersion is one filing, frozen.
type ReportVersion struct {
	Report     ID
	Number     int // 1 is the first
	Fields     []FormField
	Digest     Digest // SHA-256 of what was filed, as the archive keeps it
	FiledAt    time.Time
	Channel    string // how: "program", "mail", "phone", "fax", "portal", "post"
	LateReason string // why it came after its moment, "" in time
	Corrects   int    // number of the version that it corrects, 0 none
	By         string
	RecordedAt time.Time // later than FiledAt where a filing outside was entered late
}

// Recipient is what became of a version of a report with one of those who must have
// it: dispatched, delivered and acknowledged are three facts.
type Recipient struct {
	ID             ID
	Report         ID
	Version        int
	Role           string // in the vocabulary of the packs ("authority")
	Name           string
	Copy           bool // gets a copy
	DispatchedAt   time.Time
	DeliveredAt    time.Time
	AcknowledgedAt time.Time
	Reference      string // the recipient's own number for it
	Proof          string // what the other side said; of a filing outside, the call sheet or the receipt
	RecordedAt     time.Time
}

// MaxProof is how many octets a file has at most that proves a filing.
const MaxProof = 2 << 20

// ProofFile is a file that proves a filing: a portal's receipt, a scanned fax.
type ProofFile struct {
	Number     int // within its report, from 1
	Version    int // of the report
	Name       string
	Digest     Digest
	Bytes      int64
	Content    []byte // nil where it wasn't asked for
	RecordedAt time.Time
	RecordedBy string
}

// Says tells which file it is, so that one can be told from another.
func (f ProofFile) Says() string {
	digest := Digest(sha256.Sum256(f.Content))
	return fmt.Sprintf("%s, %d octets, SHA-256 %s", f.Name, len(f.Content), digest)
}
