package attribute

import (
	"net/netip"
	"strings"
	"time"

	"tocsin/casebook"
)

// Table answers who held an address or a name. It never changes and is safe for
// concurrent use. The zero value holds nothing.
type Table struct {
	count int
	texts texts
	facts []fact
	terms []terms
	v4    ranges[narrow]
	v6    ranges[wide]
	names names
}

// Len counts the holdings, of ranges and names together.
func (t *Table) Len() int { return t.count }

// At tells who held the asset at the moment, taken to the microsecond. A holding
// counts from its From on until just before its To. Each field comes from the most
// specific valid holding that tells it: of an address the smallest range around it,
// of a name the longest suffix in whole labels; of equally specific ones the later
// added. ASN and holder are one field: they come from one holding, which may tell only
// one of them. By is the holding that gave them, or else the party, or else the
// region.
//
// A prefix is held only by who holds all of it. A URL is attributed by its host,
// an e-mail address by its domain, by name or address as it is written; other kinds
// by nothing. Nothing is allocated.
func (t *Table) At(a casebook.Asset, at time.Time) casebook.Attribution {
	s := said{table: t, at: at.UnixMicro(), owner: -1, party: -1, region: -1}
	switch a.Kind {
	case casebook.IPv4Addr, casebook.IPv6Addr:
		s.askAddr(a.Addr)
	case casebook.IPv4Prefix, casebook.IPv6Prefix:
		s.askPrefix(a.Addr, int(a.Bits))
	case casebook.DomainName:
		s.askHost(a.Name)
	case casebook.URL:
		s.askHost(urlHost(a.Name))
	case casebook.EmailAddr:
		s.askHost(mailDomain(a.Name))
	}
	s.By = s.owner
	if s.By < 0 {
		s.By = s.party
	}
	if s.By < 0 {
		s.By = s.region
	}
	return s.Attribution
}

// said is what a table has said so far to one question.
type said struct {
	casebook.Attribution
	table *Table
	at    int64 // microseconds since 1970 UTC
	got   uint32
	// The holdings that told each field, -1 none.
	owner, party, region int32
}

func (s *said) askAddr(a netip.Addr) {
	switch {
	case a.Is4():
		s.ask(s.table.v4.cells, s.table.v4.head(narrowOf(a)))
	case a.Is6():
		s.ask(s.table.v6.cells, s.table.v6.head(wideOf(a)))
	}
}

func (s *said) askPrefix(a netip.Addr, bits int) {
	switch {
	case bits > a.BitLen():
	case a.Is4():
		low := narrowOf(a)
		askRange(s, &s.table.v4, low, low.last(bits))
	case a.Is6():
		low := wideOf(a)
		askRange(s, &s.table.v6, low, low.last(bits))
	}
}

// askHost asks for a name, or for an address that stands in a name's place.
func (s *said) askHost(host string) {
	if mayBeAddr(host) {
		if a, err := netip.ParseAddr(host); err == nil {
			s.askAddr(a.Unmap().WithZone(""))
			return
		}
	}
	s.ask(s.table.names.cells, s.table.names.head(host))
}

// mayBeAddr spares names the parser, whose error costs memory. No top-level domain
// ends in a digit, and no name has a colon.
func mayBeAddr(host string) bool {
	if host == "" {
		return false
	}
	last := host[len(host)-1]
	return '0' <= last && last <= '9' || strings.Contains(host, ":")
}

// ask takes what the holdings of a chain say, until they have no more to tell.
func (s *said) ask(cells []cell, head uint32) {
	for head != 0 {
		c := cells[head]
		if c.tells()&^s.got == 0 {
			return
		}
		s.take(c)
		head = c.next()
	}
}

// askRange asks only the holdings that hold all from low to last.
func askRange[A number[A]](s *said, r *ranges[A], low, last A) {
	for head := r.head(low); head != 0; {
		c := r.cells[head]
		if c.tells()&^s.got == 0 {
			return
		}
		if !r.highs[head].before(last) {
			s.take(c)
		}
		head = c.next()
	}
}

func (s *said) take(c cell) {
	f := &s.table.facts[c.fact]
	on := &s.table.terms[f.terms]
	if s.at < on.from || s.at >= on.to {
		return
	}
	fresh := f.tells(on) &^ s.got
	s.got |= fresh
	if fresh&tellsOwner != 0 {
		s.ASN, s.Holder, s.owner = f.asn, s.table.texts.at(f.holder), int32(c.holding)
	}
	if fresh&tellsParty != 0 {
		s.Party, s.party = s.table.texts.at(on.party), int32(c.holding)
	}
	if fresh&tellsRegion != 0 {
		s.Region, s.region = s.table.texts.at(on.region), int32(c.holding)
	}
}

// prepare fills what follows from the rest of the table.
func (t *Table) prepare() {
	tells := make([]uint32, len(t.facts))
	for i := range t.facts {
		f := &t.facts[i]
		tells[i] = f.tells(&t.terms[f.terms])
	}
	for _, cells := range [][]cell{t.v4.cells, t.v6.cells, t.names.cells} {
		for i := 1; i < len(cells); i++ {
			c := &cells[i]
			// A chain goes on to a lower cell, whose bits are there by now.
			c.after = c.next()<<3 | tells[c.fact] | cells[c.next()].tells()
		}
	}
	t.v4.index()
	t.v6.index()
}
