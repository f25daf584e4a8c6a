package store

import (
	"database/sql"
	"time"

	"tocsin/casebook"
)

// A DutyToTell is a duty of which people must be told, as this transaction read it.
type DutyToTell struct {
	casebook.Duty
	row *dutyRow
}

// DutiesToTell gives the duties of which people must be told by a moment, the first
// first. Until the transaction ends no other process is given any.
func (tx *Tx) DutiesToTell(by time.Time, limit int) ([]DutyToTell, error) {
	if err := tx.db.dialect.lock(tx, lockWatching); err != nil {
		return nil, err
	}
	rows, err := tx.query(selectDuties+` WHERE d.next_at > 0 AND d.next_at <= $1 ORDER BY d.next_at, d.id LIMIT $2`, micros(by), limit)
	return collect(rows, err, func(rows *sql.Rows) (DutyToTell, error) {
		d, err := scanDuty(rows)
		return DutyToTell{d.Duty, d}, err
	})
}

// A Telling is what was told of a duty, and what follows for it.
type Telling struct {
	Of    DutyToTell
	Times int // how many of its moments people were told by now
	// State, Reason and At, a legal moment, are of the step that it takes; a zero At
	// is none.
	State  casebook.DutyState
	Reason string
	At     time.Time
	Entry  casebook.Anchor // of the log of its incident
}

// Tell writes tellings: duties, their steps, and entries of the incidents' logs.
// The duties come from DutiesToTell of this transaction.
func (tx *Tx) Tell(all []Telling) error {
	if len(all) == 0 {
		return nil
	}
	rows, entries := make([][]any, len(all)), make([]logEntry, len(all))
	var steps []dutyStep
	for n, t := range all {
		d := t.Of.row
		d.Told, d.RecordedAt = t.Times, tx.at
		if !t.At.IsZero() {
			d.State, d.Reason = t.State, t.Reason
			steps = append(steps, dutyStep{d.id, t.State, t.At, t.Reason})
		}
		row, err := d.row()
		if err != nil {
			return err
		}
		rows[n], entries[n] = row, logEntry{d.incident, 0, t.Entry}
	}
	if err := tx.update(dutyTable, rows...); err != nil {
		return err
	}
	if err := tx.noteSteps(steps); err != nil {
		return err
	}
	_, err := tx.logAll(entries)
	return err
}
