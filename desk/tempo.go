package desk

import "time"

// A Tempo is how time passes for stations that wait. Now says what the clock on the
// wall shows, and somebody may set that; a tempo is steady. For a platform it is the
// machine's. A demonstration plays days in minutes, and its stations must wake by the
// story's time and not take that for a clock that jumps.
type Tempo interface {
	// Passed is how much time went by since some moment.
	Passed() time.Duration
	// Timer gives a timer that fires once so much time went by, or sooner: whoever
	// waits looks again.
	Timer(d time.Duration) *time.Timer
}

// machine is the tempo of the machine: time since its desk was opened.
type machine struct{ opened time.Time }

func (m machine) Passed() time.Duration           { return time.Since(m.opened) }
func (machine) Timer(d time.Duration) *time.Timer { return time.NewTimer(d) }
