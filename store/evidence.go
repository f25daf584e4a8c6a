package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

var evidenceTable = plain("evidence", column{"threat", 'i', true}, column{"source", 'i', true}, column{"role", 'i', true}, column{"type", 'i', true}, column{"identifier", 't', true},
	column{"tlp", 'i', true}, column{"n", 'i', false}, column{"first_seen", 'i', false}, column{"last_seen", 'i', false}, column{"low", 'i', false}, column{"high", 'i', false}, column{"severity", 'i', false})

// evidenceKey says what a source says of a threat.
type evidenceKey struct {
	threat, role, kind int64
	identifier         string
	tlp                int64
}

// said is how often it says so, and from when to when.
type said struct {
	n, first, last, low, high, severity int64
}

// note counts one observation as evidence.
func (s *said) note(o *casebook.Observation) {
	at, confidence := o.ObservedAt.UnixMicro(), int64(o.Confidence)
	if s.n++; s.n == 1 {
		s.first, s.last, s.low, s.high, s.severity = at, at, confidence, confidence, int64(o.Severity)
		return
	}
	s.first, s.last = min(s.first, at), max(s.last, at)
	s.low, s.high, s.severity = min(s.low, confidence), max(s.high, confidence), max(s.severity, int64(o.Severity))
}

// saveEvidence writes what one source says.
func (tx *Tx) saveEvidence(source int64, all map[evidenceKey]*said) error {
	keys := make([]evidenceKey, 0, len(all))
	for k := range all {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b evidenceKey) int {
		return cmp.Or(cmp.Compare(a.threat, b.threat), cmp.Compare(a.role, b.role), cmp.Compare(a.kind, b.kind), strings.Compare(a.identifier, b.identifier), cmp.Compare(a.tlp, b.tlp))
	})
	rows := make([][]any, len(keys))
	for i, k := range keys {
		s := all[k]
		rows[i] = []any{k.threat, source, k.role, k.kind, k.identifier, k.tlp, s.n, s.first, s.last, s.low, s.high, s.severity}
	}
	least := func(column string) string {
		return column + ` = CASE WHEN excluded.` + column + ` < evidence.` + column + ` THEN excluded.` + column + ` ELSE evidence.` + column + ` END`
	}
	most := func(column string) string { return strings.Replace(least(column), " < ", " > ", 1) }
	_, err := tx.db.dialect.each(tx, evidenceTable.insertSQL+` ON CONFLICT (threat, source, role, type, identifier, tlp) DO UPDATE SET n = evidence.n + excluded.n, `+
		strings.Join([]string{least("first_seen"), most("last_seen"), least("low"), most("high"), most("severity")}, ", "), rows)
	return err
}

// Evidence is what one source says of a threat, in one of its words.
type Evidence struct {
	Source       string
	Role         casebook.Role
	Type         casebook.Type
	Identifier   string // the source's own word, "" none
	Observations int64
	FirstSeen    time.Time
	LastSeen     time.Time
	Low, High    int64 // confidence, thousandths
	Severity     casebook.Severity
}

// maxEvidence bounds what is told of one threat.
const maxEvidence = 200

// EvidenceOf gives what sources say of a threat, what is said most often first. It
// gives ErrNotFound for a threat that the reader doesn't see.
func (r *Reader) EvidenceOf(ctx context.Context, threat casebook.ID) ([]Evidence, error) {
	n, err := r.threatNumber(ctx, threat)
	if err != nil {
		return nil, err
	}
	labels := strings.ReplaceAll(r.labels("e"), "e.tenant", "s.tenant")
	rows, err := r.q.QueryContext(ctx, `SELECT s.name, e.role, e.type, e.identifier, CAST(SUM(e.n) AS BIGINT), MIN(e.first_seen), MAX(e.last_seen), MIN(e.low), MAX(e.high), MAX(e.severity)
		FROM evidence e JOIN source s ON s.id = e.source WHERE e.threat = $1 AND `+labels+` GROUP BY s.name, e.role, e.type, e.identifier
		ORDER BY 5 DESC, s.name, e.role, e.type, e.identifier LIMIT $2`, n, maxEvidence)
	return collect(rows, err, func(rows *sql.Rows) (e Evidence, err error) {
		var first, last int64
		err = rows.Scan(&e.Source, &e.Role, &e.Type, &e.Identifier, &e.Observations, &first, &last, &e.Low, &e.High, &e.Severity)
		e.FirstSeen, e.LastSeen = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
		return e, err
	})
}

// threatNumber is the number of a threat that the reader sees.
func (r *Reader) threatNumber(ctx context.Context, id casebook.ID) (n int64, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT id FROM threat WHERE public = $1 AND `+r.sees(casebook.SharedThreat), id[:]).Scan(&n)
	return n, notFound(err, "threat", casebook.ThreatPrefix, id)
}

// A ThreatDay is how many different assets were seen in one role on a UTC day.
type ThreatDay struct {
	Role   casebook.Role
	Day    casebook.Day
	Assets int64
}

// ThreatDays gives the days on which a threat was seen from one on, the first first.
func (r *Reader) ThreatDays(ctx context.Context, threat casebook.ID, from casebook.Day) ([]ThreatDay, error) {
	n, err := r.threatNumber(ctx, threat)
	if err != nil {
		return nil, err
	}
	rows, err := r.q.QueryContext(ctx, `SELECT role, day, assets FROM threat_day WHERE threat = $1 AND day >= $2 ORDER BY day, role`, n, int64(from))
	return collect(rows, err, func(rows *sql.Rows) (d ThreatDay, err error) { return d, rows.Scan(&d.Role, &d.Day, &d.Assets) })
}
