package seed

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

var small = Plan{Findings: 600, Incidents: 120, Parties: 50, Seed: 7, Until: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}

// random names the columns that are random by design, or that quote what is.
var random = []string{"id", "salt", "public", "password", "digest", "changes", "seal", "hash", "note", "party", "object", "source", "message", "message_id", "filed", "fields", "draft", "payload", "compiled"}

// rows writes every row of a database without what is random.
func rows(t *testing.T, dir string) (all map[string]string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "tocsin.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all = map[string]string{}
	for _, table := range strings.Fields(`delivery refusal batch observation source threat threat_day threat_size finding finding_part holding party party_term contact account
		incident anchor fact grade duty duty_change report report_version recipient orders order_row outbox share`) {
		list, err := db.Query("SELECT * FROM " + table + " ORDER BY id")
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := list.Columns()
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		var b strings.Builder
		for list.Next() {
			if err := list.Scan(into...); err != nil {
				t.Fatal(err)
			}
			for i, c := range columns {
				if !slices.Contains(random, c) {
					fmt.Fprintf(&b, "%s=%v ", c, values[i])
				}
			}
			b.WriteByte('\n')
		}
		if err := list.Close(); err != nil {
			t.Fatal(err)
		}
		all[table] = b.String()
	}
	return all
}

// TestTheSameSeedGivesTheSameRows, another one others, and each table has some.
func TestTheSameSeedGivesTheSameRows(t *testing.T) {
	made := make([]map[string]string, 3)
	for i := range made {
		p := small
		p.Dir = t.TempDir()
		if i == 2 {
			p.Seed++
		}
		if _, err := Run(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		made[i] = rows(t, p.Dir)
	}
	for _, table := range slices.Sorted(maps.Keys(made[0])) {
		if made[0][table] == "" {
			t.Errorf("there is no row of %s", table)
		}
		if made[0][table] != made[1][table] {
			t.Errorf("%s differs:\n%s", table, firstDifference(made[0][table], made[1][table]))
		}
	}
	for _, table := range []string{"finding", "incident", "duty"} {
		if made[0][table] == made[2][table] {
			t.Errorf("%s is the same for another seed", table)
		}
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] + "\n" + y[i]
		}
	}
	return fmt.Sprintf("%d and %d rows", len(x), len(y))
}

// TestMadeUpDataStaysByItself: what holds anything is refused, and what was made is as
// large as asked, looks like work in every state, and passes the audit.
func TestMadeUpDataStaysByItself(t *testing.T) {
	p := small
	p.Dir = t.TempDir()
	made, err := Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if made.Findings != 600 || made.Incidents < 120 || made.Parties != 50 {
		t.Errorf("got %+v, want 600 findings, 120 incidents and what rules proposed, 50 parties", made)
	}
	if made.Ungraded > 0 || made.Waiting > 0 {
		t.Errorf("%d growths and %d deliveries wait", made.Ungraded, made.Waiting)
	}
	for _, state := range []casebook.DutyState{casebook.Unset, casebook.Met, casebook.Late, casebook.Missed, casebook.Superseded, casebook.VoidDuty} {
		if made.Duties[state] == 0 {
			t.Errorf("no duty is %s: %v", state, made.Duties)
		}
	}
	faults := 0
	report, err := desk.Audit(t.Context(), desk.AuditTarget{Dir: p.Dir}, func(f store.Fault) error { faults++; t.Errorf("%+v", f); return nil })
	if err != nil || faults > 0 {
		t.Error(report, err)
	}
	if _, err := Run(t.Context(), p); !errors.Is(err, casebook.ErrConflict) {
		t.Errorf("a second country in the same place: got %v, want a conflict", err)
	}
}
