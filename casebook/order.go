package casebook

import "time"

// Order is an instruction to one party over its findings.
type Order struct {
	ID         ID
	Mark       Mark
	Incident   ID
	Party      ID // to whom
	PartyName  string
	By         ID // the party that orders
	State      OrderState
	Measure    string // what is asked: "clean", "suspend_domain", "disconnect", "notify_user", …
	Power      string // regime and id of the power: "cn-miit-2017-202/order_measures"
	Article    string
	Pack       string
	Form       string        // "written", "by phone when urgent, then written"
	Task       string        // task number
	Limit      time.Duration // from service
	Text       string
	DraftedBy  string
	ApprovedBy string    // another person
	ServedAt   time.Time // zero until it is
	Due        time.Time // the last second on time; zero until served
	Reason     string    // why withdrawn or closed
	RecordedAt time.Time
}

// OrderState is where an order stands.
type OrderState uint8

// The states of an order.
const (
	DraftOrder OrderState = iota
	ApprovedOrder
	ServedOrder
	ClosedOrder
	WithdrawnOrder
)

var orderStateNames = words{"draft", "approved", "served", "closed", "withdrawn"}

func (s OrderState) String() string { return orderStateNames.of(uint8(s)) }

// ParseOrderState reads a state's word.
func ParseOrderState(s string) (OrderState, error) {
	n, err := orderStateNames.find("state of an order", s)
	return OrderState(n), err
}

// OrderRow is one finding of an order.
type OrderRow struct {
	Order               ID
	Number              int // in the order, from 1
	Finding             ID
	Asset               Asset
	Port                uint16
	Role                Role
	FirstSeen, LastSeen time.Time // as of service, exact
	State               RowState
	Answer              AnswerKind
	Note                string
	AnsweredAt          time.Time
	Until               time.Time // asked for with "needs longer"
	CheckedAt           time.Time
	Why                 string // of the verification: which source looked, or why none did
	RecordedAt          time.Time
}

// RowState is where a row of an order stands.
type RowState uint8

// The states of a row. Reopened: it was seen again after it was said to be clean, or
// after it was verified.
const (
	SentRow RowState = iota
	AnsweredRow
	VerifiedRow
	UnverifiedRow
	ReopenedRow
)

// AnswerKind is what a party says of a row.
type AnswerKind uint8

// The answers.
const (
	NoAnswer AnswerKind = iota
	AnswerDone
	AnswerInPart
	AnswerAlreadyClean
	AnswerNotOurs
	AnswerCannotIdentify
	AnswerUserTold
	AnswerNeedsLonger
	AnswerConflicts
	AnswerRefused
	AnswerAppealed
)

var (
	rowStateNames = words{"sent", "answered", "verified", "unverified", "reopened"}
	answerNames   = words{"", "done", "in_part", "already_clean", "not_ours", "cannot_identify", "user_told", "needs_longer", "conflicts", "refused", "appealed"}
)

func (s RowState) String() string   { return rowStateNames.of(uint8(s)) }
func (a AnswerKind) String() string { return answerNames.of(uint8(a)) }

// ParseAnswer reads an answer's word.
func ParseAnswer(s string) (AnswerKind, error) {
	n, err := answerNames.find("answer to an order", s)
	return AnswerKind(n), err
}

// Decides reports whether the answer leaves something for a person to decide, and
// isn't a claim that what was asked is done or under way.
func (a AnswerKind) Decides() bool {
	return a == AnswerNotOurs || a == AnswerCannotIdentify || a >= AnswerNeedsLonger
}

// Undone reports whether a row waits for its party: it wasn't answered, was seen again
// after the answer, or was answered with a request for more time.
func (r OrderRow) Undone() bool {
	return r.State == SentRow || r.State == ReopenedRow || r.State == AnsweredRow && r.Answer == AnswerNeedsLonger
}

// Claims reports whether the answer says that the asset is clean now, so that later
// observations can prove or disprove it.
func (a AnswerKind) Claims() bool { return a == AnswerDone || a == AnswerAlreadyClean }
