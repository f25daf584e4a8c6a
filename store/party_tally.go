package store

import (
	"context"
	"fmt"

	"tocsin/casebook"
)

// A PartyTally is how much concerns one party.
type PartyTally struct {
	Findings int64
	Reports  int64 // that it owes or has filed
	Orders   int64 // to it
	Answered int64 // of them closed or withdrawn
	Holdings int64 // rows, held now or once, as people named the party
}

// PartyTally counts what concerns a party, of what the reader sees. It gives
// ErrNotFound for one that the reader doesn't see.
func (r *Reader) PartyTally(ctx context.Context, id casebook.ID) (t PartyTally, err error) {
	p, err := r.Party(ctx, id)
	if err != nil {
		return t, err
	}
	findings := `SELECT CAST(COALESCE(SUM(y.n), 0) AS BIGINT) FROM part_tally y WHERE y.party = $1 AND y.subject = 1`
	if !r.scope.All { // which sees its own alone
		findings = `SELECT CAST(COALESCE(SUM(y.n), 0) AS BIGINT) FROM ` + r.ownParts(partsStand) + fmt.Sprintf(` WHERE $1 = '%s'`, partyText(r.scope.Party))
	}
	const of = ` AND party = (SELECT id FROM party WHERE public = $1)`
	for _, q := range []struct {
		query string
		arg   any
		into  []any
	}{
		{findings, partyText(id), []any{&t.Findings}},
		{`SELECT COUNT(*) FROM report WHERE ` + r.sees(casebook.SharedReport) + of, id[:], []any{&t.Reports}},
		{`SELECT COUNT(*), COALESCE(SUM(CASE WHEN state >= 3 THEN 1 ELSE 0 END), 0) FROM orders WHERE ` + r.sees(casebook.SharedOrder) + of, id[:], []any{&t.Orders, &t.Answered}},
		{`SELECT COUNT(*) FROM holding WHERE party = $1 AND party <> ''`, p.Name, []any{&t.Holdings}},
	} {
		if err := r.q.QueryRowContext(ctx, q.query, q.arg).Scan(q.into...); err != nil {
			return t, err
		}
	}
	return t, nil
}
