package detect

import (
	"net/netip"
	"slices"
	"strings"

	"tocsin/traffic"
)

// lateness is how long an hour of look-ups stays open after its end: sources
// write a look-up when it is answered or given up.
const lateness = 5 * minute

// hourBook collects the look-ups of one host in one hour.
type hourBook struct {
	from  int64
	index map[string]int32
	hour  Hour
}

// Lookup takes a question that a host at home asked.
func (w *Watch) Lookup(l *traffic.Lookup) {
	h := w.host(l.Client, l.At)
	if h == nil || l.Query == "" || l.ServerPort == 5353 || l.ServerPort == 5355 || l.ServerPort == 137 {
		return // on the local link everybody is asked
	}
	h.lookups++
	if l.Type == 15 {
		h.mail.add(stringHash(l.Query, w.seed))
		if h.mailFirst == 0 {
			h.mailFirst = l.At
		}
		h.mailLast = max(h.mailLast, l.At)
	}
	for _, a := range l.Addrs {
		w.name(h, a, l.Query)
	}
	if w.bench.Matcher != nil {
		w.matchLookup(h, l)
	}
	w.book(h, l)
}

// book enters a look-up in its hour.
func (w *Watch) book(h *host, l *traffic.Lookup) {
	from := l.At - l.At%hour
	slot := &h.books[from/hour&1]
	if *slot != nil && (*slot).from < from {
		w.judgeHour(h, *slot)
		*slot = nil
	}
	if *slot == nil {
		if from+hour+lateness <= w.closed {
			w.counters.LateLookups++
			return
		}
		*slot = &hourBook{from: from, index: map[string]int32{}, hour: Hour{Host: h.addr, From: from}}
	}
	b := *slot
	if b.from != from {
		w.counters.LateLookups++
		return
	}
	b.hour.Lookups++
	failed := l.Answered && l.RCode == traffic.NXDomain
	if failed {
		b.hour.Failed++
	}
	i, ok := b.index[l.Query]
	if !ok {
		if len(b.hour.Names) >= MaxNames {
			b.hour.Dropped++
			w.counters.FullNames++
			return
		}
		i = int32(len(b.hour.Names))
		name := strings.Clone(l.Query)
		b.hour.Names = append(b.hour.Names, Name{Name: name, First: l.At, Last: l.At})
		b.index[name] = i
	}
	n := &b.hour.Names[i]
	n.Lookups++
	n.First, n.Last = min(n.First, l.At), max(n.Last, l.At)
	n.Types |= typeBit(l.Type)
	if failed {
		n.Failed++
	}
	if l.Answered && l.RCode == traffic.NoError && l.Answers > 0 {
		n.Answered++
	}
	n.Answer = max(n.Answer, int(l.AnswerBytes))
}

func typeBit(t uint16) uint32 {
	switch t {
	case 1:
		return TypeA
	case 28:
		return TypeAAAA
	case 16:
		return TypeTXT
	case 10:
		return TypeNULL
	case 5:
		return TypeCNAME
	case 15:
		return TypeMX
	case 33:
		return TypeSRV
	case 12:
		return TypePTR
	}
	return TypeOther
}

// judgeHour hands a closed hour to the detectors and keeps what they say.
func (w *Watch) judgeHour(h *host, b *hourBook) {
	slices.SortFunc(b.hour.Names, func(a, b Name) int { return strings.Compare(a.Name, b.Name) })
	for _, d := range w.detectors {
		if d.Hour != nil {
			h.keep(d.Hour(&b.hour, w.bench))
		}
	}
	h.dirty = true
}

// name remembers that a host was told, or said, this name of an address. The
// first name stays: what was asked for before the connection explains it.
func (w *Watch) name(h *host, a netip.Addr, name string) {
	if !a.IsValid() || name == "" {
		return
	}
	if _, ok := h.named[a]; ok {
		return
	}
	if len(h.named) >= maxNamed {
		w.counters.FullNames++
		h.unnamed = true
		return
	}
	if h.named == nil {
		h.named = map[netip.Addr]string{}
	}
	h.named[a] = strings.Clone(name)
}
