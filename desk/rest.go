package desk

import (
	"context"
	"time"
)

const (
	// retryAfter is how long a station waits after a failure.
	retryAfter = time.Second
	// glance is how often a resting station looks at the clock on the wall.
	glance = time.Second
)

// rest waits until a bell rings, a moment comes on the clock on the wall (the zero
// time is none), the time most has passed, or ctx ends. A timer alone would not do:
// it runs by the time that passes, and somebody may set the clock. After a jump of
// the clock it returns too. looked, if set, is told each look at the clock.
func (d *Desk) rest(ctx context.Context, bell <-chan struct{}, until time.Time, most time.Duration, looked func(time.Time)) {
	begun, wall := d.tempo.Passed(), d.Now().Round(0)
	for {
		now := d.Now().Round(0)
		passed := d.tempo.Passed() - begun
		wait := min(most-passed, glance)
		if !until.IsZero() {
			wait = min(wait, until.Sub(now))
		}
		if wait <= 0 || (now.Sub(wall)-passed).Abs() > maxJump {
			return
		}
		if looked != nil {
			looked(now)
		}
		timer := d.tempo.Timer(wait)
		select {
		case <-ctx.Done():
		case <-bell:
		case <-timer.C:
			continue
		}
		timer.Stop()
		return
	}
}
