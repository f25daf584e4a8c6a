package demo

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := opening
		c := NewClock(at)
		want := func(name string, want time.Duration) {
			t.Helper()
			if got := c.Now().Sub(at); (got - want).Abs() > time.Millisecond {
				t.Errorf("%s: the clock moved by %v, want %v", name, got, want)
			}
		}
		time.Sleep(time.Hour)
		want("a new one stands", 0)
		c.RunTo(at.Add(2*time.Hour), 10*time.Second)
		time.Sleep(5 * time.Second)
		want("half of the way", time.Hour)
		if speed, until := c.Speed(); speed != 720 || !until.Equal(at.Add(2*time.Hour)) {
			t.Errorf("it goes at %v until %v", speed, until)
		}
		time.Sleep(5 * time.Second)
		want("there", 2*time.Hour)
		time.Sleep(time.Minute)
		want("and on as clocks do", 2*time.Hour+time.Minute)
		c.Hold()
		time.Sleep(time.Hour)
		want("held", 2*time.Hour+time.Minute)
		c.RunTo(at, time.Second)
		time.Sleep(time.Second)
		want("to a moment that has passed: on, and never back", 2*time.Hour+time.Minute+time.Second)
		if got := c.Passed(); got != c.Now().Sub(at) {
			t.Errorf("%v passed, want what the clock shows", got)
		}
	})
}

// A station that waits for a moment of the story wakes when it came, and looks again
// soon enough to notice that the speed changed.
func TestClockTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			name       string
			set        func(*Clock)
			wait, want time.Duration
		}{
			{"held", func(*Clock) {}, time.Millisecond, glance},
			{"as fast as life", func(c *Clock) { c.RunTo(opening, 0) }, time.Millisecond, time.Millisecond},
			{"an hour a second", func(c *Clock) { c.RunTo(opening.Add(10*time.Hour), 10*time.Second) }, 36 * time.Second, 10 * time.Millisecond},
			{"longer than a glance", func(c *Clock) { c.RunTo(opening.Add(10*time.Hour), 10*time.Second) }, time.Hour, glance},
		} {
			clock := NewClock(opening)
			c.set(clock)
			begun := time.Now()
			<-clock.Timer(c.wait).C
			if got := time.Since(begun); got != c.want {
				t.Errorf("%s: woke after %v, want %v", c.name, got, c.want)
			}
		}
	})
}
