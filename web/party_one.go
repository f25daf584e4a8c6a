package web

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/courier"
	"tocsin/desk"
	"tocsin/store"
)

// contactKinds is what a party is reached for; duty is the desk that answers at any
// hour.
var contactKinds = []string{"duty", "reports", "orders"}

// heldRows is how many holdings a party's page lists.
const heldRows = 50

// partyView is the page of one party.
type partyView struct {
	casebook.Party
	Form      form
	Edit      partyFields
	Done      string
	Now       time.Time
	Tally     store.PartyTally
	Kinds     []string
	Contacts  []contactLine
	Successor casebook.Party // zero: none
	Held      []store.HoldingRow
	Search    form // for holdings, with what was asked
	At        time.Time
	Next      string
	Fault     bool // what was asked of the holdings can't be read
}

// Ended reports whether the party is there no more.
func (v partyView) Ended() bool { return !v.Party.To.IsZero() && !v.Party.At(v.Now) }

// Round reports whether somebody can be reached there at any hour.
func (v partyView) Round() bool {
	return slices.ContainsFunc(v.Contacts, func(c contactLine) bool { return c.Kind == "duty" })
}

// contactLine is a place at which a party is reached, as a page shows it.
type contactLine struct {
	store.Contact
	Channel string // mail, web
	Shown   string // without secrets
	Key     string // by which a form names it
}

// contactOf says of a contact what people may see: an address in full, since that is
// what one calls at night; of a URL, which may hold a secret, the host.
func contactOf(c store.Contact) contactLine {
	line := contactLine{Contact: c, Channel: "other", Shown: "(unreadable)"}
	t, err := courier.ParseTarget(c.Target)
	if err != nil {
		return line
	}
	line.Shown, line.Key = t.Name(), t.Name()
	if address, ok := strings.CutPrefix(t.String(), "mailto:"); ok {
		line.Channel, line.Shown = "mail", address
	} else if strings.HasPrefix(t.String(), "http") {
		line.Channel = "web"
	}
	return line
}

func (s *server) partyPage(x *exchange) error {
	return s.showParty(x, x.request.PathValue("id"), partyView{Form: blankForm(x), Done: x.request.URL.Query().Get("done")})
}

func (s *server) showParty(x *exchange, text string, v partyView) error {
	ctx, r := x.request.Context(), s.desk.Reader(x.caller.scope)
	id, err := casebook.ParseID(casebook.PartyPrefix, text)
	if err != nil {
		return err
	}
	if v.Party, err = r.Party(ctx, id); err != nil {
		return err
	}
	v.Now, v.Kinds = s.desk.Now(), contactKinds
	if v.Tally, err = r.PartyTally(ctx, id); err != nil {
		return err
	}
	if err := s.partyContacts(ctx, r, &v); err != nil {
		return err
	}
	if err := s.partyHoldings(x, r, &v); err != nil {
		return err
	}
	all, err := r.Parties(ctx)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.ID == v.Party.Successor {
			v.Successor = p
		}
	}
	if v.Edit.Form.Name == "" {
		v.Edit = filledParty(v.Form, v.Party)
	}
	return s.renderForms(x, "party", v.Form, false, v, viewParty(v.Party))
}

func (s *server) partyContacts(ctx context.Context, r *store.Reader, v *partyView) error {
	all, err := r.Contacts(ctx, v.Party.ID)
	for _, c := range all {
		v.Contacts = append(v.Contacts, contactOf(c))
	}
	slices.SortStableFunc(v.Contacts, func(a, b contactLine) int {
		return slices.Index(contactKinds, a.Kind) - slices.Index(contactKinds, b.Kind)
	})
	return err
}

// partyHoldings reads what the party holds or held, as the address asks for.
func (s *server) partyHoldings(x *exchange, r *store.Reader, v *partyView) error {
	q := x.request.URL.Query()
	v.Search = searched(q)
	after, err := queryNumber(x, "cursor")
	if err != nil {
		return err
	}
	f := store.HeldFilter{Party: v.Party.Name, At: v.Search.when("at", time.UTC), After: after}
	if text := strings.TrimSpace(q.Get("q")); text != "" {
		if a, err := desk.ParseAsset(text); err == nil && a.Addr.IsValid() {
			f.Asset = a
		} else {
			f.Text = text
		}
	}
	v.Fault = len(v.Search.faults) > 0
	v.At = f.At
	if v.Held, err = r.Held(x.request.Context(), f, heldRows+1); err != nil {
		return err
	}
	if len(v.Held) > heldRows {
		v.Held = v.Held[:heldRows]
		v.Next = nextPage(q, strconv.FormatInt(v.Held[heldRows-1].Number, 10)) + "#holdings"
	}
	return nil
}

