package store

import (
	"context"
	"errors"
	"fmt"

	"tocsin/casebook"
	"tocsin/ledger"
)

// belongs refuses a database whose newest checkpoint another key signed: it is
// another ledger's, and writing to it would make a fork of it.
func (db *DB) belongs(ctx context.Context, q querier) error {
	if db.signer == nil {
		return nil
	}
	note, err := (&Reader{q: q}).Checkpoint(ctx)
	if err != nil || note == "" {
		return err
	}
	if _, err := ledger.OpenCheckpoint([]byte(note), db.signer.Verifier()); err != nil {
		return fmt.Errorf("it belongs to another ledger than the key of this data directory: put back that ledger's key, or name another database (%v): %w", err, casebook.ErrConflict)
	}
	return nil
}

// Reaches holds the ledger against a checkpoint that was signed for it earlier. It
// gives ErrConflict when the ledger is shorter, or has another history: then the
// database is an older copy, or was tampered with.
func (r *Reader) Reaches(ctx context.Context, note, verifier string) error {
	cp, err := ledger.OpenCheckpoint([]byte(note), verifier)
	if err != nil {
		return err
	}
	if err := r.reaches(ctx, cp.Size, cp.Size); err != nil {
		if errors.Is(err, casebook.ErrNotFound) {
			err = fmt.Errorf("the database ends before the checkpoint over %d entries: %w", cp.Size, casebook.ErrConflict)
		}
		return err
	}
	root, err := ledger.Root(cp.Size, hashes{ctx, r.q})
	if err == nil && root != cp.Root {
		err = fmt.Errorf("over %d entries the database has another history than the checkpoint: %w", cp.Size, casebook.ErrConflict)
	}
	return err
}
