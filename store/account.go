package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

var accountTable = covered(33, "account", `public:b! tenant:i! name:t! roles:t party:b! password:t disabled_at:i recorded_by:t recorded_at:i`)

type accountRow struct {
	id       int64
	salt     []byte
	password string
	casebook.User
}

const selectAccounts = `SELECT a.id, a.salt, a.public, a.tenant, a.name, a.roles, a.party, a.password, a.disabled_at, a.recorded_by, a.recorded_at FROM account a`

func (a *accountRow) into(public, party *[]byte, roles *string, disabled, at *int64) []any {
	return []any{&a.id, &a.salt, public, &a.Tenant, &a.Name, roles, party, &a.password, disabled, &a.RecordedBy, at}
}

func scanAccount(s interface{ Scan(...any) error }, more ...any) (*accountRow, error) {
	var a accountRow
	var public, party []byte
	var roles string
	var disabled, at int64
	err := s.Scan(append(a.into(&public, &party, &roles, &disabled, &at), more...)...)
	copy(a.ID[:], public)
	copy(a.Party[:], party)
	a.Roles, a.DisabledAt, a.RecordedAt = strings.Fields(roles), moment(disabled), moment(at)
	return &a, err
}

func (a *accountRow) row() []any {
	return []any{a.id, a.salt, a.ID[:], a.Tenant, a.Name, strings.Join(a.Roles, " "), idOctets(a.Party), a.password, micros(a.DisabledAt), a.RecordedBy, micros(a.RecordedAt)}
}

// idOctets writes a public name that may be missing.
func idOctets(id casebook.ID) []byte {
	if id.IsZero() {
		return []byte{}
	}
	return id[:]
}

// AddUser makes an account with a hashed password. It gives ErrConflict where the name
// has one already.
func (tx *Tx) AddUser(u casebook.User, password string) (casebook.User, error) {
	_, err := scanAccount(tx.row(selectAccounts+` WHERE a.tenant = $1 AND a.name = $2`, u.Tenant, u.Name))
	if err == nil {
		return u, fmt.Errorf("there is an account %s already: %w", u.Name, casebook.ErrConflict)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return u, err
	}
	if _, err := numberOf(tx.ctx, tx.conn, "party", casebook.PartyPrefix, u.Party); err != nil {
		return u, err
	}
	a := accountRow{salt: tx.salt(), password: password, User: u}
	a.ID, a.Roles, a.RecordedAt = casebook.NewID(tx.at), slices.Compact(slices.Sorted(slices.Values(u.Roles))), tx.at
	if a.id, err = tx.id("account"); err != nil {
		return u, err
	}
	return a.User, tx.insert(accountTable, a.row())
}

