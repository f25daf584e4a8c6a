package casebook

import "time"

// User is a person who has an account. What the roles mean is access's.
type User struct {
	ID     ID
	Tenant int64
	Name   string   // by which the person signs in and acts: "alice"
	Roles  []string // sorted
	// Party is the organisation in whose name the person acts; zero: the platform's
	// own. Who belongs to a party sees what was shared with it and nothing else.
	Party      ID
	DisabledAt time.Time // zero: may sign in
	RecordedBy string    // of the last change
	RecordedAt time.Time
}
