package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/feed"
)

// catalogue are the flags that say which formats are known.
type catalogue struct {
	Data  string `help:"Data directory, whose feeds folder holds a site's own formats. Default: ./data." default:"./data" placeholder:"DIR"`
	Feeds string `help:"Folder of a site's own formats instead." placeholder:"DIR"`
}

func (c catalogue) open() (*feed.Catalogue, error) {
	folder := c.Feeds
	if folder == "" {
		folder = desk.Directory(c.Data).Feeds()
		if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
			return feed.Builtin(), nil
		}
	}
	return feed.OpenCatalogue(os.DirFS(folder))
}

type parseCommand struct {
	catalogue
	Feed string `help:"Format of the file; tocsin feeds lists them." required:"" placeholder:"NAME"`
	Type string `help:"Report type, if the file's name doesn't tell it." placeholder:"TYPE"`
	File string `arg:"" help:"The delivery; - is standard input."`
}

// Help implements kong.HelpProvider.
func (parseCommand) Help() string {
	return `Observations go to standard output, refused rows with line and reason to standard
error. It exits 0 if the delivery was readable, whatever its rows.

  tocsin parse --feed shadowserver --type event4_sinkhole report.csv | head`
}

// Run reads the delivery.
func (c parseCommand) Run(ctx context.Context, std streams) error {
	formats, err := c.open()
	if err != nil {
		return err
	}
	f, err := formats.Find(c.Feed)
	if err != nil {
		return err
	}
	name := ""
	body := io.Reader(std.in)
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return exit{exitMisused, fmt.Errorf("parse: %w", err)}
		}
		defer file.Close()
		name, body = filepath.Base(c.File), sizedFile(file)
	}
	kind, err := f.ReportType(name, c.Type)
	if err != nil {
		return err
	}
	out, bad := bufio.NewWriterSize(std.out, 1<<16), bufio.NewWriter(std.err)
	var line []byte
	result, err := f.Read(feed.Input{Name: name, Type: kind, Body: body}, func(o *casebook.Observation, refused *casebook.Refusal) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if refused != nil {
			_, err := fmt.Fprintln(bad, refusalText(c.File, *refused))
			return err
		}
		line = append(o.AppendJSON(line[:0]), '\n')
		_, err := out.Write(line)
		return err
	})
	for _, w := range result.Warnings {
		fmt.Fprintf(bad, "%s: remark: %s\n", c.File, w)
	}
	if err := errors.Join(out.Flush(), bad.Flush()); err != nil {
		return fmt.Errorf("parse %s: %w", c.File, err)
	}
	if err != nil {
		return fmt.Errorf("parse %s: %w", c.File, err)
	}
	return nil
}

// refusalText writes a bad row as a sentence.
func refusalText(file string, r casebook.Refusal) string {
	text := fmt.Sprintf("%s:%d: row %d refused: ", file, r.Line, r.Row)
	if r.Field != "" {
		text += r.Field + ": "
	}
	return text + r.Reason
}

// sizedFile lets a format read a file out of order, as archives need it; what
// isn't a plain file is a stream.
func sizedFile(f *os.File) io.Reader {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return f
	}
	return io.NewSectionReader(f, 0, info.Size())
}

type feedsCommand struct {
	catalogue
	format
}

// feedLine is a line of tocsin feeds --format json.
type feedLine struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	About   string `json:"about"`
	Version int64  `json:"version"`
	GapDays int    `json:"gap_days"`
	TLP     string `json:"tlp"`
}

// Help implements kong.HelpProvider.
func (feedsCommand) Help() string {
	return `  tocsin feeds --data ./data`
}

// Run lists the formats.
func (c feedsCommand) Run(std streams) error {
	formats, err := c.open()
	if err != nil {
		return err
	}
	for _, f := range formats.Formats() {
		if c.json() {
			err = printJSON(std.out, feedLine{"feed", f.Name, f.About, f.Version, f.GapDays, f.TLP.String()})
		} else {
			_, err = fmt.Fprintf(std.out, "%-16s %s\n", f.Name, f.About)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
