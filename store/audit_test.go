package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/casebook"
)

func TestASoundDatabasePasses(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		f.wantFilled(t)
		a := sound(t, f.place, f.signer) // beside its owner
		if a.Entries < 10 || a.Rows < 50 || a.Pending != 0 || a.Unsigned != 0 || a.Checkpoint == "" || len(a.Root) != 64 {
			t.Errorf("the audit covered %+v", a)
		}
		closed(t, f.db)
		if after := sound(t, f.place, f.signer); after != a {
			t.Errorf("after closing:\n got %+v\nwant %+v", after, a)
		}
	})
}

func TestAnAuditBesideAWriterPasses(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		ctx, stop := context.WithCancel(t.Context())
		written, first := 0, make(chan struct{})
		var writer sync.WaitGroup
		writer.Go(func() {
			for n := 100; ctx.Err() == nil; n++ {
				_, err := f.db.Write(context.WithoutCancel(ctx), Work{Kind: "test", At: noon.Add(time.Duration(n) * 100 * time.Millisecond)}, enqueue(n))
				if err != nil {
					t.Error(err)
					return
				}
				if written++; written == 1 {
					close(first)
				}
			}
		})
		<-first
		for range 5 {
			sound(t, f.place, f.signer)
		}
		stop()
		writer.Wait()
	})
}

func TestEveryColumnOfEveryCoveredTableIsProven(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		s := newShell(t, place())
		for i := 1; ; i++ {
			done, changed := s.alterEach(coveredTables(), i, func(_ *table, c column, old any) (any, bool) { return another(c.kind, old), true })
			if len(done) == 0 {
				break
			}
			var want []string
			for table, key := range changed {
				want = append(want, fmt.Sprintf("%s %d altered", table.name, key))
			}
			s.only(fmt.Sprintf("column %d altered", i), want...)
			s.putBack(done)
		}
		// The first column is the key.
		done, changed := s.alterEach(coveredTables(), 0, func(_ *table, _ column, old any) (any, bool) { return old.(int64) + 1_000_000, true })
		var want []string
		for table, key := range changed {
			want = append(want, fmt.Sprintf("%s %d missing", table.name, key), fmt.Sprintf("%s %d extra", table.name, key+1_000_000))
		}
		s.only("keys altered", want...)
		for _, a := range done {
			execute(t, s.db, a.set, a.old, a.key.(int64)+1_000_000)
		}
		sound(t, s.place, s.signer)
	})
}

func TestARowDeletedOrForgedIsTold(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		s := newShell(t, place())
		var gone, extra []string
		rows := map[*table][]any{}
		for _, table := range coveredTables() {
			key := ask[int64](t, s.db, `SELECT MAX(id) FROM `+table.name)
			rows[table] = s.row(table, "id = $1", key)
			execute(t, s.db, table.deleteSQL, key)
			gone = append(gone, fmt.Sprintf("%s %d missing", table.name, key))
		}
		s.only("a row of each table deleted", gone...)
		for table, row := range rows {
			execute(t, s.db, table.insertSQL, row...)
			for n, number := range []int64{row[0].(int64) + 1, 0, -7, math.MaxInt64, math.MinInt64} {
				forged := slices.Clone(row)
				for i, c := range table.columns {
					for range n + 1 { // no unique index stands in its way
						forged[i] = another(c.kind, forged[i])
					}
				}
				forged[0] = number
				execute(t, s.db, table.insertSQL, forged...)
				extra = append(extra, fmt.Sprintf("%s %d extra", table.name, number))
			}
		}
		s.only("five rows forged into each table", extra...)
	})
}

func TestAValueOfAnotherTypeIsAnAlteredRow(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		s := newShell(t, place())
		record := everyTable()[:2]
		for _, table := range append(coveredTables(), record...) {
			s.nullable(table)
		}
		misfits := []map[byte]any{{}}              // NULL
		if dialectOf(s.place).name() == "sqlite" { // which takes any value in any column
			misfits = append(misfits, map[byte]any{'i': "strange", 't': []byte("strange"), 'b': 1.5})
		}
		for _, misfit := range misfits {
			for _, together := range [][]*table{coveredTables(), record[:1], record[1:]} {
				for i := 1; i < 40; i++ {
					done, changed := s.alterEach(together, i, func(t *table, c column, _ any) (any, bool) {
						v := misfit[c.kind]
						return v, !(t.name == "change_set" && c.name == "seq" && v == nil)
					})
					if len(done) == 0 {
						continue
					}
					var want []string
					for table, key := range changed {
						want = append(want, fmt.Sprintf("%s %d altered", table.name, key))
					}
					s.told(fmt.Sprintf("column %d holds one of %v", i, misfit), AuditOptions{}, want...)
					s.putBack(done)
				}
			}
		}
		soundRows(t, s)
	})
}

