package detect

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

const (
	maxKept     = 256 // pieces of evidence of one host
	maxPartners = 64  // inside
	maxContacts = 512 // endpoints of one host that are compared over hosts
)

// Summary is what a watch tells of one host when an hour closes: all that the
// fleet needs to join it with others.
type Summary struct {
	Host        netip.Addr
	First, Last int64
	Evidence    []Evidence
	Contacts    []Contact    // by endpoint
	Partners    []netip.Addr // hosts at home that it spoke with, ascending
	Outside     int          // endpoints outside that it called
}

// Contact is an endpoint outside that a host called at least three times and
// that isn't a benign clock.
type Contact struct {
	Endpoint
	Name        string
	First, Last int64
	Started     int
	Failed      int
	Odd         bool
	Shared      bool
	Nameless    bool  // the host names nearly all that it calls, and not this
	Naming      bool  // the host's names are seen at all
	Pulse       Pulse // of what answered, or of what didn't if that is more
	Constancy   float64
	Size        float64 // octets sent each time, between the quartiles
}

// Close closes the hours that ended before now, a moment of event time up to
// which every record has come, and forgets what has been idle for longer than a
// day; what was said of that is kept. It gives the summaries of those hosts that
// it judged for this, by address.
func (w *Watch) Close(now int64) []Summary {
	var out []Summary
	for _, h := range w.hosts {
		if h == nil {
			continue
		}
		w.closeBooks(h, now)
		if w.stale(h, now) {
			if h.dirty {
				out = append(out, w.judge(h))
			}
			h.keep(h.current)
		}
	}
	w.closed = max(w.closed, now)
	w.forget(now)
	slices.SortFunc(out, func(a, b Summary) int { return a.Host.Compare(b.Host) })
	return out
}

// Judge judges every host that did something since it was judged last, and gives
// their summaries by address. Judging changes no later judgement: it may be done
// as often as somebody wants to know.
func (w *Watch) Judge() []Summary {
	var out []Summary
	for _, h := range w.hosts {
		if h != nil && h.dirty {
			out = append(out, w.judge(h))
		}
	}
	slices.SortFunc(out, func(a, b Summary) int { return a.Host.Compare(b.Host) })
	return out
}

// closeBooks judges the hours of look-ups that are over.
func (w *Watch) closeBooks(h *host, now int64) {
	for i, b := range h.books {
		if b != nil && b.from+hour+lateness <= now {
			w.judgeHour(h, b)
			h.books[i] = nil
		}
	}
}

// summaries are rooms for what detectors are shown, megabytes for a busy host: as many
// as there are hosts judged at once, and not one a watch.
var summaries = sync.Pool{New: func() any { return new(Host) }}

// judge runs the detectors over a host.
func (w *Watch) judge(h *host) Summary {
	h.dirty = false
	s := summaries.Get().(*Host)
	defer summaries.Put(s)
	w.summarise(s, h)
	var fresh []Evidence
	for _, d := range w.detectors {
		if d.Host != nil {
			fresh = append(fresh, d.Host(s, w.bench)...)
		}
	}
	sum := Summary{Host: h.addr, First: h.first, Last: h.last}
	h.current = merge(h.kept, fresh)
	sum.Evidence = h.current
	partners := map[netip.Addr]bool{}
	for _, a := range h.partners {
		partners[a] = true
	}
	for i := range s.Ways {
		way := &s.Ways[i]
		if !way.Outside {
			partners[way.Addr] = true
			continue
		}
		sum.Outside++
		if way.Started >= 3 && way.Clock == "" && len(sum.Contacts) < maxContacts {
			c := Contact{Endpoint: way.Endpoint, Name: way.Name, First: way.First, Last: way.Last, Started: way.Started, Failed: way.Failed,
				Odd: way.odd(s) && !s.crowded() && !way.oneSocket() && !(way.Name != "" && way.Transport == UDP), Shared: way.Shared != "", Nameless: way.nameless(s), Naming: len(h.named) > 0, Pulse: way.OK,
				Constancy: way.Constancy, Size: (way.Low + way.High) / 2}
			if way.Dead.Gaps > way.OK.Gaps {
				c.Pulse = way.Dead
			}
			sum.Contacts = append(sum.Contacts, c)
		}
	}
	for a := range partners {
		sum.Partners = append(sum.Partners, a)
	}
	slices.SortFunc(sum.Partners, netip.Addr.Compare)
	sum.Partners = sum.Partners[:min(len(sum.Partners), maxPartners)]
	return sum
}

// about tells evidence apart: by what it says of whom, not how clearly.
func about(a, b *Evidence) int {
	return cmp.Or(strings.Compare(a.Detector, b.Detector), a.Peer.Compare(b.Peer), strings.Compare(a.Name, b.Name),
		strings.Compare(a.Act, b.Act), strings.Compare(a.Family, b.Family))
}

// merge joins what is kept with what is new; of two about the same the clearer
// one stays. It keeps the clearest maxKept.
func merge(kept, fresh []Evidence) []Evidence {
	all := append(slices.Clone(kept), fresh...)
	slices.SortStableFunc(all, func(a, b Evidence) int {
		return cmp.Or(about(&a, &b), cmp.Compare(b.Ceiling, a.Ceiling), a.Compare(&b))
	})
	all = slices.CompactFunc(all, func(a, b Evidence) bool { return about(&a, &b) == 0 })
	slices.SortFunc(all, func(a, b Evidence) int { return cmp.Or(cmp.Compare(b.Ceiling, a.Ceiling), a.Compare(&b)) })
	return all[:min(len(all), maxKept)]
}

// keep keeps evidence whose ground is about to be forgotten.
func (h *host) keep(list []Evidence) {
	if len(list) > 0 {
		h.kept = merge(h.kept, list)
	}
}

// stale tells a host with something to be forgotten.
func (w *Watch) stale(h *host, now int64) bool {
	if now == EndOfTime || now-h.first < idleForgotten {
		return false
	}
	return slices.ContainsFunc(h.pairs, func(i uint32) bool { return now-w.ways.at(i).last > idleForgotten })
}

// forget drops what has been idle for more than a day: ways, and hosts without
// any. What was said about them is kept.
func (w *Watch) forget(now int64) {
	if now == EndOfTime {
		return
	}
	for n, h := range w.hosts {
		if h == nil || now-h.first < idleForgotten {
			continue
		}
		h.pairs = slices.DeleteFunc(h.pairs, func(i uint32) bool {
			p := w.ways.at(i)
			if now-p.last <= idleForgotten {
				return false
			}
			w.ways.drop(i)
			w.counters.Pairs--
			for _, place := range [...]uint32{p.ok, p.dead} {
				if place != 0 {
					w.rhythms.freed = append(w.rhythms.freed, place)
					w.counters.Rhythms--
				}
			}
			p.ok, p.dead = 0, 0
			return true
		})
		if len(h.pairs) == 0 && now-h.last > idleForgotten {
			delete(w.index, h.addr)
			w.hosts[n] = nil
			w.vacant = append(w.vacant, uint32(n))
			w.counters.Hosts--
		}
	}
}

// EndOfTime is the moment that closes every hour.
const EndOfTime = int64(1<<63 - 1)
