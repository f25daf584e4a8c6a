package store

import (
	"errors"
	"os"
	"strings"
	"testing"

	"tocsin/casebook"
)

// TestWhoLostTheDatabaseWritesNothingMore: the server drops the connection of one that
// writes, another takes over, and the first remembers what isn't so any more.
func TestWhoLostTheDatabaseWritesNothingMore(t *testing.T) {
	if os.Getenv(postgresServer) == "" {
		t.Skipf("PostgreSQL: set %s to a server's postgres:// URL with the right to make databases", postgresServer)
	}
	place, signer := newPostgres(t), newSigner(t)
	first, err := Open(t.Context(), place, Options{Signer: signer, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close() // it may sign nothing any more, and says so
	write := func(db *DB, message string) error {
		_, err := db.Write(t.Context(), Work{Kind: "call", Actor: "rule:watch", At: noon}, func(tx *Tx) error {
			return tx.Enqueue(OutboxLine{Tenant: 1, Kind: "call", MessageID: message, Payload: []byte("{}")})
		})
		return err
	}
	if err := write(first, "message-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), place, Options{Signer: signer, Now: noon}); !errors.Is(err, ErrHeld) || !errors.Is(err, casebook.ErrConflict) {
		t.Errorf("a second one beside the first: %v", err)
	}
	if _, err := Open(t.Context(), place, Options{Signer: newSigner(t), Now: noon}); errors.Is(err, ErrHeld) || err == nil || !strings.Contains(err.Error(), "another ledger") {
		t.Errorf("one that could never take over: %v", err)
	}
	shell := connect(t, place)
	execute(t, shell, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	second, err := Open(t.Context(), place, Options{Signer: signer, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	if err := write(second, "message-2"); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if err := write(first, "message-3"); err == nil || n > 0 && !errors.Is(err, casebook.ErrConflict) {
			t.Errorf("try %d of the first: %v", n, err)
		}
	}
	closed(t, second)
	if err := write(first, "message-3"); !errors.Is(err, casebook.ErrConflict) || !strings.Contains(err.Error(), "start it again") {
		t.Errorf("the first, with nobody beside it: %v", err)
	}
}
