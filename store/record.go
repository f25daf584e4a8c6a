package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"time"

	"tocsin/casebook"
	"tocsin/ledger"
)

// caseRows says where the rows of a case are, each with the condition on its table;
// $1 is the incident's number.
var caseRows = []struct {
	table *table
	where string
}{
	{incidentTable, `id = $1`},
	{anchorTable, `incident = $1`},
	{factTable, `incident = $1`},
	{gradeTable, `incident = $1`},
	{dutyTable, `incident = $1`},
	{dutyChangeTable, `duty IN (SELECT id FROM duty WHERE incident = $1)`},
	{reportTable, `incident = $1`},
	{versionTable, `report IN (SELECT id FROM report WHERE incident = $1)`},
	{recipientTable, `report IN (SELECT id FROM report WHERE incident = $1)`},
	{orderTable, `incident = $1`},
	{orderRowTable, `orders IN (SELECT id FROM orders WHERE incident = $1)`},
}

// A RecordedRow is a row of a case in the octets over which its digest was made, with
// its salt.
type RecordedRow struct {
	Table  string
	Key    int64
	Octets []byte
}

// A RecordedChange is an entry of the ledger that put rows of a case.
type RecordedChange struct {
	Index       int64 // in the ledger, -1 while it isn't numbered
	Kind, Actor string
	At          time.Time
	Entry       []byte // what its leaf hashes
	Packed      []byte // the change set
	Rows        []RecordedRow
}

// CaseRecord gives, oldest first, each entry of the ledger that put a row of a case as
// it now stands. It reads the whole ledger once. Whether the asker may see the case is
// for the caller to know.
func (r *Reader) CaseRecord(ctx context.Context, incident casebook.ID) ([]RecordedChange, error) {
	number, err := numberOf(ctx, r.q, "incident", casebook.IncidentPrefix, incident)
	if err != nil {
		return nil, err
	}
	rows, err := r.caseOctets(ctx, number)
	if err != nil {
		return nil, err
	}
	found, err := r.q.QueryContext(ctx, `SELECT seq, kind, actor, recorded_at, changes FROM change_set ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var all []RecordedChange
	for found.Next() {
		c, err := recordedChange(found, rows)
		if err != nil {
			return nil, err
		}
		if len(c.Rows) > 0 {
			all = append(all, c)
		}
	}
	return all, found.Err()
}

// rowName names a row as a change set does.
type rowName struct {
	table  uint32
	key    int64
	digest [32]byte
}

// caseOctets gives the rows of a case by what a change set says of them.
func (r *Reader) caseOctets(ctx context.Context, incident int64) (map[rowName]RecordedRow, error) {
	all := map[rowName]RecordedRow{}
	var hasher ledger.RowHasher
	for _, c := range caseRows {
		rows, err := r.q.QueryContext(ctx, c.table.selectSQL+` WHERE `+c.where+` ORDER BY id`, incident)
		_, err = collect(rows, err, func(rows *sql.Rows) (n int, err error) {
			values, err := scanRow(rows, len(c.table.columns))
			if err != nil {
				return 0, err
			}
			digest, err := c.table.digest(&hasher, values)
			if err != nil {
				return 0, err
			}
			key := values[0].(int64)
			all[rowName{c.table.id, key, digest}] = RecordedRow{c.table.name, key, hasher.Octets()}
			return 0, nil
		})
		if err != nil {
			return nil, fmt.Errorf("rows of %s: %w", c.table.name, err)
		}
	}
	return all, nil
}

func recordedChange(found *sql.Rows, rows map[rowName]RecordedRow) (c RecordedChange, err error) {
	var at int64
	if err := found.Scan(&c.Index, &c.Kind, &c.Actor, &at, &c.Packed); err != nil {
		return c, err
	}
	c.At = moment(at)
	err = ledger.Unpack(c.Packed, func(ch ledger.Change) error {
		if row, ok := rows[rowName{ch.Table, ch.Key, ch.Digest}]; ok && ch.Op == ledger.Put {
			c.Rows = append(c.Rows, row)
		}
		return nil
	})
	entry := ledger.Entry{Kind: c.Kind, Actor: c.Actor, At: at, Changes: sha256.Sum256(c.Packed)}
	c.Entry = entry.AppendBinary(nil)
	return c, err
}

// CaseDeliveries gives the deliveries from which the observations of a threat came, by
// their number, oldest first, as many as limit.
func (r *Reader) CaseDeliveries(ctx context.Context, threat casebook.ID, limit int) ([]casebook.Delivery, error) {
	rows, err := r.q.QueryContext(ctx, deliveryTable.selectSQL+` WHERE id IN (SELECT DISTINCT o.delivery FROM observation o JOIN threat t ON t.id = o.threat WHERE t.public = $1)
		ORDER BY id LIMIT $2`, threat[:], limit)
	return collect(rows, err, func(rows *sql.Rows) (casebook.Delivery, error) {
		d, err := scanDelivery(rows)
		return d.Delivery, err
	})
}
