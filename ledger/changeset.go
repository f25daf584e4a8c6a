package ledger

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Op is what became of a row.
type Op byte

// The operations. Zero is none.
const (
	Put    Op = iota + 1 // the row stands, with this digest
	Delete               // the row is gone
	Erase                // the row and its salt were erased on purpose; audit expects it gone
)

// String writes the operation as a word.
func (o Op) String() string {
	switch o {
	case Put:
		return "put"
	case Delete:
		return "delete"
	case Erase:
		return "erase"
	}
	return fmt.Sprintf("operation %d", byte(o))
}

// Change is what one commit did to one covered row.
type Change struct {
	Table   uint32 // number of the table
	Version uint32 // version of its schema, by which Digest was made
	Key     int64  // the row's own number
	Op      Op
	Digest  [32]byte // the row's digest after a Put; not kept with the others
}

// ChangeSet is what one commit did to covered rows. The zero value is the empty
// set. It serves one goroutine.
type ChangeSet struct {
	changes []Change
	order   []int32 // of Pack, kept for the next
}

// packVersion is the first octet of a packed set.
const packVersion = 0x01

// In a packed change the low bits tell the Op; this one tells that the version of
// the schema follows.
const versionFollows = 0x80

// Add puts a change into the set. A later change of the same table and key
// replaces an earlier one. It panics for an operation that doesn't exist.
func (c *ChangeSet) Add(ch Change) {
	if ch.Op < Put || ch.Op > Erase {
		panic(fmt.Sprintf("ledger: change of table %d key %d has %v", ch.Table, ch.Key, ch.Op))
	}
	c.changes = append(c.changes, ch)
}

// Reset empties the set and keeps its memory.
func (c *ChangeSet) Reset() { c.changes = c.changes[:0] }

// Len counts the changes as they were added, replaced ones too.
func (c *ChangeSet) Len() int { return len(c.changes) }

// Pack writes the set: the same octets for the same set, whatever the order in
// which different rows were added. An empty set has a packed form as well. The
// result is the caller's.
func (c *ChangeSet) Pack() []byte {
	order := c.sorted()
	tables, size := 0, 8
	for i, n := range order {
		ch := &c.changes[n]
		if i == 0 || c.changes[order[i-1]].Table != ch.Table {
			tables++
			size += 12
		}
		size += 6
		if ch.Op == Put {
			size += len(ch.Digest)
		}
	}
	b := append(make([]byte, 0, size), packVersion)
	b = binary.AppendUvarint(b, uint64(tables))
	for len(order) > 0 {
		n := 1
		for n < len(order) && c.changes[order[n]].Table == c.changes[order[0]].Table {
			n++
		}
		b = c.appendTable(b, order[:n])
		order = order[n:]
	}
	return b
}

// sorted gives the places of the standing changes by table and key.
func (c *ChangeSet) sorted() []int32 {
	c.order = c.order[:0]
	for i := range c.changes {
		c.order = append(c.order, int32(i))
	}
	slices.SortFunc(c.order, func(i, j int32) int {
		a, b := &c.changes[i], &c.changes[j]
		// The newest change of a row first: it is the one that stays.
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Key, b.Key), cmp.Compare(j, i))
	})
	return slices.CompactFunc(c.order, func(i, j int32) bool {
		return c.changes[i].Table == c.changes[j].Table && c.changes[i].Key == c.changes[j].Key
	})
}

func (c *ChangeSet) appendTable(b []byte, order []int32) []byte {
	first := &c.changes[order[0]]
	b = binary.AppendUvarint(b, uint64(first.Table))
	b = binary.AppendUvarint(b, uint64(len(order)))
	for i, n := range order {
		ch := &c.changes[n]
		var before *Change
		if i > 0 {
			before = &c.changes[order[i-1]]
		}
		if before == nil || before.Version != ch.Version {
			b = append(b, byte(ch.Op)|versionFollows)
			b = binary.AppendUvarint(b, uint64(ch.Version))
		} else {
			b = append(b, byte(ch.Op))
		}
		if before == nil {
			b = binary.AppendVarint(b, ch.Key)
		} else {
			b = binary.AppendUvarint(b, uint64(ch.Key)-uint64(before.Key))
		}
		if ch.Op == Put {
			b = append(b, ch.Digest[:]...)
		}
	}
	return b
}

// Unpack reads what Pack wrote and yields each change, tables and within them
// keys ascending. It gives ErrInvalid for anything else, down to a varint longer
// than it need be: two different texts are never the same set. Changes before a
// fault have been yielded by then. An error of yield ends it and comes back as it
// is. It allocates nothing for a change.
func Unpack(packed []byte, yield func(Change) error) error {
	r := reader{rest: packed}
	if v := r.octet("version"); r.err == nil && v != packVersion {
		r.fail("version is %d, this program reads %d", v, packVersion)
	}
	tables := r.uvarint("number of tables")
	last := int64(-1)
	for ; tables > 0 && r.err == nil; tables-- {
		table := r.uvarint("table")
		if table > math.MaxUint32 || int64(table) <= last {
			r.fail("table %d after table %d", table, last)
		}
		last = int64(table)
		if err := r.table(uint32(table), yield); err != nil {
			return err
		}
	}
	r.end()
	if r.err != nil {
		return fmt.Errorf("packed change set of %d octets: %w", len(packed), r.err)
	}
	return nil
}

// table takes the changes of one table. What it returns is yield's error; faults
// are left in r.
func (r *reader) table(table uint32, yield func(Change) error) error {
	count := r.uvarint("number of changes")
	// A change has at least an operation and a key.
	if r.err == nil && (count == 0 || count > uint64(len(r.rest))/2) {
		r.fail("table %d has %d changes in %d octets", table, count, len(r.rest))
	}
	ch := Change{Table: table}
	for i := uint64(0); i < count; i++ {
		r.change(&ch, i == 0)
		if r.err != nil {
			return nil
		}
		if err := yield(ch); err != nil {
			return err
		}
	}
	return nil
}

// change takes one change over the one before it in the same table.
func (r *reader) change(ch *Change, first bool) {
	op := r.octet("operation")
	ch.Op = Op(op &^ versionFollows)
	if ch.Op < Put || ch.Op > Erase {
		r.fail("operation %d", ch.Op)
	}
	if op&versionFollows != 0 {
		v := r.uvarint("schema version")
		if v > math.MaxUint32 || !first && uint32(v) == ch.Version {
			r.fail("schema version %d", v)
		}
		ch.Version = uint32(v)
	} else if first {
		r.fail("the first change of table %d tells no schema version", ch.Table)
	}
	step := r.uvarint("key")
	switch {
	case first:
		// The zigzag of binary.AppendVarint.
		ch.Key = int64(step>>1) ^ -int64(step&1)
	case step == 0 || step > math.MaxInt64-uint64(ch.Key):
		r.fail("key steps from %d by %d", ch.Key, step)
	default:
		ch.Key = int64(uint64(ch.Key) + step)
	}
	ch.Digest = [32]byte{}
	if ch.Op == Put {
		copy(ch.Digest[:], r.fixed(32, "digest"))
	}
}
