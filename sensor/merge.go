package sensor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"tocsin/traffic"
)

const (
	// openAtOnce is how many sources are open from the beginning; of more, each is
	// looked into, closed, and opened again when its time has come.
	openAtOnce = 32
	// inFlight is how many batches a source has. At most three of them are with the
	// workers, so that one is always free to read into.
	inFlight  = 5
	spentTurn = 2 // batches given out to the end, before they are handed on
)

// kind says in which slice of a batch a record stands.
type kind uint8

const (
	flowKind kind = iota
	lookupKind
	handshakeKind
	requestKind
	fileKind
	certificateKind
	alertKind
	kinds
)

// batch is a batch that is being read, with the place of the next record in each
// slice.
type batch struct {
	traffic.Batch
	at   [kinds]int
	pool chan *batch
}

func (b *batch) length(k kind) int {
	switch k {
	case flowKind:
		return len(b.Flows)
	case lookupKind:
		return len(b.Lookups)
	case handshakeKind:
		return len(b.Handshakes)
	case requestKind:
		return len(b.Requests)
	case fileKind:
		return len(b.Files)
	case certificateKind:
		return len(b.Certificates)
	}
	return len(b.Alerts)
}

func (b *batch) moment(k kind, i int) int64 {
	switch k {
	case flowKind:
		return b.Flows[i].End()
	case lookupKind:
		return b.Lookups[i].At
	case handshakeKind:
		return b.Handshakes[i].At
	case requestKind:
		return b.Requests[i].At
	case fileKind:
		return b.Files[i].At
	case certificateKind:
		return b.Certificates[i].At
	}
	return b.Alerts[i].At
}

// next finds the earliest record that is left; false if there is none.
func (b *batch) next() (k kind, at int64, ok bool) {
	for c := range kinds {
		if i := b.at[c]; i < b.length(c) {
			if t := b.moment(c, i); !ok || t < at {
				k, at, ok = c, t, true
			}
		}
	}
	return k, at, ok
}

// stream is one source as it is read.
type stream struct {
	source  Source
	order   int
	reader  Reader
	ready   chan *batch // filled ones, closed at the end
	pool    chan *batch // empty ones
	failed  error       // why ready was closed, nil at the end of the capture
	current *batch
	kind    kind
	at      int64
	begins  int64
	idle    bool // live, and has nothing now
}

// merge gives the records of several sources in one order: the earliest next one
// first, and of equal ones that of the source named first.
type merge struct {
	options Options
	streams []*stream // open, the earliest first
	waiting []*stream // to be opened, by beginning
	opened  int
	used    []*batch // given out to the end
	head    []traffic.Flow
	key     uint64
	cancel  context.CancelFunc
}

// openMerge looks into every source. A source that can't be opened is told to
// Trouble.
func openMerge(ctx context.Context, sources []Source, o Options) (*merge, error) {
	ctx, cancel := context.WithCancel(ctx)
	m := &merge{options: o, cancel: cancel, key: 0x746f6373696e}
	// Whoever names them in another order means the same.
	sources = slices.SortedStableFunc(slices.Values(sources), func(a, b Source) int { return cmp.Compare(a.Name, b.Name) })
	for i, s := range sources {
		if err := ctx.Err(); err != nil {
			m.close()
			return nil, fmt.Errorf("sensor: %w", err)
		}
		st := &stream{source: s, order: i}
		if err := m.look(ctx, st, len(sources) > openAtOnce && !s.Live); err != nil {
			if err != io.EOF {
				o.Trouble(s.Name, err)
			}
			continue
		}
		m.opened++
	}
	slices.SortStableFunc(m.waiting, func(a, b *stream) int { return cmp.Or(cmp.Compare(a.begins, b.begins), cmp.Compare(a.order, b.order)) })
	return m, nil
}

// look opens a source, reads its first batch, and either goes on reading or
// closes it for later.
func (m *merge) look(ctx context.Context, s *stream, later bool) error {
	r, err := s.source.Open()
	if err != nil {
		return err
	}
	s.reader = r
	b := &batch{}
	if !s.source.Live {
		err = r.Next(&b.Batch)
		if err != nil && err != io.EOF {
			m.options.Gone(s.source.Name, r)
			return errors.Join(err, r.Close())
		}
		m.learn(&b.Batch)
		_, s.begins, _ = b.next()
	}
	if later {
		s.reader = nil
		if err := r.Close(); err != nil {
			return err
		}
		m.waiting = append(m.waiting, s)
		return nil
	}
	s.read(ctx, b)
	m.insert(s)
	return nil
}

// learn keeps who speaks with whom at the beginning, and keys the samples by it.
func (m *merge) learn(b *traffic.Batch) {
	add := func(f traffic.Flow) {
		if len(m.head) < 1<<17 {
			m.head = append(m.head, f)
		}
	}
	for i := range b.Flows {
		f := &b.Flows[i]
		m.key = m.key*0x9e3779b97f4a7c15 ^ uint64(f.Start) ^ uint64(f.OrigPort)<<48
		add(traffic.Flow{Orig: f.Orig, Resp: f.Resp})
	}
	for i := range b.Lookups {
		m.key = m.key*0x9e3779b97f4a7c15 ^ uint64(b.Lookups[i].At)
		add(traffic.Flow{Orig: b.Lookups[i].Client, Resp: b.Lookups[i].Server})
	}
	for i := range b.Handshakes {
		add(traffic.Flow{Orig: b.Handshakes[i].Client, Resp: b.Handshakes[i].Server})
	}
	for i := range b.Requests {
		add(traffic.Flow{Orig: b.Requests[i].Client, Resp: b.Requests[i].Server})
	}
}

