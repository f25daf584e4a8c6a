package casebook

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"
)

// ID is the public name of a thing: a UUIDv7 (RFC 9562, section 5.7), so that
// names made later sort later. Its zero value names nothing. The database's own
// number of a row never leaves the house.
type ID [16]byte

// The prefixes that tell a reader what an ID names.
const (
	DeliveryPrefix  = "dlv"
	FindingPrefix   = "fnd"
	ThreatPrefix    = "thr"
	IncidentPrefix  = "inc"
	AnchorPrefix    = "anc"
	GradePrefix     = "grd"
	DutyPrefix      = "dty"
	PartyPrefix     = "pty"
	ReportPrefix    = "rep"
	RecipientPrefix = "rcp"
	OrderPrefix     = "ord"
	UserPrefix      = "usr"
	KeyPrefix       = "key"
	DisputePrefix   = "dsp"
)

var idText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

var idClock struct {
	sync.Mutex
	last uint64 // milliseconds << 12 | counter, as the last ID carried it
}

// NewID makes the ID of a thing that begins at the given moment. IDs of one
// process never repeat and never sort before an earlier one, whatever the clock
// does: within a millisecond, and while the clock stands or goes back, the
// twelve bits after the version count on (RFC 9562, section 6.2, method 1).
func NewID(at time.Time) ID {
	var id ID
	rand.Read(id[8:])
	now := uint64(max(at.UnixMilli(), 0)) << 12
	idClock.Lock()
	if now <= idClock.last {
		now = idClock.last + 1
	}
	idClock.last = now
	idClock.Unlock()
	binary.BigEndian.PutUint64(id[:8], now>>12<<16|0x7000|now&0xfff)
	id[8] = id[8]&0x3f | 0x80
	return id
}

// IsZero reports whether the ID names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// Text writes the ID as people see it: prefix, underscore, 26 characters of
// Crockford's base32 in lower case.
func (id ID) Text(prefix string) string {
	return prefix + "_" + idText.EncodeToString(id[:])
}

// ParseID reads what Text wrote, upper case allowed. It gives ErrInvalid for
// another prefix, another length, a foreign character, or bits after the last.
func ParseID(prefix, text string) (ID, error) {
	var id ID
	lower := strings.ToLower(text)
	rest, ok := strings.CutPrefix(lower, prefix+"_")
	// A letter outside ASCII may have its lower case inside; its length tells.
	if ok && len(rest) == 26 && len(lower) == len(text) {
		// Decode overlooks line breaks and spare bits; writing the ID again doesn't.
		if _, err := idText.Decode(id[:], []byte(rest)); err == nil && id.Text(prefix) == lower {
			return id, nil
		}
	}
	return ID{}, fmt.Errorf("%.80q is not an identifier like %s: %w", text, ID{}.Text(prefix), ErrInvalid)
}
