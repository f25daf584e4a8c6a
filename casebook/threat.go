package casebook

import "time"

// Interval is a count with its doubt: at least Low, at most High, best guess
// Point. Low ≤ Point ≤ High.
type Interval struct {
	Low   int64 `json:"low"`
	Point int64 `json:"point"`
	High  int64 `json:"high"`
}

// Threat is one botnet or trojan as an object, or one kind of exposure or attack
// where the source names no malware.
type Threat struct {
	ID        ID
	Mark      Mark
	Type      string // class of the RSIT type that opened it ("malicious-code")
	Family    string // as first written, "" where no source names one
	Name      string // the family, or a source's word for what it found ("open-telnet")
	Key       string // Name, folded: one threat a class and key
	FirstSeen time.Time
	LastSeen  time.Time
	Count     int64 // observations
	Findings  int64
	Sizes     []Size
}

// Size is how many assets play one role in a threat.
type Size struct {
	Role Role
	// Unique24h is the largest number of different assets seen within any 24
	// clock hours. Low is exact: the largest count of a UTC day, or of a window
	// while that is small enough to be counted.
	Unique24h Interval
	// Concurrent1h is the largest number of different assets seen within a
	// clock hour.
	Concurrent1h Interval
	// UniqueTotal is every asset ever seen, exact. Machines that change their
	// address make it grow for ever: it decides nothing.
	UniqueTotal int64
	// PeakDay is the UTC day of Unique24h.Low.
	PeakDay Day
}

// Bounded gives the size with its estimates held to what is known exactly: within
// no time can there be more assets than ever.
func (s Size) Bounded() Size {
	for _, i := range []*Interval{&s.Unique24h, &s.Concurrent1h} {
		i.High = min(i.High, s.UniqueTotal)
		i.Point = min(i.Point, i.High)
		i.Low = min(i.Low, i.Point)
	}
	return s
}

// Finding is an asset's part in a threat over time.
type Finding struct {
	ID         ID
	Mark       Mark
	Threat     ID
	Family     string // of the threat, "" where no source names one
	Name       string // of the threat
	Type       Type   // RSIT type of the newest observation
	Role       Role
	Asset      Asset
	Port       uint16 // of a service; 0 where the port is the machine's passing choice
	State      State
	FirstSeen  time.Time
	LastSeen   time.Time
	Count      int64 // different observations
	Days       Days
	Relapses   int
	Severity   Severity // worst seen
	ASN        uint32   // of the holding at the newest observation, 0 unknown
	Holder     string
	Party      string
	RecordedAt time.Time // of the last change
}
