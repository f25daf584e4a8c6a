package desk_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/desk"
	"tocsin/store"
)

// recorded is a data directory with something in every table that this version
// writes.
func recorded(t *testing.T) string {
	t.Helper()
	o := open(t, t.TempDir())
	o.load("registry", tableHeader+"192.0.2.0/24,64500,North,XA,\n", time.Time{})
	o.load("registry", tableHeader+"192.0.2.0/24,64510,West,XB,\n", time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
	o.take(c2Header + "2026-11-20T00:00:00Z,Sample,192.0.2.1,c0ffee\n2026-11-20T00:00:00Z,Other,2001:db8::1,c0ffee\nsome day,Sample,192.0.2.1,c0ffee\n")
	o.take(day("2026-11-21T00:00:00Z", "Sample", "192.0.2.1"))
	o.wantSound()
	os.Remove(filepath.Join(o.dir, "socket"))
	return o.dir
}

// copied is a data directory to be spoilt.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// columns gives the columns of each table: name and kind.
func columns(t *testing.T, dir string) map[string][][2]string {
	t.Helper()
	all := map[string][][2]string{}
	for _, line := range rows(t, dir, `SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`) {
		f := strings.Fields(line)
		all[f[0]] = append(all[f[0]], [2]string{f[1], f[2]})
	}
	return all
}

// TestAuditNamesEachEdit deletes a row of every covered table, forges one in, and
// alters every single column of one.
func TestAuditNamesEachEdit(t *testing.T) {
	t.Parallel()
	dir := recorded(t)
	tables := columns(t, dir)
	edits := 0
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		if store.Uncovered()[table] != "" {
			continue
		}
		names, values := []string{}, []string{}
		for _, c := range tables[table] {
			names = append(names, c[0])
			values = append(values, map[string]string{"INTEGER": "900001", "BIGINT": "900001", "TEXT": "'forged'", "BYTEA": "x'0102030405060708090a0b0c0d0e0f10'"}[c[1]])
		}
		type edit struct{ statement, fault, key string }
		all := []edit{{fmt.Sprintf(`INSERT INTO %s (%s) VALUES (%s)`, table, strings.Join(names, ", "), strings.Join(values, ", ")), "extra", "900001"}}
		if filled := rows(t, dir, `SELECT MAX(id) FROM `+table); filled[0] != "<nil>" {
			key := filled[0]
			all = append(all, edit{fmt.Sprintf(`DELETE FROM %s WHERE id = %s`, table, key), "missing", key})
			for _, c := range tables[table] {
				if c[0] == "id" {
					continue
				}
				other := map[string]string{"BIGINT": c[0] + " + 1", "TEXT": c[0] + " || '!'", "BYTEA": "CAST(" + c[0] + " || x'21' AS BLOB)"}[c[1]]
				all = append(all, edit{fmt.Sprintf(`UPDATE %s SET %s = %s WHERE id = %s`, table, c[0], other, key), "altered", key})
			}
		}
		for _, e := range all {
			spoilt := copied(t, dir)
			change(t, spoilt, e.statement)
			edits++
			want := fmt.Sprintf("%s %s %s", e.fault, table, e.key)
			if got := audit(t, desk.AuditTarget{Dir: spoilt}); !slices.Contains(got, want) {
				t.Errorf("%s: got %v, want %s", e.statement, got, want)
			}
		}
	}
	if edits < 100 {
		t.Errorf("only %d edits: the test shows nothing", edits)
	}
	t.Logf("%d edits", edits)
}

// TestAuditNamesAnEditOfTheRecord itself, and of the mirror.
func TestAuditNamesAnEditOfTheRecord(t *testing.T) {
	t.Parallel()
	dir := recorded(t)
	for _, c := range []struct{ name, statement, want string }{
		{"an actor is altered", `UPDATE change_set SET actor = 'machine:bob' WHERE id = 3`, "change_set"},
		{"a moment is altered", `UPDATE change_set SET recorded_at = recorded_at + 1 WHERE id = 3`, "change_set"},
		{"a change set is altered", `UPDATE change_set SET changes = CAST(changes || x'00' AS BLOB) WHERE id = 3`, "change_set"},
		{"an entry is gone", `DELETE FROM change_set WHERE id = 3`, "change_set"},
		{"the tail is cut", `DELETE FROM change_set WHERE id = (SELECT MAX(id) FROM change_set)`, ""},
		{"a hash is altered", `UPDATE ledger_hash SET hash = zeroblob(32) WHERE id = 2`, "ledger_hash"},
		{"a hash is gone", `DELETE FROM ledger_hash WHERE id = 2`, "ledger_hash"},
		{"the checkpoint is altered", `UPDATE checkpoint SET note = replace(note, char(10), char(10) || '1')`, "checkpoint"},
		{"the checkpoint is gone", `DELETE FROM checkpoint`, "checkpoint"},
		{"a mark of what was seen is gone", `DELETE FROM seen WHERE observation = 1`, "missing seen 1"},
		{"a mark of what was seen is forged", `INSERT INTO seen (observed_at, key, observation) VALUES (1, x'01020304050607080102030405060708', 77)`, "extra seen 77"},
		{"a mark of what was seen is altered", `UPDATE seen SET observed_at = observed_at + 1 WHERE observation = 1`, "missing seen 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			spoilt := copied(t, dir)
			change(t, spoilt, c.statement)
			if got := audit(t, desk.AuditTarget{Dir: spoilt}); len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), c.want) {
				t.Errorf("got %v, want %q told", got, c.want)
			}
		})
	}
}

