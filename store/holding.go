package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"time"

	"tocsin/casebook"
)

var (
	importTable = covered(13, "holding_import", `tenant:i! recorded_by:t recorded_at:i source:t! name:t! digest:b! as_of:i! state:i
		rows_read:i refused:i added:i ended:i compiled:b`)
	holdingTable = covered(14, "holding", `tenant:i! source:t! low:b! high:b! suffix:t! asn:i! holder:t! party:t! region:t!
		held_from:i! held_to:i! begun_by:i! ended_by:i`)
)

// ImportState is how far an import of holdings has come.
type ImportState int64

// The states of an import. Its rows count from InForce on; those of one that was
// given up are taken back.
const (
	ImportRunning ImportState = iota
	ImportInForce
	ImportGivenUp
)

// A HoldingImport is one version of one source's table.
type HoldingImport struct {
	Number     int64 // the database's own
	Tenant     int64
	RecordedBy string
	RecordedAt time.Time
	Source     string
	Name       string // of the file
	Digest     casebook.Digest
	AsOf       time.Time // from when its differences hold
	State      ImportState
	Rows       int64
	Refused    int64
	Added      int64 // holdings that came
	Ended      int64 // holdings that went
	// Compiled is the digest of the compiled table of all holdings once this
	// import is in force.
	Compiled casebook.Digest
	salt     []byte
}

func (i *HoldingImport) row() []any {
	return []any{i.Number, i.salt, i.Tenant, i.RecordedBy, micros(i.RecordedAt), i.Source, i.Name, i.Digest[:], micros(i.AsOf), int64(i.State),
		i.Rows, i.Refused, i.Added, i.Ended, i.Compiled[:]}
}

func scanImport(s interface{ Scan(...any) error }) (HoldingImport, error) {
	var i HoldingImport
	var recorded, asOf int64
	var digest, compiled []byte
	err := s.Scan(&i.Number, &i.salt, &i.Tenant, &i.RecordedBy, &recorded, &i.Source, &i.Name, &digest, &asOf, &i.State,
		&i.Rows, &i.Refused, &i.Added, &i.Ended, &compiled)
	i.RecordedAt, i.AsOf = moment(recorded), moment(asOf)
	copy(i.Digest[:], digest)
	copy(i.Compiled[:], compiled)
	return i, err
}

// BeginImport records that a table is being imported, or finds the same import
// that was cut short, to go on with. It gives ErrConflict while another table of
// the source is half imported: give that one up first.
func (tx *Tx) BeginImport(i HoldingImport) (HoldingImport, error) {
	old, err := scanImport(tx.row(importTable.selectSQL+` WHERE tenant = $1 AND source = $2 AND state = 0`, i.Tenant, i.Source))
	switch {
	case err == nil && old.Digest == i.Digest:
		return old, nil
	case err == nil:
		return old, fmt.Errorf("the import of %s (%s) was cut short: %w", old.Source, old.Name, casebook.ErrConflict)
	case !errors.Is(err, sql.ErrNoRows):
		return old, err
	}
	i.salt, i.RecordedAt, i.State = tx.salt(), tx.at, ImportRunning
	if i.Number, err = tx.id("holding_import"); err != nil {
		return i, err
	}
	return i, tx.insert(importTable, i.row())
}

// SaveImport writes an import's counts and state.
func (tx *Tx) SaveImport(i HoldingImport) error { return tx.update(importTable, i.row()) }

// CountImport counts what an import changed, in this life and in earlier ones.
func (tx *Tx) CountImport(i *HoldingImport) error {
	return tx.row(`SELECT (SELECT COUNT(*) FROM holding WHERE begun_by = $1),
		(SELECT COUNT(*) FROM holding WHERE tenant = $2 AND source = $3 AND ended_by = $1)`, i.Number, i.Tenant, i.Source).Scan(&i.Added, &i.Ended)
}

// BeginHoldings adds holdings that an import brought, valid from its moment on;
// from since ever when it is the source's first.
func (tx *Tx) BeginHoldings(i HoldingImport, first bool, holdings []casebook.Holding) error {
	ids, err := tx.takeIDs("holding", len(holdings))
	if err != nil {
		return err
	}
	rows := make([][]any, len(holdings))
	for n, h := range holdings {
		from := micros(h.From)
		if from == 0 && !first {
			from = micros(i.AsOf)
		}
		rows[n] = []any{ids[n], tx.salt(), i.Tenant, i.Source, addrOctets(h.Low), addrOctets(h.High), h.Suffix,
			int64(h.ASN), h.Holder, h.Party, h.Region, from, micros(h.To), i.Number, int64(0)}
	}
	return tx.insert(holdingTable, rows...)
}

// EndHoldings ends holdings, by their numbers, that an import doesn't hold any more.
func (tx *Tx) EndHoldings(i HoldingImport, numbers []int64) error {
	return tx.eachHolding(numbers, func(row []any) error {
		row[14] = i.Number
		return tx.update(holdingTable, row)
	})
}

