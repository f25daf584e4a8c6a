// Package demo is a country in a box: a platform on a throw-away data directory, with
// sample parties, people of every role, feeds that we make ourselves, and a story that
// plays through the real doors faster than life while a guide tells what happens. It
// stands beside the web interface, which shows the guide, and is left out of a platform
// that serves: nothing here is switched on by a setting.
package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/courier"
	"tocsin/desk"
	"tocsin/web"
)

// Config says how a country is opened.
type Config struct {
	Dir     string // throw-away data directory; whoever made it removes it
	Version string // of the program, as people see it
	Seed    uint64 // of the feeds: the same seed makes the same rows
	// Pace is how much faster the story is told than for a reader: 1 for one, 0 tells it
	// as fast as the machine can.
	Pace float64
	// Listener is where the platform is met. It must be on a loopback address: accounts
	// of a demonstration are everybody's.
	Listener net.Listener
}

// Country is a running demonstration. Close it.
type Country struct {
	clock   *Clock
	desk    *desk.Desk
	mail    *Mailbox
	server  *http.Server
	player  *player
	base    string
	token   string // of the set-up link
	staff   map[string]*person
	machine *client // hands in the feeds
	rows    *generator
	dir     string

	stop  context.CancelFunc
	works sync.WaitGroup
}

// Open opens a country: its platform listens when this returns, and nobody lives there
// yet. It gives ErrForbidden for a listener that others than this machine can reach.
func Open(c Config) (*Country, error) {
	at, ok := c.Listener.Addr().(*net.TCPAddr)
	if !ok || !at.IP.IsLoopback() {
		return nil, fmt.Errorf("a demonstration lets anybody be anybody, so it listens on this machine only, as on 127.0.0.1:8080, and not on %s: %w", c.Listener.Addr(), casebook.ErrForbidden)
	}
	n := &Country{clock: NewClock(opening), base: "http://" + c.Listener.Addr().String(), dir: c.Dir, staff: map[string]*person{}, rows: newGenerator(c.Seed)}
	for _, one := range people {
		one.password = rand.Text() // nobody needs to know it: people are signed in by a button
		n.staff[one.account] = &one
	}
	var err error
	if n.mail, err = openMailbox(n.clock.Now); err != nil {
		return nil, err
	}
	if err := n.open(c); err != nil {
		return nil, errors.Join(err, n.mail.Close())
	}
	n.clock.RunTo(opening, 0)
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	n.works.Go(func() { n.desk.Run(ctx) })
	n.works.Go(func() { n.server.Serve(c.Listener) })
	return n, nil
}

func (n *Country) open(c Config) (err error) {
	if err := writeLaws(filepath.Join(c.Dir, "regimes")); err != nil {
		return err
	}
	n.desk, err = desk.Open(context.Background(), desk.Config{Dir: c.Dir, Now: n.clock.Now, Tempo: n.clock, Sessions: 366 * 24 * time.Hour,
		Contacts: []string{"mailto:" + dutyDesk}, Clock: n.clock.State,
		Courier: courier.Settings{Mail: courier.MailSettings{Server: n.mail.Address(), From: "tocsin@centre.example", TLS: courier.TLSNone}}})
	if err != nil {
		return err
	}
	n.token = access.NewSecret(access.SetupPrefix).Text
	n.player = newPlayer(n, c.Pace)
	n.server = web.Server(web.New(n.desk, web.Options{Version: c.Version, Setup: n.token, Loopback: true, Backup: n.desk.Backup, Guide: n.player}))
	return nil
}

// Run settles the country and plays its story to the end, or until ctx ends. The
// country stays open afterwards, for who wants to look around.
func (n *Country) Run(ctx context.Context) error {
	if err := n.settle(ctx); err != nil {
		return fmt.Errorf("settle the country: %w", err)
	}
	return n.player.play(ctx, story())
}

// Close ends the platform; the data directory is the caller's.
func (n *Country) Close() error {
	grace, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := n.server.Shutdown(grace); err != nil {
		n.server.Close() // pages that are being fetched anew keep their connections
	}
	n.stop()
	n.works.Wait()
	return errors.Join(n.desk.Close(), n.mail.Close())
}

// keep writes what a request answered into a file of the country's directory.
func (n *Country) keep(name string, body io.Reader) (int64, error) {
	f, err := os.Create(filepath.Join(n.dir, name))
	if err != nil {
		return 0, err
	}
	size, err := io.Copy(f, body)
	return size, errors.Join(err, f.Close())
}
