package sensor

import (
	"io"
	"time"

	"tocsin/capture"
	"tocsin/casebook"
	"tocsin/intake"
	"tocsin/traffic"
)

// patience is how long a live reader waits for the first record of a batch.
const patience = 500 * time.Millisecond

// liveBatch is about how many records a live reader gives at once.
const liveBatch = 1024

// Door is a source of the datagrams that exporters send: NetFlow 5 and 9, IPFIX,
// sFlow. Its reader ends when the door is closed and what it received is read. told,
// if not nil, hears of each datagram that makes no sense.
func Door(name string, d *intake.Datagrams, told func(error)) Source {
	return Source{Name: name, Live: true, Open: func() (Reader, error) {
		return &doorReader{door: d, collector: capture.NewCollector(), told: told}, nil
	}}
}

type doorReader struct {
	door      *intake.Datagrams
	collector *capture.Collector
	told      func(error)
}

// Next waits for a datagram and takes those that follow at once.
func (r *doorReader) Next(b *traffic.Batch) error {
	b.Reset()
	for wait := patience; ; wait = 0 {
		g, ok, err := r.door.Fetch(wait)
		if err != nil {
			if b.Len() > 0 {
				return nil // the error comes again
			}
			return err
		}
		if !ok {
			return nil
		}
		if err := r.collector.Datagram(g.From, g.Received, g.Body, b); err != nil && r.told != nil {
			r.told(err)
		}
		if b.Len() >= liveBatch {
			return nil
		}
	}
}

// Close ends reading; the door is its owner's to close.
func (r *doorReader) Close() error { return nil }

// Counts tells how the datagrams read.
func (r *doorReader) Counts() capture.Counts { return r.collector.Counts() }

// Refusals gives the first that made no sense.
func (r *doorReader) Refusals() []casebook.Refusal { return r.collector.Refusals() }

// Live makes a source of a capture that grows while it is read, such as packets of an
// interface, or a pipe: its records are given as they come. The body is closed when
// the source is.
func Live(name string, body io.ReadCloser) Source {
	return Source{Name: name, Live: true, Open: func() (Reader, error) {
		r := &pacedReader{body: body, full: make(chan *traffic.Batch), empty: make(chan *traffic.Batch, 1), quit: make(chan struct{}), ended: make(chan struct{})}
		r.empty <- &traffic.Batch{}
		go r.read(name)
		return r, nil
	}}
}

// pacedReader reads in a goroutine of its own, so that who asks can be told that
// there is nothing yet.
type pacedReader struct {
	body   io.ReadCloser
	full   chan *traffic.Batch
	empty  chan *traffic.Batch
	quit   chan struct{}
	ended  chan struct{}
	err    error // why it ended
	counts capture.Counts
}

func (r *pacedReader) read(name string) {
	defer close(r.ended)
	in, err := capture.Open(name, r.body)
	if err != nil {
		r.err = err
		return
	}
	defer func() { r.counts = in.Counts(); in.Close() }()
	for {
		var b *traffic.Batch
		select {
		case b = <-r.empty:
		case <-r.quit:
			return
		}
		if err := in.Next(b); err != nil {
			r.err = err
			return
		}
		select {
		case r.full <- b:
		case <-r.quit:
			return
		}
	}
}

// Next gives what was read meanwhile.
func (r *pacedReader) Next(b *traffic.Batch) error {
	b.Reset()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case full := <-r.full:
		*b, *full = *full, *b
		r.empty <- full
		return nil
	case <-timer.C:
		return nil
	case <-r.ended:
		return r.err
	}
}

// Counts tells how the reading went, once it has ended.
func (r *pacedReader) Counts() (c capture.Counts) {
	select {
	case <-r.ended:
		c = r.counts
	default:
	}
	return c
}

// Close ends the reading.
func (r *pacedReader) Close() error {
	close(r.quit)
	err := r.body.Close()
	<-r.ended
	return err
}
