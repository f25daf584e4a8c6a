package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/indicator"
)

type indicatorCommand struct {
	Check  indicatorCheck  `cmd:"" help:"Read lists as scan does, and tell each line that isn't taken, with the reason."`
	Ask    indicatorAsk    `cmd:"" help:"Tell what lists say of addresses, names, URLs and hashes."`
	Import indicatorImport `cmd:"" help:"Put lists into a data directory, where sensors find them."`
}

// Help implements kong.HelpProvider.
func (indicatorCommand) Help() string {
	return `  tocsin indicator ask --indicators lists 203.0.113.9 bad.example`
}

type indicatorCheck struct {
	format
	Paths []string `arg:"" help:"Lists, or folders and archives of them." name:"path"`
}

// Help implements kong.HelpProvider.
func (indicatorCheck) Help() string {
	return `  tocsin indicator check trails-static.tar.xz misp-warninglists`
}

// indicatorList is a line of tocsin indicator check --format json.
type indicatorList struct {
	Kind    string `json:"kind"` // "list"
	File    string `json:"file"`
	Format  string `json:"format"`
	Rows    int64  `json:"rows"`
	Taken   int64  `json:"taken"`
	Refused int64  `json:"refused"`
}

// indicatorTotal is its last line.
type indicatorTotal struct {
	Kind     string           `json:"kind"` // "indicators"
	Lists    int              `json:"lists"`
	Rows     int64            `json:"rows"`
	Refused  int64            `json:"refused"`
	Repeated int64            `json:"repeated"`
	Values   map[string]int64 `json:"values"` // different ones by kind
	Warnings int64            `json:"warnings"`
	Families int              `json:"families"`
}

// Run reads all lists together.
func (c indicatorCheck) Run(ctx context.Context, std streams) error {
	l := indicator.NewLoader()
	l.Refuse = func(r indicator.Refusal) { fmt.Fprintln(std.err, r) }
	w := worse{std: std}
	for _, path := range c.Paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.add(readLists(l, path))
	}
	base := l.Base()
	total := indicatorTotal{Kind: "indicators", Lists: len(base.Lists), Families: base.Families.Clusters(), Repeated: base.Set.Stats().Repeated, Values: map[string]int64{}}
	for _, list := range base.Lists {
		total.Rows, total.Refused = total.Rows+list.Rows, total.Refused+list.Refused
		if c.json() {
			if err := printJSON(std.out, indicatorList{"list", list.Name, list.Format, list.Rows, list.Taken, list.Refused}); err != nil {
				return err
			}
		}
	}
	for k, n := range base.Set.Stats().Values {
		if kind := indicator.Kind(k).String(); kind != "" {
			total.Values[kind] = n
		}
	}
	for _, list := range base.Warnings.Lists() {
		total.Warnings += list.Rows
	}
	if err := c.print(std, total); err != nil {
		return err
	}
	return w.result()
}

func (c indicatorCheck) print(std streams, t indicatorTotal) error {
	if c.json() {
		return printJSON(std.out, t)
	}
	var kinds []string
	for k := indicator.Address; k <= indicator.File; k++ {
		if n := t.Values[k.String()]; n > 0 {
			kinds = append(kinds, fmt.Sprintf("%s %s", count(n), k))
		}
	}
	_, err := fmt.Fprintf(std.out, "%s lists: %s rows, %s refused, %s said again; %s; %s warnings, %s families\n",
		count(int64(t.Lists)), count(t.Rows), count(t.Refused), count(t.Repeated), strings.Join(kinds, ", "), count(t.Warnings), count(int64(t.Families)))
	return err
}

// readLists reads a list, or all of a folder.
func readLists(l *indicator.Loader, path string) error {
	dir, name := filepath.Split(filepath.Clean(path))
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		dir, name = path, "."
	case dir == "":
		dir = "."
	}
	if err := l.ReadFS(os.DirFS(dir), name); err != nil {
		return fmt.Errorf("indicators in %s: %w", path, err)
	}
	return nil
}

type indicatorAsk struct {
	format
	Indicators []string `help:"Files or folders of lists." placeholder:"PATH"`
	Data       string   `help:"Data directory, whose imported lists are asked where no others are named. Default: ./data." default:"./data" placeholder:"DIR"`
	At         string   `help:"Moment at which a claim must hold, as 2026-11-24T03:00:00Z. Default: now." placeholder:"TIME"`
	Values     []string `arg:"" help:"Addresses, address:port, names, URLs, hashes." name:"value"`
}

// Help implements kong.HelpProvider.
func (indicatorAsk) Help() string {
	return `It exits 0 whether something is known or not.

  tocsin indicator ask --indicators lists 192.0.2.7:443 www.evil.example`
}

// indicatorAnswer is a line of tocsin indicator ask --format json.
type indicatorAnswer struct {
	Kind       string  `json:"kind"` // "answer"
	Asked      string  `json:"asked"`
	Known      bool    `json:"known"`
	Indicator  string  `json:"indicator"`
	Of         string  `json:"indicator_kind"`
	Source     string  `json:"source"`
	Family     string  `json:"family"`
	Class      string  `json:"class"`
	Claims     int     `json:"claims"`
	Confidence float64 `json:"confidence"`
	Shared     bool    `json:"shared"`
	Sinkhole   bool    `json:"sinkhole"`
	Lowered    string  `json:"lowered_because"`
	Benign     string  `json:"benign_service"`
}

