package access

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tocsin/casebook"
)

// A Permission is a verb on a noun. Each route needs one; the zero value is nobody's.
type Permission string

// Open is everybody's, signed in or not. Self is whoever's is admitted at all.
const (
	Open Permission = "open"
	Self Permission = "use the platform"
)

// What can be read.
const (
	ReadStatus     Permission = "read the status"
	ReadMetrics    Permission = "read metrics"
	ReadHeartbeat  Permission = "read the heartbeat"
	ReadLedger     Permission = "read the ledger"
	ReadFormats    Permission = "read formats"
	ReadDeliveries Permission = "read deliveries"
	ReadFindings   Permission = "read findings"
	ReadThreats    Permission = "read threats"
	ReadIncidents  Permission = "read incidents"
	ReadDuties     Permission = "read duties"
	ReadReports    Permission = "read reports"
	ReadOrders     Permission = "read orders"
	ReadParties    Permission = "read parties"
	ReadRegimes    Permission = "read regimes"
	ReadOutbox     Permission = "read the outbox"
	ReadUsers      Permission = "read users"
	ReadKeys       Permission = "read keys"
	ReadHoldings   Permission = "read holdings"
)

// What can be done.
const (
	Deliver            Permission = "deliver"
	ImportHoldings     Permission = "import holdings"
	BackUp             Permission = "back up the platform"
	AuditRecord        Permission = "audit the record"
	KeepParties        Permission = "keep parties"
	ManageUsers        Permission = "manage users"
	ManageKeys         Permission = "manage keys"
	ResendOutbox       Permission = "resend the outbox"
	OpenIncidents      Permission = "open incidents"
	ConfirmIncidents   Permission = "confirm incidents"
	DismissIncidents   Permission = "dismiss incidents"
	GradeIncidents     Permission = "grade incidents"
	OwnIncidents       Permission = "own incidents"
	NoteIncidents      Permission = "note in incidents"
	CloseIncidents     Permission = "close incidents"
	CorrectIncidents   Permission = "correct incidents"
	StepDuties         Permission = "suspend, resume and extend duties"
	ExportCases        Permission = "export cases"
	DraftReports       Permission = "draft reports"
	FileReports        Permission = "file reports"
	AcknowledgeReports Permission = "acknowledge reports"
	DraftOrders        Permission = "draft orders"
	ApproveOrders      Permission = "approve orders"
	ServeOrders        Permission = "serve orders"
	AnswerOrders       Permission = "answer orders"
	DisputeScores      Permission = "dispute scores"
	DecideDisputes     Permission = "decide disputes"
)

// The roles of people. AbuseDesk is the one for people of a party; all others are
// for the platform's own.
const (
	Administrator = "administrator"
	Officer       = "officer"
	Supervisor    = "supervisor"
	Analyst       = "analyst"
	AbuseDesk     = "abuse_desk"
	Auditor       = "auditor"
)

// The scopes of machine keys.
const (
	DeliverScope = "deliver"
	ReadScope    = "read"
	WatchScope   = "watch"
)

// A grant is a row of the table.
type grant struct {
	about   string // in a line, for people who give it
	may     []Permission
	all     bool         // sees every row of the tenant, and not only what was shared
	ofParty bool         // for people of a party, and for them only
	label   casebook.TLP // the strictest label shown
}

var (
	readCases = []Permission{ReadStatus, ReadLedger, ReadFormats, ReadDeliveries, ReadFindings, ReadThreats, ReadIncidents, ReadDuties,
		ReadReports, ReadOrders, ReadParties, ReadRegimes, ReadHoldings}
	actOnCases = []Permission{Deliver, OpenIncidents, ConfirmIncidents, DismissIncidents, GradeIncidents, OwnIncidents, NoteIncidents,
		CloseIncidents, CorrectIncidents, StepDuties, ExportCases, DraftReports, FileReports, AcknowledgeReports, DraftOrders, ServeOrders, AnswerOrders, DisputeScores, ReadOutbox, ResendOutbox}
	runPlatform = []Permission{ReadMetrics, ReadHeartbeat, ReadOutbox, ReadUsers, ReadKeys, ImportHoldings, BackUp, KeepParties, ManageUsers, ManageKeys, ResendOutbox, AuditRecord, Deliver}
)

