package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/store"
)

// AddKey makes a key and gives its secret, which nobody can be told again. A machine's
// key has a name and scopes; a person's has the person's name in User and does what
// the person may. It gives ErrInvalid for a key that could do nothing, or that a party
// would see everybody's rows by.
func (d *Desk) AddKey(ctx context.Context, who casebook.Actor, k casebook.AccessKey) (casebook.AccessKey, string, error) {
	at := d.Now()
	k.Name = strings.TrimSpace(k.Name)
	switch {
	case k.Name == "" || len(k.Name) > 100 || strings.ContainsFunc(k.Name, unicode.IsControl):
		return k, "", fmt.Errorf("a key has a name of 1 to 100 octets, of the program that has it: %w", casebook.ErrInvalid)
	case slices.Contains([]string{"local", "loopback", "key", "setup"}, k.Name):
		return k, "", fmt.Errorf("the record names a door of the platform %q: name the program: %w", k.Name, casebook.ErrInvalid)
	case k.User != "" && len(k.Scopes) > 0:
		return k, "", fmt.Errorf("a person's key does what the person may: leave the scopes out, or make a machine's key: %w", casebook.ErrInvalid)
	case k.User != "" && !k.Party.IsZero():
		return k, "", fmt.Errorf("a person's key belongs to the person's party: leave the party out: %w", casebook.ErrInvalid)
	case !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(at):
		return k, "", fmt.Errorf("the key would expire at %s, which is past: %w", k.ExpiresAt.Format(time.RFC3339), casebook.ErrInvalid)
	}
	if k.User == "" {
		if err := access.CheckScopes(k.Scopes); err != nil {
			return k, "", err
		}
	}
	secret := access.NewSecret(access.KeyPrefix)
	k.Tenant, k.Shown, k.RecordedBy = 1, secret.Shown(), who.String()
	_, err := d.db.Write(ctx, store.Work{Kind: "key", Actor: who.String(), At: at}, func(tx *store.Tx) (err error) {
		k, err = tx.AddKey(k, secret.Digest)
		return err
	})
	return k, secret.Text, err
}

// RevokeKey ends a key for good.
func (d *Desk) RevokeKey(ctx context.Context, who casebook.Actor, id casebook.ID) (k casebook.AccessKey, err error) {
	_, err = d.db.Write(ctx, store.Work{Kind: "key", Actor: who.String(), At: d.Now()}, func(tx *store.Tx) error {
		k, err = tx.RevokeKey(id, who.String())
		return err
	})
	return k, err
}

// ByKey tells who holds the secret of a key. It gives ErrForbidden for one that isn't
// there, was revoked, has expired, or is a disabled person's.
func (d *Desk) ByKey(ctx context.Context, secret string) (access.Principal, error) {
	at := d.Now()
	k, u, err := d.db.Reader(casebook.Operator()).KeyOf(ctx, access.Digest(secret))
	if err != nil && !errors.Is(err, casebook.ErrNotFound) {
		return access.Principal{}, err
	}
	if err != nil || !k.At(at) {
		return access.Principal{}, fmt.Errorf("the key is not one of this platform, or it was revoked, or has expired: %w", casebook.ErrForbidden)
	}
	if at.Sub(k.UsedAt) >= 10*time.Minute {
		if _, err := d.db.Write(ctx, store.Work{Kind: "key used", At: at}, func(tx *store.Tx) error { return tx.UsedKey(k.ID) }); err != nil {
			return access.Principal{}, err
		}
	}
	if k.User != "" {
		return access.OfUser(u), nil
	}
	return access.OfKey(k), nil
}

// Answered gives the answer to a request that was sent before.
func (d *Desk) Answered(ctx context.Context, key [32]byte) (store.Answer, bool, error) {
	return d.db.Reader(casebook.Operator()).Answer(ctx, key, d.Now())
}

// KeepAnswer keeps the answer to a request that may be sent again.
func (d *Desk) KeepAnswer(ctx context.Context, a store.Answer) error {
	_, err := d.db.Write(ctx, store.Work{Kind: "answer", At: d.Now()}, func(tx *store.Tx) error { return tx.KeepAnswer(a) })
	return err
}
