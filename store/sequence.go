package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"tocsin/ledger"
)

// tree is what the sequencer remembers of the ledger between commits; the gate
// guards it. A transaction that fails makes it forget.
type tree struct {
	known    bool
	size     int64 // leaves numbered
	signed   int64 // leaves under the newest checkpoint
	signedAt time.Time
	edge     map[int64]ledger.Hash // hashes that the next leaves will be joined with
}

// maxEdge bounds the remembered hashes; one forgotten is read again.
const maxEdge = 4096

func (t *tree) forget() { t.known, t.edge = false, nil }

func (t *tree) keep(added map[int64]ledger.Hash) {
	if t.edge == nil || len(t.edge) > maxEdge {
		t.edge = map[int64]ledger.Hash{}
	}
	for i, h := range added {
		t.edge[i] = h
	}
}

// load reads where the ledger stands, unless that is known.
func (t *tree) load(ctx context.Context, q querier) error {
	if t.known {
		return nil
	}
	if err := q.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), -1) + 1 FROM change_set WHERE seq >= 0`).Scan(&t.size); err != nil {
		return err
	}
	err := q.QueryRowContext(ctx, `SELECT size FROM checkpoint WHERE id = 1`).Scan(&t.signed)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	t.known = true
	return nil
}

// ReadHashes implements tlog.HashReader over what this transaction sees.
func (tx *Tx) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		h, ok := tx.added[index]
		if !ok {
			h, ok = tx.db.tree.edge[index]
		}
		if !ok {
			var err error
			if h, err = readHash(tx.row(`SELECT hash FROM ledger_hash WHERE id = $1`, index), index); err != nil {
				return nil, err
			}
		}
		hashes[i] = h
	}
	return hashes, nil
}

func readHash(row *sql.Row, index int64) (h ledger.Hash, err error) {
	var b []byte
	if err := row.Scan(&b); err != nil {
		return h, fmt.Errorf("ledger hash %d: %w", index, err)
	}
	if len(b) != len(h) {
		return h, fmt.Errorf("ledger hash %d has %d octets, not %d", index, len(b), len(h))
	}
	return ledger.Hash(b), nil
}

// number gives a leaf its place and extends the tree by it.
func (tx *Tx) number(leaf ledger.Hash) (int64, error) {
	t := &tx.db.tree
	if err := t.load(tx.ctx, tx.conn); err != nil {
		return 0, err
	}
	n := t.size
	hashes, err := ledger.Append(n, leaf, tx)
	if err != nil {
		return 0, fmt.Errorf("extend the ledger at %d: %w", n, err)
	}
	if tx.added == nil {
		tx.added = map[int64]ledger.Hash{}
	}
	first := tlog.StoredHashIndex(0, n)
	for i, h := range hashes {
		tx.added[first+int64(i)] = h
		if _, err := tx.exec(`INSERT INTO ledger_hash (id, hash) VALUES ($1, $2)`, first+int64(i), h[:]); err != nil {
			return 0, err
		}
	}
	t.size = n + 1
	return n, nil
}

// sign writes a checkpoint over the tree as this transaction leaves it: at most
// one a second, unless it is wanted now.
func (tx *Tx) sign(now bool) error {
	t := &tx.db.tree
	if err := t.load(tx.ctx, tx.conn); err != nil {
		return err
	}
	signer := tx.db.signer
	if signer == nil || t.size == t.signed || !now && tx.at.Sub(t.signedAt) < time.Second {
		return nil
	}
	root, err := ledger.Root(t.size, tx)
	if err != nil {
		return err
	}
	note, err := signer.Sign(ledger.Checkpoint{Origin: signer.Origin(), Size: t.size, Root: root})
	if err != nil {
		return fmt.Errorf("sign checkpoint: %w", err)
	}
	if _, err = tx.exec(`INSERT INTO checkpoint (id, size, note) VALUES (1, $1, $2)
		ON CONFLICT (id) DO UPDATE SET size = excluded.size, note = excluded.note`, t.size, string(note)); err != nil {
		return err
	}
	tx.note, t.signed, t.signedAt = note, t.size, tx.at
	return nil
}

// sequence numbers the leaves that wait, in the order of their change sets, and
// signs. Where leaves are numbered inline none waits, but for those that came with
// a copy of another database.
func (db *DB) sequence(ctx context.Context, c *sql.Conn, signNow bool) error {
	_, err := db.commit(ctx, c, Work{At: db.lastStamp}, func(tx *Tx) error {
		if err := db.dialect.lock(tx, lockSequencing); err != nil {
			return err
		}
		if !db.dialect.sequencesInline() {
			db.tree.forget() // another process may have numbered since
		}
		if err := tx.numberWaiting(); err != nil {
			return err
		}
		return tx.sign(signNow)
	})
	if err != nil {
		return fmt.Errorf("number the ledger: %w", err)
	}
	return nil
}

func (tx *Tx) numberWaiting() error {
	rows, err := tx.query(`SELECT id, kind, actor, recorded_at, changes, seal FROM change_set WHERE seq < 0 ORDER BY id`)
	if err != nil {
		return err
	}
	type waiting struct {
		id   int64
		leaf ledger.Hash
	}
	var all []waiting
	for rows.Next() {
		var w waiting
		var e ledger.Entry
		var changes, seal []byte
		if err := rows.Scan(&w.id, &e.Kind, &e.Actor, &e.At, &changes, &seal); err != nil {
			return errors.Join(err, rows.Close())
		}
		e.Changes = sha256.Sum256(changes)
		w.leaf = ledger.LeafHash(e.AppendBinary(nil))
		if tx.db.signer != nil && !tx.db.sealer.Verify(w.leaf, seal) {
			// Nobody with the key wrote it: it gets no number, and the audit tells it.
			slog.ErrorContext(tx.ctx, "an entry without this ledger's seal is not numbered: run tocsin audit", "change_set", w.id)
			continue
		}
		all = append(all, w)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, w := range all {
		n, err := tx.number(w.leaf)
		if err != nil {
			return err
		}
		if _, err := tx.exec(`UPDATE change_set SET seq = $1 WHERE id = $2`, n, w.id); err != nil {
			return err
		}
	}
	return nil
}

// Sign numbers what waits and signs a checkpoint over all of it now.
func (db *DB) Sign(ctx context.Context) error {
	if err := db.gate.enter(ctx, false); err != nil {
		return err
	}
	defer db.gate.leave()
	if t := &db.tree; db.dialect.sequencesInline() && t.known && t.size == t.signed {
		return nil
	}
	c, err := db.connection(ctx)
	if err != nil {
		return err
	}
	return db.sequence(ctx, c, true)
}

// sequenceAfter numbers what a committed write left. The write stands: a failure
// here only leaves its number to the next one.
func (db *DB) sequenceAfter(ctx context.Context, c *sql.Conn) {
	if db.dialect.sequencesInline() {
		return
	}
	if err := db.sequence(context.WithoutCancel(ctx), c, false); err != nil {
		slog.WarnContext(ctx, "the ledger entry waits for its number", "err", err)
	}
}
