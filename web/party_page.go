package web

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
)

// partiesView is the page of all parties, with the form that keeps one.
type partiesView struct {
	Form    partyFields
	List    []casebook.Party
	Count   int // that fit what was looked for
	Roles   []string
	Done    string // name of the party that was just kept
	Text    string // looked for in names and regions
	Role    string
	Next    string // address of the next page, "" none
	Search  form   // with what was looked for
	Current time.Time
}

// partyFields is the part of a form that says what a party is.
type partyFields struct {
	Form  form
	Name  string // of the form
	Roles []string
	Fixed bool // the party's name stands
}

// Chosen reports whether a role is chosen in the form.
func (v partyFields) Chosen(role string) bool {
	return v.Form.Name == v.Name && slices.Contains(v.Form.values["role"], role)
}

// blankParty is a form that keeps a party, as nobody has filled it in.
func blankParty(f form, name string) partyFields {
	return partyFields{Form: f, Name: name, Roles: regime.Roles}
}

func (s *server) partiesPage(x *exchange) error {
	q := x.request.URL.Query()
	v := partiesView{Form: blankParty(blankForm(x), "party"), Done: q.Get("done")}
	return s.showParties(x, v)
}

func (s *server) showParties(x *exchange, v partiesView) error {
	all, err := s.desk.Reader(x.caller.scope).Parties(x.request.Context())
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(p casebook.Party) bool { return p.Name == v.Done }) {
		v.Done = ""
	}
	q := x.request.URL.Query()
	v.Text, v.Role, v.Roles, v.Current = q.Get("q"), q.Get("role"), regime.Roles, s.desk.Now()
	v.Search = searched(q)
	fit := slices.DeleteFunc(all, func(p casebook.Party) bool { return !partyFits(p, v.Text, v.Role) })
	v.Count = len(fit)
	v.List, v.Next = cutPage(fit, q, func(p casebook.Party) string { return p.ID.Text(casebook.PartyPrefix) })
	if v.Form.Form.Status != 0 {
		s.show(x, v.Form.Form.Status, "parties", v)
		return nil
	}
	return s.render(x, "parties", v, pageOf(fit, len(fit), viewParty, nil).Body)
}

// searched is a form that is filled with what an address asks for.
func searched(q url.Values) form { return form{Name: "search", values: q} }

// partyFits reports whether a party is one that is looked for.
func partyFits(p casebook.Party, text, role string) bool {
	text = strings.ToLower(strings.TrimSpace(text))
	return (role == "" || slices.Contains(p.Roles, role)) &&
		(strings.Contains(strings.ToLower(p.Name), text) || strings.HasPrefix(strings.ToLower(p.Region), text) || strings.HasPrefix(p.ID.Text(casebook.PartyPrefix), text))
}

// cutPage cuts a page out of a whole list, after the one that the address names, and
// gives the address of the next page.
func cutPage[T any](all []T, q url.Values, name func(T) string) (list []T, next string) {
	if cursor := q.Get("cursor"); cursor != "" {
		all = all[slices.IndexFunc(all, func(one T) bool { return name(one) == cursor })+1:]
	}
	if len(all) <= pageRows {
		return all, ""
	}
	return all[:pageRows], nextPage(q, name(all[pageRows-1]))
}

// nextPage is the address of the page that continues a list after a cursor.
func nextPage(q url.Values, cursor string) string {
	next := url.Values{}
	for key, values := range q {
		if key != "done" && key != "lang" {
			next[key] = values
		}
	}
	next.Set("cursor", cursor)
	return "?" + next.Encode()
}

// regionText is a country of ISO 3166-1 or a part of one of ISO 3166-2, as far as
// its form goes.
var regionText = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`)

// party reads what a form says of a party.
func (f *form) party() casebook.Party {
	p := casebook.Party{Name: f.text("name", 200, true), Roles: f.values["role"], Region: f.region("region", true), NetworkRegion: f.region("network_region", false),
		EffectRegion: f.region("effect_region", false), MemberState: strings.ToUpper(f.text("member_state", 2, false)), Own: f.values.Get("own") != "", From: f.when("from", time.UTC)}
	if len(p.Name) > 200 {
		f.wrong("name", "fault.long", "most", 200)
	}
	if len(p.Roles) == 0 {
		f.wrong("role", "fault.missing")
	}
	if slices.ContainsFunc(p.Roles, func(role string) bool { return !slices.Contains(regime.Roles, role) }) {
		f.wrong("role", "fault.choice")
	}
	if p.MemberState != "" && len(p.MemberState) != 2 {
		f.wrong("member_state", "fault.region")
	}
	return p
}

// partyOf reads a field with the name or the identifier of a party that is there now;
// none is the zero ID. A list to choose from would be too long.
func (f *form) partyOf(field string, all []casebook.Party, now time.Time) casebook.ID {
	text := strings.TrimSpace(f.values.Get(field))
	if text == "" {
		return casebook.ID{}
	}
	i := slices.IndexFunc(all, func(p casebook.Party) bool {
		return p.At(now) && (strings.EqualFold(p.Name, text) || p.ID.Text(casebook.PartyPrefix) == text)
	})
	if i < 0 {
		f.wrong(field, "fault.party")
		return casebook.ID{}
	}
	return all[i].ID
}

// region reads a field with the code of a region.
func (f *form) region(field string, needed bool) string {
	code := strings.ToUpper(f.text(field, 16, needed))
	if code != "" && !regionText.MatchString(code) {
		f.wrong(field, "fault.region")
	}
	return code
}

// when reads a field with a local moment in a zone, past or to come; none is zero.
func (f *form) when(field string, zone *time.Location) time.Time {
	text := strings.TrimSpace(f.values.Get(field))
	if text == "" {
		return time.Time{}
	}
	at, ok := localMoment(text, zone)
	if !ok {
		f.wrong(field, "fault.moment")
	}
	return at
}

func (s *server) partyForm(x *exchange) error {
	f, who, err := readAct(x, "party")
	if err != nil {
		return err
	}
	p := f.party()
	if err = f.err(); err == nil {
		p, err = s.desk.KeepParty(x.request.Context(), who, p)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/parties", func() error { return s.showParties(x, partiesView{Form: blankParty(f, "party")}) })
	}
	keepName(x, who)
	return s.done(x, "/parties?done="+url.QueryEscape(p.Name), func() (any, error) { return viewParty(p), nil })
}
