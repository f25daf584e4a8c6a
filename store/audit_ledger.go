package store

import (
	"crypto/sha256"
	"fmt"
	"math"
	"strings"

	"tocsin/ledger"
)

// This file is the part of the audit that verifies the ledger itself: it
// computes the tree again from the change sets, and holds it against the stored
// hashes and the signed checkpoints.

// A walk goes through the leaves in their order.
type walk struct {
	*auditor
	tree   growingTree
	stored storedHashes
	points []*statement
	sealer ledger.Sealer
	next   int64 // number that the next leaf should have
	// broken: leaves are gone without their hashes, the tree can't be grown on.
	broken bool
	// unsealed are entries that nobody with the ledger's key wrote as they are.
	unsealed []changeSet
}

// ledger verifies leaves, hashes and checkpoints.
func (a *auditor) ledger() error {
	points, damaged, err := a.checkpoints()
	if err != nil {
		return err
	}
	w := walk{auditor: a, points: points}
	if w.sealer, err = ledger.NewSealer(a.Verifier); err != nil {
		return err
	}
	w.tree.hashes = map[int64]ledger.Hash{}
	w.stored = storedHashes{a: a, last: math.MinInt64, ended: !a.present["ledger_hash"]}
	if err := a.eachChangeSet(w.leaf); err != nil {
		return err
	}
	a.Entries = w.next
	if a.present["ledger_hash"] {
		if err := w.stored.rest(ledger.StoredCount(w.next), w.next); err != nil {
			return err
		}
	}
	if w.tree.size > 0 && !w.broken {
		root, err := ledger.Root(w.tree.size, &w.tree)
		if err != nil {
			return err
		}
		a.Root = fmt.Sprintf("%x", root[:])
	}
	return w.judge(damaged)
}

// leaf puts one change set into the tree.
func (w *walk) leaf(s changeSet) error {
	if err := w.learn(s); err != nil {
		return err
	}
	if !w.sealer.Verify(s.leaf, s.seal) {
		w.unsealed = append(w.unsealed, changeSet{id: s.id, seq: s.seq})
	}
	if s.seq < 0 {
		w.Pending++
		return nil
	}
	if s.seq > w.next {
		if err := w.gap(s.seq); err != nil {
			return err
		}
	}
	w.next = s.seq + 1
	if !w.broken {
		return w.grow(s.leaf, s.id)
	}
	return w.compare(s.id, ledger.StoredCount(s.seq), []ledger.Hash{s.leaf})
}

