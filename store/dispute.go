package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tocsin/casebook"
)

var disputeTable = covered(60, "dispute", `public:b! tenant:i! party:i! region:t! regime:t! stage:t! month:t! exercise:i! text:t! recorded_at:i! recorded_by:t! state:i reason:t decided_at:i decided_by:t`)

const selectDisputes = `SELECT d.id, d.salt, d.public, d.tenant, d.party, d.region, d.regime, d.stage, d.month, d.exercise, d.text, d.recorded_at, d.recorded_by,
	d.state, d.reason, d.decided_at, d.decided_by, p.public, p.name FROM dispute d JOIN party p ON p.id = d.party`

type disputeRow struct {
	id, party int64
	salt      []byte
	casebook.Dispute
}

func scanDispute(s interface{ Scan(...any) error }) (*disputeRow, error) {
	var d disputeRow
	var public, party []byte
	var at, decided int64
	l := &d.Line
	err := s.Scan(&d.id, &d.salt, &public, &d.Tenant, &d.party, &l.Region, &l.Regime, &l.Stage, &l.Month, &l.Exercise, &d.Text, &at, &d.By,
		&d.State, &d.Reason, &decided, &d.DecidedBy, &party, &d.PartyName)
	copy(d.ID[:], public)
	copy(l.Party[:], party)
	d.At, d.DecidedAt = moment(at), moment(decided)
	return &d, err
}

func (d *disputeRow) row() []any {
	l := d.Line
	return []any{d.id, d.salt, d.ID[:], d.Tenant, d.party, l.Region, l.Regime, l.Stage, l.Month, bit(l.Exercise), d.Text, micros(d.At), d.By,
		int64(d.State), d.Reason, micros(d.DecidedAt), d.DecidedBy}
}

// AddDispute writes an objection to a line. It gives ErrConflict while another one to
// the same line is open.
func (tx *Tx) AddDispute(d casebook.Dispute) (casebook.Dispute, error) {
	party, err := numberOf(tx.ctx, tx.conn, "party", casebook.PartyPrefix, d.Line.Party)
	if err != nil {
		return d, err
	}
	l := d.Line
	var open int64
	err = tx.row(`SELECT COUNT(*) FROM dispute d WHERE d.month = $1 AND d.party = $2 AND d.region = $3 AND d.regime = $4 AND d.stage = $5 AND d.exercise = $6 AND d.state = $7`,
		l.Month, party, l.Region, l.Regime, l.Stage, bit(l.Exercise), int64(casebook.OpenDispute)).Scan(&open)
	if err != nil {
		return d, err
	}
	if open > 0 {
		return d, fmt.Errorf("the line is disputed already, and nobody has decided yet: %w", casebook.ErrConflict)
	}
	row := disputeRow{party: party, salt: tx.salt(), Dispute: d}
	row.ID, row.At, row.By = casebook.NewID(tx.at), tx.at, tx.actor
	if row.id, err = tx.id("dispute"); err != nil {
		return d, err
	}
	return row.Dispute, tx.insert(disputeTable, row.row())
}

// DecideDispute writes what was decided on an open dispute. It gives ErrNotFound for
// one that isn't there, and ErrConflict for one that was decided.
func (tx *Tx) DecideDispute(id casebook.ID, state casebook.DisputeState, reason string) (casebook.Dispute, error) {
	row, err := scanDispute(tx.row(selectDisputes+` WHERE d.public = $1`, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return row.Dispute, fmt.Errorf("dispute %s: %w", id.Text(casebook.DisputePrefix), casebook.ErrNotFound)
	}
	if err != nil {
		return row.Dispute, err
	}
	if row.State != casebook.OpenDispute {
		return row.Dispute, fmt.Errorf("dispute %s was %s by %s: %w", id.Text(casebook.DisputePrefix), row.State, row.DecidedBy, casebook.ErrConflict)
	}
	row.State, row.Reason, row.DecidedAt, row.DecidedBy = state, reason, tx.at, tx.actor
	return row.Dispute, tx.update(disputeTable, row.row())
}

// DisputeFilter narrows disputes; the zero value takes all.
type DisputeFilter struct {
	Month string
	Open  bool // only those that nobody has decided
}

// Disputes gives disputes, those that wait first, then the newest first: to who sees all
// every one, to people of a party their own party's.
func (r *Reader) Disputes(ctx context.Context, f DisputeFilter, limit int) ([]casebook.Dispute, error) {
	w := where{text: fmt.Sprintf("d.tenant = %d", r.scope.Tenant)}
	if !r.scope.All {
		w.and("p.public = ?", octets(r.scope.Party[:]))
	}
	if f.Month != "" {
		w.and("d.month = ?", f.Month)
	}
	if f.Open {
		w.and("d.state = ?", int64(casebook.OpenDispute))
	}
	rows, err := r.q.QueryContext(ctx, selectDisputes+` WHERE `+w.text+` ORDER BY d.decided_at > 0, d.id DESC `+fmt.Sprintf("LIMIT %d", limit), w.args...)
	return collect(rows, err, func(rows *sql.Rows) (casebook.Dispute, error) {
		d, err := scanDispute(rows)
		return d.Dispute, err
	})
}
