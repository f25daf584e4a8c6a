package watch

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// life is a random one: looks good and bad, clocks that are set, kills, people who
// acknowledge, deliveries that work or don't.
type life struct {
	state   State
	wall    time.Duration
	lived   time.Duration
	restart bool
	counted time.Duration // what a watcher can know of the time that passed
	beats   Heartbeat
}

func asJSON(t *rapid.T, v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// step takes a random step and checks what holds for each.
func (l *life) step(t *rapid.T) []Call {
	elapsed := rapid.SampledFrom([]time.Duration{time.Second, 20 * time.Second, 21 * time.Second, 5 * time.Minute}).Draw(t, "elapsed")
	l.lived += elapsed
	switch rapid.IntRange(0, 30).Draw(t, "turn") {
	case 0:
		l.wall += time.Duration(rapid.Int64Range(-7200, 7200).Draw(t, "set")) * time.Second
	case 1, 2:
		l.restart = true
	case 3:
		l.state, _ = Acknowledge(l.state, "somebody", "")
	}
	now := begin.Add(l.lived + l.wall)
	m := Moment{now, elapsed}
	if l.restart {
		m.Elapsed, l.restart = -1, false
		if elapsed = 0; !l.state.At.IsZero() {
			elapsed = max(0, now.Sub(l.state.At))
		}
	}
	l.counted += elapsed
	news := News{Platform: site, Fault: NoAnswer}
	switch rapid.IntRange(0, 9).Draw(t, "look") {
	case 0, 1:
		b := l.beats
		b.Now = begin.Add(l.lived)
		b.Watched = b.Now
		news = News{Platform: site, Beat: &b, Sent: now, Answered: now}
	case 2:
		b := l.beats
		b.Now, b.Watched = begin.Add(l.lived), begin
		news = News{Platform: site, Beat: &b, Sent: now, Answered: now}
	case 3:
		news.Fault = KeyRefused
	case 4:
		news = News{Platform: "https://other.example", Fault: NoAnswer}
	}
	before := asJSON(t, l.state)
	next, calls := Step(l.state, rules, m, news)
	if after := asJSON(t, l.state); after != before {
		t.Fatalf("the old state was changed:\n%s", cmp.Diff(before, after))
	}
	// The same from what is on disk.
	var read State
	if err := json.Unmarshal([]byte(before), &read); err != nil {
		t.Fatal(err)
	}
	again, callsAgain := Step(read, rules, m, news)
	if a, b := asJSON(t, next), asJSON(t, again); a != b || asJSON(t, calls) != asJSON(t, callsAgain) {
		t.Fatalf("from disk it goes on otherwise:\n%s", cmp.Diff(a, b))
	}
	l.state = next
	for _, c := range calls {
		var failure error
		if rapid.Bool().Draw(t, "lost") {
			failure = fmt.Errorf("lost")
		}
		l.state = Delivered(l.state, c.ID, "duty", next.Moment, failure)
	}
	return calls
}

func TestNobodyIsCalledTwiceForOneFact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &life{beats: Heartbeat{Instance: "log_1", Started: begin.Add(-time.Hour)}}
		for i := range rapid.IntRange(0, 5).Draw(t, "duties") {
			l.beats.Due = append(l.beats.Due, due(string(rune('a'+i)), time.Duration(i*20)*time.Minute))
		}
		ids := map[string]bool{}
		told := map[string]int{} // how often a duty was new in this silence
		var last time.Duration   // of the newest call about silence
		silent := false
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			for _, c := range l.step(t) {
				if ids[c.ID] {
					t.Fatalf("two calls are named %s", c.ID)
				}
				ids[c.ID] = true
				switch c.Kind {
				case KindClock:
					continue
				case KindBack:
					silent, told = false, map[string]int{}
					continue
				}
				isNew := false
				for _, d := range c.Due {
					if d.New {
						isNew = true
						if told[d.key()]++; told[d.key()] > len(rules.Before)+1 {
							t.Fatalf("%s is new for the %dth time", d.Duty, told[d.key()])
						}
					}
				}
				if silent && !isNew && l.counted-last < rules.Repeat {
					t.Fatalf("repeated after %v", l.counted-last)
				}
				if silent && !isNew && c.Kind != KindSilent {
					t.Fatalf("a call of kind %s without anything new", c.Kind)
				}
				silent, last = true, l.counted
			}
		}
	})
}

// TestSilenceIsAlwaysTold: however the clock is set and the process killed, a
// platform that is down long enough by real time is told, and repeated.
func TestSilenceIsAlwaysTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &life{beats: Heartbeat{Instance: "log_1", Started: begin.Add(-time.Hour)}}
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			l.step(t)
		}
		l.beats.Due = nil
		// Now it is down, and looked at each 20 s by a process that lives.
		calls := 0
		quiet := time.Duration(0)
		for range 400 {
			quiet += 20 * time.Second
			l.lived += 20 * time.Second
			if rapid.IntRange(0, 40).Draw(t, "set") == 0 {
				l.wall -= time.Duration(rapid.Int64Range(0, 7200).Draw(t, "back")) * time.Second
			}
			var made []Call
			l.state, made = Step(l.state, rules, Moment{begin.Add(l.lived + l.wall), 20 * time.Second}, News{Platform: site, Fault: NoAnswer})
			calls += len(made)
			if len(made) > 0 {
				quiet = 0
			}
			if limit := rules.Repeat + 20*time.Second; quiet > limit && l.state.Platforms[site].Acknowledged == "" {
				t.Fatalf("nobody was called for %v", quiet)
			}
			if l.state.Platforms[site].Acknowledged != "" {
				quiet = 0
			}
		}
	})
}
