package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"tocsin/capture"
	"tocsin/traffic"
)

type capturesCommand struct {
	format
	Files []string `arg:"" optional:"" help:"Files to read; - is standard input. Without any, the formats are listed." name:"file"`
}

// Help implements kong.HelpProvider.
func (capturesCommand) Help() string {
	return `With files, it tells what each is and how it reads; bad records go to standard
error with line and reason, the first hundred of each file.

  tocsin captures
  tocsin captures conn.log.gz nfcapd.202611240300`
}

// formatLine is a line of tocsin captures --format json.
type formatLine struct {
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	About string `json:"about"`
}

// captureLine is a line of tocsin captures --format json FILE…
type captureLine struct {
	Kind         string `json:"kind"`
	File         string `json:"file"`
	Capture      string `json:"capture"`
	Rows         int64  `json:"rows"`
	Records      int64  `json:"records"`
	Refused      int64  `json:"refused"`
	Skipped      int64  `json:"skipped"`
	Cut          int64  `json:"cut"`
	Flows        int64  `json:"flows"`
	Lookups      int64  `json:"lookups"`
	Handshakes   int64  `json:"handshakes"`
	Requests     int64  `json:"requests"`
	FilesSeen    int64  `json:"files"`
	Certificates int64  `json:"certificates"`
	Alerts       int64  `json:"alerts"`
}

// Run lists the formats, or reads files.
func (c capturesCommand) Run(ctx context.Context, std streams) error {
	if len(c.Files) == 0 {
		return c.list(std.out)
	}
	w := worse{std: std}
	for _, name := range c.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.add(c.read(ctx, std, name))
	}
	return w.result()
}

func (c capturesCommand) list(out io.Writer) error {
	for _, f := range capture.Formats() {
		var err error
		if c.json() {
			err = printJSON(out, formatLine{"capture_format", f.Name, f.About})
		} else {
			_, err = fmt.Fprintf(out, "%-12s %s\n", f.Name, f.About)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read reads one file and tells how that went.
func (c capturesCommand) read(ctx context.Context, std streams, name string) error {
	body := std.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return exit{exitMisused, fmt.Errorf("captures: %w", err)}
		}
		defer f.Close()
		body = f
	}
	r, err := capture.Open(name, body)
	if err != nil {
		return fmt.Errorf("captures: %w", err)
	}
	defer r.Close()
	line := captureLine{Kind: "capture", File: name, Capture: r.Format().Name}
	var b traffic.Batch
	for err = r.Next(&b); err == nil; err = r.Next(&b) {
		line.add(&b)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	n := r.Counts()
	line.Rows, line.Records, line.Refused, line.Skipped, line.Cut = n.Rows, n.Records, n.Refused, n.Skipped, n.Cut
	bad := bufio.NewWriter(std.err)
	for _, refused := range r.Refusals() {
		fmt.Fprintln(bad, refusalText(name, refused))
	}
	if more := n.Refused - int64(len(r.Refusals())); more > 0 {
		fmt.Fprintf(bad, "%s: %s more refused\n", name, count(more))
	}
	if flushed := bad.Flush(); err == io.EOF {
		err = flushed
	}
	if err != nil {
		return fmt.Errorf("captures: %w", err)
	}
	if c.json() {
		return printJSON(std.out, line)
	}
	return line.print(std.out)
}

func (l *captureLine) add(b *traffic.Batch) {
	l.Flows += int64(len(b.Flows))
	l.Lookups += int64(len(b.Lookups))
	l.Handshakes += int64(len(b.Handshakes))
	l.Requests += int64(len(b.Requests))
	l.FilesSeen += int64(len(b.Files))
	l.Certificates += int64(len(b.Certificates))
	l.Alerts += int64(len(b.Alerts))
}

// print tells a person what there is, and leaves out what there isn't.
func (l *captureLine) print(out io.Writer) error {
	_, err := fmt.Fprintf(out, "%s: %s, %s rows, %s refused", l.File, l.Capture, count(l.Rows), count(l.Refused))
	for _, part := range []struct {
		n    int64
		what string
	}{{l.Skipped, "passed over"}, {l.Cut, "cut"}, {l.Flows, "flows"}, {l.Lookups, "lookups"}, {l.Handshakes, "handshakes"}, {l.Requests, "requests"},
		{l.FilesSeen, "files"}, {l.Certificates, "certificates"}, {l.Alerts, "alerts"}} {
		if part.n > 0 {
			_, more := fmt.Fprintf(out, ", %s %s", count(part.n), part.what)
			err = errors.Join(err, more)
		}
	}
	_, more := fmt.Fprintln(out)
	return errors.Join(err, more)
}
