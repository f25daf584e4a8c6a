package detect

import (
	"math"
	"slices"
)

const (
	// heldStarts is how many of the newest starts are kept in order, so that one
	// that comes late (conn.log is ordered by end) finds its neighbours.
	heldStarts = 24
	// heldGaps is the size of the sample of gaps between starts.
	heldGaps = 48
	// heldSizes is the size of the sample of sizes.
	heldSizes = 24
)

// rhythm holds how one source returns to one endpoint: a uniform sample of the
// gaps between its starts and of the octets it sent. The sample is chosen by a
// hash of the pair and the gap's number, so the same records give the same
// sample. Its size is fixed.
type rhythm struct {
	starts [heldStarts]int64 // ascending
	held   int
	gaps   [heldGaps]float32 // seconds
	nGaps  int               // gaps seen; the first heldGaps are in the sample
	sizes  [heldSizes]float32
	nSizes int
	late   uint32 // starts older than every held one
}

// rhythms hands out rhythms by their place, so that a pair holds no pointer and
// the collector passes over all of them. The zero value is ready.
type rhythms struct {
	blocks []*[rhythmBlock]rhythm
	made   uint32
	freed  []uint32
}

const rhythmBlock = 64

func (r *rhythms) at(place uint32) *rhythm {
	return &r.blocks[(place-1)/rhythmBlock][(place-1)%rhythmBlock]
}

// take gives the place of an empty rhythm, from 1.
func (r *rhythms) take() uint32 {
	if n := len(r.freed); n > 0 {
		place := r.freed[n-1]
		r.freed = r.freed[:n-1]
		*r.at(place) = rhythm{}
		return place
	}
	if r.made%rhythmBlock == 0 {
		r.blocks = append(r.blocks, new([rhythmBlock]rhythm))
	}
	r.made++
	return r.made
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// start adds a connection's start, in microseconds. What falls out of the held
// starts is settled, and gives its gap to the sample.
func (r *rhythm) start(at int64, seed uint64) {
	i := r.held
	for i > 0 && r.starts[i-1] > at {
		i--
	}
	if r.held < heldStarts {
		copy(r.starts[i+1:r.held+1], r.starts[i:r.held])
		r.starts[i] = at
		r.held++
		return
	}
	if i == 0 {
		r.late++
		return
	}
	r.settle(r.starts[1]-r.starts[0], seed)
	copy(r.starts[:i-1], r.starts[1:i])
	r.starts[i-1] = at
}

// settle adds a gap to the sample (Vitter 1985, algorithm R, with a hash for the
// dice).
func (r *rhythm) settle(gap int64, seed uint64) {
	r.nGaps++
	at := r.nGaps - 1
	if r.nGaps > heldGaps {
		at = int(mix(seed+uint64(r.nGaps)*0x9e3779b97f4a7c15) % uint64(r.nGaps))
		if at >= heldGaps {
			return
		}
	}
	r.gaps[at] = float32(float64(gap) / 1e6)
}

// size adds the octets that the source sent in one connection.
func (r *rhythm) size(octets int64, seed uint64) {
	r.nSizes++
	at := r.nSizes - 1
	if r.nSizes > heldSizes {
		at = int(mix(seed^uint64(r.nSizes)*0x9e3779b97f4a7c15) % uint64(r.nSizes))
		if at >= heldSizes {
			return
		}
	}
	r.sizes[at] = float32(octets)
}

// Pulse is how a source returns: the quartiles of the gaps between its starts.
type Pulse struct {
	Gaps   int     // that were seen
	Period float64 // median gap, seconds
	Jitter float64 // half of the distance between the quartiles, seconds
	// Spread is the quartile coefficient of dispersion of the gaps,
	// (Q3-Q1)/(Q3+Q1): 0 for a metronome, 0.17 for a sleep with half of it random,
	// 0.5 for a uniformly random sleep, 0.66 for Poisson arrivals, near 1 for a
	// person who browses.
	Spread float64
	// Near is the share of gaps between half and twice the median.
	Near float64
	// Bursts is the share of gaps left out because they were short against the
	// others: what one wake opens at once.
	Bursts float64
}

// pulse computes the quartiles over the sample and what is still held. A wake may
// open several connections at once: gaps under a twentieth of the upper quartile
// are left out and told as Bursts.
func (r *rhythm) pulse() Pulse {
	var room [heldGaps + heldStarts]float64
	all := room[:0]
	for _, g := range r.gaps[:min(r.nGaps, heldGaps)] {
		all = append(all, float64(g))
	}
	for i := 1; i < r.held; i++ {
		all = append(all, float64(r.starts[i]-r.starts[i-1])/1e6)
	}
	p := Pulse{Gaps: r.nGaps + max(r.held-1, 0), Spread: 1}
	if len(all) < 2 {
		return p
	}
	slices.Sort(all)
	floor := quantile(all, 0.75) / 20
	kept, _ := slices.BinarySearch(all, floor)
	p.Bursts = float64(kept) / float64(len(all))
	all = all[kept:]
	if len(all) < 2 {
		return p
	}
	q1, q3 := quantile(all, 0.25), quantile(all, 0.75)
	p.Period, p.Jitter = quantile(all, 0.5), (q3-q1)/2
	if q1+q3 > 0 {
		p.Spread = (q3 - q1) / (q3 + q1)
	}
	near := 0
	for _, g := range all {
		if g >= p.Period/2 && g <= p.Period*2 {
			near++
		}
	}
	p.Near = float64(near) / float64(len(all))
	return p
}

// constancy is 1 for equal sizes and 0 for sizes as spread as their median, over
// the sample of sizes; low and high are its quartiles. It is 0 for fewer than 4.
func (r *rhythm) constancy() (score, low, high float64) {
	n := min(r.nSizes, heldSizes)
	if n < 4 {
		return 0, 0, 0
	}
	var room [heldSizes]float64
	all := room[:n]
	for i, s := range r.sizes[:n] {
		all[i] = float64(s)
	}
	slices.Sort(all)
	q1, q2, q3 := quantile(all, 0.25), quantile(all, 0.5), quantile(all, 0.75)
	if q2 <= 0 {
		return 0, q1, q3
	}
	return max(0, 1-(q3-q1)/q2), q1, q3
}

// quantile interpolates between the order statistics of sorted values (Hyndman
// and Fan 1996, definition 7). It is 0 for none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	i := int(math.Floor(at))
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
