package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"tocsin/casebook"
)

var (
	deliveryTable = covered(2, "delivery", `public:b! tenant:i! region:t tlp:i exercise:i! recorded_by:t! recorded_at:i
		digest:b! bytes:i! feed:t! type:t! name:t! door:t! received_at:i! state:i rows_read:i taken:i duplicate:i refused:i format:i fault:t`)
	refusalTable = covered(3, "refusal", `delivery:i row_no:i line:i field:t reason:t`)
)

// MaxRefusals is how many bad rows of one delivery are kept one by one; all are
// counted, and the bytes of all are in the delivery.
const MaxRefusals = 1000

// A deliveryRow is a Delivery with what only the database needs.
type deliveryRow struct {
	id         int64
	salt       []byte
	recordedAt int64
	casebook.Delivery
}

func (d *deliveryRow) row() []any {
	tenant, region, tlp, exercise, by := mark(d.Mark)
	return []any{d.id, d.salt, d.ID[:], tenant, region, tlp, exercise, by, d.recordedAt,
		d.Digest[:], d.Bytes, d.Feed, d.Type, d.Name, d.Door, micros(d.ReceivedAt), int64(d.State),
		d.Rows, d.Taken, d.Duplicate, d.Refused, d.Format, d.Fault}
}

func scanDelivery(s interface{ Scan(...any) error }) (*deliveryRow, error) {
	var d deliveryRow
	var public, digest []byte
	var received int64
	err := s.Scan(&d.id, &d.salt, &public, &d.Mark.Tenant, &d.Mark.Region, &d.Mark.TLP, &d.Mark.Exercise, &d.Mark.RecordedBy, &d.recordedAt,
		&digest, &d.Bytes, &d.Feed, &d.Type, &d.Name, &d.Door, &received, &d.State,
		&d.Rows, &d.Taken, &d.Duplicate, &d.Refused, &d.Format, &d.Fault)
	copy(d.ID[:], public)
	copy(d.Digest[:], digest)
	d.ReceivedAt = moment(received)
	return &d, err
}

// Accept records a delivery whose bytes are on disk. One with the same content,
// feed and type is the same delivery: it is given back instead, and known is true.
// If it couldn't be read, or not to its end, and its format was changed since, it
// waits to be read again.
func (tx *Tx) Accept(d casebook.Delivery) (_ casebook.Delivery, known bool, err error) {
	old, err := scanDelivery(tx.row(deliveryTable.selectSQL+` WHERE tenant = $1 AND exercise = $2 AND digest = $3 AND feed = $4 AND type = $5`,
		d.Mark.Tenant, bit(d.Mark.Exercise), d.Digest[:], d.Feed, d.Type))
	switch {
	case err == nil && (old.State == casebook.Unreadable || old.State == casebook.Broken) && old.Format != d.Format:
		err = tx.again(old, d.Format)
		return old.Delivery, true, err
	case !errors.Is(err, sql.ErrNoRows):
		return old.Delivery, true, err
	}
	row := deliveryRow{salt: tx.salt(), recordedAt: micros(tx.at), Delivery: d}
	if row.id, err = tx.id("delivery"); err != nil {
		return d, false, err
	}
	row.ID = casebook.NewID(d.ReceivedAt)
	return row.Delivery, false, tx.insert(deliveryTable, row.row())
}

// ReadAgain puts the cursor of a delivery back to its beginning, because its format
// was changed since rows of it were taken: those aren't taken twice, as claims made
// before never are.
func (tx *Tx) ReadAgain(id casebook.ID, format int64) (casebook.Delivery, error) {
	d, err := tx.delivery(id)
	if err == nil {
		err = tx.again(d, format)
	}
	return d.Delivery, err
}

func (tx *Tx) again(d *deliveryRow, format int64) error {
	refusals, err := tx.numbers(`SELECT id FROM refusal WHERE delivery = $1 ORDER BY id`, d.id)
	if err != nil {
		return err
	}
	for _, id := range refusals {
		if err := tx.delete(refusalTable, id); err != nil {
			return err
		}
	}
	d.State, d.Fault, d.Format, d.Rows, d.Duplicate, d.Refused = casebook.Accepted, "", format, 0, 0, 0
	d.recordedAt = micros(tx.at)
	return tx.update(deliveryTable, d.row())
}

