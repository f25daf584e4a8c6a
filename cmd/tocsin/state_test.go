package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// counts is what tocsin status says.
type counts struct {
	Deliveries, Waiting, Observations, Duplicates, Refused, Findings, Threats int64
	Ledger                                                                    struct{ Entries int64 }
}

func status(t *testing.T, dir string, flags ...string) counts {
	t.Helper()
	var s counts
	e := must(t, dir, append([]string{"status", "--format", "json"}, flags...)...)
	if err := json.Unmarshal([]byte(e.out), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// stateQueries read everything that a data directory knows, but for internal
// numbers, identifiers, salts and stamps, which differ from life to life.
var stateQueries = map[string]string{
	"observations": `SELECT o.tenant, o.region, o.tlp, o.exercise, o.recorded_by, o.observed_at, o.key, d.digest, o.row_no, b.first_row, s.name,
		h.class, h.family_key, f.asset, f.role, f.port, o.type, o.role, o.severity, o.confidence, o.identifier, o.family, o.asset_kind, o.asset, o.port,
		o.transport, o.peer_kind, o.peer, o.peer_port, o.asn FROM observation o JOIN delivery d ON d.id = o.delivery JOIN batch b ON b.id = o.batch
		JOIN source s ON s.id = o.source JOIN threat h ON h.id = o.threat JOIN finding f ON f.id = o.finding ORDER BY d.digest, o.row_no`,
	"findings": `SELECT h.class, h.family_key, f.tenant, f.region, f.tlp, f.exercise, f.recorded_by, f.role, f.asset_kind, f.asset, f.port, f.type, f.state,
		f.severity, f.first_seen, f.last_seen, f.count, f.days, f.sources, f.asn, f.holder, f.party FROM finding f JOIN threat h ON h.id = f.threat
		ORDER BY h.class, h.family_key, f.role, f.asset_kind, f.asset, f.port`,
	"threats": `SELECT class, family, family_key, tenant, region, tlp, exercise, recorded_by, first_seen, last_seen, count, findings FROM threat ORDER BY class, family_key`,
	"sizes": `SELECT h.class, h.family_key, s.role, total, peak_day, day_low, day_point, day_high, hour_low, hour_point, hour_high
		FROM threat_size s JOIN threat h ON h.id = s.threat ORDER BY h.class, h.family_key, s.role`,
	"days":       `SELECT h.class, h.family_key, s.role, s.day, s.assets FROM threat_day s JOIN threat h ON h.id = s.threat ORDER BY h.class, h.family_key, s.role, s.day`,
	"hours":      `SELECT h.class, h.family_key, s.role, s.hour, s.sketch FROM threat_hour s JOIN threat h ON h.id = s.threat ORDER BY h.class, h.family_key, s.role, s.hour`,
	"deliveries": `SELECT digest, tenant, tlp, exercise, recorded_by, bytes, feed, type, name, door, state, rows_read, taken, duplicate, refused, format, fault FROM delivery ORDER BY digest`,
	"refusals":   `SELECT d.digest, r.row_no, r.line, r.field, r.reason FROM refusal r JOIN delivery d ON d.id = r.delivery ORDER BY d.digest, r.row_no`,
	"batches":    `SELECT d.digest, b.first_row, b.last_row, b.taken, b.duplicate, b.refused, b.format FROM batch b JOIN delivery d ON d.id = b.delivery ORDER BY d.digest, b.first_row`,
	"sources":    `SELECT name, gap_days, days FROM source ORDER BY name`,
	"holdings":   `SELECT low, high, suffix, asn, holder, party, region, held_from, held_to, ended_by > 0 FROM holding ORDER BY low, high, suffix, asn, held_from`,
	"imports":    `SELECT source, name, digest, state, rows_read, refused, added, ended, compiled FROM holding_import WHERE state = 1 ORDER BY id`,
	"abandoned":  `SELECT source, name, digest FROM holding_import WHERE state = 2 ORDER BY id`,
	// Grading comes after folding, several growths at a time: how many differs.
	"entries": `SELECT kind, actor, COUNT(*) FROM change_set WHERE kind NOT IN ('give up import', 'grade', 'rebase') GROUP BY kind, actor ORDER BY kind, actor`,
	"incidents": `SELECT h.class, h.family_key, i.category, i.title, i.state, i.tlp, i.exercise, i.recorded_by, COUNT(*) FROM incident i JOIN threat h ON h.id = i.threat
		GROUP BY h.class, h.family_key, i.category, i.title, i.state, i.tlp, i.exercise, i.recorded_by ORDER BY h.class, h.family_key`,
	"grades": `SELECT h.class, h.family_key, g.regime, g.standing, g.level, g.reach, g.rule, g.blank FROM grade g JOIN incident i ON i.id = g.incident JOIN threat h ON h.id = i.threat
		ORDER BY h.class, h.family_key, g.id`,
	"ungraded": `SELECT COUNT(*) FROM growth`,
}

// state reads a data directory that nobody owns.
func state(t *testing.T, data string) map[string][]string {
	t.Helper()
	file := "file:" + (&url.URL{Path: desk.Directory(data).Database()}).EscapedPath() + "?mode=ro"
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := map[string][]string{}
	for name, query := range stateQueries {
		all[name] = lines(t, db, query)
	}
	return all
}

// lines writes each row of an answer as a line.
func lines(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var line strings.Builder
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = fmt.Sprintf("%x", b)
			}
			fmt.Fprintf(&line, "%s=%v ", columns[i], v)
		}
		all = append(all, line.String())
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// wantSame compares what two data directories know.
func wantSame(t *testing.T, got, want map[string][]string) {
	t.Helper()
	for name := range stateQueries {
		if len(got[name]) != len(want[name]) {
			t.Errorf("%d %s, want %d", len(got[name]), name, len(want[name]))
		}
		told := 0
		for i := range min(len(got[name]), len(want[name])) {
			if got[name][i] != want[name][i] && told < 3 {
				told++
				t.Errorf("%s differ (-got +want)\n%s", name, cmp.Diff(strings.Fields(got[name][i]), strings.Fields(want[name][i])))
			}
		}
	}
}

// left gives the deliveries in what a killed program left, and leaves it as it is.
func left(t *testing.T, data string) []casebook.Delivery {
	t.Helper()
	db, err := store.OpenForAudit(filepath.Join(data, "tocsin.db"))
	if err != nil {
		return nil // killed before there was a database
	}
	defer db.Close()
	var all []casebook.Delivery
	for d, err := range db.Reader(casebook.Operator()).EveryDelivery(t.Context()) {
		if err != nil {
			return nil // or before it had its tables
		}
		all = append(all, d)
	}
	return all
}
