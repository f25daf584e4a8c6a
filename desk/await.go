package desk

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"tocsin/casebook"
)

// A reading tells how far the bytes of a delivery are read.
type reading struct {
	id    casebook.ID
	bytes int64
	read  atomic.Int64
}

// watch counts what is read in order; what is read out of order, as archives are,
// stays uncounted.
func (r *reading) watch(body io.Reader) io.Reader {
	if f, ok := body.(sizedFile); ok {
		return watchedFile{f, r}
	}
	return watched{body, r}
}

type watched struct {
	io.Reader
	reading *reading
}

func (w watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.reading.read.Add(int64(n))
	return n, err
}

type sizedFile interface {
	io.Reader
	io.ReaderAt
	Size() int64
}

type watchedFile struct {
	sizedFile
	reading *reading
}

func (w watchedFile) Read(p []byte) (int, error) { return watched{w.sizedFile, w.reading}.Read(p) }

// Share tells how much of a delivery's bytes is read, from 0 to 1; ok is false
// when it isn't being read.
func (d *Desk) Share(id casebook.ID) (share float64, ok bool) {
	r := d.reading.Load()
	if r == nil || r.id != id || r.bytes == 0 {
		return 0, false
	}
	return min(1, float64(r.read.Load())/float64(r.bytes)), true
}

// Await gives a delivery as soon as it is done, or as it stands when ctx ends or
// its cursor moves past a row. It gives ErrUnavailable as soon as nothing can be written: the
// delivery is kept, and folded once that is over.
func (d *Desk) Await(ctx context.Context, scope casebook.Scope, id casebook.ID, pastRow int64) (casebook.Delivery, error) {
	for {
		moved := d.moved.wait()
		delivery, err := d.Reader(scope).Delivery(context.WithoutCancel(ctx), id)
		if err != nil || delivery.State.Done() || delivery.Rows > pastRow {
			return delivery, err
		}
		if trouble := d.db.Trouble(); trouble != nil {
			return delivery, trouble
		}
		select {
		case <-ctx.Done():
			return delivery, nil
		case <-moved:
		}
	}
}

// A bell wakes all who wait.
type bell struct {
	mu   sync.Mutex
	rung chan struct{}
}

func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) tell() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}
