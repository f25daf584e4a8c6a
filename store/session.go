package store

import (
	"context"
	"crypto/subtle"
	"database/sql"

	"tocsin/casebook"
)

// An OpenSession is a browser in which somebody is signed in.
type OpenSession struct {
	Session
	This bool // the one that asks
}

// Sessions gives the sessions of an account, the one used last first; this is the
// digest of the one that asks. Whose account it is, is for the caller to know.
func (r *Reader) Sessions(ctx context.Context, user casebook.ID, this [32]byte) ([]OpenSession, error) {
	rows, err := r.q.QueryContext(ctx, `SELECT s.digest, s.created_at, s.used_at FROM session s JOIN account a ON a.id = s.account
		WHERE a.public = $1 AND a.tenant = $2 ORDER BY s.used_at DESC, s.created_at DESC`, user[:], r.scope.Tenant)
	return collect(rows, err, func(rows *sql.Rows) (o OpenSession, err error) {
		var digest []byte
		var created, used int64
		err = rows.Scan(&digest, &created, &used)
		o.CreatedAt, o.UsedAt, o.This = moment(created), moment(used), subtle.ConstantTimeCompare(digest, this[:]) == 1
		return o, err
	})
}

// CloseSessions signs an account out everywhere but in the session of a digest.
func (tx *Tx) CloseSessions(user casebook.ID, but [32]byte) error {
	_, err := tx.exec(`DELETE FROM session WHERE account = (SELECT id FROM account WHERE public = $1) AND digest <> $2`, user[:], but[:])
	return err
}
