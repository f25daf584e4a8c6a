package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/courier"
)

// ErrRefused is a platform that refused the watcher when it started.
var ErrRefused = errors.New("the watch can't begin")

// Watcher looks at platforms and makes calls. Fill its exported fields, then Run.
type Watcher struct {
	Rules
	// Every is the time between two looks at a platform.
	Every time.Duration
	// Test sends everybody a test call at the start.
	Test     bool
	Language string
	Poller   Poller
	// Send hands a message to the contact of that name.
	Send func(ctx context.Context, contact string, m courier.Message) (courier.Proof, error)
	File *File
	// State is what the file held.
	State State
	Log   *slog.Logger

	last     time.Time // of the last step, for the monotonic clock
	saved    time.Time
	news     chan News
	outcomes chan outcome
	busy     map[string]bool // looks and attempts under way
	done     sync.WaitGroup
}

// outcome is how an attempt ended.
type outcome struct {
	attempt
	begun time.Time // with its monotonic reading
	proof courier.Proof
	err   error
}

// saveEvery is how old the state on disk may be while nothing happens.
const saveEvery = time.Minute

// Run watches until ctx ends, and then returns nil, with everything it started
// ended and the state on disk. It returns ErrRefused, at once, if a platform
// refuses the key or shows a certificate that doesn't hold when the watch begins;
// a platform that was heard before is then told to the contacts first.
func (w *Watcher) Run(ctx context.Context) error {
	w.news, w.outcomes, w.busy = make(chan News), make(chan outcome), map[string]bool{}
	defer w.done.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if w.Test {
		w.State.Calls = append(w.State.Calls, TestCall(w.Rules, now()))
	}
	if err := w.begin(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	ticker := time.NewTicker(w.Every)
	defer ticker.Stop()
	for {
		if by, platform, ok := w.File.takeAcknowledgement(); ok {
			w.acknowledge(by, platform)
		}
		wait := w.deliver(ctx)
		retry := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			retry.Stop()
			cancel()
			w.done.Wait()
			w.save()
			return nil
		case <-ticker.C:
			w.step()
			w.lookAll(ctx)
		case n := <-w.news:
			delete(w.busy, n.Platform)
			w.step(n)
		case o := <-w.outcomes:
			w.record(o)
		case <-retry.C:
		}
		retry.Stop()
	}
}

func now() time.Time { return time.Now().UTC() }

// begin looks at every platform once, tells what it finds, and refuses to go on
// where waiting won't help.
func (w *Watcher) begin(ctx context.Context) error {
	w.lookAll(ctx)
	var all []News
	for range w.Platforms {
		select {
		case <-ctx.Done():
			return nil
		case n := <-w.news:
			delete(w.busy, n.Platform)
			all = append(all, n)
		}
	}
	var refused []error
	for _, n := range all {
		p := w.State.Platforms[n.Platform]
		switch {
		case n.Fault.refused():
			refused = append(refused, fmt.Errorf("%s: %s (%s)", n.Platform, languages["en"].faults[n.Fault], n.Detail))
			if !p.Heard.IsZero() {
				all = append(all, n) // heard before: no second look will be taken
			}
		case n.Beat == nil:
			w.Log.Error("platform doesn't answer as it should", "platform", n.Platform, "fault", n.Fault, "detail", n.Detail)
		default:
			w.Log.Info("watching", "platform", n.Platform, "instance", n.Beat.Instance, "open", n.Beat.Open, "due", len(n.Beat.Due), "next", next(n.Beat.Due),
				"watched_at", n.Beat.Watched)
		}
	}
	w.step(all...)
	if len(refused) == 0 {
		return nil
	}
	for w.deliver(ctx); w.sending() && ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case o := <-w.outcomes:
			w.record(o)
		}
	}
	return fmt.Errorf("%w: %w", ErrRefused, errors.Join(refused...))
}

func next(due []Due) string {
	if len(due) == 0 {
		return "none"
	}
	return due[0].Due.Format(time.RFC3339)
}

