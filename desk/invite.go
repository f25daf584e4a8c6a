package desk

import (
	"context"
	"fmt"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/store"
)

// InviteLife is how long a link lives by which a person sets their own password.
const InviteLife = 72 * time.Hour

// Invite makes an account without a password, and gives the token of the link by which
// its holder sets one: nobody else ever knows it. It gives what AddUser does.
func (d *Desk) Invite(ctx context.Context, who casebook.Actor, n NewUser) (casebook.User, string, error) {
	at, token := d.Now(), access.NewSecret(access.InvitePrefix)
	// A password of the platform's making, which nobody is told.
	n.Password = access.NewSecret(access.InvitePrefix).Text
	u, err := d.addUser(ctx, who, n, nil, func(tx *store.Tx, u casebook.User) error {
		return tx.Invite(u.ID, token.Digest, at.Add(InviteLife))
	})
	return u, token.Text, err
}

// Reinvite gives the token of a new link for an account. The password until now ends,
// and so do its holder's sessions. It gives ErrConflict for a disabled account, and for
// one's own: that one's password its holder changes.
func (d *Desk) Reinvite(ctx context.Context, who casebook.Actor, id casebook.ID) (casebook.User, string, error) {
	at := d.Now()
	u, err := d.db.Reader(casebook.Operator()).User(ctx, id)
	switch {
	case err != nil:
		return u, "", err
	case !u.DisabledAt.IsZero():
		return u, "", fmt.Errorf("the account %s is disabled: enable it first: %w", u.Name, casebook.ErrConflict)
	case who.Kind == casebook.Person && who.Name == u.Name:
		return u, "", fmt.Errorf("this is your own account: change its password under your account: %w", casebook.ErrConflict)
	}
	token := access.NewSecret(access.InvitePrefix)
	hashed := access.HashPassword(access.NewSecret(access.InvitePrefix).Text)
	u.RecordedBy = who.String()
	_, err = d.db.Write(ctx, store.Work{Kind: "user", Actor: who.String(), At: at}, func(tx *store.Tx) (err error) {
		if u, err = tx.ChangeUser(u, hashed); err == nil {
			err = tx.Invite(u.ID, token.Digest, at.Add(InviteLife))
		}
		return err
	})
	return u, token.Text, err
}

// Invited tells to whose account the token of a link leads. It gives ErrNotFound for one
// that was used, has expired, or was replaced.
func (d *Desk) Invited(ctx context.Context, token string) (casebook.User, error) {
	return d.db.Reader(casebook.Operator()).Invited(ctx, access.Digest(token), d.Now())
}

// Join sets the password of the account to which the token of a link leads, in the name
// of its holder, and ends the link. It gives ErrInvalid for a password that is guessed
// too easily: the link stays.
func (d *Desk) Join(ctx context.Context, token, password string) (casebook.User, error) {
	at := d.Now()
	u, err := d.Invited(ctx, token)
	if err == nil {
		err = access.CheckPassword(u.Name, password)
	}
	if err != nil {
		return u, err
	}
	hashed, who := access.HashPassword(password), access.OfUser(u).Actor
	_, err = d.db.Write(ctx, store.Work{Kind: "user", Actor: who.String(), At: at}, func(tx *store.Tx) (err error) {
		if u, err = tx.TakeInvitation(access.Digest(token)); err != nil {
			return err
		}
		u.RecordedBy = who.String()
		u, err = tx.ChangeUser(u, hashed)
		return err
	})
	return u, err
}

// MySessions gives the account of the person who acts and the sessions in which they are
// signed in; secret is that of the session that asks.
func (d *Desk) MySessions(ctx context.Context, who casebook.Actor, secret string) (casebook.User, []store.OpenSession, error) {
	r := d.db.Reader(casebook.Operator())
	u, _, err := r.Credential(ctx, who.Name)
	if err != nil {
		return u, nil, err
	}
	at := d.Now()
	all, err := r.Sessions(ctx, u.ID, access.Digest(secret))
	var open []store.OpenSession
	for _, s := range all {
		if at.Sub(s.CreatedAt) < access.SessionLife && at.Sub(s.UsedAt) < access.SessionIdle {
			open = append(open, s)
		}
	}
	return u, open, err
}

// SignOutElsewhere ends all sessions of the person who acts but the one of a secret.
func (d *Desk) SignOutElsewhere(ctx context.Context, who casebook.Actor, secret string) error {
	u, _, err := d.db.Reader(casebook.Operator()).Credential(ctx, who.Name)
	if err != nil {
		return err
	}
	_, err = d.db.Write(ctx, store.Work{Kind: "sign out", Actor: who.String(), At: d.Now()}, func(tx *store.Tx) error {
		return tx.CloseSessions(u.ID, access.Digest(secret))
	})
	return err
}
