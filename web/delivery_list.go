package web

import (
	"io"
	"net/http"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/feed"
	"tocsin/store"
)

// deliveryStates are the words by which deliveries are narrowed.
var deliveryStates = []string{"accepted", "folded", "broken", "unreadable"}

// deliveriesView is the page of all deliveries, with the form that hands one in.
type deliveriesView struct {
	Form     form
	List     []casebook.Delivery
	Formats  []feed.Format
	States   []string
	Search   form
	Narrowed bool
	Next     string
}

func (s *server) deliveriesPage(x *exchange) error {
	return s.showDeliveries(x, deliveriesView{Form: blankForm(x)})
}

func (s *server) showDeliveries(x *exchange, v deliveriesView) error {
	q := x.request.URL.Query()
	f := store.DeliveryFilter{Feed: q.Get("feed"), Refused: q.Get("bad") != ""}
	for n, word := range deliveryStates {
		if q.Get("state") == word {
			state := casebook.Accepted + casebook.DeliveryState(n)
			f.State = &state
		}
	}
	after, err := Paged{Cursor: q.Get("cursor")}.after(casebook.DeliveryPrefix)
	if err != nil {
		return err
	}
	all, err := s.desk.Reader(x.caller.scope).DeliveryPage(x.request.Context(), f, after, pageRows+1)
	if err != nil {
		return err
	}
	if len(all) > pageRows {
		all = all[:pageRows]
		v.Next = nextPage(q, all[pageRows-1].ID.Text(casebook.DeliveryPrefix))
	}
	v.List, v.Formats, v.States, v.Search = all, s.desk.Feeds().Formats(), deliveryStates, searched(q)
	v.Narrowed = f != store.DeliveryFilter{} || !after.IsZero()
	if v.Form.Status != 0 {
		s.show(x, v.Form.Status, "deliveries", v)
		return nil
	}
	return s.render(x, "deliveries", v, pageOf(all, len(all), viewDelivery, nil).Body)
}

// deliveryForm takes a file by the same door as POST /api/v1/deliveries.
func (s *server) deliveryForm(x *exchange) error {
	f, file, err := readUpload(x, "upload")
	if err != nil {
		return err
	}
	defer drain(file)
	name := f.text("feed", 100, true)
	if name != "" {
		if _, err := s.desk.Feeds().Find(name); err != nil {
			f.wrong("feed", "fault.choice")
		}
	}
	kind := f.text("type", 100, false)
	a := desk.Arrival{Feed: name, Type: kind, Door: "http", Exercise: f.values.Get("exercise") != "", Party: x.caller.principal.Party, Body: http.NoBody}
	if file == nil {
		f.wrong("file", "fault.file")
	} else {
		a.Name, a.Body = file.FileName(), io.Reader(file)
	}
	// Who hands a file in needs no name of a person: a program does the same.
	var taken desk.Accepted
	if err = f.err(); err == nil {
		taken, err = s.desk.Accept(x.request.Context(), x.caller.actor, a)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/deliveries", func() error { return s.showDeliveries(x, deliveriesView{Form: f}) })
	}
	address := "/deliveries/" + taken.ID.Text(casebook.DeliveryPrefix) + "?done=taken"
	if taken.Known {
		address = "/deliveries/" + taken.ID.Text(casebook.DeliveryPrefix) + "?done=known"
	}
	return s.done(x, address, func() (any, error) { return viewDelivery(taken.Delivery), nil })
}
