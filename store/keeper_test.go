package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
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
	for range 2 {
		for n := range 3 {
			if got, err := askOne(t.Context(), k, n); err != nil || got != n+1 {
				t.Fatalf("got %d, %v; want %d", got, err, n+1)
			}
		}
	}
	if n := pool.prepared.Load(); n != 3 {
		t.Errorf("three questions, asked twice, were prepared %d times", n)
	}
	if got, err := askOne(t.Context(), k, 7); err != nil || got != 8 || len(k.kept) != 1 {
		t.Errorf("one too many: got %d, %v, and %d are kept", got, err, len(k.kept))
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
