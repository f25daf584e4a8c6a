package store

import (
	"context"
	"database/sql"
	"errors"
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

// OutboxState is where a line stands.
type OutboxState int64

// The states of an outbox line. Sending is committed before a connection opens, so
// that a crash in between is known for what it is.
const (
	OutboxWaiting OutboxState = iota
	OutboxSending
	OutboxSent
	OutboxDead
)

func (s OutboxState) String() string {
	return [...]string{"waiting", "sending", "sent", "dead"}[s]
}

// An Outgoing is an outbox line with how far it has come.
type Outgoing struct {
	id   int64
	salt []byte
	by   string
	OutboxLine
	State      OutboxState
	Attempts   int
	Fault      string // of the last attempt, or what the other side answered
	RecordedAt time.Time
}

func scanOutgoing(s interface{ Scan(...any) error }) (o Outgoing, err error) {
	var at, due int64
	err = s.Scan(&o.id, &o.salt, &o.Tenant, &o.by, &at, &o.Kind, &o.MessageID, &o.Payload, &o.State, &o.Attempts, &due, &o.Fault)
	o.RecordedAt, o.DueAt = moment(at), moment(due)
	return o, err
}

// Outbox gives lines in a state, the first to be sent first; a nil state is any,
// newest first.
func (r *Reader) Outbox(ctx context.Context, state *OutboxState, limit int) ([]Outgoing, error) {
	w := where{text: fmt.Sprintf("tenant = %d", r.scope.Tenant), args: []any{limit}}
	order := "id DESC"
	if state != nil {
		w.and("state = ?", int64(*state))
		order = "due_at, id"
	}
	if !r.scope.All {
		w.and("1 = 0")
	}
	rows, err := r.q.QueryContext(ctx, outboxTable.selectSQL+` WHERE `+w.text+` ORDER BY `+order+` LIMIT $1`, w.args...)
	return collect(rows, err, func(rows *sql.Rows) (Outgoing, error) { return scanOutgoing(rows) })
}

// NextOutgoing gives the moment at which the next line is to be sent, but for those of
// one kind; zero when none waits.
func (r *Reader) NextOutgoing(ctx context.Context, not string) (time.Time, error) {
	var next int64
	err := r.q.QueryRowContext(ctx, `SELECT COALESCE(MIN(due_at), 0) FROM outbox WHERE state = 0 AND kind <> $1`, not).Scan(&next)
	return moment(next), err
}

// OutboxDue gives the lines that are to be sent by a moment, but for those of one kind,
// the first first.
func (r *Reader) OutboxDue(ctx context.Context, by time.Time, not string, limit int) ([]Outgoing, error) {
	rows, err := r.q.QueryContext(ctx, outboxTable.selectSQL+` WHERE state = 0 AND due_at <= $1 AND kind <> $2 ORDER BY due_at, id LIMIT $3`, micros(by), not, limit)
	return collect(rows, err, func(rows *sql.Rows) (Outgoing, error) { return scanOutgoing(rows) })
}

// MoveOutgoing takes a line from the state in which it was read to the one that it
// now has, with its attempts, moment and fault. It gives ErrConflict when the line
// moved meanwhile.
func (tx *Tx) MoveOutgoing(from OutboxState, o Outgoing) error {
	now, err := scanOutgoing(tx.row(outboxTable.selectSQL+` WHERE message_id = $1`, o.MessageID))
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("outbox line %s: %w", o.MessageID, casebook.ErrNotFound)
	}
	if err != nil {
		return err
	}
	if now.State != from {
		return fmt.Errorf("outbox line %s is %s, not %s: %w", o.MessageID, now.State, from, casebook.ErrConflict)
	}
	return tx.update(outboxTable, []any{now.id, now.salt, now.Tenant, now.by, micros(now.RecordedAt), now.Kind, now.MessageID, octets(o.Payload),
		int64(o.State), int64(o.Attempts), micros(o.DueAt), o.Fault})
}

// Outgoing gives one line by its message's name.
func (r *Reader) Outgoing(ctx context.Context, messageID string) (Outgoing, error) {
	if !r.scope.All {
		return Outgoing{}, fmt.Errorf("outbox line %s: %w", messageID, casebook.ErrNotFound)
	}
	o, err := scanOutgoing(r.q.QueryRowContext(ctx, outboxTable.selectSQL+` WHERE message_id = $1 AND tenant = $2`, messageID, r.scope.Tenant))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("outbox line %.80q: %w", messageID, casebook.ErrNotFound)
	}
	return o, err
}

// An OutboxFilter narrows a list of lines; its zero value lets all pass.
type OutboxFilter struct {
	State *OutboxState
	Kind  string
	After string // Message-ID of the last one before
}

// OutboxPage gives a page of lines, newest first, to who sees all.
func (r *Reader) OutboxPage(ctx context.Context, f OutboxFilter, limit int) ([]Outgoing, error) {
	if !r.scope.All {
		return []Outgoing{}, nil
	}
	w := where{text: "tenant = $1", args: []any{r.scope.Tenant}}
	if f.State != nil {
		w.and("state = ?", int64(*f.State))
	}
	if f.Kind != "" {
		w.and("kind = ?", clean(f.Kind))
	}
	if f.After != "" {
		last, err := r.Outgoing(ctx, f.After)
		if err != nil {
			return nil, err
		}
		w.and("id < ?", last.id)
	}
	w.args = append(w.args, limit)
	rows, err := r.q.QueryContext(ctx, outboxTable.selectSQL+` WHERE `+w.text+fmt.Sprintf(` ORDER BY id DESC LIMIT $%d`, len(w.args)), w.args...)
	return collect(rows, err, func(rows *sql.Rows) (Outgoing, error) { return scanOutgoing(rows) })
}

// OutboxParts gives the lines into which one was made, in their order.
func (r *Reader) OutboxParts(ctx context.Context, messageID string, limit int) ([]Outgoing, error) {
	var all []Outgoing
	for n := 1; n <= limit; n++ {
		o, err := r.Outgoing(ctx, fmt.Sprintf("%s-%d", messageID, n))
		if errors.Is(err, casebook.ErrNotFound) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}
