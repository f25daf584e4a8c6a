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

// A DutySpan narrows duties to some states and to due moments in [From, To); a zero
// moment is no bound.
type DutySpan struct {
	States   []casebook.DutyState
	From, To time.Time
	// Decided leaves out the duties of incidents that wait for a yes or no.
	Decided bool
}

// DutiesBetween gives the duties of a span, the soonest due first.
func (r *Reader) DutiesBetween(ctx context.Context, s DutySpan, limit int) ([]casebook.Duty, error) {
	w := where{text: r.seesOf(casebook.SharedDuty, "d"), args: []any{limit}}
	if !s.From.IsZero() {
		w.and("d.due >= ?", micros(s.From))
	}
	if !s.To.IsZero() {
		w.and("d.due < ?", micros(s.To))
	}
	from := "duty d"
	if s.Decided {
		from += " JOIN incident i ON i.id = d.incident"
		w.and("i.state <> ?", int64(casebook.ProposedIncident))
	}
	// The soonest of one state come from the index in their order; of several states at
	// once every duty would have to be sorted.
	var lists []string
	for _, state := range s.States {
		lists = append(lists, fmt.Sprintf("SELECT id FROM (SELECT d.id FROM %s WHERE %s AND d.state = %d ORDER BY d.due, d.id LIMIT $1) AS state%[3]d", from, w.text, state))
	}
	rows, err := r.q.QueryContext(ctx, selectDuties+` WHERE d.id IN (`+strings.Join(lists, " UNION ALL ")+`) ORDER BY d.due, d.id LIMIT $1`, w.args...)
	return collect(rows, err, duties)
}

// NextDue gives, for each of some incidents that has a duty that runs, the first due
// moment from now on.
func (r *Reader) NextDue(ctx context.Context, ids []casebook.ID, now time.Time) (map[casebook.ID]time.Time, error) {
	next := map[casebook.ID]time.Time{}
	if len(ids) == 0 {
		return next, nil
	}
	if len(ids) > maxNamed {
		return nil, fmt.Errorf("%d incidents asked for at once, at most %d: %w", len(ids), maxNamed, casebook.ErrTooLarge)
	}
	w := where{text: r.seesOf(casebook.SharedDuty, "d"), args: []any{micros(now)}}
	w.and("i.public IN ("+places(len(ids))+")", octetsOf(ids)...)
	rows, err := r.q.QueryContext(ctx, `SELECT i.public, MIN(d.due) FROM duty d JOIN incident i ON i.id = d.incident
		WHERE d.state IN (0, 1) AND d.due >= $1 AND `+w.text+` GROUP BY i.public`, w.args...)
	_, err = collect(rows, err, func(rows *sql.Rows) (due int64, err error) {
		var public []byte
		err = rows.Scan(&public, &due)
		next[casebook.ID(public)] = moment(due)
		return due, err
	})
	return next, err
}

// maxNamed bounds how many incidents are asked for by name at once.
const maxNamed = 1000

func places(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// IncidentsNamed gives the incidents of some names that the reader sees, by name;
// at most maxNamed may be asked for.
func (r *Reader) IncidentsNamed(ctx context.Context, ids []casebook.ID) (map[casebook.ID]casebook.Incident, error) {
	named := map[casebook.ID]casebook.Incident{}
	if len(ids) == 0 {
		return named, nil
	}
	if len(ids) > maxNamed {
		return nil, fmt.Errorf("%d incidents asked for at once, at most %d: %w", len(ids), maxNamed, casebook.ErrTooLarge)
	}
	w := where{text: r.seesOf(casebook.SharedIncident, "i")}
	w.and("i.public IN ("+places(len(ids))+")", octetsOf(ids)...)
	rows, err := r.q.QueryContext(ctx, selectIncidents+` WHERE `+w.text, w.args...)
	all, err := collect(rows, err, incidents)
	for _, i := range all {
		named[i.ID] = i
	}
	return named, err
}

// IncidentsOf gives the incidents that grew from a threat, the newest first.
func (r *Reader) IncidentsOf(ctx context.Context, threat casebook.ID, limit int) ([]casebook.Incident, error) {
	rows, err := r.q.QueryContext(ctx, selectIncidents+` WHERE t.public = $1 AND `+r.seesOf(casebook.SharedIncident, "i")+` ORDER BY i.public DESC LIMIT $2`, threat[:], limit)
	return collect(rows, err, incidents)
}

// WaitingIncidents gives the incidents that wait for a person's yes or no, the one
// that waits longest first.
func (r *Reader) WaitingIncidents(ctx context.Context, limit int) ([]casebook.Incident, error) {
	rows, err := r.q.QueryContext(ctx, selectIncidents+` WHERE i.state = $1 AND `+r.seesOf(casebook.SharedIncident, "i")+` ORDER BY i.triage_due, i.public LIMIT $2`,
		int64(casebook.ProposedIncident), limit)
	return collect(rows, err, incidents)
}

// IncidentsWith gives the open incidents that somebody has taken, the oldest first.
func (r *Reader) IncidentsWith(ctx context.Context, owner string, limit int) ([]casebook.Incident, error) {
	rows, err := r.q.QueryContext(ctx, selectIncidents+` WHERE i.owner = $1 AND i.owner <> '' AND i.state = $2 AND `+r.seesOf(casebook.SharedIncident, "i")+` ORDER BY i.public LIMIT $3`,
		owner, int64(casebook.OpenIncident), limit)
	return collect(rows, err, incidents)
}

// IncidentCounts counts incidents by state.
func (r *Reader) IncidentCounts(ctx context.Context) (map[casebook.IncidentState]int64, error) {
	counts := map[casebook.IncidentState]int64{}
	rows, err := r.q.QueryContext(ctx, `SELECT i.state, COUNT(*) FROM incident i WHERE `+r.seesOf(casebook.SharedIncident, "i")+` GROUP BY i.state`)
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

// countStates counts the rows of a noun by state, as far as the reader sees them.
func countStates[S ~uint8](ctx context.Context, r *Reader, table string, kind casebook.ShareKind) (map[S]int64, error) {
	counts := map[S]int64{}
	rows, err := r.q.QueryContext(ctx, `SELECT o.state, COUNT(*) FROM `+table+` o WHERE `+r.seesOf(kind, "o")+` GROUP BY o.state`)
	_, err = collect(rows, err, func(rows *sql.Rows) (n int64, err error) {
		var state S
		err = rows.Scan(&state, &n)
		counts[state] = n
		return n, err
	})
	return counts, err
}

// numbersOf gives states as the database has them.
func numbersOf[S ~uint8](states []S) []any {
	all := make([]any, len(states))
	for i, s := range states {
		all[i] = int64(s)
	}
	return all
}
