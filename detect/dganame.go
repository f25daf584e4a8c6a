package detect

import "math"

// nameFigures is how many figures a name has.
const nameFigures = 15

// nameCounts are what is counted of one label.
type nameCounts struct {
	figures [nameFigures]float64
	given   float64 // log2 of its probability among chosen names
}

// Figures counts what the model's network for names looks at.
func (m *NameModel) figures(label string) (c nameCounts) {
	n := len(label)
	a, b := Edge, Edge
	given, made, worst := 0.0, 0.0, 0.0
	digits, vowels, hyphens, run, longest, turns, repeats := 0, 0, 0, 0, 0, 0, 0
	var seen [Symbols]bool
	different := 0
	hex := true
	for i := 0; i <= n; i++ {
		s := Edge
		if i < n {
			s = Symbol(label[i])
		}
		g := Gram3(a, b, s)
		given += -float64(m.Given[g]) / 16
		made += -float64(m.Made[g]) / 16
		worst = min(worst, -float64(m.Given[g])/16)
		if i == n {
			break
		}
		if !seen[s] {
			seen[s] = true
			different++
		}
		isDigit := s >= 26 && s < 36
		isVowel := s == 0 || s == 4 || s == 8 || s == 14 || s == 20
		switch {
		case isDigit:
			digits++
		case s == 36:
			hyphens++
		case isVowel:
			vowels++
		}
		if !isDigit && !isVowel && s != 36 {
			if run++; run > longest {
				longest = run
			}
		} else {
			run = 0
		}
		if i > 0 {
			wasDigit := b >= 26 && b < 36
			if wasDigit != isDigit {
				turns++
			}
			if b == s {
				repeats++
			}
		}
		hex = hex && (s < 6 || isDigit)
		a, b = b, s
	}
	length := float64(max(n, 1))
	c.given = given
	c.figures = [nameFigures]float64{
		given / (length + 1),
		(made - given) / (length + 1),
		clip(made-given, -30, 60),
		m.fours(label),
		math.Log2(length),
		float64(digits) / length,
		float64(vowels) / length,
		float64(min(longest, 8)),
		float64(min(hyphens, 3)),
		float64(different) / length,
		float64(min(turns, 8)),
		yes(hex),
		worst,
		float64(min(repeats, 3)),
		clip(float64(m.Lengths[min(n, 63)]), -16, 0),
	}
	return c
}

// fours gives the share of runs of four, edges counted, that chosen names have.
func (m *NameModel) fours(label string) float64 {
	if len(label) < 2 {
		return 1
	}
	a, b, c := Edge, Symbol(label[0]), Symbol(label[1])
	all, known := 0, 0
	for i := 2; i <= len(label); i++ {
		d := Edge
		if i < len(label) {
			d = Symbol(label[i])
		}
		g := Gram4(a, b, c, d)
		all++
		if m.Four[g/8]>>(g%8)&1 != 0 {
			known++
		}
		a, b, c = b, c, d
	}
	return float64(known) / float64(all)
}

func clip(x, low, high float64) float64 { return min(max(x, low), high) }

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Name scores one label: the odds, in nats, that a program made it up rather than a
// person. What it is registered under says little of one name, and is left to Set. By itself it accuses nobody: of a hundred thousand names
// that people chose, some look as if nobody had.
func (m *NameModel) Name(label string) float64 {
	c := m.figures(label)
	return m.OfName.Of(c.figures[:])
}

// NameFigures are what the network of names looks at.
func (m *NameModel) NameFigures(label string) []float64 {
	c := m.figures(label)
	return c.figures[:]
}
