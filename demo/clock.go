package demo

import (
	"context"
	"sync"
	"time"

	"tocsin/casebook"
)

// glance is how long a waiting station may take to see that the story's speed changed.
const glance = 50 * time.Millisecond

// Clock is the story's clock. It runs at a speed up to a moment, and from there on as
// clocks do; it never goes back. The platform's stamps and its stations' waiting follow
// it. It may be used by several goroutines.
type Clock struct {
	began time.Time

	mu    sync.Mutex
	real  time.Time // when it was set last
	story time.Time // what it showed then
	speed float64   // seconds of the story in one, up to until
	until time.Time
	held  bool
}

// NewClock gives a clock that shows a moment and stands.
func NewClock(at time.Time) *Clock {
	return &Clock{began: at, real: time.Now(), story: at, speed: 1, held: true}
}

// Now is the moment in the story.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now(time.Now())
}

func (c *Clock) now(real time.Time) time.Time {
	passed := real.Sub(c.real)
	if c.held || passed <= 0 {
		return c.story
	}
	if c.story.Before(c.until) {
		quick := time.Duration(float64(c.until.Sub(c.story)) / c.speed) // how long it runs at its speed
		if passed < quick {
			return c.story.Add(time.Duration(float64(passed) * c.speed))
		}
		return c.until.Add(passed - quick)
	}
	return c.story.Add(passed)
}

// Speed is how many seconds of the story pass in one now, and up to which moment; the
// zero time is for as long as nobody sets the clock.
func (c *Clock) Speed() (speed float64, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now(time.Now())
	if !c.held && now.Before(c.until) {
		until = c.until
	}
	return c.pace(now), until
}

func (c *Clock) pace(now time.Time) float64 {
	switch {
	case c.held:
		return 0
	case now.Before(c.until):
		return c.speed
	}
	return 1
}

// RunTo lets the clock reach a moment within so much time, and go on as clocks do.
func (c *Clock) RunTo(until time.Time, within time.Duration) {
	c.set(func(now time.Time) {
		c.held, c.until = false, until
		c.speed = max(1, float64(until.Sub(now))/float64(max(within, time.Millisecond)))
	})
}

// Hold stops the clock until the next RunTo.
func (c *Clock) Hold() { c.set(func(time.Time) { c.held = true }) }

func (c *Clock) set(change func(now time.Time)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	real := time.Now()
	c.story, c.real = c.now(real), real
	change(c.story)
}

// Passed implements desk.Tempo: all of the story's time is time that passed.
func (c *Clock) Passed() time.Duration { return c.Now().Sub(c.began) }

// Timer implements desk.Tempo.
func (c *Clock) Timer(d time.Duration) *time.Timer {
	c.mu.Lock()
	speed := c.pace(c.now(time.Now()))
	c.mu.Unlock()
	if speed > 0 && d < time.Duration(float64(glance)*speed) {
		return time.NewTimer(time.Duration(float64(d) / speed))
	}
	return time.NewTimer(glance)
}

// State says how far the clock is off: by nothing, because the story has no other.
func (c *Clock) State(context.Context) (casebook.ClockState, error) {
	return casebook.ClockState{Known: true, Source: "the story's own clock"}, nil
}
