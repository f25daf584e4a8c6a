package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tocsin/casebook"
)

// openDuties writes n duties of one incident, with due moments of which several are
// alike, and in every state.
func openDuties(t *testing.T, db *DB, n int) (incident casebook.ID, all []casebook.Duty) {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 4))
	mark := casebook.Mark{Tenant: 1, TLP: casebook.Amber, RecordedBy: "person:wang"}
	write(t, db, noon, func(tx *Tx) error {
		i, err := tx.OpenIncident(casebook.Incident{Mark: mark, Title: "a call", State: casebook.OpenIncident, OpenedAt: noon})
		if err != nil {
			return err
		}
		var list []casebook.Duty
		for k := range n {
			due := noon.Add(time.Duration(random.IntN(n/2)) * time.Minute)
			list = append(list, casebook.Duty{Mark: mark, Incident: i.ID, PartyName: "North Access", Regime: "r", Stage: fmt.Sprint(k), Zone: "UTC",
				Started: due.Add(-time.Hour), Due: due, State: casebook.DutyState(random.IntN(casebook.DutyStates))})
		}
		incident = i.ID
		all, err = tx.OpenDuties(list)
		return err
	})
	return incident, all
}

func TestDutiesComeByDueWhateverTheirStates(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		defer closed(t, db)
		incident, all := openDuties(t, db, 60)
		slices.SortStableFunc(all, func(a, b casebook.Duty) int { return a.Due.Compare(b.Due) })
		r := db.Reader(casebook.Operator())
		for _, f := range []DutyFilter{
			{}, {States: []casebook.DutyState{casebook.OpenDuty}}, {States: []casebook.DutyState{casebook.OpenDuty, casebook.Unset, casebook.OpenDuty}},
			{Incident: incident}, {Incident: incident, States: []casebook.DutyState{casebook.Missed, casebook.Late}},
		} {
			var want, got []string
			for _, d := range all {
				if len(f.States) == 0 || slices.Contains(f.States, d.State) {
					want = append(want, d.Stage)
				}
			}
			after := casebook.ID{}
			for {
				page, err := r.DutiesByDue(t.Context(), f, after, 7)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range page {
					got = append(got, d.Stage)
				}
				if len(page) < 7 {
					break
				}
				after = page[len(page)-1].ID
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v of %v: got\n%v\nwant\n%v", f.States, f.Incident, got, want)
			}
		}
		counts, err := r.DutyCounts(t.Context())
		var want [casebook.DutyStates]int64
		for _, d := range all {
			want[d.State]++
		}
		if err != nil || counts != want {
			t.Errorf("counts: got %v %v, want %v", counts, err, want)
		}
	})
}

// What a million duties are asked for often is answered from an index: neither sorted
// nor read row by row.
func TestQuestionsOfEverySecondUseAnIndex(t *testing.T) {
	db := openAt(t, t.TempDir()+"/tocsin.db", newSigner(t))
	defer closed(t, db)
	r := db.Reader(casebook.Operator())
	for _, c := range []struct{ query, want string }{
		{`SELECT MIN(next_at) AS n FROM duty WHERE next_at > 0`, "SEARCH duty USING COVERING INDEX duty_next (next_at>?)"},
		{`SELECT state, COUNT(*) FROM duty WHERE ` + r.sees() + ` GROUP BY state`, "SEARCH duty USING COVERING INDEX duty_count (tenant=?)"},
		{`SELECT d.id FROM duty d WHERE ` + r.seesOf("d") + ` AND d.state = 1 ORDER BY d.due, d.id LIMIT 200`, "SEARCH d USING INDEX duty_state (state=?)"},
	} {
		rows, err := r.q.QueryContext(context.Background(), `EXPLAIN QUERY PLAN `+c.query)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var text string
			if err := rows.Scan(&id, &parent, &unused, &text); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, text)
		}
		if err := rows.Close(); err != nil || !slices.Equal(plan, []string{c.want}) {
			t.Errorf("%s\ngot  %q %v\nwant %q", c.query, plan, err, c.want)
		}
	}
}
