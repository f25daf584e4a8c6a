package regime

import (
	"slices"
	"time"
)

// SameCause counts the incidents with one apparent root cause that fall within six
// months ending with the newest of them: the fact same_cause_6_months, by which
// what is small alone becomes one reportable incident (2024/2690 art. 4, DORA).
// moments are when each began; their order doesn't matter.
func SameCause(moments []time.Time) int64 {
	if len(moments) == 0 {
		return 0
	}
	newest := slices.MaxFunc(moments, time.Time.Compare)
	first := monthLater(dayOf(newest, time.UTC), -6)
	var n int64
	for _, m := range moments {
		if !dayOf(m, time.UTC).Before(first) {
			n++
		}
	}
	return n
}
