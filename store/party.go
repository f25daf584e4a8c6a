package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

var (
	partyTable = covered(17, "party", `public:b! tenant:i! region:t tlp:i exercise:i! recorded_by:t recorded_at:i
	name:t! roles:t member_state:t own:i`)

	// partyTermTable has what was added to a party later; a party without a row has
	// been there since ever and still is.
	partyTermTable = covered(32, "party_term", `party:i! network_region:t effect_region:t valid_from:i valid_to:i successor:i recorded_by:t recorded_at:i`)
)

type partyRow struct {
	id              int64
	salt            []byte
	term, successor int64 // numbers, 0 none
	termSalt        []byte
	casebook.Party
}

const selectParties = `SELECT p.id, p.salt, p.public, p.tenant, p.region, p.tlp, p.exercise, p.recorded_by, p.recorded_at, p.name, p.roles, p.member_state, p.own,
	COALESCE(m.id, 0), m.salt, COALESCE(m.network_region, ''), COALESCE(m.effect_region, ''), COALESCE(m.valid_from, 0), COALESCE(m.valid_to, 0),
	COALESCE(m.successor, 0), s.public
	FROM party p LEFT JOIN party_term m ON m.party = p.id LEFT JOIN party s ON s.id = m.successor`

func scanParty(s interface{ Scan(...any) error }) (*partyRow, error) {
	var p partyRow
	var public, successor []byte
	var at, from, to int64
	var roles string
	err := s.Scan(&p.id, &p.salt, &public, &p.Mark.Tenant, &p.Mark.Region, &p.Mark.TLP, &p.Mark.Exercise, &p.Mark.RecordedBy, &at,
		&p.Name, &roles, &p.MemberState, &p.Own, &p.term, &p.termSalt, &p.NetworkRegion, &p.EffectRegion, &from, &to, &p.successor, &successor)
	copy(p.ID[:], public)
	copy(p.Successor[:], successor)
	p.Region, p.Roles, p.RecordedAt, p.From, p.To = p.Mark.Region, strings.Fields(roles), moment(at), moment(from), moment(to)
	return &p, err
}

// SaveParty writes a party under its name: a new one, or what is known now of the one
// that has the name and hasn't ended. A name that an ended party had begins a new one.
// It gives ErrConflict for one that would begin before the ended one of its name ended.
func (tx *Tx) SaveParty(p casebook.Party) (casebook.Party, error) {
	// Of one name the one that hasn't ended comes first, then the one that ended last.
	old, err := scanParty(tx.row(selectParties+` WHERE p.tenant = $1 AND p.name = $2
		ORDER BY CASE WHEN COALESCE(m.valid_to, 0) = 0 THEN 0 ELSE 1 END, m.valid_to DESC LIMIT 1`, p.Mark.Tenant, p.Name))
	known := err == nil && old.To.IsZero()
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return p, err
	case err == nil && !known && p.From.Before(old.To):
		return p, fmt.Errorf("party %s ended on %s: say from when on another one has its name, not before: %w", p.Name, old.To.Format("2006-01-02 15:04:05 MST"), casebook.ErrConflict)
	case !p.To.IsZero() && !p.From.Before(p.To):
		return p, fmt.Errorf("party %s: it ends before it begins: %w", p.Name, casebook.ErrInvalid)
	}
	p.Roles = slices.Compact(slices.Sorted(slices.Values(p.Roles)))
	row := partyRow{salt: tx.salt(), Party: p}
	if known {
		row.id, row.salt, row.term, row.termSalt, row.successor = old.id, old.salt, old.term, old.termSalt, old.successor
		row.ID, row.Mark.Exercise, row.Successor = old.ID, old.Mark.Exercise, old.Successor
		row.Own = p.Own || old.Own // that it isn't any more is said by Disown
	} else {
		row.ID = casebook.NewID(tx.at)
		if row.id, err = tx.id("party"); err != nil {
			return p, err
		}
	}
	return tx.saveParty(&row, !known)
}

