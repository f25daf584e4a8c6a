package store

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/ledger"
)

var changeSetTable, ledgerHashTable, checkpointTable = everyTable()[0], everyTable()[1], everyTable()[2]

func TestEveryColumnOfTheRecordIsProven(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		s := newShell(t, place())
		last := ask[int64](t, s.db, `SELECT MAX(seq) FROM change_set`)
		for _, seq := range []int64{0, 7, last} {
			row := s.row(changeSetTable, "seq = $1", seq)
			id := row[0].(int64)
			for i, column := range changeSetTable.columns {
				set, changed := fmt.Sprintf("UPDATE change_set SET %s = $1 WHERE id = $2", column.name), another(column.kind, row[i])
				execute(t, s.db, set, changed, id)
				want := fmt.Sprintf("change_set %d altered", id)
				switch column.name {
				case "id":
					want = fmt.Sprintf("change_set %d altered", changed)
				case "seq":
					want = fmt.Sprintf("change_set %d extra", id)
				}
				s.told("change_set."+column.name+" altered", AuditOptions{}, want)
				if column.name != "seq" {
					s.blames("change_set."+column.name+" altered", "change_set")
				}
				if column.name == "id" {
					id = changed.(int64)
				}
				execute(t, s.db, set, row[i], id)
				id = row[0].(int64)
			}
		}
		sound(t, s.place, s.signer)
	})
}

func TestEntriesGoneFromTheLedgerAreTold(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		s := newShell(t, place())
		for _, seq := range []int64{0, 6, 7} {
			row := s.row(changeSetTable, "seq = $1", seq)
			leaf := s.row(ledgerHashTable, "id = $1", ledger.StoredCount(seq))
			want := fmt.Sprintf("change_set seq %d missing", seq)
			execute(t, s.db, `DELETE FROM change_set WHERE seq = $1`, seq)
			s.told("an entry gone", AuditOptions{}, want)
			s.blames("an entry gone", "change_set")
			execute(t, s.db, ledgerHashTable.deleteSQL, leaf[0])
			s.told("an entry and its hash gone", AuditOptions{}, want)
			execute(t, s.db, ledgerHashTable.insertSQL, leaf...)
			execute(t, s.db, changeSetTable.insertSQL, row...)
		}
		sound(t, s.place, s.signer)
	})
}

func TestBeyondTheCheckpointTheHashesSpeakForTheEntries(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		s := shell{f, t, connect(t, f.place)}
		signed := ask[int64](t, s.db, `SELECT size FROM checkpoint`)
		for n := range 4 {
			write(t, f.db, noon, enqueue(700+n)) // within the second: not signed
		}
		a := sound(t, s.place, s.signer)
		if a.Unsigned != 4 || a.Entries != signed+4 {
			t.Fatalf("%d entries, %d of them unsigned, want %d and 4", a.Entries, a.Unsigned, signed+4)
		}
		seq := signed | 1 // its leaf completes an inner node
		leaf := ledger.StoredCount(seq)
		inner := s.row(ledgerHashTable, "id = $1", leaf+1)
		execute(t, s.db, `UPDATE ledger_hash SET hash = $1 WHERE id = $2`, another('b', inner[1]), leaf+1)
		s.only("an inner hash altered", fmt.Sprintf("ledger_hash %d altered", leaf+1))
		execute(t, s.db, ledgerHashTable.deleteSQL, leaf+1)
		s.only("an inner hash gone", fmt.Sprintf("ledger_hash %d missing", leaf+1))
		execute(t, s.db, ledgerHashTable.insertSQL, inner...)
		id := s.row(changeSetTable, "seq = $1", seq)[0]
		execute(t, s.db, `UPDATE change_set SET actor = 'nobody' WHERE id = $1`, id)
		s.told("an entry altered", AuditOptions{}, fmt.Sprintf("change_set %d altered", id))
		s.blames("an entry altered", "change_set")
		execute(t, s.db, `UPDATE change_set SET actor = 'rule:test' WHERE id = $1`, id)
		sound(t, s.place, s.signer)
	})
}

