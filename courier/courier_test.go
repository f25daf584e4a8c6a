package courier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/casebook"
)

// TestContract holds every channel to the same promises, each against a real peer.
func TestContract(t *testing.T) {
	for name, make := range peers {
		t.Run(name, func(t *testing.T) {
			t.Run("a message arrives unharmed, with a proof", func(t *testing.T) { arrives(t, make(t), name) })
			t.Run("a passing failure", func(t *testing.T) {
				fails(t, make(t), later, true, "come back later")
			})
			t.Run("a refusal", func(t *testing.T) {
				fails(t, make(t), never, false, "not wanted here")
			})
			t.Run("no answer within the limit", func(t *testing.T) { hanging(t, make(t)) })
			t.Run("an attempt that is called off", func(t *testing.T) { calledOff(t, make(t)) })
			t.Run("a subject with line breaks", func(t *testing.T) { injected(t, make(t)) })
			t.Run("a message without an ID", func(t *testing.T) { nameless(t, make(t)) })
		})
	}
}

func arrives(t *testing.T, p peer, channel string) {
	c := open(t, p.settings(), p.target())
	m := someMessage("msg_0001")
	before := time.Now()
	proof, err := send(t, c, p.target(), m)
	if err != nil {
		t.Fatal(err)
	}
	if proof.Channel != channel || proof.At.Before(before) || proof.At.After(time.Now()) || !strings.Contains(strings.ToLower(proof.Said), "queued") {
		t.Errorf("got the proof %+v", proof)
	}
	if _, err := send(t, c, p.target(), m); err != nil {
		t.Fatal(err)
	}
	want := got{m.ID, m.Kind, m.Subject, m.Text, "urgent"}
	if diff := cmp.Diff([]got{want, want}, p.received(t)); diff != "" {
		t.Errorf("sent twice (-want +got):\n%s", diff)
	}
	discreet(t, p, fmt.Sprintf("%+v", proof))
}

// discreet wants no secret in what is printed.
func discreet(t *testing.T, p peer, printed string) {
	t.Helper()
	for _, secret := range []string{"hush-hush", "a secret of ours", "duty@"} {
		if strings.Contains(printed, secret) {
			t.Errorf("it tells %q: %s", secret, printed)
		}
	}
}

func fails(t *testing.T, p peer, m mood, passing bool, said string) {
	c := open(t, p.settings(), p.target())
	p.set(m)
	_, err := send(t, c, p.target(), someMessage("msg_0002"))
	f, ok := errors.AsType[*Failure](err)
	if !ok || f.Temporary != passing || Temporary(err) != passing || !strings.Contains(err.Error(), said) || f.Code == 0 {
		t.Fatalf("got %+v, want one that says %q, temporary %v", err, said, passing)
	}
	discreet(t, p, err.Error())
	p.set(takes)
	if _, err := send(t, c, p.target(), someMessage("msg_0002")); err != nil {
		t.Errorf("the next attempt: %v", err)
	}
	if n := len(p.received(t)); n != 1 {
		t.Errorf("%d messages were taken, want 1", n)
	}
}

func hanging(t *testing.T, p peer) {
	s := p.settings()
	s.Limit = 150 * time.Millisecond
	c := open(t, s, p.target())
	p.set(hangs)
	begun := time.Now()
	_, err := send(t, c, p.target(), someMessage("msg_0003"))
	if !Temporary(err) || time.Since(begun) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(begun), err)
	}
	discreet(t, p, err.Error())
}

func calledOff(t *testing.T, p peer) {
	c := open(t, p.settings(), p.target())
	p.set(hangs)
	ctx, cancel := context.WithCancel(t.Context())
	timer := time.AfterFunc(150*time.Millisecond, cancel)
	defer timer.Stop()
	begun := time.Now()
	if _, err := c.Send(ctx, p.target(), someMessage("msg_0004")); !Temporary(err) || time.Since(begun) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(begun), err)
	}
}

