package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

type partyCommand struct {
	Add     partyAdd     `cmd:"" help:"Keep a party under its name; an own one is whose duties are reckoned here."`
	List    partyList    `cmd:"" help:"List parties."`
	Show    partyShow    `cmd:"" help:"Show one."`
	End     partyEnd     `cmd:"" help:"Say when one ended, and who took over."`
	Contact partyContact `cmd:"" help:"Say where a party is reached."`
}

// Help implements kong.HelpProvider.
func (partyCommand) Help() string {
	return `  tocsin party add --own --role telecom_operator --region CN-11 "North Access"`
}

// party is what the commands read of one.
type party struct {
	ID            string     `json:"id"`
	Name          string     `json:"name"`
	Roles         []string   `json:"roles"`
	Region        string     `json:"region"`
	NetworkRegion string     `json:"network_region"`
	EffectRegion  string     `json:"effect_region"`
	MemberState   string     `json:"member_state"`
	Own           bool       `json:"own"`
	From          *time.Time `json:"from"`
	To            *time.Time `json:"to"`
	Successor     string     `json:"successor"`
}

func (p party) line() string {
	own, more := "", ""
	if p.Own {
		own = "own"
	}
	for _, region := range []struct{ where, name string }{{"network", p.NetworkRegion}, {"effect", p.EffectRegion}} {
		if region.name != "" {
			more += "; " + region.where + " in " + plain(region.name)
		}
	}
	if p.From != nil {
		more += "; from " + p.From.UTC().Format(time.RFC3339)
	}
	if p.To != nil {
		more += "; to " + p.To.UTC().Format(time.RFC3339)
	}
	if p.Successor != "" {
		more += "; then " + p.Successor
	}
	return fmt.Sprintf("%s  %-3s  %-8s %-2s  %s: %s%s\n", p.ID, own, p.Region, p.MemberState, plain(p.Name), strings.Join(p.Roles, ", "), more)
}

type partyAdd struct {
	where
	format
	Role          []string  `help:"What it is to the law, several times if it is several things (tocsin regime show tells which roles a law knows)." required:"" placeholder:"ROLE"`
	Region        string    `help:"Of its seat: ISO 3166-2 (CN-11) or 3166-1 (DE)." placeholder:"REGION"`
	NetworkRegion string    `help:"Of its network. Default: as its seat." placeholder:"REGION"`
	EffectRegion  string    `help:"Where what it does takes effect. Default: as its seat." placeholder:"REGION"`
	MemberState   string    `help:"Selects national law under a union's (DE)." placeholder:"STATE"`
	Own           *bool     `help:"This platform speaks for it: its duties are reckoned here. --no-own: not any more. Default: as it is." negatable:""`
	From          time.Time `help:"Since when it has been there. Default: since before anybody asked." placeholder:"T"`
	To            time.Time `help:"The first moment at which it wasn't there any more. Default: it still is." placeholder:"T"`
	Name          string    `arg:"" help:"Its name."`
}

// Help implements kong.HelpProvider.
func (partyAdd) Help() string {
	return `  tocsin party add --own --role telecom_operator --role access_provider --region CN-11 "North Access"`
}

// Run keeps it.
func (c partyAdd) Run(ctx context.Context, std streams) error {
	body := map[string]any{"name": c.Name, "roles": c.Role, "region": c.Region, "network_region": c.NetworkRegion, "effect_region": c.EffectRegion,
		"member_state": c.MemberState}
	if c.Own != nil {
		body["own"] = *c.Own
	}
	addMoment(body, "from", c.From)
	addMoment(body, "to", c.To)
	return c.where.act(ctx, true, "/api/v1/parties", body, func(raw json.RawMessage) error { return printParty(std, c.format, raw) }, "party add")
}

// addMoment puts a moment into a body, unless it is left out.
func addMoment(body map[string]any, name string, at time.Time) {
	if !at.IsZero() {
		body[name] = at.Format(time.RFC3339Nano)
	}
}

