package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"tocsin/casebook"
)

// plain describes a table outside the record, for copying it.
func plain(name string, columns ...column) *table { return describe(0, name, columns) }

// everyTable lists all tables, for copying a database whole.
func everyTable() []*table {
	all := []*table{
		plain("change_set", column{"id", 'i', true}, column{"seq", 'i', true}, column{"kind", 't', true}, column{"actor", 't', true}, column{"recorded_at", 'i', true}, column{"changes", 'b', true}, column{"seal", 'b', true}),
		plain("ledger_hash", column{"id", 'i', true}, column{"hash", 'b', true}),
		plain("checkpoint", column{"id", 'i', true}, column{"size", 'i', true}, column{"note", 't', true}),
		plain("seen", column{"observed_at", 'i', true}, column{"key", 'b', true}, column{"observation", 'i', true}),
		plain("session", column{"digest", 'b', true}, column{"account", 'i', true}, column{"created_at", 'i', true}, column{"used_at", 'i', false}),
		plain("invitation", column{"digest", 'b', true}, column{"account", 'i', true}, column{"made_at", 'i', true}, column{"expires_at", 'i', true}),
		plain("key_use", column{"id", 'i', true}, column{"used_at", 'i', false}),
		plain("answer", column{"digest", 'b', true}, column{"request", 'b', true}, column{"recorded_at", 'i', true}, column{"status", 'i', false}, column{"media_type", 't', false}, column{"body", 'b', false}),
		tallyTable, partTallyTable, partTermTable, evidenceTable, incidentGradeTable, termTable,
	}
	for _, id := range slices.Sorted(maps.Keys(tables)) {
		all = append(all, tables[id])
	}
	return all
}

// CopyTo writes the database as it is at one moment into a new SQLite file, while
// others go on writing. The file must not be there yet.
func (db *DB) CopyTo(ctx context.Context, file string) error {
	if _, err := os.Stat(file); err == nil {
		return fmt.Errorf("copy the database: %s is there already: %w", file, casebook.ErrConflict)
	}
	if err := db.dialect.copyTo(ctx, db, file); err != nil {
		return fmt.Errorf("copy the database to %s: %w", file, err)
	}
	return nil
}

// CopyFrom fills the empty database at a place with everything in an SQLite
// file. It gives ErrConflict when the place holds tables already.
func CopyFrom(ctx context.Context, place, file string) error {
	from, err := (&sqlite{}).openReadOnly(file)
	if err != nil {
		return fmt.Errorf("copy the database from %s: %w", file, err)
	}
	defer from.Close()
	if err = sameSchema(ctx, from); err == nil {
		err = fill(ctx, place, from)
	}
	if err != nil {
		return fmt.Errorf("copy the database from %s to %s: %w", file, Redacted(place), err)
	}
	return nil
}

// sameSchema refuses a file of another schema: its rows would not all find a place.
func sameSchema(ctx context.Context, file querier) error {
	done, _, err := (&DB{dialect: &sqlite{}}).schemaVersion(ctx, file)
	if err == nil && done != int64(len(migrations)) {
		err = fmt.Errorf("it has schema %d, this program copies schema %d; open it once with this program if it is older: %w", done, len(migrations), casebook.ErrConflict)
	}
	return err
}

// fill makes the tables at a place and copies every row into them.
func fill(ctx context.Context, place string, from querier) error {
	d := dialectOf(place)
	write, read, err := d.open(place)
	if err != nil {
		return err
	}
	db := &DB{dialect: d, write: write, read: read}
	c, err := db.connection(ctx)
	if err == nil {
		var there []string
		if there, err = d.relations(ctx, c); err == nil && len(there) > 0 {
			err = fmt.Errorf("it holds %d tables already: %w", len(there), casebook.ErrConflict)
		}
	}
	if err == nil {
		_, err = db.commit(ctx, c, Work{}, func(tx *Tx) error { return tx.fill(from) })
	}
	if db.conn != nil {
		db.writes.letGo()
		err = errors.Join(err, db.conn.Close())
	}
	return errors.Join(err, write.Close(), read.Close())
}

func (tx *Tx) fill(from querier) error {
	for _, m := range migrations {
		text, err := migrationFiles.ReadFile("migration/" + m.file)
		if err != nil {
			return err
		}
		for _, statement := range tx.db.dialect.schema(string(text)) {
			if _, err := tx.exec(statement); err != nil {
				return err
			}
		}
	}
	for _, t := range everyTable() {
		if err := tx.copyTable(from, t); err != nil {
			return fmt.Errorf("table %s: %w", t.name, err)
		}
	}
	return nil
}

func (tx *Tx) copyTable(from querier, t *table) error {
	rows, err := from.QueryContext(tx.ctx, t.selectSQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	some := make([][]any, 0, 2000)
	highest := int64(0)
	flush := func() error {
		if len(some) == 0 {
			return nil
		}
		err := tx.db.dialect.insert(tx, t, some)
		some = some[:0]
		return err
	}
	for rows.Next() {
		row, err := scanRow(rows, len(t.columns))
		if err != nil {
			return err
		}
		for i, v := range row {
			if b, ok := v.([]byte); ok {
				row[i] = octets(b)
			}
		}
		if id, ok := row[0].(int64); ok {
			highest = max(highest, id)
		}
		if some = append(some, row); len(some) == cap(some) {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(rows.Err(), flush()); err != nil {
		return err
	}
	if t.columns[0].name != "id" || t.name == "key_use" {
		return nil // has no numbers of its own
	}
	return tx.db.dialect.numberFrom(tx, t.name, highest+1)
}

// copyInto is how a database that can't copy itself is copied: table by table, at
// one moment.
func copyInto(ctx context.Context, db *DB, file string) error {
	c, err := db.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, db.dialect.snapshot()); err != nil {
		return err
	}
	err = fill(ctx, file, c)
	_, end := c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	return errors.Join(err, end)
}
