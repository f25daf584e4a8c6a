package web

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/report"
)

// orderFilters are the ways to narrow the list of orders.
var orderFilters = []string{"", "draft", "approved", "served", "closed", "withdrawn"}

// ordersView is the page of all orders.
type ordersView struct {
	Now     time.Time
	List    []orderTitle
	Filters []filter
	State   string
	Next    string
}

// orderTitle is an order with the title of its incident, "" where the reader doesn't
// see that, and whether its limit still matters.
type orderTitle struct {
	casebook.Order
	Title string
	Waits bool
}

func (s *server) ordersPage(x *exchange) error {
	ctx := x.request.Context()
	query := x.request.URL.Query()
	v := ordersView{Now: s.desk.Now(), State: query.Get("state")}
	after, err := Paged{Cursor: query.Get("cursor")}.after(casebook.OrderPrefix)
	if err != nil {
		return err
	}
	var states []casebook.OrderState
	if v.State != "" {
		one, err := casebook.ParseOrderState(v.State)
		if err != nil {
			return err
		}
		states = append(states, one)
	}
	r := s.desk.Reader(x.caller.scope)
	counts, err := r.OrderCounts(ctx)
	if err != nil {
		return err
	}
	v.Filters = stateFilters(orderFilters, v.State, counts)
	all, err := r.Orders(ctx, casebook.ID{}, after, paperRows+1, states...)
	if err != nil {
		return err
	}
	object := pageOf(all, paperRows, viewOrder, func(o casebook.Order) string { return o.ID.Text(casebook.OrderPrefix) }).Body
	v.Next = object.Next
	if v.List, err = s.orderTitles(ctx, x.caller.scope, all[:min(len(all), paperRows)]); err != nil {
		return err
	}
	return s.render(x, "orders", v, object)
}

func (s *server) orderTitles(ctx context.Context, scope casebook.Scope, all []casebook.Order) ([]orderTitle, error) {
	var cases, orders []casebook.ID
	for _, o := range all {
		orders = append(orders, o.ID)
		if !slices.Contains(cases, o.Incident) {
			cases = append(cases, o.Incident)
		}
	}
	r := s.desk.Reader(scope)
	named, err := r.IncidentsNamed(ctx, cases)
	if err != nil {
		return nil, err
	}
	waits, err := r.Undone(ctx, orders)
	var list []orderTitle
	for _, o := range all {
		list = append(list, orderTitle{o, named[o.Incident].Title, waits[o.ID]})
	}
	return list, err
}

// orderPageActs are what a person does to an order from its page.
var orderPageActs = []string{"approve", "serve", "handed", "withdraw", "close", "link", "unlink", "answer", "table"}

// orderView is the page of one order.
type orderView struct {
	report.Instruction
	Now    time.Time
	Form   form
	Done   string
	Case   casebook.Incident // without a title where the reader doesn't see it
	Target string            // the party's contact for orders, "" none
	Links  []casebook.AnswerLink
	Made   string // the link that was just made, shown once
	Sheet  answerSheet
	Told   []casebook.Anchor // when it was answered, by whom
	Tally  []tally
	Zones  []string
}

// tally is how many rows of an order stand how.
type tally struct {
	State casebook.RowState
	Count int
}

// Waits reports whether the order's limit still matters: a row of it is undone.
func (v orderView) Waits() bool {
	return v.Order.State == casebook.ServedOrder && slices.ContainsFunc(v.Rows, func(r report.OrderRow) bool { return r.Undone() })
}

// May reports whether who sees the page may do an act, in the state in which the order
// is.
func (v orderView) May(act string) bool {
	fits := map[string]casebook.OrderState{"approve": casebook.DraftOrder, "serve": casebook.ApprovedOrder, "handed": casebook.ApprovedOrder, "close": casebook.ServedOrder,
		"link": casebook.ServedOrder, "answer": casebook.ServedOrder, "table": casebook.ServedOrder}
	if state, ok := fits[act]; ok && v.Order.State != state || act == "withdraw" && v.Order.State >= casebook.ClosedOrder || act == "unlink" && !v.Linked() {
		return false
	}
	return v.Form.May("POST /orders/{id}/" + act)
}

