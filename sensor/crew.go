package sensor

import (
	"cmp"
	"slices"
	"sync"

	"tocsin/detect"
	"tocsin/traffic"
)

// action is what a watch is to do with a record.
type action uint8

const (
	outbound action = iota
	inbound
	replied
	asked
	shook
	requested
	passedTo   // a file, to the host
	passedFrom // a file, from the host
	alertedBy  // an alert on what the host opened
	alertedAt  // an alert on what came to the host
)

// item is one record for one watch.
type item struct {
	batch   *batch
	index   int32
	watch   uint8
	action  action
	turned  bool // the record has its ends the wrong way round
	outside bool // the other end isn't at home
}

// crew is the workers. Each owns some of the watches and gets their records in
// order; while they work on one turn, the next is collected.
type crew struct {
	n       int
	watch   *[watches]*detect.Watch
	collect [][]item // of the coming turn, by worker
	working [][]item
	give    []*batch // to be given back after the working turn
	items   int
	orders  []chan []item
	done    sync.WaitGroup // of the working turn
	quit    sync.WaitGroup
}

func (c *crew) start(n int, watch *[watches]*detect.Watch) {
	c.n, c.watch = n, watch
	c.collect, c.working = make([][]item, n), make([][]item, n)
	if n == 1 {
		return // the caller works
	}
	for range n {
		orders := make(chan []item, 1)
		c.orders = append(c.orders, orders)
		c.quit.Go(func() {
			for list := range orders {
				c.work(list)
				c.done.Done()
			}
		})
	}
}

func (c *crew) add(it item) {
	w := int(it.watch) % c.n
	c.collect[w] = append(c.collect[w], it)
	c.items++
}

// turn hands out what was collected; spent are batches that nobody needs after
// it.
func (c *crew) turn(spent []*batch) {
	if c.n == 0 {
		return
	}
	c.wait()
	c.collect, c.working = c.working, c.collect
	c.give, c.items = spent, 0
	for i := range c.collect {
		c.collect[i] = c.collect[i][:0]
	}
	if c.n == 1 {
		c.work(c.working[0])
		return
	}
	for i, orders := range c.orders {
		c.done.Add(1)
		orders <- c.working[i]
	}
}

// wait waits for the working turn and gives its batches back.
func (c *crew) wait() {
	c.done.Wait()
	for _, b := range c.give {
		b.pool <- b
	}
	c.give = nil
}

// each asks every watch and gives what they say by host.
func (c *crew) each(ask func(*detect.Watch) []detect.Summary) []detect.Summary {
	c.wait()
	parts := make([][]detect.Summary, c.n)
	var all sync.WaitGroup
	for i := range c.n {
		all.Go(func() {
			for w := i; w < watches; w += c.n {
				parts[i] = append(parts[i], ask(c.watch[w])...)
			}
		})
	}
	all.Wait()
	list := slices.Concat(parts...)
	slices.SortFunc(list, func(a, b detect.Summary) int { return cmp.Or(a.Host.Compare(b.Host), cmp.Compare(a.First, b.First)) })
	return list
}

func (c *crew) stop() {
	c.wait()
	for _, orders := range c.orders {
		close(orders)
	}
	c.quit.Wait()
}

func (c *crew) work(list []item) {
	var turned traffic.Flow
	for i := range list {
		it := &list[i]
		w := c.watch[it.watch]
		b := it.batch
		switch it.action {
		case outbound, inbound, replied:
			f := &b.Flows[it.index]
			if it.turned {
				turned = detect.Turn(f)
				f = &turned
			}
			switch it.action {
			case outbound:
				w.Flow(f, it.outside)
			case inbound:
				w.Inbound(f, it.outside)
			default:
				w.Reply(f)
			}
		case asked:
			w.Lookup(&b.Lookups[it.index])
		case shook:
			w.Handshake(&b.Handshakes[it.index])
		case requested:
			w.Request(&b.Requests[it.index], it.outside)
		case passedTo:
			w.File(&b.Files[it.index], b.Files[it.index].Receiver)
		case passedFrom:
			w.File(&b.Files[it.index], b.Files[it.index].Sender)
		case alertedBy:
			w.Alert(&b.Alerts[it.index], b.Alerts[it.index].Orig, true, it.outside)
		case alertedAt:
			w.Alert(&b.Alerts[it.index], b.Alerts[it.index].Resp, false, it.outside)
		}
	}
}
