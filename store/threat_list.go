package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
)

// ThreatFilter narrows a list of threats; its zero value lets all pass.
type ThreatFilter struct {
	Text   string // in the name, in any case
	Class  string // RSIT
	Region string // with a finding there that is neither verified as gone nor void
	Party  string // with a finding at this party, by its name
	Level  string // of the grade that stands of an incident that is proposed or open
	Since  time.Time
}

// A ThreatOrder is by what a list of threats is sorted, the greatest first.
type ThreatOrder string

// The orders of a list of threats.
const (
	ByRecord   ThreatOrder = ""     // recorded last
	BySize     ThreatOrder = "size" // most bots and controllers within 24 hours
	ByLastSeen ThreatOrder = "seen"
)

// threatSize is how many bots and controllers a threat had within 24 hours.
const threatSize = `(SELECT CAST(COALESCE(SUM(CASE WHEN s.day_point < s.total THEN s.day_point ELSE s.total END), 0) AS BIGINT) FROM threat_size s WHERE s.threat = threat.id AND s.role IN (1, 2))`

// key is the value by which threats are sorted before their names.
func (o ThreatOrder) key() (string, error) {
	switch o {
	case ByRecord:
		return "threat.id * 0", nil
	case BySize:
		return threatSize, nil
	case ByLastSeen:
		return "threat.last_seen", nil
	}
	return "", fmt.Errorf("threats aren't sorted by %.20q: %w", string(o), casebook.ErrInvalid)
}

// ThreatList gives threats that pass a filter, from where a cursor stands on, and the
// cursor at which the next follow: "" is the beginning, and the end.
func (r *Reader) ThreatList(ctx context.Context, f ThreatFilter, o ThreatOrder, cursor string, limit int) (_ []casebook.Threat, next string, err error) {
	key, err := o.key()
	if err != nil {
		return nil, "", err
	}
	w := where{text: r.sees(casebook.SharedThreat), args: []any{limit + 1}}
	r.narrowThreats(&w, f)
	if cursor != "" {
		value, after, err := parseThreatCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		w.and("("+key+" < ? OR "+key+" = ? AND threat.public < ?)", value, value, after[:])
	}
	order := "public DESC"
	if o != ByRecord {
		order = key + " DESC, public DESC"
	}
	rows, err := r.q.QueryContext(ctx, threatTable.selectSQL+` WHERE `+w.text+` ORDER BY `+order+` LIMIT $1`, w.args...)
	threats, err := r.withSizes(ctx, rows, err)
	if err != nil || len(threats) <= limit {
		return threats, "", err
	}
	last := threats[limit-1]
	if o == ByRecord { // sorted by nothing else
		return threats[:limit], last.ID.Text(casebook.ThreatPrefix), nil
	}
	var value int64
	err = r.q.QueryRowContext(ctx, `SELECT `+key+` FROM threat WHERE public = $1`, last.ID[:]).Scan(&value)
	return threats[:limit], fmt.Sprintf("%d.%s", value, last.ID.Text(casebook.ThreatPrefix)), err
}

func parseThreatCursor(cursor string) (value int64, after casebook.ID, err error) {
	number, name, sorted := strings.Cut(cursor, ".")
	if !sorted {
		after, err = casebook.ParseID(casebook.ThreatPrefix, cursor)
		return 0, after, err
	}
	if value, err = strconv.ParseInt(number, 10, 64); err == nil {
		after, err = casebook.ParseID(casebook.ThreatPrefix, name)
	}
	if err != nil {
		err = fmt.Errorf("%.60q is no cursor of threats: %w", cursor, casebook.ErrInvalid)
	}
	return value, after, err
}

func (r *Reader) narrowThreats(w *where, f ThreatFilter) {
	if f.Text != "" {
		w.and("threat.family_key LIKE ? ESCAPE '!'", "%"+escapeLike(casebook.FamilyKey(f.Text))+"%")
	}
	if f.Class != "" {
		w.and("threat.class = ?", f.Class)
	}
	if !f.Since.IsZero() {
		w.and("threat.last_seen >= ?", micros(f.Since))
	}
	if f.Level != "" {
		w.and("threat.id IN (SELECT g.threat FROM incident_grade g WHERE g.state IN (0, 1) AND g.threat > 0 AND g.level = ? AND "+r.seesGrade("g")+")", f.Level)
	}
	r.narrowToPlace(w, f)
}

