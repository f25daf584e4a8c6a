package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/ledger"
)

// An Entry is an entry of the ledger, without what it holds.
type Entry struct {
	Index       int64 // -1 while it isn't numbered
	Kind, Actor string
	At          time.Time
}

// Entries gives entries of the ledger, newest first, from before an index on; a
// negative index begins with the newest. Only who sees all is told of them.
func (r *Reader) Entries(ctx context.Context, before int64, limit int) ([]Entry, error) {
	if !r.scope.All {
		return []Entry{}, nil
	}
	w := where{text: "seq >= 0", args: []any{limit}}
	if before >= 0 {
		w.and("seq < ?", before)
	}
	rows, err := r.q.QueryContext(ctx, `SELECT seq, kind, actor, recorded_at FROM change_set WHERE `+w.text+` ORDER BY seq DESC LIMIT $1`, w.args...)
	return collect(rows, err, func(rows *sql.Rows) (e Entry, err error) {
		var at int64
		err = rows.Scan(&e.Index, &e.Kind, &e.Actor, &at)
		e.At = moment(at)
		return e, err
	})
}

// namedTables are the tables whose rows people can name.
var namedTables = map[string]*table{
	casebook.DeliveryPrefix: deliveryTable, casebook.FindingPrefix: findingTable, casebook.ThreatPrefix: threatTable, casebook.IncidentPrefix: incidentTable,
	casebook.AnchorPrefix: anchorTable, casebook.GradePrefix: gradeTable, casebook.DutyPrefix: dutyTable, casebook.PartyPrefix: partyTable,
	casebook.ReportPrefix: reportTable, casebook.RecipientPrefix: recipientTable, casebook.OrderPrefix: orderTable, casebook.UserPrefix: accountTable,
	casebook.KeyPrefix: accessKeyTable,
}

// What bounds the search for the entry that put a row: how many entries are read, and of
// how many octets, which a person waits for.
const (
	maxSearched     = 5000
	maxSearchOctets = 64 << 20
)

// EntryOf gives the entry of the ledger that put the row of a named thing as it now
// stands, and the row's digest, which the entry holds. It gives ErrInvalid for a name
// of nothing that has a row, ErrNotFound for a thing that the reader doesn't see, and
// where the entry isn't among those written around the row's own moments.
func (r *Reader) EntryOf(ctx context.Context, name string) (e Entry, digest [32]byte, err error) {
	prefix, _, _ := strings.Cut(strings.ToLower(name), "_")
	t, ok := namedTables[prefix]
	if !ok {
		return e, digest, fmt.Errorf("%.80q is no name of a thing, such as inc_… or dlv_…: %w", name, casebook.ErrInvalid)
	}
	id, err := casebook.ParseID(prefix, name)
	if err != nil {
		return e, digest, err
	}
	missing := fmt.Errorf("%s: %w", name, casebook.ErrNotFound)
	if !r.scope.All {
		return e, digest, missing
	}
	rows, err := r.q.QueryContext(ctx, t.selectSQL+` WHERE public = $1`, id[:])
	all, err := collect(rows, err, func(rows *sql.Rows) ([]any, error) { return scanRow(rows, len(t.columns)) })
	if err == nil && (len(all) == 0 || !r.labelled(t, all[0])) {
		err = missing
	}
	if err != nil {
		return e, digest, err
	}
	var hasher ledger.RowHasher
	if digest, err = t.digest(&hasher, all[0]); err != nil {
		return e, digest, err
	}
	e, err = r.entryWith(ctx, t, all[0], digest)
	if err == nil && e.Kind == "" {
		err = fmt.Errorf("the entry that put %s as it stands isn't among those around its moment, nor among the newest %d: a whole audit finds it: %w", name, maxSearched, casebook.ErrNotFound)
	}
	return e, digest, err
}

// labelled reports whether a row's tenant and label, where it has them, are the
// reader's.
func (r *Reader) labelled(t *table, row []any) bool {
	for i, c := range t.columns {
		switch {
		case c.name == "tenant" && row[i] != r.scope.Tenant:
			return false
		case c.name == "tlp" && casebook.Stricter(casebook.TLP(row[i].(int64)), r.scope.MaxTLP) != r.scope.MaxTLP:
			return false
		}
	}
	return true
}

// entryWith looks for the entry that put a row, among those written at the moment
// that the row itself tells, and then among the newest.
func (r *Reader) entryWith(ctx context.Context, t *table, row []any, digest [32]byte) (Entry, error) {
	var entries int64
	if err := r.q.QueryRowContext(ctx, `SELECT COALESCE(MAX(seq), -1) + 1 FROM change_set WHERE seq >= 0`).Scan(&entries); err != nil {
		return Entry{}, err
	}
	if i := slices.IndexFunc(t.columns, func(c column) bool { return c.name == "recorded_at" }); i >= 0 {
		// Moments stand in the ledger's order, but for those of one instant.
		const about = int64(time.Second / time.Microsecond)
		at := row[i].(int64) - about
		var failed error
		found := int64(sort.Search(int(entries), func(n int) bool {
			var recorded int64
			if err := r.q.QueryRowContext(ctx, `SELECT recorded_at FROM change_set WHERE seq = $1 AND seq >= 0`, n).Scan(&recorded); err != nil {
				failed = errors.Join(failed, err)
			}
			return recorded >= at
		}))
		if failed != nil {
			return Entry{}, failed
		}
		e, err := r.entryAmong(ctx, `seq >= 0 AND seq >= $1 AND recorded_at <= $2 ORDER BY seq`, []any{found, at + 2*about}, t, row[0].(int64), digest)
		if err != nil || e.Kind != "" {
			return e, err
		}
	}
	return r.entryAmong(ctx, `seq >= 0 ORDER BY seq DESC`, nil, t, row[0].(int64), digest)
}

// entryAmong looks for the entry that put a row among some, as far as the bounds let it.
func (r *Reader) entryAmong(ctx context.Context, which string, args []any, t *table, key int64, digest [32]byte) (Entry, error) {
	rows, err := r.q.QueryContext(ctx, `SELECT seq, kind, actor, recorded_at, changes FROM change_set WHERE `+which+fmt.Sprintf(` LIMIT %d`, maxSearched), args...)
	if err != nil {
		return Entry{}, err
	}
	defer rows.Close()
	for octets := 0; octets < maxSearchOctets && rows.Next(); {
		var e Entry
		var at int64
		var packed sql.RawBytes
		if err := rows.Scan(&e.Index, &e.Kind, &e.Actor, &at, &packed); err != nil {
			return Entry{}, err
		}
		octets += len(packed)
		if !bytes.Contains(packed, digest[:]) { // which is much faster than reading all changes
			continue
		}
		e.At = moment(at)
		there := false
		if err := ledger.Unpack(packed, func(c ledger.Change) error {
			there = there || c.Op == ledger.Put && c.Table == t.id && c.Key == key && c.Digest == digest
			return nil
		}); err != nil {
			return Entry{}, err
		}
		if there {
			return e, nil
		}
	}
	return Entry{}, rows.Err()
}
