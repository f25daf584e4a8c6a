package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tocsin/casebook"
	"tocsin/feed"
	"tocsin/store"
)

// BatchRows is how many rows of a delivery are folded in one commit. Batches are
// cut by rows and never by the clock: a delivery folded in two lives leaves the
// same entries in the ledger as one folded in peace.
const BatchRows = 1000

// ahead is how far a source's clock may be before ours. More is a wrong clock, or
// somebody who wants a finding to look new for ever.
const ahead = 366 * 24 * time.Hour

// gatherer is the rule in whose name deliveries are folded.
var gatherer = casebook.Actor{Kind: casebook.Rule, Name: "gather"}

// Run works until ctx ends: it folds deliveries, grades threats, watches clocks,
// sends what people must hear, and lets go what is old. Every station looks at the state and not at
// messages, so it may die and be started again at any moment; what an earlier life
// left unfinished is finished first.
func (d *Desk) Run(ctx context.Context) error {
	var stations sync.WaitGroup
	all := []func(context.Context) error{d.Fold, d.Grade, d.Watch, d.KeepClock, d.Verify, d.Limits, d.Keep}
	if !d.passing {
		all = append(all, d.Send) // a command that ends soon has no channels of its own
	}
	for _, station := range all {
		stations.Go(func() {
			if err := station(ctx); err != nil {
				slog.ErrorContext(ctx, "a station ended", "err", err)
			}
		})
	}
	stations.Wait()
	return nil
}

// Fold folds deliveries as they come, until ctx ends.
func (d *Desk) Fold(ctx context.Context) error {
	stuck := 0
	for ctx.Err() == nil {
		// One delivery that can't be folded now keeps no other waiting.
		waiting, err := d.db.Reader(casebook.Operator()).Waiting(ctx, stuck+100)
		stuck = 0
		for _, one := range waiting {
			if _, failed := d.Gather(ctx, one.ID); failed != nil {
				stuck++
				err = errors.Join(err, failed)
			}
		}
		if err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "folding stopped, trying again in a second", "err", err)
			d.moved.tell() // those who wait are told why
		}
		if len(waiting) > 0 && err == nil {
			continue
		}
		d.pause(ctx, err != nil)
	}
	return nil
}

// pause waits for an arrival, a second after a failure, a minute otherwise. What
// was written meanwhile is signed.
func (d *Desk) pause(ctx context.Context, soon bool) {
	const second = time.Second
	tick := time.NewTicker(second)
	defer tick.Stop()
	for waited := time.Duration(0); waited < time.Minute && !(soon && waited >= second); waited += second {
		select {
		case <-ctx.Done():
			return
		case <-d.arrived:
			return
		case <-tick.C:
		}
		if err := d.db.TryAgain(ctx, d.Now(), d.noteAgain); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "that nothing could be written isn't on record yet", "err", err)
		}
		if err := d.db.Sign(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "the newest entries of the ledger wait for their checkpoint", "err", err)
		}
	}
}