// TestAuditReadsTheBytesAgain: a kept delivery that was altered or removed.
func TestAuditReadsTheBytesAgain(t *testing.T) {
	dir := recorded(t)
	kept, err := filepath.Glob(filepath.Join(desk.Directory(dir).Deliveries(), "*", "*"))
	if err != nil || len(kept) != 2 {
		t.Fatalf("got %v (%v), want two deliveries", kept, err)
	}
	for _, name := range kept {
		inside, err := filepath.Rel(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		spoilt := copied(t, dir)
		b := read(t, filepath.Join(spoilt, inside))
		b[len(b)-5] ^= 0x10
		if err := os.WriteFile(filepath.Join(spoilt, inside), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := audit(t, desk.AuditTarget{Dir: spoilt}); len(got) != 1 || !strings.HasPrefix(got[0], "altered delivery_bytes dlv_") {
			t.Errorf("altered: got %v", got)
		}
		if err := os.Remove(filepath.Join(spoilt, inside)); err != nil {
			t.Fatal(err)
		}
		if got := audit(t, desk.AuditTarget{Dir: spoilt}); len(got) != 1 || !strings.HasPrefix(got[0], "missing delivery_bytes dlv_") {
			t.Errorf("removed: got %v", got)
		}
	}
}

// TestAuditNoticesAnOlderCopy by a checkpoint kept elsewhere, and another history
// under the same key.
func TestAuditNoticesAnOlderCopy(t *testing.T) {
	dir := recorded(t)
	older := copied(t, dir)
	o := open(t, dir)
	o.take(day("2026-11-22T00:00:00Z", "Sample", "192.0.2.7"))
	o.wantSound()
	kept := string(read(t, desk.Directory(dir).Checkpoint()))
	if got := audit(t, desk.AuditTarget{Dir: dir, Checkpoint: kept}); len(got) > 0 {
		t.Errorf("the record that the checkpoint is of: got %v", got)
	}
	if got := audit(t, desk.AuditTarget{Dir: older}); len(got) > 0 {
		t.Errorf("an older copy is whole in itself: got %v", got)
	}
	if got := audit(t, desk.AuditTarget{Dir: older, Checkpoint: kept}); len(got) == 0 || !strings.HasPrefix(got[0], "rollback ") {
		t.Errorf("an older copy: got %v, want a rollback", got)
	}
	o = open(t, older)
	for n := range 3 {
		o.take(day("2026-11-22T00:00:00Z", "Sample", fmt.Sprintf("192.0.2.%d", 10+n)))
	}
	o.wantSound()
	if got := audit(t, desk.AuditTarget{Dir: older, Checkpoint: kept}); len(got) == 0 || !strings.HasPrefix(got[0], "fork ") {
		t.Errorf("another history: got %v, want a fork", got)
	}
}

// TestAuditChangesNothing, not even beside an owner at work.
func TestAuditChangesNothing(t *testing.T) {
	dir := recorded(t)
	sums := func() map[string][32]byte {
		all := map[string][32]byte{}
		for _, pattern := range []string{"*", "*/*", "*/*/*"} {
			names, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				if b, err := os.ReadFile(name); err == nil && !strings.HasSuffix(name, "-shm") {
					all[name] = sha256.Sum256(b)
				}
			}
		}
		return all
	}
	before := sums()
	audit(t, desk.AuditTarget{Dir: dir})
	if after := sums(); !maps.Equal(before, after) {
		t.Errorf("got the files %v, want %v", slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
	}
	o := open(t, dir)
	o.take(day("2026-11-22T00:00:00Z", "Sample", "192.0.2.7"))
	if got := audit(t, desk.AuditTarget{Dir: dir}); len(got) > 0 {
		t.Errorf("beside its owner: got %v", got)
	}
}
