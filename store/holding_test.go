package store

import (
	"fmt"
	"iter"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"tocsin/casebook"
)

// span24 is the holding of 198.51.n.0/24 as a table tells it.
func span24(n byte, holder string) casebook.Holding {
	return casebook.Holding{Low: netip.AddrFrom4([4]byte{198, 51, n, 0}), High: netip.AddrFrom4([4]byte{198, 51, n, 255}), ASN: 64500, Holder: holder, Region: "NL"}
}

// importer imports tables of one source.
type importer struct {
	t  *testing.T
	db *DB
}

func (i importer) begin(digest byte, asOf time.Time) HoldingImport {
	i.t.Helper()
	var got HoldingImport
	write(i.t, i.db, noon, func(tx *Tx) (err error) {
		got, err = tx.BeginImport(HoldingImport{Tenant: 1, RecordedBy: "person:alice", Source: "asn", Name: "asn.csv", Digest: casebook.Digest{digest}, AsOf: asOf})
		return err
	})
	return got
}

// change begins and ends holdings in an import that goes on.
func (i importer) change(im HoldingImport, first bool, begin []casebook.Holding, end ...int64) {
	i.t.Helper()
	write(i.t, i.db, noon, func(tx *Tx) error {
		if err := tx.BeginHoldings(im, first, begin); err != nil {
			return err
		}
		return tx.EndHoldings(im, end)
	})
}

// finish brings an import into force with its counts.
func (i importer) finish(im HoldingImport) HoldingImport {
	i.t.Helper()
	write(i.t, i.db, noon, func(tx *Tx) error {
		im.State = ImportInForce
		if err := tx.CountImport(&im); err != nil {
			return err
		}
		return tx.SaveImport(im)
	})
	return im
}

// giveUp takes an import back, a few changes at a time.
func (i importer) giveUp(im HoldingImport) (steps []int) {
	i.t.Helper()
	for left := 1; left > 0; {
		write(i.t, i.db, noon, func(tx *Tx) (err error) {
			if left, err = tx.TakeBack(im, 2); err != nil || left > 0 {
				return err
			}
			im.State = ImportGivenUp
			return tx.SaveImport(im)
		})
		steps = append(steps, left)
	}
	return steps
}

// listed writes holdings as "number holder from to".
func listed(t *testing.T, all iter.Seq2[HoldingRow, error]) []string {
	t.Helper()
	list := []string{}
	for h, err := range all {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%d %s%s %s to %s", h.Number, h.Suffix, h.Holder, dayOf(h.From), dayOf(h.To)))
	}
	return list
}

func dayOf(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.DateOnly)
}

