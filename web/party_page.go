package web

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"tocsin/casebook"
	"tocsin/regime"
)

// partiesView is the page of all parties, with the form that keeps one.
type partiesView struct {
	Form  form
	List  []casebook.Party
	Roles []string
	Done  string // name of the party that was just kept
}

// Chosen reports whether a role was chosen in a form that was refused.
func (v partiesView) Chosen(role string) bool { return slices.Contains(v.Form.values["role"], role) }

func (s *server) partiesPage(x *exchange) error {
	v := partiesView{Form: blankForm(x), Done: x.request.URL.Query().Get("done")}
	return s.showParties(x, v)
}

func (s *server) showParties(x *exchange, v partiesView) error {
	var err error
	if v.List, err = s.desk.Reader(x.caller.scope).Parties(x.request.Context()); err != nil {
		return err
	}
	v.Roles = regime.Roles
	if !slices.ContainsFunc(v.List, func(p casebook.Party) bool { return p.Name == v.Done }) {
		v.Done = ""
	}
	if v.Form.Status != 0 {
		s.show(x, v.Form.Status, "parties", v)
		return nil
	}
	return s.render(x, "parties", v, pageOf(v.List, len(v.List), viewParty, nil).Body)
}

// regionText is a country of ISO 3166-1 or a part of one of ISO 3166-2, as far as
// its form goes.
var regionText = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`)

func (s *server) partyForm(x *exchange) error {
	f, err := readForm(x, "party")
	if err != nil {
		return err
	}
	who, err := f.person(x)
	if err != nil {
		return err
	}
	p := casebook.Party{Name: f.text("name", 200, true), Roles: f.values["role"], Region: strings.ToUpper(f.text("region", 16, true)),
		MemberState: strings.ToUpper(f.text("member_state", 2, false)), Own: f.values.Get("own") != ""}
	if len(p.Name) > 200 {
		f.wrong("name", "fault.long", "most", 200)
	}
	if len(p.Roles) == 0 {
		f.wrong("role", "fault.missing")
	}
	if slices.ContainsFunc(p.Roles, func(role string) bool { return !slices.Contains(regime.Roles, role) }) {
		f.wrong("role", "fault.choice")
	}
	if p.Region != "" && !regionText.MatchString(p.Region) {
		f.wrong("region", "fault.region")
	}
	if err = f.err(); err == nil {
		p, err = s.desk.KeepParty(x.request.Context(), who, p)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/parties", func() error { return s.showParties(x, partiesView{Form: f}) })
	}
	keepName(x, who)
	return s.done(x, "/parties?done="+url.QueryEscape(p.Name), func() (any, error) { return viewParty(p), nil })
}
