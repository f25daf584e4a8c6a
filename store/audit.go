package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tocsin/casebook"
	"tocsin/ledger"
)

// Fault is one thing that isn't as the record says.
type Fault struct {
	Table string // where
	Key   string // which row: its number in the table
	Fault string // altered, missing, extra, fork or rollback
	Note  string // what was seen, for a person
}

// Audit is what an audit found, and over how much.
type Audit struct {
	Entries    int64  // leaves of the ledger that were checked
	Rows       int64  // covered rows that were compared
	Pending    int64  // commits not numbered yet, compared all the same
	Checkpoint string // the newest signed checkpoint
	Root       string // of the ledger as computed, hexadecimal
	Faults     int64
}

// Uncovered gives the tables that the record doesn't cover row by row, each with
// what vouches for it instead.
func Uncovered() map[string]string { return maps.Clone(uncovered) }

// An AuditOptions says what to hold the database against.
type AuditOptions struct {
	Verifier   string            // public key of the checkpoints
	Checkpoint string            // a checkpoint kept elsewhere, "" for none
	Report     func(Fault) error // called for each fault; an error stops the audit
}

// An AuditDB is a database opened for reading only.
type AuditDB struct {
	place   string
	dialect dialect
	read    *sql.DB
}

// OpenForAudit opens a database for reading only, whether or not somebody else
// has it open, and leaves everything as it is. Close it.
func OpenForAudit(place string) (*AuditDB, error) {
	d := dialectOf(place)
	read, err := d.openReadOnly(place)
	if err == nil {
		if err = read.Ping(); err != nil {
			err = errors.Join(err, read.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open database %s for audit: %w", Redacted(place), err)
	}
	return &AuditDB{place, d, read}, nil
}

// Close closes it.
func (db *AuditDB) Close() error { return db.read.Close() }

// Reader gives a reader narrowed to a scope.
func (db *AuditDB) Reader(scope casebook.Scope) *Reader { return &Reader{db.read, db.dialect, scope} }

// Run verifies the database against its own record: every leaf and hash of the
// ledger, the checkpoint, every row of every covered table, the mirror. It reads
// one moment of it, in bounded memory whatever its size. An error means that the
// audit couldn't be carried out; tampering is told as faults.
func (db *AuditDB) Run(ctx context.Context, o AuditOptions) (Audit, error) {
	c, err := db.read.Conn(ctx)
	if err == nil {
		defer c.Close()
		_, err = c.ExecContext(ctx, db.dialect.snapshot())
	}
	if err != nil {
		return Audit{}, fmt.Errorf("audit %s: %w", Redacted(db.place), err)
	}
	a := auditor{ctx: ctx, q: c, dialect: db.dialect, AuditOptions: o}
	err = a.run()
	_, end := c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	if err = errors.Join(err, end); err != nil {
		err = fmt.Errorf("audit %s: %w", Redacted(db.place), err)
	}
	return a.Audit, err
}

type auditor struct {
	AuditOptions
	Audit
	ctx     context.Context
	q       querier
	dialect dialect
	hasher  ledger.RowHasher
	// untrusted are change sets that aren't what the ledger says; what they tell
	// of rows isn't believed.
	untrusted map[int64]bool
	// highest is the highest key that the record knows, by table.
	highest map[uint32]int64
}

func (a *auditor) fault(table string, key any, fault, note string, args ...any) error {
	a.Faults++
	return a.Report(Fault{table, fmt.Sprint(key), fault, fmt.Sprintf(note, args...)})
}

func (a *auditor) run() error {
	present, err := a.relations()
	if err != nil {
		return err
	}
	if err := a.ledger(); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(tables)) {
		if !present[tables[id].name] {
			continue // told already
		}
		if err := a.table(tables[id]); err != nil {
			return fmt.Errorf("table %s: %w", tables[id].name, err)
		}
	}
	if !present["seen"] || !present["observation"] {
		return nil
	}
	return a.mirror()
}

// relations holds the tables that are there against those that should be.
func (a *auditor) relations() (present map[string]bool, err error) {
	all, err := a.dialect.relations(a.ctx, a.q)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	if !slices.Contains(all, "change_set") {
		return nil, fmt.Errorf("no database of tocsin: it has no table change_set: %w", casebook.ErrInvalid)
	}
	present = map[string]bool{}
	for _, name := range all {
		present[name] = true
	}
	known := maps.Clone(uncovered)
	for _, t := range tables {
		known[t.name] = "covered"
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if !present[name] {
			if err := a.fault(name, "*", "missing", "the table is gone"); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range all {
		if known[name] == "" {
			if err := a.fault(name, "*", "extra", "no table of this version of tocsin"); err != nil {
				return nil, err
			}
		}
	}
	return present, nil
}

// table replays the record for one table, a window of keys at a time, and holds
// the rows against it.
func (a *auditor) table(t *table) error {
	highest := a.highest[t.id]
	for low := int64(1); low <= highest; low += auditWindow {
		if err := a.window(t, low, min(low+auditWindow-1, highest)); err != nil {
			return err
		}
	}
	// What lies outside was never recorded.
	return a.rows(fmt.Sprintf("%s WHERE id < 1 OR id > $1 ORDER BY id", t.selectSQL), []any{highest}, len(t.columns), func(row []any) error {
		return a.fault(t.name, row[0], "extra", "the record knows no such row")
	})
}

// auditWindow is how many keys of a table are replayed at once: 16 octets each.
const auditWindow = 8 << 20

func (a *auditor) window(t *table, low, high int64) error {
	want := make([][16]byte, high-low+1)
	stands := make([]bool, high-low+1)
	err := a.eachChangeSet(func(s changeSet) error {
		if a.untrusted[s.id] {
			return nil
		}
		return ledger.Unpack(s.changes, func(c ledger.Change) error {
			if c.Table == t.id && c.Key >= low && c.Key <= high {
				stands[c.Key-low] = c.Op == ledger.Put
				copy(want[c.Key-low][:], c.Digest[:])
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	err = a.rows(fmt.Sprintf("%s WHERE id >= $1 AND id <= $2 ORDER BY id", t.selectSQL), []any{low, high}, len(t.columns), func(row []any) error {
		a.Rows++
		id, ok := row[0].(int64)
		if !ok || !stands[id-low] {
			return a.fault(t.name, row[0], "extra", "the record knows no such row")
		}
		stands[id-low] = false
		digest, err := t.digest(&a.hasher, row)
		if err != nil {
			return a.fault(t.name, id, "altered", "%v", err)
		}
		if [16]byte(digest[:16]) != want[id-low] {
			return a.fault(t.name, id, "altered", "the row isn't what was recorded")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, missing := range stands {
		if missing {
			if err := a.fault(t.name, low+int64(i), "missing", "the row was recorded and is gone"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *auditor) rows(query string, args []any, columns int, f func(row []any) error) error {
	rows, err := a.q.QueryContext(a.ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scanRow(rows, columns)
		if err == nil {
			err = f(row)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

// mirror holds seen against observation, whose rows were verified before.
func (a *auditor) mirror() error {
	const missing = `SELECT o.id, o.observed_at FROM observation o LEFT JOIN seen s ON s.observed_at = o.observed_at AND s.key = o.key AND s.observation = o.id
		WHERE s.observation IS NULL ORDER BY o.id`
	const extra = `SELECT s.observation, s.observed_at FROM seen s LEFT JOIN observation o ON o.id = s.observation AND o.observed_at = s.observed_at AND o.key = s.key
		WHERE o.id IS NULL ORDER BY s.observation`
	if err := a.rows(missing, nil, 2, func(row []any) error {
		return a.fault("seen", row[0], "missing", "observation %v isn't marked as seen", row[0])
	}); err != nil {
		return err
	}
	return a.rows(extra, nil, 2, func(row []any) error {
		return a.fault("seen", row[0], "extra", "a mark (observed at %v) that no observation has", row[1])
	})
}
