package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tocsin/casebook"
	"tocsin/web"
)

// An act is one step of the story: at a moment somebody does something, or something
// comes by itself.
type act struct {
	name    string // of its words
	at      time.Time
	who     string        // account; "": nobody's act
	page    string        // that shows it
	gap     time.Duration // how long the way there takes a reader
	read    time.Duration // how long a reader has before it is done
	errands []errand      // what arrives on the way
	do      func(context.Context, *cast) error
	// done reports whether it is done, by the story or by the viewer; nil: once it was.
	done func(context.Context, *cast) (bool, error)
}

// An errand is what feeds hand in at a moment between two acts.
type errand struct {
	at    time.Time
	files func(g *generator, at time.Time) []delivery
}

const (
	// patience is how long the story waits for what must come by itself.
	patience = 20 * time.Second
	// look is how often it looks whether it came, or the viewer acted.
	look = 200 * time.Millisecond
	// hurry is how long a way takes that the viewer steps over.
	hurry = 300 * time.Millisecond
)

// paces are how fast the story can be told; ordinary is where it begins.
var paces = []float64{0.5, 1, 2, 4, 8}

const ordinary = 1

// event is something that happened.
type event struct {
	at    time.Time
	act   act
	words []string // the figures as they were
	page  string
	mine  bool // the viewer did it
}

// player plays a story, and tells the guide's pages where it stands.
type player struct {
	country *Country
	cast    *cast
	instant bool // nobody reads along

	mu     sync.Mutex
	acts   []act
	now    int
	state  string
	paused bool
	pace   int // in paces
	step   bool
	past   []event
	fault  string
}

// newPlayer gives a player that tells at a pace, 0 as fast as the machine can.
func newPlayer(n *Country, pace float64) *player {
	p := &player{country: n, cast: newCast(n), state: "settling", pace: ordinary, instant: pace == 0}
	if i := slices.Index(paces, pace); i >= 0 {
		p.pace = i
	}
	return p
}

// play plays the acts one after another.
func (p *player) play(ctx context.Context, acts []act) error {
	p.mu.Lock()
	p.acts, p.state = acts, "playing"
	p.mu.Unlock()
	for i := range acts {
		p.mu.Lock()
		p.now, p.step = i, false
		p.mu.Unlock()
		if err := p.act(ctx, acts[i]); err != nil {
			return p.end(ctx, fmt.Errorf("%s: %w", acts[i].name, err))
		}
	}
	return p.end(ctx, nil)
}

func (p *player) end(ctx context.Context, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = "ended"
	if err != nil && ctx.Err() == nil {
		p.state, p.fault = "failed", err.Error()
	}
	return err
}

// act goes to the moment of an act, lets the viewer read and perhaps do it, and sees to
// it that it is done.
func (p *player) act(ctx context.Context, a act) error {
	mine, err := p.approach(ctx, a)
	if err != nil {
		return err
	}
	if !mine && a.do != nil {
		// Somebody may have been faster by a moment: then it is done, and that is that.
		if err := a.do(ctx, p.cast); err != nil && !isConflict(err) {
			return err
		}
	}
	if err := p.wait(ctx, a); err != nil {
		return err
	}
	p.mu.Lock()
	p.past = append(p.past, event{p.country.clock.Now(), a, p.cast.told(), p.cast.page(a.page), mine})
	p.mu.Unlock()
	return nil
}

// approach runs the clock to an act, with what arrives on the way, and waits while the
// viewer reads. It reports true as soon as the viewer did the act.
func (p *player) approach(ctx context.Context, a act) (mine bool, err error) {
	leg := a.gap / time.Duration(len(a.errands)+1)
	for _, e := range a.errands {
		if err := p.run(ctx, e.at, leg, nil); err != nil {
			return false, err
		}
		if err := p.cast.deliver(ctx, e.files(p.country.rows, e.at)...); err != nil {
			return false, err
		}
	}
	did := func() (bool, error) { return false, nil }
	if a.who != "" && a.done != nil {
		did = func() (bool, error) { mine, err = a.done(ctx, p.cast); return mine, err }
	}
	if err := p.run(ctx, a.at, leg, did); err != nil || mine {
		return mine, err
	}
	return mine, p.run(ctx, a.at, a.read, did)
}

