package sensor

import (
	"net/netip"

	"tocsin/detect"
)

// take hands a record to the watch of each of its ends that is at home.
func (e *engine) take(b *batch, i int, k kind) {
	switch k {
	case flowKind:
		e.takeFlow(b, i)
	case lookupKind:
		e.one(b, i, asked, b.Lookups[i].Client)
	case handshakeKind:
		e.one(b, i, shook, b.Handshakes[i].Client)
	case requestKind:
		if r := &b.Requests[i]; e.home.Contains(r.Client) {
			e.crew.add(item{batch: b, index: int32(i), watch: e.watchOf(r.Client), action: requested, outside: !e.home.Contains(r.Server)})
		}
	case fileKind:
		e.one(b, i, passedTo, b.Files[i].Receiver)
		e.one(b, i, passedFrom, b.Files[i].Sender)
	case alertKind:
		e.takeAlert(b, i)
	}
}

// one hands a record to the watch of one host, if it is at home.
func (e *engine) one(b *batch, i int, a action, host netip.Addr) {
	if e.home.Contains(host) {
		e.crew.add(item{batch: b, index: int32(i), watch: e.watchOf(host), action: a})
	}
}

// takeAlert tells an alert to both ends; only the end that opened the
// conversation can be a bot for it.
func (e *engine) takeAlert(b *batch, i int) {
	a := &b.Alerts[i]
	from, to := e.home.Contains(a.Orig), e.home.Contains(a.Resp)
	if from {
		e.crew.add(item{batch: b, index: int32(i), watch: e.watchOf(a.Orig), action: alertedBy, outside: !to})
	}
	if to {
		e.crew.add(item{batch: b, index: int32(i), watch: e.watchOf(a.Resp), action: alertedAt, outside: !from})
	}
}

func (e *engine) watchOf(host netip.Addr) uint8 { return uint8(detect.Shard(host, watches)) }

// takeFlow decides who called whom, for direction decides what a flow means.
func (e *engine) takeFlow(b *batch, i int) {
	f := &b.Flows[i]
	if f.Sampling > 1 {
		e.sampled = true
	}
	caller, called := f.Orig, f.Resp
	turned := detect.Turned(f)
	if turned {
		caller, called = called, caller
	}
	from, to := e.home.Contains(caller), e.home.Contains(called)
	if !from && !to {
		e.stray++
		return
	}
	it := item{batch: b, index: int32(i), turned: turned}
	if turned && f.OneWay {
		// The answering half of a conversation that has its own record.
		if from {
			it.watch, it.action, it.turned = e.watchOf(caller), replied, false
			e.crew.add(it)
		}
		return
	}
	if from {
		it.watch, it.action, it.outside = e.watchOf(caller), outbound, !to
		e.crew.add(it)
	}
	if to {
		it.watch, it.action, it.outside = e.watchOf(called), inbound, !from
		e.crew.add(it)
	}
}
