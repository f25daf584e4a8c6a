package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/casebook"
)

var factTable = covered(20, "fact", `incident:i! name:t! value:t! confirmed:i! at:i! recorded_at:i! recorded_by:t!`)

// A KnownFact is a fact of an incident, with who said so and since when.
type KnownFact struct {
	Name       string
	Value      casebook.Value
	Confirmed  bool // by a person
	At         time.Time
	RecordedAt time.Time
	By         string
}

// Know writes facts of an incident. They go before those of the same names that
// were written earlier, which stay.
func (tx *Tx) Know(incident casebook.ID, facts casebook.Facts, confirmed bool, at time.Time, by string) error {
	n, err := numberOf(tx.ctx, tx.conn, "incident", casebook.IncidentPrefix, incident)
	if err != nil {
		return err
	}
	ids, err := tx.takeIDs("fact", len(facts))
	if err != nil {
		return err
	}
	var rows [][]any
	for i, name := range facts.Names() {
		value, err := json.Marshal(facts[name])
		if err != nil {
			return err
		}
		rows = append(rows, []any{ids[i], tx.salt(), n, name, string(value), bit(confirmed), micros(at), micros(tx.at), by})
	}
	return tx.insert(factTable, rows...)
}

// Facts gives every fact that was ever written of an incident, in that order.
func (tx *Tx) Facts(incident casebook.ID) ([]KnownFact, error) {
	return factsOf(tx.ctx, tx.conn, "1 = 1", incident)
}

// Facts gives every fact that was ever written of an incident, in that order.
func (r *Reader) Facts(ctx context.Context, incident casebook.ID) ([]KnownFact, error) {
	return factsOf(ctx, r.q, r.seesOf(casebook.SharedIncident, "i"), incident)
}

func factsOf(ctx context.Context, q querier, sees string, incident casebook.ID) ([]KnownFact, error) {
	rows, err := q.QueryContext(ctx, `SELECT f.name, f.value, f.confirmed, f.at, f.recorded_at, f.recorded_by
		FROM fact f JOIN incident i ON i.id = f.incident WHERE i.public = $1 AND `+sees+` ORDER BY f.id`, incident[:])
	return collect(rows, err, func(rows *sql.Rows) (f KnownFact, err error) {
		var at, recorded int64
		var value string
		if err := rows.Scan(&f.Name, &value, &f.Confirmed, &at, &recorded, &f.By); err != nil {
			return f, err
		}
		f.At, f.RecordedAt = moment(at), moment(recorded)
		if err := json.Unmarshal([]byte(value), &f.Value); err != nil {
			return f, fmt.Errorf("fact %s: %w", f.Name, err)
		}
		return f, nil
	})
}
