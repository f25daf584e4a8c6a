package web

import (
	"context"
	"net/http"
	"time"

	"tocsin/casebook"
)

// typedAct is one act as its form was typed.
type typedAct struct {
	*form
	who casebook.Actor
	id  casebook.ID
	at  time.Time
}

// actedOn is a noun whose page has forms for what a person does to one of it.
type actedOn struct {
	prefix, base string // of its public names, of its pages' addresses
	// sees gives ErrNotFound for one that who asks may not see.
	sees func(context.Context, casebook.Scope, casebook.ID) error
	// show shows the page of one, with a form that was refused if one was.
	show func(x *exchange, name string, f form) error
	// object gives one as programs get it.
	object func(x *exchange, name string) (any, error)
}

// enterActOn enters the route of an act on one of a noun. An act that is refused shows
// the page again with what was typed; one that is done leads back to it, so that
// loading it again does nothing twice.
func (s *server) enterActOn(n actedOn, pattern, name string, act func(*exchange, typedAct) error) {
	s.enterPage(pattern, func(x *exchange) error {
		text := x.request.PathValue("id")
		id, err := casebook.ParseID(n.prefix, text)
		if err != nil {
			return err
		}
		// What the caller can't see it can't act on either.
		if err := n.sees(x.request.Context(), x.caller.scope, id); err != nil {
			return err
		}
		f, err := readForm(x, name)
		if err != nil {
			return err
		}
		address := n.base + id.Text(n.prefix)
		typed := typedAct{form: &f, id: id, at: s.desk.Now()}
		if typed.who, err = f.person(x); err == nil {
			err = act(x, typed)
		}
		if err == nil {
			err = f.err()
		}
		if err != nil {
			return s.refuseForm(x, &f, err, address, func() error { return n.show(x, text, f) })
		}
		keepName(x, typed.who)
		return s.done(x, address+"?done="+name+"#main", func() (any, error) { return n.object(x, text) })
	})
}

// refuseForm answers for a form that was refused: with its page, at the address of
// the page, to who reads pages; with a problem to all others.
func (s *server) refuseForm(x *exchange, f *form, err error, address string, show func() error) error {
	if other := f.refuse(err); other != nil {
		return other
	}
	if !wantsPage(x.request) {
		if own := f.err(); own != nil {
			return own
		}
		return err
	}
	x.page = address
	return show()
}

// renderForms answers with a page that has forms: with what was typed in one that was
// refused, with what one made and is shown this once, or as render does.
func (s *server) renderForms(x *exchange, name string, f form, made bool, data, object any) error {
	switch {
	case f.Status != 0:
		s.show(x, f.Status, name, data)
	case made:
		s.show(x, http.StatusCreated, name, data)
	default:
		return s.render(x, name, data, object)
	}
	return nil
}

// done answers for a form that was carried out: who reads pages is led to where its
// result stands, all others get that as JSON.
func (s *server) done(x *exchange, address string, object func() (any, error)) error {
	if wantsPage(x.request) {
		http.Redirect(x, x.request, address, http.StatusSeeOther)
		return nil
	}
	v, err := object()
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, v)
}
