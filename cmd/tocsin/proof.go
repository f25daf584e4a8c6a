package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/intake"
	"tocsin/store"
)

type auditCommand struct {
	format
	Data       string `help:"Data directory. Default: ./data." default:"./data" placeholder:"DIR"`
	Database   string `help:"PostgreSQL database (postgres://…) instead of SQLite in the data directory." placeholder:"URL"`
	Checkpoint string `help:"A checkpoint kept elsewhere, to notice a rollback to an older copy." placeholder:"FILE|URL"`
	Verifier   string `help:"File with the ledger's public key, kept elsewhere." placeholder:"FILE"`
	File       string `arg:"" optional:"" help:"A backup to audit instead."`
}

// Help implements kong.HelpProvider.
func (auditCommand) Help() string {
	return `It exits 0 when everything is as recorded, 1 when something isn't (each told with
table and key), 2 when the files can't be read.

  tocsin audit --data ./data --checkpoint https://other.example/tocsin-checkpoint`
}

// auditLine is a line of tocsin audit --format json.
type auditLine struct {
	Kind  string `json:"kind"`
	OK    bool   `json:"ok"`
	Table string `json:"table,omitempty"`
	Key   string `json:"key,omitempty"`
	Fault string `json:"fault,omitempty"`
	Note  string `json:"note,omitempty"`
}

// auditSum is its last line: of kind audit when all is well, audit_summary after
// faults.
type auditSum struct {
	Kind       string            `json:"kind"`
	OK         bool              `json:"ok"`
	Faults     int64             `json:"faults"`
	Entries    int64             `json:"entries"`
	Pending    int64             `json:"pending"`
	Unsigned   int64             `json:"unsigned"`
	Rows       int64             `json:"rows"`
	Deliveries int64             `json:"deliveries"`
	Root       string            `json:"root"`
	Uncovered  map[string]string `json:"not_covered_by_rows"`
}

// Run audits.
func (c auditCommand) Run(ctx context.Context, std streams) error {
	target := desk.AuditTarget{Dir: c.Data, Database: c.Database}
	if c.File != "" {
		dir, err := c.unpack(ctx)
		defer os.RemoveAll(dir)
		if err != nil {
			return exit{exitMisused, fmt.Errorf("audit %s: %w", c.File, err)}
		}
		target.Dir = dir
	}
	var err error
	if target.Checkpoint, err = fetch(ctx, c.Checkpoint); err == nil {
		target.Verifier, err = fetch(ctx, c.Verifier)
	}
	if err != nil {
		return exit{exitMisused, fmt.Errorf("audit: %w", err)}
	}
	result, err := desk.Audit(ctx, target, func(f store.Fault) error {
		if c.json() {
			return printJSON(std.out, auditLine{"audit", false, f.Table, f.Key, f.Fault, f.Note})
		}
		_, err := fmt.Fprintf(std.out, "%s: table %s, key %s: %s\n", strings.ToUpper(f.Fault), f.Table, f.Key, f.Note)
		return err
	})
	if err != nil {
		if result.Faults > 0 {
			return exit{exitFailed, err}
		}
		return exit{exitMisused, err}
	}
	return c.sum(std, result)
}

func (c auditCommand) unpack(ctx context.Context) (string, error) {
	f, err := os.Open(c.File)
	if err != nil {
		return "", err
	}
	defer f.Close()
	dir, err := os.MkdirTemp("", "tocsin-audit-")
	if err != nil {
		return "", err
	}
	return dir, desk.Unpack(ctx, f, dir)
}

// fetch reads a small text from a file or a web address; "" gives "".
func fetch(ctx context.Context, from string) (string, error) {
	if from == "" {
		return "", nil
	}
	if !strings.HasPrefix(from, "http://") && !strings.HasPrefix(from, "https://") {
		text, err := os.ReadFile(from)
		return string(text), err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("fetch %s: %s", from, answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return string(text), err
}

// sum tells what was covered, and what wasn't.
func (c auditCommand) sum(std streams, r desk.AuditResult) error {
	ok := r.Faults == 0
	uncovered := store.Uncovered()
	if c.json() {
		line := auditSum{"audit", ok, r.Faults, r.Entries, r.Pending, r.Unsigned, r.Rows, r.Deliveries, r.Root, uncovered}
		if !ok {
			line.Kind = "audit_summary"
		}
		if err := printJSON(std.out, line); err != nil {
			return err
		}
	} else {
		verdict := "OK"
		if !ok {
			verdict = fmt.Sprintf("NOT OK, %s faults", count(r.Faults))
		}
		fmt.Fprintf(std.out, "%s: %s ledger entries, %s rows, %s deliveries read again; root %s\n", verdict, count(r.Entries), count(r.Rows), count(r.Deliveries), r.Root)
		if late := r.Pending + r.Unsigned; late > 0 {
			fmt.Fprintf(std.out, "  the newest %s entries bear their seals, and no checkpoint is signed over them yet\n", count(late))
		}
		for _, name := range slices.Sorted(maps.Keys(uncovered)) {
			fmt.Fprintf(std.out, "  table %s isn't covered row by row: it %s\n", name, uncovered[name])
		}
	}
	if !ok {
		return exit{code: exitFailed}
	}
	return nil
}

type backupCommand struct {
	where
	File string `arg:"" help:"File to write; it must not be there yet. - is standard output."`
}

// Help implements kong.HelpProvider.
func (backupCommand) Help() string {
	return `The backup holds the ledger's private key: keep it as safe as the data directory.

  tocsin backup /mnt/backup/tocsin-2026-11-23.tar.zst`
}

// Run writes the backup.
func (c backupCommand) Run(ctx context.Context, std streams) (err error) {
	if _, err := os.Stat(c.File); err == nil && c.File != "-" {
		return exit{exitMisused, fmt.Errorf("backup: %s is there already", c.File)}
	}
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	if c.File == "-" {
		return p.get(ctx, "/api/v1/backup", nil, std.out)
	}
	if err := c.write(ctx, p); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

func (c backupCommand) write(ctx context.Context, p *platform) error {
	partial := c.File + ".partial"
	f, err := os.OpenFile(partial, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = p.get(ctx, "/api/v1/backup", nil, f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(partial))
	}
	if err := os.Rename(partial, c.File); err != nil {
		return err
	}
	return intake.Folder(filepath.Dir(c.File)).SyncDir(".")
}

type restoreCommand struct {
	Data     string `help:"Data directory to make; it must be empty or not there. Default: ./data." default:"./data" placeholder:"DIR"`
	Database string `help:"Empty PostgreSQL database (postgres://…) to restore into instead of SQLite." placeholder:"URL"`
	File     string `arg:"" help:"The backup; - is standard input."`
}

// Help implements kong.HelpProvider.
func (restoreCommand) Help() string {
	return `  tocsin restore --data ./data backup.tar.zst && tocsin audit --data ./data`
}

// Run restores.
func (c restoreCommand) Run(ctx context.Context, std streams) error {
	in := std.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return exit{exitMisused, fmt.Errorf("restore: %w", err)}
		}
		defer f.Close()
		in = f
	}
	err := desk.Restore(ctx, in, filepath.Clean(c.Data), c.Database)
	if errors.Is(err, casebook.ErrConflict) {
		return exit{exitMisused, err}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "restored into %s; tocsin audit --data %s verifies it\n", c.Data, c.Data)
	return err
}
