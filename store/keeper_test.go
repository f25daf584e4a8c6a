package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counting counts what is prepared on a pool.
type counting struct {
	*sql.DB
	prepared atomic.Int64
}

func (c *counting) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	c.prepared.Add(1)
	return c.DB.PrepareContext(ctx, query)
}

func openKeeper(t *testing.T, most int) (*keeper, *counting) {
	w, r, err := (&sqlite{}).open(filepath.Join(t.TempDir(), "tocsin.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(); r.Close() })
	if _, err := w.Exec("CREATE TABLE t (n BIGINT)"); err != nil {
		t.Fatal(err)
	}
	pool := &counting{DB: r}
	k := newKeeper(pool, most)
	t.Cleanup(k.letGo)
	return k, pool
}

func askOne(ctx context.Context, k *keeper, n int) (got int, err error) {
	return got, k.QueryRowContext(ctx, fmt.Sprintf("SELECT %d + $1", n), 1).Scan(&got)
}

func TestKeeper(t *testing.T) {
	k, pool := openKeeper(t, 3)
	for range 4 {
		for n := range 3 {
			if got, err := askOne(t.Context(), k, n); err != nil || got != n+1 {
				t.Fatalf("got %d, %v; want %d", got, err, n+1)
			}
		}
	}
	if n := pool.prepared.Load(); n != 3 {
		t.Errorf("three questions, asked four times, were prepared %d times", n)
	}
	for i, kept := range []int{3, 1} {
		if got, err := askOne(t.Context(), k, 7); err != nil || got != 8 || len(k.kept) != kept {
			t.Errorf("one too many, asked %d times: got %d, %v, and %d are kept, want %d", i+1, got, err, len(k.kept), kept)
		}
	}
	if _, err := k.QueryContext(t.Context(), "SELECT nothing FROM nowhere"); err == nil {
		t.Error("a question that can't be asked was")
	}
}

// TestKeeperDropsWhileAsked: a statement that others ask by is closed after them.
func TestKeeperDropsWhileAsked(t *testing.T) {
	k, _ := openKeeper(t, 2)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 200 {
				if got, err := askOne(t.Context(), k, i%5); err != nil || got != i%5+1 {
					t.Errorf("got %d, %v; want %d", got, err, i%5+1)
					return
				}
			}
		})
	}
	all.Wait()
}

// TestKeeperKeepsWhatRecurs: questions that come once, however many, push out none that
// come again, and what it remembers of them is bounded.
func TestKeeperKeepsWhatRecurs(t *testing.T) {
	k, pool := openKeeper(t, 3)
	for n := range maxAsked + 10 {
		for _, n := range []int{-1, -2, n} {
			if got, err := askOne(t.Context(), k, n); err != nil || got != n+1 {
				t.Fatalf("got %d, %v; want %d", got, err, n+1)
			}
		}
	}
	if n := pool.prepared.Load(); n != 2 || len(k.kept) != 2 {
		t.Errorf("two questions that recur were prepared %d times, and %d are kept", n, len(k.kept))
	}
	if len(k.asked) > maxAsked {
		t.Errorf("%d texts are remembered", len(k.asked))
	}
}

// TestKeeperWaitsForNoQuestion: statements that are closed have to wait for a long question on
// their connection, and nobody else has: neither who asks one too many nor who asks beside them.
func TestKeeperWaitsForNoQuestion(t *testing.T) {
	k, pool := openKeeper(t, 1)
	ask := func(n int) {
		for range 2 {
			if got, err := askOne(t.Context(), k, n); err != nil || got != n+1 {
				t.Errorf("got %d, %v; want %d", got, err, n+1)
			}
		}
	}
	ask(1)
	var first *keptStatement
	for _, first = range k.kept {
	}
	busy, err := pool.Conn(t.Context()) // the one connection that there is yet
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	err = busy.Raw(func(any) error { // as a question that makes its first step
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			ask(2)
			ask(3)
		}()
		select {
		case <-asked:
			return nil
		case <-time.After(20 * time.Second):
			return errors.New("they wait")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	k.letGo()
	if _, err := first.Query(1); err == nil {
		t.Error("what isn't kept any more isn't closed")
	}
}

// TestKeeperEndsWhileAsked: once it has ended, questions are asked without it, and those under
// way come to their end.
func TestKeeperEndsWhileAsked(t *testing.T) {
	k, _ := openKeeper(t, 2)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 200 {
				if got, err := askOne(t.Context(), k, i%5); err != nil || got != i%5+1 {
					t.Errorf("got %d, %v; want %d", got, err, i%5+1)
					return
				}
			}
		})
	}
	k.letGo()
	all.Wait()
	if len(k.kept) != 0 {
		t.Errorf("%d are kept after its end", len(k.kept))
	}
}

// TestKeeperOutlivesASchema: a kept statement reads the tables as they are.
func TestKeeperOutlivesASchema(t *testing.T) {
	w, r, err := (&sqlite{}).open(filepath.Join(t.TempDir(), "tocsin.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	k := newKeeper(r, 2)
	defer k.letGo()
	for i, change := range []string{"CREATE TABLE t (n BIGINT)", "ALTER TABLE t ADD COLUMN m BIGINT", "DROP TABLE t", "CREATE TABLE t (n BIGINT, m BIGINT)"} {
		if _, err := w.Exec(change); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			var n int
			if err := k.QueryRowContext(t.Context(), "SELECT COUNT(n) FROM t").Scan(&n); (err != nil) != (i == 2) {
				t.Errorf("after %s: %v", change, err)
			}
		}
	}
}
