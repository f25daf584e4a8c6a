package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"tocsin/courier"
	"tocsin/watch"
)

type watchCommand struct {
	channels
	URL     []string        `arg:"" optional:"" help:"Platforms to watch (https://…)."`
	Key     string          `help:"File that holds the key for the platforms; the variable TOCSIN_KEY may hold the key itself." placeholder:"FILE"`
	CA      string          `name:"ca" help:"File with the certificates (PEM) that vouch for the platforms, instead of the machine's list." placeholder:"FILE"`
	Every   time.Duration   `help:"Time between two looks at a platform." default:"20s"`
	Silence time.Duration   `help:"How long nothing good is heard before people are called." default:"90s"`
	Repeat  time.Duration   `help:"When to call again if nobody acknowledged." default:"10m"`
	Before  []time.Duration `help:"When to warn of a due moment that approaches while its platform is silent." default:"30m,10m"`
	State   string          `help:"File that keeps what was told, so that a restart forgets nothing." default:"tocsin-watch.json" placeholder:"FILE"`
	Test    bool            `help:"Send everybody a test call at the start."`
	Ack     string          `help:"Acknowledge the calls of the watcher that works with --state, in this name, and end." placeholder:"NAME"`
}

// Help implements kong.HelpProvider.
func (watchCommand) Help() string {
	return `Run it on another machine than the platform, as a service that is started again
when it ends. A platform that doesn't answer, answers something wrong, refuses the
key, or whose own watch loop stands still is told to every contact, with the open
due moments that it last told of; again at each due moment that comes meanwhile,
again each --repeat until somebody acknowledges, and when it is back. It runs until
it is stopped; a platform that refuses the key at the start ends it with code 2.

  tocsin watch https://tocsin.example --key watch.key --contact mailto:duty@example.org \
    --smtp mail.example:25 --smtp-from tocsin-watch@example.org --contact 'exec:/usr/local/bin/page duty' --test

  tocsin watch --ack 'Li Wei'`
}

// Run watches until it is told to stop.
func (c watchCommand) Run(ctx context.Context, std streams) error {
	if c.Ack != "" {
		return c.acknowledge(std)
	}
	log := slog.New(slog.NewTextHandler(std.err, nil))
	w, err := c.watcher(log)
	if err != nil {
		return exit{exitMisused, err}
	}
	w.File, w.State, err = watch.OpenFile(c.State)
	if w.File == nil {
		return exit{exitMisused, err}
	}
	defer w.File.Close()
	if err != nil {
		log.Error("begins with an empty memory", "err", err)
	}
	if err := w.File.Save(w.State); err != nil {
		return exit{exitMisused, err}
	}
	c.advise(w, log)
	if err := w.Run(ctx); err != nil {
		return exit{exitMisused, err}
	}
	return nil
}

func (c watchCommand) acknowledge(std streams) error {
	platform := ""
	switch len(c.URL) {
	case 0:
	case 1:
		var err error
		if platform, err = watch.CheckURL(c.URL[0]); err != nil {
			return err
		}
	default:
		return exit{exitMisused, errors.New("--ack takes one platform, or none for all")}
	}
	if err := watch.LeaveAcknowledgement(c.State, c.Ack, platform); err != nil {
		return exit{exitMisused, err}
	}
	_, err := fmt.Fprintln(std.out, "acknowledged: the watcher stops repeating its calls until something new happens")
	return err
}

// watcher wires the watch to its courier.
func (c watchCommand) watcher(log *slog.Logger) (*watch.Watcher, error) {
	w := &watch.Watcher{Every: c.Every, Test: c.Test, Language: c.Lang, Log: log}
	w.Silence, w.Repeat, w.Before = c.Silence, c.Repeat, c.Before
	if c.Every <= 0 {
		return nil, fmt.Errorf("--every %v is no time between two looks", c.Every)
	}
	for _, text := range c.URL {
		url, err := watch.CheckURL(text)
		if err != nil {
			return nil, err
		}
		w.Platforms = append(w.Platforms, url)
	}
	var err error
	if w.Poller.Key, err = (where{Key: c.Key}).key(); err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	if w.Poller.Roots, err = certificates(c.CA); err != nil {
		return nil, err
	}
	targets := map[string]string{}
	for _, text := range c.Contact {
		t, err := courier.ParseTarget(text)
		if err != nil {
			return nil, fmt.Errorf("--contact: %w", err)
		}
		for _, one := range t.Split() {
			targets[one.Name()] = one.String()
			w.Contacts = append(w.Contacts, one.Name())
		}
	}
	settings, err := c.settings()
	if err != nil {
		return nil, err
	}
	var all []string
	for _, text := range targets {
		all = append(all, text)
	}
	messenger, err := courier.Open(all, settings)
	if err != nil {
		return nil, err
	}
	w.Send = func(ctx context.Context, contact string, m courier.Message) (courier.Proof, error) {
		return messenger.Send(ctx, targets[contact], m)
	}
	return w, w.Check()
}

func certificates(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--ca: %s holds no certificate in PEM", file)
	}
	return pool, nil
}

// advise warns of settings that are allowed, and that somebody may not want.
func (c watchCommand) advise(w *watch.Watcher, log *slog.Logger) {
	const promised = 3 * time.Minute
	const sending = 30 * time.Second
	if latest := w.Latest(w.Every) + sending; latest > promised {
		log.Warn("with these settings a stop may be told later than three minutes after it", "latest", latest, "every", w.Every, "silence", w.Silence)
	}
	for _, url := range w.Platforms {
		if strings.HasPrefix(url, "http://") && w.Poller.Key != "" && !strings.HasPrefix(url, "http://127.0.0.1") && !strings.HasPrefix(url, "http://localhost") {
			log.Warn("the key goes to this platform in the clear: use https", "platform", url)
		}
	}
	if !c.Test {
		log.Info("contacts", "contacts", w.Contacts, "hint", "--test sends each a test call")
	}
}
