package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"tocsin/access"
	"tocsin/casebook"
)

// keysView is the page of all keys, with the form that makes one.
type keysView struct {
	Form   form
	List   []keyLine
	Scopes []string
	Made   *madeKey
	Done   string
	Search form
	Next   string // address of the next page, "" none
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
	parties, err := r.Parties(ctx)
	if err != nil {
		return err
	}
	q := x.request.URL.Query()
	v.Scopes, v.Search = access.Scopes(), searched(q)
	var fit []keyLine
	for _, k := range all {
		line := keyLine{k, partyName(parties, k.Party), k.At(now)}
		if text := strings.ToLower(q.Get("q")); strings.Contains(strings.ToLower(k.Name+" "+k.Shown+" "+k.User+" "+line.PartyName), text) {
			fit = append(fit, line)
		}
	}
	// Those that are good first; those that ended stay for the record.
	slices.SortStableFunc(fit, func(a, b keyLine) int { return cmp.Compare(number01(b.Good), number01(a.Good)) })
	v.List, v.Next = cutPage(fit, q, func(l keyLine) string { return l.ID.Text(casebook.KeyPrefix) })
	return s.renderForms(x, "keys", v.Form, v.Made != nil, v, pageOf(all, len(all), viewKey, nil).Body)
}

func number01(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (s *server) keyForm(x *exchange) error {
	f, who, err := readAct(x, "key")
	if err != nil {
		return err
	}
	k := casebook.AccessKey{Name: f.text("name", 100, true), Scopes: f.values["scope"], User: f.text("user", 64, false), ExpiresAt: f.when("expires", time.UTC)}
	parties, err := s.desk.Reader(x.caller.scope).Parties(x.request.Context())
	if err != nil {
		return err
	}
	k.Party = f.partyOf("party", parties, s.desk.Now())
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
	f, who, err := readAct(x, "revoke")
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
