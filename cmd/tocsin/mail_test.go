package main

import (
	"fmt"
	"io"
	"net"
	"net/mail"
	"os"
	"strings"
	"sync"

	"github.com/emersion/go-smtp"
	"github.com/rogpeppe/go-internal/testscript"
)

// A postOffice is a mail server that keeps what it takes, in memory and in a file, and
// refuses for good what is for a box that is closed.
type postOffice struct {
	server  *smtp.Server
	address string
	served  sync.WaitGroup

	mu    sync.Mutex
	mails []letter
	shut  func(to string) bool // which boxes are closed; nil: none
	file  string               // where mails are kept; "" nowhere
}

// letter is a mail as it was taken.
type letter struct{ to, id, subject, text string }

func openPostOffice() (*postOffice, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &postOffice{address: l.Addr().String()}
	p.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &counter{office: p}, nil }))
	p.served.Go(func() { p.server.Serve(l) })
	return p, nil
}

func (p *postOffice) close() {
	p.server.Close()
	p.served.Wait()
}

// counts gives how often mail with each Message-ID came.
func (p *postOffice) counts() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := map[string]int{}
	for _, m := range p.mails {
		n[m.id]++
	}
	return n
}

// counter is one connection to a post office.
type counter struct {
	office *postOffice
	to     string
}

func (c *counter) Reset()                               {}
func (c *counter) Logout() error                        { return nil }
func (c *counter) Mail(string, *smtp.MailOptions) error { return nil }

func (c *counter) Rcpt(to string, _ *smtp.RcptOptions) error {
	if c.to = to; c.office.shut != nil && c.office.shut(to) {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	}
	return nil
}

func (c *counter) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err // cut off: not taken
	}
	m, err := mail.ReadMessage(strings.NewReader(string(text)))
	if err != nil {
		return err
	}
	id, _, _ := strings.Cut(strings.Trim(m.Header.Get("Message-Id"), "<>"), "@")
	p := c.office
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mails = append(p.mails, letter{c.to, id, m.Header.Get("Subject"), string(text)})
	if p.file == "" {
		return nil
	}
	f, err := os.OpenFile(p.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = fmt.Fprintf(f, "taken for %s: %s\n%s\n", c.to, id, text); err != nil {
		return err
	}
	return f.Close()
}

// mailServer opens a post office for a script. Its address becomes $NAME, what it takes
// goes to the file NAME, and boxes whose names begin with "gone" are closed.
func mailServer(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, args, 1, "mailserver NAME")
	p, err := openPostOffice()
	ts.Check(err)
	ts.Defer(p.close)
	p.file, p.shut = ts.MkAbs(args[0]), func(to string) bool { return strings.HasPrefix(to, "gone") }
	ts.Check(os.WriteFile(p.file, nil, 0o600))
	ts.Setenv(args[0], p.address)
}
