package store

import (
	"context"
	"log/slog"
	"sync"
)

// backfillRows is after how many changed rows the log is emptied: a few megabytes.
const backfillRows = 4000

// A backfill moves what was committed from SQLite's write-ahead log into its file, beside
// the writer. Left to SQLite, a commit in some hundreds does that, and whoever waits for
// it waits for ten thousand pages and a second flush.
type backfill struct {
	rows int // changed since; guarded by the gate
	due  chan struct{}
	stop context.CancelFunc
	done sync.WaitGroup
}

func (db *DB) startBackfill() {
	ctx, stop := context.WithCancel(context.Background())
	db.backfill.due, db.backfill.stop = make(chan struct{}, 1), stop
	db.backfill.done.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-db.backfill.due:
			}
			// What isn't moved now is moved by the next, or by SQLite itself.
			if err := db.dialect.backfill(ctx, db.read); err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "the database's log wasn't emptied", "err", err)
			}
		}
	})
}

// wrote counts rows that were committed.
func (b *backfill) wrote(rows int) {
	if b.rows += rows; b.rows < backfillRows {
		return
	}
	b.rows = 0
	select {
	case b.due <- struct{}{}:
	default: // one is due already
	}
}

// end waits for what is being moved.
func (b *backfill) end() {
	if b.stop != nil {
		b.stop()
		b.done.Wait()
	}
}
