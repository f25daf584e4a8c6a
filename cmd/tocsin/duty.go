package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

type dutyCommand struct {
	List dutyList `cmd:"" help:"List duties, the soonest due first."`
	Show dutyShow `cmd:"" help:"Show one with each step of its life."`

	Suspend dutySuspend `cmd:"" help:"Write down that somebody suspended one."`
	Resume  dutyResume  `cmd:"" help:"Write down that a suspended one runs again."`
	Extend  dutyExtend  `cmd:"" help:"Write down that an authority extended one."`
}

// Help implements kong.HelpProvider.
func (dutyCommand) Help() string { return `  tocsin duty list` }

// duty is what the commands read of one.
type duty struct {
	ID          string    `json:"id"`
	Incident    string    `json:"incident"`
	Party       string    `json:"party"`
	Regime      string    `json:"regime"`
	Stage       string    `json:"stage"`
	Article     string    `json:"article"`
	Anchor      string    `json:"anchor"`
	Started     time.Time `json:"started"`
	Limit       string    `json:"limit"`
	Due         time.Time `json:"due"`
	Local       string    `json:"local"`
	Zone        string    `json:"zone"`
	State       string    `json:"state"`
	Provisional bool      `json:"provisional"`
	Blank       string    `json:"blank"`
	To          []string  `json:"to"`
	AnyOf       bool      `json:"any_of"`
	CopyTo      []string  `json:"copy_to"`
	RestsOn     string    `json:"rests_on"`
	Supersedes  string    `json:"supersedes"`
	WasDue      time.Time `json:"was_due"`
	MetAt       time.Time `json:"met_at"`
	Reason      string    `json:"reason"`
	Exercise    bool      `json:"exercise"`
	Steps       []struct {
		State      string    `json:"state"`
		At         time.Time `json:"at"`
		Reason     string    `json:"reason"`
		RecordedAt time.Time `json:"recorded_at"`
		By         string    `json:"by"`
	} `json:"steps"`
}

// lines writes a duty as people read it.
func (d duty) lines(indent string) string {
	var b strings.Builder
	state := d.State
	if d.Provisional {
		state += ", provisional"
	}
	fmt.Fprintf(&b, "%s%s  %s  %s (%s UTC)  %s %s, %s: %s%s\n", indent, d.ID, state, d.Local, d.Due.Format(time.DateTime), d.Regime, d.Stage, d.Article, plain(d.Party), drill(d.Exercise))
	how := "to "
	if d.AnyOf && len(d.To) > 1 {
		how = "to one of "
	}
	fmt.Fprintf(&b, "%s  %s from %s %s UTC, %s%s", indent, d.Limit, d.Anchor, d.Started.Format(time.DateTime), how, strings.Join(d.To, ", "))
	if len(d.CopyTo) > 0 {
		fmt.Fprintf(&b, ", copy to %s", strings.Join(d.CopyTo, ", "))
	}
	b.WriteString("\n")
	if !d.WasDue.IsZero() {
		fmt.Fprintf(&b, "%s  was due %s UTC, as %s\n", indent, d.WasDue.Format(time.DateTime), d.Supersedes)
	}
	if d.MetAt.After(d.Due) {
		fmt.Fprintf(&b, "%s  filed %s UTC, %v after its moment\n", indent, d.MetAt.Format(time.DateTime), d.MetAt.Sub(d.Due))
	}
	for _, more := range [][2]string{{"rests on", d.RestsOn}, {"to be graded", strings.TrimPrefix(d.Blank, "to be graded: ")}, {"reason", d.Reason}} {
		if more[1] != "" {
			fmt.Fprintf(&b, "%s  %s: %s\n", indent, more[0], plain(more[1]))
		}
	}
	return b.String()
}

type dutyList struct {
	where
	format
	State    string `help:"Only those, with commas between: unset, open, met, late, missed, suspended, superseded, void; all. Default: those that run." default:"unset,open" placeholder:"S"`
	Incident string `help:"Of this incident." placeholder:"ID"`
}

// Help implements kong.HelpProvider.
func (dutyList) Help() string { return `  tocsin duty list --state missed,late --format json` }

// Run lists.
func (c dutyList) Run(ctx context.Context, std streams) error {
	query := url.Values{}
	if c.State != "all" {
		query.Set("state", c.State)
	}
	if c.Incident != "" {
		query.Set("incident", c.Incident)
	}
	return c.pages(ctx, "/api/v1/duties", query, func(item json.RawMessage) error {
		if c.json() {
			return printJSON(std.out, item)
		}
		var d duty
		if err := json.Unmarshal(item, &d); err != nil {
			return err
		}
		_, err := fmt.Fprint(std.out, d.lines(""))
		return err
	})
}

type dutyShow struct {
	where
	format
	ID string `arg:"" help:"The duty (dty_…)."`
}

// Help implements kong.HelpProvider.
func (dutyShow) Help() string { return `  tocsin duty show dty_06h0k24s4dr01fv6qc0fwrvfhm` }

// Run shows.
func (c dutyShow) Run(ctx context.Context, std streams) (err error) {
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	var raw json.RawMessage
	if err := p.getJSON(ctx, "/api/v1/duties/"+url.PathEscape(c.ID), nil, &raw); err != nil {
		return fmt.Errorf("duty show: %w", err)
	}
	if c.json() {
		return printJSON(std.out, raw)
	}
	var d duty
	if err := json.Unmarshal(raw, &d); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s  %s\n", d.lines(""), d.Incident)
	for _, s := range d.Steps {
		why := s.Reason
		if why != "" {
			why = ": " + why
		}
		fmt.Fprintf(std.out, "  %-10s as of %s, written %s by %s%s\n", s.State, s.At.Format(time.DateTime), s.RecordedAt.Format(time.DateTime), plain(s.By), plain(why))
	}
	return nil
}