// narrowToPlace leaves the threats that have a finding in a region, or at a party.
func (r *Reader) narrowToPlace(w *where, f ThreatFilter) {
	if r.scope.All {
		if f.Region != "" {
			w.and(fmt.Sprintf("threat.id IN (SELECT y.number FROM tally y WHERE y.subject = %d AND y.word = ? AND y.n > 0 AND y.state NOT IN (%d, %d) AND %s)",
				findingsOfThreat, casebook.Verified, casebook.Void, r.labels("y")), f.Region)
		}
		if f.Party != "" {
			w.and("threat.id IN (SELECT f.threat FROM finding f WHERE f.party <> '' AND f.party = ? AND "+r.labels("f")+")", f.Party)
		}
		return
	}
	v := r.findingView()
	if f.Region != "" {
		w.and("threat.id IN (SELECT f.threat FROM "+v.inParts()+" WHERE "+v.own+".region = ? AND "+v.sees+")", f.Region)
	}
	if f.Party != "" {
		w.and("threat.id IN (SELECT f.threat FROM "+v.inParts()+" WHERE "+v.sees+") AND EXISTS (SELECT 1 FROM party WHERE name = ? AND public = ?)", f.Party, r.scope.Party[:])
	}
}

// seesGrade is the condition on the grade that stands of an incident.
func (r *Reader) seesGrade(alias string) string {
	switch {
	case r.scope.All:
		return r.labels(alias)
	case r.scope.Party.IsZero():
		return "1 = 0"
	}
	return r.labels(alias) + fmt.Sprintf(` AND EXISTS (SELECT 1 FROM share WHERE share.kind = %d AND share.object = %s.incident AND share.party = '%s' AND share.shared_to = 0)`,
		casebook.SharedIncident, alias, partyText(r.scope.Party))
}

// escapeLike makes text stand for itself in a pattern.
func escapeLike(text string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text)
}

// Kin gives the other threats of a threat's family: one name may stand in several
// classes.
func (r *Reader) Kin(ctx context.Context, t casebook.Threat) ([]casebook.Threat, error) {
	const most = 20
	rows, err := r.q.QueryContext(ctx, threatTable.selectSQL+` WHERE family_key = $1 AND public <> $2 AND exercise = $3 AND `+r.sees(casebook.SharedThreat)+` ORDER BY class LIMIT $4`,
		t.Key, t.ID[:], bit(t.Mark.Exercise), most)
	return r.withSizes(ctx, rows, err)
}

// Controllers gives findings of a threat's control endpoints, by their address.
func (r *Reader) Controllers(ctx context.Context, threat casebook.ID, limit int) ([]casebook.Finding, error) {
	v := r.findingView()
	n, err := r.threatNumber(ctx, threat)
	if err != nil {
		return nil, err
	}
	// In the order of the index of assets, which has the few controllers together.
	from, order := "finding f", "ORDER BY f.asset_kind, f.asset, f.port"
	if !r.scope.All {
		from, order = v.inParts(), ""
	}
	rows, err := r.q.QueryContext(ctx, `SELECT f.id FROM `+from+` WHERE f.threat = $1 AND f.role = $2 AND `+v.sees+` `+order+` LIMIT $3`, n, int64(casebook.Controller), limit)
	ids, err := collect(rows, err, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) })
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	found, err := r.findings(ctx, FindingFilter{}, `AND f.id IN (`+strings.Join(ids, ", ")+`) ORDER BY f.asset_kind, f.asset, f.port`, nil)
	return plainFindings(found), err
}

func plainFindings(rows []*findingRow) []casebook.Finding {
	all := make([]casebook.Finding, len(rows))
	for i, one := range rows {
		all[i] = one.Finding
	}
	return all
}
