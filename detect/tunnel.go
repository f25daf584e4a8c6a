package detect

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

var _ = add(Detector{Name: "tunnel", About: "carries data in the names it asks for", Hour: tunnels})

const (
	tunnelNames  = 40       // different names below one domain within the hour
	tunnelOctets = 2 << 10  // carried by them, outward
	tunnelLong   = 20       // octets below the domain, on average
	tunnelMixed  = 3.3      // bits a character: base32 has 5, English below 4.2 but of few letters
	tunnelSure   = 16 << 10 // carried, for the highest score
	// tunnelGiven is how probable, in bits a letter, a label of a name that people
	// chose is, on average, with a margin: shards and host names are less odd.
	tunnelGiven = -4.6
)

// tunnels looks for data carried in questions (RFC 1035 lets a name have 253 octets)
// and in their answers: many different names below one registrable domain, each
// asked once, long, and of letters that mean nothing. A program that looks up hashes,
// block lists or shards does some of that: those known are left out, and the rest
// carries less (Born and Gustafson 2010; Farnham, SANS 2013).
func tunnels(h *Hour, b *Bench) []Evidence {
	var out []Evidence
	for _, d := range below(h) {
		e, ok := d.judge(h)
		if !ok {
			continue
		}
		if _, known := b.Clock(d.example, Endpoint{}); known {
			continue
		}
		if what, known := b.Shared(d.example, netip.Addr{}); known {
			e.Ceiling, e.Score = Weak, round3(e.Score/2)
			e.Because += "; others share it: " + what
		}
		out = append(out, e)
	}
	return out
}

// carrier is what was asked for below one registrable domain.
type carrier struct {
	domain      string
	example     string // a name below it
	names       int    // different ones below it
	lookups     int
	once        int // asked once or twice
	octets      int // below the domain, in all different names
	letters     [256]int
	given, runs float64 // log2 probability of the labels among chosen names, and letters
	text        int     // names asked for as TXT, NULL, CNAME or MX
	failed      int
	answers     int // octets of answers, the longest of each name
	first, last int64
}

// below groups an hour's names by registrable domain, in the order of domains.
func below(h *Hour) []*carrier {
	by := map[string]*carrier{}
	var list []*carrier
	m := ShippedNameModel()
	for i := range h.Names {
		n := &h.Names[i]
		domain, err := publicsuffix.EffectiveTLDPlusOne(n.Name)
		if err != nil || len(domain)+1 >= len(n.Name) || n.Types&(TypePTR|TypeSRV) != 0 || strings.HasSuffix(n.Name, ".arpa") {
			continue
		}
		d := by[domain]
		if d == nil {
			d = &carrier{domain: domain, example: n.Name, first: n.First, last: n.Last}
			by[domain] = d
			list = append(list, d)
		}
		d.add(m, n)
	}
	slices.SortFunc(list, func(a, b *carrier) int { return cmp.Compare(a.domain, b.domain) })
	return list
}

func (d *carrier) add(m *NameModel, n *Name) {
	sub := n.Name[:len(n.Name)-len(d.domain)-1]
	d.names++
	d.lookups += n.Lookups
	if n.Lookups <= 4 { // a resolver library asks each name for A and AAAA, and may ask again
		d.once++
	}
	for label := range strings.SplitSeq(sub, ".") {
		d.octets += len(label)
		c := m.figures(label)
		d.given += c.given
		d.runs += float64(len(label) + 1)
		for i := range len(label) {
			d.letters[label[i]]++
		}
	}
	if n.Types&(TypeTXT|TypeNULL|TypeCNAME|TypeMX) != 0 {
		d.text++
	}
	if n.Failed > 0 && n.Answered == 0 {
		d.failed++
	}
	d.answers += n.Answer
	d.first, d.last = min(d.first, n.First), max(d.last, n.Last)
}

// entropy of the letters, in bits a letter.
func (d *carrier) entropy() float64 {
	bits := 0.0
	for _, n := range d.letters {
		if n > 0 {
			p := float64(n) / float64(d.octets)
			bits -= p * math.Log2(p)
		}
	}
	return bits
}

func (d *carrier) judge(h *Hour) (e Evidence, tunnel bool) {
	if d.names < tunnelNames || d.octets < tunnelOctets {
		return e, false
	}
	names := float64(d.names)
	long, mixed, given := float64(d.octets)/names, d.entropy(), d.given/d.runs
	text, once := float64(d.text)/names, float64(d.once)/names
	if once < 0.9 || long < tunnelLong || mixed < tunnelMixed || given > tunnelGiven {
		return e, false
	}
	if float64(d.failed) > 0.5*names {
		return e, false // nobody answers at the other end
	}
	e = Evidence{Detector: "tunnel", Host: h.Host, Name: d.domain, Role: Controller, Signs: Tunnel, Ceiling: Suspected, First: d.first, Last: d.last}
	e.Score = round3(clamp(0.5 + 0.25*clamp(float64(d.octets)/tunnelSure) + 0.15*text + 0.1*clamp((long-tunnelLong)/60)))
	if text < 0.1 && d.octets < 2*tunnelOctets {
		e.Ceiling = Weak // it may as well be look-ups of hashes that nobody told of
	}
	e.Figures = []Figure{{"names", names}, {"lookups", float64(d.lookups)}, {"octets_out", float64(d.octets)}, {"octets_in", float64(d.answers)},
		{"mean_length", round3(long)}, {"entropy_bits", round3(mixed)}, {"text_share", round3(text)}}
	e.Because = fmt.Sprintf("%s below %s within the hour from %s, hardly any twice, %s of data in them (%s bits a letter), %s%% asked for as text or data",
		plural(d.names, "different name", "different names"), d.domain, hourOf(h.From), size(float64(d.octets)), number(mixed), number(100*text))
	if d.answers > 0 {
		e.Because += ", answered by " + size(float64(d.answers))
	}
	return e, true
}
