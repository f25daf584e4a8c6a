package web

import (
	"context"
	"encoding/hex"
	"math"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/ledger"
	"tocsin/store"
)

// delivery is a casebook.Delivery as the API shows it.
type delivery struct {
	Kind       string    `json:"kind" enum:"delivery"`
	ID         string    `json:"id"`
	Digest     string    `json:"digest" doc:"SHA-256 of the bytes as they came, in hexadecimal."`
	Bytes      int64     `json:"bytes"`
	Feed       string    `json:"feed"`
	Type       string    `json:"type" doc:"The feed's report type; empty if it has only one."`
	Name       string    `json:"name" doc:"What the sender called it."`
	Door       string    `json:"door" doc:"How it came: file, http."`
	ReceivedAt time.Time `json:"received_at"`
	State      string    `json:"state" enum:"accepted,folded,broken,unreadable" doc:"Accepted: being folded or waiting for it. Broken: what could be read was taken."`
	Share      *float64  `json:"share,omitempty" doc:"How much of its bytes is read, 0 to 1; only while it is being folded."`
	Rows       int64     `json:"rows" doc:"Records read so far."`
	Taken      int64     `json:"taken" doc:"Of them, observations that are new."`
	Duplicate  int64     `json:"duplicate" doc:"Of them, observations known before."`
	Refused    int64     `json:"refused" doc:"Of them, bad rows."`
	Fault      string    `json:"fault" doc:"Why it is broken or unreadable."`
	Exercise   bool      `json:"exercise"`
	TLP        string    `json:"tlp"`
	RecordedBy string    `json:"recorded_by"`
}

func viewDelivery(d casebook.Delivery) delivery {
	return delivery{
		Kind: "delivery", ID: d.ID.Text(casebook.DeliveryPrefix), Digest: d.Digest.String(), Bytes: d.Bytes,
		Feed: d.Feed, Type: d.Type, Name: d.Name, Door: d.Door, ReceivedAt: kept(d.ReceivedAt), State: d.State.String(),
		Rows: d.Rows, Taken: d.Taken, Duplicate: d.Duplicate, Refused: d.Refused, Fault: d.Fault,
		Exercise: d.Mark.Exercise, TLP: d.Mark.TLP.String(), RecordedBy: d.Mark.RecordedBy,
	}
}

// kept gives a moment as the database keeps it, so that the answer to a write says
// the same as every later read.
func kept(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// accepted is the answer to a delivery at the door.
type accepted struct {
	delivery
	Known   bool    `json:"known" doc:"The same bytes were accepted before, for the same feed and type: this is that delivery."`
	Receipt receipt `json:"receipt"`
}

// receipt says where the record of an acceptance stands in the ledger.
type receipt struct {
	Leaf       *string `json:"leaf" doc:"Hash of the leaf, in hexadecimal; null for a known delivery, of which nothing was written."`
	Index      *int64  `json:"index" doc:"Place of the leaf; null while it isn't numbered."`
	Checkpoint string  `json:"checkpoint" doc:"The newest signed checkpoint, which may be older than the leaf; empty before the first."`
}

// refusal is a casebook.Refusal as the API shows it.
type refusal struct {
	Row    int64  `json:"row"`
	Line   int64  `json:"line"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

func viewRefusal(r casebook.Refusal) refusal { return refusal(r) }

type postDelivery struct {
	Asked
	Feed           string `query:"feed" required:"true" doc:"Name of the format, as GET /api/v1/feeds lists it."`
	Type           string `query:"type" doc:"Report type; taken from the name when absent."`
	Name           string `query:"name" doc:"What the sender calls the file."`
	Exercise       bool   `query:"exercise" doc:"A drill: kept apart from live work and marked everywhere."`
	IdempotencyKey string `header:"Idempotency-Key" doc:"Accepted, and not needed: the same bytes for the same feed and type are the same delivery."`
}

type listDeliveries struct {
	Asked
	Paged
}

// Paged is the input of a list.
type Paged struct {
	Cursor string `query:"cursor" doc:"The next of the page before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

// after reads the cursor; none is the zero ID.
func (p Paged) after(prefix string) (casebook.ID, error) {
	if p.Cursor == "" {
		return casebook.ID{}, nil
	}
	return casebook.ParseID(prefix, p.Cursor)
}

type getDelivery struct {
	Asked
	ID      string `path:"id"`
	PastRow int64  `query:"past_row" minimum:"-1" default:"-1" doc:"With wait: answer as soon as the cursor is past this row; -1 waits for the end."`
	Wait    int    `query:"wait" minimum:"0" maximum:"60" doc:"Seconds to wait; then the delivery is answered as it stands."`
}

type listRefusals struct {
	Asked
	ID       string `path:"id"`
	AfterRow int64  `query:"after_row" minimum:"0"`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (s *server) enterDeliveries(api huma.API) {
	tags := []string{"deliveries"}
	operation(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/deliveries", OperationID: "post-delivery", Tags: tags,
		Summary:       "Hand in a delivery",
		Description:   "The body is kept as it comes, packed or plain, whatever its Content-Type and Content-Encoding. The answer is given when it is on disk; it is folded afterwards: ask GET /api/v1/deliveries/{id}?wait=60. Answers 200 for a known delivery.",
		DefaultStatus: http.StatusCreated,
		RequestBody:   takesBytes("The bytes of the delivery."),
		Responses:     answers(http.StatusOK, "Known already", "application/json", schemaOf[accepted](api)),
	}, s.postDelivery)
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/deliveries", OperationID: "list-deliveries", Tags: tags,
		Summary: "List deliveries, newest first",
	}, s.listDeliveries)
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/deliveries/{id}", OperationID: "get-delivery", Tags: tags,
		Summary: "One delivery, now or when it is folded further",
	}, s.getDelivery)
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/deliveries/{id}/refusals", OperationID: "list-refusals", Tags: tags,
		Summary:     "The bad rows of a delivery, in its order",
		Description: "The first thousand are kept one by one; all are counted. Continue with after_row set to the last row of the page.",
	}, s.listRefusals)
}