// CanAct reports whether who sees the page may do anything to the order itself.
func (v orderView) CanAct() bool {
	return slices.ContainsFunc([]string{"approve", "serve", "handed", "withdraw", "close", "link", "unlink"}, v.May)
}

// Shows reports whether the page has the form of an act; "" is no form.
func (v orderView) Shows(act string) bool { return act == "" || v.May(act) }

// Drafted reports whether who sees the page is known to have drafted the order: then
// another person approves it.
func (v orderView) Drafted() bool { return v.Form.Known && v.Order.DraftedBy == "person:"+v.Form.As }

// Linked reports whether a link to the order is still good.
func (v orderView) Linked() bool {
	return slices.ContainsFunc(v.Links, func(l casebook.AnswerLink) bool { return l.OpensAt(v.Order, v.Now) })
}

// Law is the law whose power the order rests on.
func (v orderView) Law() string {
	law, _, _ := strings.Cut(v.Order.Power, "/")
	return law
}

func (s *server) orderPage(x *exchange) error {
	return s.showOrder(x, x.request.PathValue("id"), blankForm(x))
}

func (s *server) showOrder(x *exchange, name string, f form) error {
	return s.showOrderWith(x, name, orderView{Form: f})
}

// showOrderWith shows one order, with a form that was refused, or what an act gave that
// is shown once.
func (s *server) showOrderWith(x *exchange, name string, v orderView) error {
	ctx, scope := x.request.Context(), x.caller.scope
	id, err := casebook.ParseID(casebook.OrderPrefix, name)
	if err != nil {
		return err
	}
	r := s.desk.Reader(scope)
	v.Now = s.desk.Now()
	if v.Instruction, err = s.desk.Instruction(ctx, scope, id); err != nil {
		return err
	}
	if done := x.request.URL.Query().Get("done"); done == "order" || slices.Contains(orderPageActs, done) {
		v.Done = done
	}
	if v.Case, err = r.Incident(ctx, v.Order.Incident); err != nil && !errors.Is(err, casebook.ErrNotFound) {
		return err
	}
	if v.Told, err = s.desk.Receipts(ctx, scope, v.Order); err != nil {
		return err
	}
	if v.Links, err = r.Links(ctx, id); err != nil {
		return err
	}
	contacts, err := r.Contacts(ctx, v.Order.Party)
	if err != nil {
		return err
	}
	for _, one := range contacts {
		if one.Kind == "orders" && v.Target == "" {
			v.Target = one.Target
		}
	}
	v.Zones = zonesIn(v.Zone)
	result := v.Sheet.Result
	if v.Sheet, err = sheetOf(x, v.Instruction, v.Form, "/orders/"+id.Text(casebook.OrderPrefix)); err != nil {
		return err
	}
	v.Sheet.Result, v.Sheet.CanAnswer = result, v.May("answer")
	v.Tally = tallyOf(v.Rows)
	if v.Form.Status != 0 {
		s.show(x, v.Form.Status, "order", v)
		return nil
	}
	if !wantsPage(x.request) {
		whole, err := s.wholeOrder(ctx, &OneOrder{Asked{x}, name})
		if err != nil {
			return err
		}
		return s.render(x, "order", v, whole.Body)
	}
	return s.render(x, "order", v, nil)
}

func tallyOf(rows []report.OrderRow) []tally {
	var all []tally
	for state := casebook.SentRow; state <= casebook.ReopenedRow; state++ {
		n := 0
		for _, r := range rows {
			if r.State == state {
				n++
			}
		}
		if n > 0 {
			all = append(all, tally{state, n})
		}
	}
	return all
}

// zonesIn gives the zones in which moments of something under a law may be told.
func zonesIn(zone string) []string {
	if zone == "" || zone == "UTC" {
		return []string{"UTC"}
	}
	return []string{zone, "UTC"}
}

// orderPicks is how many findings can be picked one by one for an order.
const orderPicks = 300

