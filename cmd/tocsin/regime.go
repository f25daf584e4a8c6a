package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tocsin/regime"
)

type regimeCommand struct {
	List   regimeListCommand   `cmd:"" help:"List the regimes that are known, and whether their clocks run."`
	Show   regimeShowCommand   `cmd:"" help:"Show a regime with its articles, or the facts, roles and events that all of them speak of."`
	Check  regimeCheckCommand  `cmd:"" help:"Verify packs and run their own examples."`
	Due    regimeDueCommand    `cmd:"" help:"Reckon what an incident owes to whom by when."`
	Power  regimePowerCommand  `cmd:"" help:"Find the power that an act rests on."`
	Schema regimeSchemaCommand `cmd:"" help:"Print the JSON Schema of a pack."`
}

// Help implements kong.HelpProvider.
func (regimeCommand) Help() string {
	return `  tocsin regime due --regime cn-cac-2025 incident.json`
}

// law are the flags that say which packs are known.
type law struct {
	Data  string `help:"Data directory, whose regimes folder holds a site's own packs, overlays and calendars. Default: ./data." default:"./data" placeholder:"DIR"`
	Packs string `help:"Folder of a site's own packs instead." placeholder:"DIR"`
}

// open gives the library; a pack that can't be taken is told and stops none of the
// others.
func (l law) open(std streams) (*regime.Library, error) {
	folder := l.Packs
	if folder == "" {
		folder = filepath.Join(l.Data, "regimes")
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return regime.Builtin(), nil
		}
	}
	if _, err := os.ReadDir(folder); err != nil {
		return nil, exit{exitMisused, fmt.Errorf("regime: %w", err)}
	}
	library, faults := regime.Load(os.DirFS(folder))
	for _, f := range faults {
		if _, err := fmt.Fprintf(std.err, "tocsin: left out: %v\n", f); err != nil {
			return nil, err
		}
	}
	return library, nil
}

type regimeListCommand struct {
	law
	format
	At string `help:"The moment as of which it is said what is in force. Default: now." placeholder:"TIME"`
}

// Help implements kong.HelpProvider.
func (regimeListCommand) Help() string {
	return `  tocsin regime list --at 2017-06-01T00:00:00Z`
}

// regimeLine is a line of tocsin regime list --format json.
type regimeLine struct {
	Kind         string   `json:"kind"`
	ID           string   `json:"id"`
	Version      int      `json:"version"`
	Jurisdiction string   `json:"jurisdiction"`
	Name         string   `json:"name"`
	NativeName   string   `json:"native_name"`
	Status       string   `json:"status"`
	From         string   `json:"from"`
	Until        string   `json:"until"`
	Runs         bool     `json:"runs"`
	WhyNot       string   `json:"why_not"`
	Roles        []string `json:"roles"`
	Levels       []string `json:"levels"`
	Stages       []string `json:"stages"`
	Confidence   string   `json:"confidence"`
	Consequences string   `json:"consequences"`
	Pack         string   `json:"pack"`
}

