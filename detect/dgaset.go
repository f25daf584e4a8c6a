package detect

import (
	"math"
	"slices"
	"strings"
)

// setFigures is how many figures a set of names has.
const setFigures = 12

// maxSet is how many names of a set are compared with each other.
const maxSet = 48

// MadeName is one name of a set, split by Label.
type MadeName struct{ Label, Suffix string }

// Set scores names that one host asked for together: the odds, in nats, that one
// program made them up. Beside the names themselves it weighs what a program's names
// share and people's don't: length, suffixes, letters, words. It is for ten names and
// more, and looks at no more than 48, which a hash chooses.
func (m *NameModel) Set(names []MadeName) float64 {
	f := m.setFigures(names)
	return m.OfSet.Of(f[:])
}

func (m *NameModel) setFigures(names []MadeName) (f [setFigures]float64) {
	names = sample(names)
	n := float64(len(names))
	lengths := make([]int, 0, len(names))
	scores := make([]float64, 0, len(names))
	plain, llr, fours, digits, known := 0.0, 0.0, 0.0, 0.0, 0.0
	for _, name := range names {
		c := m.figures(name.Label)
		score := clip(m.OfName.Of(c.figures[:]), -8, 10)
		scores = append(scores, score)
		lengths = append(lengths, min(len(name.Label), 63))
		llr += clip(c.figures[1], -2, 3)
		fours += c.figures[3]
		digits += yes(c.figures[5] > 0)
		known += yes(c.figures[3] > 0.99)
		plain += c.given / float64(len(name.Label)+1)
	}
	slices.Sort(scores)
	mean := 0.0
	for _, s := range scores {
		mean += s / n
	}
	return [setFigures]float64{
		mean,
		scores[len(scores)/4],
		scores[len(scores)/2],
		llr / n,
		fours / n,
		digits/n - (digits/n)*(digits/n), // all or none: one program's
		m.suffixGain(names),
		m.lengthGain(lengths),
		m.repeatGain(names),
		plain / n,
		known / n,
		deviation(lengths),
	}
}

// sample takes maxSet names by their hash, so that nobody outside chooses.
func sample(names []MadeName) []MadeName {
	if len(names) <= maxSet {
		return names
	}
	names = slices.Clone(names)
	slices.SortFunc(names, func(a, b MadeName) int {
		ha, hb := stringHash(a.Label, 0x70636e), stringHash(b.Label, 0x70636e)
		switch {
		case ha < hb:
			return -1
		case ha > hb:
			return 1
		}
		return strings.Compare(a.Label, b.Label)
	})
	return names[:maxSet]
}

// suffixGain tells how much better the suffixes of a set are explained by one
// program that uses a few of them than by what people register: bits a name. The
// program's are a Dirichlet-multinomial (Pólya's urn): each suffix is as likely as
// it was so far.
func (m *NameModel) suffixGain(names []MadeName) float64 {
	const fresh, all = 1.0, 40.0 // weight of a suffix not used so far, and how many there are to begin with
	count := map[string]float64{}
	gain := 0.0
	for i, n := range names {
		urn := (count[n.Suffix] + fresh/all) / (float64(i) + fresh)
		gain += math.Log2(urn) - m.tld(n.Suffix)
		count[n.Suffix]++
	}
	return clip(gain/float64(len(names)), -4, 8)
}

// lengthGain does the same for lengths: a program's are normal around some length,
// people's are as the model has them. Bits a name.
func (m *NameModel) lengthGain(lengths []int) float64 {
	best := math.Inf(-1)
	for _, spread := range [...]float64{0.25, 0.7, 1.2, 2, 3, 5} {
		mean := 0.0
		for _, l := range lengths {
			mean += float64(l) / float64(len(lengths))
		}
		gain := 0.0
		for _, l := range lengths {
			d := (float64(l) - mean) / spread
			p := math.Exp(-d*d/2) / (spread * math.Sqrt(2*math.Pi))
			gain += math.Log2(clip(p, 1e-4, 1)) - clip(float64(m.Lengths[l]), -16, 0)
		}
		best = max(best, gain/float64(len(lengths)))
	}
	return clip(best, -4, 8)
}

func deviation(lengths []int) float64 {
	mean, sum := 0.0, 0.0
	for _, l := range lengths {
		mean += float64(l) / float64(len(lengths))
	}
	for _, l := range lengths {
		sum += (float64(l) - mean) * (float64(l) - mean)
	}
	return min(math.Sqrt(sum/float64(len(lengths))), 12)
}

// repeatGain tells how much of the names the other names of the set foretell: the
// share of runs of four letters that stand in another name too, less those that are
// common in chosen names anyway by the chance that so many letters give.
func (m *NameModel) repeatGain(names []MadeName) float64 {
	in := map[string]int{} // names that have the run
	all := 0
	for _, n := range names {
		mine := map[string]bool{}
		for i := 0; i+4 <= len(n.Label); i++ {
			mine[n.Label[i:i+4]] = true
		}
		for g := range mine {
			in[g]++
		}
		all += len(mine)
	}
	shared := 0
	for _, n := range in {
		if n > 1 {
			shared += n
		}
	}
	if all == 0 {
		return 0
	}
	return float64(shared) / float64(all)
}

// SetFigures are what the network of sets looks at.
func (m *NameModel) SetFigures(names []MadeName) []float64 {
	f := m.setFigures(names)
	return f[:]
}
