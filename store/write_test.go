package store

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"tocsin/casebook"
	"tocsin/ledger"
)

func TestStateLedgerAndOutboxCommitTogetherOrNotAtAll(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		write(t, db, noon, enqueue(0))
		before := counts(t, db)
		broken := errors.New("broken")
		gone, cancel := context.WithCancel(t.Context())
		for name, attempt := range map[string]func() error{
			"an error of the work itself": func() error {
				_, err := db.Write(t.Context(), Work{Kind: "test", At: noon}, func(tx *Tx) error {
					return errors.Join(broken, enqueue(1)(tx))
				})
				return err
			},
			"a call that was cancelled before": func() error {
				over, cancel := context.WithCancel(t.Context())
				cancel()
				_, err := db.Write(over, Work{Kind: "test", At: noon}, enqueue(1))
				return err
			},
			"a call that is cancelled meanwhile": func() error {
				_, err := db.Write(gone, Work{Kind: "test", At: noon}, func(tx *Tx) error {
					defer cancel()
					return enqueue(1)(tx)
				})
				return err
			},
			"a statement that fails": func() error {
				_, err := db.Write(t.Context(), Work{Kind: "test", At: noon}, func(tx *Tx) error {
					if err := enqueue(1)(tx); err != nil {
						return err
					}
					return tx.update(outboxTable, []any{int64(99), tx.salt(), int64(1), "", int64(0), "", "", []byte{}, int64(0), int64(0), int64(0), ""})
				})
				return err
			},
			"a message that is there already": func() error {
				_, err := db.Write(t.Context(), Work{Kind: "test", At: noon}, func(tx *Tx) error {
					return errors.Join(enqueue(1)(tx), enqueue(0)(tx))
				})
				if !errors.Is(err, casebook.ErrConflict) {
					t.Errorf("a second line with one message ID: got %v, want a conflict", err)
				}
				return err
			},
		} {
			if err := attempt(); err == nil {
				t.Errorf("%s: no error", name)
			}
			if after := counts(t, db); after != before {
				t.Errorf("after %s:\n got %+v\nwant %+v", name, after, before)
			}
		}
		// None of it stands in the way of the next.
		write(t, db, noon, enqueue(1))
		after := counts(t, db)
		if after.Entries != before.Entries+1 || after.OutboxWaits != before.OutboxWaits+1 {
			t.Errorf("one write more:\n got %+v\nafter %+v", after, before)
		}
	})
}

func TestAWriteThatPanicsLeavesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		before := counts(t, db)
		func() {
			defer func() { recover() }()
			db.Write(t.Context(), Work{Kind: "test", At: noon}, func(tx *Tx) error {
				if err := enqueue(1)(tx); err != nil {
					t.Error(err)
				}
				panic("a bug")
			})
		}()
		if after := counts(t, db); after != before {
			t.Errorf("got %+v\nwant %+v", after, before)
		}
		write(t, db, noon, enqueue(1))
	})
}

func TestWhatChangesNothingLeavesNoEntry(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		first := accept(t, db, arrival(1, 1))
		before := counts(t, db).Entries
		r := write(t, db, noon, func(tx *Tx) error {
			again, known, err := tx.Accept(arrival(1, 1))
			if !known || !reflect.DeepEqual(again, first) {
				t.Errorf("the same delivery again: known %v\n got %+v\nwant %+v", known, again, first)
			}
			return err
		})
		if r.Index != -1 || counts(t, db).Entries != before {
			t.Errorf("got index %d and %d entries, want -1 and %d", r.Index, counts(t, db).Entries, before)
		}
	})
}

func TestStampsNeverGoBackWhenTheClockDoes(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at, signer := place(), newSigner(t)
		db := openAt(t, at, signer)
		later := noon.Add(time.Hour)
		for i, step := range []struct{ clock, want time.Time }{
			{noon, noon},
			{later, later},
			{noon, later},
			{later.Add(1500 * time.Nanosecond), later.Add(time.Microsecond)},
		} {
			if r := write(t, db, step.clock, enqueue(i)); !r.At.Equal(step.want) {
				t.Errorf("write %d at %v: stamped %v, want %v", i, step.clock, r.At, step.want)
			}
		}
		closed(t, db)
		db = openAt(t, at, signer)
		if r := write(t, db, noon, enqueue(9)); !r.At.Equal(later.Add(time.Microsecond)) {
			t.Errorf("after opening again: stamped %v, want %v", r.At, later.Add(time.Microsecond))
		}
	})
}

// opened reads the newest checkpoint.
func opened(t *testing.T, db *DB, signer *ledger.Signer) ledger.Checkpoint {
	t.Helper()
	note, err := reader(db, 1).Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cp, err := ledger.OpenCheckpoint([]byte(note), signer.Verifier())
	if err != nil {
		t.Fatal(err)
	}
	return cp
}

