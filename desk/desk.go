// Package desk is the control plane: stations, one a file, that each load,
// decide by a craft, and write once. It owns a data directory: the database, the
// delivery store, the ledger's key, the compiled table of holdings. It knows no
// HTTP and no command line.
package desk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/casebook"
	"tocsin/courier"
	"tocsin/feed"
	"tocsin/intake"
	"tocsin/ledger"
	"tocsin/regime"
	"tocsin/store"
)

// Desk is an open platform. Close it.
type Desk struct {
	// Now gives the moment; stations call it once, at their top.
	Now func() time.Time

	dir      Directory
	lock     *store.Lock
	db       *store.DB
	vault    *intake.Vault
	feeds    *feed.Catalogue
	signer   *ledger.Signer
	holdings atomic.Pointer[holdings]
	folding  sync.Mutex    // one delivery is folded at a time
	tables   sync.Mutex    // one table of holdings is imported at a time
	arrived  chan struct{} // holds a token when a delivery may be waiting
	moved    bell          // rung when a delivery was folded further
	reading  atomic.Pointer[reading]
	peopled  atomic.Bool // there are accounts
	backing  sync.Mutex  // one backup is written at a time
	basing   sync.Mutex  // one looks whether all must be graded again

	laws     *regime.Library
	courier  *courier.Courier
	contacts []string // of people on duty
	language string   // of what they are sent
	url      string   // by which others reach the platform, "" unknown
	probe    func(context.Context) (casebook.ClockState, error)
	passing  bool
	started  time.Time
	changed  bell // rung when moments of duties may have changed
	outgoing bell // rung when a line went into the outbox
	watched  atomic.Int64

	place  string   // of the database, for an audit
	audits auditing // from inside

	clockState atomic.Pointer[casebook.ClockState]
	clockNoted atomic.Bool
	looked     look // of Watch alone
	tempo      Tempo
	sessions   time.Duration // how long one lasts, 0 as access has it
}

// Config says what a desk is opened on.
type Config struct {
	Dir      string           // data directory, made if it isn't there
	Database string           // postgres:// URL; "" is SQLite in Dir
	Feeds    string           // folder of a site's own formats; "" is Dir/feeds
	Now      func() time.Time // nil is time.Now
	MaxBytes int64            // of one delivery; 0 is the vault's default
	Disk     intake.Disk      // of the delivery store; nil is Dir/deliveries
	Regimes  string           // folder of a site's own law packs; "" is Dir/regimes
	// Contacts are where people on duty are called: https://…, mailto:…, exec:…
	Contacts []string
	Courier  courier.Settings
	Language string // of what people on duty are sent: "en" or "zh"; "" is en
	// URL is by which address others reach the platform, without a path's end:
	// "https://tocsin.example"; "" where nobody said. What is sent outside then has no
	// links.
	URL string
	// Clock tells how far the machine's clock is off; nil leaves it unknown.
	Clock func(context.Context) (casebook.ClockState, error)
	// Tempo is how time passes for stations that wait; nil is the machine's.
	Tempo Tempo
	// Sessions is how long people stay signed in, used or not; 0 is access.SessionLife
	// and access.SessionIdle. A demonstration's days are minutes for who looks on.
	Sessions time.Duration
	// Passing is a command that ends soon: it writes down no reading of the clock
	// but with what it does.
	Passing bool
	// OnRead, if set, is called with each question that is put to the database.
	OnRead func(query string, args []any)
}

// A Directory is a data directory's layout: each method gives the path of what its
// name says.
type Directory string

// Database is the path of the SQLite file.
func (d Directory) Database() string   { return filepath.Join(string(d), "tocsin.db") }
func (d Directory) Deliveries() string { return filepath.Join(string(d), "deliveries") }
func (d Directory) Cache() string      { return filepath.Join(string(d), "cache") }
func (d Directory) Feeds() string      { return filepath.Join(string(d), "feeds") }
func (d Directory) Regimes() string    { return filepath.Join(string(d), "regimes") }
func (d Directory) LedgerKey() string  { return filepath.Join(string(d), "ledger.key") }
func (d Directory) LedgerPub() string  { return filepath.Join(string(d), "ledger.pub") }
func (d Directory) Checkpoint() string { return filepath.Join(string(d), "checkpoint") }
func (d Directory) Lock() string       { return filepath.Join(string(d), "lock") }
func (d Directory) Socket() string     { return filepath.Join(string(d), "socket") }
func (d Directory) ServerKey() string  { return filepath.Join(string(d), "server.key") }

// ErrOwned is what Open gives, with casebook.ErrConflict, when another process owns
// the data directory.
var ErrOwned = errors.New("another tocsin owns it")

