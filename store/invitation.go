package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"tocsin/casebook"
)

// Invite keeps, by the digest of its token, a link by which the holder of an account
// sets their own password until it expires. Earlier links of the account end.
func (tx *Tx) Invite(user casebook.ID, digest [32]byte, expires time.Time) error {
	n, err := numberOf(tx.ctx, tx.conn, "account", casebook.UserPrefix, user)
	if err != nil {
		return err
	}
	if _, err := tx.exec(`DELETE FROM invitation WHERE account = $1 OR expires_at <= $2`, n, micros(tx.at)); err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO invitation (digest, account, made_at, expires_at) VALUES ($1, $2, $3, $4)`, digest[:], n, micros(tx.at), micros(expires))
	return err
}

// selectInvited finds the account to which a link leads.
var selectInvited = strings.Replace(selectAccounts, " FROM", ", v.expires_at FROM", 1) +
	` JOIN invitation v ON v.account = a.id WHERE v.digest = $1 AND a.disabled_at = 0`

func invited(row *sql.Row, at time.Time) (casebook.User, error) {
	var expires int64
	a, err := scanAccount(row, &expires)
	if errors.Is(err, sql.ErrNoRows) || err == nil && expires <= micros(at) {
		return casebook.User{}, fmt.Errorf("this link was used, or has expired, or another one was made: ask for a new one: %w", casebook.ErrNotFound)
	}
	return a.User, err
}

// Invited gives the account to which the link of a digest leads at a moment. It gives
// ErrNotFound for one that was used, has expired, or is of a disabled account.
func (r *Reader) Invited(ctx context.Context, digest [32]byte, at time.Time) (casebook.User, error) {
	return invited(r.q.QueryRowContext(ctx, selectInvited, digest[:]), at)
}

// TakeInvitation is the same within a write, and ends the link.
func (tx *Tx) TakeInvitation(digest [32]byte) (casebook.User, error) {
	u, err := invited(tx.row(selectInvited, digest[:]), tx.at)
	if err == nil {
		_, err = tx.exec(`DELETE FROM invitation WHERE digest = $1`, digest[:])
	}
	return u, err
}

// Invitations gives until when the accounts that have a link that can still be used
// have it, to who sees all.
func (r *Reader) Invitations(ctx context.Context, at time.Time) (map[casebook.ID]time.Time, error) {
	until := map[casebook.ID]time.Time{}
	if !r.scope.All {
		return until, nil
	}
	rows, err := r.q.QueryContext(ctx, `SELECT a.public, v.expires_at FROM invitation v JOIN account a ON a.id = v.account WHERE a.tenant = $1 AND v.expires_at > $2`, r.scope.Tenant, micros(at))
	_, err = collect(rows, err, func(rows *sql.Rows) (expires int64, err error) {
		var public []byte
		err = rows.Scan(&public, &expires)
		until[casebook.ID(public)] = moment(expires)
		return expires, err
	})
	return until, err
}