// lookAll starts a look at each platform that isn't being looked at.
func (w *Watcher) lookAll(ctx context.Context) {
	client := w.Poller.client()
	for _, url := range w.Platforms {
		if w.busy[url] {
			continue
		}
		w.busy[url] = true
		w.done.Go(func() {
			n := w.Poller.look(ctx, client, url)
			select {
			case w.news <- n:
			case <-ctx.Done():
			}
		})
	}
}

// step lets the decision see what there is, and keeps the result before anything
// is sent.
func (w *Watcher) step(news ...News) {
	at := time.Now()
	m := Moment{Now: at.UTC().Round(0), Elapsed: -1}
	if !w.last.IsZero() {
		m.Elapsed = at.Sub(w.last)
	}
	w.last = at
	before := w.State
	var calls []Call
	w.State, calls = Step(w.State, w.Rules, m, news...)
	for _, c := range calls {
		w.Log.Warn("calling", "call", c.ID, "kind", c.Kind, "platform", c.Platform, "fault", c.Fault, "detail", c.Detail, "number", c.Number, "due", len(c.Due), "contacts", len(c.To))
	}
	changed := len(calls) > 0
	for _, n := range news {
		was, is := before.Platforms[n.Platform], w.State.Platforms[n.Platform]
		if was.Fault != is.Fault {
			w.Log.Info("heartbeat", "platform", n.Platform, "fault", is.Fault, "detail", is.Detail)
		}
		changed = changed || was.Fault != is.Fault || was.Open != is.Open || !slices.Equal(was.Due, is.Due)
	}
	if changed || at.Sub(w.saved) >= saveEvery || w.saved.IsZero() {
		w.save()
	}
}

// save keeps the state. A disk that fails doesn't stop a watch.
func (w *Watcher) save() {
	if err := w.File.Save(w.State); err != nil {
		w.Log.Error("state isn't kept: after a restart calls may come twice", "err", err)
		return
	}
	w.saved = time.Now()
}

// deliver starts the attempts that are due and gives how long until the next one.
func (w *Watcher) deliver(ctx context.Context) time.Duration {
	ready, wait := w.State.ready(w.moment())
	for _, a := range ready {
		if w.busy[a.key()] {
			continue
		}
		w.busy[a.key()] = true
		w.done.Go(func() {
			begun := time.Now()
			proof, err := w.Send(ctx, a.contact, a.call.Message(w.Language))
			select {
			case w.outcomes <- outcome{a, begun, proof, err}:
			case <-ctx.Done():
			}
		})
	}
	if wait == 0 {
		return time.Hour
	}
	return wait
}

// moment is now as Step reckons it.
func (w *Watcher) moment() time.Time {
	if w.last.IsZero() {
		return now()
	}
	return w.State.Moment.Add(time.Since(w.last))
}

// sending reports whether an attempt is under way.
func (w *Watcher) sending() bool {
	for key := range w.busy {
		if strings.Contains(key, " ") {
			return true
		}
	}
	return false
}

// record notes how an attempt ended.
func (w *Watcher) record(o outcome) {
	delete(w.busy, o.key())
	if o.err != nil {
		w.Log.Error("call not taken", "call", o.call.ID, "contact", o.contact, "err", o.err)
	} else {
		w.Log.Info("call taken", "call", o.call.ID, "contact", o.contact, "code", o.proof.Code, "said", o.proof.Said)
	}
	w.State = Delivered(w.State, o.call.ID, o.contact, w.moment().Add(-time.Since(o.begun)), o.err)
	if by := said(o.proof.Said); by != "" && o.call.Kind.topic() == topicSilence {
		w.acknowledge(by, o.call.Platform)
	}
	w.save()
}

// said reads an acknowledgement out of what a contact's machine answered: "ack
// NAME", or a JSON object with a member ack. "" is none.
func said(answer string) string {
	if name, ok := strings.CutPrefix(answer, "ack "); ok {
		return oneLine(name)
	}
	var object struct {
		Ack string `json:"ack"`
	}
	if json.Unmarshal([]byte(answer), &object) != nil {
		return ""
	}
	return oneLine(object.Ack)
}

// acknowledge notes that somebody takes over.
func (w *Watcher) acknowledge(by, platform string) {
	var n int
	if w.State, n = Acknowledge(w.State, by, platform); n > 0 {
		w.Log.Warn("acknowledged", "platforms", n, "by", by)
		w.save()
	}
}
