package web

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

// A Guide accompanies a demonstration: on every page it says what happens, and lets the
// viewer sit down at anybody's desk. A platform that serves has none, and then there is
// nothing at /demo.
type Guide interface {
	// Scene is what is to be shown now, in a language.
	Scene(language string) Scene
	// Password gives what somebody of the country signs in with; false for an account
	// that isn't one of theirs.
	Password(account string) (string, bool)
	// Steer does what the viewer wants of the story: one of Steers. It gives
	// casebook.ErrInvalid for anything else.
	Steer(order string) error
}

// Steers are what a viewer may want of the story.
var Steers = []string{"pause", "go_on", "step", "slower", "faster"}

// SceneStates are the states of a scene.
var SceneStates = []string{"settling", "playing", "paused", "ended", "failed"}

// Scene is where a demonstration stands.
type Scene struct {
	State   string // one of SceneStates
	At      time.Time
	Zone    string
	Speed   float64   // seconds of the story in one
	Until   time.Time // up to which it goes at that speed
	Pace    string    // of the telling, as ×2
	Number  int       // of this scene
	Of      int
	Title   string
	Text    []string // paragraphs
	Law     string   // what it rests on, "" nothing
	Who     Seat     // who acts; without an account nobody's act
	Page    string   // that shows it, "" none
	Next    string   // title of the scene after it
	Past    []SceneLine
	Letters []SceneLetter
	Seats   []Seat
	Fault   string // why it failed
}

// SceneLine is something that happened, the newest first.
type SceneLine struct {
	At   time.Time
	Who  Seat
	Text string
	Page string
}

// SceneLetter is a mail that went out, the newest first.
type SceneLetter struct {
	At                time.Time
	To, Subject, Text string
}

// Seat is a desk at which somebody sits.
type Seat struct {
	Account string
	Name    string
	Role    string // as access names it
	Party   string
}

// guideEvery is how often a page of a demonstration fetches its live sections anew, in
// milliseconds.
const guideEvery = 2000

// guideView is a scene as a page shows it.
type guideView struct {
	Scene
	User  string // who is signed in
	Here  string // the page's address
	Every int
}

// enterGuide enters the pages of a demonstration, where there is one.
func (s *server) enterGuide() {
	if s.options.Guide == nil {
		return
	}
	s.enterPage("GET /demo", func(x *exchange) error {
		// The page is open to everybody; who is signed in is shown all the same.
		if p, refusal := s.admit(x.request); refusal == nil && p.IsPerson() {
			x.caller.principal = p
		}
		l, _ := choose(s.site.languages, x.request)
		s.show(x, http.StatusOK, "demo", s.options.Guide.Scene(l.tag))
		return nil
	})
	s.enterPage("POST /demo/seat", s.sitDown)
	s.enterPage("POST /demo/steer", func(x *exchange) error {
		form, err := readDoor(x)
		if err == nil {
			err = s.options.Guide.Steer(form.Get("order"))
		}
		if err != nil {
			return err
		}
		http.Redirect(x, x.request, next(form.Get("next")), http.StatusSeeOther)
		return nil
	})
}

// leadsToDemo leads a viewer of a demonstration who sits at no desk yet from the first
// page, which would be nobody's, to the demonstration's own. It reports false for
// whoever else asks for whatever else.
func (s *server) leadsToDemo(x *exchange, pattern string) bool {
	if s.options.Guide == nil || pattern != "GET /{$}" || x.caller.principal.IsPerson() || !strings.Contains(x.request.Header.Get("Accept"), "text/html") {
		return false
	}
	http.Redirect(x, x.request, "/demo", http.StatusSeeOther)
	return true
}

// sitDown signs the viewer in as somebody of the country: with their password, as the
// form for signing in does, and on this machine only.
func (s *server) sitDown(x *exchange) error {
	form, err := readDoor(x)
	if err != nil {
		return err
	}
	account := form.Get("account")
	password, ok := s.options.Guide.Password(account)
	if !ok || !fromLoopback(x.request) || !namesLoopback(x.request.Host) {
		return fmt.Errorf("nobody sits at the desk of %.40q: %w", account, casebook.ErrNotFound)
	}
	secret, _, err := s.desk.SignIn(x.request.Context(), account, password)
	if err != nil {
		return err
	}
	setSession(x, secret, 24*time.Hour)
	http.Redirect(x, x.request, onward(form.Get("next")), http.StatusSeeOther)
	return nil
}

// onward is where to go on after sitting down: from the page for signing in, to where
// that would have led.
func onward(target string) string {
	if u, err := url.Parse(target); err == nil && u.Path == "/signin" {
		target = u.Query().Get("next")
	}
	return next(target)
}

// guide is what a page says of the demonstration; nil where there is none.
func (s *server) guide(l *language, user, address string) *guideView {
	if s.options.Guide == nil {
		return nil
	}
	return &guideView{s.options.Guide.Scene(l.tag), user, address, guideEvery}
}

// Sits reports whether the viewer sits at a desk.
func (g guideView) Sits(account string) bool { return account != "" && account == g.User }

// Recent are the newest things that happened, so many at most.
func (g guideView) Recent(n int) []SceneLine { return slices.Clone(g.Past[:min(n, len(g.Past))]) }

// clockIn writes a moment to the second as clocks in a zone show it; the page names the
// zone once.
func (l *language) clockIn(zone string, t time.Time) template.HTML {
	at, err := time.LoadLocation(zone)
	if err != nil {
		at = time.UTC
	}
	layout := "Mon 2 Jan 15:04:05"
	if l.tag == "zh" {
		layout = "1月2日 15:04:05"
	}
	// Digits and our own layout: nothing in it comes from outside.
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `">` + t.In(at).Format(layout) + `</time>`)
}
