package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"tocsin/casebook"
	"tocsin/ledger"
)

// hashes implements tlog.HashReader for readers.
type hashes struct {
	ctx context.Context
	q   querier
}

// ReadHashes implements tlog.HashReader.
func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		var err error
		if all[i], err = readHash(h.q.QueryRowContext(h.ctx, `SELECT hash FROM ledger_hash WHERE id = $1`, index), index); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Checkpoint gives the newest signed checkpoint as its note, "" before the first.
func (r *Reader) Checkpoint(ctx context.Context) (string, error) {
	var note string
	err := r.q.QueryRowContext(ctx, `SELECT note FROM checkpoint WHERE id = 1`).Scan(&note)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return note, err
}

// Inclusion proves that the entry at an index is in the tree of a size (RFC 6962,
// section 2.1.1). It gives ErrNotFound when the ledger doesn't reach that far.
func (r *Reader) Inclusion(ctx context.Context, index, size int64) ([]ledger.Hash, error) {
	if err := r.reaches(ctx, index+1, size); err != nil {
		return nil, err
	}
	return ledger.ProveInclusion(size, index, hashes{ctx, r.q})
}

// Consistency proves that the tree of one size begins with the tree of a smaller
// one (RFC 6962, section 2.1.2). It gives ErrNotFound when the ledger doesn't
// reach that far.
func (r *Reader) Consistency(ctx context.Context, smaller, size int64) ([]ledger.Hash, error) {
	if err := r.reaches(ctx, smaller, size); err != nil {
		return nil, err
	}
	return ledger.ProveConsistency(size, smaller, hashes{ctx, r.q})
}

func (r *Reader) reaches(ctx context.Context, smaller, size int64) error {
	var entries int64
	if err := r.q.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), -1) + 1 FROM change_set WHERE seq >= 0`).Scan(&entries); err != nil {
		return err
	}
	if smaller < 0 || smaller > size || size > entries {
		return fmt.Errorf("the ledger has %d entries, asked for %d of %d: %w", entries, smaller, size, casebook.ErrNotFound)
	}
	return nil
}