// run takes the clock to a moment within so much of a reader's time, and stays until
// that is over: longer while the viewer holds the story, less where they step on. It
// returns early when stop says so.
func (p *player) run(ctx context.Context, until time.Time, left time.Duration, stop func() (bool, error)) error {
	clock := p.country.clock
	for last := time.Now(); left > 0 || clock.Now().Before(until); {
		pace, held := p.told()
		if pace == 0 {
			left = min(left, hurry/10)
			pace = 1
		}
		if held {
			clock.Hold()
		} else {
			clock.RunTo(until, time.Duration(float64(max(left, time.Millisecond))/pace))
		}
		if err := pause(ctx, min(look, time.Duration(float64(max(left, time.Millisecond))/pace))); err != nil {
			return err
		}
		if stop != nil {
			if over, err := stop(); err != nil || over {
				return err
			}
		}
		now := time.Now()
		if !held {
			left -= time.Duration(float64(now.Sub(last)) * pace)
		}
		last = now
	}
	return nil
}

// told gives the pace, 0 for as fast as can be, and whether the viewer holds the story.
func (p *player) told() (pace float64, held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.step, p.instant:
		return 0, false
	case p.paused:
		return 1, true
	}
	return paces[p.pace], false
}

// wait waits until an act is done.
func (p *player) wait(ctx context.Context, a act) error {
	if a.done == nil {
		return nil
	}
	p.country.clock.RunTo(p.country.clock.Now(), 0)
	for begun := time.Now(); ; {
		done, err := a.done(ctx, p.cast)
		if err != nil || done {
			return err
		}
		if time.Since(begun) > patience {
			return fmt.Errorf("it didn't come within %v", patience)
		}
		if err := pause(ctx, look/4); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func isConflict(err error) bool {
	r, ok := errors.AsType[*refused](err)
	return ok && r.Status == 409
}

// Steer implements web.Guide.
func (p *player) Steer(order string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch order {
	case "pause":
		p.paused = true
	case "go_on":
		p.paused = false
	case "step":
		p.step = true
	case "slower":
		p.pace = max(0, p.pace-1)
	case "faster":
		p.pace = min(len(paces)-1, p.pace+1)
	default:
		return fmt.Errorf("%.40q is nothing that a story can do: %w", order, casebook.ErrInvalid)
	}
	return nil
}

// Password implements web.Guide.
func (p *player) Password(account string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.country.staff[account]
	if one == nil || p.state == "settling" {
		return "", false // not yet hired
	}
	return one.password, true
}

// maxShown bounds how many letters and lines a scene has.
const maxShown = 60

// Scene implements web.Guide.
func (p *player) Scene(language string) web.Scene {
	w := wordsIn(language)
	p.mu.Lock()
	defer p.mu.Unlock()
	s := web.Scene{State: p.state, At: p.country.clock.Now(), Zone: zone, Pace: fmt.Sprintf("×%g", paces[p.pace]), Fault: p.fault}
	s.Speed, s.Until = p.country.clock.Speed()
	if s.State == "playing" && p.paused && !p.step {
		s.State = "paused"
	}
	for _, one := range people {
		s.Seats = append(s.Seats, one.seat(language))
	}
	for i, e := range slices.Backward(p.past) {
		if len(p.past)-i > maxShown {
			break
		}
		line := web.SceneLine{At: e.at, Text: w.say(e.act.name+".done", e.words...), Page: e.page, Who: p.seat(e.act.who, language)}
		if e.mine {
			line.Text += " " + w.say("by_you")
		}
		s.Past = append(s.Past, line)
	}
	letters := p.country.mail.Letters()
	for _, l := range letters[:min(maxShown, len(letters))] {
		s.Letters = append(s.Letters, web.SceneLetter(l))
	}
	name := s.State
	if len(p.acts) > 0 && (s.State == "playing" || s.State == "paused") {
		a := p.acts[p.now]
		name = a.name
		s.Number, s.Of, s.Who, s.Page = p.now+1, len(p.acts), p.seat(a.who, language), p.cast.page(a.page)
		if p.now+1 < len(p.acts) {
			s.Next = w.say(p.acts[p.now+1].name)
		}
	}
	if s.State == "ended" {
		s.Number, s.Of, s.Page = len(p.acts), len(p.acts), p.cast.page("incident")
	}
	figures := p.cast.told()
	s.Title, s.Law = w.say(name, figures...), w.maybe(name+".law", figures...)
	s.Text = w.paragraphs(name+".text", figures...)
	return s
}

func (p *player) seat(account, language string) web.Seat {
	if one := p.country.staff[account]; one != nil {
		return one.seat(language)
	}
	return web.Seat{}
}

func (p person) seat(language string) web.Seat {
	return web.Seat{Account: p.account, Name: p.given(language), Role: p.role, Party: cmp.Or(chineseParties[language][p.party], p.party)}
}
