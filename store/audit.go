package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
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
	Unsigned   int64  // leaves beyond the newest checkpoint: nobody signed for them yet
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
	Beside     string            // the one that lies beside the database, "" for none
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
	present map[string]bool // tables that are there
	// untrusted are change sets that aren't what the ledger says; what they tell
	// of rows isn't believed.
	untrusted map[int64]bool
	// windows are the runs of keys that the record knows, by table and window.
	windows map[uint32]map[int64]*span
	spans   int // in all windows
	// faulty are observations that were told: their marks follow from it. So do
	// all marks from a horizon that was told.
	faulty    map[int64]bool
	noHorizon bool
}

// A span is a run of keys, both ends in it.
type span struct{ low, high int64 }

// maxFaulty bounds how many observations are remembered as told.
const maxFaulty = 1 << 16

func (a *auditor) fault(table string, key any, fault, note string, args ...any) error {
	a.Faults++
	if n, ok := key.(int64); ok && table == "observation" && len(a.faulty) < maxFaulty {
		a.faulty[n] = true
	}
	a.noHorizon = a.noHorizon || table == "horizon"
	return a.Report(Fault{table, fmt.Sprint(key), fault, fmt.Sprintf(note, args...)})
}

func (a *auditor) run() error {
	a.untrusted, a.windows, a.faulty = map[int64]bool{}, map[uint32]map[int64]*span{}, map[int64]bool{}
	if err := a.relations(); err != nil {
		return err
	}
	if err := a.schema(); err != nil {
		return err
	}
	if !a.present["change_set"] {
		return nil // told; without the record there is nothing to hold a row against
	}
	if err := errors.Join(a.ledger(), a.survey()); err != nil {
		return err
	}
	if err := a.state(); err != nil {
		return err
	}
	if !a.present["seen"] || !a.present["observation"] || a.noHorizon {
		return nil
	}
	return a.mirror()
}

// relations holds the tables that are there against those that should be.
func (a *auditor) relations() error {
	all, err := a.dialect.relations(a.ctx, a.q)
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	known := maps.Clone(uncovered)
	for _, t := range tables {
		known[t.name] = "covered"
	}
	if !slices.ContainsFunc(all, func(name string) bool { return known[name] != "" }) {
		return fmt.Errorf("no database of tocsin: it has none of its tables: %w", casebook.ErrInvalid)
	}
	a.present = map[string]bool{}
	for _, name := range all {
		a.present[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if !a.present[name] {
			if err := a.fault(name, "*", "missing", "the table is gone"); err != nil {
				return err
			}
		}
	}
	for _, name := range all {
		if known[name] == "" {
			if err := a.fault(name, "*", "extra", "no table of this version of tocsin"); err != nil {
				return err
			}
		}
	}
	return nil
}

// A replay is what the record says of a run of one table's keys.
type replay struct {
	*table
	span
	want   [][16]byte // digests, cut to what no two rows share by chance
	stands []bool
}

// auditWindow is how many keys are replayed at once, whichever their tables: 17
// octets each.
var auditWindow int64 = 8 << 20

// state replays the record, as many keys at a time as memory allows, and holds the
// rows of every table against it.
func (a *auditor) state() error {
	var together []*replay
	keys := int64(0)
	next := map[*table]int64{} // key from which on nothing was looked at
	for _, id := range slices.Sorted(maps.Keys(tables)) {
		t := tables[id]
		if !a.present[t.name] {
			continue // told already
		}
		next[t] = math.MinInt64
		for _, n := range slices.Sorted(maps.Keys(a.windows[id])) {
			w := *a.windows[id][n]
			if keys += w.high - w.low + 1; keys > auditWindow {
				if err := a.replay(together, next); err != nil {
					return err
				}
				together, keys = nil, w.high-w.low+1
			}
			together = append(together, &replay{table: t, span: w})
		}
	}
	if err := a.replay(together, next); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(tables)) {
		if from, ok := next[tables[id]]; ok && from != math.MaxInt64 {
			if err := a.between(tables[id], from, math.MaxInt64); err != nil {
				return err
			}
		}
	}
	return nil
}

