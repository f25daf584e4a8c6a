package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"tocsin/casebook"
)

// A HeldFilter narrows the holdings of a party.
type HeldFilter struct {
	Party string    // as tables name it
	At    time.Time // held at this moment; zero: ever
	Asset casebook.Asset
	Text  string // within a suffix, a holder or a source
	After int64  // number of the last one before
}

// Held gives the holdings of a party in the order in which they came, to who sees all
// and to the party itself.
func (r *Reader) Held(ctx context.Context, f HeldFilter, limit int) ([]HoldingRow, error) {
	own, err := r.ownName(ctx)
	if err != nil || !r.scope.All && own != f.Party {
		return []HoldingRow{}, err
	}
	const to = `CASE WHEN e.state = 1 AND (h.held_to = 0 OR h.held_to > e.as_of) THEN e.as_of ELSE h.held_to END`
	// $2 is the import that counts beside those in force: none.
	w := where{text: `h.tenant = $1 AND h.party = $3 AND h.party <> ''`, args: []any{r.scope.Tenant, int64(0), clean(f.Party)}}
	w.and("h.id > ?", f.After)
	if !f.At.IsZero() {
		w.and("h.held_from <= ? AND ("+to+" = 0 OR "+to+" > ?)", micros(f.At), micros(f.At))
	}
	if f.Asset.Addr.IsValid() {
		w.and("h.low <= ? AND h.high >= ? AND h.low <> ?", addrOctets(f.Asset.Addr), addrOctets(f.Asset.Addr), []byte{})
	}
	if f.Text != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(strings.ToLower(clean(f.Text))) + "%"
		w.and(`(LOWER(h.suffix) LIKE ? ESCAPE '\' OR LOWER(h.holder) LIKE ? ESCAPE '\' OR LOWER(h.source) LIKE ? ESCAPE '\')`, like, like, like)
	}
	w.args = append(w.args, limit)
	all := []HoldingRow{}
	for h, err := range r.holdings(ctx, fmt.Sprintf(`JOIN holding_import b ON b.id = h.begun_by AND (b.state = 1 OR b.id = $2) WHERE %s ORDER BY h.id LIMIT $%d`, w.text, len(w.args)), w.args...) {
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}

// HoldingBy gives the holding that decided an attribution, by its place in the table
// of all holdings once the import of a number is in force. It gives ErrNotFound where
// there is none so far on.
func (r *Reader) HoldingBy(ctx context.Context, with int64, place int32) (HoldingRow, error) {
	if r.scope.All && place >= 0 {
		for h, err := range r.holdings(ctx, `JOIN holding_import b ON b.id = h.begun_by AND (b.state = 1 OR b.id = $2)
			WHERE h.tenant = $1 ORDER BY h.id LIMIT 1 OFFSET $3`, r.scope.Tenant, with, int64(place)) {
			return h, err
		}
	}
	return HoldingRow{}, fmt.Errorf("holding %d: %w", place, casebook.ErrNotFound)
}

// HoldingImports gives the imports of holdings, newest first, to who sees all.
func (r *Reader) HoldingImports(ctx context.Context, limit int) ([]HoldingImport, error) {
	if !r.scope.All {
		return []HoldingImport{}, nil
	}
	rows, err := r.q.QueryContext(ctx, importTable.selectSQL+` WHERE tenant = $1 ORDER BY id DESC LIMIT $2`, r.scope.Tenant, limit)
	return collect(rows, err, func(rows *sql.Rows) (HoldingImport, error) { return scanImport(rows) })
}