// act sends one object to the platform and hands on what it answers.
func (w where) act(ctx context.Context, make bool, path string, body any, show func(json.RawMessage) error, what string) (err error) {
	p, err := w.open(ctx, make)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	var raw json.RawMessage
	if err := p.sendJSON(ctx, path, body, &raw); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return show(raw)
}

type partyShow struct {
	where
	format
	ID string `arg:"" help:"The party (pty_…)."`
}

// Help implements kong.HelpProvider.
func (partyShow) Help() string { return `  tocsin party show pty_06a9s2nnk5yzq8k0f3w6bq8r1m` }

// Run shows it.
func (c partyShow) Run(ctx context.Context, std streams) (err error) {
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	var raw json.RawMessage
	if err := p.getJSON(ctx, "/api/v1/parties/"+url.PathEscape(c.ID), nil, &raw); err != nil {
		return fmt.Errorf("party show: %w", err)
	}
	return printParty(std, c.format, raw)
}

type partyEnd struct {
	where
	format
	To        time.Time `help:"The first moment at which it wasn't there any more. Default: now." placeholder:"T"`
	Successor string    `help:"Who took over (pty_…)." placeholder:"PARTY"`
	ID        string    `arg:"" help:"The party (pty_…)."`
}

// Help implements kong.HelpProvider.
func (partyEnd) Help() string {
	return `  tocsin party end --to 2026-07-01T00:00:00+08:00 --successor pty_06a9s2nnk5yzq8k0f3w6bq8r1m pty_06a9rz3k2m0q4v7t1x8y5n6p9c`
}

// Run ends it.
func (c partyEnd) Run(ctx context.Context, std streams) error {
	body := map[string]any{"successor": c.Successor}
	addMoment(body, "to", c.To)
	return c.where.act(ctx, false, "/api/v1/parties/"+url.PathEscape(c.ID)+"/end", body, func(raw json.RawMessage) error { return printParty(std, c.format, raw) }, "party end")
}

func printParty(std streams, f format, raw json.RawMessage) error {
	if f.json() {
		return printJSON(std.out, raw)
	}
	var one party
	if err := json.Unmarshal(raw, &one); err != nil {
		return err
	}
	_, err := fmt.Fprint(std.out, one.line())
	return err
}

type partyList struct {
	where
	format
}

// Help implements kong.HelpProvider.
func (partyList) Help() string { return `  tocsin party list` }

// Run lists.
func (c partyList) Run(ctx context.Context, std streams) (err error) {
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	var page struct{ Items []json.RawMessage }
	if err := p.getJSON(ctx, "/api/v1/parties", url.Values{}, &page); err != nil {
		return fmt.Errorf("party list: %w", err)
	}
	for _, item := range page.Items {
		if err := printParty(std, c.format, item); err != nil {
			return err
		}
	}
	return nil
}

type partyContact struct {
	oneThing
	For    string `help:"For what: ${enum}." enum:"reports,orders,duty" required:"" placeholder:"WHAT"`
	Target string `arg:"" help:"mailto:ADDR or https://…"`
	End    bool   `help:"The party isn't reached there any more."`
}

// Help implements kong.HelpProvider.
func (partyContact) Help() string {
	return `The first argument is the party (pty_…).

  tocsin party contact pty_06h0yatgesr018awys7chbneec mailto:abuse@north.example --for orders`
}

// Run keeps it.
func (c partyContact) Run(ctx context.Context, std streams) error {
	raw, err := c.ask(ctx, "party contact", http.MethodPost, "/api/v1/parties/"+url.PathEscape(c.ID)+"/contacts", map[string]any{"for": c.For, "target": c.Target, "end": c.End})
	if err != nil {
		return err
	}
	var page struct{ Items []json.RawMessage }
	if err := json.Unmarshal(raw, &page); err != nil {
		return err
	}
	for _, item := range page.Items {
		var one struct{ For, Target string }
		if c.json() {
			err = printJSON(std.out, item)
		} else if err = json.Unmarshal(item, &one); err == nil {
			_, err = fmt.Fprintf(std.out, "%s: %s\n", one.For, plain(one.Target))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
