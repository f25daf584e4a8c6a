package watch

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const site = "https://tocsin.example"

var (
	begin = time.Date(2026, 2, 16, 14, 0, 0, 0, time.UTC)
	rules = Rules{Platforms: []string{site}, Contacts: []string{"duty"}, Silence: 90 * time.Second, Repeat: 10 * time.Minute,
		Before: []time.Duration{30 * time.Minute, 10 * time.Minute}}
)

// due makes a due moment so long after the beginning.
func due(id string, after time.Duration) Due {
	return Due{Duty: id, Incident: "inc_1", Party: "Example Telecom", Regime: "cn-cac-2025", Stage: "initial", Article: "art. 4", Due: begin.Add(after), Zone: "Asia/Shanghai", State: "open"}
}

// A play is a platform and its watcher on a stage where time is a number. It notes
// each call as a line: when, kind, number, and the new due moments in it.
type play struct {
	t     *testing.T
	rules Rules
	state State
	every time.Duration
	life  time.Duration // since the beginning, by a clock that nobody sets
	wall  time.Duration // what is added to it on the watcher's clock
	fresh bool          // the process was just started

	instance string
	due      []Due
	stalled  time.Duration // when its watch loop stopped; 0: it runs
	wrong    time.Duration // what is added on its clock
	own      time.Duration // what it says of its clock

	lines []string
	calls []Call
}

func newPlay(t *testing.T) *play {
	return &play{t: t, rules: rules, every: 20 * time.Second, fresh: true, instance: "log_1"}
}

func (p *play) now() time.Time { return begin.Add(p.life + p.wall) }

func (p *play) beat() News {
	at := begin.Add(p.life + p.wrong)
	watched := at.Add(-time.Second)
	if p.stalled > 0 {
		watched = begin.Add(p.stalled)
	}
	b := Heartbeat{Instance: p.instance, Now: at, Started: begin.Add(-time.Hour), Watched: watched, Open: len(p.due), Due: p.due, ClockKnown: true, ClockOffset: p.own}
	return News{Platform: site, Beat: &b, Sent: p.now(), Answered: p.now()}
}

func down(f Fault) News { return News{Platform: site, Fault: f, Detail: "said so"} }

// look lets one look happen after the usual time.
func (p *play) look(n func() News) {
	p.life += p.every
	m := Moment{Now: p.now(), Elapsed: p.every}
	if p.fresh {
		m.Elapsed, p.fresh = -1, false
	}
	var calls []Call
	p.state, calls = Step(p.state, p.rules, m, n())
	for _, c := range calls {
		line := fmt.Sprintf("%v %s %d", p.life, c.Kind, c.Number)
		for _, d := range c.Due {
			if d.New || c.Kind == KindBack {
				line += " " + d.Duty
			}
		}
		p.lines, p.calls = append(p.lines, line), append(p.calls, c)
	}
}

func (p *play) up(span time.Duration) {
	for end := p.life + span; p.life < end; {
		p.look(p.beat)
	}
}

func (p *play) down(f Fault, span time.Duration) {
	for end := p.life + span; p.life < end; {
		p.look(func() News { return down(f) })
	}
}

// restart ends the watcher and starts it again after a while, from what is on disk.
func (p *play) restart(after time.Duration) {
	text, err := json.Marshal(p.state)
	if err != nil {
		p.t.Fatal(err)
	}
	p.state = State{}
	if err := json.Unmarshal(text, &p.state); err != nil {
		p.t.Fatal(err)
	}
	p.life += after
	p.fresh = true
}

const minute, hour = time.Minute, time.Hour

