package casebook

import "time"

// Anchor is one entry of an incident's log, which is its timeline: a legal moment,
// or what somebody did or noted. It is never changed; a correction is a new entry
// that names the old one.
type Anchor struct {
	ID         ID
	Incident   ID
	Kind       string    // one of the words below, or "<stage>.submitted", "<stage>.received"
	At         time.Time // when it happened
	Zone       string    // the zone in which At was told, IANA name or offset ("+08:00"); "" UTC
	RecordedAt time.Time // when it was written
	By         string    // an Actor's name
	Source     string    // on whose word, or from what: a delivery, a caller
	Note       string
	Supersedes ID
	// Clock is what was known of this machine's clock when the entry was written.
	Clock ClockState
}

// The kinds of anchors that are legal moments. A pack says which starts which
// clock; regime has them under the words of the laws.
const (
	Occurred   = "occurred"   // it began, as far as is known
	Observed   = "observed"   // a source claims it, and the claim is in
	Received   = "received"   // a named report of it reached the duty desk
	Surfaced   = "surfaced"   // first put before the duty desk
	Confirmed  = "confirmed"  // a person says yes
	Classified = "classified" // a person says which grade
	Determined = "determined" // centre or authority says which grade
	Handled    = "handled"    // the handling ended
	NewFact    = "newly_confirmed_fact"
)

// The kinds of anchors that are acts and notes.
const (
	Noted         = "note"
	OwnerTook     = "owner_took"
	OwnerGave     = "owner_gave"
	OwnerReleased = "owner_released"
	GradeProposed = "grade_proposed"
	DutyOpened    = "duty_opened"
	DutyWarned    = "duty_warned"
	DutyMissed    = "duty_missed"
	DutyClosed    = "duty_closed"
	TriageLapsed  = "triage_lapsed"
	Dismissed     = "dismissed"

	ReportDrafted  = "report_drafted"
	ReportFiled    = "report_filed"
	ReportReceived = "report_received"
	OrderDrafted   = "order_drafted"
	OrderApproved  = "order_approved"
	OrderServed    = "order_served"
	OrderAnswered  = "order_answered"
	OrderWithdrawn = "order_withdrawn"
	OrderClosed    = "order_closed"
	OrderExtended  = "order_extended"     // At is the moment from which the new limit runs
	LimitPassed    = "order_limit_passed" // At is the limit
	NotDelivered   = "not_delivered"      // who was to have a filing or an order refused it
	RowChecked     = "row_checked"
	VoidAsked      = "void_asked"
	Closed         = "closed"

	// CorrectionAsked is one person's word that an entry's moment is wrong: At is the
	// right one, Source names the entry. Another person's yes makes the new entry.
	CorrectionAsked = "correction_asked"
)

// ClockState is what is known of a machine's clock.
type ClockState struct {
	Known  bool          // something told the offset
	Offset time.Duration // this clock less the true time: positive is fast
	Bound  time.Duration // the offset is within this, where known
	Source string        // "kernel", or the server asked
}

// MaxOffset is the offset beyond which people are shown that the clock is off.
const MaxOffset = time.Second

// Off reports whether the clock is known to be off by more than MaxOffset.
func (c ClockState) Off() bool { return c.Known && c.Offset.Abs() > MaxOffset }
