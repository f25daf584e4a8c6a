// Package sensor is the one detection engine: it takes telemetry from sources,
// brings it into one order of event time, hands each host at home to a watch of
// its own, and joins what the watches say. A scan is a source that ends; a live
// sensor's doesn't. The claims depend on the records only, not on the clock of
// this machine nor on its number of cores. Opening files and sockets is left to
// the caller, judging to detect.
package sensor

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"time"

	"tocsin/detect"
	"tocsin/traffic"
)

// A Reader gives records in batches, in the order of its capture, as
// capture.Reader does. Next empties the batch and fills it; it gives io.EOF after
// the last record. A reader that waits for the network gives what it has, at
// least once a second, and may give nothing.
type Reader interface {
	Next(b *traffic.Batch) error
	Close() error
}

// Source is one capture.
type Source struct {
	Name string // for messages; sources that begin together are ordered by it
	// Open gives its reader from the beginning. It is called once, or twice where
	// there are many sources and not all can be open at once.
	Open func() (Reader, error)
	// Live says that the source has no end and no beginning worth waiting for.
	Live bool
}

// Options are what a run may be told.
type Options struct {
	// Home are the ranges that are watched. None: the private ranges, and what the
	// first records show as inside.
	Home []netip.Prefix
	// Bench gives what detectors ask; it is asked again at each turn, so that a
	// newer one takes over while records flow. Nil: a bench that knows nothing.
	Bench func() *detect.Bench
	// Workers is how many goroutines judge; 0 is one for each core. It changes no
	// claim.
	Workers int
	// Trouble is told of a source that couldn't be opened or read to its end; the
	// others go on. Nil: nobody is told.
	Trouble func(source string, err error)
	// Gone is told that a source's reader is done, before it is closed.
	Gone func(source string, r Reader)
}

// Sink takes claims. Hour is called when an hour of event time has closed, and
// Last at the end; report computes the claims so far, which costs something.
type Sink interface {
	Hour(at time.Time, report func() detect.Report) error
	Last(report detect.Report) error
}

// Prompt is a sink that doesn't want to wait for an hour to close: it is asked each five
// minutes of event time in between.
type Prompt interface {
	Sink
	Soon(report func() detect.Report) error
}

// Summary counts a run.
type Summary struct {
	Sources     int   // that could be read
	Records     int64 // that were judged
	First, Last int64 // µs since 1970; 0 if there were none
	Hosts       int   // at home
	Home        string
	// Late counts what came too late to be judged in its place: look-ups of an hour
	// that was closed, and connections that began before all those that are still
	// held in order. Other records may come in any order.
	Late     int64
	Sampled  bool
	Counters detect.Counters
}

// Run reads every source to its end, or until ctx ends, which it gives back
// wrapped. A source that fails is told to Trouble; an error of the sink ends the
// run. Several sources are merged by time: by the end of flows, which is the order
// in which sensors write them. Within a source, order is left as it is.
func Run(ctx context.Context, sources []Source, sink Sink, o Options) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e := newEngine(o, sink)
	defer e.stop()
	if err := e.run(ctx, sources); err != nil {
		return e.summary(), err
	}
	return e.summary(), nil
}

const (
	// watches is fixed, for each has caps of its own, and caps decide claims.
	watches    = 64
	turnItems  = 1 << 13 // records handed out at once
	closeAfter = 6 * minute
	soonEach   = 5 * minute
	minute     = 60 * int64(time.Second/time.Microsecond)
	hour       = 60 * minute
	// leap is how far a record's clock may be ahead of the others' before it needs
	// company: one broken date closes no hour.
	leap        = 24 * hour
	leapCompany = 32
)

// engine runs one turn after the other: records are handed to workers until a
// turn is full, and an hour closes between turns.
type engine struct {
	options Options
	sink    Sink
	home    detect.Home
	bench   *detect.Bench
	watch   [watches]*detect.Watch
	fleet   detect.Fleet
	crew    crew

	seed        uint64
	clock       int64 // event time
	nextClose   int64
	prompt      Prompt // the sink, if it is one
	nextSoon    int64
	ahead       int
	records     int64
	first, last int64
	sources     int
	stray       int64
	sampled     bool
}

func newEngine(o Options, sink Sink) *engine {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Bench == nil {
		o.Bench = func() *detect.Bench { return &detect.Bench{} }
	}
	if o.Trouble == nil {
		o.Trouble = func(string, error) {}
	}
	if o.Gone == nil {
		o.Gone = func(string, Reader) {}
	}
	e := &engine{options: o, sink: sink}
	e.prompt, _ = sink.(Prompt)
	return e
}