// ChangeUser changes what may change of an account: its roles and since when it is
// disabled; with a new hashed password, that too. What was signed in before and can't
// be any more is signed out: all of it, for a new password or a disabled account.
func (tx *Tx) ChangeUser(u casebook.User, password string) (casebook.User, error) {
	a, err := scanAccount(tx.row(selectAccounts+` WHERE a.public = $1`, u.ID[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("user %s: %w", u.ID.Text(casebook.UserPrefix), casebook.ErrNotFound)
	}
	if err != nil {
		return u, err
	}
	a.Roles, a.DisabledAt = slices.Compact(slices.Sorted(slices.Values(u.Roles))), u.DisabledAt
	a.RecordedBy, a.RecordedAt = u.RecordedBy, tx.at
	if password != "" {
		a.password = password
	}
	if password != "" || !a.DisabledAt.IsZero() {
		if _, err := tx.exec(`DELETE FROM session WHERE account = $1`, a.id); err != nil {
			return u, err
		}
	}
	return a.User, tx.update(accountTable, a.row())
}

// AnyUser reports whether there is an account, disabled ones among them.
func (r *Reader) AnyUser(ctx context.Context) (bool, error) {
	var n int64
	err := r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM account WHERE tenant = $1 LIMIT 1) AS one`, r.scope.Tenant).Scan(&n)
	return n > 0, err
}

// AnyUser is the same for a write: the first account is made once.
func (tx *Tx) AnyUser(tenant int64) (bool, error) {
	var n int64
	err := tx.row(`SELECT COUNT(*) FROM (SELECT 1 FROM account WHERE tenant = $1 LIMIT 1) AS one`, tenant).Scan(&n)
	return n > 0, err
}

// Users gives all accounts of a tenant as they are in this write, by name.
func (tx *Tx) Users(tenant int64) ([]casebook.User, error) {
	rows, err := tx.query(selectAccounts+` WHERE a.tenant = $1 ORDER BY a.name`, tenant)
	return collect(rows, err, users)
}

func users(rows *sql.Rows) (casebook.User, error) {
	a, err := scanAccount(rows)
	return a.User, err
}

// Users gives all accounts by name, to who sees all; others see none.
func (r *Reader) Users(ctx context.Context) ([]casebook.User, error) {
	if !r.scope.All {
		return []casebook.User{}, nil
	}
	rows, err := r.q.QueryContext(ctx, selectAccounts+` WHERE a.tenant = $1 ORDER BY a.name`, r.scope.Tenant)
	return collect(rows, err, users)
}

// User gives one account. It gives ErrNotFound for one that the reader doesn't see.
func (r *Reader) User(ctx context.Context, id casebook.ID) (casebook.User, error) {
	a, err := scanAccount(r.q.QueryRowContext(ctx, selectAccounts+` WHERE a.public = $1 AND a.tenant = $2`, id[:], r.scope.Tenant))
	if errors.Is(err, sql.ErrNoRows) || err == nil && !r.scope.All {
		return casebook.User{}, fmt.Errorf("user %s: %w", id.Text(casebook.UserPrefix), casebook.ErrNotFound)
	}
	return a.User, err
}

// Credential gives the account of a name with its hashed password, for the station
// that signs people in. It gives ErrNotFound where there is none.
func (r *Reader) Credential(ctx context.Context, name string) (casebook.User, string, error) {
	a, err := scanAccount(r.q.QueryRowContext(ctx, selectAccounts+` WHERE a.tenant = $1 AND a.name = $2`, r.scope.Tenant, clean(name)))
	if errors.Is(err, sql.ErrNoRows) {
		return casebook.User{}, "", fmt.Errorf("an account of that name: %w", casebook.ErrNotFound)
	}
	return a.User, a.password, err
}

// A Session is a person signed in at a browser.
type Session struct {
	User      casebook.User
	CreatedAt time.Time
	UsedAt    time.Time
}

// OpenSession keeps that somebody signed in, by the digest of what their browser holds.
func (tx *Tx) OpenSession(user casebook.ID, digest [32]byte) error {
	n, err := numberOf(tx.ctx, tx.conn, "account", casebook.UserPrefix, user)
	if err == nil {
		_, err = tx.exec(`INSERT INTO session (digest, account, created_at, used_at) VALUES ($1, $2, $3, $3)`, digest[:], n, micros(tx.at))
	}
	return err
}

// TouchSession notes that a session is in use.
func (tx *Tx) TouchSession(digest [32]byte) error {
	_, err := tx.exec(`UPDATE session SET used_at = $2 WHERE digest = $1`, digest[:], micros(tx.at))
	return err
}

// CloseSession signs a browser out.
func (tx *Tx) CloseSession(digest [32]byte) error {
	_, err := tx.exec(`DELETE FROM session WHERE digest = $1`, digest[:])
	return err
}

// SweepSessions removes sessions that began or were used too long ago.
func (tx *Tx) SweepSessions(begun, used time.Time) error {
	_, err := tx.exec(`DELETE FROM session WHERE created_at <= $1 OR used_at <= $2`, micros(begun), micros(used))
	return err
}

// Session gives who is signed in by a digest. It gives ErrNotFound for one that was
// closed, was never opened, or is of a disabled account.
func (r *Reader) Session(ctx context.Context, digest [32]byte) (s Session, err error) {
	var created, used int64
	query := strings.Replace(selectAccounts, " FROM", ", s.created_at, s.used_at FROM", 1)
	a, err := scanAccount(r.q.QueryRowContext(ctx, query+` JOIN session s ON s.account = a.id WHERE s.digest = $1 AND a.disabled_at = 0`, digest[:]), &created, &used)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("session: %w", casebook.ErrNotFound)
	}
	return Session{a.User, moment(created), moment(used)}, err
}
