package courier

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mime/quotedprintable"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// What a peer does with the next messages.
type mood int

const (
	takes mood = iota
	later
	never
	hangs
)

// got is a message as a peer was given it.
type got struct{ ID, Kind, Subject, Text, Urgency string }

// A peer is the other side of a channel: a real server, or a real program.
type peer interface {
	target() string
	settings() Settings
	set(mood)
	received(t *testing.T) []got
}

// peers gives a maker for each channel.
var peers = map[string]func(t *testing.T) peer{
	"mail":    func(t *testing.T) peer { return newSink(t, nil) },
	"webhook": func(t *testing.T) peer { return newHookServer(t) },
	"command": func(t *testing.T) peer { return newScript(t) },
}

// sink is a mail server that keeps what it takes.
type sink struct {
	mu       sync.Mutex
	address  string
	mood     mood
	released chan struct{}
	refuse   string // recipient that is refused
	user     string // who must log in
	logins   int
	raw      []string
	to       []string
	inTLS    []bool
}

func newSink(t *testing.T, prepare func(*sink, *smtp.Server) net.Listener) *sink {
	t.Helper()
	s := &sink{released: make(chan struct{})}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{sink: s, conn: c}, nil }))
	server.Domain = "sink.example"
	server.ErrorLog = silent{}
	var l net.Listener
	if prepare != nil {
		l = prepare(s, server)
	}
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	s.address = l.Addr().String()
	var done sync.WaitGroup
	done.Go(func() { server.Serve(l) })
	t.Cleanup(func() {
		close(s.released)
		server.Close()
		l.Close() // a server that didn't come to serve doesn't know it yet
		done.Wait()
	})
	return s
}

type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}

func (s *sink) target() string { return "mailto:duty@example.org" }
func (s *sink) settings() Settings {
	return Settings{Mail: MailSettings{Server: s.address, From: "tocsin@cert.example"}}
}
func (s *sink) set(m mood) { s.mu.Lock(); s.mood = m; s.mu.Unlock() }

func (s *sink) received(t *testing.T) []got {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []got
	for _, raw := range s.raw {
		m, err := mail.ReadMessage(strings.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		id, _, _ := strings.Cut(strings.Trim(m.Header.Get("Message-ID"), "<>"), "@")
		urgency := "normal"
		if m.Header.Get("Importance") == "high" {
			urgency = "urgent"
		}
		all = append(all, got{id, m.Header.Get("X-Tocsin-Kind"), subject, strings.TrimSuffix(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), urgency})
	}
	return all
}

// session is one connection to a sink.
type session struct {
	sink   *sink
	conn   *smtp.Conn
	to     []string
	logged bool
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.sink.user || password != "open sesame" {
			return smtp.ErrAuthFailed
		}
		s.sink.mu.Lock()
		s.sink.logins++
		s.sink.mu.Unlock()
		s.logged = true
		return nil
	}), nil
}

func (s *session) Reset()        { s.to = nil }
func (s *session) Logout() error { return nil }

func (s *session) Mail(string, *smtp.MailOptions) error {
	if s.sink.user != "" && !s.logged {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if to == s.sink.refuse {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such person"}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.sink.mu.Lock()
	m := s.sink.mood
	if m == takes {
		s.sink.raw = append(s.sink.raw, string(text))
		s.sink.to = append(s.sink.to, s.to...)
		_, inTLS := s.conn.TLSConnectionState()
		s.sink.inTLS = append(s.sink.inTLS, inTLS)
	}
	s.sink.mu.Unlock()
	switch m {
	case later:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "come back later"}
	case never:
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "not wanted here"}
	case hangs:
		<-s.sink.released
	}
	return nil
}

// hookServer is a web server that keeps what it takes.
type hookServer struct {
	mu       sync.Mutex
	server   *httptest.Server
	mood     mood
	released chan struct{}
	bodies   [][]byte
	headers  []http.Header
}