// replay walks the record once for several runs of keys, and then their rows.
func (a *auditor) replay(together []*replay, next map[*table]int64) error {
	byTable := map[uint32][]*replay{}
	for _, r := range together {
		n := r.high - r.low + 1
		r.want, r.stands = make([][16]byte, n), make([]bool, n)
		byTable[r.id] = append(byTable[r.id], r)
	}
	err := a.eachChangeSet(func(s changeSet) error {
		if a.untrusted[s.id] {
			return nil
		}
		return ledger.Unpack(s.changes, func(c ledger.Change) error {
			for _, r := range byTable[c.Table] {
				if c.Key >= r.low && c.Key <= r.high {
					r.stands[c.Key-r.low] = c.Op == ledger.Put
					copy(r.want[c.Key-r.low][:], c.Digest[:])
				}
			}
			return nil
		})
	})
	for _, r := range together {
		if err == nil {
			err = a.between(r.table, next[r.table], r.low-1)
		}
		if err == nil {
			err = a.hold(r)
		}
		if next[r.table] = r.high; r.high < math.MaxInt64 {
			next[r.table]++
		}
	}
	return err
}

// between tells the rows between runs: they were never recorded.
func (a *auditor) between(t *table, low, high int64) error {
	return a.rows("SELECT id FROM "+t.name+" WHERE id >= $1 AND id <= $2 ORDER BY id", []any{low, high}, 1, func(row []any) error {
		return a.unknown(t, row[0])
	})
}

func (a *auditor) unknown(t *table, key any) error {
	note := "the record knows no such row"
	if len(a.untrusted) > 0 {
		note += " (entries of the record aren't believed, see above: it may be of one of them)"
	}
	return a.fault(t.name, key, "extra", "%s", note)
}

// hold holds the rows of a run against the record.
func (a *auditor) hold(r *replay) error {
	err := a.rows(r.selectSQL+" WHERE id >= $1 AND id <= $2 ORDER BY id", []any{r.low, r.high}, len(r.columns), func(row []any) error {
		a.Rows++
		id, ok := row[0].(int64)
		if !ok || !r.stands[id-r.low] {
			return a.unknown(r.table, row[0])
		}
		r.stands[id-r.low] = false
		digest, err := r.digest(&a.hasher, row)
		if err != nil {
			return a.fault(r.name, id, "altered", "%v", err)
		}
		if [16]byte(digest[:16]) != r.want[id-r.low] {
			return a.fault(r.name, id, "altered", "the row isn't what was recorded")
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("table %s: %w", r.name, err)
	}
	for i, missing := range r.stands {
		if missing {
			if err := a.fault(r.name, r.low+int64(i), "missing", "the row was recorded and is gone"); err != nil {
				return err
			}
		}
	}
	r.want, r.stands = nil, nil
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

// mirror holds seen against observation, whose rows were verified before: from
// the horizon on each observation has its mark, and there is no other mark.
func (a *auditor) mirror() error {
	from := int64(1)
	if err := a.rows(`SELECT seen_from FROM horizon WHERE id = 1`, nil, 1, func(row []any) error {
		if n, ok := row[0].(int64); ok {
			from = n
		}
		return nil
	}); err != nil {
		return err
	}
	const missing = `SELECT o.id FROM observation o LEFT JOIN seen s ON s.observed_at = o.observed_at AND s.key = o.key AND s.observation = o.id
		WHERE s.observation IS NULL AND o.id >= $1 ORDER BY o.id`
	const extra = `SELECT s.observation, s.observed_at FROM seen s LEFT JOIN observation o ON o.id = s.observation AND o.observed_at = s.observed_at AND o.key = s.key
		WHERE o.id IS NULL OR o.id < $1 ORDER BY s.observation`
	told := func(row []any) bool { n, ok := row[0].(int64); return ok && a.faulty[n] }
	if err := a.rows(missing, []any{from}, 1, func(row []any) error {
		if told(row) {
			return nil
		}
		return a.fault("seen", row[0], "missing", "observation %v isn't marked as seen", row[0])
	}); err != nil {
		return err
	}
	return a.rows(extra, []any{from}, 2, func(row []any) error {
		if told(row) {
			return nil
		}
		return a.fault("seen", row[0], "extra", "a mark (observed at %v) that no observation has", row[1])
	})
}
