package store

import (
	"slices"
	"testing"

	"tocsin/casebook"
)

// What a million duties are asked for often is answered from an index: neither sorted
// nor read row by row.
func TestQuestionsOfEverySecondUseAnIndex(t *testing.T) {
	db := openAt(t, t.TempDir()+"/tocsin.db", newSigner(t))
	defer closed(t, db)
	r := db.Reader(casebook.Operator())
	for _, c := range []struct{ query, want string }{
		{`SELECT MIN(next_at) AS n FROM duty WHERE next_at > 0`, "SEARCH duty USING COVERING INDEX duty_next (next_at>?)"},
		{`SELECT state, COUNT(*) FROM duty WHERE ` + r.sees(casebook.SharedDuty) + ` GROUP BY state`, "SCAN duty USING COVERING INDEX duty_count"},
		{`SELECT d.id FROM duty d WHERE ` + r.seesOf(casebook.SharedDuty, "d") + ` AND d.state = 1 ORDER BY d.due, d.id LIMIT 200`, "SEARCH d USING INDEX duty_state (state=?)"},
	} {
		rows, err := r.q.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+c.query)
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