// leafIndex finds a leaf's place in the ledger by its hash.
func leafIndex(t *testing.T, db *sql.DB, leaf ledger.Hash) int64 {
	t.Helper()
	level, n := tlog.SplitStoredHashIndex(ask[int64](t, db, `SELECT id FROM ledger_hash WHERE hash = $1`, leaf[:]))
	if level != 0 {
		t.Fatalf("leaf %x is stored at level %d", leaf, level)
	}
	return n
}

func TestReceiptsAreProvenByTheCheckpoint(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at, signer := place(), newSigner(t)
		db := openAt(t, at, signer)
		second := connect(t, at)
		old := opened(t, db, signer)
		var receipts []Receipt
		for i := range 11 {
			receipts = append(receipts, write(t, db, noon.Add(time.Duration(i)*time.Millisecond), enqueue(i)))
		}
		if err := db.Sign(t.Context()); err != nil {
			t.Fatal(err)
		}
		cp := opened(t, db, signer)
		size := int64(len(migrations) + 11)
		if cp.Size != size {
			t.Errorf("checkpoint over %d entries, want %d: the migrations and eleven lines", cp.Size, size)
		}
		for i, r := range receipts {
			index := leafIndex(t, second, r.Leaf)
			if index != int64(i+len(migrations)) || db.dialect.sequencesInline() != (r.Index == index) {
				t.Errorf("receipt %d: index %d, found at %d", i, r.Index, index)
			}
			proof, err := reader(db, 1).Inclusion(t.Context(), index, cp.Size)
			if err != nil {
				t.Fatal(err)
			}
			if err := ledger.VerifyInclusion(proof, cp.Size, cp.Root, index, r.Leaf); err != nil {
				t.Errorf("receipt %d: %v", i, err)
			}
		}
		proof, err := reader(db, 1).Consistency(t.Context(), old.Size, cp.Size)
		if err != nil {
			t.Fatal(err)
		}
		if err := ledger.VerifyConsistency(proof, cp.Size, cp.Root, old.Size, old.Root); err != nil {
			t.Error(err)
		}
		for _, ask := range [][2]int64{{size, size}, {0, size + 1}} {
			if _, err := reader(db, 1).Inclusion(t.Context(), ask[0], ask[1]); !errors.Is(err, casebook.ErrNotFound) {
				t.Errorf("inclusion of %d in %d: got %v, want not found", ask[0], ask[1], err)
			}
		}
	})
}

func TestACheckpointIsSignedAtMostEverySecond(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		var told []int64
		signer := newSigner(t)
		at := place()
		db, err := Open(t.Context(), at, Options{Signer: signer, Now: noon, OnCheckpoint: func(note []byte) {
			cp, err := ledger.OpenCheckpoint(note, signer.Verifier())
			if err != nil {
				t.Error(err)
			}
			told = append(told, cp.Size)
		}})
		if err != nil {
			t.Fatal(err)
		}
		for i, ms := range []int{1, 500, 999, 1000, 1500, 2000} { // after the first migration's
			write(t, db, noon.Add(time.Duration(ms)*time.Millisecond), enqueue(i))
		}
		closed(t, db)
		first := int64(len(migrations))
		if want := []int64{1, first + 4, first + 6}; !reflect.DeepEqual(told, want) {
			t.Errorf("signed over %v entries, want %v", told, want)
		}
		sound(t, at, signer)
	})
}

func TestReadersSeeWhatTheirScopeSees(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		d := accept(t, db, arrival(1, 1))
		fold(t, db, batch(d, 0, hit(1, noon)))
		for name, tc := range map[string]struct {
			scope casebook.Scope
			want  int
		}{
			"nobody":         {casebook.Scope{}, 0},
			"another tenant": {casebook.Scope{Tenant: 2, All: true, MaxTLP: casebook.Red}, 0},
			"a party":        {casebook.Scope{Tenant: 1, MaxTLP: casebook.Red}, 0},
			"the public":     {casebook.Scope{Tenant: 1, All: true, MaxTLP: casebook.Clear}, 0},
			"the community":  {casebook.Scope{Tenant: 1, All: true, MaxTLP: casebook.Green}, 1},
			"the operator":   {casebook.Operator(), 1},
		} {
			r := db.Reader(tc.scope)
			deliveries, err := r.Deliveries(t.Context(), casebook.ID{}, 10)
			if err != nil {
				t.Fatal(err)
			}
			_, notFound := r.Delivery(t.Context(), d.ID)
			got := []int{len(findings(t, r)), len(threats(t, r)), len(deliveries)}
			if want := []int{tc.want, tc.want, tc.want}; !reflect.DeepEqual(got, want) || errors.Is(notFound, casebook.ErrNotFound) != (tc.want == 0) {
				t.Errorf("%s sees %v findings, threats and deliveries, want %v (one by name: %v)", name, got, want, notFound)
			}
		}
	})
}
