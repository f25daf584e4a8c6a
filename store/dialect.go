package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"tocsin/casebook"
)

// A dialect is all that differs between SQLite and PostgreSQL. The SQL text is
// one; here are the ways to open, to begin, to number rows and to move many of
// them at once.
type dialect interface {
	name() string
	open(place string) (write, read *sql.DB, err error)
	// openReadOnly opens for an audit: nothing is written, not even beside it.
	openReadOnly(place string) (*sql.DB, error)
	// own keeps other processes from writing for as long as the connection lives;
	// it gives ErrConflict when one does.
	own(ctx context.Context, c *sql.Conn) error
	begin() string
	// schema turns a migration's text into what the database takes.
	schema(text string) []string
	// retry reports whether the transaction failed only because of its company.
	retry(err error) bool
	// unfit reports whether a value is the reason, so that trying again is vain.
	unfit(err error) bool
	// broken reports whether the database itself is why nothing could be written, so that
	// the same may succeed later, and whether its disk is full.
	broken(err error) (broken, full bool)
	// keeps says how many statements are kept on a connection, 0 where its driver does it.
	keeps() int
	// sequencesInline: leaves are numbered in the transaction that writes them.
	sequencesInline() bool
	// forget drops what was prepared, and gives back the lock that is held, on a
	// connection that is about to close.
	forget(c *sql.Conn)

	ids(tx *Tx, table string, n int) ([]int64, error)
	insert(tx *Tx, t *table, rows [][]any) error
	update(tx *Tx, t *table, rows [][]any) (int64, error)
	// each runs a statement once a row; its parameters stand in the order of the row.
	each(tx *Tx, query string, rows [][]any) (int64, error)
	// insertSeen adds the claims not seen before and reports, claim by claim,
	// which those were. Claims come in the order of the mirror's key.
	insertSeen(tx *Tx, claims []claim) ([]bool, error)
	// findings calls found with the row of each key that has one, in any order.
	findings(tx *Tx, keys []findingKey, found func(i int, row []any) error) error
	// lock keeps other processes from the same work until the transaction ends.
	lock(tx *Tx, work lock) error
	// relations lists the tables of the database.
	relations(ctx context.Context, q querier) ([]string, error)
	// objects gives the parts of the schema as they should be and as they are.
	objects(ctx context.Context, q querier) (want, got map[string]object, err error)
	// copyTo copies the database as it is at one moment into a new SQLite file.
	copyTo(ctx context.Context, db *DB, file string) error
	// numberFrom makes the next new row of a table have this number.
	numberFrom(tx *Tx, table string, next int64) error
	// backfill moves what was committed to where it stays, beside the writer.
	backfill(ctx context.Context, read *sql.DB) error
	// snapshot begins a read-only transaction that sees one moment.
	snapshot() string
}

// A lock names work that one process does at a time.
type lock int64

const (
	lockMigrating lock = 0x746f637301 + iota
	lockSequencing
	lockFolding
	lockOwning
	lockWatching
)

// querier is what a connection and a pool have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// runner is a querier that changes rows as well.
type runner interface {
	querier
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// claim is one row of the mirror seen.
type claim struct {
	observedAt  int64
	key         casebook.Key
	observation int64
}

// findingKey names a finding: one asset's part in one threat.
type findingKey struct {
	threat int64
	role   casebook.Role
	asset  casebook.Asset
	port   uint16
}

func dialectOf(place string) dialect {
	if strings.HasPrefix(place, "postgres://") || strings.HasPrefix(place, "postgresql://") {
		return &postgres{}
	}
	return &sqlite{}
}

// Redacted writes a database's place without its password.
func Redacted(place string) string {
	if u, err := url.Parse(place); err == nil && u.User != nil {
		return u.Redacted()
	}
	return place
}

// counters number rows where one process owns the database.
type counters struct {
	mu   sync.Mutex
	next map[string]int64
}

func (c *counters) take(tx *Tx, table string, n int) ([]int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		c.next = map[string]int64{}
	}
	if c.next[table] == 0 {
		var last int64
		if err := tx.row(`SELECT COALESCE(MAX(id), 0) FROM ` + table).Scan(&last); err != nil {
			return nil, fmt.Errorf("number rows of %s: %w", table, err)
		}
		c.next[table] = last + 1
	}
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = c.next[table] + int64(i)
	}
	c.next[table] += int64(n)
	return ids, nil
}
