package desk

import (
	"context"
	"fmt"
	"strings"

	"tocsin/casebook"
	"tocsin/store"
)

// ShareWith lets parties see things from now on, each with the reason why. It gives
// ErrInvalid for one without a reason, ErrNotFound for a thing or a party that isn't
// there; then nothing is shared.
func (d *Desk) ShareWith(ctx context.Context, who casebook.Actor, all []casebook.Share) error {
	at := d.Now()
	if err := d.isPerson(who, "share with a party"); err != nil {
		return err
	}
	_, err := d.db.Write(ctx, store.Work{Kind: "share", Actor: who.String(), At: at}, func(tx *store.Tx) error {
		for _, s := range all {
			if s.Why = strings.TrimSpace(s.Why); s.Why == "" {
				return fmt.Errorf("say why it is shared: %w", casebook.ErrInvalid)
			}
			if err := tx.Share(s.Kind, s.Object, s.Party, s.Why); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}