// newOrderView is the page on which an order is drafted: first its party is chosen, then
// its rows.
type newOrderView struct {
	Form     form
	Now      time.Time
	Case     casebook.Incident
	Parties  []orderableParty
	To       *casebook.Party // nil: not chosen yet
	Findings []casebook.Finding
	More     bool // there are more than can be picked: the order takes all
	Powers   []regime.Power
	Missing  string // why nobody here may order anything of the party
	Measures []string
	Units    []string
}

// orderableParty is a party with findings in the incident's threat.
type orderableParty struct {
	casebook.Party
	Findings int64 // -1: not counted
}

// Picked reports whether a finding is marked: each of the incident's threat is, until
// somebody took marks off; where the incident has none nobody knows which are meant.
func (v newOrderView) Picked(id casebook.ID) bool {
	return v.Form.Name != "order" && !v.Case.Threat.IsZero() || slices.Contains(v.Form.values["finding"], id.Text(casebook.FindingPrefix))
}

func (s *server) newOrderPage(x *exchange) error { return s.showNewOrder(x, blankForm(x)) }

// showNewOrder shows the page on which an order is drafted. For which incident and to
// whom stands in a form that was refused, or in the page's address.
func (s *server) showNewOrder(x *exchange, f form) error {
	ctx, scope := x.request.Context(), x.caller.scope
	query := x.request.URL.Query()
	if f.Name == "order" {
		query = f.values
	}
	incident, err := casebook.ParseID(casebook.IncidentPrefix, query.Get("incident"))
	if err != nil {
		return fmt.Errorf("an order belongs to an incident: begin on the incident's page (%w)", err)
	}
	v := newOrderView{Form: f, Now: s.desk.Now(), Measures: measures, Units: limitUnits}
	r := s.desk.Reader(scope)
	if v.Case, err = r.Incident(ctx, incident); err != nil {
		return err
	}
	if v.Parties, err = s.orderables(ctx, scope, v.Case); err != nil {
		return err
	}
	if text := query.Get("party"); text != "" {
		if err := s.chooseParty(ctx, scope, &v, text); err != nil {
			return err
		}
	}
	if f.Status != 0 {
		s.show(x, f.Status, "order_new", v)
		return nil
	}
	return s.render(x, "order_new", v, nil)
}

// chooseParty fills in what an order to a party may rest on and what it may list.
func (s *server) chooseParty(ctx context.Context, scope casebook.Scope, v *newOrderView, text string) error {
	id, err := casebook.ParseID(casebook.PartyPrefix, text)
	if err != nil {
		return err
	}
	to, err := s.desk.Reader(scope).Party(ctx, id)
	if err != nil {
		return err
	}
	v.To = &to
	v.Powers, err = s.desk.Powers(ctx, scope, to)
	if errors.Is(err, casebook.ErrForbidden) {
		v.Missing, err = plainRefusal(err), nil
	}
	if err != nil {
		return err
	}
	v.Findings, err = s.desk.Reader(scope).FindingsToOrder(ctx, v.Case.Threat, to, orderPicks+1)
	if len(v.Findings) > orderPicks {
		v.Findings, v.More = v.Findings[:orderPicks], !v.Case.Threat.IsZero()
	}
	return err
}

// orderables gives the parties that are known here and that had findings in an
// incident's threat last; of an incident without a threat all that are known.
func (s *server) orderables(ctx context.Context, scope casebook.Scope, i casebook.Incident) ([]orderableParty, error) {
	r := s.desk.Reader(scope)
	parties, err := r.Parties(ctx)
	if err != nil {
		return nil, err
	}
	now := s.desk.Now()
	var all []orderableParty
	if i.Threat.IsZero() {
		for _, p := range parties {
			if p.At(now) {
				all = append(all, orderableParty{p, -1})
			}
		}
		return all, nil
	}
	held, err := r.Orderables(ctx, i.Threat, pageRows)
	for _, one := range held {
		n := slices.IndexFunc(parties, func(p casebook.Party) bool { return p.Name == one.Party && p.At(now) })
		if n >= 0 {
			all = append(all, orderableParty{parties[n], one.Findings})
		}
	}
	return all, err
}
