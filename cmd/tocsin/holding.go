package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
)

type holdingCommand struct {
	Import holdingImport `cmd:"" help:"Import tables of prefixes, AS numbers and domain suffixes."`
}

// Help implements kong.HelpProvider.
func (holdingCommand) Help() string {
	return `  tocsin holding import --data ./data asn-ipv4.csv.gz`
}

type holdingImport struct {
	where
	format
	Source string    `help:"On whose word: a later table of the same source replaces its earlier one. Default: the file's name." placeholder:"NAME"`
	AsOf   time.Time `help:"From when the table's differences hold (RFC 3339). Default: now." placeholder:"T"`
	Files  []string  `arg:"" help:"CSV or TSV tables, also .gz." name:"file"`
}

// Help implements kong.HelpProvider.
func (holdingImport) Help() string {
	return `Columns are recognised by their names (start,end or cidr, asn, holder, region,
party, from, to) or, without a header, by their shape (start,end,asn,name).

  tocsin holding import asn-ipv4.csv.gz asn-ipv6.csv.gz`
}

// Run imports the tables one after the other.
func (c holdingImport) Run(ctx context.Context, std streams) error {
	if c.Source != "" && len(c.Files) > 1 {
		return exit{exitMisused, fmt.Errorf("holding import: --source %s with %d files: each would replace the one before; import them one by one, each with its own --source", c.Source, len(c.Files))}
	}
	return c.each(ctx, std, "holding import", c.Files, func(p *platform, file string) error { return c.load(ctx, std, p, file) })
}

func (c holdingImport) load(ctx context.Context, std streams, p *platform, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return exit{exitMisused, fmt.Errorf("holding import: %w", err)}
	}
	defer f.Close()
	query := url.Values{"name": {filepath.Base(file)}, "source": {c.Source}}
	if c.Source == "" {
		query.Set("source", desk.SourceName(file))
	}
	if !c.AsOf.IsZero() {
		query.Set("as_of", c.AsOf.Format(time.RFC3339Nano))
	}
	var raw json.RawMessage
	if err := p.post(ctx, "/api/v1/holdings/imports", query, f, &raw); err != nil {
		return fmt.Errorf("holding import %s: %w", file, err)
	}
	if c.json() {
		return printJSON(std.out, raw)
	}
	var i struct {
		Source                      string
		Rows, Refused, Added, Ended int64
		Bad                         []casebook.Refusal
	}
	if err := json.Unmarshal(raw, &i); err != nil {
		return err
	}
	for _, bad := range i.Bad {
		fmt.Fprintln(std.err, refusalText(file, bad))
	}
	_, err = fmt.Fprintf(std.out, "%s: %s rows, %s new, %s ended, %s refused (source %s)\n", file, count(i.Rows), count(i.Added), count(i.Ended), count(i.Refused), i.Source)
	return err
}
