package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

type reportCommand struct {
	List  reportList  `cmd:"" help:"List reports, newest first."`
	Show  reportShow  `cmd:"" help:"Show one with its fields, its filings and what became of each."`
	Draft reportDraft `cmd:"" help:"Draft the report that a duty asks for, filled from what is known."`
	Write reportWrite `cmd:"" help:"Write fields of what is filed next."`
	File  reportFile  `cmd:"" help:"File the next version, here or as filed outside."`
	Ack   reportAck   `cmd:"" help:"Write what became of a filing with one recipient."`
}

// Help implements kong.HelpProvider.
func (reportCommand) Help() string {
	return `  tocsin report draft dty_06h0yaye5sr0b7n2e5nmrpq7ag --as wang`
}

// filed is what the commands read of a report.
type filed struct {
	ID       string    `json:"id"`
	Incident string    `json:"incident"`
	Duty     string    `json:"duty"`
	Regime   string    `json:"regime"`
	Stage    string    `json:"stage"`
	State    string    `json:"state"`
	Version  int       `json:"version"`
	Exercise bool      `json:"exercise"`
	OpenedAt time.Time `json:"opened_at"`
	Fields   []struct {
		ID, Label, Value, From string
		Required, Secret       bool
	} `json:"fields"`
	Lacks []struct {
		Field, Says string
		Stops       bool
	} `json:"lacks"`
	Versions []struct {
		Number     int       `json:"number"`
		FiledAt    time.Time `json:"filed_at"`
		Channel    string    `json:"channel"`
		LateReason string    `json:"late_reason"`
		By         string    `json:"by"`
		To         []struct {
			ID             string     `json:"id"`
			Role           string     `json:"role"`
			Name           string     `json:"name"`
			Copy           bool       `json:"copy"`
			DispatchedAt   *time.Time `json:"dispatched_at"`
			DeliveredAt    *time.Time `json:"delivered_at"`
			AcknowledgedAt *time.Time `json:"acknowledged_at"`
			Reference      string     `json:"reference"`
			Proof          string     `json:"proof"`
		} `json:"to"`
	} `json:"versions"`
}

// oneThing says which thing, on which platform.
type oneThing struct {
	where
	format
	ID string `arg:"" help:"Which one."`
}

