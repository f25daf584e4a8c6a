package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
)

type caseCommand struct {
	Export caseExport `cmd:"" help:"Write one archive of a case, readable and verifiable without this program."`
}

// Help implements kong.HelpProvider.
func (caseCommand) Help() string {
	return `  tocsin case export inc_06h0yaye5sr0140s7yjbs05wkr`
}

type caseExport struct {
	where
	ID   string `arg:"" help:"The incident (inc_…)."`
	File string `help:"File to write; it must not be there yet. - is standard output. Default: the incident's name with .zip." placeholder:"FILE"`
}

// Help implements kong.HelpProvider.
func (caseExport) Help() string {
	return `The archive holds the chronology, originals with their digests, the law as it was
applied, reports, orders, and proofs from the ledger. README.txt in it says how a
stranger verifies them with sha256sum and openssl.

  tocsin case export inc_06h0yaye5sr0140s7yjbs05wkr --file case.zip`
}

// Run writes the archive.
func (c caseExport) Run(ctx context.Context, std streams) (err error) {
	if c.File == "" {
		c.File = c.ID + ".zip"
	}
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	path := "/api/v1/incidents/" + url.PathEscape(c.ID) + "/export"
	if c.File == "-" {
		return p.get(ctx, path, nil, std.out)
	}
	f, err := os.OpenFile(c.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return exit{exitMisused, fmt.Errorf("case export: %w", err)}
	}
	err = p.get(ctx, path, nil, f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("case export: %w", err), os.Remove(c.File))
	}
	_, err = fmt.Fprintf(std.out, "%s\n", c.File)
	return err
}
