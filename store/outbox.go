package store

import (
	"fmt"
	"time"

	"tocsin/casebook"
)

var outboxTable = covered(6, "outbox", `tenant:i recorded_by:t recorded_at:i kind:t message_id:t payload:b state:i attempts:i due_at:i fault:t`)

// An OutboxLine is something to be told outside, committed with what it tells.
type OutboxLine struct {
	Tenant    int64
	Kind      string // which courier carries it
	MessageID string // stable over every attempt; ErrConflict if it was used
	Payload   []byte
	DueAt     time.Time // not before; zero: at once
}

// Enqueue puts a line into the outbox, to be sent after the commit.
func (tx *Tx) Enqueue(l OutboxLine) error {
	var n int64
	if err := tx.row(`SELECT COUNT(*) FROM outbox WHERE message_id = $1`, l.MessageID).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("outbox line %s is already there: %w", l.MessageID, casebook.ErrConflict)
	}
	id, err := tx.id("outbox")
	if err != nil {
		return err
	}
	due := l.DueAt
	if due.IsZero() {
		due = tx.at
	}
	return tx.insert(outboxTable, []any{id, tx.salt(), l.Tenant, tx.actor, micros(tx.at), l.Kind, l.MessageID,
		octets(l.Payload), int64(0), int64(0), micros(due), ""})
}
