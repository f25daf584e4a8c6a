package web

import (
	"context"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
)

// measures are what an order may ask for, the likeliest first.
var measures = desk.Measures

// limitUnits are the units in which an order's limit is written.
var limitUnits = []string{"hours", "days"}

// orders are a noun with acts.
func (s *server) orders() actedOn {
	return actedOn{prefix: casebook.OrderPrefix, base: "/orders/", show: s.showOrder,
		sees: func(ctx context.Context, scope casebook.Scope, id casebook.ID) error {
			_, err := s.desk.Reader(scope).Order(ctx, id)
			return err
		},
		object: func(x *exchange, name string) (any, error) {
			whole, err := s.wholeOrder(x.request.Context(), &OneOrder{Asked{x}, name})
			if err != nil {
				return nil, err
			}
			return whole.Body, nil
		}}
}

// enterOrderPages enters the pages of orders and the routes to which their forms go.
func (s *server) enterOrderPages() {
	s.enterPage("GET /orders", s.ordersPage)
	s.enterPage("GET /orders/new", s.newOrderPage)
	s.enterPage("POST /orders", s.orderForm)
	s.enterPage("GET /orders/{id}", s.orderPage)
	s.enterPage("GET /orders/{id}/rows", s.orderRowsFile)
	s.enterActOn(s.orders(), "POST /orders/{id}/approve", "approve", func(x *exchange, t typedAct) error {
		_, err := s.desk.ApproveOrder(x.request.Context(), t.who, t.id)
		return err
	})
	s.enterActOn(s.orders(), "POST /orders/{id}/serve", "serve", func(x *exchange, t typedAct) error {
		_, err := s.desk.ServeOrder(x.request.Context(), t.who, t.id, nil)
		return err
	})
	s.enterActOn(s.orders(), "POST /orders/{id}/handed", "handed", s.handedForm)
	s.enterActOn(s.orders(), "POST /orders/{id}/withdraw", "withdraw", s.withReason(s.desk.WithdrawOrder))
	s.enterActOn(s.orders(), "POST /orders/{id}/close", "close", s.withReason(s.desk.CloseOrder))
	s.enterActOn(s.orders(), "POST /orders/{id}/unlink", "unlink", func(x *exchange, t typedAct) error {
		_, err := s.desk.RevokeLinks(x.request.Context(), t.who, t.id)
		return err
	})
	s.enterPage("POST /orders/{id}/link", s.linkForm)
	s.enterActOn(s.orders(), "POST /orders/{id}/answer", "answer", s.answerForm)
	s.enterPage("POST /orders/{id}/table", s.tableForm)
}

// withReason makes a form of an act on an order that needs nothing but a reason.
func (s *server) withReason(act func(context.Context, casebook.Actor, casebook.ID, string) (casebook.Order, error)) func(*exchange, typedAct) error {
	return func(x *exchange, t typedAct) error {
		reason := t.text("reason", 2000, true)
		if err := t.err(); err != nil {
			return err
		}
		_, err := act(x.request.Context(), t.who, t.id, reason)
		return err
	}
}

// handedForm writes down that an order was served outside the program.
func (s *server) handedForm(x *exchange, t typedAct) error {
	zone := t.zone("zone")
	r := desk.Receipt{At: t.moment("served", zone, t.at), Proof: t.text("proof", 8000, true)}
	if err := t.err(); err != nil {
		return err
	}
	_, err := s.desk.ServeOrder(x.request.Context(), t.who, t.id, &r)
	return err
}

