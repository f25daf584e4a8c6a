package store

import (
	"slices"
	"testing"
	"time"

	"tocsin/casebook"
)

// TestDutiesComeSoonestFirstWhateverTheirState: pages of one, of several and of all
// states are the same list, cut.
func TestDutiesComeSoonestFirstWhateverTheirState(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		owner := casebook.Mark{Tenant: 1, TLP: casebook.Amber, RecordedBy: "person:alice"}
		var cases []casebook.ID
		var want []casebook.Duty
		write(t, db, noon, func(tx *Tx) error {
			for n := range 2 {
				i, err := tx.OpenIncident(casebook.Incident{Mark: owner, Title: "a call at night", State: casebook.OpenIncident, OpenedAt: noon})
				if err != nil {
					return err
				}
				cases = append(cases, i.ID)
				for k := range 24 {
					state := casebook.DutyState(k % int(casebook.DutyStates))
					// Three are due together.
					due := noon.Add(time.Duration((k*7+n)%8) * time.Hour)
					d, err := tx.OpenDuty(casebook.Duty{Mark: owner, Incident: i.ID, Regime: "x", Stage: "y", Started: noon, Due: due, State: state})
					if err != nil {
						return err
					}
					want = append(want, d)
				}
			}
			return nil
		})
		slices.SortStableFunc(want, func(a, b casebook.Duty) int { return a.Due.Compare(b.Due) })
		r := db.Reader(casebook.Operator())
		runs := []casebook.DutyState{casebook.Unset, casebook.OpenDuty}
		for name, f := range map[string]DutyFilter{
			"all":                      {},
			"those that run":           {States: runs},
			"missed ones":              {States: []casebook.DutyState{casebook.Missed}},
			"of one incident":          {Incident: cases[1]},
			"of one incident that run": {Incident: cases[0], States: runs},
			"from a moment on":         {From: noon.Add(3 * time.Hour), States: runs},
		} {
			var got, wanted []casebook.ID
			for _, d := range want {
				if (len(f.States) == 0 || slices.Contains(f.States, d.State)) && (f.Incident.IsZero() || f.Incident == d.Incident) && !d.Due.Before(f.From) {
					wanted = append(wanted, d.ID)
				}
			}
			for after := (casebook.ID{}); ; {
				page, err := r.DutiesByDue(t.Context(), f, after, 5)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range page {
					got = append(got, d.ID)
				}
				if len(page) < 5 {
					break
				}
				after = page[4].ID
			}
			if !slices.Equal(got, wanted) {
				t.Errorf("%s: got %d duties %v, want %d %v", name, len(got), got, len(wanted), wanted)
			}
		}
		for most, want := range map[int]int64{100: 12, 7: 7} {
			if n, err := r.Running(t.Context(), most); err != nil || n != want {
				t.Errorf("counted to %d: got %d (%v), want %d", most, n, err, want)
			}
		}
		if n, err := db.Reader(casebook.Scope{Tenant: 2, All: true, MaxTLP: casebook.Red}).Running(t.Context(), 100); err != nil || n != 0 {
			t.Errorf("another tenant counts %d (%v), want none", n, err)
		}
	})
}
