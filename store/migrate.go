package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"slices"
	"time"

	"tocsin/casebook"
)

//go:embed migration/*.sql
var migrationFiles embed.FS

var migrationTable = covered(1, "migration", "name:t digest:b schema_min:i applied_at:i")

// A migration is a numbered file and the oldest schema whose programs may go on
// writing after it: expanding ones keep it, contracting ones raise it.
type migration struct {
	file      string
	schemaMin int64
	// after does what can't be said in SQL, with the new tables in place. A copy of a
	// database doesn't run it: the rows come with the copy.
	after func(*Tx) error
}

// migrations in their order; number 1 is the first.
var migrations = []migration{
	{file: "0001_ground.sql", schemaMin: 1},
	{file: "0002_cases.sql", schemaMin: 2},
	{file: "0003_access.sql", schemaMin: 3}, // an older program would fold without writing shares
	{file: "0004_acts.sql", schemaMin: 4},
	{file: "0005_duty_counts.sql", schemaMin: 4},
	{file: "0006_order_limits.sql", schemaMin: 4},
	{file: "0007_papers.sql", schemaMin: 7},
	{file: "0008_views.sql", schemaMin: 8, after: (*Tx).termsAnew}, // an older program would fold without counting
	{file: "0009_admin.sql", schemaMin: 8},
	{file: "0010_pages.sql", schemaMin: 8},
	{file: "0011_parts.sql", schemaMin: 11}, // an older program would fold without counting
	{file: "0012_disputes.sql", schemaMin: 11},
	{file: "0013_states.sql", schemaMin: 11},
}

// migrate applies what is missing, each in a transaction of its own, recorded
// like every other change. An older program finds a schemaMin beyond its own
// number and refuses.
func (db *DB) migrate(ctx context.Context, now time.Time) error {
	c, err := db.connection(ctx)
	if err != nil {
		return err
	}
	done, least, err := db.schemaVersion(ctx, c)
	if err != nil {
		return err
	}
	if least > int64(len(migrations)) {
		return fmt.Errorf("the database has schema %d and needs a program that knows schema %d; this one knows %d: install the newer tocsin: %w",
			done, least, len(migrations), casebook.ErrConflict)
	}
	for n := int(done) + 1; n <= len(migrations); n++ {
		if err := db.apply(ctx, n, now); err != nil {
			return fmt.Errorf("migration %s: %w", migrations[n-1].file, err)
		}
	}
	return nil
}

// schemaVersion reads the newest migration and the strictest schema_min; 0, 0 in
// an empty database.
func (db *DB) schemaVersion(ctx context.Context, q querier) (done, least int64, err error) {
	all, err := db.dialect.relations(ctx, q)
	if err != nil || !slices.Contains(all, "migration") {
		return 0, 0, err
	}
	err = q.QueryRowContext(ctx, `SELECT COALESCE(MAX(id), 0), COALESCE(MAX(schema_min), 0) FROM migration`).Scan(&done, &least)
	return done, least, err
}

func (db *DB) apply(ctx context.Context, n int, now time.Time) error {
	m := migrations[n-1]
	text, err := migrationFiles.ReadFile("migration/" + m.file)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(text)
	_, err = db.Write(ctx, Work{Kind: "migrate", Actor: "rule:migrate", At: now}, func(tx *Tx) error {
		if err := db.dialect.lock(tx, lockMigrating); err != nil {
			return err
		}
		// Another process may have been faster.
		if done, _, err := db.schemaVersion(ctx, tx.conn); err != nil || done >= int64(n) {
			return err
		}
		for _, statement := range db.dialect.schema(string(text)) {
			if _, err := tx.exec(statement); err != nil {
				return fmt.Errorf("%w in: %.80s", err, statement)
			}
		}
		if m.after != nil {
			if err := m.after(tx); err != nil {
				return err
			}
		}
		return tx.insert(migrationTable, []any{int64(n), tx.salt(), m.file, digest[:], m.schemaMin, micros(tx.at)})
	})
	return err
}
