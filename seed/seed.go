// Package seed makes up a country for measuring: parties with their ranges, eighteen
// months of deliveries, and the cases that came of them, the same for the same seed
// but for what is random by design (names of things, salts, passwords as hashed).
// Deliveries, holdings, accounts and some of the cases go through the stations;
// most cases are entered whole, row for row as stations would have left them. It
// leaves real data alone: it fills what is empty, and nothing else.
package seed

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// days is how long the story takes.
const days = 548

// A Plan says how much is made up.
type Plan struct {
	Dir       string // data directory, empty or not there
	Database  string // postgres:// URL of an empty database; "" is SQLite in Dir
	Incidents int
	Findings  int // at most MaxFindings
	Parties   int // at least MinParties
	Seed      uint64
	Until     time.Time // the last moment of the story; zero is now
	// Told, if set, is told how much of the story is done.
	Told func(done, of int)
}

// Bounds of a plan. Addresses are from 10.0.0.0/8, 100.64.0.0/10, 198.18.0.0/15 and
// 2001:db8::/32, names end in .example.
const (
	MaxFindings = 10_000_000
	MinParties  = 50
)

// Made is what was made.
type Made struct {
	store.Counts
	Parties  int
	Officer  string // an account of the platform that may do everything but approve its own orders
	Abuse    string // an account of a party
	Password string // of every account
}

// Run makes up a country. It gives ErrConflict for a directory or a database in which
// there is anything, ErrInvalid for a plan out of bounds.
func Run(ctx context.Context, p Plan) (Made, error) {
	if p.Until.IsZero() {
		p.Until = time.Now()
	}
	p.Until = p.Until.UTC().Truncate(time.Second)
	if p.Incidents < 0 || p.Findings < 1 || p.Findings > MaxFindings || p.Parties < MinParties {
		return Made{}, fmt.Errorf("seed: from 1 to %d findings, from %d parties on, from 0 incidents on: %w", MaxFindings, MinParties, casebook.ErrInvalid)
	}
	if err := isEmpty(p.Dir); err != nil {
		return Made{}, err
	}
	s := &story{Plan: p, world: newWorld(p), pool: map[string][]casebook.Finding{}, tasks: map[int]int64{}}
	s.now = s.start
	var err error
	s.desk, err = desk.Open(ctx, desk.Config{Dir: p.Dir, Database: p.Database, Now: func() time.Time { return s.now }, Passing: true})
	if err != nil {
		return Made{}, err
	}
	made, err := s.tell(ctx)
	return made, errors.Join(err, s.desk.Close())
}

// isEmpty keeps made-up data out of a directory that holds anything.
func isEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s holds %s: made-up data goes into a directory of its own: %w", dir, entries[0].Name(), casebook.ErrConflict)
	}
	return err
}

// A story is a country in the making.
type story struct {
	Plan
	*world
	desk    *desk.Desk
	now     time.Time // what the desk's clock shows
	parties []casebook.Party
	entered int                           // cases entered so far
	pool    map[string][]casebook.Finding // newest findings by party, for orders
	waiting []store.Case
	tasks   map[int]int64 // numbers of tasks used, by year
}

// author is in whose name made-up data is entered.
var author = casebook.Actor{Kind: casebook.Machine, Name: "seed"}

// tell tells the story from its first day to its last.
func (s *story) tell(ctx context.Context) (made Made, err error) {
	reader := s.desk.Reader(casebook.Operator())
	counts, err := reader.Counts(ctx)
	if err == nil && counts.Deliveries+counts.Incidents+counts.Holdings+counts.OwnParties > 0 {
		err = fmt.Errorf("the database holds data: made-up data goes into an empty one: %w", casebook.ErrConflict)
	}
	if err != nil {
		return made, err
	}
	if made, err = s.people(ctx); err != nil {
		return made, err
	}
	for n := range s.ticks {
		if err := s.tick(ctx, n); err != nil {
			return made, err
		}
		s.told(n + 1)
	}
	if err := s.enterCases(ctx); err != nil {
		return made, err
	}
	if made.Counts, err = reader.Counts(ctx); err == nil {
		made.Parties = len(s.parties)
	}
	return made, err
}

// told says how far the story is: a thousand cases take about as long as three ticks.
func (s *story) told(ticks int) {
	if s.Told != nil {
		s.Told(ticks+s.entered*3/1000, s.ticks+s.Incidents*3/1000)
	}
}

// tick tells the n-th part of the story: what came in, and what stations made of it.
func (s *story) tick(ctx context.Context, n int) error {
	s.now = s.endOf(n)
	for _, d := range s.deliveries(n) {
		if err := s.deliver(ctx, d); err != nil {
			return err
		}
	}
	return s.stations(ctx, n)
}

// deliver hands in a delivery and has it folded.
func (s *story) deliver(ctx context.Context, d delivery) error {
	a, err := s.desk.Accept(ctx, author, d.arrival())
	if err != nil {
		return err
	}
	got, err := s.desk.Gather(ctx, a.ID)
	if err == nil && got.State != casebook.Folded {
		err = fmt.Errorf("delivery %s of the story is %s: %s", d.name, got.State, got.Fault)
	}
	return err
}

// How many of a party's newest findings wait for an order; of the largest party many.
const (
	poolSize  = 60
	largePool = 3000
)

// remember puts a finding among the newest of its party.
func (s *story) remember(f casebook.Finding) {
	if f.Party == "" {
		return
	}
	most := poolSize
	if f.Party == s.parties[s.network[0]].Name {
		most = largePool
	}
	s.pool[f.Party] = append(s.pool[f.Party], f)
	if extra := len(s.pool[f.Party]) - most; extra > 0 {
		s.pool[f.Party] = s.pool[f.Party][extra:]
	}
}

// enterBatch bounds how many cases are entered in one commit.
const enterBatch = 500

// enterCases enters the cases of the whole story, in the order in which they began.
// What there was to order about is read along with them.
func (s *story) enterCases(ctx context.Context) error {
	next, stop := iter.Pull2(s.desk.Reader(casebook.Operator()).Findings(ctx, store.FindingFilter{}))
	defer stop()
	ahead, err, more := next()
	for ; s.entered < s.Incidents; s.entered++ {
		opened := s.openedAt(s.entered)
		for ; more && err == nil && !ahead.FirstSeen.After(opened); ahead, err, more = next() {
			s.remember(ahead)
		}
		if err != nil {
			return err
		}
		c, err := s.makeCase(s.entered, opened)
		if err != nil {
			return err
		}
		if s.waiting = append(s.waiting, c); len(s.waiting) == enterBatch {
			if err := s.flush(ctx); err != nil {
				return err
			}
		}
	}
	return s.flush(ctx)
}

func (s *story) flush(ctx context.Context) error {
	err := s.desk.EnterCases(ctx, author, s.waiting)
	s.waiting = s.waiting[:0]
	s.told(s.ticks)
	return err
}
