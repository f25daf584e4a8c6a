package attribute

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"tocsin/casebook"
)

// The compiled form, numbers little-endian:
//
//	16 octets  magic, the last of them the version
//	12 × 4     counts, in the order below
//	texts      where each ends (4 octets each), then their octets
//	facts      ASN, holder, terms (4 each)
//	terms      party, region (4 each), from, to (8 each)
//	IPv4       segments (8 each), cells (12), last addresses (4)
//	IPv6       segments (20 each), cells (12), last addresses (16)
//	names      where each suffix ends (4 each), their octets, heads (4), cells (12)
//	4 octets   CRC-32C of all before
const compiledMagic = "tocsin holdings\x01"

// Places of the counts.
const (
	nHoldings = iota
	nTexts
	nTextOctets
	nFacts
	nTerms
	nSegments4
	nCells4
	nSegments6
	nCells6
	nSuffixes
	nSuffixOctets
	nCellsOfNames
	nCounts
)

type counts [nCounts]uint32

// size gives the length of the form. It can't overflow: counts have 32 bits.
func (n counts) size() uint64 {
	each := counts{nTexts: 4, nTextOctets: 1, nFacts: 12, nTerms: 24, nSegments4: 8, nCells4: 16, nSegments6: 20, nCells6: 28, nSuffixes: 8, nSuffixOctets: 1, nCellsOfNames: 12}
	size := uint64(len(compiledMagic) + 4*nCounts + 4)
	for i := range n {
		size += uint64(n[i]) * uint64(each[i])
	}
	return size
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// WriteTo writes the table in its compiled form, for Load. The same holdings added
// in the same order give the same octets.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(t.compiled())
	if err != nil {
		return int64(n), fmt.Errorf("write table of %d holdings: %w", t.count, err)
	}
	return int64(n), nil
}

