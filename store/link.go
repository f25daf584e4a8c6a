package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tocsin/casebook"
)

var linkTable = covered(51, "answer_link", `orders:i! digest:b! recorded_at:i! recorded_by:t! revoked_at:i revoked_by:t`)

const selectLinks = `SELECT l.id, l.salt, l.orders, l.digest, l.recorded_at, l.recorded_by, l.revoked_at, l.revoked_by, o.public
	FROM answer_link l JOIN orders o ON o.id = l.orders`

type linkRow struct {
	id, order    int64
	salt, digest []byte
	casebook.AnswerLink
}

func scanLink(s interface{ Scan(...any) error }) (*linkRow, error) {
	var l linkRow
	var order []byte
	var made, revoked int64
	err := s.Scan(&l.id, &l.salt, &l.order, &l.digest, &made, &l.MadeBy, &revoked, &l.RevokedBy, &order)
	copy(l.Order[:], order)
	l.MadeAt, l.RevokedAt = moment(made), moment(revoked)
	return &l, err
}

func (l *linkRow) row() []any {
	return []any{l.id, l.salt, l.order, octets(l.digest), micros(l.MadeAt), l.MadeBy, micros(l.RevokedAt), l.RevokedBy}
}

// AddLink keeps a link to answer an order by the digest of its secret.
func (tx *Tx) AddLink(order casebook.ID, digest [32]byte) error {
	o, err := tx.order(order)
	if err != nil {
		return err
	}
	l := linkRow{order: o.id, salt: tx.salt(), digest: digest[:], AnswerLink: casebook.AnswerLink{MadeAt: tx.at, MadeBy: tx.actor}}
	if l.id, err = tx.id("answer_link"); err != nil {
		return err
	}
	return tx.insert(linkTable, l.row())
}

// RevokeLinks ends every link of an order that is still good, and gives how many.
func (tx *Tx) RevokeLinks(order casebook.ID) (int, error) {
	rows, err := tx.query(selectLinks+` WHERE o.public = $1 AND l.revoked_at = 0 ORDER BY l.id`, order[:])
	links, err := collect(rows, err, func(rows *sql.Rows) (*linkRow, error) { return scanLink(rows) })
	for _, l := range links {
		l.RevokedAt, l.RevokedBy = tx.at, tx.actor
		if err := tx.update(linkTable, l.row()); err != nil {
			return 0, err
		}
	}
	return len(links), err
}

// Link gives a link by the digest of its secret. It gives ErrNotFound where there is
// none. Whether it still opens anything is for the caller to see.
func (r *Reader) Link(ctx context.Context, digest [32]byte) (casebook.AnswerLink, error) {
	l, err := scanLink(r.q.QueryRowContext(ctx, selectLinks+` WHERE l.digest = $1 AND `+r.seesOf(casebook.SharedOrder, "o"), digest[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("link: %w", casebook.ErrNotFound)
	}
	return l.AnswerLink, err
}

// Links gives the links of an order, first to last, to who sees all; others see none.
func (r *Reader) Links(ctx context.Context, order casebook.ID) ([]casebook.AnswerLink, error) {
	if !r.scope.All {
		return nil, nil
	}
	rows, err := r.q.QueryContext(ctx, selectLinks+` WHERE o.public = $1 AND `+r.labels("o")+` ORDER BY l.id`, order[:])
	return collect(rows, err, func(rows *sql.Rows) (casebook.AnswerLink, error) {
		l, err := scanLink(rows)
		return l.AnswerLink, err
	})
}
