package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"tocsin/casebook"
)

// A FeedSum is what came by one format and report type in earnest; drills aside.
type FeedSum struct {
	Feed, Type string
	Deliveries int64
	First      time.Time
	Last       casebook.Delivery
	Day, Week  RowSum // of the 24 hours and the 7 days before the moment asked for
	// Arrivals are the moments of the newest deliveries, newest first.
	Arrivals []time.Time
}

// A RowSum sums up the rows of some deliveries.
type RowSum struct{ Deliveries, Taken, Duplicate, Refused int64 }

// FeedSums sums up deliveries by feed and report type, each with its newest arrivals,
// to who sees all.
func (r *Reader) FeedSums(ctx context.Context, now time.Time, arrivals int) ([]FeedSum, error) {
	if !r.scope.All {
		return []FeedSum{}, nil
	}
	rows, err := r.q.QueryContext(ctx, `SELECT feed, type, COUNT(*), MIN(received_at) FROM delivery
		WHERE tenant = $1 AND exercise = 0 GROUP BY feed, type ORDER BY feed, type`, r.scope.Tenant)
	all, err := collect(rows, err, func(rows *sql.Rows) (f FeedSum, err error) {
		var first int64
		err = rows.Scan(&f.Feed, &f.Type, &f.Deliveries, &first)
		f.First = moment(first)
		return f, err
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		f := &all[i]
		if err := r.arrivals(ctx, f, arrivals); err != nil {
			return nil, err
		}
		for sum, since := range map[*RowSum]time.Time{&f.Day: now.Add(-24 * time.Hour), &f.Week: now.Add(-7 * 24 * time.Hour)} {
			if err := r.q.QueryRowContext(ctx, `SELECT COUNT(*), CAST(COALESCE(SUM(taken), 0) AS BIGINT), CAST(COALESCE(SUM(duplicate), 0) AS BIGINT), CAST(COALESCE(SUM(refused), 0) AS BIGINT)
				FROM delivery WHERE tenant = $1 AND exercise = 0 AND feed = $2 AND type = $3 AND received_at > $4`,
				r.scope.Tenant, f.Feed, f.Type, micros(since)).Scan(&sum.Deliveries, &sum.Taken, &sum.Duplicate, &sum.Refused); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (r *Reader) arrivals(ctx context.Context, f *FeedSum, most int) error {
	rows, err := r.q.QueryContext(ctx, deliveryTable.selectSQL+` WHERE tenant = $1 AND exercise = 0 AND feed = $2 AND type = $3
		ORDER BY received_at DESC LIMIT $4`, r.scope.Tenant, f.Feed, f.Type, most)
	all, err := collect(rows, err, func(rows *sql.Rows) (*deliveryRow, error) { return scanDelivery(rows) })
	for i, d := range all {
		if i == 0 {
			f.Last = d.Delivery
		}
		f.Arrivals = append(f.Arrivals, d.ReceivedAt)
	}
	return err
}

// A SourceSum is one source of claims, and when it was heard in earnest.
type SourceSum struct {
	Name    string
	GapDays int
	Days    casebook.Days
}

// Sources gives the sources that were ever heard in earnest, by name, to who sees all.
func (r *Reader) Sources(ctx context.Context) ([]SourceSum, error) {
	if !r.scope.All {
		return []SourceSum{}, nil
	}
	rows, err := r.q.QueryContext(ctx, sourceTable.selectSQL+` WHERE tenant = $1 AND exercise = 0 ORDER BY name`, r.scope.Tenant)
	return collect(rows, err, func(rows *sql.Rows) (SourceSum, error) {
		s, err := scanSource(rows)
		if err != nil {
			return SourceSum{}, err
		}
		return SourceSum{s.name, int(s.gapDays), s.days}, nil
	})
}

// A RefusedRow is a bad row with the delivery in which it came.
type RefusedRow struct {
	casebook.Refusal
	Delivery   casebook.ID
	Name, Feed string
	ReceivedAt time.Time
}

// NewestRefusals gives the bad rows of deliveries that came since a moment, of the
// newest delivery first, a few of each delivery; to who sees all.
func (r *Reader) NewestRefusals(ctx context.Context, since time.Time, deliveries, each int) ([]RefusedRow, error) {
	if !r.scope.All {
		return []RefusedRow{}, nil
	}
	rows, err := r.q.QueryContext(ctx, deliveryTable.selectSQL+` WHERE tenant = $1 AND received_at > $2 AND refused > 0 AND exercise = 0 AND `+r.labels("delivery")+`
		ORDER BY public DESC LIMIT $3`, r.scope.Tenant, micros(since), deliveries)
	came, err := collect(rows, err, func(rows *sql.Rows) (*deliveryRow, error) { return scanDelivery(rows) })
	if err != nil {
		return nil, err
	}
	all := []RefusedRow{}
	for _, d := range came {
		bad, err := r.Refusals(ctx, d.ID, 0, each)
		if err != nil {
			return nil, err
		}
		for _, one := range bad {
			all = append(all, RefusedRow{one, d.ID, d.Name, d.Feed, d.ReceivedAt})
		}
	}
	return all, nil
}

// A DeliveryFilter narrows a list of deliveries; its zero value lets all pass.
type DeliveryFilter struct {
	State *casebook.DeliveryState
	Feed  string
	// Refused: only those with bad rows.
	Refused bool
}

// DeliveryPage gives a page of deliveries, newest first, from after the one named on.
func (r *Reader) DeliveryPage(ctx context.Context, f DeliveryFilter, after casebook.ID, limit int) ([]casebook.Delivery, error) {
	w := where{text: r.sees(casebook.SharedDelivery) + before(after, 1), args: []any{after[:]}}
	if f.State != nil {
		w.and("state = ?", int64(*f.State))
	}
	if f.Feed != "" {
		w.and("feed = ?", clean(f.Feed))
	}
	if f.Refused {
		w.and("refused > ?", 0)
	}
	w.args = append(w.args, limit)
	rows, err := r.q.QueryContext(ctx, deliveryTable.selectSQL+` WHERE `+w.text+fmt.Sprintf(` ORDER BY public DESC LIMIT $%d`, len(w.args)), w.args...)
	return collect(rows, err, func(rows *sql.Rows) (casebook.Delivery, error) {
		d, err := scanDelivery(rows)
		return d.Delivery, err
	})
}