// orderForm drafts an order over the findings that are marked.
func (s *server) orderForm(x *exchange) error {
	ctx := x.request.Context()
	f, who, err := readAct(x, "order")
	if err != nil {
		return err
	}
	c := desk.Command{Measure: f.choice("measure", measures), Regime: f.text("law", 100, false), Text: f.text("text", 8000, false), Limit: f.span("limit", "unit")}
	if c.Measure == "" {
		f.wrong("measure", "fault.choice")
	}
	if c.Incident, err = casebook.ParseID(casebook.IncidentPrefix, f.values.Get("incident")); err != nil {
		return err
	}
	if c.Party, err = casebook.ParseID(casebook.PartyPrefix, f.values.Get("party")); err != nil {
		return err
	}
	if _, err := s.desk.Reader(x.caller.scope).Incident(ctx, c.Incident); err != nil {
		return err
	}
	for _, text := range f.values["finding"] {
		id, err := casebook.ParseID(casebook.FindingPrefix, text)
		if err != nil {
			return err
		}
		c.Findings = append(c.Findings, id)
	}
	if len(c.Findings) == 0 && f.values.Get("all") == "" {
		f.wrong("finding", "fault.rows")
	}
	var o casebook.Order
	if err = f.err(); err == nil {
		o, err = s.desk.DraftOrder(ctx, who, c)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/orders/new", func() error { return s.showNewOrder(x, f) })
	}
	keepName(x, who)
	name := o.ID.Text(casebook.OrderPrefix)
	return s.done(x, "/orders/"+name+"?done=order#main", func() (any, error) { return s.orders().object(x, name) })
}

// span reads a field with a whole number in the unit of another field.
func (f *form) span(field, unit string) time.Duration {
	n, err := strconv.ParseInt(plainFigure(strings.TrimSpace(f.values.Get(field))), 10, 32)
	of := map[string]time.Duration{"hours": time.Hour, "days": 24 * time.Hour}[f.values.Get(unit)]
	span := time.Duration(n) * of
	if err != nil || n < 1 || of == 0 || n > 366*24 || span > 366*24*time.Hour {
		f.wrong(field, "fault.span")
		return 0
	}
	return span
}

// linkForm makes a link to answer an order and shows it, once.
func (s *server) linkForm(x *exchange) error {
	name := x.request.PathValue("id")
	id, f, who, err := s.readOrderForm(x, "link")
	if err != nil {
		return err
	}
	link := ""
	if err = f.err(); err == nil {
		link, err = s.desk.MakeLink(x.request.Context(), who, id)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/orders/"+name, func() error { return s.showOrder(x, name, f) })
	}
	keepName(x, who)
	if !wantsPage(x.request) {
		return x.json(200, map[string]string{"kind": "answer_link", "url": link})
	}
	x.page = "/orders/" + name
	return s.showOrderWith(x, name, orderView{Form: blankForm(x), Made: link})
}

// readOrderForm reads a form that goes to an order which who asks may see.
func (s *server) readOrderForm(x *exchange, form string) (id casebook.ID, f form, who casebook.Actor, err error) {
	if id, err = casebook.ParseID(casebook.OrderPrefix, x.request.PathValue("id")); err != nil {
		return id, f, who, err
	}
	// What the caller can't see it can't act on either.
	if _, err = s.desk.Reader(x.caller.scope).Order(x.request.Context(), id); err != nil {
		return id, f, who, err
	}
	if f, err = readForm(x, form); err != nil {
		return id, f, who, err
	}
	who, err = f.person(x)
	return id, f, who, err
}

// answerForm takes answers that were typed row by row.
func (s *server) answerForm(x *exchange, t typedAct) error {
	answers := t.answers()
	if err := t.err(); err != nil {
		return err
	}
	_, _, err := s.desk.Answer(x.request.Context(), t.who, t.id, answers)
	return err
}

// tableForm takes answers in a table that was sent as a file. What of it couldn't be
// taken is shown, line by line.
func (s *server) tableForm(x *exchange) error {
	name := x.request.PathValue("id")
	id, f, who, err := s.readOrderForm(x, "table")
	if err != nil {
		return err
	}
	in, err := s.desk.Instruction(x.request.Context(), x.caller.scope, id)
	if err != nil {
		return err
	}
	answers, bad, err := f.table(in)
	var done answerResult
	if err == nil {
		done.Taken, done.Bad, err = s.desk.Answer(x.request.Context(), who, id, answers)
		done.Bad = append(bad, done.Bad...)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/orders/"+name, func() error { return s.showOrder(x, name, f) })
	}
	keepName(x, who)
	if len(done.Bad) > 0 && wantsPage(x.request) {
		x.page = "/orders/" + name
		return s.showOrderWith(x, name, orderView{Form: blankForm(x), Sheet: answerSheet{Result: &done}})
	}
	return s.done(x, "/orders/"+name+"?done=table#main", func() (any, error) { return s.orders().object(x, name) })
}
