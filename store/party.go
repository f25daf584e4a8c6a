package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tocsin/casebook"
)

var partyTable = covered(17, "party", `public:b! tenant:i! region:t tlp:i exercise:i! recorded_by:t recorded_at:i
	name:t! roles:t member_state:t own:i`)

type partyRow struct {
	id   int64
	salt []byte
	casebook.Party
}

func scanParty(s interface{ Scan(...any) error }) (*partyRow, error) {
	var p partyRow
	var public []byte
	var at int64
	var roles string
	err := s.Scan(&p.id, &p.salt, &public, &p.Mark.Tenant, &p.Mark.Region, &p.Mark.TLP, &p.Mark.Exercise, &p.Mark.RecordedBy, &at,
		&p.Name, &roles, &p.MemberState, &p.Own)
	copy(p.ID[:], public)
	p.Region, p.Roles, p.RecordedAt = p.Mark.Region, strings.Fields(roles), moment(at)
	return &p, err
}

// SaveParty writes a party under its name: a new one, or what is known of it now.
func (tx *Tx) SaveParty(p casebook.Party) (casebook.Party, error) {
	old, err := scanParty(tx.row(partyTable.selectSQL+` WHERE tenant = $1 AND name = $2`, p.Mark.Tenant, p.Name))
	known := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return p, err
	}
	p.Mark.Region, p.RecordedAt = p.Region, tx.at
	p.Roles = slices.Compact(slices.Sorted(slices.Values(p.Roles)))
	id, salt := old.id, old.salt
	if known {
		p.ID, p.Mark.Exercise = old.ID, old.Mark.Exercise
	} else {
		p.ID, salt = casebook.NewID(tx.at), tx.salt()
		if id, err = tx.id("party"); err != nil {
			return p, err
		}
	}
	tenant, region, tlp, exercise, by := mark(p.Mark)
	row := []any{id, salt, p.ID[:], tenant, region, tlp, exercise, by, micros(tx.at), p.Name, strings.Join(p.Roles, " "), p.MemberState, bit(p.Own)}
	if known {
		return p, tx.update(partyTable, row)
	}
	return p, tx.insert(partyTable, row)
}

// Parties gives the parties that the reader sees, by name.
func (r *Reader) Parties(ctx context.Context) ([]casebook.Party, error) {
	return partiesOf(ctx, r.q, r.sees())
}

// OwnParties gives the parties for which this platform speaks, by name.
func (tx *Tx) OwnParties(tenant int64) ([]casebook.Party, error) {
	return partiesOf(tx.ctx, tx.conn, fmt.Sprintf("own = 1 AND tenant = %d", tenant))
}

func partiesOf(ctx context.Context, q querier, where string) ([]casebook.Party, error) {
	rows, err := q.QueryContext(ctx, partyTable.selectSQL+` WHERE `+where+` ORDER BY name`)
	return collect(rows, err, func(rows *sql.Rows) (casebook.Party, error) {
		p, err := scanParty(rows)
		return p.Party, err
	})
}

// numberOf gives the internal number behind a public name; 0 for the zero ID.
func numberOf(ctx context.Context, q querier, table, prefix string, id casebook.ID) (n int64, err error) {
	if id.IsZero() {
		return 0, nil
	}
	err = q.QueryRowContext(ctx, `SELECT id FROM `+table+` WHERE public = $1`, id[:]).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%s %s: %w", table, id.Text(prefix), casebook.ErrNotFound)
	}
	return n, err
}
