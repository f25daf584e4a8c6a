package desk

import (
	"context"
	"fmt"

	"tocsin/casebook"
	"tocsin/store"
)

// EnterCases writes whole cases that nobody worked on here, in one commit: those that
// tocsin seed makes up. What they say is taken at its word.
func (d *Desk) EnterCases(ctx context.Context, who casebook.Actor, cases []store.Case) error {
	if len(cases) == 0 {
		return nil
	}
	_, err := d.db.Write(ctx, store.Work{Kind: "enter cases", Actor: who.String(), At: d.Now(), Bulk: true}, func(tx *store.Tx) error { return tx.AddCases(cases) })
	if err != nil {
		return fmt.Errorf("enter %d cases: %w", len(cases), err)
	}
	d.changed.tell()
	return nil
}
