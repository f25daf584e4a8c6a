// Package access says who may do what: the one table of roles, scopes and
// permissions, passwords, the secrets of sessions and keys, and the brake on
// guessing. It is handed values and the moment. Keeping accounts and keys is left to
// store, asking for them to desk, and cookies and headers to web.
package access

import (
	"slices"

	"tocsin/casebook"
)

// A Principal is who asks, once it is known who that is.
type Principal struct {
	Actor  casebook.Actor
	Tenant int64
	// Party in whose name the person or program acts; zero: the platform's own.
	Party casebook.ID
	// Whole: the platform's own process, or whoever owns its machine: may do all.
	Whole  bool
	Roles  []string // of a person
	Scopes []string // of a machine's key
}

// Operator is whoever reaches the platform as its own: by the local socket, or on
// loopback while there are no accounts.
func Operator(door string) Principal {
	return Principal{Actor: casebook.Actor{Kind: casebook.Machine, Name: door}, Tenant: 1, Whole: true}
}

// OfUser is a person who signed in.
func OfUser(u casebook.User) Principal {
	return Principal{Actor: casebook.Actor{Kind: casebook.Person, Name: u.Name}, Tenant: u.Tenant, Party: u.Party, Roles: u.Roles}
}

// OfKey is a machine with a key of its own.
func OfKey(k casebook.AccessKey) Principal {
	return Principal{Actor: casebook.Actor{Kind: casebook.Machine, Name: k.Name}, Tenant: k.Tenant, Party: k.Party, Scopes: k.Scopes}
}

// IsPerson reports whether a person asks, by session or by a key of their own.
func (p Principal) IsPerson() bool { return p.Actor.Kind == casebook.Person }

// May reports whether the one table lets a principal do something. The zero
// permission is nobody's.
func (p Principal) May(do Permission) bool {
	switch {
	case do == "":
		return false
	case do == Open, p.Whole:
		return true
	case do == Self:
		return p.Tenant != 0
	}
	return slices.ContainsFunc(p.grants(), func(g grant) bool { return slices.Contains(g.may, do) })
}

// grants are the rows of the table that hold for a principal. A row that is for
// people of a party says nothing to one of the platform's, and the other way round.
func (p Principal) grants() []grant {
	var all []grant
	for _, role := range p.Roles {
		if g, ok := roles[role]; ok && p.IsPerson() && g.ofParty == !p.Party.IsZero() {
			all = append(all, g)
		}
	}
	for _, scope := range p.Scopes {
		if g, ok := scopes[scope]; ok && !p.IsPerson() {
			all = append(all, g)
		}
	}
	return all
}

// Scope gives what a principal sees: all of its tenant for the platform's own
// people and programs whose row of the table says so, what was shared with it for a
// party's, nothing for anybody else.
func Scope(p Principal) casebook.Scope {
	if p.Whole {
		return casebook.Scope{Tenant: p.Tenant, All: true, MaxTLP: casebook.Red}
	}
	s := casebook.Scope{Tenant: p.Tenant, Party: p.Party, MaxTLP: casebook.Clear}
	for _, g := range p.grants() {
		s.All = s.All || g.all && p.Party.IsZero()
		s.MaxTLP = casebook.Stricter(s.MaxTLP, g.label)
	}
	if len(p.grants()) == 0 {
		return casebook.Scope{}
	}
	return s
}