func (i importer) want(what string, with int64, want ...string) {
	i.t.Helper()
	if got := listed(i.t, reader(i.db, 1).Holdings(i.t.Context(), with)); !slices.Equal(got, want) {
		i.t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestAnImportCountsOnceItIsInForce(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at, signer := place(), newSigner(t)
		i := importer{t, openAt(t, at, signer)}
		january, march := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		lapses := span24(3, "C")
		lapses.To = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
		later := span24(4, "D")
		later.To = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)

		one := i.begin(1, january)
		i.change(one, true, []casebook.Holding{span24(1, "A"), span24(2, "B"), lapses, later, {Suffix: "example.net", Party: "example"}})
		i.want("half an import", 0)
		first := []string{"1 A - to -", "2 B - to -", "3 C - to 2026-02-01", "4 D - to 2027-01-01", "5 example.net - to -"}
		i.want("half an import, by its own number", one.Number, first...)
		if again := i.begin(1, january); !reflect.DeepEqual(again, one) {
			t.Errorf("the same file again:\n got %+v\nwant %+v", again, one)
		}
		if _, err := i.db.Write(t.Context(), Work{Kind: "import", At: noon}, func(tx *Tx) error {
			_, err := tx.BeginImport(HoldingImport{Tenant: 1, Source: "asn", Name: "other.csv", Digest: casebook.Digest{9}})
			return err
		}); err == nil {
			t.Error("another file beside an unfinished one: no error")
		} else {
			wantIs(t, "another file beside an unfinished one", err, casebook.ErrConflict)
		}
		one = i.finish(one)
		i.want("the first import", 0, first...)

		two := i.begin(2, march)
		i.change(two, false, []casebook.Holding{span24(1, "A2"), span24(6, "F"), span24(7, "G")}, 1, 3, 4)
		i.want("an unfinished second one", 0, first...)
		changed := []string{"1 A - to 2026-03-01", "2 B - to -", "3 C - to 2026-02-01", "4 D - to 2026-03-01", "5 example.net - to -",
			"6 A2 2026-03-01 to -", "7 F 2026-03-01 to -", "8 G 2026-03-01 to -"}
		i.want("the second one by its number", two.Number, changed...)
		if got, want := listed(t, reader(i.db, 1).OpenHoldings(t.Context(), "asn")), []string{"2 B - to -", "5 example.net - to -", "6 A2 2026-03-01 to -", "7 F 2026-03-01 to -", "8 G 2026-03-01 to -"}; !slices.Equal(got, want) {
			t.Errorf("open holdings:\n got %q\nwant %q", got, want)
		}
		if steps, want := i.giveUp(two), []int{2, 1, 2, 1, 0}; !reflect.DeepEqual(steps, want) {
			t.Errorf("taken back in steps of %v, want %v", steps, want)
		}
		i.want("the second one given up", 0, first...)
		if got := listed(t, reader(i.db, 1).OpenHoldings(t.Context(), "asn")); !reflect.DeepEqual(got, first) {
			t.Errorf("open holdings after giving up:\n got %q\nwant %q", got, first)
		}

		three := i.begin(2, march) // the same file a second time
		i.change(three, false, []casebook.Holding{span24(1, "A2"), span24(6, "F"), span24(7, "G")}, 1, 3, 4)
		three = i.finish(three)
		if three.Added != 3 || three.Ended != 3 {
			t.Errorf("the third import counts %d added and %d ended, want 3 and 3", three.Added, three.Ended)
		}
		newest, ok, err := reader(i.db, 1).NewestImport(t.Context())
		if err != nil || !ok || !reflect.DeepEqual(newest, three) {
			t.Errorf("newest import: %v %v\n got %+v\nwant %+v", ok, err, newest, three)
		}
		closed(t, i.db)
		sound(t, at, signer)
	})
}

func TestHoldingsComeBackAsTheyWere(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		i := importer{t, openAt(t, place(), newSigner(t))}
		if newest, any, err := reader(i.db, 1).NewestOf(t.Context(), "asn"); !newest.IsZero() || any || err != nil {
			t.Errorf("before any import: %v, %v", newest, err)
		}
		if _, ok, err := reader(i.db, 1).NewestImport(t.Context()); ok || err != nil {
			t.Errorf("newest of no imports: %v, %v", ok, err)
		}
		want := []casebook.Holding{
			{Source: "asn", Low: netip.MustParseAddr("2001:db8::"), High: netip.MustParseAddr("2001:db8::ffff"), ASN: 1<<32 - 1, Holder: "Größe & Söhne", Party: "p", Region: "DE-BY", From: noon, To: noon.Add(time.Microsecond)},
			{Source: "asn", Low: netip.MustParseAddr("0.0.0.0"), High: netip.MustParseAddr("255.255.255.255"), From: noon},
			{Source: "asn", Suffix: "example.net", From: noon},
		}
		im := i.begin(1, noon)
		i.change(im, false, want)
		i.finish(im)
		var got []casebook.Holding
		for h, err := range reader(i.db, 1).Holdings(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, h.Holding)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("\n got %+v\nwant %+v", got, want)
		}
		if newest, any, err := reader(i.db, 1).NewestOf(t.Context(), "asn"); !newest.IsZero() || !any || err != nil {
			t.Errorf("after an import: %v, %v", newest, err)
		}
		_, err := i.db.Write(t.Context(), Work{Kind: "test", At: noon}, func(tx *Tx) error { return tx.EndHoldings(im, []int64{99}) })
		wantIs(t, "ending a holding that isn't there", err, casebook.ErrNotFound)
	})
}
