package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"tocsin/casebook"
)

var contactTable = covered(40, "contact", `party:i! kind:t! target:t! recorded_at:i! recorded_by:t! ended_at:i`)

// AddContact says where a party is reached, for what.
func (tx *Tx) AddContact(party casebook.ID, kind, target string) error {
	n, err := numberOf(tx.ctx, tx.conn, "party", casebook.PartyPrefix, party)
	if err != nil {
		return err
	}
	id, err := tx.id("contact")
	if err != nil {
		return err
	}
	return tx.insert(contactTable, []any{id, tx.salt(), n, kind, target, micros(tx.at), tx.actor, int64(0)})
}

// EndContact says that a party isn't reached there any more.
func (tx *Tx) EndContact(party casebook.ID, kind, target string) (bool, error) {
	ids, err := tx.numbers(`SELECT c.id FROM contact c JOIN party p ON p.id = c.party WHERE p.public = $1 AND c.kind = $2 AND c.target = $3 AND c.ended_at = 0 ORDER BY c.id`,
		party[:], kind, target)
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		var salt []byte
		var n, recorded int64
		var by string
		if err := tx.row(`SELECT salt, party, recorded_at, recorded_by FROM contact WHERE id = $1`, id).Scan(&salt, &n, &recorded, &by); err != nil {
			return false, err
		}
		if err := tx.update(contactTable, []any{id, salt, n, kind, target, recorded, by, micros(tx.at)}); err != nil {
			return false, err
		}
	}
	return len(ids) > 0, nil
}

// A Contact is where a party is reached, for what.
type Contact struct {
	Party  casebook.ID
	Kind   string
	Target string
	Since  time.Time
}

// Contacts gives where a party is reached now.
func (tx *Tx) Contacts(party casebook.ID) ([]Contact, error) {
	return contactsOf(tx.ctx, tx.conn, "1 = 1", party)
}

// Contacts gives where a party is reached now, to who sees all and to the party itself.
func (r *Reader) Contacts(ctx context.Context, party casebook.ID) ([]Contact, error) {
	if !r.scope.All && party != r.scope.Party {
		return []Contact{}, nil
	}
	return contactsOf(ctx, r.q, r.labels("p"), party)
}

func contactsOf(ctx context.Context, q querier, sees string, party casebook.ID) ([]Contact, error) {
	rows, err := q.QueryContext(ctx, `SELECT c.kind, c.target, c.recorded_at FROM contact c JOIN party p ON p.id = c.party
		WHERE p.public = $1 AND c.ended_at = 0 AND `+sees+` ORDER BY c.id`, party[:])
	return collect(rows, err, func(rows *sql.Rows) (Contact, error) {
		c := Contact{Party: party}
		var since int64
		err := rows.Scan(&c.Kind, &c.Target, &since)
		c.Since = moment(since)
		return c, err
	})
}

// PartiesAs gives the parties that have a role now, by name.
func (tx *Tx) PartiesAs(tenant int64, role string) ([]casebook.Party, error) {
	all, err := partiesOf(tx.ctx, tx.conn, fmt.Sprintf("p.tenant = %d", tenant))
	var kept []casebook.Party
	for _, p := range all {
		for _, r := range p.Roles {
			if r == role && p.At(tx.at) {
				kept = append(kept, p)
			}
		}
	}
	return kept, err
}

// Party gives one party.
func (tx *Tx) Party(id casebook.ID) (casebook.Party, error) {
	if _, err := numberOf(tx.ctx, tx.conn, "party", casebook.PartyPrefix, id); err != nil {
		return casebook.Party{}, err
	}
	p, err := scanParty(tx.row(selectParties+` WHERE p.public = $1`, id[:]))
	return p.Party, err
}