// gap tells that leaves are gone before the one numbered next. Their stored
// hashes stand in for them, so that what follows can still be verified.
func (w *walk) gap(next int64) error {
	if err := w.fault("change_set", fmt.Sprint("seq ", run{w.next, next - 1}), "missing", "%d entries of the ledger are gone", next-w.next); err != nil {
		return err
	}
	for !w.broken && w.tree.size < next {
		leaf, ok, err := w.stored.leaf(w.tree.size)
		if err != nil {
			return err
		}
		if w.broken = !ok; ok {
			if err := w.grow(leaf, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// grow adds the leaf of a change set, 0 for one that is gone.
func (w *walk) grow(leaf ledger.Hash, changeSet int64) error {
	first, added, err := w.tree.add(leaf)
	if err != nil {
		return err
	}
	for _, p := range w.points {
		if p.Size == w.tree.size {
			if p.computed, err = ledger.Root(p.Size, &w.tree); err != nil {
				return err
			}
			p.reached = true
		}
	}
	return w.compare(changeSet, first, added)
}

func (w *walk) compare(changeSet, first int64, want []ledger.Hash) error {
	if !w.present["ledger_hash"] {
		return nil
	}
	return w.stored.compare(changeSet, first, want, w.broken)
}

// changeSet is a row of change_set with its leaf as the row says it is.
type changeSet struct {
	id, seq int64
	leaf    ledger.Hash
	changes []byte
	seal    []byte
}

// eachChangeSet walks the record in its order, what waits for a number last. A
// row that can't be read as one is told and passed over. It reads a page at a
// time, because a connection to PostgreSQL answers one question at a time.
func (a *auditor) eachChangeSet(f func(changeSet) error) error {
	const columns = `SELECT id, seq, kind, actor, recorded_at, changes, seal FROM change_set `
	last := int64(-1)
	numbered := func(row []any) error {
		set, err := a.changeSet(row)
		switch {
		case err != nil:
			return a.noRow(row, err)
		case set.seq == last:
			return a.disbelieve(set.id, "extra", "a second entry with the number %d", last)
		case set.seq >= ledger.MaxSize:
			return a.disbelieve(set.id, "extra", "no ledger reaches to the number %d", set.seq)
		}
		last = set.seq
		return f(set)
	}
	if err := a.pages(columns+`WHERE seq >= 0 AND (seq, id) > ($1, $2) ORDER BY seq, id LIMIT 64`, 7, []int{1, 0}, numbered); err != nil {
		return err
	}
	return a.pages(columns+`WHERE seq < 0 AND id > $1 ORDER BY id LIMIT 64`, 7, []int{0}, func(row []any) error {
		set, err := a.changeSet(row)
		if err != nil {
			return a.noRow(row, err)
		}
		return f(set)
	})
}

// pages asks again and again, from behind the last row on, until nothing is
// left. The places are those of the columns by which the query goes on.
func (a *auditor) pages(query string, columns int, places []int, f func(row []any) error) error {
	from := make([]any, len(places))
	for i := range from {
		from[i] = int64(-1) << 63
	}
	for {
		page := [][]any{}
		err := a.rows(query, from, columns, func(row []any) error { page = append(page, row); return nil })
		if err != nil || len(page) == 0 {
			return err
		}
		for _, row := range page {
			if err := f(row); err != nil {
				return err
			}
		}
		for i, place := range places {
			from[i] = page[len(page)-1][place]
		}
	}
}

func (a *auditor) changeSet(row []any) (changeSet, error) {
	s := scanner{row: row}
	set := changeSet{id: s.int(), seq: s.int()}
	e := ledger.Entry{Kind: s.text(), Actor: s.text(), At: s.int()}
	set.changes, set.seal = s.bytes(), s.bytes()
	e.Changes = sha256.Sum256(set.changes)
	set.leaf = ledger.LeafHash(e.AppendBinary(nil))
	return set, s.err
}

func (a *auditor) noRow(row []any, err error) error {
	id, _ := row[0].(int64) // no database lets a primary key be anything else
	return a.disbelieve(id, "altered", "no row of the record: %v", err)
}

// disbelieve tells once, however often the record is walked, that a change set
// isn't what the ledger says.
func (a *auditor) disbelieve(changeSet int64, fault, note string, args ...any) error {
	if a.untrusted[changeSet] {
		return nil
	}
	a.untrusted[changeSet] = true
	return a.fault("change_set", changeSet, fault, note, args...)
}

// learn verifies that a change set can be read and is of the row in which it lies.
func (a *auditor) learn(s changeSet) error {
	own := int64(0)
	err := ledger.Unpack(s.changes, func(c ledger.Change) error {
		if c.Table == changeSetNumber {
			own = c.Key
		}
		return nil
	})
	switch {
	case err != nil:
		return a.disbelieve(s.id, "altered", "its changes can't be read: %v", err)
	case own != s.id:
		return a.fault("change_set", s.id, "altered", "this entry was recorded under the number %d", own)
	}
	return nil
}

// survey notes which keys of each table the record knows, as far as it is believed.
func (a *auditor) survey() error {
	return a.eachChangeSet(func(s changeSet) error {
		if a.untrusted[s.id] {
			return nil
		}
		far := false
		err := ledger.Unpack(s.changes, func(c ledger.Change) error {
			far = far || c.Table != changeSetNumber && !a.known(c.Table, c.Key)
			return nil
		})
		if far {
			err = a.disbelieve(s.id, "altered", "it knows rows with numbers far beyond any that were given out")
		}
		return err
	})
}

// maxSpans bounds the windows of all tables together: four billion rows. More are
// numbers that somebody made up to keep the audit busy.
const maxSpans = 1 << 9

// known notes that the record knows a key; false when that can't be.
func (a *auditor) known(table uint32, key int64) bool {
	if key < 1 {
		return false
	}
	windows := a.windows[table]
	if windows == nil {
		windows = map[int64]*span{}
		a.windows[table] = windows
	}
	n := (key - 1) / auditWindow
	w := windows[n]
	if w == nil {
		if a.spans == maxSpans {
			return false
		}
		a.spans++
		windows[n] = &span{key, key}
		return true
	}
	w.low, w.high = min(w.low, key), max(w.high, key)
	return true
}

// A statement is a signed checkpoint about the tree: the newest of the database,
// or one kept elsewhere.
type statement struct {
	ledger.Checkpoint
	elsewhere bool
	reached   bool        // the leaves reach to its size
	computed  ledger.Hash // root at that size, as the leaves give it
}

// checkpoints reads the statements that are signed as they should be; damaged is
// true when the database's own was told as a fault.
func (a *auditor) checkpoints() (all []*statement, damaged bool, err error) {
	if a.present["checkpoint"] {
		err = a.rows(`SELECT id, size, note FROM checkpoint ORDER BY id`, nil, 3, func(row []any) error {
			own, err := a.checkpoint(row)
			if own != nil {
				all = append(all, own)
			}
			damaged = damaged || own == nil
			return err
		})
	}
	if err != nil {
		return nil, false, err
	}
	for _, note := range []string{a.AuditOptions.Checkpoint, a.Beside} {
		if strings.TrimSpace(note) == "" {
			continue
		}
		cp, err := ledger.OpenCheckpoint([]byte(note), a.Verifier)
		if err != nil {
			return nil, false, fmt.Errorf("the checkpoint kept elsewhere: %w", err)
		}
		all = append(all, &statement{Checkpoint: cp, elsewhere: true})
	}
	return all, damaged || !a.present["checkpoint"], nil
}

// checkpoint reads the database's own; nil when it isn't as it should be.
func (a *auditor) checkpoint(row []any) (*statement, error) {
	sc := scanner{row: row}
	id, size, note := sc.int(), sc.int(), sc.text()
	if sc.err != nil {
		return nil, a.fault("checkpoint", row[0], "altered", "%v", sc.err)
	}
	if id != 1 {
		return nil, a.fault("checkpoint", id, "extra", "there is only number 1, the newest")
	}
	cp, err := ledger.OpenCheckpoint([]byte(note), a.Verifier)
	if err == nil && cp.Size != size {
		err = fmt.Errorf("the row says %d entries, what was signed %d", size, cp.Size)
	}
	if err != nil {
		return nil, a.fault("checkpoint", id, "altered", "%v", err)
	}
	a.Audit.Checkpoint = note
	return &statement{Checkpoint: cp}, nil
}

// judge tells where the tree isn't the one that was signed. A checkpoint that
// agrees with the leaves clears those under it: there a stored hash that differs
// is itself at fault. Elsewhere the leaf is.
func (w *walk) judge(damaged bool) error {
	cleared := int64(0)
	for _, p := range w.points {
		if p.reached && p.computed == p.Root {
			cleared = max(cleared, ledger.StoredCount(p.Size))
		}
	}
	// Hashes from the first bad leaf on differ because of it.
	bad := int64(math.MaxInt64)
	for i, d := range w.stored.differing {
		if i == maxDiffering {
			if err := w.fault("ledger_hash", "*", "altered", "more than %d hashes differ; the others aren't told", maxDiffering); err != nil {
				return err
			}
			break
		}
		if d.index >= cleared && !d.inner && d.changeSet != 0 {
			bad = min(bad, d.index)
		}
		if err := w.differs(d, d.index < cleared, d.index > bad); err != nil {
			return err
		}
	}
	for _, s := range w.unsealed {
		// Under a checkpoint the entry is as it was: only its seal isn't.
		fault := "extra"
		if s.seq >= 0 && ledger.StoredCount(s.seq) < cleared {
			fault = "altered"
		}
		if err := w.disbelieve(s.id, fault, "it doesn't bear this ledger's seal"); err != nil {
			return err
		}
	}
	own := false
	for _, p := range w.points {
		if own = own || !p.elsewhere; !p.elsewhere {
			w.Unsigned = max(0, w.next-p.Size)
		}
		if err := w.judgeOne(p, bad < ledger.StoredCount(p.Size)); err != nil {
			return err
		}
	}
	if !own && !damaged && w.next > 0 {
		return w.fault("checkpoint", 1, "missing", "nobody signed for the %d entries", w.next)
	}
	return nil
}

// differs tells a difference. Cleared means that a checkpoint speaks for the
// leaf; follows, that it may come of a bad leaf before.
func (w *walk) differs(d difference, cleared, follows bool) error {
	leaf := !d.inner && d.changeSet != 0
	switch {
	case leaf && !cleared && d.gone:
		return w.disbelieve(d.changeSet, "extra", "the ledger was never extended by this entry")
	case leaf && !cleared:
		return w.disbelieve(d.changeSet, "altered", "the entry isn't what the ledger was extended by")
	case d.inner && !cleared && follows:
		return nil
	case d.gone:
		return w.fault("ledger_hash", d.index, "missing", "hash %d of the tree is gone", d.index)
	}
	return w.fault("ledger_hash", d.index, "altered", "hash %d isn't what its leaves give", d.index)
}

func (w *walk) judgeOne(p *statement, badLeaf bool) error {
	switch {
	case p.Size > w.next && p.elsewhere:
		return w.fault("checkpoint", fmt.Sprintf("of %d entries", p.Size), "rollback",
			"the ledger has %d entries, a checkpoint kept elsewhere has %d: this is an older copy, or its tail was cut", w.next, p.Size)
	case p.Size > w.next:
		return w.fault("change_set", fmt.Sprint("seq ", run{w.next, p.Size - 1}), "missing",
			"the ledger ends after %d entries, its checkpoint has %d: its tail was cut", w.next, p.Size)
	case !p.reached || p.computed == p.Root || badLeaf:
		return nil // what keeps the leaves from giving the root was told
	}
	return w.fault("checkpoint", fmt.Sprintf("of %d entries", p.Size), "fork", "over these entries the ledger has another root than was signed")
}
