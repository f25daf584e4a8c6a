package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
)

// peopleView is the page of all accounts, with the form that makes one.
type peopleView struct {
	Form   form
	List   []personLine
	Roles  []string
	Made   *madeLink
	Search form
	Next   string // address of the next page, "" none
}

// personLine is an account in the list.
type personLine struct {
	casebook.User
	PartyName string
	Link      time.Time // until when a link is good by which they set a password, zero: there is none
}

// madeLink is a link that was just made. It is shown this once.
type madeLink struct {
	Kind string    `json:"kind" enum:"invitation"`
	User user      `json:"user"`
	Link string    `json:"link" doc:"By which the person sets their own password, once."`
	To   time.Time `json:"expires_at"`
}

// linkTo makes the link of a token, as this browser reaches the platform.
func (s *server) linkTo(x *exchange, u casebook.User, token string) *madeLink {
	scheme := "http"
	if x.request.TLS != nil {
		scheme = "https"
	}
	link := url.URL{Scheme: scheme, Host: x.request.Host, Path: "/join", RawQuery: url.Values{"token": {token}}.Encode()}
	return &madeLink{"invitation", viewUser(u), link.String(), s.desk.Now().Add(desk.InviteLife)}
}

func (s *server) peoplePage(x *exchange) error {
	return s.showPeople(x, peopleView{Form: blankForm(x)})
}

func (s *server) showPeople(x *exchange, v peopleView) error {
	ctx, r := x.request.Context(), s.desk.Reader(x.caller.scope)
	all, err := r.Users(ctx)
	if err != nil {
		return err
	}
	links, err := r.Invitations(ctx, s.desk.Now())
	if err != nil {
		return err
	}
	parties, err := r.Parties(ctx)
	if err != nil {
		return err
	}
	q := x.request.URL.Query()
	v.Roles, v.Search = access.Roles(), searched(q)
	var fit []personLine
	for _, u := range all {
		line := personLine{u, partyName(parties, u.Party), links[u.ID]}
		if text := strings.ToLower(q.Get("q")); strings.Contains(strings.ToLower(u.Name+" "+line.PartyName), text) {
			fit = append(fit, line)
		}
	}
	v.List, v.Next = cutPage(fit, q, func(l personLine) string { return l.ID.Text(casebook.UserPrefix) })
	return s.renderForms(x, "people", v.Form, v.Made != nil, v, pageOf(all, len(all), viewUser, nil).Body)
}

// partyName finds a party's name; "" where it has none.
func partyName(all []casebook.Party, id casebook.ID) string {
	for _, p := range all {
		if p.ID == id {
			return p.Name
		}
	}
	return ""
}

func (s *server) personForm(x *exchange) error {
	f, who, err := readAct(x, "user")
	if err != nil {
		return err
	}
	n := desk.NewUser{Name: f.text("name", 64, true), Roles: f.values["role"]}
	parties, err := s.desk.Reader(x.caller.scope).Parties(x.request.Context())
	if err != nil {
		return err
	}
	n.Party = f.partyOf("party", parties, s.desk.Now())
	f.checkRoles(n.Roles, !n.Party.IsZero())
	var u casebook.User
	var token string
	if err = f.err(); err == nil {
		u, token, err = s.desk.Invite(x.request.Context(), who, n)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/people", func() error { return s.showPeople(x, peopleView{Form: f}) })
	}
	keepName(x, who)
	made := s.linkTo(x, u, token)
	if !wantsPage(x.request) {
		return x.json(http.StatusCreated, made)
	}
	x.page = "/people"
	return s.showPeople(x, peopleView{Form: blankForm(x), Made: made})
}

// checkRoles says what is wrong with roles, where people can do something about it.
func (f *form) checkRoles(roles []string, ofParty bool) {
	switch {
	case len(roles) == 0:
		f.wrong("role", "fault.missing")
	case slices.ContainsFunc(roles, func(role string) bool { return !slices.Contains(access.Roles(), role) }):
		f.wrong("role", "fault.choice")
	case access.CheckRoles(roles, ofParty) != nil:
		f.wrong("role", "fault.roles")
	}
}

