package attribute

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

// The bounds of a table.
const (
	// MaxHoldings is how many holdings a table takes. The routing table of the
	// whole internet has about a million prefixes.
	MaxHoldings = 1 << 23
	// MaxDepth is how many holdings may cover one address, past and present.
	MaxDepth = 4096
	// MaxText is the longest holder, party or region, in octets.
	MaxText = 1024

	maxTexts = 1 << 30 // octets of all texts together
)

// Builder collects holdings for a Table. The zero value is ready; it serves one
// goroutine.
type Builder struct {
	count  int
	texts  interned[string] // the first is empty
	octets int              // of texts
	facts  interned[fact]
	terms  interned[terms]
	v4     []span[narrow]
	v6     []span[wide]
	names  []named
}

// fact is what a holding tells, apart from the range or name it tells it of. Many
// holdings tell the same. It is small, so that a world table's facts stay in the
// processor's cache.
type fact struct {
	asn    uint32
	holder uint32 // number of a text, 0 the empty one
	terms  uint32 // number of what else it tells
}

// terms are what a fact tells besides the owner, and its span in microseconds
// since 1970 UTC. A table has few different ones.
type terms struct {
	party, region uint32 // numbers of texts
	from, to      int64
}

// What a fact may tell, as bits.
const (
	tellsOwner = 1 << iota // ASN or holder: they belong together
	tellsParty
	tellsRegion
	tellsAll = tellsOwner | tellsParty | tellsRegion
)

func (f *fact) tells(on *terms) (bits uint32) {
	if f.asn != 0 || f.holder != 0 {
		bits |= tellsOwner
	}
	if on.party != 0 {
		bits |= tellsParty
	}
	if on.region != 0 {
		bits |= tellsRegion
	}
	return bits
}

// Add puts a holding into the table to be. Its number there, which Attribution.By
// names, is how many were added before it. Source isn't kept: who adds the
// holdings of several tables knows their numbers. Add gives ErrInvalid for a
// holding of neither or both of range and suffix, a range that ends before it
// begins or mixes families, a suffix that is no domain name in lower case, a span
// that is empty or leaves the years 1 to 9999, and a holding that tells nothing;
// ErrTooLarge for a text over MaxText octets and for more than MaxHoldings. What is
// refused gets no number.
func (b *Builder) Add(h casebook.Holding) error {
	if err := check(h); err != nil {
		return err
	}
	if b.count >= MaxHoldings {
		return fmt.Errorf("table of holdings has %d, and no more are taken: %w", b.count, casebook.ErrTooLarge)
	}
	f, err := b.fact(h)
	if err != nil {
		return err
	}
	number, told := uint32(b.count), b.facts.number(f)
	b.count++
	switch {
	case h.Suffix != "":
		b.names = append(b.names, named{h.Suffix, number, told})
	case h.Low.Is4():
		b.v4 = append(b.v4, span[narrow]{narrowOf(h.Low), narrowOf(h.High), number, told})
	default:
		b.v6 = append(b.v6, span[wide]{wideOf(h.Low), wideOf(h.High), number, told})
	}
	return nil
}

func check(h casebook.Holding) error {
	bad := func(why string) error { return fmt.Errorf("holding of %s %s: %w", what(h), why, casebook.ErrInvalid) }
	if h.Suffix != "" {
		if h.Low.IsValid() || h.High.IsValid() {
			return bad("is of a name and of a range")
		}
		if a, err := casebook.DomainAsset(h.Suffix); err != nil || a.Name != h.Suffix {
			return bad("isn't of a domain name in lower case without dot at the end")
		}
	} else if why := rangeFault(h.Low, h.High); why != "" {
		return bad(why)
	}
	for _, t := range []time.Time{h.From, h.To} {
		if !t.IsZero() && (t.UTC().Year() < 1 || t.UTC().Year() > 9999) {
			return bad("leaves the years 1 to 9999")
		}
	}
	if !h.From.IsZero() && !h.To.IsZero() && h.From.UnixMicro() >= h.To.UnixMicro() {
		return bad("ends before it begins")
	}
	return nil
}

// rangeFault says what is wrong with a range of addresses, "" if nothing is.
func rangeFault(low, high netip.Addr) string {
	switch {
	case !low.IsValid() || !high.IsValid():
		return "has no first or no last address"
	case low.Zone() != "" || high.Zone() != "":
		return "has an address with a zone"
	case low.Is4In6() != high.Is4In6() || low.Is4() != high.Is4():
		return "begins and ends in different families"
	case low.Is4In6():
		return "is of IPv4 addresses written as IPv6"
	case high.Less(low):
		return "ends below its first address"
	}
	return ""
}

func what(h casebook.Holding) string {
	if h.Suffix != "" {
		return fmt.Sprintf("%.80q", h.Suffix)
	}
	return fmt.Sprintf("%v to %v", h.Low, h.High)
}

// fact gives what a holding tells.
func (b *Builder) fact(h casebook.Holding) (f fact, err error) {
	on := terms{from: math.MinInt64, to: math.MaxInt64}
	if !h.From.IsZero() {
		on.from = h.From.UnixMicro()
	}
	if !h.To.IsZero() {
		on.to = h.To.UnixMicro()
	}
	if on.party, err = b.text(h.Party); err != nil {
		return f, err
	}
	if on.region, err = b.text(h.Region); err != nil {
		return f, err
	}
	f.asn = h.ASN
	if f.holder, err = b.text(h.Holder); err != nil {
		return f, err
	}
	if f.tells(&on) == 0 {
		return f, fmt.Errorf("holding of %s tells neither ASN, holder, party nor region: %w", what(h), casebook.ErrInvalid)
	}
	f.terms = b.terms.number(on)
	return f, nil
}

// text gives the number of a text, 0 for none.
func (b *Builder) text(s string) (uint32, error) {
	if len(s) > MaxText {
		return 0, fmt.Errorf("text %.40q… has %d octets, at most %d are taken: %w", s, len(s), MaxText, casebook.ErrTooLarge)
	}
	if n, known := b.texts.numbers[s]; known {
		return n, nil
	}
	b.texts.number("") // the empty text is number 0
	if b.octets += len(s); b.octets > maxTexts {
		return 0, fmt.Errorf("texts of the table have over %d octets: %w", maxTexts, casebook.ErrTooLarge)
	}
	// A reader's text may be a piece of a line, which needn't live on.
	return b.texts.number(strings.Clone(s)), nil
}

// Build makes the table of all holdings added so far. Builder and table share
// nothing that changes. It gives ErrTooLarge if more than MaxDepth holdings cover
// one address, or if ranges overlap without nesting so often that the table would
// grow out of proportion.
func (b *Builder) Build() (*Table, error) {
	b.texts.number("")
	t := &Table{
		count: b.count,
		texts: textsOf(b.texts.all),
		facts: slices.Clone(b.facts.all),
		terms: slices.Clone(b.terms.all),
	}
	var err error
	if t.v4, err = flatten(b.v4); err != nil {
		return nil, err
	}
	if t.v6, err = flatten(b.v6); err != nil {
		return nil, err
	}
	t.names = nameTree(b.names)
	t.prepare()
	return t, nil
}

// interned numbers different values in order of first sight.
type interned[T comparable] struct {
	numbers map[T]uint32
	all     []T
}

func (in *interned[T]) number(v T) uint32 {
	n, ok := in.numbers[v]
	if !ok {
		if in.numbers == nil {
			in.numbers = make(map[T]uint32)
		}
		n = uint32(len(in.all))
		in.numbers[v] = n
		in.all = append(in.all, v)
	}
	return n
}
