package desk

import (
	"context"
	"slices"

	"tocsin/casebook"
	"tocsin/report"
	"tocsin/store"
)

// caseReports and caseOrders bound how many papers of one case a draft looks at.
const (
	caseReports = 1000
	caseOrders  = 200
)

// ordersOf gives the orders of a case with how their rows stand, oldest first.
func ordersOf(ctx context.Context, r *store.Reader, incident casebook.ID) ([]report.Ordered, error) {
	orders, err := r.Orders(ctx, incident, casebook.ID{}, caseOrders)
	if err != nil {
		return nil, err
	}
	var all []report.Ordered
	for _, o := range orders {
		rows, err := r.OrderRows(ctx, o.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, report.OrderedOf(o, rows))
	}
	slices.SortStableFunc(all, func(a, b report.Ordered) int { return a.ServedAt.Compare(b.ServedAt) })
	return all, nil
}

// filedBefore gives the fields that the party of a report filed last at another stage of
// the same case; none where it filed nothing yet.
func filedBefore(ctx context.Context, r *store.Reader, one casebook.Report) ([]casebook.FormField, error) {
	others, err := r.Reports(ctx, one.Incident, casebook.ID{}, caseReports, casebook.FiledReport)
	if err != nil {
		return nil, err
	}
	var last casebook.ReportVersion
	for _, other := range others {
		if other.ID == one.ID || other.Party != one.Party {
			continue
		}
		versions, err := r.ReportVersions(ctx, other.ID)
		if err != nil {
			return nil, err
		}
		if n := len(versions); n > 0 && versions[n-1].FiledAt.After(last.FiledAt) {
			last = versions[n-1]
		}
	}
	return last.Fields, nil
}
