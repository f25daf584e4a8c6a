package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tocsin/casebook"
)

// Trouble is why nothing can be written now. It ends with the first write that succeeds.
type Trouble struct {
	Since time.Time
	Full  bool // the disk of the database is full; otherwise it is away, or its disk fails
}

// Error says it to people.
func (t *Trouble) Error() string {
	since := t.Since.UTC().Format(time.RFC3339)
	if t.Full {
		return "nothing can be written since " + since + ": the disk of the database is full; make room, and the platform goes on by itself"
	}
	return "nothing can be written since " + since + ": the database can't be reached or its disk fails, as the platform's log tells; it goes on by itself as soon as it can"
}

// Unwrap makes it a casebook.ErrUnavailable.
func (t *Trouble) Unwrap() error { return casebook.ErrUnavailable }

// Trouble tells why nothing can be written now; nil while all is well, as far as the last
// write knows.
func (db *DB) Trouble() *Trouble { return db.trouble.Load() }

// wrote remembers how a write ended, and gives the error that its caller is told. The cause is
// logged once, when it begins.
func (db *DB) wrote(ctx context.Context, w Work, err error) error {
	broken, full := false, false
	if err != nil && ctx.Err() == nil {
		broken, full = db.dialect.broken(err)
	}
	old := db.trouble.Load()
	switch {
	case broken && old == nil:
		old = &Trouble{Since: w.At, Full: full}
		db.trouble.Store(old)
		slog.ErrorContext(ctx, "nothing can be written to the database", "work", w.Kind, "err", err)
	case err == nil && old != nil:
		db.trouble.Store(nil)
		slog.InfoContext(ctx, "the database is written to again", "since", old.Since)
	}
	if broken {
		return fmt.Errorf("%s: %w", w.Kind, old)
	}
	if err != nil {
		err = fmt.Errorf("write %s: %w", w.Kind, err)
	}
	if db.dialect.unfit(err) {
		err = fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	return err
}

// TryAgain tries to write while there is trouble, so that its end is noticed where nothing
// else is written, and leaves an entry that says since when nothing could be. It does nothing
// while all is well.
func (db *DB) TryAgain(ctx context.Context, at time.Time, note func(*Tx) error) error {
	trouble := db.Trouble()
	if trouble == nil {
		return nil
	}
	kind := "write again, after nothing could be since " + trouble.Since.UTC().Format(time.RFC3339)
	_, err := db.Write(ctx, Work{Kind: kind, Actor: "rule:store", At: at}, note)
	if errors.Is(err, casebook.ErrUnavailable) {
		return nil // still
	}
	return err
}
