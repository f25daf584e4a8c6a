package store

import (
	"time"

	"tocsin/casebook"
)

// OpenDuty freezes a duty and gives it its name.
func (tx *Tx) OpenDuty(d casebook.Duty) (casebook.Duty, error) {
	all, err := tx.OpenDuties([]casebook.Duty{d})
	if err != nil {
		return d, err
	}
	return all[0], nil
}

// OpenDuties freezes duties, gives them their names, and returns them in their
// order.
func (tx *Tx) OpenDuties(list []casebook.Duty) ([]casebook.Duty, error) {
	ids, err := tx.takeIDs("duty", len(list))
	if err != nil {
		return nil, err
	}
	incidents, parties := map[casebook.ID]int64{}, map[casebook.ID]int64{}
	opened, rows, steps := make([]casebook.Duty, len(list)), make([][]any, len(list)), make([]dutyStep, len(list))
	for n, d := range list {
		row := dutyRow{id: ids[n], salt: tx.salt(), Duty: d}
		row.ID, row.RecordedAt = casebook.NewID(tx.at), tx.at
		if row.incident, err = tx.numberOnce(incidents, "incident", casebook.IncidentPrefix, d.Incident); err != nil {
			return nil, err
		}
		if row.party, err = tx.numberOnce(parties, "party", casebook.PartyPrefix, d.Party); err != nil {
			return nil, err
		}
		if row.supersedes, err = numberOf(tx.ctx, tx.conn, "duty", casebook.DutyPrefix, d.Supersedes); err != nil {
			return nil, err
		}
		if rows[n], err = row.row(); err != nil {
			return nil, err
		}
		opened[n], steps[n] = row.Duty, dutyStep{row.id, d.State, d.Started, d.Reason}
	}
	if err := tx.insert(dutyTable, rows...); err != nil {
		return nil, err
	}
	return opened, tx.noteSteps(steps)
}

// numberOnce asks for the number behind a public name, unless known has it.
func (tx *Tx) numberOnce(known map[casebook.ID]int64, table, prefix string, id casebook.ID) (int64, error) {
	if n, ok := known[id]; ok {
		return n, nil
	}
	n, err := numberOf(tx.ctx, tx.conn, table, prefix, id)
	known[id] = n
	return n, err
}

// A dutyStep is a row of duty_change to be.
type dutyStep struct {
	duty   int64
	state  casebook.DutyState
	at     time.Time // the legal moment
	reason string
}

func (tx *Tx) noteSteps(steps []dutyStep) error {
	ids, err := tx.takeIDs("duty_change", len(steps))
	if err != nil || len(steps) == 0 {
		return err
	}
	rows := make([][]any, len(steps))
	for n, s := range steps {
		rows[n] = []any{ids[n], tx.salt(), s.duty, int64(s.state), micros(s.at), s.reason, micros(tx.at), tx.actor}
	}
	return tx.insert(dutyChangeTable, rows...)
}

func (tx *Tx) noteChange(duty int64, state casebook.DutyState, at time.Time, reason string) error {
	return tx.noteSteps([]dutyStep{{duty, state, at, reason}})
}