func (t *Table) compiled() []byte {
	if len(t.v4.segments) == 0 { // the zero value
		t, _ = new(Builder).Build()
	}
	n := counts{
		nHoldings: uint32(t.count), nTexts: t.texts.len(), nTextOctets: uint32(len(t.texts.all)), nFacts: uint32(len(t.facts)), nTerms: uint32(len(t.terms)),
		nSegments4: uint32(len(t.v4.segments)), nCells4: uint32(len(t.v4.cells)),
		nSegments6: uint32(len(t.v6.segments)), nCells6: uint32(len(t.v6.cells)),
		nSuffixes: t.names.suffixes.len(), nSuffixOctets: uint32(len(t.names.suffixes.all)), nCellsOfNames: uint32(len(t.names.cells)),
	}
	b := append(make([]byte, 0, n.size()), compiledMagic...)
	b = appendNumbers(b, n[:])
	b = append(appendNumbers(b, t.texts.ends), t.texts.all...)
	for _, f := range t.facts {
		b = appendNumbers(b, []uint32{f.asn, f.holder, f.terms})
	}
	for _, on := range t.terms {
		b = appendNumbers(b, []uint32{on.party, on.region})
		b = appendNumbers(b, []uint64{uint64(on.from), uint64(on.to)})
	}
	for _, s := range t.v4.segments {
		b = appendNumbers(b, []uint32{uint32(s.start), s.head})
	}
	b = appendNumbers(appendCells(b, t.v4.cells), t.v4.highs)
	for _, s := range t.v6.segments {
		b = appendNumbers(b, []uint64{s.start.hi, s.start.lo})
		b = appendNumbers(b, []uint32{s.head})
	}
	b = appendCells(b, t.v6.cells)
	for _, high := range t.v6.highs {
		b = appendNumbers(b, []uint64{high.hi, high.lo})
	}
	b = append(appendNumbers(b, t.names.suffixes.ends), t.names.suffixes.all...)
	b = appendCells(appendNumbers(b, t.names.heads), t.names.cells)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func appendNumbers[T ~uint32 | ~uint64](b []byte, numbers []T) []byte {
	b, _ = binary.Append(b, binary.LittleEndian, numbers) // never fails for numbers
	return b
}

func appendCells(b []byte, cells []cell) []byte {
	for _, c := range cells {
		b = binary.LittleEndian.AppendUint32(b, c.holding)
		b = binary.LittleEndian.AppendUint32(b, c.fact)
		b = binary.LittleEndian.AppendUint32(b, c.next())
	}
	return b
}

// Load reads the form that WriteTo wrote. The table keeps nothing of b. It gives
// ErrInvalid for anything else: another version, a wrong length or checksum, numbers
// that lead nowhere. A wrong answer can come from a form that was made on purpose, a
// panic can't.
func Load(b []byte) (*Table, error) {
	t, err := load(b)
	if err != nil {
		return nil, fmt.Errorf("compiled table of holdings: %w: import its sources again: %w", err, casebook.ErrInvalid)
	}
	return t, nil
}

func load(b []byte) (*Table, error) {
	if len(b) < len(compiledMagic)+4*nCounts+4 || string(b[:len(compiledMagic)]) != compiledMagic {
		return nil, errors.New("it doesn't begin as one of this version does")
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, errors.New("its checksum is wrong")
	}
	r := parts{body[len(compiledMagic):]}
	n := counts(r.numbers(nCounts))
	if n.size() != uint64(len(b)) {
		return nil, fmt.Errorf("it has %d octets and its counts make %d", len(b), n.size())
	}
	if n[nHoldings] > MaxHoldings {
		return nil, fmt.Errorf("it has %d holdings, over %d", n[nHoldings], MaxHoldings)
	}
	t := &Table{count: int(n[nHoldings])}
	t.texts = r.texts(n[nTexts], n[nTextOctets])
	t.facts, t.terms = r.facts(n[nFacts]), r.terms(n[nTerms])
	t.v4 = ranges[narrow]{segments: r.segments4(n[nSegments4]), cells: r.cells(n[nCells4]), highs: numbersAs[narrow](&r, n[nCells4])}
	t.v6 = ranges[wide]{segments: r.segments6(n[nSegments6]), cells: r.cells(n[nCells6]), highs: r.wides(n[nCells6])}
	t.names = names{suffixes: r.texts(n[nSuffixes], n[nSuffixOctets]), heads: r.numbers(n[nSuffixes]), cells: r.cells(n[nCellsOfNames])}
	if err := t.sound(); err != nil {
		return nil, err
	}
	t.prepare()
	return t, nil
}

// sound checks every number that a question follows.
func (t *Table) sound() error {
	if err := t.texts.sound(); err != nil {
		return err
	}
	texts := t.texts.len()
	for i, on := range t.terms {
		if on.party >= texts || on.region >= texts || on.from >= on.to {
			return fmt.Errorf("terms %d are malformed", i)
		}
	}
	for i := range t.facts {
		f := &t.facts[i]
		if f.holder >= texts || f.terms >= uint32(len(t.terms)) || f.tells(&t.terms[f.terms]) == 0 {
			return fmt.Errorf("fact %d is malformed", i)
		}
	}
	if err := t.names.suffixes.sound(); err != nil {
		return err
	}
	for i := uint32(1); i < t.names.suffixes.len(); i++ {
		if t.names.suffixes.at(i-1) >= t.names.suffixes.at(i) {
			return fmt.Errorf("suffix %d is out of order", i)
		}
	}
	for _, cells := range [][]cell{t.v4.cells, t.v6.cells, t.names.cells} {
		if !t.soundCells(cells) {
			return errors.New("a chain of holdings is malformed")
		}
	}
	for _, head := range t.names.heads {
		if head >= uint32(len(t.names.cells)) {
			return errors.New("the chain of a suffix begins nowhere")
		}
	}
	if !t.v4.sound() || !t.v6.sound() {
		return errors.New("segments are out of order, or their chains begin nowhere")
	}
	return nil
}

// soundCells checks that chains end: each goes on to a lower cell.
func (t *Table) soundCells(cells []cell) bool {
	if len(cells) == 0 || len(cells) > maxCells || cells[0] != (cell{}) {
		return false
	}
	for i := 1; i < len(cells); i++ {
		if c := &cells[i]; c.next() >= uint32(i) || c.fact >= uint32(len(t.facts)) || c.holding >= uint32(t.count) {
			return false
		}
	}
	return true
}
