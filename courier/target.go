package courier

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/mail"
	"net/url"
	"path"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"tocsin/casebook"
)

type channel string

const (
	mailChannel    channel = "mail"
	webhookChannel channel = "webhook"
	commandChannel channel = "command"
)

// Bounds of a target.
const (
	maxTarget    = 4096 // octets
	maxAddresses = 50
	maxArguments = 50
)

// Target is where a message goes. ParseTarget makes it; the zero value is none.
type Target struct {
	channel   channel
	text      string   // canonical; may hold secrets
	addresses []string // mail
	url       *url.URL // webhook
	command   []string // command: path and arguments
}

// ParseTarget reads a target:
//
//	https://host/path, http://…   a webhook; the URL may carry a user and password
//	mailto:a@example.org,b@…      mail (RFC 6068, without header fields)
//	exec:/path/to/hook arg arg    a command, started without a shell; a space or a
//	                              percent sign within an argument is %20 or %25
//
// It gives ErrInvalid for anything else, and doesn't repeat what could be a secret.
func ParseTarget(text string) (Target, error) {
	scheme, rest, ok := strings.Cut(text, ":")
	var t Target
	var err error
	switch strings.ToLower(scheme) {
	case "http", "https":
		t, err = parseWebhook(text)
	case "mailto":
		t, err = parseMailto(rest)
	case "exec":
		t, err = parseCommand(rest)
	default:
		ok = false
	}
	switch {
	case len(text) > maxTarget:
		err = fmt.Errorf("%d octets are over %d", len(text), maxTarget)
	case !ok:
		err = fmt.Errorf("it begins with none of https:, http:, mailto: and exec: as a target does")
	}
	if err != nil {
		return Target{}, fmt.Errorf("target %s: %v: %w", masked(text), err, casebook.ErrInvalid)
	}
	return t, nil
}

// masked says which target is meant without what stands in it.
func masked(text string) string {
	scheme, _, ok := strings.Cut(text, ":")
	if !ok || len(scheme) > 10 {
		return "(" + digest(text) + ")"
	}
	return line(scheme, 10) + ":… (" + digest(text) + ")"
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

func plain(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' })
}

func parseWebhook(text string) (Target, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || !plain(text):
		return Target{}, fmt.Errorf("it is no URL") // url.Error repeats it
	case u.Hostname() == "" || u.Opaque != "":
		return Target{}, fmt.Errorf("the URL has no host")
	case u.Fragment != "":
		return Target{}, fmt.Errorf("a fragment (#…) goes to no server")
	}
	u.Scheme = strings.ToLower(u.Scheme)
	// Written and read again, so that equal targets have equal texts.
	u, err = url.Parse(u.String())
	if err != nil || u.Hostname() == "" {
		return Target{}, fmt.Errorf("it is no URL")
	}
	return Target{channel: webhookChannel, text: u.String(), url: u}, nil
}

func parseMailto(rest string) (Target, error) {
	if strings.ContainsAny(rest, "?#") {
		return Target{}, fmt.Errorf("header fields (?…) aren't taken")
	}
	t := Target{channel: mailChannel}
	for part := range strings.SplitSeq(rest, ",") {
		part, err := url.PathUnescape(part)
		if err != nil {
			return Target{}, fmt.Errorf("a percent sign without two hexadecimal digits")
		}
		address, err := parseAddress(part)
		if err != nil {
			return Target{}, err
		}
		if !slices.Contains(t.addresses, address) {
			t.addresses = append(t.addresses, address)
		}
	}
	if len(t.addresses) > maxAddresses {
		return Target{}, fmt.Errorf("%d addresses are over %d", len(t.addresses), maxAddresses)
	}
	t.text = mailto(t.addresses)
	return t, nil
}