func TestTheMirrorIsHeldAgainstObservations(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		s := newShell(t, place())
		seen := everyTable()[3]
		n := ask[int64](t, s.db, `SELECT MIN(observation) FROM seen`)
		row := s.row(seen, "observation = $1", n)
		remove := func(number any) { execute(t, s.db, `DELETE FROM seen WHERE observation = $1`, number) }
		missing, extra := fmt.Sprintf("seen %d missing", n), fmt.Sprintf("seen %d extra", n)

		remove(n)
		s.only("seen deleted", missing)
		for i, c := range seen.columns {
			altered := slices.Clone(row)
			altered[i] = another(c.kind, row[i])
			execute(t, s.db, seen.insertSQL, altered...)
			want := extra
			if c.name == "observation" {
				want = fmt.Sprintf("seen %d extra", altered[i])
			}
			s.only("seen."+c.name+" altered", missing, want)
			remove(altered[2])
		}
		execute(t, s.db, seen.insertSQL, row...)
		execute(t, s.db, seen.insertSQL, row[0].(int64)+1, row[1], int64(4711))
		s.only("seen forged", "seen 4711 extra")
		remove(int64(4711))
		sound(t, s.place, s.signer)
	})
}

func TestTablesGoneAndTablesTooMany(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		s := newShell(t, place())
		execute(t, s.db, `CREATE TABLE notes (id BIGINT)`)
		s.only("an unknown table", "notes * extra")
		execute(t, s.db, `DROP TABLE notes`)
		for _, table := range everyTable() {
			execute(t, s.db, `ALTER TABLE `+table.name+` RENAME TO hidden`)
			s.told(table.name+" gone", AuditOptions{}, table.name+" * missing", "hidden * extra")
			execute(t, s.db, `ALTER TABLE hidden RENAME TO `+table.name)
		}
		soundRows(t, s)
	})
}

func TestWhatIsNoDatabaseOfOursIsAnError(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at := place()
		second := connect(t, at)
		execute(t, second, `CREATE TABLE notes (id BIGINT)`)
		db, err := OpenForAudit(at)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Run(t.Context(), AuditOptions{}); !errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("a foreign database: got %v, want invalid", err)
		}
	})
	if _, err := OpenForAudit(filepath.Join(t.TempDir(), "none.db")); err == nil {
		t.Error("a file that isn't there: no error")
	}
}

func TestAnAuditInSmallWindowsFindsTheSame(t *testing.T) {
	// Not parallel: the window is the program's.
	place := filepath.Join(t.TempDir(), "tocsin.db")
	s := newShell(t, place)
	whole := sound(t, place, s.signer)
	defer func(n int64) { auditWindow = n }(auditWindow)
	for _, window := range []int64{1, 3} {
		auditWindow = window
		if got := sound(t, place, s.signer); got != whole {
			t.Errorf("in windows of %d:\n got %+v\nwant %+v", window, got, whole)
		}
		for _, key := range []int64{1, 5, ask[int64](t, s.db, `SELECT MAX(id) FROM observation`)} {
			execute(t, s.db, `UPDATE observation SET port = port + 1 WHERE id = $1`, key)
			s.only("altered", fmt.Sprintf("observation %d altered", key))
			execute(t, s.db, `UPDATE observation SET port = port - 1 WHERE id = $1`, key)
		}
	}
}

func TestAnAuditStopsWhenItsListenerDoes(t *testing.T) {
	place := filepath.Join(t.TempDir(), "tocsin.db")
	s := newShell(t, place)
	execute(t, s.db, `UPDATE finding SET holder = 'somebody else'`)
	db, err := OpenForAudit(place)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	enough := errors.New("enough")
	told := 0
	_, err = db.Run(t.Context(), AuditOptions{Verifier: s.signer.Verifier(), Report: func(f Fault) error {
		if told++; !strings.HasPrefix(f.Table, "finding") {
			t.Errorf("told %v", f)
		}
		return enough
	}})
	if !errors.Is(err, enough) || told != 1 {
		t.Errorf("got %v after %d faults, want %v after 1", err, told, enough)
	}
}
