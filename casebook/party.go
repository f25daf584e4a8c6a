package casebook

import "time"

// Party is an organisation: what it is to the law, where, and from when to when. At
// any moment at most one party of a tenant has a name.
type Party struct {
	ID    ID
	Mark  Mark
	Name  string
	Roles []string // in the vocabulary of the packs ("network_operator"), sorted

	// The three regions that a law may ask for, ISO 3166-2 ("CN-11") or 3166-1: of
	// its seat, of its network, and where what it does takes effect. The last two
	// are "" where they aren't told: then the seat's holds.
	Region        string
	NetworkRegion string
	EffectRegion  string

	// MemberState selects national law under a union's ("DE"), "" elsewhere.
	MemberState string
	Own         bool // this platform speaks for it: its duties are reckoned here

	From       time.Time // zero: since before anybody asked
	To         time.Time // zero: still
	Successor  ID        // who took over at To, zero: nobody
	RecordedAt time.Time
}

// At reports whether the party was there at a moment.
func (p Party) At(at time.Time) bool {
	return !at.Before(p.From) && (p.To.IsZero() || at.Before(p.To))
}
