package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"tocsin/casebook"
)

var sourceTable = covered(4, "source", `tenant:i! exercise:i! name:t! gap_days:i days:b recorded_at:i`)

// A source is who claims, and on which days it was heard.
type source struct {
	id      int64
	salt    []byte
	tenant  int64
	drill   int64
	name    string
	gapDays int64
	days    casebook.Days
	isNew   bool
	changed bool
}

func (s *source) row(at int64) []any {
	return []any{s.id, s.salt, s.tenant, s.drill, s.name, s.gapDays, octets(s.days.AppendBinary(nil)), at}
}

func scanSource(row interface{ Scan(...any) error }) (*source, error) {
	var s source
	var days []byte
	var at int64
	if err := row.Scan(&s.id, &s.salt, &s.tenant, &s.drill, &s.name, &s.gapDays, &days, &at); err != nil {
		return nil, err
	}
	var err error
	if s.days, err = casebook.ParseDays(days); err != nil {
		return nil, fmt.Errorf("source %s: %w", s.name, err)
	}
	return &s, nil
}

// source finds a source or begins it; saveSource writes it. What is heard in a
// drill says nothing of the days on which the source was heard in earnest.
func (tx *Tx) source(m casebook.Mark, name string, gapDays int) (*source, error) {
	s, err := scanSource(tx.row(sourceTable.selectSQL+` WHERE tenant = $1 AND exercise = $2 AND name = $3`, m.Tenant, bit(m.Exercise), name))
	if errors.Is(err, sql.ErrNoRows) {
		s = &source{salt: tx.salt(), tenant: m.Tenant, drill: bit(m.Exercise), name: name, isNew: true}
		s.id, err = tx.id("source")
	}
	if err == nil && s.gapDays != int64(gapDays) {
		s.gapDays, s.changed = int64(gapDays), true
	}
	return s, err
}

func (tx *Tx) saveSource(s *source) error {
	switch {
	case s.isNew:
		return tx.insert(sourceTable, s.row(micros(tx.at)))
	case s.changed:
		return tx.update(sourceTable, s.row(micros(tx.at)))
	}
	return nil
}

// published tells of every source its gap and the days on which it was heard.
type published struct {
	sources map[int64]*source
	unions  map[string]*source // by the list of numbers, as findings keep it
}

func (r *Reader) published(ctx context.Context) (*published, error) {
	rows, err := r.q.QueryContext(ctx, sourceTable.selectSQL)
	all, err := collect(rows, err, func(rows *sql.Rows) (*source, error) { return scanSource(rows) })
	if err != nil {
		return nil, err
	}
	p := &published{map[int64]*source{}, map[string]*source{}}
	for _, s := range all {
		p.sources[s.id] = s
	}
	return p, nil
}

// of joins the sources of a finding: a day is silent when all of them were, and
// the longest of their gaps holds.
func (p *published) of(list []byte) (gap int, days casebook.Days) {
	s, ok := p.unions[string(list)]
	if !ok {
		s = &source{}
		for _, id := range parseNumbers(list) {
			if one := p.sources[id]; one != nil {
				s.gapDays = max(s.gapDays, one.gapDays)
				s.days.Merge(one.days)
			}
		}
		p.unions[string(list)] = s
	}
	return int(s.gapDays), s.days
}

// addNumber puts a number into a sorted list of varints.
func addNumber(list []byte, n int64) []byte {
	numbers := parseNumbers(list)
	i, found := slices.BinarySearch(numbers, n)
	if found {
		return list
	}
	var b []byte
	for _, n := range slices.Insert(numbers, i, n) {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

func parseNumbers(list []byte) []int64 {
	var all []int64
	for len(list) > 0 {
		n, size := binary.Uvarint(list)
		if size <= 0 {
			return all
		}
		all, list = append(all, int64(n)), list[size:]
	}
	return all
}

// octets makes an empty value of what might be nil: a column is never NULL.
func octets(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
