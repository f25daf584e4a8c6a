package desk

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/klauspost/compress/zstd"

	"tocsin/casebook"
	"tocsin/intake"
	"tocsin/store"
)

// A backup is a zstd-packed tar of a data directory as it is at one moment: the
// database as an SQLite file, whatever it was, the bytes of every delivery that
// it names, the ledger's keys, the newest checkpoint, the site's formats.

// backupAside names the folder of a copied database while it is packed.
const backupAside = "backup-*"

// Backup writes a backup while everything goes on. It holds the ledger's private
// key and whatever the deliveries say: keep it as safe as the data directory.
func (d *Desk) Backup(ctx context.Context, w io.Writer) error {
	if !d.backing.TryLock() {
		return fmt.Errorf("back up %s: another backup is being written; wait for its end: %w", d.dir, casebook.ErrConflict)
	}
	defer d.backing.Unlock()
	if err := d.backup(ctx, w); err != nil {
		return fmt.Errorf("back up %s: %w", d.dir, err)
	}
	return nil
}

func (d *Desk) backup(ctx context.Context, w io.Writer) (err error) {
	if err := d.db.Sign(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(d.dir.Cache(), 0o700); err != nil {
		return err
	}
	aside, err := os.MkdirTemp(d.dir.Cache(), backupAside)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }()
	file := filepath.Join(aside, "tocsin.db")
	if err := d.db.CopyTo(ctx, file); err != nil {
		return err
	}
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	a := archive{ctx: ctx, tar: tar.NewWriter(z)}
	if err := a.file("tocsin.db", file); err != nil {
		return err
	}
	if err := a.directory(d.dir); err != nil {
		return err
	}
	if err := a.contents(file, aside, d.dir); err != nil {
		return err
	}
	return errors.Join(a.tar.Close(), z.Close())
}

type archive struct {
	ctx context.Context
	tar *tar.Writer
}

func (a archive) file(name, from string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := a.ctx.Err(); err != nil {
		return err
	}
	if err := a.tar.WriteHeader(&tar.Header{Name: name, Size: info.Size(), Mode: 0o600, ModTime: info.ModTime(), Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err = io.CopyN(a.tar, f, info.Size())
	return err
}

// directory adds the small files beside the database, those that are there.
func (a archive) directory(dir Directory) error {
	files := map[string]string{"ledger.key": dir.LedgerKey(), "ledger.pub": dir.LedgerPub()}
	feeds, err := filepath.Glob(filepath.Join(dir.Feeds(), "*"))
	if err != nil {
		return err
	}
	for _, f := range feeds {
		files[path.Join("feeds", filepath.Base(f))] = f
	}
	for name, file := range files {
		if err := a.file(name, file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// contents adds what the copied database speaks of: its own checkpoint, which the
// live one may have left behind, and the bytes of every delivery that it names.
func (a archive) contents(database, aside string, dir Directory) error {
	db, err := store.OpenForAudit(database)
	if err != nil {
		return err
	}
	defer db.Close()
	r := db.Reader(casebook.Operator())
	note, err := r.Checkpoint(a.ctx)
	if err != nil {
		return err
	}
	checkpoint := Directory(aside).Checkpoint()
	if err := os.WriteFile(checkpoint, []byte(note), 0o600); err != nil {
		return err
	}
	if err := a.file("checkpoint", checkpoint); err != nil {
		return err
	}
	done := map[casebook.Digest]bool{}
	for d, err := range r.EveryDelivery(a.ctx) {
		if err != nil {
			return err
		}
		if done[d.Digest] {
			continue
		}
		done[d.Digest] = true
		name, err := intake.Find(intake.Folder(dir.Deliveries()), d.Digest)
		if err != nil {
			return err
		}
		if err := a.file(path.Join("deliveries", name), filepath.Join(dir.Deliveries(), filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	return nil
}

// backupNames are the files that a backup may hold; anything else refuses it.
var backupNames = regexp.MustCompile(`^(tocsin\.db|ledger\.key|ledger\.pub|checkpoint|feeds/[A-Za-z0-9][A-Za-z0-9._-]*|deliveries/[0-9a-f]{2}/[0-9a-f]{64}(\.zst)?)$`)

// Restore unpacks a backup into a data directory, and into a PostgreSQL database
// if one is named. It gives ErrConflict when either holds something already, and
// leaves nothing half done in the directory.
func Restore(ctx context.Context, r io.Reader, dir, database string) (err error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("restore: %s isn't empty; name a new directory: %w", dir, casebook.ErrConflict)
	}
	aside := strings.TrimRight(dir, "/") + ".restoring"
	err = os.Mkdir(aside, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("restore: %s is left of a restore that was cut short; remove it and restore again: %w", aside, casebook.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }()
	if err := Unpack(ctx, r, aside); err != nil {
		return err
	}
	if database != "" {
		if err := store.CopyFrom(ctx, database, Directory(aside).Database()); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		if err := os.Remove(Directory(aside).Database()); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("restore: %w", err)
	}
	if err := os.Rename(aside, dir); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return intake.Folder(filepath.Dir(filepath.Clean(dir))).SyncDir(".")
}

// Unpack lays the files of a backup into an empty folder. It gives ErrInvalid
// for anything that isn't a whole backup.
func Unpack(ctx context.Context, r io.Reader, dir string) error {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(1<<27))
	if err != nil {
		return fmt.Errorf("read the backup: %v: %w", err, casebook.ErrInvalid)
	}
	defer z.Close()
	t := tar.NewReader(z)
	seen := map[string]bool{}
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && len(seen) == 0 {
			return fmt.Errorf("this is no backup of tocsin, or the beginning of it is damaged (%v): %w", err, casebook.ErrInvalid)
		}
		if err != nil {
			return fmt.Errorf("the backup is damaged or cut short after %d files (%v): take another one: %w", len(seen), err, casebook.ErrInvalid)
		}
		if h.Typeflag != tar.TypeReg || !backupNames.MatchString(h.Name) || seen[h.Name] {
			return fmt.Errorf("no backup of tocsin: it holds %.100q: %w", h.Name, casebook.ErrInvalid)
		}
		seen[h.Name] = true
		if err := unpackFile(ctx, t, filepath.Join(dir, filepath.FromSlash(h.Name)), h.Name); err != nil {
			return err
		}
	}
	for name := range seen {
		if err := intake.Folder(dir).SyncDir(path.Dir(name)); err != nil {
			return err
		}
	}
	if !seen["tocsin.db"] || !seen["ledger.pub"] {
		return fmt.Errorf("no whole backup of tocsin: it lacks the database or the ledger's key: %w", casebook.ErrInvalid)
	}
	return nil
}

func unpackFile(ctx context.Context, r io.Reader, name, inside string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = io.Copy(f, r); err != nil {
		err = fmt.Errorf("read %s of the backup: %v: %w", inside, err, casebook.ErrInvalid)
	} else {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