// ask sends an act, or only asks, and gives the answer.
func (c oneThing) ask(ctx context.Context, what, method, path string, body any) (raw json.RawMessage, err error) {
	p, err := c.open(ctx, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = firstError(err, p.close()) }()
	if body == nil {
		err = p.getJSON(ctx, path, nil, &raw)
	} else {
		err = p.exchange(ctx, method, path, body, &raw)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return raw, nil
}

func (c oneThing) printReport(std streams, raw json.RawMessage) error {
	if c.json() {
		return printJSON(std.out, raw)
	}
	var r filed
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s  %s %s\n  %s, %d filed, of %s%s\n", r.ID, r.Regime, r.Stage, r.State, r.Version, r.Incident, drill(r.Exercise))
	fmt.Fprintln(std.out, "fields")
	for _, f := range r.Fields {
		mark := ""
		if f.Required {
			mark = " (required)"
		}
		if f.Secret {
			mark += " (trade secret)"
		}
		fmt.Fprintf(std.out, "  %s, %s%s: %s\n", f.ID, plain(f.Label), mark, plain(strings.ReplaceAll(f.Value, "\n", " / ")))
	}
	if len(r.Lacks) > 0 {
		fmt.Fprintln(std.out, "lacks")
	}
	for _, g := range r.Lacks {
		fmt.Fprintf(std.out, "  %s\n", plain(g.Says))
	}
	for _, v := range r.Versions {
		fmt.Fprintf(std.out, "version %d, filed %s UTC by %s, %s", v.Number, v.FiledAt.Format(time.DateTime), v.Channel, plain(v.By))
		if v.LateReason != "" {
			fmt.Fprintf(std.out, "; late: %s", plain(v.LateReason))
		}
		fmt.Fprintln(std.out)
		for _, a := range v.To {
			var facts []string
			for _, fact := range []struct {
				name string
				at   *time.Time
			}{{"dispatched", a.DispatchedAt}, {"delivered", a.DeliveredAt}, {"acknowledged", a.AcknowledgedAt}} {
				if fact.at != nil {
					facts = append(facts, fact.name+" "+fact.at.Format(time.DateTime))
				}
			}
			switch {
			case facts == nil && a.Proof != "":
				facts = []string{plain(a.Proof)}
			case facts == nil:
				facts = []string{"nothing on record yet"}
			}
			kind := "to"
			if a.Copy {
				kind = "copy to"
			}
			fmt.Fprintf(std.out, "  %s  %s %s (%s): %s", a.ID, kind, plain(a.Name), a.Role, strings.Join(facts, ", "))
			if a.Reference != "" {
				fmt.Fprintf(std.out, "; their reference %s", plain(a.Reference))
			}
			fmt.Fprintln(std.out)
		}
	}
	return nil
}

// paperList is a list of what belongs to incidents: reports, orders.
type paperList struct {
	where
	format
	Incident string `help:"Of this incident." placeholder:"ID"`
}

// listPapers prints a list, each thing as a line of its own.
func listPapers[T any](ctx context.Context, std streams, c paperList, path string, line func(T) string) error {
	query := url.Values{}
	if c.Incident != "" {
		query.Set("incident", c.Incident)
	}
	return c.pages(ctx, path, query, func(item json.RawMessage) error {
		if c.json() {
			return printJSON(std.out, item)
		}
		var one T
		if err := json.Unmarshal(item, &one); err != nil {
			return err
		}
		_, err := fmt.Fprintln(std.out, line(one))
		return err
	})
}

type reportList struct{ paperList }

// Help implements kong.HelpProvider.
func (reportList) Help() string { return `  tocsin report list --format json` }

// Run lists.
func (c reportList) Run(ctx context.Context, std streams) error {
	return listPapers(ctx, std, c.paperList, "/api/v1/reports", func(r filed) string {
		return fmt.Sprintf("%s  %s  %-9s version %d  %s %s  %s%s", r.ID, r.OpenedAt.Format(time.DateTime), r.State, r.Version, r.Regime, r.Stage, r.Incident, drill(r.Exercise))
	})
}

type reportShow struct{ oneThing }

// Help implements kong.HelpProvider.
func (reportShow) Help() string { return `  tocsin report show rep_06h0yaye5sr0b7n2e5nmrpq7ag` }

// Run shows.
func (c reportShow) Run(ctx context.Context, std streams) error {
	raw, err := c.ask(ctx, "report show", http.MethodGet, "/api/v1/reports/"+url.PathEscape(c.ID), nil)
	if err != nil {
		return err
	}
	return c.printReport(std, raw)
}

type reportDraft struct {
	oneThing
	person
}

// Help implements kong.HelpProvider.
func (reportDraft) Help() string {
	return `The argument is the duty (dty_…) that the report is to meet.

  tocsin report draft dty_06h0yaye5sr0b7n2e5nmrpq7ag --as wang`
}

// Run drafts.
func (c reportDraft) Run(ctx context.Context, std streams) error {
	raw, err := c.ask(ctx, "report draft", http.MethodPost, "/api/v1/reports", map[string]any{"as": c.As, "duty": c.ID})
	if err != nil {
		return err
	}
	return c.printReport(std, raw)
}

type reportWrite struct {
	oneThing
	person
	Field  []string `help:"A field, as id=value." placeholder:"ID=VALUE" sep:"none"`
	Secret []string `help:"A field that is a trade secret, as id=value." placeholder:"ID=VALUE" sep:"none"`
}

// Help implements kong.HelpProvider.
func (reportWrite) Help() string {
	return `  tocsin report write rep_06h0yaye5sr0b7n2e5nmrpq7ag --as wang --field phone=+86-10-0000 --field measures="cut off"`
}

// Run writes.
func (c reportWrite) Run(ctx context.Context, std streams) error {
	var fields []map[string]any
	for secret, list := range map[bool][]string{false: c.Field, true: c.Secret} {
		for _, text := range list {
			id, value, ok := strings.Cut(text, "=")
			if !ok {
				return exit{exitMisused, fmt.Errorf("--field %q: write id=value", text)}
			}
			fields = append(fields, map[string]any{"id": id, "value": value, "secret": secret})
		}
	}
	raw, err := c.ask(ctx, "report write", http.MethodPut, "/api/v1/reports/"+url.PathEscape(c.ID), map[string]any{"as": c.As, "fields": fields})
	if err != nil {
		return err
	}
	return c.printReport(std, raw)
}

type reportFile struct {
	oneThing
	person
	Channel    string    `help:"program, or how it was filed outside: ${enum}." enum:"program,mail,phone,fax,portal,post" default:"program"`
	At         time.Time `help:"Outside: when it was filed (RFC 3339). It may be entered late." placeholder:"T"`
	To         []string  `help:"Outside: role of who got it, several times for several. Default: everybody it had to go to." placeholder:"ROLE"`
	Proof      string    `help:"Outside: the call sheet or the receipt, as text, or @FILE for a text file." placeholder:"TEXT"`
	Reference  string    `help:"The recipient's own number." placeholder:"TEXT"`
	LateReason string    `help:"Why it comes after its moment." placeholder:"TEXT"`
	Corrects   int       `help:"Number of the version that this one corrects." placeholder:"N"`
}

// Help implements kong.HelpProvider.
func (reportFile) Help() string {
	return `  tocsin report file rep_06h0yaye5sr0b7n2e5nmrpq7ag --as wang
  tocsin report file rep_06h0yaye5sr0b7n2e5nmrpq7ag --as wang --channel phone --at 2026-02-17T00:10:00+08:00 --proof @callsheet.txt`
}

// Run files.
func (c reportFile) Run(ctx context.Context, std streams) error {
	proof, err := textOrFile(c.Proof)
	if err != nil {
		return exit{exitMisused, fmt.Errorf("report file: --proof: %w", err)}
	}
	body := map[string]any{"as": c.As, "channel": c.Channel, "to": c.To, "proof": proof, "reference": c.Reference, "late_reason": c.LateReason, "corrects": c.Corrects}
	if !c.At.IsZero() {
		body["filed_at"] = c.At
	}
	if len(c.To) == 0 {
		delete(body, "to")
	}
	raw, err := c.ask(ctx, "report file", http.MethodPost, "/api/v1/reports/"+url.PathEscape(c.ID)+"/versions", body)
	if err != nil {
		return err
	}
	return c.printReport(std, raw)
}

// textOrFile gives a text, or what is in the file that @ names.
func textOrFile(text string) (string, error) {
	name, ok := strings.CutPrefix(text, "@")
	if !ok {
		return text, nil
	}
	content, err := os.ReadFile(name)
	return string(content), err
}

type reportAck struct {
	oneThing
	person
	Fact      string    `help:"What is told: ${enum}." enum:"dispatched,delivered,acknowledged" default:"acknowledged"`
	At        time.Time `help:"When (RFC 3339). Default: now." placeholder:"T"`
	Reference string    `help:"The recipient's own number." placeholder:"TEXT"`
	Proof     string    `help:"What was answered, as text, or @FILE for a text file." placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (reportAck) Help() string {
	return `The argument is the recipient (rcp_…) of a filing, as report show tells it.

  tocsin report ack rcp_06h0yaye5sr0b7n2e5nmrpq7ag --as wang --reference 2026-118`
}

// Run writes it down.
func (c reportAck) Run(ctx context.Context, std streams) error {
	proof, err := textOrFile(c.Proof)
	if err != nil {
		return exit{exitMisused, fmt.Errorf("report ack: --proof: %w", err)}
	}
	body := map[string]any{"as": c.As, "fact": c.Fact, "reference": c.Reference, "proof": proof}
	if !c.At.IsZero() {
		body["at"] = c.At
	}
	raw, err := c.ask(ctx, "report ack", http.MethodPost, "/api/v1/recipients/"+url.PathEscape(c.ID), body)
	if err != nil {
		return err
	}
	if c.json() {
		return printJSON(std.out, raw)
	}
	_, err = fmt.Fprintf(std.out, "%s  %s\n", c.ID, c.Fact)
	return err
}
