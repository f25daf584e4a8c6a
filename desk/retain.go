package desk

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"tocsin/casebook"
	"tocsin/store"
)

// retainer is the rule in whose name what is old enough is let go.
var retainer = casebook.Actor{Kind: casebook.Rule, Name: "retain"}

// Keep lets go once a day what is old enough, until ctx ends.
func (d *Desk) Keep(ctx context.Context) error {
	tick := time.NewTicker(24 * time.Hour)
	defer tick.Stop()
	for {
		if err := d.Retain(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "what is old could not be let go", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Retain lets go what nothing needs any more: that a claim was made before is
// remembered for store.SeenHorizon. It does a little at a time, so that others
// get their turn, and may be stopped and started at any moment.
func (d *Desk) Retain(ctx context.Context) error {
	at := d.Now()
	for passed := BatchRows; passed == BatchRows; {
		_, err := d.db.Write(ctx, store.Work{Kind: "forget", Actor: retainer.String(), At: at, Bulk: true}, func(tx *store.Tx) (err error) {
			passed, err = tx.Forget(at.Add(-store.SeenHorizon), BatchRows)
			return err
		})
		if err != nil {
			return fmt.Errorf("forget claims older than %d days: %w", int(store.SeenHorizon.Hours()/24), err)
		}
	}
	return nil
}
