package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"tocsin/detect"
)

// count fills in what the model knows of chosen names.
func count(m *detect.NameModel, names []detect.MadeName) {
	var labels []string
	suffix, lengths := map[string]float64{}, [64]float64{}
	seen := make([]uint16, detect.Grams4)
	for _, n := range names {
		labels = append(labels, n.Label)
		suffix[n.Suffix]++
		lengths[len(n.Label)]++
		fours(n.Label, seen)
	}
	m.Given = grams(labels)
	m.Four = make([]byte, (detect.Grams4+7)/8)
	for g, n := range seen {
		if n >= 2 { // once is an accident
			m.Four[g/8] |= 1 << (g % 8)
		}
	}
	all := float64(len(names))
	m.Suffixes = map[string]float32{}
	rest := 1.0
	for s, n := range suffix {
		if n >= 5 {
			m.Suffixes[s] = float32(math.Log2(n / (all + 20)))
		} else {
			rest += n
		}
	}
	// What stands for all other suffixes is one of a thousand.
	m.Suffixes[""] = float32(math.Log2(rest / (all + 20) / 1000))
	for i, n := range lengths {
		m.Lengths[i] = float32(math.Log2((n + 0.5) / (all + 32)))
	}
}

func fours(label string, seen []uint16) {
	if len(label) < 2 {
		return
	}
	a, b, c := detect.Edge, detect.Symbol(label[0]), detect.Symbol(label[1])
	for i := 2; i <= len(label); i++ {
		d := detect.Edge
		if i < len(label) {
			d = detect.Symbol(label[i])
		}
		if g := detect.Gram4(a, b, c, d); seen[g] < math.MaxUint16 {
			seen[g]++
		}
		a, b, c = b, c, d
	}
}

// grams gives -log2 P(c | a b) in sixteenths of a bit: counts of three, leaning on
// those of two and one where three are rare (Witten and Bell 1991).
func grams(labels []string) []uint8 {
	const s = detect.Symbols
	one, two, three := make([]float64, s), make([]float64, s*s), make([]float64, s*s*s)
	for _, l := range labels {
		a, b := detect.Edge, detect.Edge
		for i := 0; i <= len(l); i++ {
			c := detect.Edge
			if i < len(l) {
				c = detect.Symbol(l[i])
			}
			one[c]++
			two[b*s+c]++
			three[detect.Gram3(a, b, c)]++
			a, b = b, c
		}
	}
	first := backed(one, func(int) float64 { return 1.0 / s })
	second := make([]float64, s*s)
	for b := range s {
		copy(second[b*s:], backed(two[b*s:b*s+s], func(c int) float64 { return first[c] }))
	}
	out := make([]uint8, detect.Grams3)
	for ab := range s * s {
		third := backed(three[ab*s:ab*s+s], func(c int) float64 { return second[ab%s*s+c] })
		for c, p := range third {
			out[ab*s+c] = uint8(min(255, math.Round(-math.Log2(p)*16)))
		}
	}
	return out
}

// backed gives probabilities of counts, leaning on others by how many different ones
// were counted.
func backed(counts []float64, other func(c int) float64) []float64 {
	sum, different := 0.0, 0.0
	for _, n := range counts {
		sum += n
		if n > 0 {
			different++
		}
	}
	different = max(different, 1)
	p := make([]float64, len(counts))
	for c, n := range counts {
		p[c] = (n + float64(different*other(c))) / (sum + different)
	}
	return p
}

// made gives the same of names that programs make, of the kinds that don't use words.
func made(words []string) []uint8 {
	r := rand.New(rand.NewPCG(8, 9))
	var labels []string
	for i := range 20_000 {
		f := newFamily(r, i%6, words)
		for range 4 {
			label, _ := f.name(r)
			labels = append(labels, label)
		}
	}
	return grams(labels)
}

// words finds words in chosen names: what stands alone between hyphens or as a whole
// label, of letters only, and inside at least three other labels.
func words(names []detect.MadeName) []string {
	candidates := map[string]int{}
	for _, n := range names {
		for part := range strings.SplitSeq(n.Label, "-") {
			if len(part) >= 3 && len(part) <= 9 && strings.Trim(part, alphabet) == "" {
				candidates[part] = 0
			}
		}
	}
	for _, n := range names {
		for from := range n.Label {
			for to := from + 3; to <= min(from+9, len(n.Label)); to++ {
				if to-from < len(n.Label) {
					if k, ok := candidates[n.Label[from:to]]; ok {
						candidates[n.Label[from:to]] = k + 1
					}
				}
			}
		}
	}
	var list []string
	for w, n := range candidates {
		if n >= 3 {
			list = append(list, w)
		}
	}
	slices.Sort(list)
	return list
}
