package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"tocsin/access"
	"tocsin/casebook"
)

// The cookies that hold a session's secret: under TLS one that a browser takes from
// this host and over TLS only (RFC 6265bis, section 4.1.3.2).
const (
	plainCookie  = "tocsin"
	secureCookie = "__Host-tocsin"
)

// maxDoor bounds the octets of a form that anybody may send.
const maxDoor = 16 << 10

// door is what the pages for signing in and for the first account show.
type door struct {
	Name  string
	Next  string
	Token string
	Fault string // one of doorFaults, "" none
	Why   string // a sentence, "" none
	Seats bool   // people are signed in by a button, as in a demonstration
}

// doorFaults are the reasons why a door stays shut, as words have them.
var doorFaults = []string{"wrong", "wait", "differ", "refused"}

// signsIn keeps who guesses from taking the platform's time: so many at once.
const signsIn = 8

// enterDoors enters the pages by which people come in and go.
func (s *server) enterDoors() {
	s.enterPage("GET /signin", func(x *exchange) error {
		s.show(x, http.StatusOK, "signin", door{Next: next(x.request.URL.Query().Get("next")), Seats: s.options.Guide != nil})
		return nil
	})
	s.enterPage("POST /signin", s.signIn)
	s.enterPage("POST /signout", s.signOut)
	s.enterPage("GET /setup", func(x *exchange) error {
		token := x.request.URL.Query().Get("token")
		if err := s.maySetUp(x, token); err != nil {
			return err
		}
		s.show(x, http.StatusOK, "setup", door{Token: token})
		return nil
	})
	s.enterPage("POST /setup", s.setUp)
}

// showDoor leads a person with a browser to the page for signing in. It reports false
// where a problem is the better answer.
func (s *server) showDoor(x *exchange, p *problem) bool {
	r := x.request
	if p.Status != http.StatusUnauthorized || strings.HasPrefix(r.URL.Path, "/api/") || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return false
	}
	// Until there are accounts nobody can sign in.
	if any, err := s.desk.AnyUser(r.Context()); err != nil || !any || r.Method != http.MethodGet {
		return false
	}
	http.Redirect(x, r, "/signin?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
	return true
}

// next is where to go on after signing in: a page of ours, whatever was asked for.
func next(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.ContainsAny(target, "\\\r\n") ||
		u.Path == "/signin" || u.Path == "/setup" {
		return "/"
	}
	return u.RequestURI()
}

func (s *server) signIn(x *exchange) error {
	form, err := readDoor(x)
	if err != nil {
		return err
	}
	name, from, at := strings.TrimSpace(form.Get("name")), peer(x.request), s.desk.Now()
	d := door{Name: name, Next: next(form.Get("next"))}
	s.doors.Lock()
	wait := s.throttle.Wait(name, from, at)
	s.doors.Unlock()
	if wait > 0 {
		x.Header().Set("Retry-After", fmt.Sprint(int64(wait/time.Second)+1))
		d.Fault = "wait"
		s.show(x, http.StatusTooManyRequests, "signin", d)
		return nil
	}
	select {
	case s.signing <- struct{}{}:
		defer func() { <-s.signing }()
	default:
		x.Header().Set("Retry-After", "1")
		d.Fault = "wait"
		s.show(x, http.StatusServiceUnavailable, "signin", d)
		return nil
	}
	secret, _, err := s.desk.SignIn(x.request.Context(), name, form.Get("password"))
	s.doors.Lock()
	switch {
	case err == nil:
		s.throttle.Passed(name)
	case errors.Is(err, casebook.ErrForbidden):
		s.throttle.Failed(name, from, at)
	}
	s.doors.Unlock()
	if errors.Is(err, casebook.ErrForbidden) {
		slog.WarnContext(x.request.Context(), "sign-in failed", "from", from)
		d.Fault = "wrong"
		s.show(x, http.StatusUnauthorized, "signin", d)
		return nil
	}
	if err != nil {
		return err
	}
	setSession(x, secret, access.SessionLife)
	http.Redirect(x, x.request, d.Next, http.StatusSeeOther)
	return nil
}

func (s *server) signOut(x *exchange) error {
	if secret := sessionOf(x.request); secret != "" {
		if err := s.desk.SignOut(x.request.Context(), secret); err != nil {
			return err
		}
	}
	setSession(x, "", -time.Second)
	to := "/signin"
	if s.options.Guide != nil {
		to = "/demo"
	}
	http.Redirect(x, x.request, to, http.StatusSeeOther)
	return nil
}

// maySetUp wants the token of the link that was printed at the start, and that nobody
// has an account yet.
func (s *server) maySetUp(x *exchange, token string) error {
	any, err := s.desk.AnyUser(x.request.Context())
	if err == nil && (any || s.options.Setup == "" || !access.Same(access.Digest(s.options.Setup), token)) {
		err = fmt.Errorf("this link was used, or is of an earlier start: sign in, or start the platform again for another one: %w", casebook.ErrNotFound)
	}
	return err
}

func (s *server) setUp(x *exchange) error {
	form, err := readDoor(x)
	if err == nil {
		err = s.maySetUp(x, form.Get("token"))
	}
	if err != nil {
		return err
	}
	d := door{Name: strings.TrimSpace(form.Get("name")), Token: form.Get("token")}
	if form.Get("password") != form.Get("again") {
		d.Fault = "differ"
		s.show(x, http.StatusBadRequest, "setup", d)
		return nil
	}
	_, err = s.desk.FirstUser(x.request.Context(), d.Name, form.Get("password"))
	if errors.Is(err, casebook.ErrInvalid) {
		d.Fault, d.Why = "refused", err.Error()
		s.show(x, http.StatusBadRequest, "setup", d)
		return nil
	}
	if err != nil {
		return err
	}
	http.Redirect(x, x.request, "/signin", http.StatusSeeOther)
	return nil
}

// readDoor reads the form of a door.
func readDoor(x *exchange) (url.Values, error) {
	x.request.Body = http.MaxBytesReader(x, x.request.Body, maxDoor)
	if err := x.request.ParseForm(); err != nil {
		return nil, fmt.Errorf("the form can't be read (%w): %w", err, casebook.ErrInvalid)
	}
	return x.request.PostForm, nil
}

// peer is the address from which a request comes; behind a proxy it is the proxy's.
func peer(r *http.Request) netip.Addr {
	at, _ := netip.ParseAddrPort(r.RemoteAddr)
	return at.Addr()
}

// sealed reports whether a cookie must travel over TLS only: everywhere but on this
// machine, where browsers take none of that kind.
func sealed(r *http.Request) bool { return r.TLS != nil || !namesLoopback(r.Host) }

func cookieName(r *http.Request) string {
	if sealed(r) {
		return secureCookie
	}
	return plainCookie
}

// setSession hands a session's secret to the browser, or with a negative life takes it
// back. A link from elsewhere brings the cookie along, a form or a script doesn't.
func setSession(x *exchange, secret string, life time.Duration) {
	http.SetCookie(x, &http.Cookie{Name: cookieName(x.request), Value: secret, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: sealed(x.request)})
}

// sessionOf gives the secret that a browser sent, "" none.
func sessionOf(r *http.Request) string {
	c, err := r.Cookie(cookieName(r))
	if err != nil {
		return ""
	}
	return c.Value
}
