package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
)

type regimeDueCommand struct {
	law
	Format string   `help:"json for programs, one object a line, or text for people." enum:"json,text" default:"json"`
	Regime []string `help:"Reckon under this regime, whatever the party's place; may be repeated. Default: every regime in force that addresses the party." placeholder:"ID"`
	At     string   `help:"The moment from which state is judged. Default: now, or the newest event if that is later." placeholder:"TIME"`
	File   string   `arg:"" name:"incident" help:"The incident, JSON; - is standard input."`
}

// Help implements kong.HelpProvider.
func (regimeDueCommand) Help() string {
	return `Prints a line a duty, in the order of regimes by name, then of the stages as the
pack has them, then of what started them. What a person should know besides goes to
standard error.

  tocsin regime due --regime eu-dora --at 2026-03-02T12:00:00+01:00 incident.json`
}

const maxIncidentFile = 1 << 20

// Run reckons.
func (c regimeDueCommand) Run(std streams) error {
	at, err := momentFlag("--at", c.At, time.Time{})
	if err != nil {
		return err
	}
	library, err := c.open(std)
	if err != nil {
		return err
	}
	text, err := c.read(std)
	if err != nil {
		return exit{exitMisused, err}
	}
	in, err := library.ReadIncident(c.File, text)
	if err != nil {
		return err
	}
	if c.At == "" {
		at = in.Newest(time.Now())
	}
	answer, err := library.Due(in, at, c.Regime...)
	if err != nil {
		return err
	}
	for _, d := range answer.Duties {
		if c.Format == "json" {
			err = printJSON(std.out, d.Line())
		} else {
			_, err = io.WriteString(std.out, dutyText(d, at))
		}
		if err != nil {
			return err
		}
	}
	for _, r := range answer.Remarks {
		if _, err := fmt.Fprintf(std.err, "remark: %s\n", r); err != nil {
			return err
		}
	}
	return nil
}

func (c regimeDueCommand) read(std streams) ([]byte, error) {
	from := std.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, fmt.Errorf("regime due: %w", err)
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, maxIncidentFile+1))
	if err != nil {
		return nil, fmt.Errorf("regime due: %s: %w", c.File, err)
	}
	return text, nil
}

// dutyText writes a duty for the person who owes it.
func dutyText(d regime.Due, at time.Time) string {
	var b strings.Builder
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  %-10s%s\n", name, text)
		}
	}
	fmt.Fprintf(&b, "%s %s: %s\n", d.Regime, d.Stage, d.Name)
	line("state", d.State.String()+leftText(d, at))
	line("due", fmt.Sprintf("%s (%s), %s UTC", d.Due.In(d.Location).Format("2006-01-02 15:04:05 -07:00"), d.Zone, d.Due.UTC().Format("2006-01-02 15:04:05")))
	line("limit", fmt.Sprintf("%s from %s, %s", d.Limit, strings.ReplaceAll(d.Anchor, "_", " "), d.Started.In(d.Location).Format("2006-01-02 15:04:05 -07:00"))+prefixed(", at the latest ", d.Cap))
	line("grade", gradeText(d.Grade))
	line("article", d.Article)
	line("to", toText(d))
	line("copy to", strings.Join(d.CopyName, "; "))
	line("owed by", d.OwedBy)
	line("calendar", d.Calendar)
	line("blank", d.Blank)
	line("reason", d.Reason)
	if !d.WasDue.IsZero() {
		line("was due", d.WasDue.In(d.Location).Format("2006-01-02 15:04:05 -07:00"))
	}
	line("rests on", strings.TrimPrefix(d.RestsOn+" ("+d.Confidence+")", " "))
	line("if late", prefixed("reasons are owed ", d.LateReasons))
	line("readings", strings.Join(d.Readings, "; "))
	return b.String()
}

// gradeText says under which grade a duty is owed, and what decided that.
func gradeText(g casebook.Grade) string {
	level := strings.ReplaceAll(g.Level, "_", " ")
	if g.Rule == "" {
		return level
	}
	var figures []string
	for _, name := range slices.Sorted(maps.Keys(g.Figures)) {
		figures = append(figures, name+" "+g.Figures[name].String())
	}
	return fmt.Sprintf("%s %s by the rule %s (%s, %s)%s", level, g.Reach, g.Rule, g.Article, g.Confidence, prefixed(": ", strings.Join(figures, ", ")))
}

// prefixed puts a text before one that there is.
func prefixed(with, text string) string {
	if text == "" {
		return ""
	}
	return with + text
}

// leftText says how much time there is.
func leftText(d regime.Due, at time.Time) string {
	left := d.Due.Sub(at).Truncate(time.Second)
	switch {
	case !d.MetAt.IsZero():
		return ", filed " + d.MetAt.In(d.Location).Format("2006-01-02 15:04:05 -07:00")
	case !d.State.Runs():
		return ""
	case left < 0:
		return fmt.Sprintf(", its moment passed %s ago", spanText(-left))
	}
	return fmt.Sprintf(", %s left", spanText(left))
}

// spanText writes a span as people do: 3 days 4 h, 1 h 59 min, 12 s.
func spanText(d time.Duration) string {
	days, hours, minutes := d/(24*time.Hour), d%(24*time.Hour)/time.Hour, d%time.Hour/time.Minute
	switch {
	case days > 0:
		return strings.Replace(fmt.Sprintf("%d days %d h", days, hours), "1 days", "1 day", min(1, 2-int(min(days, 2))))
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

func toText(d regime.Due) string {
	with := " and "
	if d.AnyOf {
		with = " or "
	}
	return strings.Join(d.ToNames, with)
}