func (e *engine) stop() { e.crew.stop() }

func (e *engine) run(ctx context.Context, sources []Source) error {
	m, err := openMerge(ctx, sources, e.options)
	if err != nil {
		return err
	}
	defer m.close()
	e.sources = m.opened
	e.begin(m)
	for {
		batch, i, kind, at, err := m.next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if batch == nil {
			e.turn(m) // a live source has nothing now: let go what was read
			continue
		}
		// The record that shows that an hour is over is taken first: closing gives
		// back the batch that it may be the last of.
		e.begins(batch, i, kind, at)
		over := e.tick(at)
		e.take(batch, i, kind)
		switch {
		case over:
			err = e.closeHours(m)
		case e.prompt != nil && e.clock >= e.nextSoon:
			err = e.soon(m)
		}
		if err != nil {
			return err
		}
		if e.crew.items >= turnItems || m.spent() {
			e.turn(m)
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("sensor: %w", err)
			}
		}
	}
	e.turn(m)
	e.closeAll(detect.EndOfTime)
	return e.sink.Last(e.report())
}

// begin settles what depends on the first records: home, and the key of samples.
func (e *engine) begin(m *merge) {
	e.seed = m.seed()
	if len(e.options.Home) > 0 {
		e.home = detect.NewHome(e.options.Home)
	} else {
		e.home = detect.GuessHome(m.heads())
	}
	e.bench = e.options.Bench()
	for i := range e.watch {
		e.watch[i] = detect.NewWatch(e.bench, e.seed+uint64(i))
	}
	e.crew.start(min(e.options.Workers, watches), &e.watch)
}

// begins keeps the earliest beginning.
func (e *engine) begins(b *batch, i int, k kind, at int64) {
	if k == flowKind {
		at = b.Flows[i].Start
	}
	if at > 0 && (e.first == 0 || at < e.first) {
		e.first = at
	}
}

// tick moves event time on and reports whether an hour is to be closed. It never
// goes back.
func (e *engine) tick(at int64) bool {
	e.records++
	if at <= 0 {
		return false
	}
	if at <= e.clock {
		return false
	}
	if e.clock != 0 && at > e.clock+leap {
		if e.ahead++; e.ahead < leapCompany {
			return false
		}
	}
	e.ahead = 0
	e.clock = at
	e.last = at
	if e.nextClose == 0 {
		e.nextClose = at - at%hour + hour + closeAfter
	}
	return at >= e.nextClose
}

// closeHours closes every hour that event time has left behind.
func (e *engine) closeHours(m *merge) error {
	e.turn(m)
	now := e.clock - closeAfter
	now -= now % hour
	e.closeAll(now)
	e.nextClose = now + hour + closeAfter
	return e.sink.Hour(time.UnixMicro(now).UTC(), e.report)
}

// soon tells between hours. Nothing is closed for it.
func (e *engine) soon(m *merge) error {
	begun := e.nextSoon != 0
	e.nextSoon = e.clock + soonEach
	if !begun {
		return nil
	}
	e.turn(m)
	return e.prompt.Soon(e.report)
}

// report judges all that changed, and joins it.
func (e *engine) report() detect.Report {
	e.fleet.Take(e.crew.each((*detect.Watch).Judge))
	return e.fleet.Report()
}

func (e *engine) closeAll(now int64) {
	if e.sampled {
		e.crew.wait()
		b := *e.bench
		b.Sampled, e.fleet.Sampled = true, true
		e.bench = &b
		for _, w := range e.watch {
			w.SetBench(e.bench)
		}
	}
	e.fleet.Take(e.crew.each(func(w *detect.Watch) []detect.Summary { return w.Close(now) }))
}

// turn hands out what was collected, and waits for the turn before.
func (e *engine) turn(m *merge) {
	if b := e.options.Bench(); b != e.bench && !e.sampled {
		e.crew.wait()
		e.bench = b
		for _, w := range e.watch {
			w.SetBench(b)
		}
	}
	e.crew.turn(m.takeSpent())
}

func (e *engine) summary() Summary {
	s := Summary{Sources: e.sources, Records: e.records, First: e.first, Last: max(e.last, e.first), Hosts: e.fleet.Hosts(),
		Sampled: e.sampled}
	for _, w := range e.watch {
		if w != nil {
			s.Counters.Add(w.Counters())
		}
	}
	s.Counters.StrayRecords += e.stray
	s.Late = s.Counters.LateLookups + s.Counters.LateStarts
	return s
}
