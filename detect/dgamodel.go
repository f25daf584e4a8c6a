package detect

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/publicsuffix"
)

// NameModel judges whether names were made up by a program. It holds how letters
// follow each other in names that people gave themselves, which runs of letters
// occur in those, and two small networks over what can be counted: one for a name,
// one for a set of names. The program ships one, which detect/train makes.
type NameModel struct {
	Source string // what it was made of
	// Given is log2 P(c | a b) in names that people chose, by Gram3; Made the same in
	// names that programs made. In sixteenths of a bit, from 0 down.
	Given, Made []uint8
	Four        []byte             // bits by Gram4: which four follow each other in chosen names
	Suffixes    map[string]float32 // log2 P of a public suffix in chosen names; "" is for all others
	Lengths     [64]float32        // log2 P of a label's length in chosen names
	OfName      Network
	OfSet       Network
}

// Network is a perceptron with one hidden layer: x is scaled by Mean and Scale, then
// tanh, then a weighted sum, in nats.
type Network struct {
	Mean, Scale []float32
	Hidden      [][]float32 // by unit: weights, and a bias at the end
	Out         []float32   // by unit, and a bias at the end
}

// Of gives the network's answer.
func (n *Network) Of(x []float64) float64 {
	sum := float64(n.Out[len(n.Hidden)])
	for u, w := range n.Hidden {
		a := float64(w[len(x)])
		for i := range x {
			a += float64(w[i]) * (x[i] - float64(n.Mean[i])) * float64(n.Scale[i])
		}
		sum += float64(n.Out[u]) * math.Tanh(a)
	}
	return sum
}

// Symbols of a label: letters, digits, all else (the hyphen), and the edge.
const (
	Symbols = 38
	Edge    = Symbols - 1
	Grams3  = Symbols * Symbols * Symbols
	Grams4  = Symbols * Grams3
)

// Symbol numbers an octet of a label.
func Symbol(c byte) int {
	switch {
	case c >= 'a' && c <= 'z':
		return int(c - 'a')
	case c >= '0' && c <= '9':
		return int(c-'0') + 26
	}
	return 36
}

// Gram3 numbers three symbols that follow each other.
func Gram3(a, b, c int) int { return (a*Symbols+b)*Symbols + c }

// Gram4 numbers four.
func Gram4(a, b, c, d int) int { return Gram3(a, b, c)*Symbols + d }

//go:embed dga.model
var shippedModel []byte

var nameModel = sync.OnceValue(func() *NameModel {
	m, err := ReadNameModel(shippedModel)
	if err != nil {
		panic(err) // the model is part of the program, and a test reads it
	}
	return m
})

// ShippedNameModel is the model that is part of the program.
func ShippedNameModel() *NameModel { return nameModel() }

// ReadNameModel reads what Bytes wrote.
func ReadNameModel(packed []byte) (*NameModel, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("model of names: %w", err)
	}
	r := &modelReader{r: z}
	m := &NameModel{Source: string(r.octets())}
	m.Given, m.Made, m.Four = r.octets(), r.octets(), r.octets()
	m.Suffixes = map[string]float32{}
	for range r.number() {
		name := string(r.octets())
		m.Suffixes[name] = r.float()
	}
	for i := range m.Lengths {
		m.Lengths[i] = r.float()
	}
	m.OfName, m.OfSet = r.network(nameFigures), r.network(setFigures)
	if _, err := io.Copy(io.Discard, z); err != nil && r.err == nil { // the checksum stands at the end
		r.err = err
	}
	if r.err != nil || len(m.Given) != Grams3 || len(m.Made) != Grams3 || len(m.Four) != (Grams4+7)/8 {
		return nil, fmt.Errorf("model of names: broken: %v", r.err)
	}
	return m, nil
}

// Bytes writes the model: equal models give equal octets.
func (m *NameModel) Bytes() []byte {
	var w bytes.Buffer
	number := func(n int) { w.Write(binary.LittleEndian.AppendUint32(nil, uint32(n))) }
	octets := func(b []byte) { number(len(b)); w.Write(b) }
	float := func(f float32) { w.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(f))) }
	floats := func(list []float32) {
		number(len(list))
		for _, f := range list {
			float(f)
		}
	}
	octets([]byte(m.Source))
	octets(m.Given)
	octets(m.Made)
	octets(m.Four)
	number(len(m.Suffixes))
	for _, name := range slices.Sorted(maps.Keys(m.Suffixes)) {
		octets([]byte(name))
		float(m.Suffixes[name])
	}
	for _, f := range m.Lengths {
		float(f)
	}
	for _, n := range [...]*Network{&m.OfName, &m.OfSet} {
		floats(n.Mean)
		floats(n.Scale)
		number(len(n.Hidden))
		for _, h := range n.Hidden {
			floats(h)
		}
		floats(n.Out)
	}
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	z.Write(w.Bytes())
	z.Close()
	return packed.Bytes()
}

// modelReader reads a model's parts, each with its length in front.
type modelReader struct {
	r   io.Reader
	err error
}

func (r *modelReader) number() int {
	var n uint32
	if err := binary.Read(r.r, binary.LittleEndian, &n); err != nil && r.err == nil {
		r.err = err
	}
	if n > 1<<19 {
		r.err, n = fmt.Errorf("a part of %d", n), 0
	}
	return int(n)
}

func (r *modelReader) octets() []byte {
	b := make([]byte, r.number())
	if _, err := io.ReadFull(r.r, b); err != nil && r.err == nil {
		r.err = err
	}
	return b
}

func (r *modelReader) float() float32 {
	var f float32
	if err := binary.Read(r.r, binary.LittleEndian, &f); err != nil && r.err == nil {
		r.err = err
	}
	return f
}

func (r *modelReader) floats() []float32 {
	f := make([]float32, r.number())
	for i := range f {
		f[i] = r.float()
	}
	return f
}

func (r *modelReader) network(figures int) Network {
	n := Network{Mean: r.floats(), Scale: r.floats()}
	for range r.number() {
		n.Hidden = append(n.Hidden, r.floats())
		if len(n.Hidden[len(n.Hidden)-1]) != figures+1 && r.err == nil {
			r.err = fmt.Errorf("a unit without weights for all figures")
		}
		if r.err != nil {
			return n
		}
	}
	n.Out = r.floats()
	if r.err == nil && (len(n.Mean) != figures || len(n.Scale) != figures || len(n.Out) != len(n.Hidden)+1) {
		r.err = fmt.Errorf("a network of another shape")
	}
	return n
}

// Label splits a name into the label that its owner chose and the public suffix
// below which he did; ok is false for a name that is no registrable domain, apart
// from www in front.
func Label(name string) (label, suffix string, ok bool) {
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil || domain != name && "www."+domain != name {
		return "", "", false
	}
	label, suffix, ok = strings.Cut(domain, ".")
	return label, suffix, ok
}

// tld gives log2 of a suffix's probability in chosen names.
func (m *NameModel) tld(suffix string) float64 {
	if p, known := m.Suffixes[suffix]; known {
		return float64(p)
	}
	return float64(m.Suffixes[""])
}
