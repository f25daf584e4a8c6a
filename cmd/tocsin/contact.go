package main

import (
	"fmt"
	"os"
	"strings"

	"tocsin/courier"
)

// channels are the flags that say whom to call, and how.
type channels struct {
	Contact  []string `help:"Whom to call: mailto:ADDR[,ADDR…], a webhook https://…, or a command exec:/path/to/hook ARG…. Give it several times; all are called at once." placeholder:"TARGET" sep:"none"`
	Lang     string   `help:"Language of the calls." enum:"en,zh" default:"en"`
	SMTP     string   `name:"smtp" help:"Mail server." placeholder:"HOST:PORT"`
	From     string   `name:"smtp-from" help:"Sender of mail." placeholder:"ADDR"`
	User     string   `name:"smtp-user" help:"Who logs in at the mail server; nobody by default." placeholder:"NAME"`
	Password string   `name:"smtp-password" help:"File that holds that one's password." placeholder:"FILE"`
	TLS      string   `name:"smtp-tls" help:"TLS to the mail server: offered (taken if it is there), required, implicit (port 465), none." enum:"offered,required,implicit,none" default:"offered"`
	Secret   string   `name:"webhook-secret" help:"File that holds the secret by which webhooks are signed." placeholder:"FILE"`
}

func (c channels) settings() (courier.Settings, error) {
	s := courier.Settings{Mail: courier.MailSettings{Server: c.SMTP, From: c.From, User: c.User, TLS: courier.TLS(c.TLS)}}
	if c.TLS == "offered" {
		s.Mail.TLS = courier.TLSOffered
	}
	var err error
	if s.Mail.Password, err = secret("--smtp-password", c.Password); err != nil {
		return s, err
	}
	s.Secret, err = secret("--webhook-secret", c.Secret)
	return s, err
}

// secret reads a file that holds one; "" gives none.
func secret(flag, file string) (courier.Secret, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	if s := strings.TrimSpace(string(text)); s != "" {
		return courier.Secret(s), nil
	}
	return "", fmt.Errorf("%s: %s is empty", flag, file)
}
