package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"
)

type loadCommand struct {
	where
	format
	Feed     string   `help:"Format of the files; tocsin feeds lists them." required:"" placeholder:"NAME"`
	Type     string   `help:"Report type, if the file's name doesn't tell it." placeholder:"TYPE"`
	Name     string   `help:"Name to give to what comes on standard input." placeholder:"FILE"`
	Exercise bool     `help:"Mark as a drill."`
	Files    []string `arg:"" help:"Files to take; - is standard input." name:"file"`
}

// Help implements kong.HelpProvider.
func (loadCommand) Help() string {
	return `Each file is kept on disk before it is read, and every row is counted as taken,
duplicate or refused. A load that was cut short goes on when it is run again.

  tocsin load --feed shadowserver 2026-11-23-event4_sinkhole-xx-geo.csv.gz
  curl -s https://feeds.example/c2.csv | tocsin load --feed c2-tracker -`
}

// delivery is what the API says of one.
type delivery struct {
	ID         string    `json:"id"`
	Digest     string    `json:"digest"`
	Bytes      int64     `json:"bytes"`
	Feed       string    `json:"feed"`
	Type       string    `json:"type"`
	Name       string    `json:"name"`
	ReceivedAt time.Time `json:"received_at"`
	State      string    `json:"state"`
	Share      float64   `json:"share"`
	Rows       int64     `json:"rows"`
	Taken      int64     `json:"taken"`
	Duplicate  int64     `json:"duplicate"`
	Refused    int64     `json:"refused"`
	Fault      string    `json:"fault"`
	Known      bool      `json:"known"`
}

// loaded is a line of tocsin load --format json.
type loaded struct {
	Kind      string `json:"kind"`
	File      string `json:"file"`
	Delivery  string `json:"delivery"`
	Rows      int64  `json:"rows"`
	Taken     int64  `json:"taken"`
	Duplicate int64  `json:"duplicate"`
	Refused   int64  `json:"refused"`
	Known     bool   `json:"known,omitempty"`
	State     string `json:"state"`
	Fault     string `json:"fault,omitempty"`
}

// loadGC is by how much the heap may grow before it is collected, in percent: of what a
// load makes nothing lives on, and what lives is small.
const loadGC = 150

// Run takes the files one after the other.
func (c loadCommand) Run(ctx context.Context, std streams) error {
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(loadGC))
	}
	return c.each(ctx, std, "load", c.Files, func(p *platform, file string) error { return c.load(ctx, std, p, file) })
}

func (c loadCommand) load(ctx context.Context, std streams, p *platform, file string) error {
	body, name, err := c.input(std, file)
	if err != nil {
		return exit{exitMisused, fmt.Errorf("load %s: %w", file, err)}
	}
	defer body.Close()
	query := url.Values{"feed": {c.Feed}, "name": {name}}
	if c.Type != "" {
		query.Set("type", c.Type)
	}
	if c.Exercise {
		query.Set("exercise", "true")
	}
	var d delivery
	err = p.post(ctx, "/api/v1/deliveries", query, body, &d)
	if p.borrowed && errors.Is(err, errNoAnswer) && file != "-" {
		if err = c.again(ctx, p); err == nil {
			return c.load(ctx, std, p, file)
		}
	}
	if err != nil {
		return fmt.Errorf("load %s: %w", file, err)
	}
	known := d.Known && d.State != "accepted"
	if !known {
		if d, err = c.follow(ctx, std, p, d, file); ctx.Err() != nil {
			return exit{exitFailed, fmt.Errorf("load %s: stopped; its bytes are kept as %s: run the same again to go on", file, d.ID)}
		} else if err != nil {
			return fmt.Errorf("load %s: its bytes are kept as %s, its rows not all taken: %w; run the same again to go on", file, d.ID, err)
		}
	}
	line := loaded{"load", file, d.ID, d.Rows, d.Taken, d.Duplicate, d.Refused, known, d.State, d.Fault}
	if known {
		line.Taken, line.Duplicate, line.Refused = 0, 0, 0
	}
	if err := c.print(std, line); err != nil {
		return err
	}
	if d.State == "broken" || d.State == "unreadable" {
		return exit{exitMisused, fmt.Errorf("load %s: %s", file, d.Fault)}
	}
	return nil
}

func (c loadCommand) input(std streams, file string) (io.ReadCloser, string, error) {
	if file == "-" {
		return io.NopCloser(std.in), c.Name, nil
	}
	f, err := os.Open(file)
	return f, filepath.Base(file), err
}

func (c loadCommand) print(std streams, l loaded) error {
	if c.json() {
		return printJSON(std.out, l)
	}
	text := fmt.Sprintf("%s: %s rows, %s taken, %s duplicate, %s refused (%s)", l.File, count(l.Rows), count(l.Taken), count(l.Duplicate), count(l.Refused), l.Delivery)
	if l.Known {
		text = fmt.Sprintf("%s: known, taken before as %s", l.File, l.Delivery)
	}
	if l.Refused > 0 {
		text += "; tocsin deliveries show " + l.Delivery + " tells why"
	}
	_, err := fmt.Fprintln(std.out, text)
	return err
}

// follow waits until a delivery is done, and shows on a terminal how far it is.
func (c loadCommand) follow(ctx context.Context, std streams, p *platform, d delivery, file string) (delivery, error) {
	progress := newProgress(std.err, file)
	defer progress.end()
	for d.State == "accepted" {
		query := url.Values{"wait": {"20"}, "past_row": {strconv.FormatInt(d.Rows+progress.step(), 10)}}
		err := p.getJSON(ctx, "/api/v1/deliveries/"+d.ID, query, &d)
		if p.borrowed && errors.Is(err, errNoAnswer) {
			err = c.again(ctx, p)
		}
		if err != nil {
			return d, err
		}
		progress.show(d.Rows, d.Share)
	}
	return d, nil
}

// again finds the platform anew: the owner that took the delivery ended, and what
// it began is ours to go on with, or the next owner's.
func (c loadCommand) again(ctx context.Context, p *platform) error {
	next, err := c.open(ctx, true)
	if err == nil {
		*p = *next
	}
	return err
}
