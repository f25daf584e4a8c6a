// Package casebook holds the nouns of the trade and the arithmetic that belongs
// to them: deliveries, observations, assets, findings, threats, holdings,
// incidents, grades, duties. It knows no file, no database and no network, and
// imports the standard library only; every other room speaks in its words.
package casebook

import "errors"

// The five refusals that carry meaning across rooms. A room wraps them with what
// it was doing and to what; the face turns them into status codes in one table.
// Any other error is our own fault.
var (
	// ErrInvalid: the input breaks a rule that the message names.
	ErrInvalid = errors.New("invalid")
	// ErrNotFound: no such thing, or none that the asker may see.
	ErrNotFound = errors.New("not found")
	// ErrForbidden: the asker may not do this.
	ErrForbidden = errors.New("forbidden")
	// ErrConflict: the thing is not in a state that allows this.
	ErrConflict = errors.New("conflict")
	// ErrTooLarge: the input is over a stated bound.
	ErrTooLarge = errors.New("too large")
	// ErrUnavailable: the same may succeed later: a disk is full, a server is away.
	ErrUnavailable = errors.New("not possible now")
)
