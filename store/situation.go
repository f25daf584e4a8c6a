package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

// Figures of the situation: how much of what there is, where, at whose, and since
// when. Drills are left out.

// A Standing counts findings of one region or one party.
type Standing struct {
	Name        string // "": not known
	Controllers int64  // still active: neither verified as gone nor void
	Bots        int64
	Others      int64
	Over        int64 // verified as gone
	Threats     int64 // 0 where they aren't counted
}

// Active is how many findings are neither verified as gone nor void.
func (s Standing) Active() int64 { return s.Controllers + s.Bots + s.Others }

// RegionStandings counts the findings that the reader sees by region, the most active
// first.
func (r *Reader) RegionStandings(ctx context.Context) ([]Standing, error) {
	if r.scope.All {
		all, err := r.standings(ctx, `SELECT y.word, y.role, y.state, CAST(SUM(y.n) AS BIGINT) FROM tally y WHERE y.subject = $1 AND y.exercise = 0 AND `+
			r.labels("y")+` GROUP BY y.word, y.role, y.state`, findingsOfThreat)
		if err != nil {
			return nil, err
		}
		return all, r.countThreats(ctx, all)
	}
	return r.standings(ctx, `SELECT y.word, y.role, y.state, CAST(SUM(y.n) AS BIGINT) FROM `+r.ownParts(partsStand)+` WHERE y.exercise = 0 GROUP BY y.word, y.role, y.state`)
}

// PartyStandings counts findings by the party that holds the asset, the most active
// first. A party sees its own, which is what it sees in all regions together.
func (r *Reader) PartyStandings(ctx context.Context, regions []Standing) ([]Standing, error) {
	if r.scope.All {
		return r.standings(ctx, `SELECT y.word, y.role, y.state, CAST(SUM(y.n) AS BIGINT) FROM tally y WHERE y.subject = $1 AND y.exercise = 0 AND `+
			r.labels("y")+` GROUP BY y.word, y.role, y.state`, findingsOfParty)
	}
	name, err := r.ownName(ctx)
	if err != nil || len(regions) == 0 {
		return nil, err
	}
	own := Standing{Name: name}
	for _, s := range regions {
		own.Controllers += s.Controllers
		own.Bots += s.Bots
		own.Others += s.Others
		own.Over += s.Over
	}
	return []Standing{own}, nil
}

// inParts is where a party's findings are counted: without their threats.
func (v findingView) inParts() string { return strings.TrimSuffix(v.from, " CROSS JOIN threat t") }

