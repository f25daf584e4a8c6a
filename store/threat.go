package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tocsin/casebook"
)

var threatTable = covered(7, "threat", `public:b! tenant:i! region:t tlp:i exercise:i! recorded_by:t! recorded_at:i
	class:t! family:t! name:t! family_key:t! first_seen:i last_seen:i count:i findings:i`)

// A threatRow is a Threat with what only the database needs.
type threatRow struct {
	id    int64
	salt  []byte
	isNew bool
	casebook.Threat
}

func (t *threatRow) row(at int64) []any {
	tenant, region, tlp, exercise, by := mark(t.Mark)
	return []any{t.id, t.salt, t.ID[:], tenant, region, tlp, exercise, by, at,
		t.Type, t.Family, t.Name, t.Key, t.FirstSeen.UnixMicro(), t.LastSeen.UnixMicro(), t.Count, t.Findings}
}

func scanThreat(s interface{ Scan(...any) error }) (*threatRow, error) {
	var t threatRow
	var public []byte
	var at, first, last int64
	err := s.Scan(&t.id, &t.salt, &public, &t.Mark.Tenant, &t.Mark.Region, &t.Mark.TLP, &t.Mark.Exercise, &t.Mark.RecordedBy, &at,
		&t.Type, &t.Family, &t.Name, &t.Key, &first, &last, &t.Count, &t.Findings)
	copy(t.ID[:], public)
	t.FirstSeen, t.LastSeen = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
	return &t, err
}

// threat finds a threat by its key or begins it; saveThreat writes it.
func (tx *Tx) threat(m casebook.Mark, k threatKey, seen time.Time) (*threatRow, error) {
	t, err := scanThreat(tx.row(threatTable.selectSQL+` WHERE tenant = $1 AND exercise = $2 AND class = $3 AND family_key = $4`,
		m.Tenant, bit(m.Exercise), k.class, k.folded()))
	if !errors.Is(err, sql.ErrNoRows) {
		return t, err
	}
	t = &threatRow{salt: tx.salt(), isNew: true, Threat: casebook.Threat{
		ID: casebook.NewID(tx.at), Mark: m, Type: k.class, Family: k.family, Name: cmp.Or(k.family, k.word), Key: k.folded(), FirstSeen: seen, LastSeen: seen}}
	t.id, err = tx.id("threat")
	return t, err
}

func (tx *Tx) saveThreat(t *threatRow) error {
	if t.isNew {
		return tx.insert(threatTable, t.row(micros(tx.at)))
	}
	return tx.update(threatTable, t.row(micros(tx.at)))
}

// ThreatSizes gives the sizes of a threat as they are now; none for the zero ID.
func (tx *Tx) ThreatSizes(id casebook.ID) ([]casebook.Size, error) {
	n, err := numberOf(tx.ctx, tx.conn, "threat", casebook.ThreatPrefix, id)
	if err != nil || n == 0 {
		return nil, err
	}
	return sizesOf(tx.ctx, tx.conn, n)
}

// Threat gives one threat with its sizes.
func (r *Reader) Threat(ctx context.Context, id casebook.ID) (casebook.Threat, error) {
	t, err := scanThreat(r.q.QueryRowContext(ctx, threatTable.selectSQL+` WHERE public = $1 AND `+r.sees(), id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return casebook.Threat{}, fmt.Errorf("threat %s: %w", id.Text(casebook.ThreatPrefix), casebook.ErrNotFound)
	}
	if err == nil {
		t.Sizes, err = r.sizes(ctx, t.id)
	}
	return t.Threat, err
}

// Threats gives threats with their sizes, newest first, from after the one named on.
func (r *Reader) Threats(ctx context.Context, after casebook.ID, limit int) ([]casebook.Threat, error) {
	rows, err := r.q.QueryContext(ctx, threatTable.selectSQL+` WHERE `+r.sees()+before(after, 1)+` ORDER BY public DESC LIMIT $2`, after[:], limit)
	return r.withSizes(ctx, rows, err)
}

// LargestThreats gives the threats with the most bots and controllers within 24
// hours, largest first; those alike by findings, then the newest first.
func (r *Reader) LargestThreats(ctx context.Context, limit int) ([]casebook.Threat, error) {
	rows, err := r.q.QueryContext(ctx, threatTable.selectSQL+` WHERE `+r.sees()+` ORDER BY
		(SELECT COALESCE(SUM(CASE WHEN s.day_point < s.total THEN s.day_point ELSE s.total END), 0)
		 FROM threat_size s WHERE s.threat = threat.id AND s.role IN ($1, $2)) DESC, findings DESC, id DESC LIMIT $3`,
		int64(casebook.Bot), int64(casebook.Controller), limit)
	return r.withSizes(ctx, rows, err)
}

func (r *Reader) withSizes(ctx context.Context, rows *sql.Rows, err error) ([]casebook.Threat, error) {
	page, err := collect(rows, err, func(rows *sql.Rows) (*threatRow, error) { return scanThreat(rows) })
	if err != nil {
		return nil, err
	}
	threats := make([]casebook.Threat, len(page))
	for i, t := range page {
		if t.Sizes, err = r.sizes(ctx, t.id); err != nil {
			return nil, err
		}
		threats[i] = t.Threat
	}
	return threats, nil
}
