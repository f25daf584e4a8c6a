package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tocsin/casebook"
)

var incidentTable = covered(18, "incident", `public:b! tenant:i! region:t tlp:i exercise:i! recorded_by:t! recorded_at:i
	category:i title:t state:i threat:i! party:i owner:t opened_at:i! triage_due:i next_at:i`)

type incidentRow struct {
	id            int64
	salt          []byte
	threat, party int64
	next          time.Time
	casebook.Incident
}

// selectIncidents reads incidents with what they name.
const selectIncidents = `SELECT i.id, i.salt, i.public, i.tenant, i.region, i.tlp, i.exercise, i.recorded_by, i.recorded_at,
	i.category, i.title, i.state, i.threat, i.party, i.owner, i.opened_at, i.triage_due, i.next_at, t.public, COALESCE(t.name, ''), p.public
	FROM incident i LEFT JOIN threat t ON t.id = i.threat LEFT JOIN party p ON p.id = i.party`

func scanIncident(s interface{ Scan(...any) error }) (*incidentRow, error) {
	var i incidentRow
	var public, threat, party []byte
	var at, opened, triage, next int64
	err := s.Scan(&i.id, &i.salt, &public, &i.Mark.Tenant, &i.Mark.Region, &i.Mark.TLP, &i.Mark.Exercise, &i.Mark.RecordedBy, &at,
		&i.Category, &i.Title, &i.State, &i.threat, &i.party, &i.Owner, &opened, &triage, &next, &threat, &i.ThreatName, &party)
	copy(i.ID[:], public)
	copy(i.Threat[:], threat)
	copy(i.Party[:], party)
	i.RecordedAt, i.OpenedAt, i.TriageDue, i.next = moment(at), moment(opened), moment(triage), moment(next)
	return &i, err
}

func (i *incidentRow) row() []any {
	tenant, region, tlp, exercise, by := mark(i.Mark)
	return []any{i.id, i.salt, i.ID[:], tenant, region, tlp, exercise, by, micros(i.RecordedAt),
		int64(i.Category), i.Title, int64(i.State), i.threat, i.party, i.Owner, micros(i.OpenedAt), micros(i.TriageDue), micros(i.next)}
}

// OpenIncident writes a new incident and gives it its name.
func (tx *Tx) OpenIncident(i casebook.Incident) (_ casebook.Incident, err error) {
	row := incidentRow{salt: tx.salt(), Incident: i}
	row.ID, row.RecordedAt, row.next = casebook.NewID(tx.at), tx.at, i.TriageDue
	if row.threat, err = numberOf(tx.ctx, tx.conn, "threat", casebook.ThreatPrefix, i.Threat); err != nil {
		return i, err
	}
	if row.party, err = numberOf(tx.ctx, tx.conn, "party", casebook.PartyPrefix, i.Party); err != nil {
		return i, err
	}
	if row.id, err = tx.id("incident"); err != nil {
		return i, err
	}
	if err := tx.insert(incidentTable, row.row()); err != nil {
		return row.Incident, err
	}
	return row.Incident, tx.titleTerms(row.id, "", row.Title)
}

// Incident gives an incident to be changed.
func (tx *Tx) Incident(id casebook.ID) (casebook.Incident, error) {
	i, err := tx.incident(id)
	return i.Incident, err
}

func (tx *Tx) incident(id casebook.ID) (*incidentRow, error) {
	i, err := scanIncident(tx.row(selectIncidents+` WHERE i.public = $1`, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("incident %s: %w", id.Text(casebook.IncidentPrefix), casebook.ErrNotFound)
	}
	return i, err
}

// SaveIncident writes what may change of an incident: region, label, category,
// title, state, party, owner, and until when it waits for a person.
func (tx *Tx) SaveIncident(i casebook.Incident) error {
	row, err := tx.incident(i.ID)
	if err != nil {
		return err
	}
	if row.party, err = numberOf(tx.ctx, tx.conn, "party", casebook.PartyPrefix, i.Party); err != nil {
		return err
	}
	if err := tx.titleTerms(row.id, row.Title, i.Title); err != nil {
		return err
	}
	row.Mark.Region, row.Mark.TLP = i.Mark.Region, i.Mark.TLP
	row.Category, row.Title, row.State, row.Owner = i.Category, i.Title, i.State, i.Owner
	if row.TriageDue = i.TriageDue; i.TriageDue.IsZero() {
		row.next = time.Time{}
	}
	row.RecordedAt = tx.at
	if err := tx.update(incidentTable, row.row()); err != nil {
		return err
	}
	return tx.gradesStand(row.id)
}

// IncidentOf gives the newest incident that grew from a threat; ok is false where
// none did.
func (tx *Tx) IncidentOf(threat casebook.ID) (_ casebook.Incident, ok bool, err error) {
	n, err := numberOf(tx.ctx, tx.conn, "threat", casebook.ThreatPrefix, threat)
	if err != nil {
		return casebook.Incident{}, false, err
	}
	i, err := scanIncident(tx.row(selectIncidents+` WHERE i.threat = $1 AND i.threat > 0 ORDER BY i.id DESC LIMIT 1`, n))
	if errors.Is(err, sql.ErrNoRows) {
		return casebook.Incident{}, false, nil
	}
	return i.Incident, err == nil, err
}

// Lapsed gives the incidents of which people must be told by a moment that they
// wait, the first to wait first.
func (tx *Tx) Lapsed(by time.Time, limit int) ([]casebook.Incident, error) {
	rows, err := tx.query(selectIncidents+` WHERE i.next_at > 0 AND i.next_at <= $1 ORDER BY i.next_at, i.id LIMIT $2`, micros(by), limit)
	return collect(rows, err, func(rows *sql.Rows) (casebook.Incident, error) {
		i, err := scanIncident(rows)
		return i.Incident, err
	})
}

// ToldOf notes that people were told that an incident waits, and when they are told
// again; the zero time is never.
func (tx *Tx) ToldOf(id casebook.ID, next time.Time) error {
	row, err := tx.incident(id)
	if err != nil {
		return err
	}
	row.next, row.RecordedAt = next, tx.at
	return tx.update(incidentTable, row.row())
}

// Incident gives one incident.
func (r *Reader) Incident(ctx context.Context, id casebook.ID) (casebook.Incident, error) {
	i, err := scanIncident(r.q.QueryRowContext(ctx, selectIncidents+` WHERE i.public = $1 AND `+r.seesOf(casebook.SharedIncident, "i"), id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("incident %s: %w", id.Text(casebook.IncidentPrefix), casebook.ErrNotFound)
	}
	return i.Incident, err
}

// Incidents gives incidents, newest first, from after the one named on; a nil state
// is any.
func (r *Reader) Incidents(ctx context.Context, state *casebook.IncidentState, after casebook.ID, limit int) ([]casebook.Incident, error) {
	w := where{text: r.seesOf(casebook.SharedIncident, "i"), args: []any{limit}}
	if !after.IsZero() {
		w.and("i.public < ?", after[:])
	}
	if state != nil {
		w.and("i.state = ?", int64(*state))
	}
	rows, err := r.q.QueryContext(ctx, selectIncidents+` WHERE `+w.text+` ORDER BY i.public DESC LIMIT $1`, w.args...)
	return collect(rows, err, func(rows *sql.Rows) (casebook.Incident, error) {
		i, err := scanIncident(rows)
		return i.Incident, err
	})
}
