package store

import (
	"context"
	"database/sql"

	"tocsin/casebook"
)

// An Orderable is a party that had findings in a threat last, with how many of them
// aren't verified or void, so that an order could be given over them.
type Orderable struct {
	Party    string // name, as the findings have it
	Findings int64
}

// Orderables gives the parties that had findings in a threat last, who has the most
// first, to who sees all; others see none.
func (r *Reader) Orderables(ctx context.Context, threat casebook.ID, limit int) ([]Orderable, error) {
	if !r.scope.All {
		return nil, nil
	}
	rows, err := r.q.QueryContext(ctx, `SELECT f.party, COUNT(*) FROM finding f JOIN threat t ON t.id = f.threat
		WHERE t.public = $1 AND f.party <> '' AND f.state NOT IN ($2, $3) AND `+r.labels("f")+` GROUP BY f.party ORDER BY COUNT(*) DESC, f.party LIMIT $4`,
		threat[:], int64(casebook.Verified), int64(casebook.Void), limit)
	return collect(rows, err, func(rows *sql.Rows) (o Orderable, err error) {
		return o, rows.Scan(&o.Party, &o.Findings)
	})
}

// FindingsToOrder gives the findings that an order to a party over a threat takes if
// nobody names any (see Tx.FindingsOf), to who sees all; others see none. The zero
// threat is any.
func (r *Reader) FindingsToOrder(ctx context.Context, threat casebook.ID, party casebook.Party, limit int) ([]casebook.Finding, error) {
	if !r.scope.All {
		return nil, nil
	}
	const last = `SELECT 1 FROM finding_part q WHERE q.finding = f.id AND q.last_seen = f.last_seen`
	held := ""
	if threat.IsZero() {
		held = ` AND f.id IN (SELECT p.finding FROM finding_part p WHERE p.party = $4)` // has an index, which a party's name has not
	}
	rows, err := r.findings(ctx, FindingFilter{Threat: threat}, `AND f.party = $1 AND f.state NOT IN ($2, $3)`+held+`
		AND (EXISTS (`+last+` AND q.party = $4) OR NOT EXISTS (`+last+`)) ORDER BY f.id LIMIT $5`,
		[]any{party.Name, int64(casebook.Verified), int64(casebook.Void), partyText(party.ID), limit})
	all := make([]casebook.Finding, len(rows))
	for i, one := range rows {
		all[i] = one.Finding
	}
	return all, err
}
