package web

import (
	"fmt"
	"strings"
	"unicode"

	"tocsin/casebook"
)

// Acting is part of the body of every act that a person must do.
type Acting struct {
	As string `json:"as,omitempty" maxLength:"100" doc:"Name of the person who acts. Who is signed in, or sends a key of their own, acts as themselves and leaves it out. On the local socket, and on loopback until there are accounts, who reaches the platform vouches for it."`
}

// person gives the person who acts: the one who asks, or whom the platform's own
// process names. It gives ErrForbidden where a person would act as another, or a
// machine as anybody.
func (a Acting) person(x *exchange) (casebook.Actor, error) {
	name := strings.TrimSpace(a.As)
	p := x.caller.principal
	switch {
	case p.IsPerson() && name != "" && name != p.Actor.Name:
		return casebook.Actor{}, fmt.Errorf("as: %s is signed in and can't act as %.100q: leave it out: %w", p.Actor.Name, name, casebook.ErrForbidden)
	case p.IsPerson():
		return p.Actor, nil
	case !p.Whole:
		return casebook.Actor{}, fmt.Errorf("%s is a machine's key, and this is a person's act: use a key that is a person's: %w", p.Actor.Name, casebook.ErrForbidden)
	case name == "" || strings.ContainsFunc(name, unicode.IsControl):
		return casebook.Actor{}, fmt.Errorf("as: name the person who acts: %w", casebook.ErrInvalid)
	}
	return casebook.Actor{Kind: casebook.Person, Name: name}, nil
}
