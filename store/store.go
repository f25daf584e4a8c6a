// Package store holds all the SQL. It keeps the nouns of casebook in SQLite or
// PostgreSQL behind one SQL text; what differs is in dialect.go. Every change
// passes DB.Write, which commits state, ledger entry and outbox lines together
// or not at all. Readers get a Reader, which can't write by type. What a change
// means, and when it is due, is left to desk.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/casebook"
	"tocsin/ledger"
)

// DB is an open database. Close it.
type DB struct {
	dialect dialect
	write   *sql.DB // writers: one connection in SQLite
	read    *sql.DB
	reads   *keeper // asks on read
	signer  *ledger.Signer
	sealer  ledger.Sealer
	gate    gate
	ids     counters
	salts   salts // guarded by gate
	tree    tree
	conn    *sql.Conn // the writers' connection, held from the first write on
	writes  *keeper   // asks on conn
	// onCheckpoint is told each newly signed checkpoint after its commit.
	onCheckpoint func(note []byte)
	backfill     backfill
	workspace    workspace // guarded by gate
	onRead       func(query string, args []any)

	trouble   atomic.Pointer[Trouble]
	lastStamp time.Time     // guarded by gate
	owned     bool          // it had the database's lock; guarded by gate
	lost      chan struct{} // closed once another process has it since; by whom has the gate
	behind    bool          // the clock was told to be behind lastStamp; guarded by gate
}

// Options tell Open what it can't find in the database.
type Options struct {
	Signer *ledger.Signer // signs checkpoints
	// OnCheckpoint, if set, is called with each signed checkpoint once it is
	// committed, from the writer's goroutine.
	OnCheckpoint func(note []byte)
	Now          time.Time // stamp for migrations
	// OnRead, if set, is called with each question of a Reader before it is asked:
	// tests look at how the database would answer it.
	OnRead func(query string, args []any)
}

// Open opens the database at a place: a postgres:// URL, or the path of an
// SQLite file, made if it isn't there. It brings the schema up to date. It gives
// ErrConflict when a newer program has been here and this one mustn't write.
func Open(ctx context.Context, place string, o Options) (*DB, error) {
	d := dialectOf(place)
	write, read, err := d.open(place)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", Redacted(place), err)
	}
	db := &DB{dialect: d, write: write, read: read, reads: newKeeper(read, d.keeps()), signer: o.Signer, onCheckpoint: o.OnCheckpoint, onRead: o.OnRead, lost: make(chan struct{})}
	if o.Signer != nil {
		db.sealer, err = ledger.NewSealer(o.Signer.Verifier())
	}
	if err == nil {
		err = db.start(ctx, o.Now)
	}
	if errors.Is(err, ErrHeld) {
		// One that could never take it over says so now.
		if foreign := db.belongs(ctx, read); errors.Is(foreign, casebook.ErrConflict) {
			err = foreign
		}
	}
	if err != nil {
		err = fmt.Errorf("open database %s: %w", Redacted(place), err)
		if db.conn != nil {
			err = errors.Join(err, db.conn.Close())
		}
		return nil, errors.Join(err, write.Close(), read.Close())
	}
	db.startBackfill()
	return db, nil
}

