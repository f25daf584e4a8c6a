package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tocsin/casebook"
)

type incidentCommand struct {
	List    incidentList    `cmd:"" help:"List incidents, newest first."`
	Show    incidentShow    `cmd:"" help:"Show one with its facts, grades, duties and timeline."`
	Open    incidentOpen    `cmd:"" help:"Open one by hand, from a phone call: its clocks start."`
	Confirm incidentConfirm `cmd:"" help:"Say that a proposed one is one, or confirm further facts."`
	Dismiss incidentDismiss `cmd:"" help:"Say that a proposed one is none."`
	Grade   incidentGrade   `cmd:"" help:"Grade one by a person's word."`
	Take    incidentTake    `cmd:"" help:"Become the owner of one that nobody has."`
	Give    incidentGive    `cmd:"" help:"Hand one on to somebody."`
	Release incidentRelease `cmd:"" help:"Let go of one."`
	Correct incidentCorrect `cmd:"" help:"Correct a legal moment: one person asks, another says yes."`
	Note    incidentNote    `cmd:"" help:"Write in its timeline."`
	Close   incidentClose   `cmd:"" help:"End a case that is done."`
	Void    incidentVoid    `cmd:"" help:"Say that there was no incident; a second person confirms."`
}

// Help implements kong.HelpProvider.
func (incidentCommand) Help() string {
	return `  tocsin incident open --as alice --category botnet --fact controlled_addresses_unique_24h=1200000 "Botnet found at North Access"`
}

// person is the flag for acts that a person must do.
type person struct {
	As string `help:"Who acts: a person's name." required:"" placeholder:"NAME"`
}

// oneCase says which incident, on which platform.
type oneCase struct {
	where
	format
	ID string `arg:"" help:"The incident (inc_…)."`
}

// incident is what the commands read of one.
type incident struct {
	ID        string     `json:"id"`
	Category  string     `json:"category"`
	Title     string     `json:"title"`
	State     string     `json:"state"`
	Threat    string     `json:"threat"`
	Owner     string     `json:"owner"`
	OpenedAt  time.Time  `json:"opened_at"`
	TriageDue *time.Time `json:"triage_due"`
	Exercise  bool       `json:"exercise"`
	Facts     []struct {
		Name      string         `json:"name"`
		Value     casebook.Value `json:"value"`
		Confirmed bool           `json:"confirmed"`
		At        time.Time      `json:"at"`
		By        string         `json:"by"`
	} `json:"facts"`
	Grades []struct {
		Regime   string         `json:"regime"`
		Standing string         `json:"standing"`
		Level    string         `json:"level"`
		Reach    string         `json:"reach"`
		Article  string         `json:"article"`
		Figures  casebook.Facts `json:"figures"`
		Blank    string         `json:"blank"`
		Reason   string         `json:"reason"`
		At       time.Time      `json:"at"`
		By       string         `json:"by"`
	} `json:"grades"`
	Duties   []duty `json:"duties"`
	Timeline []struct {
		What       string    `json:"what"`
		HappenedAt time.Time `json:"happened_at"`
		WrittenAt  time.Time `json:"written_at"`
		By         string    `json:"by"`
		Source     string    `json:"source"`
		Note       string    `json:"note"`
	} `json:"timeline"`
}

type incidentList struct {
	where
	format
	State string `help:"Only those: proposed, open, closed or void." placeholder:"S"`
}

// Help implements kong.HelpProvider.
func (incidentList) Help() string { return `  tocsin incident list --state proposed` }

// Run lists.
func (c incidentList) Run(ctx context.Context, std streams) error {
	query := url.Values{}
	if c.State != "" {
		query.Set("state", c.State)
	}
	return c.pages(ctx, "/api/v1/incidents", query, func(item json.RawMessage) error {
		if c.json() {
			return printJSON(std.out, item)
		}
		var i incident
		if err := json.Unmarshal(item, &i); err != nil {
			return err
		}
		owner := i.Owner
		if owner == "" {
			owner = "-"
		}
		_, err := fmt.Fprintf(std.out, "%s  %s  %-8s %-15s %-12s %s%s\n", i.ID, i.OpenedAt.Format(time.DateTime), i.State, i.Category, plain(owner), plain(i.Title), drill(i.Exercise))
		return err
	})
}

func drill(exercise bool) string {
	if exercise {
		return " (exercise)"
	}
	return ""
}

