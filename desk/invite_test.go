package desk_test

import (
	"errors"
	"testing"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
)

const longPassword = "five green herons wade"

// TestALinkSetsAPassword: who is invited chooses a password that nobody else knows; a
// new link ends the old password, and a link is good once.
func TestALinkSetsAPassword(t *testing.T) {
	o := open(t, t.TempDir())
	u, token, err := o.Invite(t.Context(), alice, desk.NewUser{Name: "li", Roles: []string{access.Officer}})
	if err != nil {
		t.Fatal(err)
	}
	signsIn := func(password string) bool {
		t.Helper()
		_, _, err := o.SignIn(t.Context(), "li", password)
		if err != nil && !errors.Is(err, casebook.ErrForbidden) {
			t.Fatal(err)
		}
		return err == nil
	}
	if signsIn("") || signsIn(token) {
		t.Error("who has only the link is let in")
	}
	if _, err := o.Join(t.Context(), token, "short"); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("a short password: %v", err)
	}
	if joined, err := o.Join(t.Context(), token, longPassword); err != nil || joined.Name != "li" || joined.RecordedBy != "person:li" {
		t.Errorf("got %+v (%v)", joined, err)
	}
	if !signsIn(longPassword) {
		t.Error("the password doesn't open the account")
	}
	if _, err := o.Join(t.Context(), token, "another five green herons"); !errors.Is(err, casebook.ErrNotFound) {
		t.Errorf("the link a second time: %v", err)
	}
	secret, _, err := o.SignIn(t.Context(), "li", longPassword)
	if err != nil {
		t.Fatal(err)
	}
	_, again, err := o.Reinvite(t.Context(), alice, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.BySession(t.Context(), secret); !errors.Is(err, casebook.ErrForbidden) || signsIn(longPassword) {
		t.Errorf("after a reset the old session or password is good still: %v", err)
	}
	if _, _, err := o.Reinvite(t.Context(), casebook.Actor{Kind: casebook.Person, Name: "li"}, u.ID); !errors.Is(err, casebook.ErrConflict) {
		t.Errorf("one's own: %v", err)
	}
	o.at(desk.InviteLife + time.Hour)
	if _, err := o.Join(t.Context(), again, longPassword); !errors.Is(err, casebook.ErrNotFound) {
		t.Errorf("the link once it expired: %v", err)
	}
	o.wantSound()
}

// TestSignedOutElsewhere: who signs out elsewhere stays where they are.
func TestSignedOutElsewhere(t *testing.T) {
	o := open(t, t.TempDir())
	if _, err := o.AddUser(t.Context(), alice, desk.NewUser{Name: "li", Password: longPassword, Roles: []string{access.Officer}}); err != nil {
		t.Fatal(err)
	}
	li := casebook.Actor{Kind: casebook.Person, Name: "li"}
	var secrets []string
	for range 2 {
		secret, _, err := o.SignIn(t.Context(), "li", longPassword)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, secret)
	}
	if _, all, err := o.MySessions(t.Context(), li, secrets[1]); err != nil || len(all) != 2 {
		t.Errorf("got %+v (%v)", all, err)
	}
	if err := o.SignOutElsewhere(t.Context(), li, secrets[1]); err != nil {
		t.Fatal(err)
	}
	_, all, err := o.MySessions(t.Context(), li, secrets[1])
	if err != nil || len(all) != 1 || !all[0].This {
		t.Errorf("got %+v (%v)", all, err)
	}
	if _, err := o.BySession(t.Context(), secrets[0]); !errors.Is(err, casebook.ErrForbidden) {
		t.Errorf("the other browser: %v", err)
	}
}
