package store

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A shell alters a database past the store and can put back what it altered.
type shell struct {
	filled
	t  *testing.T
	db *sql.DB
}

func newShell(t *testing.T, place string) shell {
	f := newFilled(t, place)
	f.wantFilled(t)
	closed(t, f.db)
	return shell{f, t, connect(t, place)}
}

// row reads the one row that a condition names.
func (s shell) row(table *table, where string, args ...any) []any {
	s.t.Helper()
	rows, err := s.db.Query(table.selectSQL+" WHERE "+where, args...)
	all, err := collect(rows, err, func(rows *sql.Rows) ([]any, error) { return scanRow(rows, len(table.columns)) })
	if err != nil || len(all) != 1 {
		s.t.Fatalf("%s where %s %v: %d rows, %v", table.name, where, args, len(all), err)
	}
	for i, v := range all[0] {
		if b, ok := v.([]byte); ok {
			all[0][i] = octets(b)
		}
	}
	return all[0]
}

// told wants these faults among those that an audit tells.
func (s shell) told(what string, o AuditOptions, want ...string) {
	s.t.Helper()
	o.Verifier = s.signer.Verifier()
	_, told := audited(s.t, s.place, o)
	if len(told) == 0 {
		s.t.Errorf("%s: no fault", what)
	}
	for _, w := range want {
		if !slices.Contains(told, w) {
			s.t.Errorf("%s: told %q, want %q among it", what, told, w)
		}
	}
}

// only is told without anything else.
func (s shell) only(what string, want ...string) {
	s.t.Helper()
	_, told := audited(s.t, s.place, AuditOptions{Verifier: s.signer.Verifier()})
	slices.Sort(told)
	slices.Sort(want)
	if !slices.Equal(told, want) {
		s.t.Errorf("%s: told %q, want %q", what, told, want)
	}
}

// another gives a value of a column's kind that differs from a given one.
func another(kind byte, v any) any {
	switch kind {
	case 'i':
		return v.(int64) + 1_000_003
	case 't':
		return v.(string) + "x"
	}
	b := append(slices.Clone(v.([]byte)), 0)
	b[0] ^= 1
	return b
}

func coveredTables() []*table {
	var all []*table
	for _, id := range slices.Sorted(maps.Keys(tables)) {
		all = append(all, tables[id])
	}
	return all
}

// alteration is one value in the way of being altered and put back.
type alteration struct {
	set      string
	key, old any
}

// alterEach alters column i of one row of each table, where it has as many.
func (s shell) alterEach(tables []*table, i int, value func(*table, column, any) (v any, ok bool)) (done []alteration, changed map[*table]int64) {
	s.t.Helper()
	changed = map[*table]int64{}
	for _, table := range tables {
		if i >= len(table.columns) {
			continue
		}
		key := ask[int64](s.t, s.db, `SELECT MIN(id) FROM `+table.name)
		row := s.row(table, "id = $1", key)
		v, ok := value(table, table.columns[i], row[i])
		if !ok {
			continue
		}
		a := alteration{fmt.Sprintf("UPDATE %s SET %s = $1 WHERE id = $2", table.name, table.columns[i].name), key, row[i]}
		execute(s.t, s.db, a.set, v, key)
		done, changed[table] = append(done, a), key
	}
	return done, changed
}

func (s shell) putBack(done []alteration) {
	s.t.Helper()
	for _, a := range done {
		execute(s.t, s.db, a.set, a.old, a.key)
	}
}

// nullable takes away what keeps a database from holding NULL.
func (s shell) nullable(table *table) {
	s.t.Helper()
	if dialectOf(s.place).name() == "sqlite" {
		execute(s.t, s.db, `PRAGMA writable_schema = ON`)
		execute(s.t, s.db, `UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE type = 'table' AND name = $1`, table.name)
		execute(s.t, s.db, `PRAGMA writable_schema = RESET`)
		return
	}
	for _, c := range table.columns[1:] {
		execute(s.t, s.db, "ALTER TABLE "+table.name+" ALTER COLUMN "+c.name+" DROP NOT NULL")
	}
}

// blames wants that of the record's own tables only one is at fault.
func (s shell) blames(what, table string) {
	s.t.Helper()
	_, told := audited(s.t, s.place, AuditOptions{Verifier: s.signer.Verifier()})
	for _, fault := range told {
		name, _, _ := strings.Cut(fault, " ")
		if uncovered[name] != "" && name != "seen" && name != table {
			s.t.Errorf("%s: told %q, only %s is at fault", what, told, table)
		}
	}
}
