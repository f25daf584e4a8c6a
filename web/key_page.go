package web

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"tocsin/access"
	"tocsin/casebook"
)

// keysView is the page of all keys, with the form that makes one.
type keysView struct {
	Form    form
	List    []keyLine
	Scopes  []string
	People  []casebook.User
	Parties []casebook.Party
	Made    *madeKey
	Done    string
}

// keyLine is a key in the list.
type keyLine struct {
	casebook.AccessKey
	PartyName string
	Good      bool
}

func (s *server) keysPage(x *exchange) error {
	return s.showKeys(x, keysView{Form: blankForm(x), Done: x.request.URL.Query().Get("done")})
}

func (s *server) showKeys(x *exchange, v keysView) error {
	ctx, r, now := x.request.Context(), s.desk.Reader(x.caller.scope), s.desk.Now()
	all, err := r.Keys(ctx)
	if err != nil {
		return err
	}
	if v.Parties, err = r.Parties(ctx); err != nil {
		return err
	}
	if v.Form.May("POST /keys") {
		if v.People, err = r.Users(ctx); err != nil {
			return err
		}
		v.People = slices.DeleteFunc(v.People, func(u casebook.User) bool { return !u.DisabledAt.IsZero() })
	}
	v.Scopes = access.Scopes()
	for _, k := range all {
		v.List = append(v.List, keyLine{k, partyName(v.Parties, k.Party), k.At(now)})
	}
	// Those that are good first; those that ended stay for the record, the newest of them.
	slices.SortStableFunc(v.List, func(a, b keyLine) int { return cmp.Compare(number01(b.Good), number01(a.Good)) })
	v.List = v.List[:min(len(v.List), 2*pageRows)]
	switch {
	case v.Form.Status != 0:
		s.show(x, v.Form.Status, "keys", v)
	case v.Made != nil:
		s.show(x, http.StatusCreated, "keys", v)
	default:
		return s.render(x, "keys", v, pageOf(all, len(all), viewKey, nil).Body)
	}
	return nil
}

func number01(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (s *server) keyForm(x *exchange) error {
	f, err := readForm(x, "key")
	if err != nil {
		return err
	}
	who, err := f.person(x)
	if err != nil {
		return err
	}
	k := casebook.AccessKey{Name: f.text("name", 100, true), Scopes: f.values["scope"], User: f.text("user", 64, false), ExpiresAt: f.when("expires", time.UTC)}
	if k.Party, err = parseParty(f.values.Get("party")); err != nil {
		f.wrong("party", "fault.choice")
	}
	switch {
	case k.User == "" && len(k.Scopes) == 0:
		f.wrong("scope", "fault.scopes")
	case k.User != "" && len(k.Scopes) > 0:
		f.wrong("scope", "fault.noscopes")
	case k.User != "" && !k.Party.IsZero():
		f.wrong("party", "fault.noparty")
	case !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(s.desk.Now()):
		f.wrong("expires", "fault.past")
	}
	var secret string
	if err = f.err(); err == nil {
		k, secret, err = s.desk.AddKey(x.request.Context(), who, k)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/keys", func() error { return s.showKeys(x, keysView{Form: f}) })
	}
	keepName(x, who)
	made := &madeKey{viewKey(k), secret}
	if !wantsPage(x.request) {
		return x.json(http.StatusCreated, made)
	}
	x.page = "/keys"
	return s.showKeys(x, keysView{Form: blankForm(x), Made: made})
}

func (s *server) revokeForm(x *exchange) error {
	f, err := readForm(x, "revoke")
	if err != nil {
		return err
	}
	who, err := f.person(x)
	if err != nil {
		return err
	}
	id, err := casebook.ParseID(casebook.KeyPrefix, x.request.PathValue("id"))
	if err != nil {
		return err
	}
	var k casebook.AccessKey
	if err = f.err(); err == nil {
		k, err = s.desk.RevokeKey(x.request.Context(), who, id)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/keys", func() error { return s.showKeys(x, keysView{Form: f}) })
	}
	keepName(x, who)
	return s.done(x, "/keys?done=revoke", func() (any, error) { return viewKey(k), nil })
}
