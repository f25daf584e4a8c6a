package web

import (
	"fmt"
	"strings"
	"unicode"

	"tocsin/casebook"
)

// Acting is part of the body of every act that a person must do.
type Acting struct {
	As string `json:"as" required:"true" minLength:"1" maxLength:"100" doc:"Name of the person who acts. Until there are accounts, who reaches the platform as its operator vouches for it."`
}

// person gives the person who acts.
func (a Acting) person() (casebook.Actor, error) {
	name := strings.TrimSpace(a.As)
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) }) {
		return casebook.Actor{}, fmt.Errorf("as: name the person who acts: %w", casebook.ErrInvalid)
	}
	return casebook.Actor{Kind: casebook.Person, Name: name}, nil
}
