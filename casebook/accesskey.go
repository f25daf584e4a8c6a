package casebook

import "time"

// AccessKey is what a program shows instead of a password. Its secret is given once, when
// it is made, and kept by nobody here.
type AccessKey struct {
	ID     ID
	Tenant int64
	Name   string   // of the program that has it: "sensor-3"
	Shown  string   // the first characters of the secret, to tell keys apart
	Scopes []string // what it is for, sorted; none where it is a person's
	// User is the person as whom it acts, with that person's roles; "" is a machine.
	User       string
	Party      ID        // zero: of the platform itself
	ExpiresAt  time.Time // the first moment at which it isn't taken; zero: never
	RevokedAt  time.Time // zero: it wasn't
	UsedAt     time.Time // to within ten minutes; zero: never
	RecordedBy string
	RecordedAt time.Time
}

// At reports whether the key is good at a moment.
func (k AccessKey) At(at time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || at.Before(k.ExpiresAt))
}
