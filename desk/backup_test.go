package desk_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"tocsin/casebook"
	"tocsin/desk"
)

// TestBackupWhileFolding: a backup that is taken while a delivery is folded is one
// moment of it, audits, and goes on from there once restored.
func TestBackupWhileFolding(t *testing.T) {
	t.Parallel()
	o := open(t, t.TempDir())
	const n = 10 * desk.BatchRows
	a := o.accept(many(n))
	var done sync.WaitGroup
	done.Go(func() {
		if _, err := o.Gather(t.Context(), a.ID); err != nil {
			t.Error(err)
		}
	})
	if _, err := o.Await(t.Context(), casebook.Operator(), a.ID, 2*desk.BatchRows); err != nil {
		t.Fatal(err)
	}
	var backup bytes.Buffer
	if err := o.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	done.Wait()
	want := len(o.findings())
	o.wantSound()

	dir := filepath.Join(t.TempDir(), "restored")
	if err := desk.Restore(t.Context(), bytes.NewReader(backup.Bytes()), dir, ""); err != nil {
		t.Fatal(err)
	}
	if got := audit(t, desk.AuditTarget{Dir: dir}); len(got) > 0 {
		t.Errorf("audit of the backup: %v", got)
	}
	restored := open(t, dir)
	d, err := restored.Gather(t.Context(), a.ID)
	if err != nil || d.State != casebook.Folded || d.Taken != n || len(restored.findings()) != want {
		t.Errorf("got %+v (%v) and %d findings, want %d taken and %d findings", d, err, len(restored.findings()), n, want)
	}
	restored.wantSound()
}

// TestBackupHoldsWhatASiteMade: its formats, and its ledger's keys.
func TestBackupHoldsWhatASiteMade(t *testing.T) {
	dir := t.TempDir()
	const format = "about: ours\ninput:\n  format: csv\nconstants:\n  type: c2-server\nfields:\n  observed_at: {from: at}\n  asset:\n    - {from: ip, as: ip}\n"
	if err := os.Mkdir(desk.Directory(dir).Feeds(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(desk.Directory(dir).Feeds(), "ours.yaml"), []byte(format), 0o600); err != nil {
		t.Fatal(err)
	}
	o := open(t, dir)
	verifier := o.Verifier()
	var backup bytes.Buffer
	if err := o.Backup(t.Context(), &backup); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(desk.Directory(dir).Cache(), "backup-*")); err != nil || len(left) > 0 {
		t.Errorf("the backup left %v (%v)", left, err)
	}
	to := filepath.Join(t.TempDir(), "restored")
	if err := desk.Restore(t.Context(), &backup, to, ""); err != nil {
		t.Fatal(err)
	}
	restored := open(t, to)
	if _, err := restored.Feeds().Find("ours"); err != nil {
		t.Error(err)
	}
	if restored.Verifier() != verifier {
		t.Errorf("signed by %s, want %s", restored.Verifier(), verifier)
	}
}

// packed makes a zstd-packed tar.
func packed(t *testing.T, files ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for _, h := range files {
		h.Size = 0
		if h.Typeflag == tar.TypeReg {
			h.Size = 1
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := io.WriteString(w, "x"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644} }

// TestRestoreRefuses anything that isn't a whole backup, and leaves nothing of it.
func TestRestoreRefuses(t *testing.T) {
	o := open(t, t.TempDir())
	o.take(many(3000))
	var whole bytes.Buffer
	if err := o.Backup(t.Context(), &whole); err != nil {
		t.Fatal(err)
	}
	db, pub := file("tocsin.db"), file("ledger.pub")
	for _, c := range []struct {
		name string
		text []byte
	}{
		{"nothing", nil},
		{"text", []byte("observed_at,family,ip\n")},
		{"an empty archive", packed(t)},
		{"no key", packed(t, db)},
		{"no database", packed(t, pub)},
		{"a name that climbs", packed(t, db, pub, file("../escaped"))},
		{"a name from the root", packed(t, db, pub, file("/tmp/escaped"))},
		{"a name that climbs in a folder", packed(t, db, pub, file("deliveries/../../escaped"))},
		{"a link", packed(t, db, pub, tar.Header{Name: "checkpoint", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"})},
		{"a folder", packed(t, db, pub, tar.Header{Name: "feeds", Typeflag: tar.TypeDir})},
		{"the same name twice", packed(t, db, pub, db)},
		{"a name that no backup has", packed(t, db, pub, file("server.key"))},
		{"a backup cut short", whole.Bytes()[:whole.Len()/2]},
		{"a backup without its last octet", whole.Bytes()[:whole.Len()-1]},
	} {
		t.Run(c.name, func(t *testing.T) {
			parent := t.TempDir()
			err := desk.Restore(t.Context(), bytes.NewReader(c.text), filepath.Join(parent, "data"), "")
			if !errors.Is(err, casebook.ErrInvalid) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
			if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
				t.Errorf("it left %v (%v)", left, err)
			}
		})
	}
	t.Run("a directory that holds something", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "mine"), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := desk.Restore(t.Context(), bytes.NewReader(whole.Bytes()), dir, ""); !errors.Is(err, casebook.ErrConflict) {
			t.Errorf("got %v, want ErrConflict", err)
		}
		if got := string(read(t, filepath.Join(dir, "mine"))); got != "mine" {
			t.Errorf("what was there reads %q", got)
		}
	})
	t.Run("a caller who is gone", func(t *testing.T) {
		parent := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := desk.Restore(ctx, bytes.NewReader(whole.Bytes()), filepath.Join(parent, "data"), ""); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
			t.Errorf("it left %v (%v)", left, err)
		}
	})
	t.Run("the folder of a restore that was cut short", func(t *testing.T) {
		parent := t.TempDir()
		if err := os.Mkdir(filepath.Join(parent, "data.restoring"), 0o700); err != nil {
			t.Fatal(err)
		}
		err := desk.Restore(t.Context(), bytes.NewReader(whole.Bytes()), filepath.Join(parent, "data"), "")
		if !errors.Is(err, casebook.ErrConflict) || !strings.Contains(err.Error(), "data.restoring") {
			t.Errorf("got %v, want ErrConflict that names the folder", err)
		}
	})
	t.Run("an empty directory is fine", func(t *testing.T) {
		dir := t.TempDir()
		if err := desk.Restore(t.Context(), bytes.NewReader(whole.Bytes()), dir, ""); err != nil {
			t.Fatal(err)
		}
		if got := audit(t, desk.AuditTarget{Dir: dir}); len(got) > 0 {
			t.Error(got)
		}
	})
}
