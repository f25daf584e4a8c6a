package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"tocsin/casebook"
)

var orderPassedTable = covered(46, "order_passed", `orders:i! due:i! recorded_at:i!`)

// undone narrows orders to served ones with rows undone, see casebook.OrderRow.Undone.
var undone = fmt.Sprintf(`o.state = %d
	AND EXISTS (SELECT 1 FROM order_row w WHERE w.orders = o.id AND (w.state IN (%d, %d) OR w.state = %d AND w.answer = %d))`,
	casebook.ServedOrder, casebook.SentRow, casebook.ReopenedRow, casebook.AnsweredRow, casebook.AnswerNeedsLonger)

// untoldLimit narrows orders to those with rows undone of whose limit nobody was told.
var untoldLimit = ` WHERE NOT EXISTS (SELECT 1 FROM order_passed d WHERE d.orders = o.id AND d.due = o.due) AND ` + undone

// Undone tells which of some orders still wait for their party: they were served, and
// rows of them are undone.
func (r *Reader) Undone(ctx context.Context, ids []casebook.ID) (map[casebook.ID]bool, error) {
	waits := map[casebook.ID]bool{}
	if len(ids) == 0 {
		return waits, nil
	}
	if len(ids) > maxNamed {
		return nil, fmt.Errorf("%d orders asked for at once, at most %d: %w", len(ids), maxNamed, casebook.ErrTooLarge)
	}
	w := where{text: undone}
	w.and("o.public IN ("+places(len(ids))+")", octetsOf(ids)...)
	rows, err := r.q.QueryContext(ctx, `SELECT o.public FROM orders o WHERE `+w.text, w.args...)
	all, err := collect(rows, err, func(rows *sql.Rows) (id casebook.ID, err error) {
		var public []byte
		err = rows.Scan(&public)
		copy(id[:], public)
		return id, err
	})
	for _, id := range all {
		waits[id] = true
	}
	return waits, err
}

// OrdersWaiting gives orders that wait for somebody, those with the soonest limit first, then
// the oldest: drafts that somebody else than one person wrote, approved ones, or served ones
// with rows undone.
func (r *Reader) OrdersWaiting(ctx context.Context, state casebook.OrderState, notBy string, limit int) ([]casebook.Order, error) {
	w := where{text: r.seesOf(casebook.SharedOrder, "o"), args: []any{limit}}
	switch w.and("o.state = ?", int64(state)); state {
	case casebook.DraftOrder:
		w.and("o.recorded_by <> ?", notBy)
	case casebook.ServedOrder:
		w.and(undone)
	}
	rows, err := r.q.QueryContext(ctx, selectOrders+` WHERE `+w.text+` ORDER BY o.due, o.id LIMIT $1`, w.args...)
	return collect(rows, err, func(rows *sql.Rows) (casebook.Order, error) {
		o, err := scanOrder(rows)
		return o.Order, err
	})
}

// NextLimit gives the soonest limit that is to be told; zero when none is.
func (r *Reader) NextLimit(ctx context.Context) (time.Time, error) {
	var due int64
	err := r.q.QueryRowContext(ctx, `SELECT COALESCE(MIN(o.due), 0) FROM orders o`+untoldLimit).Scan(&due)
	return moment(due), err
}

// Overdue gives orders whose limit passed by a moment with rows undone and of which
// nobody was told yet, the longest passed first.
func (tx *Tx) Overdue(by time.Time, limit int) ([]casebook.Order, error) {
	rows, err := tx.query(selectOrders+untoldLimit+` AND o.due < $1 ORDER BY o.due, o.id LIMIT $2`, micros(by), limit)
	return collect(rows, err, func(rows *sql.Rows) (casebook.Order, error) {
		o, err := scanOrder(rows)
		return o.Order, err
	})
}

// ToldLimit writes that people were told of an order's limit, the one that it has now.
func (tx *Tx) ToldLimit(id casebook.ID) error {
	o, err := tx.order(id)
	if err != nil {
		return err
	}
	n, err := tx.id("order_passed")
	if err != nil {
		return err
	}
	return tx.insert(orderPassedTable, []any{n, tx.salt(), o.id, micros(o.Due), micros(tx.at)})
}

// HandedOn reports whether a finding of an order is in another one of the incident that
// was drafted later and isn't withdrawn: what became of it counts there.
func (tx *Tx) HandedOn(order, finding casebook.ID) (ok bool, err error) {
	var n int64
	err = tx.row(`SELECT COUNT(*) FROM orders o JOIN order_row w ON w.orders = o.id JOIN finding f ON f.id = w.finding
		JOIN orders was ON was.public = $1
		WHERE f.public = $2 AND o.incident = was.incident AND o.id > was.id AND o.state <> $3`, order[:], finding[:], int64(casebook.WithdrawnOrder)).Scan(&n)
	return n > 0, err
}
