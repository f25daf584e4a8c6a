package store

import (
	"errors"
	"testing"
	"time"

	"tocsin/casebook"
)

// TestDisputes: a line has one open dispute at a time; who decides ends it for good; a
// party sees its own, and nobody another's.
func TestDisputes(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		r := f.db.Reader(casebook.Operator())
		all, err := r.Disputes(t.Context(), DisputeFilter{}, 10)
		if err != nil || len(all) != 3 || all[0].State != casebook.OpenDispute || all[2].State != casebook.UpheldDispute || all[2].Reason != "the portal was down" || all[2].DecidedBy != "rule:test" {
			t.Fatalf("got %+v (%v)", all, err)
		}
		open, err := r.Disputes(t.Context(), DisputeFilter{Month: "2026-03", Open: true}, 10)
		if err != nil || len(open) != 2 {
			t.Errorf("open: got %+v (%v)", open, err)
		}
		theirs, err := f.db.Reader(casebook.Scope{Tenant: 1, Party: all[0].Line.Party, MaxTLP: casebook.Amber}).Disputes(t.Context(), DisputeFilter{}, 10)
		if err != nil || len(theirs) != 1 || theirs[0] != all[0] {
			t.Errorf("a party sees %+v (%v)", theirs, err)
		}
		for _, scope := range []casebook.Scope{{Tenant: 2, All: true, MaxTLP: casebook.Red}, {Tenant: 1, MaxTLP: casebook.Red}} {
			if none, err := f.db.Reader(scope).Disputes(t.Context(), DisputeFilter{}, 10); err != nil || len(none) != 0 {
				t.Errorf("%+v sees %+v (%v)", scope, none, err)
			}
		}
		for name, c := range map[string]struct {
			do   func(tx *Tx) error
			want error
		}{
			"a second one to the same line": {func(tx *Tx) error { _, err := tx.AddDispute(all[0]); return err }, casebook.ErrConflict},
			"one that was decided":          {func(tx *Tx) error { _, err := tx.DecideDispute(all[2].ID, casebook.RejectedDispute, "no"); return err }, casebook.ErrConflict},
			"one that isn't there": {func(tx *Tx) error {
				_, err := tx.DecideDispute(casebook.NewID(noon), casebook.RejectedDispute, "no")
				return err
			}, casebook.ErrNotFound},
		} {
			if _, err := f.db.Write(t.Context(), Work{Kind: "test", Actor: "person:li", At: noon.Add(time.Hour)}, c.do); !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", name, err, c.want)
			}
		}
	})
}
