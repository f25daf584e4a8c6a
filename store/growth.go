package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/casebook"
)

var (
	growthTable = covered(16, "growth", `threat:i! recorded_at:i! sizes:t!`)
	basisTable  = covered(25, "basis", `digest:t recorded_at:i`)
)

// A Growth says that a threat's size changed, and what it was as of the commit that
// changed it. It waits to be graded.
type Growth struct {
	id     int64
	threat int64
	At     time.Time       // the commit
	Threat casebook.Threat // with the sizes of then
}

// noteGrowth leaves word that a threat grew, in the commit in which it did. Where the
// clock went back that is the moment that it shows now: clocks of the law begin there,
// and the later stamp of the record would lengthen them.
func (tx *Tx) noteGrowth(threat int64) error {
	sizes, err := sizesOf(tx.ctx, tx.conn, threat)
	if err != nil {
		return err
	}
	text, err := json.Marshal(sizes)
	if err != nil {
		return err
	}
	id, err := tx.id("growth")
	if err != nil {
		return err
	}
	return tx.insert(growthTable, []any{id, tx.salt(), threat, micros(tx.clock), string(text)})
}

// Growths gives what waits to be graded, oldest first.
func (r *Reader) Growths(ctx context.Context, limit int) ([]Growth, error) {
	rows, err := r.q.QueryContext(ctx, `SELECT id, threat, recorded_at, sizes FROM growth ORDER BY id LIMIT $1`, limit)
	all, err := collect(rows, err, func(rows *sql.Rows) (g Growth, err error) {
		var at int64
		var sizes string
		if err := rows.Scan(&g.id, &g.threat, &at, &sizes); err != nil {
			return g, err
		}
		g.At = moment(at)
		if err := json.Unmarshal([]byte(sizes), &g.Threat.Sizes); err != nil {
			return g, fmt.Errorf("growth %d: %w", g.id, err)
		}
		return g, nil
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		t, err := scanThreat(r.q.QueryRowContext(ctx, threatTable.selectSQL+` WHERE id = $1`, all[i].threat))
		if err != nil {
			return nil, fmt.Errorf("growth %d: threat %d: %w", all[i].id, all[i].threat, err)
		}
		t.Threat.Sizes = all[i].Threat.Sizes
		all[i].Threat = t.Threat
	}
	return all, nil
}

// Settle takes away a growth that was graded. It gives ErrConflict when somebody
// else was faster.
func (tx *Tx) Settle(g Growth) error {
	var n int64
	if err := tx.row(`SELECT COUNT(*) FROM growth WHERE id = $1`, g.id).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("growth %d is graded already: %w", g.id, casebook.ErrConflict)
	}
	return tx.delete(growthTable, g.id)
}

// Basis gives by which law and for whom threats were last graded; "" before the
// first time.
func (r *Reader) Basis(ctx context.Context) (digest string, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT digest FROM basis WHERE id = 1`).Scan(&digest)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return digest, err
}

// Rebase notes a new basis: every threat waits to be graded again. It gives how many.
func (tx *Tx) Rebase(digest string) (int, error) {
	threats, err := tx.numbers(`SELECT id FROM threat ORDER BY id`)
	if err != nil {
		return 0, err
	}
	for _, threat := range threats {
		if err := tx.noteGrowth(threat); err != nil {
			return 0, err
		}
	}
	var salt []byte
	row := []any{int64(1), tx.salt(), digest, micros(tx.at)}
	err = tx.row(`SELECT salt FROM basis WHERE id = 1`).Scan(&salt)
	if errors.Is(err, sql.ErrNoRows) {
		return len(threats), tx.insert(basisTable, row)
	}
	if err == nil {
		row[1] = salt
		err = tx.update(basisTable, row)
	}
	return len(threats), err
}
