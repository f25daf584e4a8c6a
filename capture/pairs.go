package capture

import (
	"net/netip"

	"tocsin/traffic"
)

// pairs joins questions to name servers with their answers, where a source tells
// them apart: packets, EVE, dnstap. What comes out is one lookup a question, in the
// order of the questions, as Zeek has it. A question waits for its answer until
// maxWait has passed by the moments of the records, or maxPairs others wait behind it.
// The zero value is ready.
type pairs struct {
	queue []pair // of those that wait, from first on
	first int
	// slack is how many records a question waits for at least: where a log isn't in the
	// order of time, the moment of one record doesn't say that others are over.
	slack int
	steps int             // records so far
	index map[pairKey]int // place in the queue, counted from base
	base  int
	free  [][]netip.Addr
}

const (
	maxPairs = 1 << 13
	// A resolver that a client waits for gives up before that (RFC 1035, section
	// 4.2.1 speaks of 5 s, resolvers try several times).
	maxWait = 10_000_000 // µs
	// settle is how long an answer waits for more records of its own: EVE version 1
	// writes each as an event.
	settle = 100_000 // µs
)

// pairKey tells a question: where it was asked, and its number there.
type pairKey struct {
	link uint64
	id   uint32
}

type pair struct {
	lookup   traffic.Lookup
	addrs    []netip.Addr
	key      pairKey
	answered int64 // moment of the answer, 0 if none
	step     int   // when the question or its answer came
}

// ask takes a question.
func (p *pairs) ask(key pairKey, l traffic.Lookup, b *traffic.Batch) {
	if at, ok := p.index[key]; ok {
		q := &p.queue[at-p.base]
		if q.answered == 0 && q.lookup.Query == l.Query && q.lookup.Type == l.Type && l.At-q.lookup.At < maxWait {
			return // asked again because nobody answered
		}
		delete(p.index, key)
	}
	p.push(key, l, b)
}

// answer takes an answer, or a part of one: it completes its question, or stands for
// one that wasn't seen. A whole answer that comes again is dropped. addrs is copied.
func (p *pairs) answer(key pairKey, l traffic.Lookup, addrs []netip.Addr, part bool, b *traffic.Batch) {
	at, ok := p.index[key]
	var q *pair
	if ok {
		q = &p.queue[at-p.base]
		// A record further down a chain of aliases is about the alias' name.
		ok = q.lookup.Query == l.Query || q.lookup.Query == "" || l.Query == "" || q.answered != 0 && q.lookup.Name == l.Query
	}
	switch {
	case !ok:
		delete(p.index, key)
		q = p.push(key, l, b)
	case q.answered != 0 && !part:
		return
	case q.answered != 0:
		q.more(&l)
	default:
		asked := q.lookup
		q.lookup = l
		q.lookup.At, q.lookup.Client, q.lookup.Server = asked.At, asked.Client, asked.Server
		q.lookup.ClientPort, q.lookup.ServerPort = asked.ClientPort, asked.ServerPort
		if asked.Query != "" {
			q.lookup.Query, q.lookup.Type = asked.Query, asked.Type
		}
		if rtt := l.At - asked.At; rtt >= 0 && l.RTT < 0 {
			q.lookup.RTT = rtt
		}
	}
	q.answered, q.step = max(l.At, 1), p.steps
	for _, a := range addrs {
		if len(q.addrs) < traffic.MaxAddrs {
			q.addrs = append(q.addrs, a)
		}
	}
}

// more adds another record of the same answer.
func (q *pair) more(l *traffic.Lookup) {
	q.lookup.Answers += l.Answers
	q.lookup.AnswerBytes += l.AnswerBytes
	if l.TTL >= 0 && (q.lookup.TTL < 0 || l.TTL < q.lookup.TTL) {
		q.lookup.TTL = l.TTL
	}
	if l.Name != "" {
		q.lookup.Name = l.Name
	}
}

func (p *pairs) push(key pairKey, l traffic.Lookup, b *traffic.Batch) *pair {
	if p.index == nil {
		p.index = make(map[pairKey]int)
	}
	if len(p.queue)-p.first >= maxPairs {
		p.pop(b)
	}
	if p.first > maxPairs {
		n := copy(p.queue, p.queue[p.first:])
		clear(p.queue[n:])
		p.queue = p.queue[:n]
		p.base += p.first
		p.first = 0
	}
	var addrs []netip.Addr
	if n := len(p.free); n > 0 {
		addrs, p.free = p.free[n-1], p.free[:n-1]
	}
	p.queue = append(p.queue, pair{lookup: l, addrs: addrs, key: key, step: p.steps})
	p.index[key] = p.base + len(p.queue) - 1
	return &p.queue[len(p.queue)-1]
}

// pop gives the first lookup to the batch.
func (p *pairs) pop(b *traffic.Batch) {
	q := &p.queue[p.first]
	if at, ok := p.index[q.key]; ok && at == p.base+p.first {
		delete(p.index, q.key)
	}
	q.lookup.Addrs = b.List(q.addrs)
	b.Lookups = append(b.Lookups, q.lookup)
	if cap(q.addrs) > 0 && len(p.free) < 64 {
		p.free = append(p.free, q.addrs[:0])
	}
	*q = pair{}
	p.first++
}

// advance counts a record, and gives what waited long enough at the moment now.
func (p *pairs) advance(now int64, b *traffic.Batch) {
	p.steps++
	for p.first < len(p.queue) {
		q := &p.queue[p.first]
		if p.steps-q.step < p.slack || q.answered != 0 && now-q.answered < settle || q.answered == 0 && now-q.lookup.At < maxWait {
			return
		}
		p.pop(b)
	}
}

// flush gives all that waits.
func (p *pairs) flush(b *traffic.Batch) {
	for p.first < len(p.queue) {
		p.pop(b)
	}
}
