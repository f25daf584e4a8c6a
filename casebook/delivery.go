package casebook

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Digest is the SHA-256 of bytes that came through a door.
type Digest [sha256.Size]byte

// String writes the digest in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Mark is what every noun carries from its first day on: whose it is, where, who
// may be told, whether it is a drill, and who wrote it down.
type Mark struct {
	Tenant     int64  // the organisation whose platform this is; 1 until there are more
	Region     string // ISO 3166-2 or the word of the table that told it, "" unknown
	TLP        TLP
	Exercise   bool
	RecordedBy string // an Actor's name
}

// Delivery is bytes through a door, stamped, hashed and kept; not yet understood.
// Its counts grow while its rows are folded.
type Delivery struct {
	ID         ID
	Mark       Mark
	Digest     Digest
	Bytes      int64
	Feed       string // format by which it is read ("shadowserver")
	Type       string // the feed's report type, "" if it has only one
	Name       string // what the sender called it, without folders
	Door       string // how it came: "file", "http"
	ReceivedAt time.Time
	State      DeliveryState
	Rows       int64 // records read so far: the cursor
	Taken      int64 // of them: became observations
	Duplicate  int64 // of them: an observation known before
	Refused    int64 // of them: bad rows
	Format     int64 // version of the format that read it
	Fault      string
}

// DeliveryState is how far a delivery has come.
type DeliveryState uint8

// The states of a delivery. Broken is one whose bytes end in a fault: what could
// be read was taken. Unreadable is one of which nothing could be read.
const (
	Accepted DeliveryState = iota
	Folded
	Broken
	Unreadable
)

var deliveryStateNames = words{"accepted", "folded", "broken", "unreadable"}

func (s DeliveryState) String() string { return deliveryStateNames.of(uint8(s)) }

// Done reports whether nothing of the delivery is left to do.
func (s DeliveryState) Done() bool { return s != Accepted }

// Refusal is a row that couldn't be taken, as data.
type Refusal struct {
	Row    int64  // the record's number in its delivery, from 1
	Line   int64  // the line on which it begins, from 1
	Field  string // the column at fault, "" if the whole row is
	Reason string // a sentence for a person
}