func (tx *Tx) delivery(id casebook.ID) (*deliveryRow, error) {
	d, err := scanDelivery(tx.row(deliveryTable.selectSQL+` WHERE public = $1`, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("delivery %s: %w", id.Text(casebook.DeliveryPrefix), casebook.ErrNotFound)
	}
	return d, err
}

// refuse keeps bad rows of a delivery up to MaxRefusals.
func (tx *Tx) refuse(d *deliveryRow, bad []casebook.Refusal) error {
	room := max(0, MaxRefusals-d.Refused)
	if int64(len(bad)) > room {
		bad = bad[:room]
	}
	ids, err := tx.takeIDs("refusal", len(bad))
	if err != nil {
		return err
	}
	rows := make([][]any, len(bad))
	for i, b := range bad {
		rows[i] = []any{ids[i], tx.salt(), d.id, b.Row, b.Line, b.Field, b.Reason}
	}
	return tx.insert(refusalTable, rows...)
}

// Delivery gives one delivery. It gives ErrNotFound for one that the reader may
// not see.
func (r *Reader) Delivery(ctx context.Context, id casebook.ID) (casebook.Delivery, error) {
	d, err := scanDelivery(r.q.QueryRowContext(ctx, deliveryTable.selectSQL+` WHERE public = $1 AND `+r.sees(casebook.SharedDelivery), id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("delivery %s: %w", id.Text(casebook.DeliveryPrefix), casebook.ErrNotFound)
	}
	return d.Delivery, err
}

// Deliveries gives deliveries, newest first, from after the one named on; the
// zero ID starts at the newest.
func (r *Reader) Deliveries(ctx context.Context, after casebook.ID, limit int) ([]casebook.Delivery, error) {
	rows, err := r.q.QueryContext(ctx, deliveryTable.selectSQL+` WHERE `+r.sees(casebook.SharedDelivery)+before(after, 1)+` ORDER BY public DESC LIMIT $2`, after[:], limit)
	return collect(rows, err, func(rows *sql.Rows) (casebook.Delivery, error) {
		d, err := scanDelivery(rows)
		return d.Delivery, err
	})
}

// Waiting gives the deliveries that aren't done, oldest first, for the station
// that folds them.
func (r *Reader) Waiting(ctx context.Context, limit int) ([]casebook.Delivery, error) {
	rows, err := r.q.QueryContext(ctx, deliveryTable.selectSQL+` WHERE state = 0 ORDER BY id LIMIT $1`, limit)
	return collect(rows, err, func(rows *sql.Rows) (casebook.Delivery, error) {
		d, err := scanDelivery(rows)
		return d.Delivery, err
	})
}

// EveryDelivery gives all deliveries of the database, oldest first, for the audit
// and the backup of their bytes.
func (r *Reader) EveryDelivery(ctx context.Context) iter.Seq2[casebook.Delivery, error] {
	return func(yield func(casebook.Delivery, error) bool) {
		rows, err := r.q.QueryContext(ctx, deliveryTable.selectSQL+` ORDER BY id`)
		if err != nil {
			yield(casebook.Delivery{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			d, err := scanDelivery(rows)
			if !yield(d.Delivery, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(casebook.Delivery{}, err)
		}
	}
}

// Refusals gives the kept bad rows of a delivery in their order, from after a
// row's number on.
func (r *Reader) Refusals(ctx context.Context, id casebook.ID, afterRow int64, limit int) ([]casebook.Refusal, error) {
	rows, err := r.q.QueryContext(ctx, `SELECT row_no, line, field, reason FROM refusal
		WHERE delivery = (SELECT id FROM delivery WHERE public = $1 AND `+r.sees(casebook.SharedDelivery)+`) AND row_no > $2 ORDER BY id LIMIT $3`, id[:], afterRow, limit)
	return collect(rows, err, func(rows *sql.Rows) (b casebook.Refusal, err error) {
		return b, rows.Scan(&b.Row, &b.Line, &b.Field, &b.Reason)
	})
}
