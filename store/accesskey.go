package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tocsin/casebook"
)

var accessKeyTable = covered(34, "access_key", `public:b! tenant:i! name:t! shown:t! digest:b! scopes:t! party:b! account:i! expires_at:i! revoked_at:i recorded_by:t recorded_at:i`)

const selectKeys = `SELECT k.id, k.salt, k.public, k.tenant, k.name, k.shown, k.digest, k.scopes, k.party, k.account, k.expires_at, k.revoked_at, k.recorded_by, k.recorded_at,
	COALESCE(u.used_at, 0), COALESCE(a.name, '')
	FROM access_key k LEFT JOIN key_use u ON u.id = k.id LEFT JOIN account a ON a.id = k.account`

type keyRow struct {
	id      int64
	salt    []byte
	digest  []byte
	account int64
	casebook.AccessKey
}

func scanKey(s interface{ Scan(...any) error }) (*keyRow, error) {
	var k keyRow
	var public, party []byte
	var scopes string
	var expires, revoked, at, used int64
	err := s.Scan(&k.id, &k.salt, &public, &k.Tenant, &k.Name, &k.Shown, &k.digest, &scopes, &party, &k.account, &expires, &revoked, &k.RecordedBy, &at, &used, &k.User)
	copy(k.ID[:], public)
	copy(k.Party[:], party)
	k.Scopes, k.ExpiresAt, k.RevokedAt, k.RecordedAt, k.UsedAt = strings.Fields(scopes), moment(expires), moment(revoked), moment(at), moment(used)
	return &k, err
}

func (k *keyRow) row() []any {
	return []any{k.id, k.salt, k.ID[:], k.Tenant, k.Name, k.Shown, octets(k.digest), strings.Join(k.Scopes, " "), idOctets(k.Party), k.account,
		micros(k.ExpiresAt), micros(k.RevokedAt), k.RecordedBy, micros(k.RecordedAt)}
}

// AddKey keeps a key by the digest of its secret. It gives ErrNotFound for a user or a
// party that isn't there.
func (tx *Tx) AddKey(k casebook.AccessKey, digest [32]byte) (casebook.AccessKey, error) {
	row := keyRow{salt: tx.salt(), digest: digest[:], AccessKey: k}
	row.ID, row.Scopes, row.RecordedAt = casebook.NewID(tx.at), slices.Compact(slices.Sorted(slices.Values(k.Scopes))), tx.at
	if _, err := numberOf(tx.ctx, tx.conn, "party", casebook.PartyPrefix, k.Party); err != nil {
		return k, err
	}
	if k.User != "" {
		a, err := scanAccount(tx.row(selectAccounts+` WHERE a.tenant = $1 AND a.name = $2`, k.Tenant, k.User))
		if errors.Is(err, sql.ErrNoRows) {
			err = fmt.Errorf("user %.80q: %w", k.User, casebook.ErrNotFound)
		}
		if err != nil {
			return k, err
		}
		row.account = a.id
	}
	var err error
	if row.id, err = tx.id("access_key"); err != nil {
		return k, err
	}
	return row.AccessKey, tx.insert(accessKeyTable, row.row())
}

// RevokeKey ends a key for good. It gives ErrConflict for one that was revoked before.
func (tx *Tx) RevokeKey(id casebook.ID, by string) (casebook.AccessKey, error) {
	k, err := scanKey(tx.row(selectKeys+` WHERE k.public = $1`, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("key %s: %w", id.Text(casebook.KeyPrefix), casebook.ErrNotFound)
	}
	if err == nil && !k.RevokedAt.IsZero() {
		err = fmt.Errorf("key %s was revoked on %s already: %w", k.Name, k.RevokedAt.Format("2006-01-02 15:04:05 MST"), casebook.ErrConflict)
	}
	if err != nil {
		return casebook.AccessKey{}, err
	}
	k.RevokedAt, k.RecordedBy, k.RecordedAt = tx.at, by, tx.at
	return k.AccessKey, tx.update(accessKeyTable, k.row())
}

// UsedKey notes that a key was used.
func (tx *Tx) UsedKey(id casebook.ID) error {
	n, err := numberOf(tx.ctx, tx.conn, "access_key", casebook.KeyPrefix, id)
	if err == nil {
		_, err = tx.exec(`INSERT INTO key_use (id, used_at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET used_at = excluded.used_at`, n, micros(tx.at))
	}
	return err
}

// Keys gives all keys, newest first, to who sees all; others see none.
func (r *Reader) Keys(ctx context.Context) ([]casebook.AccessKey, error) {
	if !r.scope.All {
		return []casebook.AccessKey{}, nil
	}
	rows, err := r.q.QueryContext(ctx, selectKeys+` WHERE k.tenant = $1 ORDER BY k.id DESC`, r.scope.Tenant)
	return collect(rows, err, func(rows *sql.Rows) (casebook.AccessKey, error) {
		k, err := scanKey(rows)
		return k.AccessKey, err
	})
}

// KeyOf gives the key whose secret has a digest, and the account as which it acts, the
// zero account for a machine's. It gives ErrNotFound where there is none, or where the
// account is disabled. Whether the key is still good is for the caller to see.
func (r *Reader) KeyOf(ctx context.Context, digest [32]byte) (k casebook.AccessKey, u casebook.User, err error) {
	row, err := scanKey(r.q.QueryRowContext(ctx, selectKeys+` WHERE k.digest = $1`, digest[:]))
	if err == nil && row.account != 0 {
		var a *accountRow
		a, err = scanAccount(r.q.QueryRowContext(ctx, selectAccounts+` WHERE a.id = $1 AND a.disabled_at = 0`, row.account))
		u = a.User
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("key: %w", casebook.ErrNotFound)
	}
	return row.AccessKey, u, err
}
