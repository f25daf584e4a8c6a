package store

import (
	"database/sql"
	"slices"
	"strings"
	"testing"
)

// TestSpell: what many rows have in common is written into their statement, and what is
// then stored is what the rows say.
func TestSpell(t *testing.T) {
	row := func(n int64, first any) []any {
		return []any{n, first, int64(-5), "it's", []byte{0, 'a'}, strings.Repeat("x", maxSpelled+1)}
	}
	var many [][]any
	for n := range int64(spellFrom) {
		many = append(many, row(n, "same"))
	}
	differing := append(slices.Clone(many[1:]), row(0, "other"))
	const query = `INSERT INTO t (a, b, c, d, e, f) VALUES ($1, $2, $3, $4, $5, $6)`
	for _, c := range []struct {
		name  string
		rows  [][]any
		want  string
		bound []int
	}{
		{"few rows", many[1:], `(?, ?, ?, ?, ?, ?)`, []int{0, 1, 2, 3, 4, 5}},
		{"many rows", many, `(?, 'same', -5, 'it''s', X'0061', ?)`, []int{0, 5}},
		{"one row differs", differing, `(?, ?, -5, 'it''s', X'0061', ?)`, []int{0, 1, 5}},
	} {
		got, bound := spell(query, c.rows)
		if want := `INSERT INTO t (a, b, c, d, e, f) VALUES ` + c.want; got != want || !slices.Equal(bound, c.bound) {
			t.Errorf("%s: got %s with %v, want %s with %v", c.name, got, bound, want, c.bound)
		}
	}
}

// TestManyRowsSayWhatWasWritten goes through the database, by the kept statement and by
// one made for the rows.
func TestManyRowsSayWhatWasWritten(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		for _, n := range []int{spellFrom - 1, spellFrom} {
			var rows [][]any
			write(t, db, noon, func(tx *Tx) error {
				ids, err := tx.takeIDs("refusal", n)
				for _, id := range ids {
					rows = append(rows, []any{id, tx.salt(), int64(1), id, int64(-1), "it's ? or $1", `a "quoted" word`})
				}
				if err != nil {
					return err
				}
				return tx.insert(refusalTable, rows...)
			})
			found, err := db.read.QueryContext(t.Context(), refusalTable.selectSQL+` WHERE id >= $1 ORDER BY id`, rows[0][0])
			got, err := collect(found, err, func(rows *sql.Rows) ([]any, error) { return scanRow(rows, len(refusalTable.columns)) })
			if err != nil || len(got) != n {
				t.Fatalf("%d rows: got %d, %v", n, len(got), err)
			}
			for i := range got {
				if !slices.EqualFunc(got[i], rows[i], func(a, b any) bool {
					x, ok := a.([]byte)
					return ok && string(x) == string(b.([]byte)) || !ok && a == b
				}) {
					t.Fatalf("got %v, want %v", got[i], rows[i])
				}
			}
		}
	})
}