// Open takes a data directory for its own and opens everything in it. It gives
// ErrOwned when another process has it, ErrConflict when a newer program has
// written to its database.
func Open(ctx context.Context, c Config) (*Desk, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Tempo == nil {
		c.Tempo = machine{time.Now()}
	}
	d := &Desk{Now: c.Now, tempo: c.Tempo, sessions: c.Sessions, dir: Directory(c.Dir), arrived: make(chan struct{}, 1)}
	if err := makeFolder(c.Dir); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	var err error
	if d.lock, err = store.LockDirectory(d.dir.Lock()); err != nil {
		if errors.Is(err, casebook.ErrConflict) {
			err = fmt.Errorf("%w: %w", ErrOwned, casebook.ErrConflict)
		}
		return nil, fmt.Errorf("data directory %s: %w", c.Dir, err)
	}
	if err := d.open(ctx, c); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// makeFolder makes a folder that outlasts a power cut, as what is kept in it does.
func makeFolder(name string) error {
	if err := os.MkdirAll(name, 0o700); err != nil {
		return err
	}
	return intake.Folder(filepath.Dir(filepath.Clean(name))).SyncDir(".")
}

// sweep removes what a life that ended in the middle of its work left aside.
func (d *Desk) sweep() error {
	var left []string
	for _, pattern := range []string{backupAside, importAside} {
		names, err := filepath.Glob(filepath.Join(d.dir.Cache(), pattern))
		if err != nil {
			return err
		}
		left = append(left, names...)
	}
	for _, name := range left {
		if err := os.RemoveAll(name); err != nil {
			return err
		}
	}
	return nil
}

func (d *Desk) open(ctx context.Context, c Config) (err error) {
	if err := d.sweep(); err != nil {
		return fmt.Errorf("clear the cache: %w", err)
	}
	if d.feeds, err = openFeeds(c, d.dir); err != nil {
		return err
	}
	d.openLaws(c)
	if err := d.openCourier(c); err != nil {
		return err
	}
	d.probe, d.passing, d.started = c.Clock, c.Passing, d.Now()
	disk := c.Disk
	if disk == nil {
		if err := makeFolder(d.dir.Deliveries()); err != nil {
			return err
		}
		disk = intake.Folder(d.dir.Deliveries())
	}
	if d.vault, err = intake.NewVault(disk, c.MaxBytes); err != nil {
		return err
	}
	if d.signer, err = openSigner(d.dir); err != nil {
		return err
	}
	place := c.Database
	if place == "" {
		place = d.dir.Database()
	}
	d.place = place
	d.db, err = store.Open(ctx, place, store.Options{Signer: d.signer, OnCheckpoint: d.keepCheckpoint, Now: d.Now(), OnRead: c.OnRead})
	if err != nil {
		return err
	}
	if err := d.isNoOlderCopy(ctx); err != nil {
		return err
	}
	return d.loadHoldings(ctx)
}

// isNoOlderCopy holds the database against the checkpoint that an earlier life laid
// beside it: going on from an older copy would make a second history.
func (d *Desk) isNoOlderCopy(ctx context.Context) error {
	note, err := os.ReadFile(d.dir.Checkpoint())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = d.Reader(casebook.Operator()).Reaches(ctx, string(note), d.signer.Verifier())
	}
	if errors.Is(err, casebook.ErrInvalid) {
		// A power cut may have torn it; the database has its own.
		slog.WarnContext(ctx, "the checkpoint beside the database says nothing", "file", d.dir.Checkpoint(), "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w; run tocsin audit. If you put an older copy in place on purpose, restore a whole backup instead, or move %s away", err, d.dir.Checkpoint())
	}
	return nil
}

func openFeeds(c Config, dir Directory) (*feed.Catalogue, error) {
	folder := c.Feeds
	if folder == "" {
		folder = dir.Feeds()
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return feed.Builtin(), nil
		}
	}
	return feed.OpenCatalogue(os.DirFS(folder))
}

// openLaws reads the law packs: ours, and those of the site. A pack that is bad is
// told and left out; it stops no other.
func (d *Desk) openLaws(c Config) {
	folder := c.Regimes
	if folder == "" {
		folder = d.dir.Regimes()
	}
	d.laws = regime.Builtin()
	if _, err := os.Stat(folder); err != nil {
		if c.Regimes != "" {
			slog.Error("the folder of law packs can't be read; the program's own are in force", "folder", folder, "err", err)
		}
		return
	}
	var faults []error
	d.laws, faults = regime.Load(os.DirFS(folder))
	for _, err := range faults {
		slog.Error("a law pack is left out", "folder", folder, "err", err)
	}
}

