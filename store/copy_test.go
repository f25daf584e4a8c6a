package store

import (
	"context"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"tocsin/casebook"
)

// works wants new writes on a copy to get fresh numbers and its record to go on.
func works(t *testing.T, f filled, place string, n int) {
	t.Helper()
	before := sound(t, place, f.signer)
	second := connect(t, place)
	highest := map[string]int64{}
	grown := []*table{deliveryTable, batchTable, observationTable, findingTable, outboxTable, holdingTable, changeSetTable}
	for _, table := range grown {
		highest[table.name] = ask[int64](t, second, `SELECT MAX(id) FROM `+table.name)
	}
	second.Close()
	db := openAt(t, place, f.signer)
	d := accept(t, db, arrival(1, byte(100+n)))
	fold(t, db, batch(d, 0, hit(1000+n, noon), hit(1, noon)))
	write(t, db, noon, enqueue(1000+n))
	filled{place, f.signer, db}.importHoldings(t, 1000+n)
	closed(t, db)
	second = connect(t, place)
	for _, table := range grown {
		if now := ask[int64](t, second, `SELECT MAX(id) FROM `+table.name); now <= highest[table.name] {
			t.Errorf("table %s: the newest number is %d after %d", table.name, now, highest[table.name])
		}
	}
	second.Close()
	if after := sound(t, place, f.signer); after.Entries != before.Entries+4 {
		t.Errorf("%d entries after %d and 4 writes", after.Entries, before.Entries)
	}
}

func TestCopiesAreTheSameAndGoOn(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		want := outcomeOf(t, f.db, 1)
		audit := sound(t, f.place, f.signer)
		file := filepath.Join(t.TempDir(), "copy.db")
		if err := f.db.CopyTo(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		wantIs(t, "a copy over a file", f.db.CopyTo(t.Context(), file), casebook.ErrConflict)
		back := place()
		if err := CopyFrom(t.Context(), back, file); err != nil {
			t.Fatal(err)
		}
		wantIs(t, "a copy over a database", CopyFrom(t.Context(), back, file), casebook.ErrConflict)
		for n, at := range []string{file, back} {
			if got := sound(t, at, f.signer); got != audit {
				t.Errorf("audit of copy %d:\n got %+v\nwant %+v", n, got, audit)
			}
			db := openAt(t, at, f.signer)
			if got := outcomeOf(t, db, 1); !reflect.DeepEqual(got, want) {
				t.Errorf("copy %d:\n got %+v\nwant %+v", n, got, want)
			}
			closed(t, db)
			works(t, f, at, n)
		}
		closed(t, f.db)
		works(t, f, f.place, 9)
	})
}

func TestACopyBesideAWriterIsOfOneMoment(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		ctx, stop := context.WithCancel(t.Context())
		var writer sync.WaitGroup
		first := make(chan struct{})
		writer.Go(func() {
			for n := 100; ctx.Err() == nil; n++ {
				if _, err := f.db.Write(context.WithoutCancel(ctx), Work{Kind: "test", At: noon}, enqueue(n)); err != nil {
					t.Error(err)
					return
				}
				if n == 100 {
					close(first)
				}
			}
		})
		<-first
		for range 3 {
			file := filepath.Join(t.TempDir(), "copy.db")
			if err := f.db.CopyTo(t.Context(), file); err != nil {
				t.Fatal(err)
			}
			sound(t, file, f.signer)
			// What the copy caught before it was numbered is numbered when it is opened.
			closed(t, openAt(t, file, f.signer))
			if a := sound(t, file, f.signer); a.Pending != 0 || a.Unsigned != 0 {
				t.Errorf("the copy has %d entries without number and %d unsigned", a.Pending, a.Unsigned)
			}
		}
		stop()
		writer.Wait()
	})
}

func TestAnUnnumberedEntryOfACopyComesBeforeWhatFollows(t *testing.T) {
	place, signer := filepath.Join(t.TempDir(), "tocsin.db"), newSigner(t)
	db := openAt(t, place, signer)
	d := accept(t, db, arrival(1, 1))
	closed(t, db)
	// As a copy of a database that numbers after the commit can have it.
	second := connect(t, place)
	seq := ask[int64](t, second, `SELECT MAX(seq) FROM change_set`)
	execute(t, second, `UPDATE change_set SET seq = -1 WHERE seq = $1`, seq)
	execute(t, second, `DELETE FROM ledger_hash WHERE id >= $1`, tlog.StoredHashCount(int64(len(migrations))))
	execute(t, second, `DELETE FROM checkpoint`)
	db = openAt(t, place, signer)
	fold(t, db, batch(d, 0, hit(1, noon))) // changes the row that the entry made
	closed(t, db)
	sound(t, place, signer)
}

func TestAFileOfAnotherSchemaIsNotCopied(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		file := filepath.Join(t.TempDir(), "newer.db")
		closed(t, openAt(t, file, newSigner(t)))
		execute(t, connect(t, file), `UPDATE migration SET id = id + 75`)
		wantIs(t, "schema 77", CopyFrom(t.Context(), place(), file), casebook.ErrConflict)
	})
	if err := CopyFrom(t.Context(), filepath.Join(t.TempDir(), "new.db"), filepath.Join(t.TempDir(), "none.db")); err == nil {
		t.Error("a file that isn't there: no error")
	}
}

func TestTheListOfTablesHasEachOnce(t *testing.T) {
	var names []string
	for _, table := range everyTable() {
		names = append(names, table.name)
	}
	if len(names) != len(tables)+len(uncovered) || len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
		t.Errorf("%q are copied; %d are covered and %d not", names, len(tables), len(uncovered))
	}
}
