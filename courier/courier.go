// Package courier hands a message to a person or a machine by a channel: mail
// over SMTP, a webhook over HTTP, or a command on this machine. It is given
// values and gives back what the other side said, as a proof, or an error that
// tells whether another attempt may help. What to send and when, and to keep
// what became of it, is left to the rooms above.
package courier

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"

	"tocsin/casebook"
)

// Urgency says how much a message presses. The zero value is normal.
type Urgency int

// The urgencies.
const (
	Normal Urgency = iota
	Urgent         // somebody is to be woken
)

// String gives "normal" or "urgent".
func (u Urgency) String() string {
	if u == Urgent {
		return "urgent"
	}
	return "normal"
}

// Bounds of a message.
const (
	MaxSubject = 300     // runes; a longer one is cut
	MaxText    = 1 << 20 // octets of the text
	MaxBody    = 8 << 20 // octets of the JSON body: a report of the largest botnet has ten thousand rows
)

// Message is what is handed over. It is sent at least once: the ID makes a
// repetition known as one, by Message-ID and by idempotency key.
type Message struct {
	// ID stays the same from one attempt to the next, and differs from message to
	// message: 8 to 100 letters, digits, ".", "_" and "-".
	ID string
	// Kind is a word for machines, as "duty_warning".
	Kind string
	// Subject is one line. Control characters become spaces.
	Subject string
	// Text is what a person reads, in lines.
	Text string
	// Body is the same for machines, marshalled as JSON; nil has none.
	Body any
	// Language of the text as in BCP 47, as "en" or "zh".
	Language string
	// At is when the message was made, the same at each attempt.
	At      time.Time
	Urgency Urgency
}

// Proof is what the other side said when it took a message.
type Proof struct {
	Channel string    `json:"channel"` // mail, webhook or command
	Target  string    `json:"target"`  // as Target.Name gives it: no secrets
	At      time.Time `json:"at"`      // UTC, by this machine's clock
	// Code is the SMTP reply code, the HTTP status or the exit code.
	Code int `json:"code"`
	// Said are the first octets of the answer, 1,000 at most: the last SMTP reply
	// ("2.0.0 queued as 4F2"), the body of the HTTP answer, or what the command
	// printed.
	Said string `json:"said"`
}

// Failure is a message that wasn't taken.
type Failure struct {
	Target string // as Target.Name gives it
	// Temporary: the same message may be taken later. Otherwise trying again
	// without a change is useless.
	Temporary bool
	// After is how long the other side asked to be left alone; 0: it didn't say.
	After time.Duration
	Code  int // as in Proof; 0 if there was no answer
	Err   error
}

// Error is a sentence with the target, the kind of failure and what was said.
func (f *Failure) Error() string {
	kind := "refused for good"
	if f.Temporary {
		kind = "failed, may work later"
	}
	return fmt.Sprintf("send to %s: %s: %v", f.Target, kind, f.Err)
}

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Temporary reports whether another attempt may help. An error that no channel
// gave, as a target that can't be read, is permanent.
func Temporary(err error) bool {
	f, ok := errors.AsType[*Failure](err)
	return ok && f.Temporary
}

// Settings are what channels need beside their targets. The zero value serves
// webhooks without signature, and commands.
type Settings struct {
	Mail MailSettings
	// Secret signs webhooks; nil leaves them unsigned. A text that begins with
	// "whsec_" is base64 after it, as in Standard Webhooks.
	Secret Secret
	// HTTP carries webhooks; nil is the standard transport, with proxies from the
	// environment.
	HTTP http.RoundTripper
	// Limit bounds one attempt; 0 is 30 seconds.
	Limit time.Duration
}

// Secret is a text that never prints.
type Secret string

// String hides it.
func (Secret) String() string { return "(secret)" }

// GoString hides it.
func (Secret) GoString() string { return "(secret)" }

// MarshalText hides it.
func (Secret) MarshalText() ([]byte, error) { return []byte("(secret)"), nil }

// Courier sends. It may be used by several goroutines.
type Courier struct {
	settings Settings
	commands map[string]bool // the targets that may start a program
	client   *http.Client
}