type acceptedAnswer struct {
	Status int
	Body   accepted
}

func (s *server) postDelivery(ctx context.Context, in *postDelivery) (*acceptedAnswer, error) {
	a, err := s.desk.Accept(ctx, in.x.caller.actor, desk.Arrival{
		Feed: in.Feed, Type: in.Type, Name: in.Name, Door: "http", Exercise: in.Exercise, Party: in.x.caller.principal.Party,
		Body: in.x.body(0), // the desk has its own bound
	})
	if err != nil {
		return nil, err
	}
	out := &acceptedAnswer{http.StatusCreated, accepted{delivery: viewDelivery(a.Delivery), Known: a.Known}}
	if a.Known {
		out.Status = http.StatusOK
	}
	if a.Receipt.Leaf != (ledger.Hash{}) {
		leaf := hex.EncodeToString(a.Receipt.Leaf[:])
		out.Body.Receipt.Leaf = &leaf
	}
	if a.Receipt.Index >= 0 {
		out.Body.Receipt.Index = &a.Receipt.Index
	}
	out.Body.Receipt.Checkpoint, err = s.desk.Reader(in.x.caller.scope).Checkpoint(ctx)
	return out, err
}

func (s *server) listDeliveries(ctx context.Context, in *listDeliveries) (*object[page[delivery]], error) {
	after, err := in.after(casebook.DeliveryPrefix)
	if err != nil {
		return nil, err
	}
	all, err := s.desk.Reader(in.x.caller.scope).Deliveries(ctx, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return pageOf(all, in.Limit, viewDelivery, func(d casebook.Delivery) string { return d.ID.Text(casebook.DeliveryPrefix) }), nil
}

func (s *server) getDelivery(ctx context.Context, in *getDelivery) (*object[delivery], error) {
	id, err := casebook.ParseID(casebook.DeliveryPrefix, in.ID)
	if err != nil {
		return nil, err
	}
	past := in.PastRow
	if past < 0 {
		past = math.MaxInt64
	}
	wait, cancel := context.WithTimeout(ctx, time.Duration(in.Wait)*time.Second)
	defer cancel()
	d, err := s.desk.Await(wait, in.x.caller.scope, id, past)
	view := viewDelivery(d)
	if share, ok := s.desk.Share(id); ok && !d.State.Done() {
		view.Share = &share
	}
	return &object[delivery]{view}, err
}

func (s *server) listRefusals(ctx context.Context, in *listRefusals) (*object[page[refusal]], error) {
	id, err := casebook.ParseID(casebook.DeliveryPrefix, in.ID)
	if err != nil {
		return nil, err
	}
	r := s.desk.Reader(in.x.caller.scope)
	if _, err := r.Delivery(ctx, id); err != nil {
		return nil, err
	}
	all, err := r.Refusals(ctx, id, in.AfterRow, in.Limit)
	if err != nil {
		return nil, err
	}
	return pageOf(all, in.Limit, viewRefusal, nil), nil
}

// deliveryView is the page of one delivery.
type deliveryView struct {
	casebook.Delivery
	Bad  []casebook.Refusal
	Next int64 // row after which the next bad rows follow, 0 if none do
	Kept int64 // bad rows that are kept one by one
	Done string
}

func (s *server) deliveryPage(x *exchange) error {
	ctx := x.request.Context()
	id, err := casebook.ParseID(casebook.DeliveryPrefix, x.request.PathValue("id"))
	if err != nil {
		return err
	}
	after, err := queryNumber(x, "after_row")
	if err != nil {
		return err
	}
	r := s.desk.Reader(x.caller.scope)
	v := deliveryView{Done: x.request.URL.Query().Get("done")}
	if v.Delivery, err = r.Delivery(ctx, id); err != nil {
		return err
	}
	if v.Bad, err = r.Refusals(ctx, id, after, pageRows+1); err != nil {
		return err
	}
	if len(v.Bad) > pageRows {
		v.Bad = v.Bad[:pageRows]
		v.Next = v.Bad[pageRows-1].Row
	}
	v.Kept = min(v.Refused, store.MaxRefusals)
	return s.render(x, "delivery", v, viewDelivery(v.Delivery))
}
