package store

import (
	"database/sql"
	"errors"
	"slices"
	"time"
)

var horizonTable = covered(15, "horizon", `seen_from:i recorded_at:i`)

// SeenHorizon is for how long a claim is remembered as made: one that comes again
// later counts as new.
const SeenHorizon = 400 * 24 * time.Hour

// Forget takes up to limit claims that were recorded before a moment out of the
// mirror of what was seen, oldest first, and says how many observations it
// passed; 0 means that none is left. The observations themselves stay.
func (tx *Tx) Forget(before time.Time, limit int) (int, error) {
	h, err := tx.horizon()
	if err != nil {
		return 0, err
	}
	rows, err := tx.query(`SELECT id, observed_at, key, recorded_at FROM observation WHERE id >= $1 ORDER BY id LIMIT $2`, h.seenFrom, limit)
	old, err := collect(rows, err, func(rows *sql.Rows) ([]any, error) { return scanRow(rows, 4) })
	if err != nil {
		return 0, err
	}
	if young := slices.IndexFunc(old, func(o []any) bool { return o[3].(int64) >= micros(before) }); young >= 0 {
		old = old[:young]
	}
	if len(old) == 0 {
		return 0, nil
	}
	for _, o := range old {
		if _, err := tx.exec(`DELETE FROM seen WHERE observed_at = $1 AND key = $2`, o[1], o[2]); err != nil {
			return 0, err
		}
	}
	h.seenFrom = old[len(old)-1][0].(int64) + 1
	row := []any{int64(1), h.salt, h.seenFrom, micros(tx.at)}
	if h.isNew {
		return len(old), tx.insert(horizonTable, row)
	}
	return len(old), tx.update(horizonTable, row)
}

// horizon is the observation from which on the mirror remembers.
type horizon struct {
	salt     []byte
	seenFrom int64
	isNew    bool
}

func (tx *Tx) horizon() (horizon, error) {
	var h horizon
	err := tx.row(`SELECT salt, seen_from FROM horizon WHERE id = 1`).Scan(&h.salt, &h.seenFrom)
	if errors.Is(err, sql.ErrNoRows) {
		return horizon{tx.salt(), 1, true}, nil
	}
	return h, err
}
