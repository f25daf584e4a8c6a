package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"tocsin/casebook"
)

// What the pages of the console ask for besides the lists of each noun.

// DutiesBetween gives the duties in one of some states whose due moment lies in
// [from, to), the soonest first; a zero moment is no bound.
func (r *Reader) DutiesBetween(ctx context.Context, states []casebook.DutyState, from, to time.Time, limit int) ([]casebook.Duty, error) {
	w := where{text: r.seesOf("d"), args: []any{limit}}
	var list []string
	for _, s := range states {
		list = append(list, fmt.Sprint(int64(s)))
	}
	w.and("d.state IN (" + strings.Join(list, ", ") + ")")
	if !from.IsZero() {
		w.and("d.due >= ?", micros(from))
	}
	if !to.IsZero() {
		w.and("d.due < ?", micros(to))
	}
	rows, err := r.q.QueryContext(ctx, selectDuties+` WHERE `+w.text+` ORDER BY d.due, d.id LIMIT $1`, w.args...)
	return collect(rows, err, duties)
}

// IncidentsNamed gives the incidents of some names that the reader sees, by name;
// at most a thousand names may be asked for.
func (r *Reader) IncidentsNamed(ctx context.Context, ids []casebook.ID) (map[casebook.ID]casebook.Incident, error) {
	named := map[casebook.ID]casebook.Incident{}
	if len(ids) == 0 {
		return named, nil
	}
	if len(ids) > 1000 {
		return nil, fmt.Errorf("%d incidents asked for at once, at most 1000: %w", len(ids), casebook.ErrTooLarge)
	}
	w := where{text: r.seesOf("i")}
	w.and("i.public IN ("+strings.TrimSuffix(strings.Repeat("?, ", len(ids)), ", ")+")", octetsOf(ids)...)
	rows, err := r.q.QueryContext(ctx, selectIncidents+` WHERE `+w.text, w.args...)
	all, err := collect(rows, err, incidents)
	for _, i := range all {
		named[i.ID] = i
	}
	return named, err
}

// IncidentsOf gives the incidents that grew from a threat, the newest first.
func (r *Reader) IncidentsOf(ctx context.Context, threat casebook.ID, limit int) ([]casebook.Incident, error) {
	rows, err := r.q.QueryContext(ctx, selectIncidents+` WHERE t.public = $1 AND `+r.seesOf("i")+` ORDER BY i.public DESC LIMIT $2`, threat[:], limit)
	return collect(rows, err, incidents)
}

// WaitingIncidents gives the incidents that wait for a person's yes or no, the one
// that waits longest first.
func (r *Reader) WaitingIncidents(ctx context.Context, limit int) ([]casebook.Incident, error) {
	rows, err := r.q.QueryContext(ctx, selectIncidents+` WHERE i.state = $1 AND `+r.seesOf("i")+` ORDER BY i.triage_due, i.public LIMIT $2`,
		int64(casebook.ProposedIncident), limit)
	return collect(rows, err, incidents)
}

// IncidentCounts counts incidents by state.
func (r *Reader) IncidentCounts(ctx context.Context) (map[casebook.IncidentState]int64, error) {
	counts := map[casebook.IncidentState]int64{}
	rows, err := r.q.QueryContext(ctx, `SELECT i.state, COUNT(*) FROM incident i WHERE `+r.seesOf("i")+` GROUP BY i.state`)
	_, err = collect(rows, err, func(rows *sql.Rows) (n int64, err error) {
		var state casebook.IncidentState
		err = rows.Scan(&state, &n)
		counts[state] = n
		return n, err
	})
	return counts, err
}

// OutboxCounts counts the lines of the outbox by state.
func (r *Reader) OutboxCounts(ctx context.Context) (counts [OutboxDead + 1]int64, err error) {
	if !r.scope.All {
		return counts, nil
	}
	rows, err := r.q.QueryContext(ctx, `SELECT state, COUNT(*) FROM outbox WHERE tenant = $1 GROUP BY state`, r.scope.Tenant)
	_, err = collect(rows, err, func(rows *sql.Rows) (n int64, err error) {
		var state OutboxState
		if err := rows.Scan(&state, &n); err != nil {
			return 0, err
		}
		if int(state) < len(counts) {
			counts[state] = n
		}
		return n, nil
	})
	return counts, err
}

func incidents(rows *sql.Rows) (casebook.Incident, error) {
	i, err := scanIncident(rows)
	return i.Incident, err
}

func octetsOf(ids []casebook.ID) []any {
	all := make([]any, len(ids))
	for i := range ids {
		all[i] = ids[i][:]
	}
	return all
}