// Run lists.
func (c regimeListCommand) Run(std streams) error {
	at, err := momentFlag("--at", c.At, time.Now())
	if err != nil {
		return err
	}
	library, err := c.open(std)
	if err != nil {
		return err
	}
	for _, p := range library.Packs() {
		runs := len(p.Stages) > 0 && library.At(p.ID, at) == p && p.Status != "proposed" && p.Status != "catalogue"
		l := regimeLine{
			Kind: "regime", ID: p.ID, Version: p.Version, Jurisdiction: p.Jurisdiction, Name: p.Name, NativeName: p.NativeName,
			Status: p.Status, From: p.InForce.From, Until: p.InForce.Until, Runs: runs, WhyNot: p.WhyNot, Roles: none(p.Who.Roles), Levels: none(p.Grades.Levels),
			Stages: []string{}, Confidence: p.Confidence, Consequences: p.Consequences.State, Pack: p.Digest,
		}
		for _, s := range p.Stages {
			l.Stages = append(l.Stages, s.ID)
		}
		if c.json() {
			err = printJSON(std.out, l)
		} else {
			_, err = fmt.Fprintf(std.out, "%-31s %-11s %-24s %s\n", fmt.Sprintf("%s v%d", p.ID, p.Version), p.Status, inForceText(p, runs), p.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func none(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func inForceText(p *regime.Pack, runs bool) string {
	switch {
	case runs:
		return "runs, from " + p.InForce.From
	case p.InForce.From == "":
		return "no clock"
	case p.InForce.Until != "":
		return p.InForce.From + " – " + p.InForce.Until
	}
	return "no clock, " + p.InForce.From
}

// momentFlag reads a flag that holds a moment.
func momentFlag(name, text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, exit{exitMisused, fmt.Errorf("%s %s is no moment with its offset such as 2026-03-02T09:00:00+08:00", name, text)}
	}
	return t, nil
}

type regimeCheckCommand struct {
	Files []string `arg:"" optional:"" help:"Packs, overlays, calendars or folders of them. Default: the packs that are part of the program." placeholder:"FILE"`
	At    string   `help:"The moment as of which calendars must reach. Default: now." placeholder:"TIME"`
}

// Help implements kong.HelpProvider.
func (regimeCheckCommand) Help() string {
	return `A pack that is refused is told with file, line, field and reason; the code is then 2.

  tocsin regime check regimes/our-province.yaml`
}

// Run verifies. The files are laid over the built-in packs together, as a site's
// folder would be.
func (c regimeCheckCommand) Run(std streams) error {
	at, err := momentFlag("--at", c.At, time.Now())
	if err != nil {
		return err
	}
	w := worse{std: std}
	site, bad := gather(c.Files)
	for _, err := range bad {
		w.add(exit{exitMisused, err})
	}
	library, faults := regime.Check(site)
	for _, f := range faults {
		w.add(exit{exitMisused, f})
	}
	for _, k := range library.Calendars() {
		if _, own := site[k.File]; len(c.Files) > 0 && !own {
			continue
		}
		if _, err := fmt.Fprintf(std.out, "%s: good: calendar %s, %s to %s\n", k.File, k.Name(), k.From.Format(time.DateOnly), k.Until.Format(time.DateOnly)); err != nil {
			return err
		}
	}
	for _, p := range library.Packs() {
		if _, own := site[p.File]; len(c.Files) > 0 && !own {
			continue
		}
		if _, err := fmt.Fprintf(std.out, "%s: good: %s v%d, %d stages, %d rules, %d powers, %d examples passed, %s\n",
			p.File, p.ID, p.Version, len(p.Stages), len(p.Grades.Rules), len(p.Powers), len(p.Examples), p.Digest); err != nil {
			return err
		}
		if warning, expired := p.CalendarEnds(at); expired {
			w.add(fmt.Errorf("%s: %s", p.File, warning))
		} else if warning != "" {
			fmt.Fprintf(std.err, "%s: remark: %s\n", p.File, warning)
		}
	}
	return w.result()
}

// gather reads the files that are to be checked, those of folders among them.
func gather(names []string) (map[string][]byte, []error) {
	files := map[string][]byte{}
	var faults []error
	add := func(name string) {
		text, err := os.ReadFile(name)
		if err != nil {
			faults = append(faults, fmt.Errorf("regime check: %w", err))
			return
		}
		files[filepath.ToSlash(name)] = text
	}
	for _, name := range names {
		info, err := os.Stat(name)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("regime check: %w", err))
		case info.IsDir():
			found, _ := filepath.Glob(filepath.Join(name, "*.yaml"))
			more, _ := filepath.Glob(filepath.Join(name, "calendar", "*.yaml"))
			for _, f := range slices.Concat(found, more) {
				add(f)
			}
		default:
			add(name)
		}
	}
	return files, faults
}

type regimePowerCommand struct {
	law
	format
	Act     string   `arg:"" help:"notice, order, measure, publication or exemption."`
	By      string   `help:"Role of who acts." required:"" placeholder:"ROLE"`
	Against string   `help:"Role of who is acted upon." placeholder:"ROLE"`
	Regime  []string `help:"Look in this regime only; may be repeated." placeholder:"ID"`
	At      string   `help:"The moment of the act. Default: now." placeholder:"TIME"`
}

// Help implements kong.HelpProvider.
func (regimePowerCommand) Help() string {
	return `An act without a power in force is refused with code 1, and the sentence says which
power is missing.

  tocsin regime power order --by authority --against registrar`
}

// powerLine is the line of tocsin regime power --format json.
type powerLine struct {
	Kind       string   `json:"kind"`
	Regime     string   `json:"regime"`
	ID         string   `json:"id"`
	Act        string   `json:"act"`
	By         []string `json:"by"`
	Against    []string `json:"against"`
	Article    string   `json:"article"`
	Says       string   `json:"says"`
	Form       string   `json:"form"`
	Appeal     string   `json:"appeal"`
	Confidence string   `json:"confidence"`
	Pack       string   `json:"pack"`
}

// Run finds the power.
func (c regimePowerCommand) Run(std streams) error {
	at, err := momentFlag("--at", c.At, time.Now())
	if err != nil {
		return err
	}
	library, err := c.open(std)
	if err != nil {
		return err
	}
	for _, id := range c.Regime {
		if _, err := library.Find(id); err != nil {
			return err
		}
	}
	p, err := library.Power(at, c.Act, c.By, c.Against, c.Regime...)
	if err != nil {
		return err
	}
	if c.json() {
		return printJSON(std.out, powerLine{"power", p.Regime, p.ID, p.Act, none(p.By), none(p.Against), p.Article, p.Says, p.Form, p.Appeal, p.Confidence, p.Pack})
	}
	_, err = fmt.Fprintf(std.out, "%s %s (%s)\n%s\nform: %s\nappeal: %s\n", p.Regime, p.Article, p.Confidence, p.Says, p.Form, orNone(p.Appeal))
	return err
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

type regimeSchemaCommand struct{}

// Help implements kong.HelpProvider.
func (regimeSchemaCommand) Help() string { return `  tocsin regime schema > pack.schema.json` }

// Run prints.
func (regimeSchemaCommand) Run(std streams) error {
	_, err := io.WriteString(std.out, strings.TrimRight(string(regime.Schema()), "\n")+"\n")
	return err
}