// openCourier makes ready to call people on duty.
func (d *Desk) openCourier(c Config) (err error) {
	d.url = strings.TrimRight(c.URL, "/")
	if d.language = c.Language; d.language == "" {
		d.language = "en"
	}
	if d.contacts, err = targets(c.Contacts); err != nil {
		return err
	}
	d.courier, err = courier.Open(d.contacts, c.Courier)
	return err
}

// CanCall reports whether anybody can be called from here.
func (d *Desk) CanCall() bool { return len(d.contacts) > 0 }

// Laws gives the law packs by which this desk judges.
func (d *Desk) Laws() *regime.Library { return d.laws }

// openSigner reads the ledger's key, or makes it at the first start.
func openSigner(dir Directory) (*ledger.Signer, error) {
	text, err := os.ReadFile(dir.LedgerKey())
	if err == nil {
		s, err := ledger.ParseSigner(string(text))
		if err != nil {
			return nil, fmt.Errorf("ledger key %s: %w", dir.LedgerKey(), err)
		}
		return s, checkVerifier(dir, s.Verifier())
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("ledger key: %w", err)
	}
	for _, left := range []string{dir.LedgerPub(), dir.Checkpoint(), dir.Database()} {
		if _, err := os.Stat(left); err == nil {
			return nil, fmt.Errorf("%s is there, but the key that signs its ledger, %s, is gone: put it back from a backup: %w", left, dir.LedgerKey(), casebook.ErrConflict)
		}
	}
	s, key, err := ledger.NewSigner("tocsin/" + strings.ToLower(casebook.NewID(time.Now()).Text("log")))
	if err != nil {
		return nil, err
	}
	// The private key first: without it the rest is refused.
	if err := writeFile(dir.LedgerKey(), []byte(key+"\n"), 0o600); err != nil {
		return nil, err
	}
	return s, writeFile(dir.LedgerPub(), []byte(s.Verifier()+"\n"), 0o644)
}

// checkVerifier keeps a desk from signing with another key than the public one that
// others know it by. A public key that is gone is written again.
func checkVerifier(dir Directory, verifier string) error {
	text, err := os.ReadFile(dir.LedgerPub())
	if errors.Is(err, fs.ErrNotExist) {
		return writeFile(dir.LedgerPub(), []byte(verifier+"\n"), 0o644)
	}
	if err == nil && strings.TrimSpace(string(text)) != verifier {
		err = fmt.Errorf("%s and %s are of two ledgers: put back the one that belongs here: %w", dir.LedgerKey(), dir.LedgerPub(), casebook.ErrInvalid)
	}
	return err
}

// writeFile writes a file so that it is there whole or not at all, also
// after a crash.
func writeFile(name string, content []byte, mode os.FileMode) error {
	temporary := name + ".new"
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, name); err != nil {
		return err
	}
	return intake.Folder(filepath.Dir(name)).SyncDir(".")
}

// keepCheckpoint lays the newest checkpoint beside the database, where another
// machine can fetch it. The database has it anyway: a failure is only told.
func (d *Desk) keepCheckpoint(note []byte) {
	temporary := d.dir.Checkpoint() + ".new"
	err := os.WriteFile(temporary, note, 0o644)
	if err == nil {
		err = os.Rename(temporary, d.dir.Checkpoint())
	}
	if err != nil {
		slog.Warn("the checkpoint could not be laid beside the database", "err", err)
	}
}

// Close ends the desk: it signs a last checkpoint and gives the data directory
// free. Stations must have returned.
func (d *Desk) Close() error {
	d.endAudit()
	var err error
	if d.db != nil {
		err = d.db.Close()
	}
	return errors.Join(err, d.lock.Unlock())
}

// Directory tells where the desk keeps its data.
func (d *Desk) Directory() Directory { return d.dir }

// Feeds gives the formats that the desk reads.
func (d *Desk) Feeds() *feed.Catalogue { return d.feeds }

// Reader gives a reader narrowed to a scope.
func (d *Desk) Reader(scope casebook.Scope) *store.Reader { return d.db.Reader(scope) }

// Lost is closed once another process has taken the database over: nothing can be written
// from here any more.
func (d *Desk) Lost() <-chan struct{} { return d.db.Lost() }

// Trouble tells why nothing can be written now; nil while all is well.
func (d *Desk) Trouble() *store.Trouble { return d.db.Trouble() }

// Verifier gives the public key of the ledger's checkpoints.
func (d *Desk) Verifier() string { return d.signer.Verifier() }
