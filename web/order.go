package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/report"
)

// order is a casebook.Order as the API shows it.
type order struct {
	Kind       string     `json:"kind" enum:"order"`
	ID         string     `json:"id"`
	Incident   string     `json:"incident"`
	Party      string     `json:"party" doc:"To whom."`
	State      string     `json:"state" enum:"draft,approved,served,closed,withdrawn"`
	Measure    string     `json:"measure"`
	Power      string     `json:"power" doc:"The law's power that it rests on: regime and id."`
	Article    string     `json:"article"`
	Form       string     `json:"form" doc:"How the law wants it given."`
	Task       string     `json:"task" doc:"Task number, given with the service."`
	Limit      float64    `json:"limit_s" doc:"Seconds from service."`
	Text       string     `json:"text"`
	DraftedBy  string     `json:"drafted_by"`
	ApprovedBy string     `json:"approved_by"`
	ServedAt   *time.Time `json:"served_at"`
	Due        *time.Time `json:"due" doc:"The last second on time."`
	Reason     string     `json:"reason"`
	Exercise   bool       `json:"exercise"`
	RecordedAt time.Time  `json:"recorded_at"`
}

func viewOrder(o casebook.Order) order {
	return order{"order", o.ID.Text(casebook.OrderPrefix), o.Incident.Text(casebook.IncidentPrefix), o.PartyName, o.State.String(), o.Measure, o.Power, o.Article, o.Form, o.Task,
		o.Limit.Seconds(), o.Text, o.DraftedBy, o.ApprovedBy, whenever(o.ServedAt), whenever(o.Due), o.Reason, o.Mark.Exercise, o.RecordedAt}
}

// wholeOrder is an order with its rows.
type wholeOrder struct {
	order
	Rows []orderLine `json:"rows" nullable:"false"`
}

// orderLine is a casebook.OrderRow as the API shows it.
type orderLine struct {
	Number     int        `json:"number"`
	Finding    string     `json:"finding" doc:"Empty where nothing of it was attributed to who asks."`
	AssetKind  string     `json:"asset_kind"`
	Asset      string     `json:"asset"`
	Port       uint16     `json:"port"`
	Role       string     `json:"role"`
	FirstSeen  time.Time  `json:"first_seen"`
	LastSeen   time.Time  `json:"last_seen" doc:"As of the order, exact."`
	State      string     `json:"state" enum:"sent,answered,verified,unverified,reopened"`
	Answer     string     `json:"answer" enum:",done,in_part,already_clean,not_ours,cannot_identify,user_told,needs_longer,conflicts,refused,appealed"`
	Note       string     `json:"note"`
	AnsweredAt *time.Time `json:"answered_at"`
	Until      *time.Time `json:"until"`
	CheckedAt  *time.Time `json:"checked_at"`
	Why        string     `json:"why" doc:"What the verification rests on."`
}

// OneOrder is the input that names an order.
type OneOrder struct {
	Asked
	ID string `path:"id"`
}

type listOrders struct {
	Asked
	Paged
	Incident string `query:"incident" doc:"Of this incident."`
}

type postOrder struct {
	Asked
	Body struct {
		Acting
		Incident string   `json:"incident"`
		Party    string   `json:"party" doc:"To whom (pty_…)."`
		Findings []string `json:"findings,omitempty" doc:"Absent: all of the party's in the incident's threat that aren't verified."`
		Measure  string   `json:"measure" enum:"clean,notify_user,suspend_domain,block_address,disconnect,preserve_evidence,other"`
		Regime   string   `json:"regime,omitempty" doc:"Whose power; absent: any in force."`
		Limit    float64  `json:"limit_s" doc:"Seconds from service."`
		Text     string   `json:"text,omitempty" maxLength:"8000"`
	}
}

// orderActs says what each act on an order needs besides seeing it.
var orderActs = map[string]access.Permission{"approve": access.ApproveOrders, "serve": access.ServeOrders, "withdraw": access.ServeOrders, "extend": access.ServeOrders, "close": access.ServeOrders}

