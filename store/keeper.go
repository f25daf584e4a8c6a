package store

import (
	"context"
	"database/sql"
	"hash/maphash"
	"sync"
)

// maxKeptText bounds the octets of a statement that is kept: longer ones hold lists of
// numbers and won't come again.
const maxKeptText = 4000

// maxAsked bounds how many texts a keeper remembers as asked before.
const maxAsked = 4096

// A keeper asks by statements that it keeps: to read and plan a question costs SQLite
// more than most answers. It keeps what is asked a second time, as many questions have
// numbers in their text and never come again. Where it has too many it lets all of them
// go, and those that are asked come back. It serves several goroutines. On a connection
// of its own, rows are read to their end before the next question, as PostgreSQL demands.
type keeper struct {
	to   preparer
	most int
	seed maphash.Seed

	mu      sync.Mutex // never held while the database is asked
	kept    map[string]*keptStatement
	asked   map[uint64]struct{} // by the hashes of their texts
	ended   bool
	closing sync.WaitGroup // no more of them once ended
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
	return &keeper{to: to, most: most, seed: maphash.MakeSeed(), kept: map[string]*keptStatement{}, asked: map[uint64]struct{}{}}
}

// take gives a statement to ask by, nil for a question that isn't kept.
func (k *keeper) take(ctx context.Context, query string) *keptStatement {
	if k.most == 0 || len(query) > maxKeptText {
		return nil
	}
	s, again := k.find(query)
	if s != nil || !again {
		return s
	}
	prepared, err := k.to.PrepareContext(ctx, query)
	if err != nil {
		return nil // asked without one it fails in its own words
	}
	return k.keep(query, prepared)
}

// find gives the statement that is kept for a question, and whether it was asked before.
func (k *keeper) find(query string) (s *keptStatement, again bool) {
	text := maphash.String(k.seed, query)
	k.mu.Lock()
	defer k.mu.Unlock()
	if s = k.kept[query]; s != nil {
		s.asking++
		return s, true
	}
	if _, again = k.asked[text]; !again {
		if len(k.asked) >= maxAsked {
			clear(k.asked)
		}
		k.asked[text] = struct{}{}
	}
	return nil, again && !k.ended
}

// keep keeps a new statement, but where another came first or the keeper has ended: then it
// serves once.
func (k *keeper) keep(query string, prepared *sql.Stmt) *keptStatement {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := &keptStatement{Stmt: prepared, asking: 1, gone: k.ended || k.kept[query] != nil}
	if s.gone {
		return s
	}
	if len(k.kept) >= k.most {
		k.end(k.drop())
	}
	k.kept[query] = s
	return s
}

// give gives a statement back.
func (k *keeper) give(s *keptStatement) {
	k.mu.Lock()
	s.asking--
	over, ended := s.gone && s.asking == 0, k.ended
	if over && !ended {
		k.end([]*keptStatement{s})
	}
	k.mu.Unlock()
	if over && ended {
		s.Close()
	}
}

// letGo ends the keeper and closes what is kept: a connection with open statements stays,
// and so do its locks. Questions are asked without it from then on.
func (k *keeper) letGo() {
	k.mu.Lock()
	k.ended = true
	over := k.drop()
	k.mu.Unlock()
	for _, s := range over {
		s.Close()
	}
	k.closing.Wait()
}

// drop keeps nothing any more, and gives the statements by which nobody is asking.
func (k *keeper) drop() (over []*keptStatement) {
	for _, s := range k.kept {
		s.gone = true
		if s.asking == 0 {
			over = append(over, s)
		}
	}
	clear(k.kept)
	return over
}

// end closes statements beside the caller: to close one waits for every question under way
// on a connection that it was asked on.
func (k *keeper) end(over []*keptStatement) {
	k.closing.Go(func() {
		for _, s := range over {
			s.Close()
		}
	})
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