func (m *merge) heads() []traffic.Flow { return m.head }
func (m *merge) seed() uint64          { return m.key }

// read starts a goroutine that reads ahead; first, if it holds anything, is given
// out before.
func (s *stream) read(ctx context.Context, first *batch) {
	s.ready = make(chan *batch, inFlight)
	s.pool = make(chan *batch, inFlight+2)
	for range inFlight {
		s.pool <- &batch{}
	}
	if first.Len() > 0 {
		first.pool = s.pool
		s.current = first
	}
	r := s.reader
	go func() {
		defer close(s.ready)
		for {
			var b *batch
			select {
			case b = <-s.pool:
			case <-ctx.Done():
				s.failed = ctx.Err()
				return
			}
			b.at, b.pool = [kinds]int{}, s.pool
			if err := r.Next(&b.Batch); err != nil {
				if err != io.EOF {
					s.failed = err
				}
				return
			}
			select {
			case s.ready <- b:
			case <-ctx.Done():
				s.failed = ctx.Err()
				return
			}
		}
	}()
}

// insert puts a stream in its place by its next record.
func (m *merge) insert(s *stream) {
	if s.current != nil {
		if k, at, ok := s.current.next(); ok {
			s.kind, s.at = k, at
		}
	}
	i, _ := slices.BinarySearchFunc(m.streams, s, func(a, b *stream) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order))
	})
	m.streams = slices.Insert(m.streams, i, s)
}

// next gives the next record: its batch, place and kind, and its moment. A nil
// batch says that a live source has nothing at the moment. It gives io.EOF after
// the last record of all.
func (m *merge) next(ctx context.Context) (b *batch, i int, k kind, at int64, err error) {
	for {
		for len(m.waiting) > 0 && (len(m.streams) == 0 || m.waiting[0].begins <= m.streams[0].at) {
			m.openWaiting(ctx)
		}
		if len(m.streams) == 0 {
			return nil, 0, 0, 0, io.EOF
		}
		s := m.streams[0]
		if s.current == nil {
			if ok := m.refill(ctx, s); !ok {
				if s.idle {
					s.idle = false
					return nil, 0, 0, 0, nil
				}
				continue
			}
		}
		b, k, at = s.current, s.kind, s.at
		i = b.at[k]
		b.at[k]++
		m.advance(s)
		return b, i, k, at, nil
	}
}

func (m *merge) openWaiting(ctx context.Context) {
	s := m.waiting[0]
	m.waiting = m.waiting[1:]
	r, err := s.source.Open()
	if err != nil {
		m.options.Trouble(s.source.Name, err)
		return
	}
	s.reader, s.at = r, s.begins
	s.read(ctx, &batch{})
	m.insert(s)
}

// refill takes a stream's next batch, or ends the stream.
func (m *merge) refill(ctx context.Context, s *stream) bool {
	var b *batch
	var ok bool
	select {
	case b, ok = <-s.ready:
	case <-ctx.Done():
		// The reader ends too; its own word tells why.
		for b = range s.ready {
		}
		ok = false
	}
	m.streams = m.streams[1:]
	if !ok {
		m.end(s)
		return false
	}
	s.current = b
	if b.Len() == 0 {
		s.current, s.idle = nil, true
		b.pool <- b
		m.insert(s)
		return false
	}
	m.insert(s)
	return m.streams[0] == s
}

func (m *merge) end(s *stream) {
	if s.failed != nil {
		m.options.Trouble(s.source.Name, s.failed)
	}
	m.options.Gone(s.source.Name, s.reader)
	if err := s.reader.Close(); err != nil {
		m.options.Trouble(s.source.Name, err)
	}
}

// advance looks at the next record of the first stream and keeps the streams in
// order.
func (m *merge) advance(s *stream) {
	b := s.current
	k, at, ok := b.next()
	if !ok {
		m.used = append(m.used, b)
		s.current = nil
		return // refill puts it in order
	}
	s.kind, s.at = k, at
	if len(m.streams) > 1 && (at > m.streams[1].at || at == m.streams[1].at && s.order > m.streams[1].order) {
		m.streams = m.streams[1:]
		m.insert(s)
	}
}

// spent reports whether batches wait to be given back.
func (m *merge) spent() bool { return len(m.used) >= spentTurn }

// takeSpent gives the batches that were given out to the end.
func (m *merge) takeSpent() []*batch {
	u := m.used
	m.used = nil
	return u
}

// close ends every reader that is still open and waits for it.
func (m *merge) close() {
	m.cancel()
	for _, s := range m.streams {
		for range s.ready {
		}
		m.options.Gone(s.source.Name, s.reader)
		if err := s.reader.Close(); err != nil {
			m.options.Trouble(s.source.Name, err)
		}
	}
	m.streams = nil
}