func (db *DB) start(ctx context.Context, now time.Time) error {
	if err := db.migrate(ctx, now); err != nil {
		return err
	}
	c, err := db.connection(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(db.belongs(ctx, c), db.tree.load(ctx, c)); err != nil {
		return err
	}
	var last int64
	err = c.QueryRowContext(ctx, `SELECT COALESCE(MAX(recorded_at), 0) FROM change_set WHERE id >= (SELECT COALESCE(MAX(id), 0) FROM change_set)`).Scan(&last)
	db.lastStamp = moment(last)
	if err != nil {
		return err
	}
	// What an earlier life committed and couldn't number or sign any more.
	return db.sequence(ctx, c, false)
}

// Close signs what isn't signed yet and closes the database.
func (db *DB) Close() error {
	err := db.Sign(context.Background())
	db.backfill.end()
	// Readers first: the last connection of SQLite brings everything into its file.
	db.reads.letGo()
	err = errors.Join(err, db.read.Close())
	if db.conn != nil {
		db.writes.letGo()
		db.dialect.forget(db.conn)
		err = errors.Join(err, db.conn.Close())
	}
	return errors.Join(err, db.write.Close())
}

// ErrHeld is what Open gives, with casebook.ErrConflict, when another process writes to
// the database.
var ErrHeld = errors.New("another tocsin writes to it")

// ErrLost is what every write gives, with casebook.ErrConflict, once another process has
// taken the database over.
var ErrLost = errors.New("this tocsin lost the database to another one, and what it remembers is old: start it again")

// Lost is closed once another process has taken the database over. This one writes nothing
// any more.
func (db *DB) Lost() <-chan struct{} { return db.lost }

// Work says what a write is: its kind and actor go into the ledger entry.
type Work struct {
	Kind  string // "fold", "accept", …
	Actor string
	At    time.Time // when; the stamp never goes back behind an earlier write's
	Bulk  bool      // gives way to work that isn't

	clock time.Time // what the clock showed, set by Write
}

// Receipt proves that a write was recorded. Leaf is quoted at once; Index is its
// place in the ledger, -1 while it isn't numbered yet.
type Receipt struct {
	Index int64
	Leaf  ledger.Hash
	At    time.Time
}

// ErrUnfit is a write that the database will never take, however often it is
// tried: a value is beyond what it can hold.
var ErrUnfit = errors.New("the database can't hold it")

// Write runs f in one transaction and commits its rows, the ledger entry over
// them and its outbox lines together; on an error nothing of it stays. A write
// that changes nothing leaves no entry. Work that isn't bulk goes first when
// both wait. On PostgreSQL f may run again after a serialization failure, so it
// must not keep what an earlier run gave it.
func (db *DB) Write(ctx context.Context, w Work, f func(*Tx) error) (Receipt, error) {
	if err := db.gate.enter(ctx, w.Bulk); err != nil {
		return Receipt{}, err
	}
	defer db.gate.leave()
	w.clock = w.At.UTC().Truncate(time.Microsecond)
	w.At, w.Kind, w.Actor = db.stamp(w.At), clean(w.Kind), clean(w.Actor)
	if w.At.Sub(w.clock) <= maxBehind {
		w.clock = w.At // it only waited for its turn
	}
	for attempt := 0; ; attempt++ {
		r, err := db.try(ctx, w, f)
		if err == nil || attempt == 5 || !db.dialect.retry(err) {
			return r, db.wrote(ctx, w, err)
		}
	}
}

// maxBehind is how far a write may be behind the one before without the clock having
// gone back.
const maxBehind = 5 * time.Second

// stamp keeps moments of record from going back when the machine's clock does.
func (db *DB) stamp(at time.Time) time.Time {
	at = at.UTC().Truncate(time.Microsecond)
	if at.Before(db.lastStamp) {
		if db.lastStamp.Sub(at) > maxBehind && !db.behind {
			slog.Warn("the clock went back; records keep the later stamp until it has caught up", "clock", at, "stamp", db.lastStamp)
			db.behind = true
		}
		return db.lastStamp
	}
	db.lastStamp, db.behind = at, false
	return at
}

func (db *DB) try(ctx context.Context, w Work, f func(*Tx) error) (Receipt, error) {
	c, err := db.connection(ctx)
	if err != nil {
		return Receipt{}, err
	}
	var r Receipt
	tx, err := db.commit(ctx, c, w, func(tx *Tx) (err error) {
		r, err = tx.record(w, f)
		return err
	})
	if err != nil {
		return Receipt{}, err
	}
	if tx.changes.Len() > 0 {
		db.sequenceAfter(ctx, c)
	}
	return r, nil
}

// commit runs f in one transaction of the writers' connection. A cancelled call
// rolls back; a commit under way isn't torn.
func (db *DB) commit(ctx context.Context, c *sql.Conn, w Work, f func(*Tx) error) (*Tx, error) {
	if _, err := c.ExecContext(ctx, db.dialect.begin()); err != nil {
		return nil, db.drop(c, err)
	}
	tx := &Tx{db: db, ctx: ctx, conn: db.writes, workspace: db.workspace.begin(), at: w.At, clock: w.clock, actor: w.Actor}
	returned := false
	defer func() {
		if !returned { // f panicked: its half must not become part of the next write
			db.tree.forget()
			db.drop(c, nil)
		}
	}()
	err := f(tx)
	returned = true
	if err == nil {
		_, err = c.ExecContext(context.WithoutCancel(ctx), "COMMIT")
	}
	if err != nil {
		db.tree.forget()
		if _, undo := c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); undo != nil {
			return nil, errors.Join(err, db.drop(c, undo))
		}
		return nil, err
	}
	db.tree.keep(tx.added)
	db.backfill.wrote(tx.changes.Len())
	if tx.note != nil && db.onCheckpoint != nil {
		db.onCheckpoint(tx.note)
	}
	return tx, nil
}

