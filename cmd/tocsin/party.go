package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

type partyCommand struct {
	Add     partyAdd     `cmd:"" help:"Keep a party under its name; an own one is whose duties are reckoned here."`
	List    partyList    `cmd:"" help:"List parties."`
	Contact partyContact `cmd:"" help:"Say where a party is reached."`
}

// Help implements kong.HelpProvider.
func (partyCommand) Help() string {
	return `  tocsin party add --own --role telecom_operator --region CN-11 "North Access"`
}

// party is what the commands read of one.
type party struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Roles       []string `json:"roles"`
	Region      string   `json:"region"`
	MemberState string   `json:"member_state"`
	Own         bool     `json:"own"`
}

func (p party) line() string {
	own := ""
	if p.Own {
		own = "own"
	}
	return fmt.Sprintf("%s  %-3s  %-8s %-2s  %s: %s\n", p.ID, own, p.Region, p.MemberState, plain(p.Name), strings.Join(p.Roles, ", "))
}

type partyAdd struct {
	where
	format
	Role        []string `help:"What it is to the law, several times if it is several things (tocsin regime show tells which roles a law knows)." required:"" placeholder:"ROLE"`
	Region      string   `help:"Of its seat: ISO 3166-2 (CN-11) or 3166-1 (DE)." placeholder:"REGION"`
	MemberState string   `help:"Selects national law under a union's (DE)." placeholder:"STATE"`
	Own         bool     `help:"This platform speaks for it: its duties are reckoned here."`
	Name        string   `arg:"" help:"Its name."`
}

// Help implements kong.HelpProvider.
func (partyAdd) Help() string {
	return `  tocsin party add --own --role telecom_operator --role access_provider --region CN-11 "North Access"`
}

// Run keeps it.
func (c partyAdd) Run(ctx context.Context, std streams) (err error) {
	p, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	var raw json.RawMessage
	body := map[string]any{"name": c.Name, "roles": c.Role, "region": c.Region, "member_state": c.MemberState, "own": c.Own}
	if err := p.sendJSON(ctx, "/api/v1/parties", body, &raw); err != nil {
		return fmt.Errorf("party add: %w", err)
	}
	return printParty(std, c.format, raw)
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