func newHookServer(t *testing.T) *hookServer {
	t.Helper()
	h := &hookServer{released: make(chan struct{})}
	h.server = httptest.NewServer(h)
	t.Cleanup(func() { close(h.released); h.server.Close() })
	return h
}

func (h *hookServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	h.mu.Lock()
	m := h.mood
	if m == takes {
		h.bodies, h.headers = append(h.bodies, text), append(h.headers, r.Header)
	}
	h.mu.Unlock()
	switch m {
	case takes:
		fmt.Fprint(w, "queued as 4F2\n")
	case later:
		w.Header().Set("Retry-After", "7")
		http.Error(w, "come back later", http.StatusServiceUnavailable)
	case never:
		http.Error(w, "not wanted here", http.StatusForbidden)
	case hangs:
		select {
		case <-h.released:
		case <-r.Context().Done():
		}
	}
}

func (h *hookServer) target() string     { return h.server.URL + "/hook?access_token=hush-hush" }
func (h *hookServer) settings() Settings { return Settings{Secret: "a secret of ours"} }
func (h *hookServer) set(m mood)         { h.mu.Lock(); h.mood = m; h.mu.Unlock() }

func (h *hookServer) received(t *testing.T) []got {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []got
	for i, body := range h.bodies {
		all = append(all, fromEnvelope(t, body))
		if id := h.headers[i].Get("Idempotency-Key"); id != all[i].ID {
			t.Errorf("Idempotency-Key is %q, the message %q", id, all[i].ID)
		}
	}
	return all
}

func fromEnvelope(t *testing.T, text []byte) got {
	t.Helper()
	var e envelope
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		t.Fatal(err)
	}
	return got{e.ID, e.Kind, e.Subject, e.Text, e.Urgency}
}

// script is a program that keeps what it takes.
type script struct{ dir string }

func newScript(t *testing.T) *script {
	t.Helper()
	s := &script{t.TempDir()}
	text := `#!/bin/sh
cd "$1" || exit 3
case $(cat mood) in
1) echo come back later; exit 75 ;;
2) echo not wanted here; exit 9 ;;
3) sleep 600 & echo $! >child; wait ;;
esac
cat >"got.$$"
env >"env.$$"
echo queued as 4F2
`
	if err := os.WriteFile(filepath.Join(s.dir, "hook"), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	s.set(takes)
	return s
}

func (s *script) target() string {
	return "exec:" + filepath.Join(s.dir, "hook") + " " + s.dir + " hush-hush"
}
func (s *script) settings() Settings { return Settings{} }

func (s *script) set(m mood) {
	if err := os.WriteFile(filepath.Join(s.dir, "mood"), fmt.Append(nil, int(m)), 0o600); err != nil {
		panic(err)
	}
}

func (s *script) files(t *testing.T, pattern string) (texts [][]byte) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.dir, pattern))
	for _, name := range names {
		text, e := os.ReadFile(name)
		err = errors.Join(err, e)
		texts = append(texts, text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func (s *script) received(t *testing.T) []got {
	var all []got
	for _, text := range s.files(t, "got.*") {
		all = append(all, fromEnvelope(t, text))
	}
	return all
}

// certificate gives a key pair for 127.0.0.1 and who vouches for it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return s.TLS.Certificates[0], pool
}

func open(t *testing.T, s Settings, targets ...string) *Courier {
	t.Helper()
	c, err := Open(targets, s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// someMessage is one with what channels must carry unharmed.
func someMessage(id string) Message {
	return Message{ID: id, Kind: "duty_warning", Subject: "警告:报告时限 18:30 — line & <tag>", Text: "第一行\n.\nFrom here = %20\n" + strings.Repeat("长", 400),
		Body: map[string]any{"duty": "dty_1"}, Language: "zh", At: time.Date(2026, 2, 16, 14, 30, 0, 0, time.UTC), Urgency: Urgent}
}

// send sends with a bound of its own, so that a hang ends the test.
func send(t *testing.T, c *Courier, target string, m Message) (Proof, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return c.Send(ctx, target, m)
}
