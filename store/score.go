package store

import (
	"context"
	"database/sql"
	"iter"
	"time"

	"tocsin/casebook"
)

// FallenDuties gives, in no order, the duties that fell due within [from, to) and
// that count in a score: open, met, late and missed ones, each with what a score
// asks of it. A zero from is the beginning. exercise says whether drills are
// wanted, or all but them. Who acts for a party is given those that the party owes,
// shared or not: a score says how it met them, and nothing else of them.
func (r *Reader) FallenDuties(ctx context.Context, from, to time.Time, exercise bool) iter.Seq2[casebook.Duty, error] {
	args := []any{micros(from), micros(to), bit(exercise)}
	mine := r.labels("d")
	if !r.scope.All {
		mine += " AND d.party IN (SELECT id FROM party WHERE public = $4)"
		args = append(args, octets(r.scope.Party[:]))
	}
	query := `SELECT d.public, d.region, d.exercise, d.party, d.party_name, d.regime, d.stage, d.started, d.due, d.zone, d.state, d.met_at, d.reason
		FROM duty d WHERE d.state IN (1, 2, 3, 4) AND d.due >= $1 AND d.due < $2 AND d.exercise = $3 AND ` + mine
	return func(yield func(casebook.Duty, error) bool) {
		// A few parties owe a hundred thousand duties: their names are looked up once.
		parties, err := r.partyNames(ctx)
		if err != nil {
			yield(casebook.Duty{}, err)
			return
		}
		rows, err := r.q.QueryContext(ctx, query, args...)
		if err != nil {
			yield(casebook.Duty{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var d casebook.Duty
			var public []byte
			var party, started, due, met int64
			err := rows.Scan(&public, &d.Mark.Region, &d.Mark.Exercise, &party, &d.PartyName, &d.Regime, &d.Stage, &started, &due, &d.Zone, &d.State, &met, &d.Reason)
			copy(d.ID[:], public)
			d.Party = parties[party]
			d.Started, d.Due, d.MetAt = moment(started), moment(due), moment(met)
			if !yield(d, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(casebook.Duty{}, err)
		}
	}
}

// partyNames gives the public name behind each party's number.
func (r *Reader) partyNames(ctx context.Context) (map[int64]casebook.ID, error) {
	names := map[int64]casebook.ID{}
	rows, err := r.q.QueryContext(ctx, `SELECT id, public FROM party`)
	_, err = collect(rows, err, func(rows *sql.Rows) (n int64, err error) {
		var public []byte
		err = rows.Scan(&n, &public)
		names[n] = casebook.ID(public)
		return n, err
	})
	return names, err
}
