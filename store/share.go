package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tocsin/casebook"
)

var shareTable = covered(30, "share", `kind:i! object:i! party:t! shared_from:i shared_to:i why:t recorded_by:t recorded_at:i`)

// shareable tells, for each noun that can be shared, its table and the prefix of its
// public names. A noun enters itself beside its table.
var shareable = map[casebook.ShareKind]struct{ table, prefix string }{
	casebook.SharedDelivery: {"delivery", casebook.DeliveryPrefix},
	casebook.SharedFinding:  {"finding", casebook.FindingPrefix},
	casebook.SharedThreat:   {"threat", casebook.ThreatPrefix},
	casebook.SharedIncident: {"incident", casebook.IncidentPrefix},
	casebook.SharedDuty:     {"duty", casebook.DutyPrefix},
	casebook.SharedParty:    {"party", casebook.PartyPrefix},
	casebook.SharedReport:   {"report", casebook.ReportPrefix},
	casebook.SharedOrder:    {"orders", casebook.OrderPrefix},
}

// partyText names a party as share rows do; "" for the zero ID.
func partyText(id casebook.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.Text(casebook.PartyPrefix)
}

// partyID reads what partyText wrote; what isn't that names nobody.
func partyID(text string) casebook.ID {
	id, err := casebook.ParseID(casebook.PartyPrefix, text)
	if err != nil {
		return casebook.ID{}
	}
	return id
}

// Share lets a party see a thing from this write on, and says why. A thing that the
// party sees already stays as it is; one that was taken back is opened again. What a
// party sees of a finding are the figures of what was attributed to it, see Fold: a
// finding of which nothing was attributed to it shows nothing. It gives ErrNotFound
// for a thing or a party that isn't there, and ErrInvalid for a kind that can't be
// shared.
func (tx *Tx) Share(kind casebook.ShareKind, id, party casebook.ID, why string) error {
	noun, ok := shareable[kind]
	if !ok || why == "" {
		return fmt.Errorf("share %s because of %q: %w", kind, why, casebook.ErrInvalid)
	}
	object, err := numberOf(tx.ctx, tx.conn, noun.table, noun.prefix, id)
	if err == nil {
		var n int64
		n, err = numberOf(tx.ctx, tx.conn, "party", casebook.PartyPrefix, party)
		if err == nil && (n == 0 || object == 0) {
			err = casebook.ErrNotFound
		}
	}
	if err != nil {
		return fmt.Errorf("share %s %s with %s: %w", kind, id.Text(noun.prefix), partyText(party), err)
	}
	return tx.share(kind, object, partyText(party), why)
}

func (tx *Tx) share(kind casebook.ShareKind, object int64, party, why string) error {
	row, err := tx.shareRow(kind, object, party)
	switch {
	case err == nil && row[6].(int64) == 0:
		return nil
	case err == nil:
		row[5], row[6], row[7], row[8], row[9] = micros(tx.at), int64(0), why, tx.actor, micros(tx.at)
		return tx.update(shareTable, row)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	n, err := tx.id("share")
	if err != nil {
		return err
	}
	return tx.insert(shareTable, []any{n, tx.salt(), int64(kind), object, party, micros(tx.at), int64(0), why, tx.actor, micros(tx.at)})
}

// Unshare takes a thing back from a party, from this write on, and says why. It gives
// ErrNotFound when the party doesn't see it.
func (tx *Tx) Unshare(kind casebook.ShareKind, id, party casebook.ID, why string) error {
	noun := shareable[kind]
	object, err := numberOf(tx.ctx, tx.conn, noun.table, noun.prefix, id)
	if err != nil {
		return err
	}
	row, err := tx.shareRow(kind, object, partyText(party))
	if errors.Is(err, sql.ErrNoRows) || err == nil && row[6].(int64) != 0 {
		return fmt.Errorf("%s %s isn't shared with %s: %w", kind, id.Text(noun.prefix), partyText(party), casebook.ErrNotFound)
	}
	if err != nil {
		return err
	}
	row[6], row[7], row[8], row[9] = micros(tx.at), why, tx.actor, micros(tx.at)
	return tx.update(shareTable, row)
}

func (tx *Tx) shareRow(kind casebook.ShareKind, object int64, party string) ([]any, error) {
	rows, err := tx.query(shareTable.selectSQL+` WHERE kind = $1 AND object = $2 AND party = $3`, int64(kind), object, party)
	all, err := collect(rows, err, func(rows *sql.Rows) ([]any, error) { return scanRow(rows, len(shareTable.columns)) })
	if err == nil && len(all) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// Shares tells with whom a thing is or was shared, first to last. Only who sees all
// is told.
func (r *Reader) Shares(ctx context.Context, kind casebook.ShareKind, id casebook.ID) ([]casebook.Share, error) {
	noun, ok := shareable[kind]
	if !ok || !r.scope.All {
		return nil, fmt.Errorf("shares of %s: %w", kind, casebook.ErrNotFound)
	}
	rows, err := r.q.QueryContext(ctx, `SELECT s.party, s.shared_from, s.shared_to, s.why, s.recorded_by
		FROM share s JOIN `+noun.table+` o ON o.id = s.object WHERE s.kind = $1 AND o.public = $2 AND `+r.labels("o")+` ORDER BY s.id`, int64(kind), id[:])
	return collect(rows, err, func(rows *sql.Rows) (casebook.Share, error) {
		s := casebook.Share{Kind: kind, Object: id}
		var party string
		var from, to int64
		err := rows.Scan(&party, &from, &to, &s.Why, &s.RecordedBy)
		s.Party, s.From, s.To = partyID(party), moment(from), moment(to)
		return s, err
	})
}