// roles is the table for people: who may do what. A supervisor is the second person:
// the same act is never drafted and approved by one, which the station that approves
// looks after.
var roles = map[string]grant{
	Administrator: {about: "runs the platform: accounts, keys, parties, feeds, tables, backups", all: true, label: casebook.Red,
		may: slices.Concat(readCases, runPlatform)},
	Officer: {about: "works on cases: opens, grades, reports, orders", all: true, label: casebook.Red,
		may: slices.Concat(readCases, actOnCases)},
	Supervisor: {about: "is the second person: works on cases and approves what others drafted", all: true, label: casebook.Red,
		may: slices.Concat(readCases, actOnCases, []Permission{ApproveOrders, DecideDisputes, AuditRecord})},
	Analyst: {about: "reads everything but TLP:RED, and acts on nothing", all: true, label: casebook.AmberStrict,
		may: readCases},
	AbuseDesk: {about: "acts for a party: sees what was shared with it, answers its orders", ofParty: true, label: casebook.Amber,
		may: []Permission{ReadStatus, ReadLedger, ReadFindings, ReadThreats, ReadIncidents, ReadDuties, ReadReports, ReadOrders, ReadParties, ReadRegimes, AnswerOrders, DisputeScores}},
	Auditor: {about: "reads everything, accounts and keys among it, audits, and acts on nothing", all: true, label: casebook.Red,
		may: slices.Concat(readCases, []Permission{ReadMetrics, ReadHeartbeat, ReadOutbox, ReadUsers, ReadKeys, ExportCases, AuditRecord})},
}

// scopes is the table for programs. None of them does what a person must do.
var scopes = map[string]grant{
	DeliverScope: {about: "hands in deliveries, and sees what became of them", all: true, label: casebook.Red,
		may: []Permission{Deliver, ReadDeliveries, ReadFormats, ReadLedger}},
	ReadScope: {about: "reads cases", all: true, label: casebook.AmberStrict,
		may: readCases},
	WatchScope: {about: "reads what one that watches from elsewhere must know", all: true, label: casebook.Red,
		may: []Permission{ReadHeartbeat, ReadStatus, ReadMetrics, ReadLedger}},
}

// Roles lists the roles of people, sorted.
func Roles() []string { return slices.Sorted(maps.Keys(roles)) }

// Scopes lists the scopes of machine keys, sorted.
func Scopes() []string { return slices.Sorted(maps.Keys(scopes)) }

// About says in a line what a role or a scope is for; "" for a word that is neither.
func About(word string) string {
	if g, ok := roles[word]; ok {
		return g.about
	}
	return scopes[word].about
}

// WhoMay lists the roles whose people may do something, sorted.
func WhoMay(do Permission) []string {
	return slices.DeleteFunc(Roles(), func(role string) bool { return !slices.Contains(roles[role].may, do) })
}

// CheckRoles wants roles that there are, and that fit where the person belongs: a
// party's people have the role abuse_desk, the platform's own any other. It gives
// ErrInvalid.
func CheckRoles(given []string, ofParty bool) error {
	if len(given) == 0 {
		return fmt.Errorf("an account has at least one role of %s: %w", strings.Join(Roles(), ", "), casebook.ErrInvalid)
	}
	for _, role := range given {
		g, ok := roles[role]
		switch {
		case !ok:
			return fmt.Errorf("there is no role %.40q, only %s: %w", role, strings.Join(Roles(), ", "), casebook.ErrInvalid)
		case g.ofParty && !ofParty:
			return fmt.Errorf("the role %s is for people of a party: name the party: %w", role, casebook.ErrInvalid)
		case !g.ofParty && ofParty:
			return fmt.Errorf("the role %s is for the platform's own people, and sees every party's rows: people of a party are %s: %w", role, AbuseDesk, casebook.ErrInvalid)
		}
	}
	return nil
}

// CheckScopes wants scopes that there are, at least one. It gives ErrInvalid.
func CheckScopes(given []string) error {
	if len(given) == 0 {
		return fmt.Errorf("a machine's key has at least one scope of %s: %w", strings.Join(Scopes(), ", "), casebook.ErrInvalid)
	}
	for _, scope := range given {
		if _, ok := scopes[scope]; !ok {
			return fmt.Errorf("there is no scope %.40q, only %s: %w", scope, strings.Join(Scopes(), ", "), casebook.ErrInvalid)
		}
	}
	return nil
}
