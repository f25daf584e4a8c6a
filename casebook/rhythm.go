package casebook

import (
	"slices"
	"time"
)

// The measures of a rhythm: arrivals this close are one occasion; so many gaps between
// occasions tell what is usual; so many times the usual gap is silence.
const (
	rhythmOnce   = time.Minute
	rhythmGaps   = 3
	rhythmSilent = 3
)

// Rhythm tells the usual gap between arrivals: the median of the gaps between occasions.
// It is zero where there were too few of them to tell. arrivals need no order.
func Rhythm(arrivals []time.Time) time.Duration {
	all := slices.SortedFunc(slices.Values(arrivals), time.Time.Compare)
	var gaps []time.Duration
	for i := 1; i < len(all); i++ {
		if gap := all[i].Sub(all[i-1]); gap > rhythmOnce {
			gaps = append(gaps, gap)
		}
	}
	if len(gaps) < rhythmGaps {
		return 0
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

// Silent reports whether what usually comes at a gap has been missing for longer than
// chance: over three times as long. Of what has no rhythm nobody can say.
func Silent(usual, age time.Duration) bool { return usual > 0 && age > rhythmSilent*usual }