type postOrderAct struct {
	OneOrder
	Body struct {
		Acting
		Act      string    `json:"act" enum:"approve,serve,extend,withdraw,close"`
		Reason   string    `json:"reason,omitempty" doc:"With extend, withdraw and close."`
		Limit    float64   `json:"limit_s,omitempty" doc:"With extend: seconds from now, or from served_at."`
		ServedAt time.Time `json:"served_at,omitzero" doc:"With serve and extend, where it was told outside: when."`
		Proof    string    `json:"proof,omitempty" doc:"With serve and extend, where it was told outside."`
	}
}

type postAnswers struct {
	Asked
	ID string `path:"id"`
	As string `query:"as" maxLength:"100" doc:"Name of the person who answers, as in the bodies of other acts."`
}

// answered is what became of answers.
type answered struct {
	Kind  string     `json:"kind" enum:"answers"`
	Taken int        `json:"taken"`
	Bad   []refusal  `json:"bad" nullable:"false" doc:"Rows that couldn't be taken; the others were."`
	Order wholeOrder `json:"order"`
}

func (s *server) enterOrders(api huma.API) {
	tags := []string{"orders"}
	operation(api, huma.Operation{Method: http.MethodGet, Path: "/api/v1/orders", OperationID: "list-orders", Tags: tags, Summary: "List orders, newest first"}, s.listOrders)
	operation(api, huma.Operation{Method: http.MethodPost, Path: "/api/v1/orders", OperationID: "draft-order", Tags: tags, DefaultStatus: http.StatusCreated,
		Summary: "Draft an order", Description: "It is refused, saying which power is missing, where no law in force allows it."}, s.postOrder)
	operation(api, huma.Operation{Method: http.MethodGet, Path: "/api/v1/orders/{id}", OperationID: "get-order", Tags: tags, Summary: "One order with its rows"},
		func(ctx context.Context, in *OneOrder) (*object[wholeOrder], error) { return s.wholeOrder(ctx, in) })
	operation(api, huma.Operation{Method: http.MethodPost, Path: "/api/v1/orders/{id}/acts", OperationID: "act-on-order", Tags: tags,
		Summary: "Approve, serve, extend, withdraw or close an order", Description: "Another person than its author approves. To extend gives what is undone another limit."}, s.postOrderAct)
	operation(api, huma.Operation{Method: http.MethodPost, Path: "/api/v1/orders/{id}/answers", OperationID: "answer-order", Tags: tags,
		Summary: "Answer the rows of an order, in CSV", RequestBody: takesBytes("Answers: columns number, answer, note, until; docs/reports.md says more.")}, s.postAnswers)
}

