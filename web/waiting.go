package web

import (
	"context"
	"slices"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/store"
)

// How much of what waits the first page lists, and how long a recipient may keep silent
// before that is listed.
const (
	waitingRows = 10
	silentAfter = time.Hour
)

// waitingView is what waits for who sees the page, besides what is due: orders that want
// a second person, to be served or to be answered, and filings that nobody acknowledged.
type waitingView struct {
	Now    time.Time
	Orders []waitingOrder
	Silent []silentRecipient
	// Disputes are objections to scorecards that who sees the page may decide on.
	Disputes []casebook.Dispute
}

// waitingOrder is an order with what it waits for: approve, serve or answer.
type waitingOrder struct {
	orderTitle
	For string
}

// silentRecipient is somebody to whom a report went and who has said nothing.
type silentRecipient struct {
	casebook.Recipient
	Path, Title   string // of the report, and of its case
	Regime, Stage string // that it was filed at
}

// waiting gathers what waits for somebody. A draft isn't shown to who wrote it: it
// takes another person. An order whose rows are all answered waits for nobody.
func (s *server) waiting(ctx context.Context, who access.Principal, scope casebook.Scope, now time.Time) (waitingView, error) {
	v := waitingView{Now: now}
	for _, one := range []struct {
		state casebook.OrderState
		word  string
		needs bool
	}{
		{casebook.DraftOrder, "approve", who.May(access.ApproveOrders)},
		{casebook.ApprovedOrder, "serve", who.May(access.ServeOrders)},
		{casebook.ServedOrder, "answer", !scope.All && who.May(access.AnswerOrders)},
	} {
		if !one.needs {
			continue
		}
		orders, err := s.desk.Reader(scope).OrdersWaiting(ctx, one.state, who.Actor.String(), waitingRows)
		if err != nil {
			return v, err
		}
		titles, err := s.orderTitles(ctx, scope, orders)
		if err != nil {
			return v, err
		}
		for _, o := range titles {
			v.Orders = append(v.Orders, waitingOrder{o, one.word})
		}
	}
	var err error
	if v.Disputes, err = s.undecided(ctx, who, scope); err != nil || !who.May(access.AcknowledgeReports) {
		return v, err
	}
	v.Silent, err = s.silent(ctx, scope, now.Add(-silentAfter))
	return v, err
}

// undecided gives the objections that wait for a decision of somebody else than who
// raised them.
func (s *server) undecided(ctx context.Context, who access.Principal, scope casebook.Scope) ([]casebook.Dispute, error) {
	if !who.May(access.DecideDisputes) {
		return nil, nil
	}
	all, err := s.desk.Reader(scope).Disputes(ctx, store.DisputeFilter{Open: true}, waitingRows)
	return slices.DeleteFunc(all, func(d casebook.Dispute) bool { return d.By == who.Actor.String() }), err
}

func (s *server) silent(ctx context.Context, scope casebook.Scope, by time.Time) (list []silentRecipient, err error) {
	r := s.desk.Reader(scope)
	all, err := r.Silent(ctx, by, waitingRows)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		report, _, err := r.Report(ctx, one.Report)
		if err != nil {
			return nil, err
		}
		named, err := r.IncidentsNamed(ctx, []casebook.ID{report.Incident})
		if err != nil {
			return nil, err
		}
		list = append(list, silentRecipient{one, "/reports/" + one.Report.Text(casebook.ReportPrefix), named[report.Incident].Title, report.Regime, report.Stage})
	}
	return list, nil
}