// mailto writes addresses as a target (RFC 6068 section 2: what is no qchar is
// escaped).
func mailto(addresses []string) string {
	escaped := make([]string, len(addresses))
	for i, a := range addresses {
		escaped[i] = strings.NewReplacer("%2B", "+", "%40", "@").Replace(url.QueryEscape(a))
	}
	return "mailto:" + strings.Join(escaped, ",")
}

// parseAddress reads one bare address and gives it as SMTP takes it: a local part
// of atoms in ASCII, a domain in A-labels.
func parseAddress(text string) (string, error) {
	a, err := mail.ParseAddress(text)
	if err != nil || a.Name != "" || strings.ContainsAny(text, "<>\"() \t\r\n,") {
		return "", fmt.Errorf("an address isn't of the form name@domain")
	}
	at := strings.LastIndexByte(a.Address, '@')
	local := a.Address[:at]
	domain, err := idna.Lookup.ToASCII(a.Address[at+1:])
	switch {
	case err != nil || strings.ContainsAny(domain, "[]:%"):
		return "", fmt.Errorf("the domain of an address is none")
	case len(local) > 64 || len(local)+1+len(domain) > 254:
		return "", fmt.Errorf("an address is over 254 octets, or its name over 64 (RFC 5321)")
	case strings.ContainsFunc(local, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", fmt.Errorf("the name of an address has characters outside ASCII")
	}
	return local + "@" + domain, nil
}

func parseCommand(rest string) (Target, error) {
	words := strings.Fields(rest)
	if len(words) == 0 {
		return Target{}, fmt.Errorf("no command is named")
	}
	if len(words) > maxArguments {
		return Target{}, fmt.Errorf("%d arguments are over %d", len(words), maxArguments)
	}
	t := Target{channel: commandChannel}
	escaped := make([]string, len(words))
	for i, w := range words {
		word, err := url.PathUnescape(w)
		if err != nil {
			return Target{}, fmt.Errorf("a percent sign without two hexadecimal digits: write %%25 for one")
		}
		if strings.ContainsRune(word, 0) {
			return Target{}, fmt.Errorf("an argument holds a zero octet")
		}
		t.command = append(t.command, word)
		escaped[i] = escapeWord(word)
	}
	if !path.IsAbs(t.command[0]) {
		return Target{}, fmt.Errorf("the command isn't named by its whole path")
	}
	t.text = "exec:" + strings.Join(escaped, " ")
	return t, nil
}

// escapeWord writes an argument so that parseCommand reads it again: a percent
// sign and whatever could be taken for a space are escaped.
func escapeWord(word string) string {
	var b strings.Builder
	for i := range len(word) {
		if c := word[i]; c > ' ' && c < 0x7f && c != '%' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// String gives the target as ParseTarget reads it, with its secrets: it isn't for
// logs. Name is.
func (t Target) String() string { return t.text }

// Name says which target is meant, for logs and people: host, domain or program,
// and eight digits of a hash that tell targets apart. What may be a secret or a
// person's name isn't in it.
func (t Target) Name() string {
	where := ""
	switch t.channel {
	case mailChannel:
		domains := []string{}
		for _, a := range t.addresses {
			if d := "…" + a[strings.LastIndexByte(a, '@'):]; !slices.Contains(domains, d) {
				domains = append(domains, d)
			}
		}
		where = "mailto:" + strings.Join(domains, ",")
	case webhookChannel:
		where = t.url.Scheme + "://" + t.url.Host + "/…"
	case commandChannel:
		where = "exec:" + line(t.command[0], 200)
	default:
		return "(no target)"
	}
	return where + " (" + digest(t.text) + ")"
}

// Split gives one target for each address of a mail, and other targets as they
// are, so that each is tried and counted by itself.
func (t Target) Split() []Target {
	if t.channel != mailChannel {
		return []Target{t}
	}
	all := make([]Target, len(t.addresses))
	for i, a := range t.addresses {
		all[i] = Target{channel: mailChannel, text: mailto([]string{a}), addresses: []string{a}}
	}
	return all
}
