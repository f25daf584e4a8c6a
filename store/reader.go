package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"tocsin/casebook"
)

// A Reader reads what its scope sees. It can't write.
type Reader struct {
	q       querier
	dialect dialect
	scope   casebook.Scope
}

// Reader gives a reader narrowed to a scope.
func (db *DB) Reader(scope casebook.Scope) *Reader {
	if db.onRead != nil {
		return &Reader{watched{db.reads, db.onRead}, db.dialect, scope}
	}
	return &Reader{db.reads, db.dialect, scope}
}

// watched tells of each question before it is asked.
type watched struct {
	querier
	tell func(query string, args []any)
}

func (w watched) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	w.tell(query, args)
	return w.querier.QueryContext(ctx, query, args...)
}

func (w watched) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	w.tell(query, args)
	return w.querier.QueryRowContext(ctx, query, args...)
}

// sees is the condition that every query over a noun carries.
func (r *Reader) sees(kind casebook.ShareKind) string { return r.seesOf(kind, shareable[kind].table) }

// seesOf is the condition on a noun's table that a query calls by another name: the
// reader's tenant, its labels, and for who isn't entitled to all a share row that
// holds still. Findings have a condition of their own, in their file.
func (r *Reader) seesOf(kind casebook.ShareKind, alias string) string {
	own := r.labels(alias)
	switch {
	case r.scope.All:
		return own
	case r.scope.Party.IsZero():
		return "1 = 0"
	}
	// What a party sees is little beside what there is: it is looked up by the shares,
	// and not the other way round.
	return own + fmt.Sprintf(" AND %s.id IN (SELECT share.object FROM share WHERE share.party = '%s' AND share.kind = %d AND share.shared_to = 0)",
		alias, partyText(r.scope.Party), kind)
}

// seesFew is seesOf for a query that finds few rows by something else: each is looked up
// in the shares, and not all shares gathered first.
func (r *Reader) seesFew(kind casebook.ShareKind, alias string) string {
	if r.scope.All || r.scope.Party.IsZero() {
		return r.seesOf(kind, alias)
	}
	return r.labels(alias) + fmt.Sprintf(" AND EXISTS (SELECT 1 FROM share WHERE share.party = '%s' AND share.kind = %d AND share.object = %s.id AND share.shared_to = 0)",
		partyText(r.scope.Party), kind, alias)
}

// labels is the condition on tenant and label.
func (r *Reader) labels(alias string) string {
	return fmt.Sprintf("%s.tenant = %d AND %s.tlp IN (%s)", alias, r.scope.Tenant, alias, r.tlps())
}

// tlps lists the labels that the reader may see.
func (r *Reader) tlps() string {
	var labels []string
	for _, l := range []casebook.TLP{casebook.Clear, casebook.Green, casebook.Amber, casebook.AmberStrict, casebook.Red} {
		if casebook.Stricter(l, r.scope.MaxTLP) == r.scope.MaxTLP {
			labels = append(labels, fmt.Sprint(int64(l)))
		}
	}
	return strings.Join(labels, ", ")
}

// before continues a list that runs from the newest to the oldest; n is the
// number of the argument that holds the last one's public name.
func before(after casebook.ID, n int) string {
	if after.IsZero() {
		// The argument must be used for the numbers to fit.
		return fmt.Sprintf(" AND public >= $%d", n)
	}
	return fmt.Sprintf(" AND public < $%d", n)
}

// collect reads all rows of a query.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		t, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// where collects conditions and their arguments; each question mark becomes the
// number of its argument.
type where struct {
	text string
	args []any
}

func (w *where) and(condition string, values ...any) {
	for _, v := range values {
		w.args = append(w.args, v)
		condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(w.args)), 1)
	}
	w.text += " AND " + condition
}

// notFound tells that a thing isn't there, where a query found no row.
func notFound(err error, noun, prefix string, id casebook.ID) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s %s: %w", noun, id.Text(prefix), casebook.ErrNotFound)
	}
	return err
}