// TakeBack undoes up to limit changes of an import that was cut short and says
// how many there were; 0 means that none is left.
func (tx *Tx) TakeBack(i HoldingImport, limit int) (int, error) {
	begun, err := tx.numbers(`SELECT id FROM holding WHERE begun_by = $1 ORDER BY id LIMIT $2`, i.Number, limit)
	if err != nil {
		return 0, err
	}
	for _, id := range begun {
		if err := tx.delete(holdingTable, id); err != nil {
			return 0, err
		}
	}
	if len(begun) > 0 {
		return len(begun), nil
	}
	ended, err := tx.numbers(`SELECT id FROM holding WHERE tenant = $1 AND source = $2 AND ended_by = $3 ORDER BY id LIMIT $4`, i.Tenant, i.Source, i.Number, limit)
	if err != nil {
		return 0, err
	}
	return len(ended), tx.eachHolding(ended, func(row []any) error {
		row[14] = int64(0)
		return tx.update(holdingTable, row)
	})
}

func (tx *Tx) numbers(query string, args ...any) ([]int64, error) {
	rows, err := tx.query(query, args...)
	return collect(rows, err, func(rows *sql.Rows) (n int64, err error) { return n, rows.Scan(&n) })
}

func (tx *Tx) eachHolding(numbers []int64, f func(row []any) error) error {
	for _, id := range numbers {
		rows, err := tx.query(holdingTable.selectSQL+` WHERE id = $1`, id)
		all, err := collect(rows, err, func(rows *sql.Rows) ([]any, error) { return scanRow(rows, len(holdingTable.columns)) })
		if err != nil {
			return err
		}
		if len(all) != 1 {
			return fmt.Errorf("holding %d: %w", id, casebook.ErrNotFound)
		}
		if err := f(all[0]); err != nil {
			return err
		}
	}
	return nil
}

// NewestImport gives the import that came into force last; ok is false when
// there is none.
func (r *Reader) NewestImport(ctx context.Context) (i HoldingImport, ok bool, err error) {
	i, err = scanImport(r.q.QueryRowContext(ctx, importTable.selectSQL+` WHERE tenant = $1 AND state = 1 ORDER BY id DESC LIMIT 1`, r.scope.Tenant))
	if errors.Is(err, sql.ErrNoRows) {
		return i, false, nil
	}
	return i, err == nil, err
}

// NewestOf gives the moment from which the differences of a source's newest table
// hold: zero for a first table, which holds since ever. Any is false when the
// source has none in force.
func (r *Reader) NewestOf(ctx context.Context, source string) (newest time.Time, any bool, err error) {
	const inForce = `FROM holding_import WHERE tenant = $1 AND source = $2 AND state = 1`
	var tables, at int64
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(MAX(CASE WHEN id > (SELECT MIN(id) `+inForce+`) THEN as_of END), 0) `+inForce,
		r.scope.Tenant, clean(source)).Scan(&tables, &at)
	return moment(at), tables > 0, err
}

// A HoldingRow is a holding with its number in the database. Its To is the moment
// of the import in force that ended it, unless it was to end before.
type HoldingRow struct {
	Number int64
	casebook.Holding
}

// OpenHoldings gives a source's holdings that nothing has ended, those of an
// unfinished import included.
func (r *Reader) OpenHoldings(ctx context.Context, source string) iter.Seq2[HoldingRow, error] {
	return r.holdings(ctx, `WHERE h.tenant = $1 AND h.source = $3 AND h.ended_by = 0 ORDER BY h.id`, r.scope.Tenant, 0, clean(source))
}

// Holdings gives every holding that counts once the import of this number is in
// force beside those that are, in the order of their numbers; 0 adds none.
func (r *Reader) Holdings(ctx context.Context, with int64) iter.Seq2[HoldingRow, error] {
	return r.holdings(ctx, `JOIN holding_import b ON b.id = h.begun_by AND (b.state = 1 OR b.id = $2)
		WHERE h.tenant = $1 ORDER BY h.id`, r.scope.Tenant, with)
}

func (r *Reader) holdings(ctx context.Context, where string, args ...any) iter.Seq2[HoldingRow, error] {
	query := `SELECT h.id, h.source, h.low, h.high, h.suffix, h.asn, h.holder, h.party, h.region, h.held_from,
		CASE WHEN (e.state = 1 OR e.id = $2) AND (h.held_to = 0 OR h.held_to > e.as_of) THEN e.as_of ELSE h.held_to END
		FROM holding h LEFT JOIN holding_import e ON e.id = h.ended_by ` + where
	return func(yield func(HoldingRow, error) bool) {
		rows, err := r.q.QueryContext(ctx, query, args...)
		if err != nil {
			yield(HoldingRow{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var h HoldingRow
			var low, high sql.RawBytes
			var from, to int64
			err := rows.Scan(&h.Number, &h.Source, &low, &high, &h.Suffix, &h.ASN, &h.Holder, &h.Party, &h.Region, &from, &to)
			h.Low, h.High = octetsAddr(low), octetsAddr(high)
			h.From, h.To = moment(from), moment(to)
			if !yield(h, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(HoldingRow{}, err)
		}
	}
}

// addrOctets writes an address as 16 octets; none for the zero Addr.
func addrOctets(a netip.Addr) []byte {
	if !a.IsValid() {
		return []byte{}
	}
	o := a.As16()
	return o[:]
}

func octetsAddr(b []byte) netip.Addr {
	if len(b) != 16 {
		return netip.Addr{}
	}
	return netip.AddrFrom16([16]byte(b)).Unmap()
}