func TestStoredHashesAreComputedAgain(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		s := newShell(t, place())
		last := ask[int64](t, s.db, `SELECT MAX(id) FROM ledger_hash`)
		for _, id := range []int64{0, 2, 3, last} {
			row := s.row(ledgerHashTable, "id = $1", id)
			for what, hash := range map[string][]byte{"altered": another('b', row[1]).([]byte), "emptied": {}, "cut": row[1].([]byte)[:31]} {
				execute(t, s.db, `UPDATE ledger_hash SET hash = $1 WHERE id = $2`, hash, id)
				s.only("a hash "+what, fmt.Sprintf("ledger_hash %d altered", id))
			}
			execute(t, s.db, ledgerHashTable.deleteSQL, id)
			s.only("a hash gone", fmt.Sprintf("ledger_hash %d missing", id))
			execute(t, s.db, ledgerHashTable.insertSQL, row...)
		}
		for _, id := range []int64{-3, last + 1, 1 << 62} {
			execute(t, s.db, ledgerHashTable.insertSQL, id, make([]byte, 32))
			s.only("a hash forged", fmt.Sprintf("ledger_hash %d extra", id))
			execute(t, s.db, ledgerHashTable.deleteSQL, id)
		}
		sound(t, s.place, s.signer)
	})
}

func TestACheckpointThatNobodySignedIsTold(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		s := newShell(t, place())
		row := s.row(checkpointTable, "id = 1")
		stranger := newSigner(t)
		cp, err := ledger.OpenCheckpoint([]byte(row[2].(string)), s.signer.Verifier())
		if err != nil {
			t.Fatal(err)
		}
		forged, err := stranger.Sign(cp)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range checkpointTable.columns[1:] {
			execute(t, s.db, "UPDATE checkpoint SET "+c.name+" = $1", another(c.kind, row[i+1]))
			s.only("checkpoint."+c.name+" altered", "checkpoint 1 altered")
			execute(t, s.db, "UPDATE checkpoint SET "+c.name+" = $1", row[i+1])
		}
		execute(t, s.db, `UPDATE checkpoint SET note = $1`, string(forged))
		s.only("signed by another key", "checkpoint 1 altered")
		execute(t, s.db, checkpointTable.deleteSQL, int64(1))
		s.only("checkpoint deleted", "checkpoint 1 missing")
		execute(t, s.db, checkpointTable.insertSQL, row...)
		execute(t, s.db, checkpointTable.insertSQL, int64(2), row[1], row[2])
		s.only("a second checkpoint", "checkpoint 2 extra")
		execute(t, s.db, checkpointTable.deleteSQL, int64(2))
		sound(t, s.place, s.signer)
	})
}

// tail is what one more write leaves, with the checkpoint before it.
type tail struct {
	seq, hashes int64 // where it begins
	before      []any // checkpoint
}

// grow writes three entries more.
func (s shell) grow() tail {
	s.t.Helper()
	cut := tail{ask[int64](s.t, s.db, `SELECT MAX(seq) + 1 FROM change_set`), ask[int64](s.t, s.db, `SELECT MAX(id) + 1 FROM ledger_hash`), s.row(checkpointTable, "id = 1")}
	db := openAt(s.t, s.place, s.signer)
	for n := range 3 {
		write(s.t, db, noon.Add(time.Hour), enqueue(500+n))
	}
	closed(s.t, db)
	return cut
}

func TestATailThatWasCutIsTold(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		s := newShell(t, place())
		cut := s.grow()
		sound(t, s.place, s.signer)
		missing := fmt.Sprintf("change_set seq %d to %d missing", cut.seq, cut.seq+2)
		row := ask[int64](t, s.db, `SELECT MAX(id) FROM outbox`)

		execute(t, s.db, `DELETE FROM change_set WHERE seq >= $1`, cut.seq)
		s.told("the tail cut", AuditOptions{}, missing)
		execute(t, s.db, `DELETE FROM ledger_hash WHERE id >= $1`, cut.hashes)
		s.told("the tail cut with its hashes", AuditOptions{}, missing)
		newest := s.row(checkpointTable, "id = 1")
		execute(t, s.db, `UPDATE checkpoint SET size = $1, note = $2`, cut.before[1:]...)
		unknown := fmt.Sprintf("outbox %d extra", row)
		s.told("the tail cut and the older checkpoint put back", AuditOptions{}, unknown)
		for id := row - 2; id <= row; id++ {
			execute(t, s.db, outboxTable.deleteSQL, id)
		}
		// Now it is an older copy to the last octet: only a checkpoint that was kept
		// elsewhere knows better.
		sound(t, s.place, s.signer)
		s.told("an older copy", AuditOptions{Checkpoint: newest[2].(string)}, fmt.Sprintf("checkpoint of %d entries rollback", newest[1]))
	})
}

