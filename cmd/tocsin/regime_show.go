package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"tocsin/regime"
)

type regimeShowCommand struct {
	law
	format
	At string `help:"Show the version that was in force at this moment. Default: the newest." placeholder:"TIME"`
	ID string `arg:"" optional:"" help:"The regime; without it the facts, roles and events are shown that all regimes speak of."`
}

// Help implements kong.HelpProvider.
func (regimeShowCommand) Help() string {
	return `  tocsin regime show cn-miit-2009-156`
}

// factLine is a line of tocsin regime show --format json.
type factLine struct {
	Kind string `json:"kind"`
	regime.Fact
}

// packLine is the line of tocsin regime show ID --format json.
type packLine struct {
	Kind   string        `json:"kind"`
	Digest string        `json:"digest"`
	File   string        `json:"file"`
	Facts  []regime.Fact `json:"facts"`
	Pack   *regime.Pack  `json:"pack"`
}

// Run shows.
func (c regimeShowCommand) Run(std streams) error {
	library, err := c.open(std)
	if err != nil {
		return err
	}
	if c.ID == "" {
		return c.vocabulary(std, library)
	}
	p, err := library.Find(c.ID)
	if err != nil {
		return err
	}
	if c.At != "" {
		at, err := momentFlag("--at", c.At, time.Time{})
		if err != nil {
			return err
		}
		if p = library.At(c.ID, at); p == nil {
			return exit{exitMisused, fmt.Errorf("regime show: %s wasn't in force on %s", c.ID, at.Format(time.DateOnly))}
		}
	}
	if c.json() {
		return printJSON(std.out, packLine{"pack", p.Digest, p.File, library.FactsOf(p), p})
	}
	_, err = io.WriteString(std.out, packText(library, p))
	return err
}

func (c regimeShowCommand) vocabulary(std streams, library *regime.Library) error {
	for _, f := range library.Facts().List() {
		var err error
		if c.json() {
			err = printJSON(std.out, factLine{"fact", f})
		} else {
			_, err = fmt.Fprintf(std.out, "%-34s %-7s %s\n", f.Name, strings.ReplaceAll(f.Type, "_", " "), f.Meaning)
		}
		if err != nil {
			return err
		}
	}
	if c.json() {
		return nil
	}
	_, err := fmt.Fprintf(std.out, "\nroles: %s\nevents: %s, and <stage>.submitted, .received, .suspended, .resumed, .extended\n",
		strings.Join(regime.Roles, ", "), strings.Join(regime.EventWords(), ", "))
	return err
}

// packText writes a regime for a person.
func packText(library *regime.Library, p *regime.Pack) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	some := func(name, text string) {
		if text != "" {
			line("%-13s%s", name, text)
		}
	}
	line("%s v%d: %s", p.ID, p.Version, p.Name)
	some("name there", joinText(" ", p.NativeName, p.Number))
	some("status", strings.ReplaceAll(p.Status, "_", " "))
	some("in force", joinText("; ", spanOf(p), p.InForce.Note))
	some("no clock", p.WhyNot)
	some("zone", joinText(", calendar ", p.Zone, p.Calendar))
	some("who reports", joinText("; ", strings.Join(p.Who.Roles, ", "), p.Who.Article, p.Who.Note))
	some("confidence", p.Confidence)
	some("rests on", p.RestsOn)
	some("digest", p.Digest)
	some("consequences", joinText("; ", p.Consequences.State, p.Consequences.Note))
	for _, k := range p.Known {
		some("known", k)
	}
	rulesText(line, p)
	for _, s := range p.Stages {
		stageText(line, p, s)
	}
	for _, w := range p.Powers {
		line("\npower %s: %s\n  %s of %s against %s; form: %s; %s (%s)", w.ID, w.Says, w.Act, strings.Join(w.By, ", "), orNone(strings.Join(w.Against, ", ")), w.Form, w.Article, w.Confidence)
	}
	if facts := library.FactsOf(p); len(facts) > 0 {
		line("\nfacts that decide:")
		for _, f := range facts {
			line("  %-32s %s", f.Name, f.Meaning)
		}
	}
	line("\nsources:\n  %s", strings.Join(p.Sources, "\n  "))
	for _, n := range p.Notes {
		line("note: %s", n)
	}
	return b.String()
}

func spanOf(p *regime.Pack) string {
	if p.InForce.From == "" {
		return ""
	}
	return joinText(" until ", "from "+p.InForce.From, p.InForce.Until)
}

// joinText joins those texts that there are.
func joinText(with string, parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, with)
}

func rulesText(line func(string, ...any), p *regime.Pack) {
	if len(p.Grades.Levels) > 0 {
		line("\ngrades: %s", joinText("; below them: ", strings.Join(p.Grades.Levels, ", "), p.Grades.Rest))
	}
	for _, r := range p.Grades.Rules {
		line("  %s: %s (%s, %s)", r.Level, r.Says, r.Article, r.Confidence)
		if r.When != "" {
			line("    when %s", r.When)
		}
		if r.Blank != "" {
			line("    blank: %s", r.Blank)
		}
	}
}

func stageText(line func(string, ...any), p *regime.Pack, s regime.Stage) {
	line("\nstage %s: %s", s.ID, s.Name)
	line("  %s; from %s", s.Article, strings.TrimSpace(strings.ReplaceAll(s.Anchor, "_", " ")+" "+s.Of))
	for _, r := range s.Limits {
		line("  limit %s", joinText("; ", r.Limit+" ("+joinText(", ", r.Confidence, r.Source)+")", r.When, r.Blank, r.Note))
	}
	if s.Cap != nil {
		line("  at the latest %s after %s (%s)", s.Cap.Limit, strings.ReplaceAll(s.Cap.Anchor, "_", " "), s.Cap.Confidence)
	}
	name := func(ids []string, with string) string {
		var names []string
		for _, id := range ids {
			names = append(names, p.Recipients[id].Name)
		}
		return strings.Join(names, with)
	}
	line("  to %s", joinText("", name(s.To.AllOf, " and "), name(s.To.AnyOf, " or ")))
	if len(s.CopyTo) > 0 {
		line("  copy to %s", name(s.CopyTo, ", "))
	}
	if len(s.Grades) > 0 {
		line("  at the grades %s", strings.Join(s.Grades, ", "))
	}
	if s.When != "" {
		line("  when %s", s.When)
	}
}
