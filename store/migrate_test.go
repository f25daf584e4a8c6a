package store

import (
	"database/sql"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tocsin/casebook"
)

func TestANewerDatabaseIsRefused(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at, signer := place(), newSigner(t)
		closed(t, openAt(t, at, signer))
		second := connect(t, at)
		execute(t, second, `UPDATE migration SET schema_min = 99`)
		_, err := Open(t.Context(), at, Options{Signer: signer, Now: noon})
		wantIs(t, "schema_min 99", err, casebook.ErrConflict)
		if err != nil && !strings.Contains(err.Error(), "schema 99") {
			t.Errorf("the sentence %q doesn't name schema 99", err)
		}
		execute(t, second, `UPDATE migration SET schema_min = 1`)
		execute(t, second, `INSERT INTO migration (id, salt, name, digest, schema_min, applied_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			int64(len(migrations)+1), []byte{1}, "9999_later.sql", []byte{1}, int64(1), int64(1))
		closed(t, openAt(t, at, signer)) // one that only adds may be written by an older program
	})
}

func TestOpeningAgainAppliesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at, signer := place(), newSigner(t)
		closed(t, openAt(t, at, signer))
		before := sound(t, at, signer)
		for range 2 {
			closed(t, openAt(t, at, signer))
		}
		if after := sound(t, at, signer); after != before || after.Entries != int64(len(migrations)) {
			t.Errorf("got %+v\nwant %+v", after, before)
		}
	})
}

// catalogue reads the columns of every table from the database's own catalogue,
// as "name:kind", those that may be NULL with a question mark.
func catalogue(t *testing.T, place string) map[string][]string {
	t.Helper()
	query := `SELECT m.name, c.name, c.type, c."notnull" OR c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid`
	if dialectOf(place).name() == "postgres" {
		query = `SELECT table_name, column_name, data_type || COALESCE(' ' || collation_name, ''), is_nullable = 'NO' FROM information_schema.columns
			WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position`
	}
	kinds := map[string]string{"INTEGER": "i", "BIGINT": "i", "TEXT": "t", "BYTEA": "b", "bigint": "i", "text C": "t", "bytea": "b"}
	rows, err := connect(t, place).Query(query)
	all, err := collect(rows, err, func(rows *sql.Rows) (c [3]string, err error) {
		var kind string
		var always bool
		err = rows.Scan(&c[0], &c[1], &kind, &always)
		if c[2] = kinds[kind]; c[2] == "" {
			c[2] = kind
		}
		if !always {
			c[2] += "?"
		}
		return c, err
	})
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string][]string{}
	for _, c := range all {
		tables[c[0]] = append(tables[c[0]], c[1]+":"+c[2])
	}
	return tables
}

func TestTheTablesAreThoseDescribed(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at := place()
		closed(t, openAt(t, at, newSigner(t)))
		got, want := catalogue(t, at), map[string][]string{}
		for _, table := range everyTable() {
			for _, c := range table.columns {
				want[table.name] = append(want[table.name], c.name+":"+string(c.kind))
			}
		}
		for name := range want {
			if !reflect.DeepEqual(got[name], want[name]) {
				t.Errorf("table %s:\n got %q\nwant %q", name, got[name], want[name])
			}
		}
		var listed []string
		for _, table := range tables {
			listed = append(listed, table.name)
		}
		for name, why := range uncovered {
			if listed = append(listed, name); len(why) < 20 {
				t.Errorf("table %s isn't covered, and the reason is %q", name, why)
			}
		}
		slices.Sort(listed)
		if there := slices.Sorted(maps.Keys(got)); !slices.Equal(there, listed) {
			t.Errorf("tables:\n got %q\nwant %q", there, listed)
		}
	})
}
