package courier

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"tocsin/casebook"
)

// TLS says how mail is protected on its way to the mail server.
type TLS string

// The ways. Without a password STARTTLS is taken where it is offered, whatever the
// certificate (RFC 7435: better than none); a password is only ever sent inside
// TLS with a certificate that holds.
const (
	TLSOffered  TLS = ""         // STARTTLS where it is offered
	TLSRequired TLS = "required" // STARTTLS and a certificate that holds
	TLSImplicit TLS = "implicit" // TLS from the first octet, port 465
	TLSNone     TLS = "none"     // in the clear
)

// MailSettings say how mail leaves. The zero value can't send mail.
type MailSettings struct {
	Server   string // host, or host:port; the port is 25, or 465 for implicit TLS
	From     string // address that answers go to; its domain ends Message-IDs
	User     string // "" for a server that asks for none
	Password Secret
	TLS      TLS
	Roots    *x509.CertPool // who may vouch for the server; nil: the machine's list
}

func (s *MailSettings) check() error {
	if s.Server == "" {
		return nil
	}
	fault := func(format string, args ...any) error {
		return fmt.Errorf("mail: "+format+": %w", append(args, casebook.ErrInvalid)...)
	}
	from, err := parseAddress(s.From)
	if err != nil {
		return fault("sender %q: %v", line(s.From, 100), err)
	}
	s.From = from
	if _, _, err := s.address(); err != nil {
		return fault("server %q: %v", line(s.Server, 100), err)
	}
	switch s.TLS {
	case TLSOffered, TLSRequired, TLSImplicit, TLSNone:
	default:
		return fault("%q is no way of TLS: it is required, implicit or none", string(s.TLS))
	}
	switch {
	case (s.User == "") != (s.Password == ""):
		return fault("user and password go together")
	case s.User != "" && s.TLS == TLSNone:
		return fault("a password isn't sent without TLS")
	}
	return nil
}

// address gives host and port.
func (s MailSettings) address() (string, int, error) {
	host, port, err := net.SplitHostPort(s.Server)
	if err != nil {
		host, port = strings.Trim(s.Server, "[]"), "25"
		if s.TLS == TLSImplicit {
			port = "465"
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || host == "" || strings.ContainsAny(host, "/ \t\r\n") {
		return "", 0, errors.New("it isn't of the form HOST or HOST:PORT")
	}
	return host, int(n), nil
}

// mail makes one SMTP transaction an address, so that one that is refused keeps
// the message from nobody else.
func (c *Courier) mail(ctx context.Context, t Target, m Message) (int, string, error) {
	if c.settings.Mail.Server == "" {
		return 0, "", temporary{error: errors.New("no mail server is set")}
	}
	var code int
	var said string
	var refused, passing []error
	for _, address := range t.addresses {
		n, s, err := c.mailOne(ctx, address, m)
		code, said = max(code, n), s
		if err == nil {
			continue
		}
		if len(t.addresses) > 1 {
			err = fmt.Errorf("%s: %w", mustTarget(address).Name(), err)
		}
		if _, ok := errors.AsType[temporary](err); ok {
			passing = append(passing, err)
		} else {
			refused = append(refused, err)
		}
	}
	if len(refused) > 0 && len(passing) == 0 {
		return code, said, errors.Join(refused...)
	}
	if len(passing) > 0 {
		return code, said, temporary{error: errors.Join(append(refused, passing...)...)}
	}
	return code, said, nil
}

func mustTarget(address string) Target {
	return Target{channel: mailChannel, text: mailto([]string{address}), addresses: []string{address}}
}

func (c *Courier) mailOne(ctx context.Context, address string, m Message) (int, string, error) {
	letter, err := c.letter(address, m)
	if err != nil {
		return 0, "", err
	}
	// What the library leaves open, as after a refused login, ends with this.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client, err := c.smtp(ctx)
	if err != nil {
		return 0, "", err
	}
	err = client.DialAndSendWithContext(ctx, letter)
	if letter.IsDelivered() {
		// It was taken, whatever went wrong in the goodbye.
		return 250, letter.ServerResponse(), nil
	}
	if err == nil {
		err = errors.New("the server took nothing")
	}
	code := replyCode(err)
	// The library and the server name the address in full; what is said of a failure is
	// logged and shown.
	err = errors.New(strings.ReplaceAll(err.Error(), address, "…"+address[strings.LastIndexByte(address, '@'):]))
	if code >= 500 {
		return code, "", err
	}
	return code, "", temporary{error: err}
}

// replyCode gives the SMTP reply that an error stands for; 0 if there was none.
func replyCode(err error) int {
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return e.Code
	}
	if e, ok := errors.AsType[*mail.SendError](err); ok {
		return e.ErrorCode()
	}
	return 0
}

// letter writes the mail: the same at each attempt.
func (c *Courier) letter(address string, m Message) (*mail.Msg, error) {
	from := c.settings.Mail.From
	letter := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithEncoding(mail.EncodingQP), mail.WithNoDefaultUserAgent())
	if err := errors.Join(letter.From(from), letter.EnvelopeFrom(from), letter.To(address)); err != nil {
		return nil, err
	}
	letter.Subject(m.Subject)
	letter.SetDateWithValue(m.At)
	letter.SetMessageIDWithValue(m.ID + from[strings.LastIndexByte(from, '@'):])
	// RFC 3834: no out-of-office answers, please.
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetGenHeader("X-Tocsin-Kind", m.Kind)
	if m.Language != "" {
		letter.SetGenHeader(mail.HeaderContentLang, m.Language)
	}
	if m.Urgency == Urgent {
		letter.SetImportance(mail.ImportanceHigh)
	}
	letter.SetBodyString(mail.TypeTextPlain, strings.ToValidUTF8(m.Text, "\uFFFD"))
	return letter, nil
}

// smtp prepares a client. Its connections end with ctx, and it never waits longer
// than the limit for an answer.
func (c *Courier) smtp(ctx context.Context) (*mail.Client, error) {
	s := c.settings.Mail
	host, port, err := s.address()
	if err != nil {
		return nil, err
	}
	config := &tls.Config{ServerName: host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	policy := mail.TLSOpportunistic
	switch {
	case s.TLS == TLSRequired, s.User != "" && s.TLS != TLSImplicit:
		policy = mail.TLSMandatory
	case s.TLS == TLSNone:
		policy = mail.NoTLS
	case s.TLS == TLSOffered:
		config.InsecureSkipVerify = true
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(c.settings.Limit), mail.WithTLSPolicy(policy),
		mail.WithTLSConfig(config), mail.WithDialContextFunc(dialer(ctx, s.TLS == TLSImplicit, config)), mail.WithoutNoop()}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User), mail.WithPassword(string(s.Password)))
	}
	return mail.NewClient(host, options...)
}

// dialer opens connections that close when life ends; the library looks at a
// context only while it connects.
func dialer(life context.Context, implicit bool, config *tls.Config) mail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{Timeout: 15 * time.Second}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(life, func() { conn.Close() })
		if !implicit {
			return conn, nil
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		return secure, nil
	}
}