// Gather folds one delivery to its end and gives it as it then stands; one that
// is done already is given back at once. A delivery that can't be read, or not
// to its end, is no error here: its state and fault tell.
func (d *Desk) Gather(ctx context.Context, id casebook.ID) (casebook.Delivery, error) {
	d.folding.Lock()
	defer d.folding.Unlock()
	delivery, err := d.db.Reader(casebook.Operator()).Delivery(ctx, id)
	if err != nil || delivery.State.Done() {
		return delivery, err
	}
	format, err := d.feeds.Find(delivery.Feed)
	if err != nil {
		return delivery, fmt.Errorf("fold %s: %w", delivery.ID.Text(casebook.DeliveryPrefix), err)
	}
	if delivery.Rows > 0 && delivery.Format != format.Version {
		// Another reading counted other rows: its cursor says nothing to this one.
		_, err := d.db.Write(ctx, store.Work{Kind: "read again", Actor: gatherer.String(), At: d.Now()}, func(tx *store.Tx) (err error) {
			delivery, err = tx.ReadAgain(delivery.ID, format.Version)
			return err
		})
		if err != nil {
			return delivery, err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g := gathering{desk: d, format: format, delivery: delivery, full: make(chan *store.Batch), empty: make(chan *store.Batch, 2)}
	g.empty <- &store.Batch{}
	g.empty <- &store.Batch{}
	read := make(chan error, 1)
	go func() { defer close(g.full); read <- g.read(ctx) }()
	for batch := range g.full {
		if err == nil {
			if delivery, err = d.fold(ctx, batch); err != nil {
				cancel()
			}
			d.moved.tell()
		}
		g.empty <- batch
	}
	if err = errors.Join(err, <-read); errors.Is(err, store.ErrUnfit) {
		// It would fail for ever, and hold up the ones behind it.
		return d.breakOff(ctx, delivery, err.Error())
	}
	return delivery, err
}

// breakOff ends a delivery at its cursor.
func (d *Desk) breakOff(ctx context.Context, delivery casebook.Delivery, fault string) (casebook.Delivery, error) {
	delivery, err := d.fold(context.WithoutCancel(ctx), &store.Batch{Delivery: delivery.ID, FirstRow: delivery.Rows + 1, LastRow: delivery.Rows,
		Format: delivery.Format, End: casebook.Broken, Fault: fault})
	d.moved.tell()
	return delivery, err
}

func (d *Desk) fold(ctx context.Context, b *store.Batch) (delivery casebook.Delivery, err error) {
	_, err = d.db.Write(ctx, store.Work{Kind: "fold", Actor: gatherer.String(), At: d.Now(), Bulk: true}, func(tx *store.Tx) (err error) {
		delivery, err = tx.Fold(b)
		return err
	})
	return delivery, err
}

// A gathering reads a delivery into batches, one ahead of the commits.
type gathering struct {
	desk     *Desk
	format   feed.Format
	delivery casebook.Delivery
	full     chan *store.Batch
	empty    chan *store.Batch
	batch    *store.Batch
	table    *holdings
	row      int64
}

func (g *gathering) read(ctx context.Context) error {
	body, err := g.desk.vault.Open(g.delivery.Digest)
	if err != nil {
		return err
	}
	defer body.Close()
	reading := &reading{id: g.delivery.ID, bytes: g.delivery.Bytes}
	g.desk.reading.Store(reading)
	defer g.desk.reading.Store(nil)
	g.row = g.delivery.Rows
	if err := g.begin(ctx); err != nil {
		return err
	}
	result, err := g.format.Read(feed.Input{Name: g.delivery.Name, Type: g.delivery.Type, Body: reading.watch(body), NotAfter: g.delivery.ReceivedAt.Add(ahead)}, func(o *casebook.Observation, bad *casebook.Refusal) error {
		return g.take(ctx, o, bad)
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, w := range result.Warnings {
		slog.WarnContext(ctx, "delivery read with a remark", "delivery", g.delivery.ID.Text(casebook.DeliveryPrefix), "remark", w)
	}
	g.batch.End = casebook.Folded
	switch {
	case err == nil:
	case !errors.Is(err, casebook.ErrInvalid) && !errors.Is(err, casebook.ErrTooLarge):
		return err
	case result.Taken == 0:
		g.batch.End, g.batch.Fault = casebook.Unreadable, err.Error()
	default:
		g.batch.End, g.batch.Fault = casebook.Broken, err.Error()
	}
	return g.send(ctx)
}

func (g *gathering) begin(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case g.batch = <-g.empty:
	}
	// The table of holdings is pinned for the batch.
	g.table = g.desk.holdings.Load()
	*g.batch = store.Batch{
		Delivery: g.delivery.ID, FirstRow: g.row + 1, LastRow: g.row,
		Format: g.format.Version, Source: g.format.Source(g.delivery.Type), GapDays: g.format.GapDays,
		Holdings: g.table.number, Claims: g.batch.Claims[:0], Refusals: g.batch.Refusals[:0],
	}
	if g.batch.GapDays == 0 {
		g.batch.GapDays = casebook.DefaultGap
	}
	return nil
}

func (g *gathering) send(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case g.full <- g.batch:
		return nil
	}
}

// take puts one record into the batch. Records before the cursor were taken in
// an earlier life.
func (g *gathering) take(ctx context.Context, o *casebook.Observation, bad *casebook.Refusal) error {
	row := int64(0)
	if o != nil {
		row = o.Row
	} else {
		row = bad.Row
	}
	if row <= g.row {
		return nil
	}
	if row != g.row+1 {
		return fmt.Errorf("format %s counts row %d after row %d", g.format.Name, row, g.row)
	}
	g.row, g.batch.LastRow = row, row
	if o != nil {
		c := store.Claim{Observation: *o, Attribution: g.table.table.At(o.Asset, o.ObservedAt)}
		c.Extra = nil
		g.batch.Claims = append(g.batch.Claims, c)
	} else {
		g.batch.Refusals = append(g.batch.Refusals, *bad)
	}
	if g.batch.LastRow-g.batch.FirstRow+1 < BatchRows {
		return nil
	}
	if err := g.send(ctx); err != nil {
		return err
	}
	return g.begin(ctx)
}
