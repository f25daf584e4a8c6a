package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

var (
	dutyTable = covered(22, "duty", `public:b! tenant:i! region:t! tlp:i exercise:i! recorded_by:t! recorded_at:i
		incident:i! party:i! party_name:t! regime:t! pack:t! stage:t! key:t! article:t! anchor:t! started:i! time_limit:t! due:i! zone:t! calendar:t!
		provisional:i! blank:t! recipients:t! meets:t! confidence:t! rests_on:t! supersedes:i! state:i met_at:i reason:t told:i next_at:i`)

	dutyChangeTable = covered(23, "duty_change", `duty:i! state:i! at:i! reason:t! recorded_at:i! recorded_by:t!`)
)

type dutyRow struct {
	id                          int64
	salt                        []byte
	incident, party, supersedes int64
	casebook.Duty
}

// recipients is how a duty's addressees are kept.
type recipients struct {
	To     []string `json:"to"`
	AnyOf  bool     `json:"any_of"`
	CopyTo []string `json:"copy_to"`
}

const selectDuties = `SELECT d.id, d.salt, d.public, d.tenant, d.region, d.tlp, d.exercise, d.recorded_by, d.recorded_at,
	d.incident, d.party, d.party_name, d.regime, d.pack, d.stage, d.key, d.article, d.anchor, d.started, d.time_limit, d.due, d.zone, d.calendar,
	d.provisional, d.blank, d.recipients, d.meets, d.confidence, d.rests_on, d.supersedes, d.state, d.met_at, d.reason, d.told, i.public, p.public, s.public, COALESCE(s.due, 0)
	FROM duty d JOIN incident i ON i.id = d.incident LEFT JOIN party p ON p.id = d.party LEFT JOIN duty s ON s.id = d.supersedes`

func scanDuty(s interface{ Scan(...any) error }) (*dutyRow, error) {
	var d dutyRow
	var public, incident, party, supersedes []byte
	var at, started, due, met, was int64
	var list string
	err := s.Scan(&d.id, &d.salt, &public, &d.Mark.Tenant, &d.Mark.Region, &d.Mark.TLP, &d.Mark.Exercise, &d.Mark.RecordedBy, &at,
		&d.incident, &d.party, &d.PartyName, &d.Regime, &d.Pack, &d.Stage, &d.Key, &d.Article, &d.Anchor, &started, &d.Limit, &due, &d.Zone, &d.Calendar,
		&d.Provisional, &d.Blank, &list, &d.Meets, &d.Confidence, &d.RestsOn, &d.supersedes, &d.State, &met, &d.Reason, &d.Told, &incident, &party, &supersedes, &was)
	if err != nil {
		return &d, err
	}
	copy(d.ID[:], public)
	copy(d.Incident[:], incident)
	copy(d.Party[:], party)
	copy(d.Supersedes[:], supersedes)
	d.RecordedAt, d.Started, d.Due, d.MetAt = moment(at), moment(started), moment(due), moment(met)
	if was != due {
		d.WasDue = moment(was)
	}
	var to recipients
	if err := json.Unmarshal([]byte(list), &to); err != nil {
		return &d, fmt.Errorf("duty %s: %w", d.ID.Text(casebook.DutyPrefix), err)
	}
	d.To, d.AnyOf, d.CopyTo = to.To, to.AnyOf, to.CopyTo
	return &d, nil
}

func (d *dutyRow) row() ([]any, error) {
	tenant, region, tlp, exercise, by := mark(d.Mark)
	list, err := json.Marshal(recipients{d.To, d.AnyOf, d.CopyTo})
	return []any{d.id, d.salt, d.ID[:], tenant, region, tlp, exercise, by, micros(d.RecordedAt),
		d.incident, d.party, d.PartyName, d.Regime, d.Pack, d.Stage, d.Key, d.Article, d.Anchor, micros(d.Started), d.Limit, micros(d.Due), d.Zone, d.Calendar,
		bit(d.Provisional), d.Blank, string(list), d.Meets, d.Confidence, d.RestsOn, d.supersedes, int64(d.State), micros(d.MetAt), d.Reason,
		int64(d.Told), micros(d.Next())}, err
}

// ChangeDuty moves a duty to another state, as of a legal moment. It gives
// ErrConflict, and changes nothing, when the duty isn't in the state from any more.
func (tx *Tx) ChangeDuty(id casebook.ID, from, to casebook.DutyState, at time.Time, reason string) error {
	row, err := tx.duty(id)
	if err != nil {
		return err
	}
	if row.State != from {
		return fmt.Errorf("duty %s is %s, not %s: %w", id.Text(casebook.DutyPrefix), row.State, from, casebook.ErrConflict)
	}
	row.State, row.Reason = to, reason
	if to == casebook.Met || to == casebook.Late {
		row.MetAt = at
	}
	if err := tx.saveDuty(row); err != nil {
		return err
	}
	return tx.noteChange(row.id, to, at, reason)
}

