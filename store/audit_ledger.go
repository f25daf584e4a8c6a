package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"tocsin/ledger"
)

// This file is the part of the audit that verifies the ledger itself: it
// computes the tree again from the change sets, and holds it against the stored
// hashes and the signed checkpoints.

// ledger verifies leaves, hashes and checkpoints, and learns which keys the
// record knows.
func (a *auditor) ledger() error {
	a.untrusted, a.highest = map[int64]bool{}, map[uint32]int64{}
	points, err := a.checkpoints()
	if err != nil {
		return err
	}
	stored := &storedHashes{a: a, last: -1 << 63}
	tree := &growingTree{hashes: map[int64]ledger.Hash{}}
	if err := a.eachChangeSet(func(s changeSet) error { return a.leaf(s, tree, stored, points) }); err != nil {
		return err
	}
	a.Entries = tree.size
	if err := stored.rest(a, tree.size); err != nil {
		return err
	}
	if tree.size > 0 {
		root, err := ledger.Root(tree.size, tree)
		if err != nil {
			return err
		}
		a.Root = fmt.Sprintf("%x", root[:])
	}
	return a.judge(tree.size, points, stored.differing)
}

// leaf puts one change set into the tree. Where leaves are gone before it, their
// stored hashes stand in, so that what follows can still be verified.
func (a *auditor) leaf(s changeSet, tree *growingTree, stored *storedHashes, points []*statement) error {
	if err := a.learn(s); err != nil {
		return err
	}
	if s.seq < 0 {
		a.Pending++
		return nil
	}
	for tree.size <= s.seq {
		leaf, id := s.leaf, s.id
		if tree.size < s.seq {
			if err := a.fault("change_set", fmt.Sprintf("seq %d", tree.size), "missing", "entry %d of the ledger is gone", tree.size); err != nil {
				return err
			}
			var err error
			if leaf, err = stored.leaf(tree.size); err != nil {
				return err
			}
			id = 0
		}
		first, added, err := tree.add(leaf)
		if err != nil {
			return err
		}
		if err := stored.compare(a, id, first, added); err != nil {
			return err
		}
		for _, p := range points {
			if p.Size == tree.size {
				if p.computed, err = ledger.Root(tree.size, tree); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// growingTree keeps the frontier of a tree that is computed from its leaves.
type growingTree struct {
	size   int64
	hashes map[int64]ledger.Hash
}

// ReadHashes implements tlog.HashReader.
func (t *growingTree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		h, ok := t.hashes[index]
		if !ok {
			return nil, fmt.Errorf("hash %d isn't on the frontier", index)
		}
		all[i] = h
	}
	return all, nil
}

// add takes the next leaf and gives the index of the first of its new hashes.
func (t *growingTree) add(leaf ledger.Hash) (first int64, added []ledger.Hash, err error) {
	first = tlog.StoredHashIndex(0, t.size)
	if added, err = ledger.Append(t.size, leaf, t); err != nil {
		return 0, nil, err
	}
	for i, h := range added {
		t.hashes[first+int64(i)] = h
	}
	t.size++
	if t.size%1024 == 0 {
		t.prune()
	}
	return first, added, nil
}

// prune forgets what no later leaf is joined with: all but the roots of the
// complete subtrees that make up the tree.
func (t *growingTree) prune() {
	keep := map[int64]ledger.Hash{}
	for level, n := 0, t.size; n > 0; level, n = level+1, n>>1 {
		if n&1 == 1 {
			i := tlog.StoredHashIndex(level, n-1)
			keep[i] = t.hashes[i]
		}
	}
	t.hashes = keep
}

// changeSet is a row of change_set with its leaf as the row says it is.
type changeSet struct {
	id, seq int64
	leaf    ledger.Hash
	changes []byte
}

// eachChangeSet walks the record in its order, what waits for a number last. A
// row that can't be read as one is told and passed over. It reads a page at a
// time, because a connection to PostgreSQL answers one question at a time.
func (a *auditor) eachChangeSet(f func(changeSet) error) error {
	const columns = `SELECT id, seq, kind, actor, recorded_at, changes FROM change_set `
	last := int64(-1)
	numbered := func(row []any) error {
		set, err := a.changeSet(row)
		if err != nil || set.seq == last {
			return a.noRow(row, err)
		}
		last = set.seq
		return f(set)
	}
	if err := a.pages(columns+`WHERE seq >= 0 AND (seq, id) > ($1, $2) ORDER BY seq, id LIMIT 64`, 6, []int{1, 0}, numbered); err != nil {
		return err
	}
	return a.pages(columns+`WHERE seq < 0 AND id > $1 ORDER BY id LIMIT 64`, 6, []int{0}, func(row []any) error {
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
	set.changes = s.bytes()
	e.Changes = sha256.Sum256(set.changes)
	set.leaf = ledger.LeafHash(e.AppendBinary(nil))
	return set, s.err
}

func (a *auditor) noRow(row []any, err error) error {
	a.markUntrusted(row[0])
	return a.fault("change_set", row[0], "altered", "no row of the record (a second with its number, or: %v)", err)
}

func (a *auditor) markUntrusted(id any) {
	if n, ok := id.(int64); ok {
		a.untrusted[n] = true
	}
}

// learn notes the highest key of each table in a change set that can be believed.
func (a *auditor) learn(s changeSet) error {
	err := ledger.Unpack(s.changes, func(c ledger.Change) error {
		a.highest[c.Table] = max(a.highest[c.Table], c.Key)
		return nil
	})
	if err != nil {
		a.untrusted[s.id] = true
		return a.fault("change_set", s.id, "altered", "its changes can't be read: %v", err)
	}
	return nil
}

// storedHashes walks ledger_hash beside the leaves, a page at a time.
type storedHashes struct {
	a         *auditor
	page      []storedHash
	last      int64 // id of the newest one read
	ended     bool
	differing []difference // bounded by maxDiffering
}

type storedHash struct {
	id   int64
	hash []byte
}

// A difference is a stored hash that isn't the computed one; changeSet is the
// row whose leaf it is, 0 for a hash above the leaves.
type difference struct{ index, changeSet int64 }

// maxDiffering bounds how many differences are told one by one.
const maxDiffering = 10_000

func (s *storedHashes) peek() (*storedHash, error) {
	if len(s.page) == 0 && !s.ended {
		s.page = nil
		err := s.a.rows(`SELECT id, hash FROM ledger_hash WHERE id > $1 ORDER BY id LIMIT 4096`, []any{s.last}, 2, func(row []any) error {
			sc := scanner{row: row}
			s.page = append(s.page, storedHash{sc.int(), sc.bytes()})
			return nil
		})
		if err != nil {
			return nil, err
		}
		s.ended = len(s.page) == 0
	}
	if s.ended {
		return nil, nil
	}
	return &s.page[0], nil
}

// drop goes on behind the hash that peek gave.
func (s *storedHashes) drop() { s.last, s.page = s.page[0].id, s.page[1:] }

// leaf gives the stored hash of a leaf that is gone; zeros if that is gone too.
func (s *storedHashes) leaf(n int64) (h ledger.Hash, err error) {
	got, err := s.peek()
	if err == nil && got != nil && got.id == tlog.StoredHashIndex(0, n) {
		copy(h[:], got.hash)
	}
	return h, err
}

// compare holds the hashes that a leaf brings against the stored ones.
func (s *storedHashes) compare(a *auditor, changeSet, first int64, want []ledger.Hash) error {
	for i := range want {
		index := first + int64(i)
		got, err := s.peek()
		for err == nil && got != nil && got.id < index {
			if err = a.fault("ledger_hash", got.id, "extra", "no hash of the tree has this number"); err == nil {
				s.drop()
				got, err = s.peek()
			}
		}
		switch {
		case err != nil:
		case got == nil || got.id > index:
			err = a.fault("ledger_hash", index, "missing", "hash %d of the tree is gone", index)
		default:
			same := string(got.hash) == string(want[i][:])
			s.drop()
			if !same && len(s.differing) < maxDiffering {
				d := difference{index: index}
				if i == 0 {
					d.changeSet = changeSet
				}
				s.differing = append(s.differing, d)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rest tells what is stored beyond the last leaf.
func (s *storedHashes) rest(a *auditor, size int64) error {
	for {
		got, err := s.peek()
		if err != nil || got == nil {
			return err
		}
		id := got.id
		s.drop()
		if err := a.fault("ledger_hash", id, "extra", "a hash beyond the %d entries of the ledger: its tail was cut, or this was added", size); err != nil {
			return err
		}
	}
}

// A statement is a signed checkpoint about the tree: the newest of the database,
// or one kept elsewhere.
type statement struct {
	ledger.Checkpoint
	elsewhere bool
	computed  ledger.Hash // root at that size, as the leaves give it
}

func (a *auditor) checkpoints() ([]*statement, error) {
	var all []*statement
	err := a.rows(`SELECT id, size, note FROM checkpoint ORDER BY id`, nil, 3, func(row []any) error {
		sc := scanner{row: row}
		id, size, note := sc.int(), sc.int(), sc.text()
		cp, err := ledger.OpenCheckpoint([]byte(note), a.Verifier)
		if sc.err != nil || err != nil || cp.Size != size {
			return a.fault("checkpoint", row[0], "altered", "no checkpoint of this ledger's key over %v entries: %v", row[1], errors.Join(sc.err, err))
		}
		if id != 1 {
			return a.fault("checkpoint", id, "extra", "there is only one, the newest")
		}
		a.Audit.Checkpoint = note
		all = append(all, &statement{Checkpoint: cp})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(a.AuditOptions.Checkpoint) != "" {
		cp, err := ledger.OpenCheckpoint([]byte(a.AuditOptions.Checkpoint), a.Verifier)
		if err != nil {
			return nil, fmt.Errorf("the checkpoint kept elsewhere: %w", err)
		}
		all = append(all, &statement{Checkpoint: cp, elsewhere: true})
	}
	return all, nil
}

// judge tells where the tree isn't the one that was signed. A checkpoint that
// agrees with the leaves clears them: then a stored hash that differs is itself
// at fault. Otherwise the leaf is.
func (a *auditor) judge(size int64, points []*statement, differing []difference) error {
	own, agrees := false, false
	for _, p := range points {
		own = own || !p.elsewhere
		agrees = agrees || p.Size > 0 && p.Size <= size && p.computed == p.Root
	}
	leaves := false
	for _, d := range differing {
		leaves = leaves || d.changeSet != 0
	}
	for _, d := range differing {
		var err error
		switch {
		case agrees || !leaves:
			err = a.fault("ledger_hash", d.index, "altered", "hash %d isn't what its leaves give", d.index)
		case d.changeSet != 0:
			a.untrusted[d.changeSet] = true
			err = a.fault("change_set", d.changeSet, "altered", "the entry isn't what the ledger was extended by")
		}
		if err != nil {
			return err
		}
	}
	for _, p := range points {
		if err := a.judgeOne(size, p, leaves); err != nil {
			return err
		}
	}
	if !own && size > 0 {
		return a.fault("checkpoint", 1, "missing", "no valid checkpoint over the %d entries", size)
	}
	return nil
}

func (a *auditor) judgeOne(size int64, p *statement, leavesDiffer bool) error {
	switch {
	case p.Size > size && p.elsewhere:
		return a.fault("checkpoint", fmt.Sprintf("of %d entries", p.Size), "rollback",
			"the ledger has %d entries, a checkpoint kept elsewhere has %d: this is an older copy, or its tail was cut", size, p.Size)
	case p.Size > size:
		return a.fault("change_set", fmt.Sprintf("seq %d", size), "missing",
			"the ledger ends after %d entries, its checkpoint has %d: its tail was cut", size, p.Size)
	case p.Size == 0 || p.computed == p.Root:
		return nil
	case leavesDiffer && !p.elsewhere:
		return nil // the leaf that differs was told
	}
	return a.fault("checkpoint", fmt.Sprintf("of %d entries", p.Size), "fork", "over these entries the ledger has another root than was signed")
}
