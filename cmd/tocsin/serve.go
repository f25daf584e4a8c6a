package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"tocsin/access"
	"tocsin/desk"
	"tocsin/web"
)

type serveCommand struct {
	Data     string   `help:"Data directory. Default: ./data." default:"./data" placeholder:"DIR"`
	Listen   string   `help:"Address to listen on. On a loopback address the API needs no key until there are accounts. Default: 127.0.0.1:8080." default:"127.0.0.1:8080" placeholder:"ADDR"`
	URL      string   `name:"url" help:"Address by which others reach the platform, such as https://tocsin.example: what is sent outside links to it. Default: where it listens on a loopback address, that one; otherwise none, and nothing that is sent has links." placeholder:"URL"`
	Database string   `help:"PostgreSQL database (postgres://…) instead of SQLite in the data directory." placeholder:"URL"`
	Feeds    string   `help:"Folder of a site's own formats. Default: feeds in the data directory." placeholder:"DIR"`
	Regimes  string   `help:"Folder of a site's own law packs. Default: regimes in the data directory." placeholder:"DIR"`
	NTP      []string `name:"ntp" help:"Time servers that tell how far this machine's clock is off, HOST or HOST:PORT, with commas between. Default: what the kernel says." placeholder:"HOST"`
	channels
}

// Help implements kong.HelpProvider.
func (serveCommand) Help() string {
	return `On one PostgreSQL database a second one stands by, and takes over when the first ends
(docs/decisions/0061). It needs the same ledger.key in its data directory.

  tocsin serve --data /var/lib/tocsin --listen 127.0.0.1:8080 \
    --contact mailto:duty@example.org --smtp mail.example:25 --smtp-from tocsin@example.org`
}

// listenAt listens at an address, or says what to do about it.
func listenAt(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		err = fmt.Errorf("another program listens at %s already: end it, or choose another address with --listen (%w)", address, err)
	case err != nil:
		err = fmt.Errorf("--listen %q: write an address of this machine and a port, as 127.0.0.1:8080 (%w)", address, err)
	}
	return l, err
}

// Run serves until it is told to stop.
func (c serveCommand) Run(ctx context.Context, std streams) (err error) {
	listener, err := listenAt(c.Listen)
	if err != nil {
		return exit{exitMisused, fmt.Errorf("serve: %w", err)}
	}
	defer listener.Close()
	settings, err := c.settings()
	if err != nil {
		return exit{exitMisused, fmt.Errorf("serve: %w", err)}
	}
	loopback := listener.Addr().(*net.TCPAddr).IP.IsLoopback()
	address, err := publicURL(c.URL, listener.Addr(), loopback)
	if err != nil {
		return exit{exitMisused, err}
	}
	var d *desk.Desk
	// A short command may hold the directory when the platform is started again.
	open := func() error {
		d, err = desk.Open(ctx, desk.Config{Dir: c.Data, Database: c.Database, Feeds: c.Feeds,
			Regimes: c.Regimes, Contacts: c.Contact, Courier: settings, Language: c.Lang, URL: address, Clock: clockBy(c.NTP)})
		return err
	}
	front := newFront(listener)
	if err = whileOwned(ctx, 3*time.Second, open); c.Database != "" && isHeld(err) {
		if err = front.standBy(ctx, std, open); err != nil {
			err = errors.Join(err, front.close())
		}
		if ctx.Err() != nil {
			return nil // told to stop before it had anything to do
		}
	}
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	key, err := serverKey(d.Directory())
	if err != nil {
		return fmt.Errorf("serve: %w", errors.Join(err, d.Close()))
	}
	o, err := own(d)
	if err != nil {
		return fmt.Errorf("serve: %w", errors.Join(err, d.Close()))
	}
	defer func() { err = firstError(err, o.close()) }()
	setup, err := setupToken(ctx, d)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	handler := web.New(d, web.Options{Version: version(), Key: key, Setup: setup, Loopback: loopback, Backup: d.Backup})
	fmt.Fprintf(std.out, "tocsin %s on http://%s with its data in %s\n", version(), listener.Addr(), c.Data)
	if !loopback {
		fmt.Fprintf(std.out, "callers need the key in %s\n", d.Directory().ServerKey())
	}
	if setup != "" {
		fmt.Fprintf(std.out, "nobody has an account yet; this link makes the first one, once: http://%s/setup?token=%s\n", listener.Addr(), setup)
	}
	if !d.CanCall() {
		fmt.Fprintln(std.out, "nobody is called from here: name people on duty with --contact")
	}
	return front.serve(ctx, handler, d.Lost())
}

// publicURL is by which address others reach the platform: what was said, or where it
// listens on a loopback address, where nobody else does.
func publicURL(said string, at net.Addr, loopback bool) (string, error) {
	if said == "" {
		if loopback {
			return "http://" + at.String(), nil
		}
		return "", nil
	}
	u, err := url.Parse(said)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", fmt.Errorf("serve: --url %s is no address such as https://tocsin.example: it begins with https:// or http:// and ends with the host's name or its port", said)
	}
	return u.Scheme + "://" + u.Host, nil
}

// setupToken makes the token of the link for the first account; "" where there is one.
// It lives as long as this process.
func setupToken(ctx context.Context, d *desk.Desk) (string, error) {
	if any, err := d.AnyUser(ctx); err != nil || any {
		return "", err
	}
	return access.NewSecret(access.SetupPrefix).Text, nil
}

// serverKey reads the key that callers from elsewhere need, or makes it.
func serverKey(dir desk.Directory) (string, error) {
	text, err := os.ReadFile(dir.ServerKey())
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	key := "tck_" + rand.Text()
	return key, os.WriteFile(dir.ServerKey(), []byte(key+"\n"), 0o600)
}

type versionCommand struct{ format }

// versionLine is a line of tocsin version --format json.
type versionLine struct {
	Kind     string `json:"kind"`
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Help implements kong.HelpProvider.
func (versionCommand) Help() string {
	return `  tocsin version --format json`
}

// Run tells.
func (c versionCommand) Run(std streams) error {
	if c.json() {
		return printJSON(std.out, versionLine{"version", version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintf(std.out, "tocsin %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// release is the version that this tree becomes.
const release = "0.1.0"

// version is the release, and the commit it was built from if that is known.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return release + "+" + s.Value[:12]
		}
	}
	return release
}
