package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// AnswerLife is how long an answer to a request that may be repeated is kept.
const AnswerLife = 24 * time.Hour

// An Answer is the first answer to a request that may be sent again.
type Answer struct {
	Key     [32]byte // digest of who asked and of the key that they gave
	Request [32]byte // digest of what was asked, made with that key
	// Status 0: it was done, and nobody knows what was answered.
	Status    int
	MediaType string
	Body      []byte
	At        time.Time
}

// onceKey is where a context carries what Once gave it.
type onceKey struct{}

// Once marks the writes of a request that is done once, however often it is sent: the
// commit of each also holds that it was done. If the program is killed before the
// answer is kept, the request isn't done again.
func Once(ctx context.Context, a Answer) context.Context {
	return context.WithValue(ctx, onceKey{}, a)
}

// noteOnce writes into a commit what Once asked for.
func (tx *Tx) noteOnce() error {
	a, ok := tx.ctx.Value(onceKey{}).(Answer)
	if !ok {
		return nil
	}
	_, err := tx.exec(`INSERT INTO answer (digest, request, recorded_at, status, media_type, body) VALUES ($1, $2, $3, 0, '', $4)
		ON CONFLICT (digest) DO UPDATE SET request = excluded.request, recorded_at = excluded.recorded_at, status = 0, media_type = '', body = excluded.body`, a.Key[:], a.Request[:], micros(tx.at), []byte{})
	return err
}

// KeepAnswer keeps the answer that is about to be given, and forgets those that are
// older than AnswerLife.
func (tx *Tx) KeepAnswer(a Answer) error {
	if _, err := tx.exec(`DELETE FROM answer WHERE recorded_at <= $1`, micros(tx.at.Add(-AnswerLife))); err != nil {
		return err
	}
	_, err := tx.exec(`INSERT INTO answer (digest, request, recorded_at, status, media_type, body) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (digest) DO UPDATE SET request = excluded.request, recorded_at = excluded.recorded_at, status = excluded.status,
			media_type = excluded.media_type, body = excluded.body`,
		a.Key[:], a.Request[:], micros(tx.at), int64(a.Status), a.MediaType, octets(a.Body))
	return err
}

// Answer gives the answer kept under a key, if it is not older than AnswerLife at a
// moment; ok is false where there is none.
func (r *Reader) Answer(ctx context.Context, key [32]byte, at time.Time) (a Answer, ok bool, err error) {
	var request []byte
	var status, recorded int64
	err = r.q.QueryRowContext(ctx, `SELECT request, recorded_at, status, media_type, body FROM answer WHERE digest = $1 AND recorded_at > $2`,
		key[:], micros(at.Add(-AnswerLife))).Scan(&request, &recorded, &status, &a.MediaType, &a.Body)
	if errors.Is(err, sql.ErrNoRows) {
		return Answer{}, false, nil
	}
	a.Key, a.Status, a.At = key, int(status), moment(recorded)
	copy(a.Request[:], request)
	return a, err == nil, err
}