// Open makes a courier and looks whether it could serve the targets: each is
// well formed, a mail has a server to go to, a command is there and can be run.
// It connects to nobody. It gives ErrInvalid, and names the target, otherwise.
//
// Send takes webhooks and mail to others too, but starts a program only for a
// target that was named here: settings may name programs, stored data may not.
func Open(targets []string, s Settings) (*Courier, error) {
	if s.Limit == 0 {
		s.Limit = 30 * time.Second
	}
	if _, err := signingKey(s.Secret); err != nil {
		return nil, err
	}
	if err := s.Mail.check(); err != nil {
		return nil, err
	}
	c := &Courier{settings: s, commands: map[string]bool{}, client: &http.Client{Transport: s.HTTP, CheckRedirect: sameHost}}
	for _, text := range targets {
		t, err := ParseTarget(text)
		if err == nil {
			err = c.admit(t)
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Courier) admit(t Target) error {
	switch t.channel {
	case mailChannel:
		if c.settings.Mail.Server == "" {
			return fmt.Errorf("target %s: no mail server is set: %w", t.Name(), casebook.ErrInvalid)
		}
	case commandChannel:
		if err := executable(t.command[0]); err != nil {
			return fmt.Errorf("target %s: %v: %w", t.Name(), err, casebook.ErrInvalid)
		}
		c.commands[t.text] = true
	}
	return nil
}

var messageID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,100}$`)

// check holds a message against its bounds and cleans its subject.
func (m *Message) check() error {
	if !messageID.MatchString(m.ID) || strings.Contains(m.ID, "..") || m.ID[0] == '.' || m.ID[len(m.ID)-1] == '.' {
		return fmt.Errorf("message ID %.120q is none: 8 to 100 letters, digits, dots between others, _ or -: %w", m.ID, casebook.ErrInvalid)
	}
	if len(m.Text) > MaxText {
		return fmt.Errorf("message %s: %d octets of text, over %d: %w", m.ID, len(m.Text), MaxText, casebook.ErrTooLarge)
	}
	m.Subject = line(m.Subject, MaxSubject)
	m.Kind = line(m.Kind, 64)
	m.Language = line(m.Language, 35)
	return nil
}

// line makes a text one line of at most so many runes, valid UTF-8, without
// control or formatting characters that could break or disguise it.
func line(text string, runes int) string {
	n := 0
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if n++; n > runes {
			return -1
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")))
}

// Send hands the message to one target, once, and waits for the answer, within
// the limit of the settings and of ctx. The error is a *Failure, or wraps
// ErrInvalid, ErrTooLarge (of the message or target) or ErrForbidden (a command
// that Open wasn't told of), which are permanent. A target of several addresses is
// taken when all of them took it; Split makes one target an address.
//
// An end that comes between the other side's taking the message and its answer
// gives a temporary failure: the next attempt carries the same ID.
func (c *Courier) Send(ctx context.Context, target string, m Message) (Proof, error) {
	t, err := ParseTarget(target)
	if err != nil {
		return Proof{}, err
	}
	if err := m.check(); err != nil {
		return Proof{}, err
	}
	e, err := envelop(m)
	if err != nil {
		return Proof{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.settings.Limit)
	defer cancel()
	var code int
	var said string
	switch t.channel {
	case mailChannel:
		code, said, err = c.mail(ctx, t, m)
	case webhookChannel:
		code, said, err = c.post(ctx, t, m, e)
	case commandChannel:
		if !c.commands[t.text] {
			return Proof{}, fmt.Errorf("target %s: only a command that the settings name is started: %w", t.Name(), casebook.ErrForbidden)
		}
		code, said, err = execute(ctx, t, m, e)
	}
	if err != nil {
		return Proof{}, fail(t, code, err)
	}
	return Proof{Channel: string(t.channel), Target: t.Name(), At: time.Now().UTC(), Code: code, Said: answer(said)}, nil
}

// temporary marks an error after which another attempt may help.
type temporary struct {
	error
	after time.Duration
}

func (t temporary) Unwrap() error { return t.error }

func fail(t Target, code int, err error) error {
	f := &Failure{Target: t.Name(), Code: code, Err: err}
	if cause, ok := errors.AsType[temporary](err); ok {
		f.Temporary, f.After = true, cause.after
	}
	return f
}

// maxSaid bounds what is kept of an answer, in octets.
const maxSaid = 1000

// answer cleans what a stranger said: one line that can be logged and shown.
func answer(said string) string {
	if len(said) > maxSaid {
		said = said[:maxSaid]
	}
	return line(said, maxSaid)
}
