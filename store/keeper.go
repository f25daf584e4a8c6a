package store

import (
	"context"
	"database/sql"
	"sync"
)

// maxKeptText bounds the octets of a statement that is kept: longer ones hold lists of
// numbers and won't come again.
const maxKeptText = 4000

// A keeper asks by statements that it keeps: to read and plan a question costs SQLite
// more than most answers. Where it has too many it lets all of them go, and those that are
// asked come back. It serves several goroutines.
type keeper struct {
	to   preparer
	most int
	mu   sync.Mutex
	kept map[string]*keptStatement
}

// preparer is what a connection and a pool have in common, to prepare on.
type preparer interface {
	runner
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// A keptStatement is closed when it isn't kept any more and nobody is asking by it.
type keptStatement struct {
	*sql.Stmt
	asking int
	gone   bool
}

func newKeeper(to preparer, most int) *keeper {
	return &keeper{to: to, most: most, kept: map[string]*keptStatement{}}
}

// take gives a statement to ask by, nil for a question that isn't kept.
func (k *keeper) take(ctx context.Context, query string) *keptStatement {
	if k.most == 0 || len(query) > maxKeptText {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.kept[query]; s != nil {
		s.asking++
		return s
	}
	k.mu.Unlock()
	prepared, err := k.to.PrepareContext(ctx, query)
	k.mu.Lock()
	if err != nil {
		return nil // asked without one it fails in its own words
	}
	if len(k.kept) >= k.most {
		k.drop()
	}
	s := &keptStatement{Stmt: prepared, asking: 1, gone: k.kept[query] != nil}
	if !s.gone {
		k.kept[query] = s
	}
	return s
}

// letGo closes what is kept: a connection with open statements stays, and so do its locks.
func (k *keeper) letGo() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drop()
}

func (k *keeper) drop() {
	for _, s := range k.kept {
		s.gone = true
		s.end()
	}
	clear(k.kept)
}

func (k *keeper) give(s *keptStatement) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s.asking--
	s.end()
}

func (s *keptStatement) end() {
	if s.gone && s.asking == 0 {
		s.Close()
	}
}

// ExecContext is that of database/sql.
func (k *keeper) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s := k.take(ctx, query)
	if s == nil {
		return k.to.ExecContext(ctx, query, args...)
	}
	defer k.give(s)
	return s.ExecContext(ctx, args...)
}

// QueryContext is that of database/sql.
func (k *keeper) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s := k.take(ctx, query)
	if s == nil {
		return k.to.QueryContext(ctx, query, args...)
	}
	defer k.give(s)
	return s.QueryContext(ctx, args...)
}

// QueryRowContext is that of database/sql.
func (k *keeper) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s := k.take(ctx, query)
	if s == nil {
		return k.to.QueryRowContext(ctx, query, args...)
	}
	defer k.give(s)
	return s.QueryRowContext(ctx, args...)
}
