package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/store"
)

// A NewUser is what an account is made of.
type NewUser struct {
	Name     string
	Password string
	Roles    []string
	Party    casebook.ID // in whose name the person acts; zero: the platform's own
}

// userName is what a person may be called: what they act by stands in the record, and
// must not look like a machine or a rule.
var userName = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,63}$`)

// AnyUser reports whether there is an account. While there is none, whoever reaches
// the platform on loopback is its operator.
func (d *Desk) AnyUser(ctx context.Context) (bool, error) {
	if d.peopled.Load() {
		return true, nil
	}
	any, err := d.db.Reader(casebook.Operator()).AnyUser(ctx)
	if any {
		d.peopled.Store(true)
	}
	return any, err
}

// AddUser makes an account. It gives ErrInvalid for a name, a password or roles that
// can't be, ErrConflict for a name that is taken.
func (d *Desk) AddUser(ctx context.Context, who casebook.Actor, n NewUser) (casebook.User, error) {
	return d.addUser(ctx, who, n, nil, nil)
}

// FirstUser makes the first account, of a person who runs the platform and works on
// cases. It gives ErrConflict once there is an account.
func (d *Desk) FirstUser(ctx context.Context, name, password string) (casebook.User, error) {
	who := casebook.Actor{Kind: casebook.Machine, Name: "setup"}
	return d.addUser(ctx, who, NewUser{Name: name, Password: password, Roles: []string{access.Administrator, access.Officer}}, func(tx *store.Tx) error {
		if any, err := tx.AnyUser(1); err != nil || !any {
			return err
		}
		return fmt.Errorf("there are accounts already: an administrator makes further ones: %w", casebook.ErrConflict)
	}, nil)
}

// addUser makes an account; before and after are part of the same commit, nil is nothing.
func (d *Desk) addUser(ctx context.Context, who casebook.Actor, n NewUser, before func(*store.Tx) error, after func(*store.Tx, casebook.User) error) (casebook.User, error) {
	at := d.Now()
	n.Name = strings.TrimSpace(n.Name)
	if !userName.MatchString(n.Name) {
		return casebook.User{}, fmt.Errorf("the name %.80q is none for an account: letters and digits, then dots, hyphens, underscores and @ too, at most 64: %w", n.Name, casebook.ErrInvalid)
	}
	if err := errors.Join(access.CheckRoles(n.Roles, !n.Party.IsZero()), access.CheckPassword(n.Name, n.Password)); err != nil {
		return casebook.User{}, err
	}
	hashed := access.HashPassword(n.Password)
	u := casebook.User{Tenant: 1, Name: n.Name, Roles: n.Roles, Party: n.Party, RecordedBy: who.String()}
	_, err := d.db.Write(ctx, store.Work{Kind: "user", Actor: who.String(), At: at}, func(tx *store.Tx) (err error) {
		if before != nil {
			err = before(tx)
		}
		if err == nil {
			u, err = tx.AddUser(u, hashed)
		}
		if err == nil && after != nil {
			err = after(tx, u)
		}
		return err
	})
	if err == nil {
		d.peopled.Store(true)
	}
	return u, err
}

// A UserChange is what changes of an account; what is left out stays.
type UserChange struct {
	Roles    []string
	Password string
	Disabled *bool
}

// ChangeUser changes an account. A new password, and being disabled, sign the person
// out everywhere. It gives ErrConflict where nobody would be left who can manage
// accounts.
func (d *Desk) ChangeUser(ctx context.Context, who casebook.Actor, id casebook.ID, c UserChange) (casebook.User, error) {
	at := d.Now()
	r := d.db.Reader(casebook.Operator())
	u, err := r.User(ctx, id)
	if err != nil {
		return u, err
	}
	hashed := ""
	if c.Password != "" {
		if err := access.CheckPassword(u.Name, c.Password); err != nil {
			return u, err
		}
		hashed = access.HashPassword(c.Password)
	}
	if c.Roles != nil {
		if err := access.CheckRoles(c.Roles, !u.Party.IsZero()); err != nil {
			return u, err
		}
		u.Roles = c.Roles
	}
	if c.Disabled != nil && *c.Disabled == u.DisabledAt.IsZero() {
		u.DisabledAt = time.Time{}
		if *c.Disabled {
			u.DisabledAt = at
		}
	}
	u.RecordedBy = who.String()
	_, err = d.db.Write(ctx, store.Work{Kind: "user", Actor: who.String(), At: at}, func(tx *store.Tx) (err error) {
		if err = leavesAnAdministrator(tx, u); err == nil {
			u, err = tx.ChangeUser(u, hashed)
		}
		return err
	})
	return u, err
}

func leavesAnAdministrator(tx *store.Tx, changed casebook.User) error {
	all, err := tx.Users(changed.Tenant)
	if err != nil {
		return err
	}
	manages := func(u casebook.User) bool {
		return u.DisabledAt.IsZero() && access.OfUser(u).May(access.ManageUsers)
	}
	had := slices.ContainsFunc(all, manages)
	for i, u := range all {
		if u.ID == changed.ID {
			all[i] = changed
		}
	}
	if had && !slices.ContainsFunc(all, manages) {
		return fmt.Errorf("nobody would be left who can manage accounts: make another %s first: %w", access.Administrator, casebook.ErrConflict)
	}
	return nil
}

// errSignIn says the same for a name that isn't there, a wrong password and a disabled
// account.
var errSignIn = fmt.Errorf("name and password don't belong together, or the account is disabled: %w", casebook.ErrForbidden)

// SignIn opens a session and gives the secret that the browser holds. It gives
// ErrForbidden, which doesn't tell why, and takes as long whether the name has an
// account or not. Slowing down who guesses is left to the caller.
func (d *Desk) SignIn(ctx context.Context, name, password string) (string, casebook.User, error) {
	at := d.Now()
	u, hashed, err := d.db.Reader(casebook.Operator()).Credential(ctx, strings.TrimSpace(name))
	if err != nil && !errors.Is(err, casebook.ErrNotFound) {
		return "", u, err
	}
	if !access.VerifyPassword(hashed, password) || !u.DisabledAt.IsZero() {
		return "", casebook.User{}, errSignIn
	}
	secret := access.NewSecret(access.SessionPrefix)
	_, err = d.db.Write(ctx, store.Work{Kind: "sign in", Actor: access.OfUser(u).Actor.String(), At: at}, func(tx *store.Tx) error {
		return errors.Join(tx.SweepSessions(at.Add(-d.sessionLife()), at.Add(-d.sessionIdle())), tx.OpenSession(u.ID, secret.Digest))
	})
	return secret.Text, u, err
}

func (d *Desk) sessionLife() time.Duration { return cmp.Or(d.sessions, access.SessionLife) }
func (d *Desk) sessionIdle() time.Duration { return cmp.Or(d.sessions, access.SessionIdle) }

// SignOut closes the session of a secret; one that isn't there is closed already.
func (d *Desk) SignOut(ctx context.Context, secret string) error {
	_, err := d.db.Write(ctx, store.Work{Kind: "sign out", At: d.Now()}, func(tx *store.Tx) error { return tx.CloseSession(access.Digest(secret)) })
	return err
}

// BySession tells who holds the secret of a session. It gives ErrForbidden for one that
// isn't there, or wasn't used for access.SessionIdle, or is older than
// access.SessionLife.
func (d *Desk) BySession(ctx context.Context, secret string) (access.Principal, error) {
	at := d.Now()
	s, err := d.db.Reader(casebook.Operator()).Session(ctx, access.Digest(secret))
	if err != nil && !errors.Is(err, casebook.ErrNotFound) {
		return access.Principal{}, err
	}
	if err != nil || at.Sub(s.CreatedAt) >= d.sessionLife() || at.Sub(s.UsedAt) >= d.sessionIdle() {
		return access.Principal{}, fmt.Errorf("the session ended: sign in again: %w", casebook.ErrForbidden)
	}
	if at.Sub(s.UsedAt) >= time.Minute {
		_, err = d.db.Write(ctx, store.Work{Kind: "session", At: at}, func(tx *store.Tx) error { return tx.TouchSession(access.Digest(secret)) })
	}
	return access.OfUser(s.User), err
}

// HasPassword reports whether a password is the person's.
func (d *Desk) HasPassword(ctx context.Context, who casebook.Actor, password string) (bool, error) {
	_, hashed, err := d.db.Reader(casebook.Operator()).Credential(ctx, who.Name)
	return err == nil && access.VerifyPassword(hashed, password), err
}

// ChangeMyPassword gives the person who acts another password.
func (d *Desk) ChangeMyPassword(ctx context.Context, who casebook.Actor, password string) (casebook.User, error) {
	u, _, err := d.db.Reader(casebook.Operator()).Credential(ctx, who.Name)
	if err != nil {
		return u, err
	}
	return d.ChangeUser(ctx, who, u.ID, UserChange{Password: password})
}