func injected(t *testing.T, p peer) {
	c := open(t, p.settings(), p.target())
	m := someMessage("msg_0005")
	m.Subject = "one\r\nBcc: other@example.net\n\ntwo\u2028three\u202e\xff" + strings.Repeat("长", 2*MaxSubject)
	m.Kind = "kind\r\nBcc: other@example.net"
	m.Language = "en\r\nBcc: other@example.net"
	if _, err := send(t, c, p.target(), m); err != nil {
		t.Fatal(err)
	}
	g := p.received(t)[0]
	if strings.ContainsAny(g.Subject+g.Kind, "\r\n\u2028\u202e") || !strings.HasPrefix(g.Subject, "one  Bcc: other@example.net  two three \uFFFD长") {
		t.Errorf("got the subject %q, the kind %q", g.Subject, g.Kind)
	}
	if n := len([]rune(g.Subject)); n > MaxSubject {
		t.Errorf("the subject has %d runes", n)
	}
	if s, ok := p.(*sink); ok && (strings.Contains(s.raw[0], "\nBcc") || len(s.to) != 1) {
		t.Errorf("to %q: %s", s.to, s.raw[0])
	}
}

func nameless(t *testing.T, p peer) {
	c := open(t, p.settings(), p.target())
	for _, id := range []string{"", "short", "with space", "line\nbreak", "a>b@c.example", ".dotted.", "do..tted", strings.Repeat("x", 101)} {
		_, err := send(t, c, p.target(), someMessage(id))
		if !errors.Is(err, casebook.ErrInvalid) || Temporary(err) {
			t.Errorf("ID %q: %v", id, err)
		}
	}
	m := someMessage("msg_0006")
	m.Text = strings.Repeat("x", MaxText+1)
	if _, err := send(t, c, p.target(), m); !errors.Is(err, casebook.ErrTooLarge) {
		t.Errorf("a text over the bound: %v", err)
	}
	m = someMessage("msg_0006")
	m.Body = func() {}
	if _, err := send(t, c, p.target(), m); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("a body that is no JSON: %v", err)
	}
	if g := p.received(t); len(g) > 0 {
		t.Errorf("taken all the same: %v", g)
	}
}

func TestOpenRefusesWhatItCouldNotServe(t *testing.T) {
	for _, c := range []struct {
		name, target string
		settings     Settings
		want         string
	}{
		{"mail without a server", "mailto:a@example.org", Settings{}, "no mail server is set"},
		{"a command that isn't there", "exec:/nowhere/hook", Settings{}, "no such file"},
		{"a folder as a command", "exec:/", Settings{}, "it is a folder"},
		{"a file that isn't executable", "exec:/etc/passwd", Settings{}, "isn't executable"},
		{"no target", "carrier-pigeon", Settings{}, "begins with none of"},
		{"a sender that is none", "", Settings{Mail: MailSettings{Server: "localhost", From: "nobody"}}, "sender"},
		{"a server that is none", "", Settings{Mail: MailSettings{Server: "localhost:smtp", From: "a@b.example"}}, "HOST:PORT"},
		{"a way of TLS that is none", "", Settings{Mail: MailSettings{Server: "localhost", From: "a@b.example", TLS: "maybe"}}, "no way of TLS"},
		{"a user without a password", "", Settings{Mail: MailSettings{Server: "localhost", From: "a@b.example", User: "u"}}, "go together"},
		{"a password in the clear", "", Settings{Mail: MailSettings{Server: "localhost", From: "a@b.example", User: "u", Password: "p", TLS: TLSNone}}, "without TLS"},
		{"a secret that isn't base64", "", Settings{Secret: "whsec_%%%"}, "base64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var targets []string
			if c.target != "" {
				targets = []string{c.target}
			}
			_, err := Open(targets, c.settings)
			if !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s := Settings{Secret: "hush-hush", Mail: MailSettings{Password: "hush-hush"}}
	if text := fmt.Sprintf("%v %+v %#v %s", s, s, s, s.Secret); strings.Contains(text, "hush") {
		t.Error(text)
	}
}
