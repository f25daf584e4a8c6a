package store

import (
	"strings"
	"testing"
)

func TestASchemaThatWasChangedIsTold(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at := place()
		s := newShell(t, at)
		sqlite := !strings.HasPrefix(at, "postgres")
		for _, c := range []struct {
			name, do, undo, want string
			both                 bool
		}{
			{"an index gone", `DROP INDEX delivery_content`, `CREATE UNIQUE INDEX delivery_content ON delivery (tenant, exercise, digest, feed, type)`, "delivery index delivery_content missing", false},
			{"an index more", `CREATE INDEX spy ON finding (holder)`, `DROP INDEX spy`, "finding index spy extra", false},
			{"a trigger", `CREATE TRIGGER spy AFTER INSERT ON finding BEGIN DELETE FROM outbox; END`, `DROP TRIGGER spy`, "finding trigger spy extra", false},
			{"a view", `CREATE VIEW spy AS SELECT 1 AS one`, `DROP VIEW spy`, "spy view spy extra", true},
			{"a column more", `ALTER TABLE finding ADD COLUMN spy BIGINT`, `ALTER TABLE finding DROP COLUMN spy`, "finding table finding altered", false},
			{"a table with a name like the database's own", `CREATE TABLE sqlitespy (id BIGINT)`, `DROP TABLE sqlitespy`, "sqlitespy * extra", true},
		} {
			if !sqlite && !c.both {
				continue
			}
			execute(t, s.db, c.do)
			s.only(c.name, c.want)
			execute(t, s.db, c.undo)
		}
	})
}

// soundRows wants no fault but those of a schema that the test itself changed.
func soundRows(t *testing.T, s shell) {
	t.Helper()
	_, told := audited(t, s.place, AuditOptions{Verifier: s.signer.Verifier()})
	for _, fault := range told {
		if of := strings.Fields(fault)[1]; of != "table" && of != "index" {
			t.Errorf("fault of sound rows: %q", fault)
		}
	}
}