func (s *server) listOrders(ctx context.Context, in *listOrders) (*object[page[order]], error) {
	after, err := in.after(casebook.OrderPrefix)
	if err != nil {
		return nil, err
	}
	incident, err := idIfAny(casebook.IncidentPrefix, in.Incident)
	if err != nil {
		return nil, err
	}
	all, err := s.desk.Reader(in.x.caller.scope).Orders(ctx, incident, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return pageOf(all, in.Limit, viewOrder, func(o casebook.Order) string { return o.ID.Text(casebook.OrderPrefix) }), nil
}

func (s *server) wholeOrder(ctx context.Context, in *OneOrder) (*object[wholeOrder], error) {
	id, err := casebook.ParseID(casebook.OrderPrefix, in.ID)
	if err != nil {
		return nil, err
	}
	r := s.desk.Reader(in.x.caller.scope)
	o, err := r.Order(ctx, id)
	if err != nil {
		return nil, err
	}
	rows, err := r.OrderRows(ctx, id)
	v := wholeOrder{viewOrder(o), []orderLine{}}
	for _, w := range rows {
		v.Rows = append(v.Rows, orderLine{w.Number, findingText(w.Finding), w.Asset.Kind.String(), w.Asset.String(), w.Port, w.Role.String(), w.FirstSeen, w.LastSeen,
			w.State.String(), w.Answer.String(), w.Note, whenever(w.AnsweredAt), whenever(w.Until), whenever(w.CheckedAt), w.Why})
	}
	return &object[wholeOrder]{v}, err
}

// findingText names a finding; "" for one that the reader doesn't know.
func findingText(id casebook.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.Text(casebook.FindingPrefix)
}

func (s *server) postOrder(ctx context.Context, in *postOrder) (*object[wholeOrder], error) {
	b := in.Body
	who, err := b.person(in.x)
	if err != nil {
		return nil, err
	}
	c := desk.Command{Measure: b.Measure, Regime: b.Regime, Limit: time.Duration(b.Limit * float64(time.Second)), Text: b.Text}
	if c.Incident, err = casebook.ParseID(casebook.IncidentPrefix, b.Incident); err != nil {
		return nil, err
	}
	if c.Party, err = casebook.ParseID(casebook.PartyPrefix, b.Party); err != nil {
		return nil, err
	}
	for _, text := range b.Findings {
		id, err := casebook.ParseID(casebook.FindingPrefix, text)
		if err != nil {
			return nil, err
		}
		c.Findings = append(c.Findings, id)
	}
	if _, err := s.desk.Reader(in.x.caller.scope).Incident(ctx, c.Incident); err != nil {
		return nil, err
	}
	o, err := s.desk.DraftOrder(ctx, who, c)
	if err != nil {
		return nil, err
	}
	return s.wholeOrder(ctx, &OneOrder{in.Asked, o.ID.Text(casebook.OrderPrefix)})
}

func (s *server) postOrderAct(ctx context.Context, in *postOrderAct) (*object[wholeOrder], error) {
	if needed := orderActs[in.Body.Act]; !in.x.caller.principal.May(needed) {
		return nil, mayNot(in.x.caller.principal, needed)
	}
	who, err := in.Body.person(in.x)
	if err != nil {
		return nil, err
	}
	id, err := casebook.ParseID(casebook.OrderPrefix, in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := s.desk.Reader(in.x.caller.scope).Order(ctx, id); err != nil {
		return nil, err
	}
	var outside *desk.Receipt
	if in.Body.Proof != "" || !in.Body.ServedAt.IsZero() {
		outside = &desk.Receipt{At: in.Body.ServedAt, Proof: in.Body.Proof}
	}
	switch in.Body.Act {
	case "approve":
		_, err = s.desk.ApproveOrder(ctx, who, id)
	case "serve":
		_, err = s.desk.ServeOrder(ctx, who, id, outside)
	case "close":
		_, err = s.desk.CloseOrder(ctx, who, id, in.Body.Reason)
	case "extend":
		_, err = s.desk.ExtendOrder(ctx, who, id, time.Duration(in.Body.Limit*float64(time.Second)), in.Body.Reason, outside)
	default:
		_, err = s.desk.WithdrawOrder(ctx, who, id, in.Body.Reason)
	}
	if err != nil {
		return nil, err
	}
	return s.wholeOrder(ctx, &in.OneOrder)
}

// maxAnswers bounds the answers to an order, in octets.
const maxAnswers = 16 << 20

func (s *server) postAnswers(ctx context.Context, in *postAnswers) (*object[answered], error) {
	who, err := Acting{in.As}.person(in.x)
	if err != nil {
		return nil, err
	}
	id, err := casebook.ParseID(casebook.OrderPrefix, in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := s.desk.Reader(in.x.caller.scope).Order(ctx, id); err != nil {
		return nil, err
	}
	answers, bad, err := report.ReadAnswers(in.x.body(maxAnswers), nil)
	if err != nil {
		return nil, err
	}
	taken, more, err := s.desk.Answer(ctx, who, id, answers)
	if err != nil {
		return nil, err
	}
	v := answered{Kind: "answers", Taken: taken, Bad: []refusal{}}
	for _, b := range append(bad, more...) {
		v.Bad = append(v.Bad, viewRefusal(b))
	}
	whole, err := s.wholeOrder(ctx, &OneOrder{in.Asked, in.ID})
	if err == nil {
		v.Order = whole.Body
	}
	return &object[answered]{v}, err
}