// personView is the page of one account.
type personView struct {
	casebook.User
	Form      form
	Edit      form // the roles, as they stand or as they were typed
	Roles     []string
	PartyName string
	Link      time.Time
	Signed    int  // browsers in which the person is signed in
	Self      bool // of who looks
	Made      *madeLink
	Done      string
}

func (s *server) personPage(x *exchange) error {
	return s.showPerson(x, x.request.PathValue("id"), personView{Form: blankForm(x), Done: x.request.URL.Query().Get("done")})
}

func (s *server) showPerson(x *exchange, text string, v personView) error {
	ctx, r := x.request.Context(), s.desk.Reader(x.caller.scope)
	id, err := casebook.ParseID(casebook.UserPrefix, text)
	if err != nil {
		return err
	}
	if v.User, err = r.User(ctx, id); err != nil {
		return err
	}
	links, err := r.Invitations(ctx, s.desk.Now())
	if err != nil {
		return err
	}
	_, open, err := s.desk.MySessions(ctx, access.OfUser(v.User).Actor, "")
	if err != nil {
		return err
	}
	parties, err := r.Parties(ctx)
	if err != nil {
		return err
	}
	v.Link, v.Signed, v.PartyName, v.Roles = links[id], len(open), partyName(parties, v.User.Party), access.Roles()
	p := x.caller.principal
	v.Self = p.IsPerson() && p.Actor.Name == v.User.Name
	if v.Edit = v.Form; v.Form.Name != "roles" {
		v.Edit.Name, v.Edit.Status, v.Edit.values = "roles", 0, url.Values{"role": v.User.Roles, "as": {v.Form.As}}
	}
	return s.renderForms(x, "person", v.Form, v.Made != nil, v, viewUser(v.User))
}

// personAct reads a form of an account's page and does one thing to the account.
func (s *server) personAct(x *exchange, name string, act func(ctx context.Context, f *form, who casebook.Actor, u casebook.User) (*madeLink, error)) error {
	f, who, err := readAct(x, name)
	if err != nil {
		return err
	}
	ctx, text := x.request.Context(), x.request.PathValue("id")
	id, err := casebook.ParseID(casebook.UserPrefix, text)
	if err != nil {
		return err
	}
	u, err := s.desk.Reader(x.caller.scope).User(ctx, id)
	if err != nil {
		return err
	}
	var made *madeLink
	if name == "roles" {
		f.checkRoles(f.values["role"], !u.Party.IsZero())
	}
	if err = f.err(); err == nil {
		made, err = act(ctx, &f, who, u)
	}
	address := "/people/" + u.ID.Text(casebook.UserPrefix)
	if err != nil {
		return s.refuseForm(x, &f, err, address, func() error { return s.showPerson(x, text, personView{Form: f}) })
	}
	keepName(x, who)
	if made != nil && wantsPage(x.request) {
		x.page = address
		return s.showPerson(x, text, personView{Form: blankForm(x), Made: made})
	}
	if made != nil {
		return x.json(http.StatusCreated, made)
	}
	return s.done(x, address+"?done="+name, func() (any, error) {
		u, err := s.desk.Reader(x.caller.scope).User(ctx, id)
		return viewUser(u), err
	})
}

func (s *server) rolesForm(x *exchange) error {
	return s.personAct(x, "roles", func(ctx context.Context, f *form, who casebook.Actor, u casebook.User) (*madeLink, error) {
		_, err := s.desk.ChangeUser(ctx, who, u.ID, desk.UserChange{Roles: f.values["role"]})
		return nil, err
	})
}

// ableForm gives the handler that disables an account, or enables it.
func (s *server) ableForm(name string, disabled bool) func(*exchange) error {
	return func(x *exchange) error {
		return s.personAct(x, name, func(ctx context.Context, _ *form, who casebook.Actor, u casebook.User) (*madeLink, error) {
			_, err := s.desk.ChangeUser(ctx, who, u.ID, desk.UserChange{Disabled: &disabled})
			return nil, err
		})
	}
}

func (s *server) resetForm(x *exchange) error {
	return s.personAct(x, "reset", func(ctx context.Context, _ *form, who casebook.Actor, u casebook.User) (*madeLink, error) {
		u, token, err := s.desk.Reinvite(ctx, who, u.ID)
		if err != nil {
			return nil, err
		}
		return s.linkTo(x, u, token), nil
	})
}
