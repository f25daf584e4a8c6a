package desk

import (
	"context"
	"fmt"

	"tocsin/casebook"
	"tocsin/store"
)

// retainer is the rule in whose name what is old enough is let go.
var retainer = casebook.Actor{Kind: casebook.Rule, Name: "retain"}

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