func TestStep(t *testing.T) {
	for _, c := range []struct {
		name string
		act  func(p *play)
		want string // the lines, with a comma between
	}{
		{"a platform that lives wakes nobody", func(p *play) { p.due = []Due{due("a", 5*minute)}; p.up(24 * hour) }, ""},
		{"a lost packet wakes nobody", func(p *play) { p.up(hour); p.down(NoAnswer, 20*time.Second); p.up(hour) }, ""},
		{"80 seconds wake nobody", func(p *play) { p.up(hour); p.down(NoAnswer, 80*time.Second); p.up(hour) }, ""},
		{"a stop is told within three minutes, again each ten, and when it is over", func(p *play) {
			p.up(minute)
			p.down(NoAnswer, 22*minute)
			p.up(5 * minute)
		}, "2m40s silent 1, 12m40s silent 2, 22m40s silent 3, 23m40s back 4"},
		{"a wrong answer is as good as none", func(p *play) { p.up(minute); p.down(WrongAnswer, 3*minute) }, "2m40s silent 1"},
		{"a refused key needs no waiting", func(p *play) { p.up(minute); p.down(KeyRefused, 3*minute) }, "1m40s silent 1"},
		{"nor does a certificate", func(p *play) { p.up(minute); p.down(CertificateRefused, 3*minute) }, "1m40s silent 1"},
		{"a platform that never answered", func(p *play) { p.down(NoAnswer, 3*minute); p.up(minute) }, "2m0s silent 1, 3m40s back 2"},
		{"its watch loop stops while it answers", func(p *play) {
			p.up(10 * minute)
			p.stalled = p.life
			p.up(12 * minute)
			p.stalled = 0
			p.up(minute)
		}, "12m0s silent 1, 22m0s silent 2, 22m40s back 3"},
		{"its watch loop and its clock stop", func(p *play) {
			p.up(10 * minute)
			p.stalled = p.life
			for range 12 {
				p.wrong -= p.every
				p.look(p.beat)
			}
		}, "10m40s clock 1, 12m20s silent 1"},
		{"another platform answers in its place", func(p *play) {
			p.up(minute)
			p.instance = "log_2"
			p.up(3 * minute)
			p.instance = "log_1"
			p.up(minute)
		},
			"2m40s silent 1, 4m40s back 2"},
		{"due moments that come while it is silent: twice ahead, once when past", func(p *play) {
			p.rules.Repeat = 24 * hour
			p.due = []Due{due("a", hour), due("b", hour), due("c", 25*hour)}
			p.up(minute)
			p.down(NoAnswer, 70*minute)
			p.up(2 * minute)
		}, "2m40s silent 1, 30m0s due_soon 2 a b, 50m0s due_soon 3 a b, 1h0m20s due_passed 4 a b, 1h11m40s back 5 a b"},
		{"the due moment's own second is on time", func(p *play) {
			p.rules.Before, p.rules.Repeat = nil, 24*hour
			p.due = []Due{due("a", 10*minute), due("b", 10*minute-time.Microsecond)}
			p.down(NoAnswer, 0)
			p.up(minute)
			p.down(NoAnswer, 9*minute)
		}, "2m40s silent 1, 10m0s due_passed 2 b"},
		{"a moment that passed between the stop and the first call is in that", func(p *play) {
			p.due = []Due{due("before", 30*time.Second), due("a", 2*minute)}
			p.up(minute)
			p.down(NoAnswer, 4*minute)
			p.up(minute)
		}, "2m40s silent 1 a, 5m40s back 2 a"},
		{"a moment that passed between the last bad look and the first good one", func(p *play) {
			p.due, p.rules.Before = []Due{due("a", 250*time.Second)}, nil
			p.up(minute)
			p.down(NoAnswer, 3*minute)
			p.due = nil
			p.up(minute)
		}, "2m40s silent 1, 4m40s back 2 a"},
		{"what is met while the loop stands still isn't called", func(p *play) {
			p.due = []Due{due("a", hour), due("b", hour)}
			p.rules.Repeat = 24 * hour
			p.up(minute)
			p.stalled = p.life
			p.up(40 * minute)
			p.due = p.due[1:]
			p.up(30 * minute)
		}, "3m0s silent 1, 30m0s due_soon 2 a b, 50m0s due_soon 3 b, 1h0m20s due_passed 4 b"},
		{"a moment that is moved is another moment", func(p *play) {
			p.due, p.rules.Before, p.rules.Repeat = []Due{due("a", 10*minute)}, nil, 24*hour
			p.up(minute)
			p.stalled = p.life
			p.up(10 * minute)
			p.due = []Due{due("a", 20*minute)}
			p.up(10 * minute)
		}, "3m0s silent 1, 10m20s due_passed 2 a, 20m20s due_passed 3 a"},
		{"an acknowledgement ends the repeats until something is new", func(p *play) {
			p.due = []Due{due("a", 2*hour)}
			p.up(minute)
			p.down(NoAnswer, 3*minute)
			p.state, _ = Acknowledge(p.state, "Li Wei", "")
			p.down(NoAnswer, 90*minute)
		}, "2m40s silent 1, 1h30m0s due_soon 2 a"},
		{"and nobody's answer is repeated", func(p *play) {
			p.up(minute)
			p.down(NoAnswer, 3*minute)
			p.state, _ = Acknowledge(p.state, "Li Wei", "https://other.example")
			p.down(NoAnswer, 10*minute)
		}, "2m40s silent 1, 12m40s silent 2"},
		{"one good answer among bad ones isn't its return", func(p *play) {
			p.up(minute)
			p.down(NoAnswer, 3*minute)
			p.look(p.beat)
			p.down(NoAnswer, 5*minute)
			p.look(p.beat)
			p.look(p.beat)
		}, "2m40s silent 1, 10m0s back 2"},
		{"the watcher's clock is set back by an hour", func(p *play) {
			p.due = []Due{due("a", 20*minute)}
			p.up(minute)
			p.down(NoAnswer, 2*minute)
			p.wall = -hour
			p.down(NoAnswer, 20*minute)
			p.up(minute)
		}, "2m40s silent 1 a, 10m0s due_soon 2 a, 20m0s silent 3, 20m20s due_passed 4 a, 23m40s clock 1, 23m40s back 5 a"},
		{"it is set back before the stop", func(p *play) {
			p.up(hour)
			p.wall = -hour
			p.down(NoAnswer, 3*minute)
		}, "1h1m40s silent 1"},
		{"it is set back while the watcher is down", func(p *play) {
			p.due = []Due{due("a", 40*minute)}
			p.up(minute)
			p.down(NoAnswer, 3*minute)
			p.wall = -hour
			p.restart(minute)
			p.down(NoAnswer, 20*minute)
		}, "2m40s silent 1, 11m20s due_soon 2 a, 21m20s silent 3"},
		{"killed and restarted while it is silent, it calls nobody twice", func(p *play) {
			p.due = []Due{due("a", 2*hour)}
			p.up(minute)
			for range 30 {
				p.down(NoAnswer, 20*time.Second)
				p.restart(time.Second)
			}
		}, "2m44s silent 1"},
		{"nor forgets what it was told", func(p *play) {
			p.due = []Due{due("a", hour)}
			p.up(minute)
			p.down(NoAnswer, 3*minute)
			p.restart(2 * hour)
			p.down(NoAnswer, minute)
		}, "2m40s silent 1, 2h4m20s due_passed 2 a"},
		{"a stop while the watcher was down itself takes two looks to tell", func(p *play) {
			p.up(minute)
			p.restart(3 * hour)
			p.down(NoAnswer, minute)
		}, "3h1m40s silent 1"},
		{"a start on a good platform after a long time tells nothing", func(p *play) { p.up(minute); p.restart(3 * hour); p.up(minute) }, ""},
		{"clocks that differ are told once in six hours", func(p *play) { p.wrong = 1500 * time.Millisecond; p.up(13 * hour) },
			"40s clock 1, 6h0m40s clock 1, 12h0m40s clock 1"},
		{"a second of difference isn't told", func(p *play) { p.wrong = -time.Second; p.up(hour) }, ""},
		{"nor is one bad reading", func(p *play) { p.up(minute); p.wrong = 5 * time.Second; p.look(p.beat); p.wrong = 0; p.up(hour) }, ""},
		{"a long way to the platform isn't a difference", func(p *play) {
			for range 100 {
				p.look(func() News {
					n := p.beat()
					n.Sent, n.Answered = n.Sent.Add(-4*time.Second), n.Answered.Add(time.Second)
					return n // the middle is 1.5 s ago, give or take 2.5 s
				})
			}
		}, ""},
		{"a difference told before the watcher's clock was set back by ten hours", func(p *play) { p.wall = 10 * hour; p.up(hour); p.wall = -10 * time.Second; p.up(7 * hour) },
			"40s clock 1, 7h0m20s clock 1"},
		{"a platform that knows that its clock is off", func(p *play) { p.own = 3 * time.Second; p.up(hour) }, "40s clock 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlay(t)
			c.act(p)
			if got := strings.Join(p.lines, ", "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestTheFirstCallIsSoonEnough(t *testing.T) {
	// Whenever in the round of looks the platform stops, and whatever its end looks
	// like, the call leaves within Latest.
	for _, f := range []Fault{NoAnswer, WrongAnswer, KeyRefused, Stale} {
		for at := time.Duration(0); at < 40*time.Second; at += time.Second {
			p := newPlay(t)
			p.up(10 * minute)
			stop := p.life - 40*time.Second + at
			p.life -= 40 * time.Second
			for len(p.calls) == 0 && p.life < hour {
				p.look(func() News {
					switch {
					case p.life <= stop:
						return p.beat()
					case f == Stale:
						p.stalled = stop
						return p.beat()
					}
					return down(f)
				})
			}
			if took := p.life - stop; took > p.rules.Latest(p.every) || p.rules.Latest(p.every)+30*time.Second > 3*time.Minute {
				t.Errorf("%s: a stop %v after a look is told %v later; Latest says %v", f, at, took, p.rules.Latest(p.every))
			}
		}
	}
}

func TestACallSaysWhatWasLastTold(t *testing.T) {
	p := newPlay(t)
	p.due = []Due{due("a", 2*minute), due("b", hour)}
	p.up(minute)
	p.down(NoAnswer, 2*minute)
	c := p.calls[0]
	want := Call{ID: c.ID, Kind: KindSilent, Platform: site, Instance: "log_1", At: begin.Add(160 * time.Second), Number: 1, Heard: begin.Add(time.Minute),
		Silent: 101 * time.Second, Fault: NoAnswer, Detail: "said so", Repeat: 10 * minute, Open: 2,
		Due: []CallDue{{Due: p.due[0], Passed: true, New: true}, {Due: p.due[1]}}, To: map[string]Delivery{"duty": {}}}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatPassedIsToldWithItsStateNow(t *testing.T) {
	p := newPlay(t)
	p.due = []Due{due("a", 2*minute), due("b", 3*minute), due("c", 5*hour)}
	p.up(minute)
	p.down(NoAnswer, 4*minute)
	missed := due("b", 3*minute)
	missed.State = "missed"
	p.due = []Due{missed, due("c", 5*hour)}
	p.up(minute)
	var got []string
	for _, d := range p.calls[len(p.calls)-1].Due {
		got = append(got, d.Duty+" "+d.State)
	}
	if diff := cmp.Diff([]string{"a ", "b missed"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTwoPlatformsAreTwo(t *testing.T) {
	r := rules
	r.Platforms = []string{"https://one.example", "https://two.example"}
	var s State
	var lines []string
	for i := range 20 {
		now := begin.Add(time.Duration(i) * 20 * time.Second)
		var calls []Call
		s, calls = Step(s, r, Moment{now, 20 * time.Second}, News{Platform: r.Platforms[0], Fault: NoAnswer},
			News{Platform: r.Platforms[1], Beat: &Heartbeat{Instance: "log_2", Now: now, Started: begin, Watched: now}, Sent: now, Answered: now})
		for _, c := range calls {
			lines = append(lines, fmt.Sprint(c.Platform, " ", c.Kind))
		}
	}
	if diff := cmp.Diff([]string{"https://one.example silent"}, lines); diff != "" {
		t.Error(diff)
	}
	r.Platforms = r.Platforms[1:]
	if s, _ = Step(s, r, Moment{begin.Add(hour), -1}); len(s.Platforms) != 1 || s.anySilent() || len(s.Calls) > 0 {
		t.Errorf("a platform that is no longer watched is kept: %+v", s)
	}
}