// connection gives the one connection that writes.
func (db *DB) connection(ctx context.Context) (*sql.Conn, error) {
	select {
	case <-db.lost:
		return nil, fmt.Errorf("%w: %w", ErrLost, casebook.ErrConflict)
	default:
	}
	if db.conn == nil {
		c, err := db.write.Conn(ctx)
		if err != nil {
			return nil, err
		}
		if err := db.dialect.own(ctx, c); err != nil {
			if db.owned && errors.Is(err, ErrHeld) {
				close(db.lost)
			}
			return nil, errors.Join(err, c.Close())
		}
		db.conn, db.writes, db.owned = c, newKeeper(c, db.dialect.keeps()), true
		db.tree.forget()
	}
	return db.conn, nil
}

// drop closes a connection of which nobody knows where it stands: given back to
// the pool it would go on with what it had begun.
func (db *DB) drop(c *sql.Conn, err error) error {
	db.conn = nil
	db.writes.letGo()
	db.dialect.forget(c)
	if closing := c.Raw(func(any) error { return driver.ErrBadConn }); !errors.Is(closing, driver.ErrBadConn) && !errors.Is(closing, sql.ErrConnDone) {
		err = errors.Join(err, closing)
	}
	return err
}

// A gate lets one writer in at a time, case work before bulk work.
type gate struct {
	mu      sync.Mutex
	busy    bool
	waiting [2][]chan struct{} // by lane: case work, bulk work
}

func (g *gate) enter(ctx context.Context, bulk bool) error {
	lane := 0
	if bulk {
		lane = 1
	}
	g.mu.Lock()
	if !g.busy {
		g.busy = true
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{}, 1)
	g.waiting[lane] = append(g.waiting[lane], turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		for i, w := range g.waiting[lane] {
			if w == turn {
				g.waiting[lane] = append(g.waiting[lane][:i], g.waiting[lane][i+1:]...)
				return ctx.Err()
			}
		}
		// The turn came at the same moment: pass it on.
		g.next()
		return ctx.Err()
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next()
}

func (g *gate) next() {
	for lane := range g.waiting {
		if len(g.waiting[lane]) > 0 {
			turn := g.waiting[lane][0]
			g.waiting[lane] = g.waiting[lane][1:]
			turn <- struct{}{}
			return
		}
	}
	g.busy = false
}

// micros and moment turn moments into the database's microseconds and back; the
// zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// mark gives the columns that every noun carries, in the order in which tables
// have them: tenant, region, tlp, exercise, recorded_by.
func mark(m casebook.Mark) (tenant int64, region string, tlp, exercise int64, by string) {
	return m.Tenant, m.Region, int64(m.TLP), bit(m.Exercise), m.RecordedBy
}
