package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"
)

type scorecardCommand struct {
	where
	format
	Shadow string `help:"What the schedule of consequences of this regime, a draft also, makes of the own parties' duties." placeholder:"REGIME"`
	Month  string `help:"Only duties that fell due in it, in the zone of their law: 2026-11. Default: every month." placeholder:"MONTH"`
}

// Help implements kong.HelpProvider.
func (scorecardCommand) Help() string {
	return `Counted anew each time from the duties that fell due. What nobody has set, and what is
suspended, superseded or void, counts nowhere. Drills have lines of their own.

  tocsin scorecard --month 2026-11
  tocsin scorecard --shadow cn-cac-2025`
}

// cost is what the command reads of a line of a shadow.
type cost struct {
	Party    string `json:"party"`
	Regime   string `json:"regime"`
	Month    string `json:"month"`
	Line     string `json:"line"`
	Article  string `json:"article"`
	Duties   int    `json:"duties"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Shadow   bool   `json:"shadow"`
}

// score is what the command reads of a line.
type score struct {
	Party       string `json:"party"`
	Region      string `json:"region"`
	Regime      string `json:"regime"`
	Stage       string `json:"stage"`
	Month       string `json:"month"`
	Exercise    bool   `json:"exercise"`
	Due         int    `json:"due"`
	OnTime      int    `json:"on_time"`
	Late        int    `json:"late"`
	Never       int    `json:"never"`
	Longest     int64  `json:"longest_late_seconds"`
	Unexplained int    `json:"late_unexplained"`
	Reasons     []struct {
		Reason string `json:"reason"`
		Duties int    `json:"duties"`
	} `json:"late_reasons"`
}

// Run prints it.
func (c scorecardCommand) Run(ctx context.Context, std streams) error {
	query := url.Values{}
	if c.Month != "" {
		query.Set("month", c.Month)
	}
	if c.Shadow != "" {
		query.Set("regime", c.Shadow)
		return c.whole(ctx, "/api/v1/scorecards/shadow", query, func(item json.RawMessage) error { return c.cost(std, item) })
	}
	return c.whole(ctx, "/api/v1/scorecards", query, func(item json.RawMessage) error {
		if c.json() {
			return printJSON(std.out, item)
		}
		var s score
		if err := json.Unmarshal(item, &s); err != nil {
			return err
		}
		_, err := fmt.Fprint(std.out, s.lines())
		return err
	})
}

// cost prints a line of a shadow.
func (c scorecardCommand) cost(std streams, item json.RawMessage) error {
	if c.json() {
		return printJSON(std.out, item)
	}
	var one cost
	if err := json.Unmarshal(item, &one); err != nil {
		return err
	}
	how := "by the schedule in force; what is owed an authority says"
	if one.Shadow {
		how = "by a draft: nobody owes this"
	}
	_, err := fmt.Fprintf(std.out, "%s  %s %s (%s)  %s: %d duties, %d %s, %s\n", one.Month, one.Regime, one.Line, plain(one.Article), plain(one.Party), one.Duties, one.Amount, one.Currency, how)
	return err
}

// lines writes a line as people read it: shares stand behind their counts.
func (s score) lines() string {
	text := fmt.Sprintf("%s  %s %s  %s (%s)%s: %d due, on time %d (%d %%), late %d, never %d\n", s.Month, s.Regime, s.Stage, plain(s.Party), orDash(s.Region), drill(s.Exercise),
		s.Due, s.OnTime, s.OnTime*100/max(s.Due, 1), s.Late, s.Never)
	if s.Late > 0 {
		text += fmt.Sprintf("  the latest by %v\n", time.Duration(s.Longest)*time.Second)
	}
	for _, r := range s.Reasons {
		text += fmt.Sprintf("  late %d: %s\n", r.Duties, plain(r.Reason))
	}
	if s.Unexplained > 0 {
		text += fmt.Sprintf("  late %d: no reason given\n", s.Unexplained)
	}
	return text
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return plain(s)
}

// whole reads a list that comes in one page.
func (w where) whole(ctx context.Context, path string, query url.Values, each func(json.RawMessage) error) (err error) {
	p, err := w.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	var all struct{ Items []json.RawMessage }
	if err := p.getJSON(ctx, path, query, &all); err != nil {
		return err
	}
	for _, item := range all.Items {
		if err := each(item); err != nil {
			return err
		}
	}
	return nil
}
