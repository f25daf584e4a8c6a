package indicator

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"tocsin/casebook"
)

const (
	// maxClaims bounds what is kept of one value; a further claim is refused.
	maxClaims = 256
	// maxWords bounds the different names of sources and families.
	maxWords = 1 << 20
	// maxFacts bounds the facts that are looked through for one that is the same.
	maxFacts = 1 << 14
	// maxValues bounds each kind of table.
	maxValues = 1 << 28
)

// errCrowded is for a value with maxClaims.
var errCrowded = fault(fmt.Sprintf("%d claims are known of it already", maxClaims))

// Builder makes a Set. It serves one goroutine.
type Builder struct {
	set   *Set
	words map[string]uint32
	facts map[fact]uint32 // those added last
	last  struct {        // most lists say the same of all their lines
		claim  Claim
		number uint32
	}
}

// NewBuilder begins a generation.
func NewBuilder() *Builder {
	return &Builder{
		set:   &Set{addresses: newAddresses(), names: newTexts(), others: newTexts(), words: []string{""}},
		words: map[string]uint32{"": 0},
		facts: map[fact]uint32{},
	}
}

// Add takes an indicator, whose value is as Parse gives it. It gives ErrInvalid,
// with the reason, for a value that has no kind or all the claims that are kept of
// one, and ErrTooLarge when nothing more fits into the set.
func (b *Builder) Add(in Indicator) error {
	at, err := b.place(in.Value)
	if err != nil {
		return err
	}
	fresh := *at == 0
	number, err := b.fact(in.Claim)
	if err != nil {
		return err
	}
	repeated, err := b.claim(at, number)
	switch {
	case err != nil:
		return err
	case repeated:
		b.set.stats.Repeated++
	case fresh:
		b.set.stats.Values[in.Kind]++
	}
	if in.Kind == Prefix {
		b.set.addresses.prefixes.Insert(netip.PrefixFrom(in.Addr, int(in.Bits)).Masked(), *at)
	}
	b.set.stats.Rows++
	return nil
}

var errFull = fmt.Errorf("the set is full: %w", casebook.ErrTooLarge)

// place gives the ref of a value.
func (b *Builder) place(v Value) (*uint32, error) {
	s := b.set
	switch {
	case len(v.Text) > maxText:
		return nil, errLong
	case len(s.addresses.ports) >= maxValues, full(&s.names), full(&s.others):
		return nil, errFull
	}
	switch v.Kind {
	case Address, Endpoint:
		if !v.Addr.IsValid() || v.Kind == Endpoint && v.Port == 0 {
			return nil, errName
		}
		if v.Kind == Address {
			v.Port = 0
		}
		return s.addresses.place(v.Addr.Unmap().WithZone(""), v.Port), nil
	case Prefix:
		return b.prefix(netip.PrefixFrom(v.Addr, int(v.Bits)))
	case Domain:
		return place(&s.names, v.Text), nil
	case NoKind:
		return nil, errName
	}
	return place(&s.others, string(rune(v.Kind))+v.Text), nil
}

func full(t *texts) bool { return t.n >= maxValues || len(t.blocks) >= 1<<(32-blockBits)-1 }

// prefix gives the ref of a prefix, which its table keeps as a value.
func (b *Builder) prefix(p netip.Prefix) (*uint32, error) {
	if !p.IsValid() || p.Bits() == 0 {
		return nil, errBits
	}
	p = p.Masked()
	t := &b.set.addresses
	if p.Addr().Is4() {
		t.lengths[0] = true
	} else {
		t.lengths[1] = true
	}
	place := new(uint32)
	*place, _ = t.prefixes.Get(p)
	return place, nil
}

// claim adds a fact to a ref; repeated if it has it already.
func (b *Builder) claim(place *uint32, number uint32) (repeated bool, err error) {
	s := b.set
	n := 0
	for ref := *place; ref != 0; n++ {
		has := ref
		if ref&linked != 0 {
			l := s.links[ref&^linked]
			has, ref = l.fact, l.next
		} else {
			ref = 0
		}
		if has == number || s.facts[has-1] == s.facts[number-1] {
			return true, nil
		}
	}
	switch {
	case n >= maxClaims:
		return false, errCrowded
	case n == 0:
		*place = number
	default:
		s.links = append(s.links, link{fact: number, next: *place})
		*place = linked | uint32(len(s.links)-1)
	}
	return false, nil
}

// fact gives the number, plus one, of a claim.
func (b *Builder) fact(c Claim) (uint32, error) {
	if b.last.number != 0 && b.last.claim == c {
		return b.last.number, nil
	}
	number, err := b.newFact(c)
	b.last.claim, b.last.number = c, number
	return number, err
}

func (b *Builder) newFact(c Claim) (uint32, error) {
	f := fact{first: c.First, last: c.Last, expires: c.Expires, class: c.Class, confidence: min(c.Confidence, 100)}
	var err, err2 error
	f.source, err = b.word(c.Source)
	f.family, err2 = b.word(c.Family)
	if err := errors.Join(err, err2); err != nil {
		return 0, err
	}
	if number, known := b.facts[f]; known {
		return number, nil
	}
	if len(b.set.facts) >= maxValues {
		return 0, errFull
	}
	b.set.facts = append(b.set.facts, f)
	if len(b.facts) >= maxFacts {
		clear(b.facts)
	}
	number := uint32(len(b.set.facts))
	b.facts[f] = number
	return number, nil
}

func (b *Builder) word(text string) (uint32, error) {
	number, known := b.words[text]
	if known {
		return number, nil
	}
	if len(b.words) >= maxWords {
		return 0, fmt.Errorf("more than %d different sources and families: %w", maxWords, casebook.ErrTooLarge)
	}
	text = strings.Clone(text)
	number = uint32(len(b.set.words))
	b.set.words = append(b.set.words, text)
	b.words[text] = number
	return number, nil
}

// Set ends the generation and gives it. The Builder is done with.
func (b *Builder) Set() *Set {
	s := b.set
	s.names.seal()
	s.others.seal()
	*b = Builder{}
	return s
}