func (tx *Tx) duty(id casebook.ID) (*dutyRow, error) {
	d, err := scanDuty(tx.row(selectDuties+` WHERE d.public = $1`, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("duty %s: %w", id.Text(casebook.DutyPrefix), casebook.ErrNotFound)
	}
	return d, err
}

func (tx *Tx) saveDuty(d *dutyRow) error {
	d.RecordedAt = tx.at
	row, err := d.row()
	if err != nil {
		return err
	}
	return tx.update(dutyTable, row)
}

// Duties gives the duties of an incident in the order in which they were opened.
func (tx *Tx) Duties(incident casebook.ID) ([]casebook.Duty, error) {
	rows, err := tx.query(selectDuties+` WHERE i.public = $1 ORDER BY d.id`, incident[:])
	return collect(rows, err, duties)
}

func duties(rows *sql.Rows) (casebook.Duty, error) {
	d, err := scanDuty(rows)
	return d.Duty, err
}

// NextMoment gives the earliest moment at which people must be told of a duty or of
// an incident that waits; zero when there is none.
func (r *Reader) NextMoment(ctx context.Context) (time.Time, error) {
	var next int64
	err := r.q.QueryRowContext(ctx, `SELECT COALESCE(MIN(n), 0) FROM (
		SELECT MIN(next_at) AS n FROM duty WHERE next_at > 0 UNION ALL SELECT MIN(next_at) FROM incident WHERE next_at > 0) AS moments`).Scan(&next)
	return moment(next), err
}

// Duty gives one duty.
func (r *Reader) Duty(ctx context.Context, id casebook.ID) (casebook.Duty, error) {
	d, err := r.duty(ctx, id)
	return d.Duty, err
}

func (r *Reader) duty(ctx context.Context, id casebook.ID) (*dutyRow, error) {
	d, err := scanDuty(r.q.QueryRowContext(ctx, selectDuties+` WHERE d.public = $1 AND `+r.seesOf(casebook.SharedDuty, "d"), id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("duty %s: %w", id.Text(casebook.DutyPrefix), casebook.ErrNotFound)
	}
	return d, err
}

// A DutyFilter narrows duties; its zero value is all of them.
type DutyFilter struct {
	Incident casebook.ID
	States   []casebook.DutyState // none: any
	From     time.Time            // due then or later; zero: whenever
}

// DutiesByDue gives duties by the moment at which they are due, the soonest first,
// from after the one named on.
func (r *Reader) DutiesByDue(ctx context.Context, f DutyFilter, after casebook.ID, limit int) ([]casebook.Duty, error) {
	w := where{text: r.sees(casebook.SharedDuty), args: []any{limit}}
	if !after.IsZero() {
		last, err := r.duty(ctx, after)
		if err != nil {
			return nil, err
		}
		w.and("(due, id) > (?, ?)", micros(last.Due), last.id)
	}
	if !f.From.IsZero() {
		w.and("due >= ?", micros(f.From))
	}
	var states, lists []string
	for s := casebook.Unset; s < casebook.DutyStates; s++ {
		if len(f.States) > 0 && !slices.Contains(f.States, s) {
			continue
		}
		states = append(states, fmt.Sprint(int64(s)))
		// The soonest of one state come from the index in their order; of several
		// states at once every duty would have to be sorted.
		lists = append(lists, fmt.Sprintf("SELECT id FROM (SELECT id FROM duty WHERE %s AND state = %d ORDER BY due, id LIMIT $1) AS state%d", w.text, s, s))
	}
	if !f.Incident.IsZero() {
		// The plus signs keep SQLite, which doesn't count, from an index that begins with
		// tenant or state: nearly every duty is of the one tenant that there is.
		w.text = "+" + w.text
		w.and("incident = (SELECT id FROM incident WHERE public = ?)", f.Incident[:])
		lists = []string{"SELECT id FROM duty WHERE " + w.text + " AND +state IN (" + strings.Join(states, ", ") + ")"}
	}
	rows, err := r.q.QueryContext(ctx, selectDuties+` WHERE d.id IN (`+strings.Join(lists, " UNION ALL ")+`) ORDER BY d.due, d.id LIMIT $1`, w.args...)
	return collect(rows, err, duties)
}

// Running counts the duties that run, but goes no further than to most.
func (r *Reader) Running(ctx context.Context, most int) (n int64, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM duty WHERE state IN (0, 1) AND `+r.sees(casebook.SharedDuty)+` LIMIT $1) AS running`, most).Scan(&n)
	return n, err
}

// A DutyChange is a step in the life of a duty.
type DutyChange struct {
	State      casebook.DutyState
	At         time.Time
	Reason     string
	RecordedAt time.Time
	By         string
}

// DutyChanges gives the steps of a duty in their order.
func (r *Reader) DutyChanges(ctx context.Context, id casebook.ID) ([]DutyChange, error) {
	rows, err := r.q.QueryContext(ctx, `SELECT c.state, c.at, c.reason, c.recorded_at, c.recorded_by FROM duty_change c JOIN duty d ON d.id = c.duty
		WHERE d.public = $1 AND `+r.seesOf(casebook.SharedDuty, "d")+` ORDER BY c.id`, id[:])
	return collect(rows, err, func(rows *sql.Rows) (c DutyChange, err error) {
		var at, recorded int64
		err = rows.Scan(&c.State, &at, &c.Reason, &recorded, &c.By)
		c.At, c.RecordedAt = moment(at), moment(recorded)
		return c, err
	})
}

// DutyCounts counts duties by state.
func (r *Reader) DutyCounts(ctx context.Context) (counts [casebook.DutyStates]int64, err error) {
	rows, err := r.q.QueryContext(ctx, `SELECT state, COUNT(*) FROM duty WHERE `+r.sees(casebook.SharedDuty)+` GROUP BY state`)
	_, err = collect(rows, err, func(rows *sql.Rows) (n int64, err error) {
		var state casebook.DutyState
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