// entry makes a row of change_set that vouches for a row.
func entry(t *testing.T, id, seq int64, table *table, row []any) []any {
	t.Helper()
	digest, err := table.digest(&ledger.RowHasher{}, row)
	if err != nil {
		t.Fatal(err)
	}
	var set ledger.ChangeSet
	set.Add(ledger.Change{Table: changeSetNumber, Version: 1, Key: id, Op: ledger.Put})
	set.Add(ledger.Change{Table: table.id, Version: table.version, Key: row[0].(int64), Op: ledger.Put, Digest: digest})
	return changeSetRow(id, seq, set.Pack())
}

// changeSetRow is a row that nobody sealed.
func changeSetRow(id, seq int64, packed []byte) []any {
	row := []any{id, seq, "test", "rule:test", noon.UnixMicro(), packed}
	for len(row) < len(changeSetTable.columns) {
		row = append(row, []byte{})
	}
	return row
}

func TestAForgedEntryVouchesForNothing(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		s := newShell(t, place())
		key := ask[int64](t, s.db, `SELECT MIN(id) FROM finding`)
		row := s.row(findingTable, "id = $1", key)
		altered := slices.Clone(row)
		altered[len(row)-2] = "somebody else"
		execute(t, s.db, `UPDATE finding SET holder = $1 WHERE id = $2`, "somebody else", key)
		next := ask[int64](t, s.db, `SELECT MAX(seq) + 1 FROM change_set`)
		for _, seq := range []int64{-1, next, next + 40, 1 << 50, 1<<63 - 1} {
			execute(t, s.db, changeSetTable.insertSQL, entry(t, 4711, seq, findingTable, altered)...)
			s.told(fmt.Sprintf("an entry forged with number %d", seq), AuditOptions{}, "change_set 4711 extra", fmt.Sprintf("finding %d altered", key))
			execute(t, s.db, changeSetTable.deleteSQL, int64(4711))
		}
		execute(t, s.db, `UPDATE finding SET holder = $1 WHERE id = $2`, row[len(row)-2], key)
		// An entry that names absurd rows keeps the audit neither busy nor from its work.
		var set ledger.ChangeSet
		for n := range int64(2 * maxSpans) {
			set.Add(ledger.Change{Table: findingTable.id, Version: 1, Key: n<<49 + 5, Op: ledger.Put})
		}
		set.Add(ledger.Change{Table: changeSetNumber, Version: 1, Key: 4711, Op: ledger.Put})
		absurd := changeSetRow(4711, -1, set.Pack())
		e := ledger.Entry{Kind: "test", Actor: "rule:test", At: noon.UnixMicro(), Changes: sha256.Sum256(set.Pack())}
		absurd[len(absurd)-1] = s.signer.Seal(ledger.LeafHash(e.AppendBinary(nil)))
		execute(t, s.db, changeSetTable.insertSQL, absurd...)
		s.only("an entry over absurd rows", "change_set 4711 altered")
		execute(t, s.db, changeSetTable.deleteSQL, int64(4711))
		sound(t, s.place, s.signer)
	})
}

