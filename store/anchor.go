package store

import (
	"context"
	"database/sql"
	"time"

	"tocsin/casebook"
)

var anchorTable = covered(19, "anchor", `public:b! incident:i! kind:t! at:i! zone:t! recorded_at:i! recorded_by:t! source:t! note:t! supersedes:i!
	clock_known:i! clock_offset:i! clock_bound:i! clock_source:t!`)

// Log writes an entry of an incident's log and gives it its name.
func (tx *Tx) Log(a casebook.Anchor) (casebook.Anchor, error) {
	incident, err := numberOf(tx.ctx, tx.conn, "incident", casebook.IncidentPrefix, a.Incident)
	if err != nil {
		return a, err
	}
	supersedes, err := numberOf(tx.ctx, tx.conn, "anchor", casebook.AnchorPrefix, a.Supersedes)
	if err != nil {
		return a, err
	}
	all, err := tx.logAll([]logEntry{{incident, supersedes, a}})
	if err != nil {
		return a, err
	}
	return all[0], nil
}

// A logEntry is an entry with the numbers behind the names in it.
type logEntry struct {
	incident, supersedes int64
	casebook.Anchor
}

// logAll writes entries, gives them their names, and returns them in their order.
func (tx *Tx) logAll(entries []logEntry) ([]casebook.Anchor, error) {
	ids, err := tx.takeIDs("anchor", len(entries))
	if err != nil {
		return nil, err
	}
	logged, rows := make([]casebook.Anchor, len(entries)), make([][]any, len(entries))
	for n, e := range entries {
		a := e.Anchor
		a.ID, a.RecordedAt = casebook.NewID(tx.at), tx.at
		logged[n], rows[n] = a, []any{ids[n], tx.salt(), a.ID[:], e.incident, a.Kind, micros(a.At), a.Zone, micros(tx.at), a.By, a.Source, a.Note, e.supersedes,
			bit(a.Clock.Known), a.Clock.Offset.Microseconds(), a.Clock.Bound.Microseconds(), a.Clock.Source}
	}
	return logged, tx.insert(anchorTable, rows...)
}

// Anchors gives the log of an incident in the order in which it was written.
func (tx *Tx) Anchors(incident casebook.ID) ([]casebook.Anchor, error) {
	return anchorsOf(tx.ctx, tx.conn, "1 = 1", incident)
}

// Anchors gives the log of an incident in the order in which it was written.
func (r *Reader) Anchors(ctx context.Context, incident casebook.ID) ([]casebook.Anchor, error) {
	return anchorsOf(ctx, r.q, r.seesOf("i"), incident)
}

func anchorsOf(ctx context.Context, q querier, sees string, incident casebook.ID) ([]casebook.Anchor, error) {
	rows, err := q.QueryContext(ctx, `SELECT a.public, a.kind, a.at, a.zone, a.recorded_at, a.recorded_by, a.source, a.note, s.public,
		a.clock_known, a.clock_offset, a.clock_bound, a.clock_source
		FROM anchor a JOIN incident i ON i.id = a.incident LEFT JOIN anchor s ON s.id = a.supersedes
		WHERE i.public = $1 AND `+sees+` ORDER BY a.id`, incident[:])
	return collect(rows, err, func(rows *sql.Rows) (casebook.Anchor, error) {
		a := casebook.Anchor{Incident: incident}
		var public, supersedes []byte
		var at, recorded, offset, bound int64
		err := rows.Scan(&public, &a.Kind, &at, &a.Zone, &recorded, &a.By, &a.Source, &a.Note, &supersedes, &a.Clock.Known, &offset, &bound, &a.Clock.Source)
		copy(a.ID[:], public)
		copy(a.Supersedes[:], supersedes)
		a.At, a.RecordedAt = moment(at), moment(recorded)
		a.Clock.Offset, a.Clock.Bound = time.Duration(offset)*time.Microsecond, time.Duration(bound)*time.Microsecond
		return a, err
	})
}
