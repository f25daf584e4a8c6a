package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/store"
)

// accountView is the page of who is signed in, about themselves.
type accountView struct {
	casebook.User
	Form      form
	Person    bool   // a person asks, and not a program or who owns the machine
	As        string // how the record names who asks
	PartyName string
	Sessions  []store.OpenSession
	Done      string
	Languages []string
}

// Elsewhere reports whether the person is signed in in another browser too.
func (v accountView) Elsewhere() bool {
	here := false
	for _, s := range v.Sessions {
		here = here || s.This
	}
	return here && len(v.Sessions) > 1
}

func (s *server) accountPage(x *exchange) error {
	return s.showAccount(x, accountView{Form: blankForm(x), Done: x.request.URL.Query().Get("done")})
}

func (s *server) showAccount(x *exchange, v accountView) (err error) {
	p := x.caller.principal
	v.Person, v.As = p.IsPerson(), p.Actor.String()
	for _, l := range s.site.languages {
		v.Languages = append(v.Languages, l.tag)
	}
	if v.Person {
		if v.User, v.Sessions, err = s.desk.MySessions(x.request.Context(), p.Actor, sessionOf(x.request)); err != nil {
			return err
		}
	}
	if !p.Party.IsZero() {
		party, err := s.desk.Reader(x.caller.scope).Party(x.request.Context(), p.Party)
		if err != nil && !errors.Is(err, casebook.ErrNotFound) {
			return err
		}
		v.PartyName = party.Name
	}
	if v.Form.Status != 0 {
		s.show(x, v.Form.Status, "account", v)
		return nil
	}
	return s.render(x, "account", v, me{"me", p.Actor.String(), p.Actor.Name, p.IsPerson(), list(p.Roles), list(p.Scopes), partyText(p.Party)})
}

// wantsPerson refuses who has no account.
func wantsPerson(x *exchange) error {
	if p := x.caller.principal; !p.IsPerson() {
		return newProblem(http.StatusForbidden, p.Actor.Name+" is no person and has no account")
	}
	return nil
}

func (s *server) myPasswordForm(x *exchange) error {
	f, err := readForm(x, "password")
	if err == nil {
		err = wantsPerson(x)
	}
	if err != nil {
		return err
	}
	old, password := f.values.Get("old"), f.values.Get("password")
	if old == "" {
		f.wrong("old", "fault.missing")
	}
	f.checkPassword(x.caller.principal.Actor.Name, password)
	if password != f.values.Get("again") && !f.Wrong("password") {
		f.wrong("again", "fault.differ")
	}
	if err = f.err(); err == nil {
		err = s.tryPassword(x.request.Context(), x, x.caller.principal, old)
		if p := (*problem)(nil); errors.As(err, &p) && p.Status == http.StatusForbidden {
			f.wrong("old", "fault.old")
		}
	}
	if err == nil {
		_, err = s.desk.ChangeMyPassword(x.request.Context(), x.caller.principal.Actor, password)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/account", func() error { return s.showAccount(x, accountView{Form: f}) })
	}
	// The new password signs out everywhere, here too.
	setSession(x, "", -1)
	return s.done(x, "/signin", func() (any, error) { return map[string]string{"kind": "done"}, nil })
}

// checkPassword says what is wrong with a password, as far as people need to be told.
func (f *form) checkPassword(name, password string) {
	switch err := access.CheckPassword(name, password); {
	case password == "":
		f.wrong("password", "fault.missing")
	case err != nil && len([]rune(password)) < access.MinPassword:
		f.wrong("password", "fault.short", "least", access.MinPassword)
	case err != nil:
		f.wrong("password", "fault.guessed")
	}
}

func (s *server) elsewhereForm(x *exchange) error {
	f, err := readForm(x, "elsewhere")
	if err == nil {
		err = wantsPerson(x)
	}
	if err != nil {
		return err
	}
	secret := sessionOf(x.request)
	if secret == "" {
		err = fmt.Errorf("who sends a key isn't signed in here, and has no other place to sign out of: %w", casebook.ErrConflict)
	} else {
		err = s.desk.SignOutElsewhere(x.request.Context(), x.caller.principal.Actor, secret)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/account", func() error { return s.showAccount(x, accountView{Form: f}) })
	}
	return s.done(x, "/account?done=elsewhere", func() (any, error) { return map[string]string{"kind": "done"}, nil })
}

// joinView is the page on which who was invited sets their own password.
type joinView struct {
	Form  form
	Name  string
	Roles []string
	Token string
}

func (s *server) joinPage(x *exchange) error {
	return s.showJoin(x, joinView{Token: x.request.URL.Query().Get("token")})
}

func (s *server) showJoin(x *exchange, v joinView) error {
	u, err := s.desk.Invited(x.request.Context(), v.Token)
	if err != nil {
		return err
	}
	v.Name, v.Roles = u.Name, u.Roles
	s.show(x, max(http.StatusOK, v.Form.Status), "join", v)
	return nil
}

func (s *server) joinForm(x *exchange) error {
	values, err := readDoor(x)
	if err != nil {
		return err
	}
	f := form{Name: "join", values: values}
	token, password := strings.TrimSpace(values.Get("token")), values.Get("password")
	u, err := s.desk.Invited(x.request.Context(), token)
	if err != nil {
		return err
	}
	f.checkPassword(u.Name, password)
	if password != values.Get("again") && !f.Wrong("password") {
		f.wrong("again", "fault.differ")
	}
	if err = f.err(); err == nil {
		_, err = s.desk.Join(x.request.Context(), token, password)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/join", func() error { return s.showJoin(x, joinView{Form: f, Token: token}) })
	}
	return s.done(x, "/signin", func() (any, error) { return viewUser(u), nil })
}
