package store

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"tocsin/ledger"
)

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
	first = ledger.StoredCount(t.size)
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

// storedHashes walks ledger_hash beside the leaves, a page at a time.
type storedHashes struct {
	a         *auditor
	page      []storedHash
	last      int64 // id of the newest one read
	ended     bool
	differing []difference
}

type storedHash struct {
	id   int64
	hash []byte
}

// A difference is a stored hash that isn't the computed one, or is gone. It came
// with the leaf of a change set, 0 if that is gone; inner ones lie above the leaf.
type difference struct {
	index, changeSet int64
	inner, gone      bool
}

// maxDiffering bounds how many differences are told one by one.
const maxDiffering = 10_000

// peek gives the next stored hash, nil behind the last.
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

// leaf gives the stored hash of the next leaf; ok is false when that is gone too.
func (s *storedHashes) leaf(n int64) (h ledger.Hash, ok bool, err error) {
	got, err := s.peek()
	if err != nil || got == nil || got.id != ledger.StoredCount(n) || len(got.hash) != len(h) {
		return h, false, err
	}
	return ledger.Hash(got.hash), true, nil
}

// seek drops what is stored before an index, and tells it as too many unless the
// hashes there can't be known any more.
func (s *storedHashes) seek(index int64, unknowable bool) (*storedHash, error) {
	for {
		got, err := s.peek()
		if err != nil || got == nil || got.id >= index {
			return got, err
		}
		id := got.id
		s.drop()
		if unknowable {
			continue
		}
		if err := s.a.fault("ledger_hash", id, "extra", "no hash of the tree has this number"); err != nil {
			return nil, err
		}
	}
}

// compare holds the hashes that a leaf brings against the stored ones.
func (s *storedHashes) compare(changeSet, first int64, want []ledger.Hash, unknowable bool) error {
	for i := range want {
		got, err := s.seek(first+int64(i), unknowable)
		if err != nil {
			return err
		}
		d := difference{index: first + int64(i), changeSet: changeSet, inner: i > 0}
		same := false
		if d.gone = got == nil || got.id > d.index; !d.gone {
			same = string(got.hash) == string(want[i][:])
			s.drop()
		}
		if !same && len(s.differing) <= maxDiffering {
			s.differing = append(s.differing, d)
		}
	}
	return nil
}

// rest tells what is stored from an index on, behind the last leaf, run by run.
func (s *storedHashes) rest(from, size int64) error {
	got, err := s.seek(from, true)
	for err == nil && got != nil {
		first, last := got.id, got.id
		for err == nil && got != nil && got.id <= last+1 {
			last = got.id
			s.drop()
			got, err = s.peek()
		}
		if err == nil {
			err = s.a.fault("ledger_hash", run{first, last}, "extra", "beyond the %d entries of the ledger: its tail was cut, or this was added", size)
		}
	}
	return err
}

// A run is one number or several in a row.
type run struct{ first, last int64 }

// String writes "7" or "7 to 9".
func (r run) String() string {
	if r.first == r.last {
		return fmt.Sprint(r.first)
	}
	return fmt.Sprintf("%d to %d", r.first, r.last)
}
