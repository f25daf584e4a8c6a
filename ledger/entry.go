package ledger

import (
	"encoding/binary"
	"fmt"

	"tocsin/casebook"
)

// entryVersion is the first octet of an entry.
const entryVersion = 0x01

// Entry is what one leaf of the record says: what kind of act, by whom, when, and
// the digest of what it changed.
type Entry struct {
	Kind    string   // the act ("fold", "holding-import")
	Actor   string   // who acted, by name
	At      int64    // when, microseconds since 1970 UTC
	Changes [32]byte // SHA-256 of the packed change set
}

// AppendBinary appends the entry's octets: version, kind and actor each with its
// length in front as a varint, the moment as 8 octets big-endian, the digest.
func (e Entry) AppendBinary(b []byte) []byte {
	b = append(b, entryVersion)
	b = binary.AppendUvarint(b, uint64(len(e.Kind)))
	b = append(b, e.Kind...)
	b = binary.AppendUvarint(b, uint64(len(e.Actor)))
	b = append(b, e.Actor...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.At))
	return append(b, e.Changes[:]...)
}

// ParseEntry reads what AppendBinary wrote. It gives ErrInvalid for anything
// else, octets after the entry among it: two different texts are never the same
// entry.
func ParseEntry(b []byte) (Entry, error) {
	r := reader{rest: b}
	if v := r.octet("version"); r.err == nil && v != entryVersion {
		r.fail("version is %d, this program reads %d", v, entryVersion)
	}
	var e Entry
	e.Kind = string(r.counted("kind"))
	e.Actor = string(r.counted("actor"))
	if at := r.fixed(8, "moment"); at != nil {
		e.At = int64(binary.BigEndian.Uint64(at))
	}
	copy(e.Changes[:], r.fixed(32, "digest of changes"))
	r.end()
	if r.err != nil {
		return Entry{}, fmt.Errorf("ledger entry of %d octets: %w", len(b), r.err)
	}
	return e, nil
}

// reader takes a strict encoding apart and remembers the first fault.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format+": %w", append(args, casebook.ErrInvalid)...)
		r.rest = nil
	}
}

func (r *reader) octet(what string) byte {
	b := r.fixed(1, what)
	if b == nil {
		return 0
	}
	return b[0]
}

// fixed takes n octets, or gives nil and the fault.
func (r *reader) fixed(n uint64, what string) []byte {
	if r.err != nil {
		return nil
	}
	if n > uint64(len(r.rest)) {
		r.fail("%s needs %d octets and %d are left", what, n, len(r.rest))
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// counted takes a length and as many octets.
func (r *reader) counted(what string) []byte { return r.fixed(r.uvarint(what), what) }

// uvarint takes a varint in its only form: 64 bits, no idle octet at the end.
func (r *reader) uvarint(what string) uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || n > 1 && r.rest[n-1] == 0 {
		r.fail("%s is no varint", what)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) end() {
	if len(r.rest) > 0 {
		r.fail("%d octets follow the end", len(r.rest))
	}
}
