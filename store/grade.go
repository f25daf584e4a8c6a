package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"tocsin/casebook"
)

var gradeTable = covered(21, "grade", `public:b! incident:i! regime:t! pack:t! standing:i! level:t! reach:i! rule:t! article:t! confidence:t! figures:t!
	blank:t! at:i! reason:t! recorded_at:i! recorded_by:t!`)

// Grade writes a grade of an incident and gives it its name.
func (tx *Tx) Grade(g casebook.Grade) (casebook.Grade, error) {
	incident, err := numberOf(tx.ctx, tx.conn, "incident", casebook.IncidentPrefix, g.Incident)
	if err != nil {
		return g, err
	}
	figures, err := json.Marshal(g.Figures)
	if err != nil {
		return g, err
	}
	id, err := tx.id("grade")
	if err != nil {
		return g, err
	}
	g.ID, g.RecordedAt = casebook.NewID(tx.at), tx.at
	err = tx.insert(gradeTable, []any{id, tx.salt(), g.ID[:], incident, g.Regime, g.Pack, int64(g.Standing), g.Level, int64(g.Reach), g.Rule, g.Article,
		g.Confidence, string(figures), g.Blank, micros(g.At), g.Reason, micros(tx.at), g.By})
	if err != nil {
		return g, err
	}
	return g, tx.gradesStand(incident)
}

var incidentGradeTable = plain("incident_grade", column{"incident", 'i', true}, column{"regime", 't', true}, column{"standing", 'i', false}, column{"level", 't', false}, column{"reach", 'i', false},
	column{"state", 'i', false}, column{"threat", 'i', true}, column{"tenant", 'i', true}, column{"tlp", 'i', false}, column{"exercise", 'i', true})

// gradesStand writes which grade of an incident stands under each law: the newest of
// the weightiest standing.
func (tx *Tx) gradesStand(incident int64) error {
	if _, err := tx.exec(`DELETE FROM incident_grade WHERE incident = $1`, incident); err != nil {
		return err
	}
	_, err := tx.exec(`INSERT INTO incident_grade (incident, regime, standing, level, reach, state, threat, tenant, tlp, exercise)
		SELECT i.id, g.regime, g.standing, g.level, g.reach, i.state, i.threat, i.tenant, i.tlp, i.exercise FROM incident i
		JOIN (SELECT incident, regime, standing, level, reach, ROW_NUMBER() OVER (PARTITION BY regime ORDER BY standing DESC, id DESC) AS place FROM grade WHERE incident = $1) g
		ON g.incident = i.id WHERE i.id = $1 AND g.place = 1`, incident)
	return err
}

// Grades gives every grade of an incident in the order in which they were written;
// the newest of a regime and standing stands.
func (tx *Tx) Grades(incident casebook.ID) ([]casebook.Grade, error) {
	return gradesOf(tx.ctx, tx.conn, "1 = 1", incident)
}

// Grades gives every grade of an incident in the order in which they were written;
// the newest of a regime and standing stands.
func (r *Reader) Grades(ctx context.Context, incident casebook.ID) ([]casebook.Grade, error) {
	return gradesOf(ctx, r.q, r.seesOf(casebook.SharedIncident, "i"), incident)
}

func gradesOf(ctx context.Context, q querier, sees string, incident casebook.ID) ([]casebook.Grade, error) {
	rows, err := q.QueryContext(ctx, `SELECT g.public, g.regime, g.pack, g.standing, g.level, g.reach, g.rule, g.article, g.confidence, g.figures, g.blank,
		g.at, g.reason, g.recorded_at, g.recorded_by
		FROM grade g JOIN incident i ON i.id = g.incident WHERE i.public = $1 AND `+sees+` ORDER BY g.id`, incident[:])
	return collect(rows, err, func(rows *sql.Rows) (casebook.Grade, error) {
		g := casebook.Grade{Incident: incident}
		var public []byte
		var figures string
		var at, recorded int64
		err := rows.Scan(&public, &g.Regime, &g.Pack, &g.Standing, &g.Level, &g.Reach, &g.Rule, &g.Article, &g.Confidence, &figures, &g.Blank,
			&at, &g.Reason, &recorded, &g.By)
		if err != nil {
			return g, err
		}
		copy(g.ID[:], public)
		g.At, g.RecordedAt = moment(at), moment(recorded)
		if err := json.Unmarshal([]byte(figures), &g.Figures); err != nil {
			return g, fmt.Errorf("grade %s: %w", g.ID.Text(casebook.GradePrefix), err)
		}
		return g, nil
	})
}