func (r *Reader) standings(ctx context.Context, query string, args ...any) ([]Standing, error) {
	named := map[string]*Standing{}
	rows, err := r.q.QueryContext(ctx, query, args...)
	_, err = collect(rows, err, func(rows *sql.Rows) (n int64, err error) {
		var name string
		var role casebook.Role
		var state casebook.State
		if err := rows.Scan(&name, &role, &state, &n); err != nil {
			return 0, err
		}
		s := named[name]
		if s == nil {
			s = &Standing{Name: name}
			named[name] = s
		}
		switch {
		case state == casebook.Void:
		case state == casebook.Verified:
			s.Over += n
		case role == casebook.Controller:
			s.Controllers += n
		case role == casebook.Bot:
			s.Bots += n
		default:
			s.Others += n
		}
		return n, nil
	})
	var all []Standing
	for _, s := range named {
		if s.Active()+s.Over > 0 {
			all = append(all, *s)
		}
	}
	slices.SortFunc(all, func(a, b Standing) int {
		if c := b.Active() - a.Active(); c != 0 {
			return int(max(-1, min(1, c)))
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all, err
}

// countThreats fills in how many threats have a finding in each region.
func (r *Reader) countThreats(ctx context.Context, all []Standing) error {
	rows, err := r.q.QueryContext(ctx, `SELECT y.word, COUNT(DISTINCT y.number) FROM tally y WHERE y.subject = $1 AND y.exercise = 0 AND y.n > 0
		AND y.state NOT IN ($2, $3) AND `+r.labels("y")+` GROUP BY y.word`, findingsOfThreat, int64(casebook.Verified), int64(casebook.Void))
	_, err = collect(rows, err, func(rows *sql.Rows) (n int64, err error) {
		var name string
		err = rows.Scan(&name, &n)
		for i := range all {
			if all[i].Name == name {
				all[i].Threats = n
			}
		}
		return n, err
	})
	return err
}

// A GradeCount counts the incidents that are proposed or open by the grade that
// stands of them under one law.
type GradeCount struct {
	Regime, Level string
	Reach         casebook.Reach
	Incidents     int64
	Threats       int64 // from how many threats they grew
}

// GradeCounts counts by law and level.
func (r *Reader) GradeCounts(ctx context.Context) ([]GradeCount, error) {
	rows, err := r.q.QueryContext(ctx, `SELECT g.regime, g.level, g.reach, COUNT(*), COUNT(DISTINCT CASE WHEN g.threat > 0 THEN g.threat END) FROM incident_grade g
		WHERE g.state IN ($1, $2) AND g.exercise = 0 AND `+r.seesGrade("g")+` GROUP BY g.regime, g.level, g.reach ORDER BY g.regime, g.level, g.reach`,
		int64(casebook.ProposedIncident), int64(casebook.OpenIncident))
	return collect(rows, err, func(rows *sql.Rows) (g GradeCount, err error) {
		return g, rows.Scan(&g.Regime, &g.Level, &g.Reach, &g.Incidents, &g.Threats)
	})
}

// A Moment is what happened in one step of a time series.
type Moment struct {
	At           time.Time // when the step begins
	Observations int64     // made in it; 0 for a party's people, to whom they aren't counted by time
	Findings     int64     // first seen in it
	Bots         int64     // of them
	Due          int64     // duties due in it that stand: neither replaced nor void
	Met, Late    int64
	Missed       int64
	Running      int64 // not yet filed, and not missed
}

// Series tells what happened from a moment up to another, in steps of whole hours.
// Every step is there, also one in which nothing happened.
func (r *Reader) Series(ctx context.Context, from, to time.Time, step time.Duration) ([]Moment, error) {
	all := []Moment{}
	for at := from; at.Before(to); at = at.Add(step) {
		all = append(all, Moment{At: at})
	}
	at := func(us int64) *Moment {
		i := int(time.UnixMicro(us).Sub(from) / step)
		if us < from.UnixMicro() || i >= len(all) {
			return &Moment{}
		}
		return &all[i]
	}
	if err := r.countFindings(ctx, from, to, at); err != nil {
		return nil, err
	}
	return all, r.countDuties(ctx, from, to, step, at)
}

func (r *Reader) countFindings(ctx context.Context, from, to time.Time, at func(us int64) *Moment) error {
	const hour = int64(time.Hour / time.Microsecond)
	query := `SELECT y.subject, y.number, y.role, CAST(SUM(y.n) AS BIGINT) FROM tally y WHERE y.subject IN (1, 2) AND y.number >= $1 AND y.number < $2 AND y.exercise = 0 AND ` +
		r.labels("y") + ` GROUP BY y.subject, y.number, y.role`
	first, last := tallyHour(from.UnixMicro()), tallyHour(to.UnixMicro())
	if !r.scope.All {
		query = `SELECT 2, y.number, y.role, CAST(SUM(y.n) AS BIGINT) FROM ` + r.ownParts(partsFirstSeen) + ` WHERE y.exercise = 0 AND y.number >= $1 AND y.number < $2 GROUP BY y.number, y.role`
	}
	rows, err := r.q.QueryContext(ctx, query, first, last)
	_, err = collect(rows, err, func(rows *sql.Rows) (n int64, err error) {
		var subject, number int64
		var role casebook.Role
		if err := rows.Scan(&subject, &number, &role, &n); err != nil {
			return 0, err
		}
		m := at(number * hour)
		switch {
		case subject == observedInHour:
			m.Observations += n
		default:
			m.Findings += n
			if role == casebook.Bot {
				m.Bots += n
			}
		}
		return n, nil
	})
	return err
}

func (r *Reader) countDuties(ctx context.Context, from, to time.Time, step time.Duration, at func(us int64) *Moment) error {
	us := int64(step / time.Microsecond)
	rows, err := r.q.QueryContext(ctx, `SELECT (d.due - $1) / $2, d.state, COUNT(*) FROM `+r.shared(casebook.SharedDuty, "duty d", "d")+`
		AND d.due >= $1 AND d.due < $3 AND d.exercise = 0 GROUP BY (d.due - $1) / $2, d.state`, from.UnixMicro(), us, to.UnixMicro())
	_, err = collect(rows, err, func(rows *sql.Rows) (n int64, err error) {
		var place int64
		var state casebook.DutyState
		if err := rows.Scan(&place, &state, &n); err != nil {
			return 0, err
		}
		m := at(from.UnixMicro() + place*us)
		switch state {
		case casebook.Superseded, casebook.VoidDuty:
			return n, nil
		case casebook.Met:
			m.Met += n
		case casebook.Late:
			m.Late += n
		case casebook.Missed:
			m.Missed += n
		default:
			m.Running += n
		}
		m.Due += n
		return n, nil
	})
	return err
}

// shared is a table and the condition on it, for queries that pass over all that a
// reader sees: a party's things are found from the rows that share them.
func (r *Reader) shared(kind casebook.ShareKind, table, alias string) string {
	switch {
	case r.scope.All:
		return table + " WHERE " + r.labels(alias)
	case r.scope.Party.IsZero():
		return table + " WHERE 1 = 0"
	}
	return fmt.Sprintf("share h CROSS JOIN %s WHERE h.kind = %d AND h.party = '%s' AND h.shared_to = 0 AND %s.id = h.object AND %s", table, kind, partyText(r.scope.Party), alias, r.labels(alias))
}