func TestAnEntryPutInPlaceOfAnotherWithItsHashesIsAFork(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		s := newShell(t, place())
		size := ask[int64](t, s.db, `SELECT MAX(seq) + 1 FROM change_set`)
		last := s.row(changeSetTable, "seq = $1", size-1)
		last[2] = "something else"
		e := ledger.Entry{Kind: "something else", Actor: last[3].(string), At: last[4].(int64), Changes: sha256.Sum256(last[5].([]byte))}
		hashes, err := ledger.Append(size-1, ledger.LeafHash(e.AppendBinary(nil)), ledger.HashReaderFunc(func(indexes []int64) ([]ledger.Hash, error) {
			all := make([]ledger.Hash, len(indexes))
			for i, index := range indexes {
				all[i] = ledger.Hash(ask[[]byte](t, s.db, `SELECT hash FROM ledger_hash WHERE id = $1`, index))
			}
			return all, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		execute(t, s.db, `UPDATE change_set SET kind = $1, seal = $2 WHERE id = $3`, last[2], s.signer.Seal(ledger.LeafHash(e.AppendBinary(nil))), last[0])
		for i, h := range hashes {
			execute(t, s.db, `UPDATE ledger_hash SET hash = $1 WHERE id = $2`, h[:], ledger.StoredCount(size-1)+int64(i))
		}
		s.only("an entry with its hashes", fmt.Sprintf("checkpoint of %d entries fork", size))
	})
}

func TestRollbackAndForkAreToldByACheckpointKeptElsewhere(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		one, two := filepath.Join(t.TempDir(), "one.db"), filepath.Join(t.TempDir(), "two.db")
		for _, file := range []string{one, two} {
			if err := f.db.CopyTo(t.Context(), file); err != nil {
				t.Fatal(err)
			}
		}
		kept := func(db *DB, n int) string {
			write(t, db, noon.Add(time.Hour), enqueue(n))
			if err := db.Sign(t.Context()); err != nil {
				t.Fatal(err)
			}
			note, err := reader(db, 1).Checkpoint(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return note
		}
		later := kept(f.db, 600)
		size := counts(t, f.db).Entries
		told := func(place, checkpoint string) []string {
			_, told := audited(t, place, AuditOptions{Verifier: f.signer.Verifier(), Checkpoint: checkpoint})
			return told
		}
		if got := told(f.place, later); len(got) > 0 {
			t.Errorf("with its own checkpoint: told %q", got)
		}
		if got, want := told(one, later), []string{fmt.Sprintf("checkpoint of %d entries rollback", size)}; !slices.Equal(got, want) {
			t.Errorf("last week's copy: told %q, want %q", got, want)
		}
		other := openAt(t, two, f.signer)
		kept(other, 601)
		kept(other, 602)
		closed(t, other)
		if got, want := told(two, later), []string{fmt.Sprintf("checkpoint of %d entries fork", size)}; !slices.Equal(got, want) {
			t.Errorf("another history from one copy: told %q, want %q", got, want)
		}
		sound(t, two, f.signer)
		db, err := OpenForAudit(one)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		_, err = db.Run(t.Context(), AuditOptions{Verifier: newSigner(t).Verifier(), Checkpoint: later, Report: func(Fault) error { return nil }})
		wantIs(t, "a checkpoint of another ledger", err, casebook.ErrInvalid)
	})
}

func TestAnEntryForgedWithItsHashesBearsNoSeal(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		s := newShell(t, place())
		key := ask[int64](t, s.db, `SELECT MIN(id) FROM finding`)
		altered := s.row(findingTable, "id = $1", key)
		altered[len(altered)-2] = "somebody else"
		execute(t, s.db, `UPDATE finding SET holder = $1 WHERE id = $2`, "somebody else", key)
		next := ask[int64](t, s.db, `SELECT MAX(seq) + 1 FROM change_set`)
		row := entry(t, 4711, next, findingTable, altered)
		e := ledger.Entry{Kind: row[2].(string), Actor: row[3].(string), At: row[4].(int64), Changes: sha256.Sum256(row[5].([]byte))}
		leaf := ledger.LeafHash(e.AppendBinary(nil))
		added, err := ledger.Append(next, leaf, ledger.HashReaderFunc(func(indexes []int64) ([]ledger.Hash, error) {
			all := make([]ledger.Hash, len(indexes))
			for i, index := range indexes {
				all[i] = ledger.Hash(ask[[]byte](t, s.db, `SELECT hash FROM ledger_hash WHERE id = $1`, index))
			}
			return all, nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		for i, h := range added {
			execute(t, s.db, `INSERT INTO ledger_hash (id, hash) VALUES ($1, $2)`, ledger.StoredCount(next)+int64(i), h[:])
		}
		_, stranger, err := ledger.NewSigner("tocsin/stranger")
		if err != nil {
			t.Fatal(err)
		}
		other, err := ledger.ParseSigner(stranger)
		if err != nil {
			t.Fatal(err)
		}
		for _, seal := range [][]byte{{}, other.Seal(leaf)} {
			row[len(row)-1] = seal
			execute(t, s.db, changeSetTable.insertSQL, row...)
			s.told("an entry with its hashes behind the checkpoint", AuditOptions{}, "change_set 4711 extra", fmt.Sprintf("finding %d altered", key))
			execute(t, s.db, changeSetTable.deleteSQL, int64(4711))
		}
	})
}
