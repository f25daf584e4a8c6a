package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/ledger"
)

// Tx is one write under way. It serves the function given to DB.Write and must
// not outlive it.
type Tx struct {
	db    *DB
	ctx   context.Context
	conn  runner // on the writers' connection
	at    time.Time
	clock time.Time // what the clock showed: at, but where that went back
	actor string
	*workspace
	added map[int64]ledger.Hash // tree hashes of this transaction
	note  []byte                // checkpoint signed in it
}

// A workspace is the memory in which one write after another works.
type workspace struct {
	hasher  ledger.RowHasher
	changes ledger.ChangeSet
	values  []any
}

// keptValues is how many values of rows a workspace has room for: those of a batch.
const keptValues = 1 << 16

// begin empties it for the next write.
func (w *workspace) begin() *workspace {
	w.changes.Reset()
	clear(w.values)
	w.values = w.values[:0]
	return w
}

// line gives the values as a row that stands until the write ends.
func (w *workspace) line(values ...any) []any {
	if len(w.values)+len(values) > cap(w.values) {
		w.values = make([]any, 0, max(keptValues, len(values)))
	}
	first := len(w.values)
	w.values = append(w.values, values...)
	return w.values[first:len(w.values):len(w.values)]
}

// At is the moment of record of everything this write does.
func (tx *Tx) At() time.Time { return tx.at }

// record does the work and writes its leaf; the caller commits.
func (tx *Tx) record(w Work, f func(*Tx) error) (Receipt, error) {
	if err := f(tx); err != nil {
		return Receipt{}, err
	}
	if tx.changes.Len() == 0 {
		return Receipt{Index: -1, At: tx.at}, nil
	}
	if err := tx.noteOnce(); err != nil {
		return Receipt{}, err
	}
	// The number is taken after all rows are locked, so that two writes that
	// touch one row are numbered in the order in which they touched it.
	id, err := tx.id("change_set")
	if err != nil {
		return Receipt{}, err
	}
	// The set names its own row, so that this can't take another number.
	tx.changes.Add(ledger.Change{Table: changeSetNumber, Version: 1, Key: id, Op: ledger.Put})
	packed := tx.changes.Pack()
	entry := ledger.Entry{Kind: w.Kind, Actor: w.Actor, At: micros(tx.at), Changes: sha256.Sum256(packed)}
	r := Receipt{Index: -1, Leaf: ledger.LeafHash(entry.AppendBinary(nil)), At: tx.at}
	if tx.db.dialect.sequencesInline() {
		if r.Index, err = tx.number(r.Leaf); err != nil {
			return Receipt{}, err
		}
	}
	seal := []byte{}
	if tx.db.signer != nil {
		seal = tx.db.signer.Seal(r.Leaf)
	}
	_, err = tx.exec(`INSERT INTO change_set (id, seq, kind, actor, recorded_at, changes, seal) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		id, r.Index, w.Kind, w.Actor, micros(tx.at), packed, seal)
	if err != nil {
		return Receipt{}, err
	}
	if tx.db.dialect.sequencesInline() {
		err = tx.sign(false)
	}
	return r, err
}

func (tx *Tx) exec(query string, args ...any) (int64, error) {
	r, err := tx.conn.ExecContext(tx.ctx, query, cleaned(args)...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (tx *Tx) row(query string, args ...any) *sql.Row {
	return tx.conn.QueryRowContext(tx.ctx, query, cleaned(args)...)
}

func (tx *Tx) query(query string, args ...any) (*sql.Rows, error) {
	return tx.conn.QueryContext(tx.ctx, query, cleaned(args)...)
}

// ids takes n new numbers of a table, rising.
func (tx *Tx) takeIDs(table string, n int) ([]int64, error) {
	if n == 0 {
		return nil, nil
	}
	return tx.db.dialect.ids(tx, table, n)
}

func (tx *Tx) id(table string) (int64, error) {
	ids, err := tx.takeIDs(table, 1)
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// salt gives the salt of a new row.
func (tx *Tx) salt() []byte { return tx.db.salts.next() }

// insert adds rows and notes them in the change set.
func (tx *Tx) insert(t *table, rows ...[]any) error {
	if err := tx.noteRows(t, rows); err != nil {
		return err
	}
	if err := tx.db.dialect.insert(tx, t, rows); err != nil {
		return fmt.Errorf("insert into %s: %w", t.name, err)
	}
	return nil
}

// update writes whole rows over those with their ids and notes them. It fails
// if one isn't there.
func (tx *Tx) update(t *table, rows ...[]any) error {
	if err := tx.noteRows(t, rows); err != nil {
		return err
	}
	n, err := tx.db.dialect.update(tx, t, rows)
	if err == nil && n != int64(len(rows)) {
		err = fmt.Errorf("%d of %d rows are there", n, len(rows))
	}
	if err != nil {
		return fmt.Errorf("update %s: %w", t.name, err)
	}
	return nil
}

// delete removes a row and notes it.
func (tx *Tx) delete(t *table, id int64) error {
	tx.changes.Add(ledger.Change{Table: t.id, Version: t.version, Key: id, Op: ledger.Delete})
	n, err := tx.exec(t.deleteSQL, id)
	if err == nil && n != 1 {
		err = fmt.Errorf("row %d is not there", id)
	}
	if err != nil {
		return fmt.Errorf("delete from %s: %w", t.name, err)
	}
	return nil
}

func (tx *Tx) noteRows(t *table, rows [][]any) error {
	for _, row := range rows {
		cleaned(row)
		digest, err := t.digest(&tx.hasher, row)
		if err != nil {
			return err
		}
		tx.changes.Add(ledger.Change{Table: t.id, Version: t.version, Key: row[0].(int64), Op: ledger.Put, Digest: digest})
	}
	return nil
}

// clean makes text that either database keeps as it is: NUL octets, and what isn't
// UTF-8, become U+FFFD. What strangers wrote passes here on its way into any table.
func clean(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// cleaned cleans every text among values, in place.
func cleaned(values []any) []any {
	for i, v := range values {
		if s, ok := v.(string); ok {
			if c := clean(s); c != s {
				values[i] = c
			}
		}
	}
	return values
}