// filledParty is the form that changes a party, with what is known of it.
func filledParty(f form, p casebook.Party) partyFields {
	f.Name, f.Status, f.faults = "party", 0, nil
	f.values = url.Values{"name": {p.Name}, "role": p.Roles, "region": {p.Region}, "network_region": {p.NetworkRegion}, "effect_region": {p.EffectRegion},
		"member_state": {p.MemberState}, "as": {f.As}}
	if p.Own {
		f.values.Set("own", "yes")
	}
	if !p.From.IsZero() {
		f.values.Set("from", p.From.UTC().Format("2006-01-02T15:04:05"))
	}
	v := blankParty(f, "party")
	v.Fixed = true
	return v
}

// partyAct reads a form of a party's page, does one thing, and leads back to the page.
func (s *server) partyAct(x *exchange, name string, act func(ctx context.Context, f *form, who casebook.Actor, p casebook.Party) (func() error, error)) error {
	f, who, err := readAct(x, name)
	if err != nil {
		return err
	}
	ctx, text := x.request.Context(), x.request.PathValue("id")
	id, err := casebook.ParseID(casebook.PartyPrefix, text)
	if err != nil {
		return err
	}
	p, err := s.desk.Reader(x.caller.scope).Party(ctx, id)
	if err != nil {
		return err
	}
	do, err := act(ctx, &f, who, p)
	if err == nil {
		err = f.err()
	}
	if err == nil {
		err = do()
	}
	address := "/parties/" + p.ID.Text(casebook.PartyPrefix)
	if err != nil {
		v := partyView{Form: f}
		return s.refuseForm(x, &f, err, address, func() error {
			v.Form = f
			if name == "party" {
				v.Edit = blankParty(f, name)
				v.Edit.Fixed = true
			}
			return s.showParty(x, text, v)
		})
	}
	keepName(x, who)
	return s.done(x, address+"?done="+name, func() (any, error) {
		p, err := s.desk.Reader(x.caller.scope).Party(ctx, p.ID)
		return viewParty(p), err
	})
}

func (s *server) partyEditForm(x *exchange) error {
	return s.partyAct(x, "party", func(ctx context.Context, f *form, who casebook.Actor, old casebook.Party) (func() error, error) {
		f.values.Set("name", old.Name)
		p := f.party()
		return func() error {
			kept, err := s.desk.KeepParty(ctx, who, p)
			if err == nil && kept.Own && !p.Own { // the box was ticked, and isn't any more
				_, err = s.desk.Disown(ctx, who, kept.ID)
			}
			return err
		}, nil
	})
}

func (s *server) partyEndForm(x *exchange) error {
	return s.partyAct(x, "end", func(ctx context.Context, f *form, who casebook.Actor, p casebook.Party) (func() error, error) {
		to := f.when("to", time.UTC)
		all, err := s.desk.Reader(x.caller.scope).Parties(ctx)
		if err != nil {
			return nil, err
		}
		successor := f.partyOf("successor", all, s.desk.Now())
		return func() error {
			_, err := s.desk.EndParty(ctx, who, p.ID, to, successor)
			return err
		}, nil
	})
}

func (s *server) contactForm(x *exchange) error {
	return s.partyAct(x, "contact", func(ctx context.Context, f *form, who casebook.Actor, p casebook.Party) (func() error, error) {
		kind, target := f.choice("for", contactKinds), f.text("target", 1000, true)
		if kind == "" && !f.Wrong("for") {
			f.wrong("for", "fault.missing")
		}
		if target != "" && !strings.Contains(target, ":") && strings.Contains(target, "@") {
			target = "mailto:" + target // as people write an address
		}
		if t, err := courier.ParseTarget(target); target != "" && (err != nil || strings.HasPrefix(t.String(), "exec:")) {
			f.wrong("target", "fault.target")
		}
		return func() error { return s.desk.KeepContact(ctx, who, p.ID, kind, target, false) }, nil
	})
}

func (s *server) contactEndForm(x *exchange) error {
	return s.partyAct(x, "ended", func(ctx context.Context, f *form, who casebook.Actor, p casebook.Party) (func() error, error) {
		all, err := s.desk.Reader(x.caller.scope).Contacts(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		kind, key := f.values.Get("for"), f.values.Get("key")
		i := slices.IndexFunc(all, func(c store.Contact) bool { return c.Kind == kind && contactOf(c).Key == key })
		if i < 0 {
			f.wrong("key", "fault.choice")
		}
		return func() error { return s.desk.KeepContact(ctx, who, p.ID, kind, all[i].Target, true) }, nil
	})
}