// Run asks for one value after the other.
func (c indicatorAsk) Run(ctx context.Context, std streams) error {
	at := time.Now()
	if c.At != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, c.At); err != nil {
			return fmt.Errorf("indicator ask: --at %q is no moment such as 2026-11-24T03:00:00Z: %w", c.At, casebook.ErrInvalid)
		}
	}
	paths := c.Indicators
	if imported := importedLists(c.Data); len(paths) == 0 && imported != "" {
		paths = []string{imported}
	}
	base, err := loadIndicators(ctx, paths, std.err)
	if err != nil {
		return err
	}
	w := worse{std: std}
	for _, asked := range c.Values {
		a, err := answer(base, asked, at.UnixMicro())
		if err != nil {
			w.add(err)
			continue
		}
		if c.json() {
			err = printJSON(std.out, a)
		} else {
			_, err = fmt.Fprintln(std.out, a.sentence())
		}
		if err != nil {
			return err
		}
	}
	return w.result()
}

// answer asks for one value, as traffic would bring it.
func answer(base *indicator.Base, asked string, at int64) (indicatorAnswer, error) {
	a := indicatorAnswer{Kind: "answer", Asked: asked}
	v, err := indicator.Parse(asked)
	if err != nil {
		return a, fmt.Errorf("indicator ask: %q: %w", asked, err)
	}
	var j indicator.Judgement
	switch v.Kind {
	case indicator.Address, indicator.Endpoint, indicator.Prefix:
		j, a.Known = base.Address(v.Addr, v.Port, at)
		a.Benign, _ = base.Clock("", v.Addr, v.Port, 0)
	case indicator.Domain:
		j, a.Known = base.Name(v.Text, at)
		a.Benign, _ = base.Clock(v.Text, netip.Addr{}, 0, 0)
	case indicator.URL:
		host, path, _ := strings.Cut(v.Text, "/")
		j, a.Known = base.Request(host, 0, "/"+path, at)
	case indicator.Path:
		j, a.Known = base.Request("", 0, v.Text, at)
	default:
		for _, kind := range []indicator.Kind{v.Kind, indicator.JA3, indicator.Certificate} {
			if j, a.Known = base.Fingerprint(kind, v.Text, at); a.Known {
				break
			}
		}
	}
	if a.Known {
		a.Indicator, a.Of, a.Source, a.Family, a.Class = j.Value.String(), j.Kind.String(), j.Source, j.Family, j.Class.String()
		a.Claims, a.Confidence, a.Shared, a.Sinkhole, a.Lowered = j.Claims, j.Certainty, j.Shared, j.Sinkhole, j.Reason
	}
	return a, nil
}

func (a indicatorAnswer) sentence() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", a.Asked)
	if !a.Known {
		b.WriteString("nothing bad is known")
	} else {
		fmt.Fprintf(&b, "%s %s is listed by %s", a.Of, a.Indicator, a.Source)
		if a.Family != "" {
			fmt.Fprintf(&b, " as %s", a.Family)
		}
		fmt.Fprintf(&b, ", confidence %.2f", a.Confidence)
		if a.Claims > 1 {
			fmt.Fprintf(&b, ", %d claims in all", a.Claims)
		}
	}
	if a.Sinkhole {
		b.WriteString("; a sinkhole: who calls it is infected, and nobody commands it")
	}
	if a.Lowered != "" {
		b.WriteString("; lowered: " + a.Lowered)
	}
	if a.Benign != "" {
		b.WriteString("; known benign: " + a.Benign)
	}
	return b.String()
}

type indicatorImport struct {
	format
	Data  string   `help:"Data directory. Default: ./data." default:"./data" placeholder:"DIR"`
	Files []string `arg:"" help:"Lists, or archives of them." name:"file"`
}

// Help implements kong.HelpProvider.
func (indicatorImport) Help() string {
	return `A list is read, and if it is one, kept whole under its name in the folder indicators
of the data directory; one of the same name is replaced. A running sensor takes it up
within half a minute.

  tocsin indicator import --data /var/lib/tocsin feodo.csv trails-static.tar.xz`
}

// Run imports one file after the other.
func (c indicatorImport) Run(ctx context.Context, std streams) error {
	w := worse{std: std}
	for _, file := range c.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.add(c.take(std, file))
	}
	return w.result()
}

func (c indicatorImport) take(std streams, file string) error {
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return fmt.Errorf("indicator import %s: a folder isn't imported: pack it as a tar, or name it to --indicators: %w", file, casebook.ErrInvalid)
	}
	l := indicator.NewLoader()
	if err := readLists(l, file); err != nil {
		return fmt.Errorf("indicator import: %w", err)
	}
	line := indicatorList{Kind: "list", File: file}
	for _, list := range l.Base().Lists {
		line.Format = list.Format
		line.Rows, line.Taken, line.Refused = line.Rows+list.Rows, line.Taken+list.Taken, line.Refused+list.Refused
	}
	if line.Taken == 0 {
		return fmt.Errorf("indicator import %s: nothing in it could be taken; tocsin indicator check tells why: %w", file, casebook.ErrInvalid)
	}
	if err := keepList(filepath.Join(c.Data, "indicators"), file); err != nil {
		return fmt.Errorf("indicator import %s: %w", file, err)
	}
	if c.json() {
		return printJSON(std.out, line)
	}
	_, err := fmt.Fprintf(std.out, "%s: %s rows, %s taken, %s refused\n", file, count(line.Rows), count(line.Taken), count(line.Refused))
	return err
}

// keepList copies a list, so that it is there whole or not at all.
func keepList(dir, file string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), filepath.Join(dir, filepath.Base(file)))
	}
	if err != nil {
		os.Remove(out.Name())
	}
	return err
}

// importedLists gives the folder of imported lists, "" if there is none.
func importedLists(data string) string {
	dir := filepath.Join(data, "indicators")
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return dir
}
