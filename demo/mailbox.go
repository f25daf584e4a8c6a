package demo

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// maxLetters bounds how many letters the mailbox keeps, the newest.
const maxLetters = 200

// Letter is a mail that the platform sent.
type Letter struct {
	At      time.Time // of the story, when it came
	To      string
	Subject string
	Text    string
}

// Mailbox is the mail server of the country: every address in it is delivered here, and
// nowhere else. It may be used by several goroutines.
type Mailbox struct {
	now      func() time.Time
	server   *smtp.Server
	listener net.Listener
	ended    chan struct{}

	mu      sync.Mutex
	letters []Letter
}

// openMailbox listens on a free port of this machine.
func openMailbox(now func() time.Time) (*Mailbox, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the demonstration's mail server: %w", err)
	}
	m := &Mailbox{now: now, listener: listener, ended: make(chan struct{})}
	m.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &letterbox{box: m}, nil }))
	m.server.Domain = "mail.example"
	m.server.ReadTimeout, m.server.WriteTimeout = time.Minute, time.Minute
	m.server.MaxMessageBytes, m.server.MaxRecipients = 32<<20, 50
	go func() { defer close(m.ended); m.server.Serve(listener) }()
	return m, nil
}

// Address is where the platform hands its mail in.
func (m *Mailbox) Address() string { return m.listener.Addr().String() }

// Letters gives what came, the newest first.
func (m *Mailbox) Letters() []Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]Letter, len(m.letters))
	for i, l := range m.letters {
		all[len(all)-1-i] = l
	}
	return all
}

// Close ends the server.
func (m *Mailbox) Close() error {
	err := m.server.Close()
	<-m.ended
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (m *Mailbox) keep(l Letter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.letters = append(m.letters, l)
	m.letters = m.letters[max(0, len(m.letters)-maxLetters):]
}

// letterbox is one SMTP session.
type letterbox struct {
	box *Mailbox
	to  []string
}

// Mail implements smtp.Session.
func (*letterbox) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt implements smtp.Session. Whoever isn't of an example domain isn't known here.
func (s *letterbox) Rcpt(to string, _ *smtp.RcptOptions) error {
	if !strings.HasSuffix(to, ".example") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such address in this country"}
	}
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session.
func (s *letterbox) Data(r io.Reader) error {
	letter, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject"))
	if err != nil {
		return err
	}
	body := letter.Body
	if strings.EqualFold(letter.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	for _, to := range s.to {
		s.box.keep(Letter{At: s.box.now(), To: to, Subject: subject, Text: strings.ReplaceAll(string(text), "\r\n", "\n")})
	}
	return nil
}

// Reset implements smtp.Session.
func (s *letterbox) Reset() { s.to = nil }

// Logout implements smtp.Session.
func (*letterbox) Logout() error { return nil }