// pages asks for a list page by page.
func (w where) pages(ctx context.Context, path string, query url.Values, each func(json.RawMessage) error) (err error) {
	p, err := w.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	query.Set("limit", "1000")
	for {
		var page struct {
			Items []json.RawMessage
			Next  string
		}
		if err := p.getJSON(ctx, path, query, &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := each(item); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		query.Set("cursor", page.Next)
	}
}

type incidentShow struct{ oneCase }

// Help implements kong.HelpProvider.
func (incidentShow) Help() string { return `  tocsin incident show inc_06h0k24s4dr01fv6qc0fwrvfhm` }

// Run shows.
func (c incidentShow) Run(ctx context.Context, std streams) (err error) {
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	var raw json.RawMessage
	if err := p.getJSON(ctx, "/api/v1/incidents/"+url.PathEscape(c.ID), nil, &raw); err != nil {
		return fmt.Errorf("incident show: %w", err)
	}
	return c.print(std, raw)
}

// print writes a case as it now is.
func (c oneCase) print(std streams, raw json.RawMessage) error {
	if c.json() {
		return printJSON(std.out, raw)
	}
	var i incident
	if err := json.Unmarshal(raw, &i); err != nil {
		return err
	}
	owner := i.Owner
	if owner == "" {
		owner = "nobody"
	}
	fmt.Fprintf(std.out, "%s  %s%s\n  %s, %s, opened %s UTC, with %s\n", i.ID, plain(i.Title), drill(i.Exercise), i.Category, i.State, i.OpenedAt.Format(time.DateTime), plain(owner))
	if i.TriageDue != nil {
		fmt.Fprintf(std.out, "  a person should say by %s UTC whether it is one\n", i.TriageDue.Format(time.DateTime))
	}
	if len(i.Facts) > 0 {
		fmt.Fprintln(std.out, "facts")
	}
	for _, f := range i.Facts {
		how := "observed"
		if f.Confirmed {
			how = "confirmed"
		}
		fmt.Fprintf(std.out, "  %s = %s, %s by %s\n", f.Name, plain(f.Value.String()), how, plain(f.By))
	}
	if len(i.Grades) > 0 {
		fmt.Fprintln(std.out, "grades")
	}
	for _, g := range i.Grades {
		why := g.Reason
		if g.Blank != "" {
			why = g.Blank
		}
		if why != "" {
			why = ": " + why
		}
		fmt.Fprintf(std.out, "  %s UTC  %s %s %s %s, by %s%s\n", g.At.Format(time.DateTime), g.Regime, g.Standing, g.Level, g.Reach, plain(g.By), plain(why))
	}
	if len(i.Duties) > 0 {
		fmt.Fprintln(std.out, "duties")
	}
	for _, d := range i.Duties {
		fmt.Fprint(std.out, d.lines("  "))
	}
	if len(i.Duties) == 0 && (i.State == "proposed" || i.State == "open") {
		fmt.Fprintln(std.out, "duties: none. No law in force asks for one by what is known, or this platform speaks for no party whom it concerns: tocsin party list")
	}
	fmt.Fprintln(std.out, "timeline (happened, written)")
	for _, a := range i.Timeline {
		fmt.Fprintf(std.out, "  %s  %s  %-15s %s", a.HappenedAt.Format(time.DateTime), a.WrittenAt.Format(time.DateTime), a.What, plain(a.By))
		for _, more := range []string{a.Source, a.Note} {
			if more != "" {
				fmt.Fprintf(std.out, "; %s", plain(more))
			}
		}
		fmt.Fprintln(std.out)
	}
	return nil
}

// act sends an act and prints the case as it then is.
func (c oneCase) act(ctx context.Context, std streams, what, path string, body map[string]any) (err error) {
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	var raw json.RawMessage
	if err := p.sendJSON(ctx, "/api/v1/incidents/"+url.PathEscape(c.ID)+"/"+path, body, &raw); err != nil {
		return fmt.Errorf("incident %s: %w", what, err)
	}
	return c.print(std, raw)
}

// sendJSON sends an object and reads the answer into v.
func (p *platform) sendJSON(ctx context.Context, path string, body, v any) error {
	return p.exchange(ctx, http.MethodPost, path, body, v)
}

// exchange sends an object by a method and reads the answer into v.
func (p *platform) exchange(ctx context.Context, method, path string, body, v any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	answer, err := p.call(ctx, method, path, nil, "application/json", bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return json.NewDecoder(answer.Body).Decode(v)
}

// facts reads --fact flags.
func facts(flags []string) (casebook.Facts, error) {
	all := casebook.Facts{}
	for _, text := range flags {
		name, value, err := casebook.ParseFact(text)
		if err != nil {
			return nil, fmt.Errorf("--fact: %w", err)
		}
		all[name] = value
	}
	return all, nil
}

type incidentOpen struct {
	where
	format
	person
	Category string    `help:"What it is: ${enum}." enum:"other,trojan,botnet,network_failure,intrusion,defacement,data_leak,ddos,extortion" default:"other" placeholder:"C"`
	Fact     []string  `help:"A figure, as name=value; value may be 1200000, 880000..1020000, yes, no or a word. What isn't known is left out." placeholder:"NAME=VALUE" sep:"none"`
	Received time.Time `help:"When word of it reached the desk (RFC 3339). Default: now." placeholder:"T"`
	Occurred time.Time `help:"When it began, if that is known (RFC 3339)." placeholder:"T"`
	Zone     string    `help:"Zone in which the moments were told (Asia/Shanghai)." placeholder:"ZONE"`
	Source   string    `help:"Who called, and how." placeholder:"WHO"`
	Party    string    `help:"Party whose duties are reckoned (pty_…). Default: every own party." placeholder:"ID"`
	Note     string    `help:"More words." placeholder:"TEXT"`
	Exercise bool      `help:"It is a drill."`
	Title    []string  `arg:"" help:"What happened, in a few words, as it was told."`
}

// Help implements kong.HelpProvider.
func (incidentOpen) Help() string {
	return `Word that reaches the desk starts the clocks; what is owed by when is printed.

  tocsin incident open --as alice --source "NOC North, by phone" --fact controlled_addresses_unique_24h=1200000 Botnet at North Access`
}

// Run opens it.
func (c incidentOpen) Run(ctx context.Context, std streams) (err error) {
	known, err := facts(c.Fact)
	if err != nil {
		return err
	}
	body := map[string]any{"as": c.As, "category": c.Category, "title": strings.Join(c.Title, " "), "facts": known, "zone": c.Zone, "source": c.Source, "note": c.Note, "exercise": c.Exercise}
	if c.Party != "" {
		body["party"] = c.Party
	}
	for name, at := range map[string]time.Time{"received": c.Received, "occurred": c.Occurred} {
		if !at.IsZero() {
			body[name] = at
		}
	}
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	var raw json.RawMessage
	if err := p.sendJSON(ctx, "/api/v1/incidents", body, &raw); err != nil {
		return fmt.Errorf("incident open: %w", err)
	}
	return oneCase{format: c.format}.print(std, raw)
}

type incidentConfirm struct {
	oneCase
	person
	Category string   `help:"What it is, if not what was proposed." placeholder:"C"`
	Title    string   `help:"Another title." placeholder:"TEXT"`
	Fact     []string `help:"A figure that you confirm, as name=value. With the first yes, what else was observed is confirmed with it." placeholder:"NAME=VALUE" sep:"none"`
	Note     string   `help:"Why." placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (incidentConfirm) Help() string {
	return `Statutory clocks start with a person's yes, from the moments that their laws name:
one that begins with the discovery has begun when it came before the desk.

  tocsin incident confirm inc_06h0k24s4dr01fv6qc0fwrvfhm --as alice --fact controlled_addresses_unique_24h=1000000`
}

// Run confirms.
func (c incidentConfirm) Run(ctx context.Context, std streams) error {
	known, err := facts(c.Fact)
	if err != nil {
		return err
	}
	body := map[string]any{"as": c.As, "title": c.Title, "facts": known, "note": c.Note}
	if c.Category != "" {
		body["category"] = c.Category
	}
	return c.act(ctx, std, "confirm", "confirmation", body)
}

type incidentDismiss struct {
	oneCase
	person
	Reason string `help:"Why it is no incident." required:"" placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (incidentDismiss) Help() string {
	return `  tocsin incident dismiss inc_06h0k24s4dr01fv6qc0fwrvfhm --as alice --reason "a sinkhole of our own"`
}

// Run dismisses.
func (c incidentDismiss) Run(ctx context.Context, std streams) error {
	return c.act(ctx, std, "dismiss", "dismissal", map[string]any{"as": c.As, "reason": c.Reason})
}

type incidentGrade struct {
	oneCase
	person
	Regime   string `help:"Law under which it is graded (tocsin regime list)." required:"" placeholder:"ID"`
	Level    string `help:"Level, a word of that law's pack." required:"" placeholder:"LEVEL"`
	Standing string `help:"Whose word it is: ${enum}." enum:"confirmed,reported,determined" default:"confirmed"`
	Reason   string `help:"Why." required:"" placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (incidentGrade) Help() string {
	return `  tocsin incident grade inc_06h0k24s4dr01fv6qc0fwrvfhm --as alice --regime cn-miit-2009-156 --level serious --reason "three provinces"`
}

// Run grades.
func (c incidentGrade) Run(ctx context.Context, std streams) error {
	return c.act(ctx, std, "grade", "grades", map[string]any{"as": c.As, "regime": c.Regime, "level": c.Level, "standing": c.Standing, "reason": c.Reason})
}

type incidentTake struct {
	oneCase
	person
}

// Help implements kong.HelpProvider.
func (incidentTake) Help() string {
	return `  tocsin incident take inc_06h0k24s4dr01fv6qc0fwrvfhm --as alice`
}

// Run takes.
func (c incidentTake) Run(ctx context.Context, std streams) error {
	return c.act(ctx, std, "take", "owner", map[string]any{"as": c.As, "act": "take"})
}

type incidentGive struct {
	oneCase
	person
	To string `help:"To whom." required:"" placeholder:"NAME"`
}

// Help implements kong.HelpProvider.
func (incidentGive) Help() string {
	return `  tocsin incident give inc_06h0k24s4dr01fv6qc0fwrvfhm --as alice --to bob`
}

// Run gives.
func (c incidentGive) Run(ctx context.Context, std streams) error {
	return c.act(ctx, std, "give", "owner", map[string]any{"as": c.As, "act": "give", "to": c.To})
}

type incidentRelease struct {
	oneCase
	person
}

// Help implements kong.HelpProvider.
func (incidentRelease) Help() string {
	return `  tocsin incident release inc_06h0k24s4dr01fv6qc0fwrvfhm --as alice`
}

// Run releases.
func (c incidentRelease) Run(ctx context.Context, std streams) error {
	return c.act(ctx, std, "release", "owner", map[string]any{"as": c.As, "act": "release"})
}

type incidentNote struct {
	oneCase
	person
	At     time.Time `help:"When it happened (RFC 3339). Default: now." placeholder:"T"`
	Zone   string    `help:"Zone in which that was told." placeholder:"ZONE"`
	Source string    `help:"On whose word." placeholder:"WHO"`
	Text   []string  `arg:"" help:"What was seen, done or told."`
}

// Help implements kong.HelpProvider.
func (incidentNote) Help() string {
	return `  tocsin incident note inc_06h0k24s4dr01fv6qc0fwrvfhm --as alice --at 2026-02-17T02:10:00+08:00 The NOC cut the server off`
}

// Run notes.
func (c incidentNote) Run(ctx context.Context, std streams) error {
	body := map[string]any{"as": c.As, "note": strings.Join(c.Text, " "), "zone": c.Zone, "source": c.Source}
	if !c.At.IsZero() {
		body["happened_at"] = c.At
	}
	return c.act(ctx, std, "note", "timeline", body)
}

type incidentClose struct {
	oneCase
	person
	Reason string `help:"How it ended." required:"" placeholder:"TEXT"`
	Anyway bool   `help:"Close it although something is open; the reason says why that may stay so."`
}

// Help implements kong.HelpProvider.
func (incidentClose) Help() string {
	return `  tocsin incident close inc_06h0k24s4dr01fv6qc0fwrvfhm --as wang --reason "verified clean"`
}

// Run closes.
func (c incidentClose) Run(ctx context.Context, std streams) error {
	return c.act(ctx, std, "close", "closing", map[string]any{"as": c.As, "reason": c.Reason, "anyway": c.Anyway})
}

type incidentVoid struct {
	oneCase
	person
	Reason string `help:"Why there was none; the second person may leave it out." placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (incidentVoid) Help() string {
	return `  tocsin incident void inc_06h0k24s4dr01fv6qc0fwrvfhm --as wang --reason "our own test"
  tocsin incident void inc_06h0k24s4dr01fv6qc0fwrvfhm --as li`
}

// Run voids.
func (c incidentVoid) Run(ctx context.Context, std streams) error {
	return c.act(ctx, std, "void", "voiding", map[string]any{"as": c.As, "reason": c.Reason})
}
