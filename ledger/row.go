package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// What the octets of a row begin with. Leaves are hashed after 0x00 and inner
// nodes after 0x01, so no row has the digest of either.
const rowStart = 0x02

// The tags of a row's fields.
const (
	tagNull = 'n'
	tagInt  = 'i'
	tagText = 't'
	tagBlob = 'b'
)

// RowHasher digests rows: SHA-256 over the table, the version of its schema and
// the fields in their fixed order, each with its kind and its length in front, so
// that no two rows share an encoding. The zero value is ready for Reset. It keeps
// a buffer as large as the largest row so far, allocates nothing once that has
// grown, and serves one goroutine.
type RowHasher struct {
	buf []byte
}

// Reset begins a row of the numbered table as its schema of that version has it.
func (h *RowHasher) Reset(table, version uint32) {
	h.buf = append(h.buf[:0], rowStart)
	h.buf = binary.BigEndian.AppendUint32(h.buf, table)
	h.buf = binary.BigEndian.AppendUint32(h.buf, version)
}

// Null adds a field that has no value, which is neither 0 nor empty.
func (h *RowHasher) Null() { h.buf = append(h.buf, tagNull, 0) }

// Int adds a number.
func (h *RowHasher) Int(v int64) {
	h.buf = append(h.buf, tagInt, 8)
	h.buf = binary.BigEndian.AppendUint64(h.buf, uint64(v))
}

// Text adds a text, octet for octet.
func (h *RowHasher) Text(s string) {
	h.buf = append(h.buf, tagText)
	h.buf = binary.AppendUvarint(h.buf, uint64(len(s)))
	h.buf = append(h.buf, s...)
}

// Blob adds octets. Nil and empty are the same blob; see Null.
func (h *RowHasher) Blob(b []byte) {
	h.buf = append(h.buf, tagBlob)
	h.buf = binary.AppendUvarint(h.buf, uint64(len(b)))
	h.buf = append(h.buf, b...)
}

// Sum gives the digest of the row since Reset. More fields may follow.
func (h *RowHasher) Sum() [32]byte { return sha256.Sum256(h.buf) }

// Octets gives a copy of what Sum hashes, for whoever shows a row to a stranger.
func (h *RowHasher) Octets() []byte { return slices.Clone(h.buf) }
