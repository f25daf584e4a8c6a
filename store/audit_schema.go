package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// An object is a part of a schema: a table, an index, a trigger, a view.
type object struct {
	table string // that it belongs to
	text  string // as it was made
}

// schema holds what the migrations make against what is there: a trigger, an
// index that is gone or a column more change what the database does, though no
// row is touched. Tables that are gone or too many are told by relations.
func (a *auditor) schema() error {
	want, got, err := a.dialect.objects(a.ctx, a.q)
	if err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		there, ok := got[name]
		switch w := want[name]; {
		case !ok:
			err = a.fault(w.table, name, "missing", "a part of the schema is gone")
		case there.text != w.text:
			err = a.fault(w.table, name, "altered", "it isn't as the migrations made it")
		}
		if err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			if err := a.fault(got[name].table, name, "extra", "no migration made it"); err != nil {
				return err
			}
		}
	}
	return nil
}

// objects makes the schema anew in memory and compares with that.
func (d *sqlite) objects(ctx context.Context, q querier) (want, got map[string]object, err error) {
	fresh, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, nil, err
	}
	defer fresh.Close()
	fresh.SetMaxOpenConns(1) // each connection has a memory of its own
	for _, m := range migrations {
		text, err := migrationFiles.ReadFile("migration/" + m.file)
		if err != nil {
			return nil, nil, err
		}
		for _, statement := range d.schema(string(text)) {
			if _, err := fresh.ExecContext(ctx, statement); err != nil {
				return nil, nil, err
			}
		}
	}
	if want, err = sqliteObjects(ctx, fresh); err != nil {
		return nil, nil, err
	}
	got, err = sqliteObjects(ctx, q)
	// Which tables there are is another question.
	for name, o := range got {
		if _, ok := want[name]; !ok && name == "table "+o.table {
			delete(got, name)
		}
	}
	for name, o := range want {
		if _, ok := got["table "+o.table]; !ok {
			delete(want, name)
		}
	}
	return want, got, err
}

func sqliteObjects(ctx context.Context, q querier) (map[string]object, error) {
	rows, err := q.QueryContext(ctx, `SELECT type || ' ' || name, tbl_name, COALESCE(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'`)
	return objects(rows, err)
}

// objects of PostgreSQL are what no migration makes: triggers, rules, views. Its
// catalogue keeps no text that could be compared.
func (*postgres) objects(ctx context.Context, q querier) (want, got map[string]object, err error) {
	rows, err := q.QueryContext(ctx, `
		SELECT 'trigger ' || t.tgname, c.relname, '' FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE NOT t.tgisinternal AND n.nspname = current_schema()
		UNION ALL SELECT 'rule ' || rulename, tablename, '' FROM pg_rules WHERE schemaname = current_schema()
		UNION ALL SELECT 'view ' || viewname, viewname, '' FROM pg_views WHERE schemaname = current_schema()`)
	got, err = objects(rows, err)
	return map[string]object{}, got, err
}

func objects(rows *sql.Rows, err error) (map[string]object, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]object{}
	for rows.Next() {
		var name string
		var o object
		if err := rows.Scan(&name, &o.table, &o.text); err != nil {
			return nil, err
		}
		all[name] = o
	}
	return all, errors.Join(rows.Err(), rows.Close())
}
