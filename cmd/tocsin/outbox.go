package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"
)

type outboxCommand struct {
	List   outboxList   `cmd:"" help:"List what is told outside, newest first."`
	Resend outboxResend `cmd:"" help:"Send a line again, under the same Message-ID."`
}

// Help implements kong.HelpProvider.
func (outboxCommand) Help() string { return `  tocsin outbox list --state dead` }

type outboxList struct {
	where
	format
	State string `help:"Only those: waiting, sending, sent or dead." placeholder:"S"`
	Limit int    `help:"How many at most. Default: 100." default:"100" placeholder:"N"`
}

// Help implements kong.HelpProvider.
func (outboxList) Help() string { return `  tocsin outbox list --state waiting --format json` }

// Run lists.
func (c outboxList) Run(ctx context.Context, std streams) (err error) {
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	query := url.Values{"limit": {fmt.Sprint(c.Limit)}}
	if c.State != "" {
		query.Set("state", c.State)
	}
	var page struct{ Items []json.RawMessage }
	if err := p.getJSON(ctx, "/api/v1/outbox", query, &page); err != nil {
		return fmt.Errorf("outbox list: %w", err)
	}
	for _, item := range page.Items {
		if err := printOutgoing(std, c.format, item); err != nil {
			return err
		}
	}
	return nil
}

func printOutgoing(std streams, f format, raw json.RawMessage) error {
	if f.json() {
		return printJSON(std.out, raw)
	}
	var o struct {
		ID         string    `json:"id"`
		Target     string    `json:"target"`
		Subject    string    `json:"subject"`
		State      string    `json:"state"`
		Attempts   int       `json:"attempts"`
		Said       string    `json:"said"`
		RecordedAt time.Time `json:"recorded_at"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return err
	}
	if o.Target == "" {
		o.Target = "whoever is on duty"
	}
	_, err := fmt.Fprintf(std.out, "%s  %s  %-7s %d tries  %s: %s", o.ID, o.RecordedAt.Format(time.DateTime), o.State, o.Attempts, plain(o.Target), plain(o.Subject))
	if err == nil && o.Said != "" {
		_, err = fmt.Fprintf(std.out, "\n  %s", plain(o.Said))
	}
	fmt.Fprintln(std.out)
	return err
}

type outboxResend struct {
	where
	format
	ID     string `arg:"" help:"The line, as outbox list names it."`
	Reason string `help:"Why; stays with the line." placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (outboxResend) Help() string { return `  tocsin outbox resend msg-06h0k24s4dr01fv6qc0fwrvfhm-1` }

// Run sends again.
func (c outboxResend) Run(ctx context.Context, std streams) (err error) {
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	var raw json.RawMessage
	if err := p.sendJSON(ctx, "/api/v1/outbox/"+url.PathEscape(c.ID)+"/resend", map[string]string{"reason": c.Reason}, &raw); err != nil {
		return fmt.Errorf("outbox resend: %w", err)
	}
	return printOutgoing(std, c.format, raw)
}