// Disown says that the platform doesn't speak for a party any more.
func (tx *Tx) Disown(id casebook.ID) (casebook.Party, error) {
	p, err := scanParty(tx.row(selectParties+` WHERE p.public = $1`, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("party %s: %w", id.Text(casebook.PartyPrefix), casebook.ErrNotFound)
	}
	if err != nil {
		return casebook.Party{}, err
	}
	p.Own = false
	return tx.saveParty(p, false)
}

func (tx *Tx) saveParty(p *partyRow, isNew bool) (casebook.Party, error) {
	p.Mark.Region, p.RecordedAt = p.Region, tx.at
	tenant, region, tlp, exercise, by := mark(p.Mark)
	row := []any{p.id, p.salt, p.ID[:], tenant, region, tlp, exercise, by, micros(tx.at), p.Name, strings.Join(p.Roles, " "), p.MemberState, bit(p.Own)}
	save := tx.update
	if isNew {
		save = tx.insert
	}
	if err := save(partyTable, row); err != nil {
		return p.Party, err
	}
	save = tx.update
	if p.term == 0 {
		var err error
		if p.term, err = tx.id("party_term"); err != nil {
			return p.Party, err
		}
		p.termSalt, save = tx.salt(), tx.insert
	}
	return p.Party, save(partyTermTable, []any{p.term, p.termSalt, p.id, p.NetworkRegion, p.EffectRegion, micros(p.From), micros(p.To), p.successor, by, micros(tx.at)})
}

// EndParty says when a party ended, and who took over; the zero ID is nobody. It gives
// ErrConflict for one that has ended, ErrInvalid for an end before its beginning.
func (tx *Tx) EndParty(id casebook.ID, to time.Time, successor casebook.ID, by string) (casebook.Party, error) {
	p, err := scanParty(tx.row(selectParties+` WHERE p.public = $1`, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("party %s: %w", id.Text(casebook.PartyPrefix), casebook.ErrNotFound)
	}
	switch {
	case err != nil:
		return casebook.Party{}, err
	case !p.To.IsZero():
		return p.Party, fmt.Errorf("party %s ended on %s already: %w", p.Name, p.To.Format("2006-01-02 15:04:05 MST"), casebook.ErrConflict)
	case to.IsZero() || !p.From.Before(to):
		return p.Party, fmt.Errorf("party %s can't end before it began: %w", p.Name, casebook.ErrInvalid)
	case successor == id:
		return p.Party, fmt.Errorf("party %s can't succeed itself: %w", p.Name, casebook.ErrInvalid)
	}
	if p.successor, err = numberOf(tx.ctx, tx.conn, "party", casebook.PartyPrefix, successor); err != nil {
		return p.Party, err
	}
	p.To, p.Successor, p.Mark.RecordedBy = to, successor, by
	return tx.saveParty(p, false)
}

// Parties gives the parties that the reader sees, by name, those of one name in their
// order; a party sees itself.
func (r *Reader) Parties(ctx context.Context) ([]casebook.Party, error) {
	all, err := partiesOf(ctx, r.q, r.labels("p"))
	if r.scope.All {
		return all, err
	}
	return slices.DeleteFunc(all, func(p casebook.Party) bool { return p.ID != r.scope.Party }), err
}

// Party gives one party. It gives ErrNotFound for one that the reader doesn't see.
func (r *Reader) Party(ctx context.Context, id casebook.ID) (casebook.Party, error) {
	p, err := scanParty(r.q.QueryRowContext(ctx, selectParties+` WHERE p.public = $1 AND `+r.labels("p"), id[:]))
	if errors.Is(err, sql.ErrNoRows) || err == nil && !r.scope.All && id != r.scope.Party {
		return casebook.Party{}, fmt.Errorf("party %s: %w", id.Text(casebook.PartyPrefix), casebook.ErrNotFound)
	}
	return p.Party, err
}

// ownName gives the name of the reader's own party; "" for who sees all.
func (r *Reader) ownName(ctx context.Context) (string, error) {
	if r.scope.All || r.scope.Party.IsZero() {
		return "", nil
	}
	var name string
	err := r.q.QueryRowContext(ctx, `SELECT name FROM party WHERE public = $1`, r.scope.Party[:]).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return name, err
}

// OwnParties gives the parties for which this platform speaks now, by name.
func (tx *Tx) OwnParties(tenant int64) ([]casebook.Party, error) {
	all, err := partiesOf(tx.ctx, tx.conn, fmt.Sprintf("p.own = 1 AND p.tenant = %d", tenant))
	return slices.DeleteFunc(all, func(p casebook.Party) bool { return !p.At(tx.at) }), err
}

func partiesOf(ctx context.Context, q querier, where string) ([]casebook.Party, error) {
	rows, err := q.QueryContext(ctx, selectParties+` WHERE `+where+` ORDER BY p.name, p.id`)
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
