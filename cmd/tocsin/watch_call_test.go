package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// mailbox is a mail server that keeps what it takes.
type mailbox struct {
	to    string
	mails chan string
}

func (m *mailbox) Reset()                                        {}
func (m *mailbox) Logout() error                                 { return nil }
func (m *mailbox) Mail(string, *smtp.MailOptions) error          { return nil }
func (m *mailbox) Rcpt(to string, _ *smtp.RcptOptions) (_ error) { m.to = to; return nil }
func (m *mailbox) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	m.mails <- m.to + "\n" + string(text)
	return err
}

// TestWatchCallsByMailAndWebhook: the flags of the channels reach them.
func TestWatchCallsByMailAndWebhook(t *testing.T) {
	mails := make(chan string, 9)
	box := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailbox{mails: mails}, nil }))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() { box.Serve(l) })
	defer served.Wait()
	defer l.Close()
	defer box.Close()

	hooks := make(chan string, 9)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h := hmac.New(sha256.New, []byte("open sesame"))
		fmt.Fprintf(h, "%s.%s.%s", r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp"), body)
		hooks <- fmt.Sprint(r.Header.Get("Webhook-Signature") == "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)), string(body))
	}))
	defer hook.Close()
	server := httptest.NewServer(&beating{})
	defer server.Close()

	dir := t.TempDir()
	secret := write(t, filepath.Join(dir, "secret"), "open sesame\n")
	key := write(t, filepath.Join(dir, "key"), "tck_right\n")
	cmd, said := watchingPlatform(t, dir, server.URL, "--key", key, "--test", "--lang", "zh", "--contact", "mailto:first@example.org,second@example.org",
		"--smtp", l.Addr().String(), "--smtp-from", "watch@example.net", "--contact", hook.URL+"/?token=tck_hush", "--webhook-secret", secret)
	got := map[string]bool{}
	for range 3 {
		select {
		case text := <-mails:
			to, rest, _ := strings.Cut(text, "\n")
			m, err := mail.ReadMessage(strings.NewReader(rest))
			if err != nil {
				t.Fatal(err)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
			got[fmt.Sprintf("%s %s %v %v", to, m.Header.Get("From"), strings.Contains(subject, "测试"), err)] = true
		case text := <-hooks:
			got[fmt.Sprintf("hook %v %v", strings.HasPrefix(text, "true"), strings.Contains(text, `"kind":"watch_test"`) && strings.Contains(text, "测试"))] = true
		case <-time.After(patience):
			t.Fatalf("no call; got %v\n%s", got, said)
		}
	}
	for _, want := range []string{"first@example.org <watch@example.net> true <nil>", "second@example.org <watch@example.net> true <nil>", "hook true true"} {
		if !got[want] {
			t.Errorf("no %q in %v", want, got)
		}
	}
	end(t, cmd, said, syscall.SIGTERM)
	if bytes.Contains(said.Bytes(), []byte("sesame")) || bytes.Contains(said.Bytes(), []byte("first@")) {
		t.Errorf("the log tells too much:\n%s", said)
	}
}
