package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

type statusCommand struct {
	where
	format
}

// Help implements kong.HelpProvider.
func (statusCommand) Help() string {
	return `  tocsin status --data ./data --format json`
}

// Run counts.
func (c statusCommand) Run(ctx context.Context, std streams) (err error) {
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	var raw json.RawMessage
	if err := p.getJSON(ctx, "/api/v1/status", nil, &raw); err != nil {
		return fmt.Errorf("status: %w", err)
	}
	if c.json() {
		return printJSON(std.out, raw)
	}
	var s struct {
		Deliveries, Waiting, Observations, Duplicates, Refused, Findings, Threats, Incidents int64
		Proposed                                                                             int64
		Own                                                                                  int64 `json:"own_parties"`
		Duties                                                                               map[string]int64
		Clock                                                                                clockState
		Outbox                                                                               struct{ Waiting, Dead int64 }
		Ledger                                                                               struct {
			Entries int64
			Head    string
		}
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("status: %w", err)
	}
	for _, line := range []struct {
		name, value string
	}{
		{"deliveries", count(s.Deliveries) + waitingText(s.Waiting)},
		{"observations", count(s.Observations)},
		{"duplicates", count(s.Duplicates)},
		{"refused", count(s.Refused)},
		{"findings", count(s.Findings)},
		{"threats", count(s.Threats)},
		{"incidents", fmt.Sprintf("%s, %s of them proposed", count(s.Incidents), count(s.Proposed))},
		{"duties", dutyCounts(s.Duties, s.Own)},
		{"clock", s.Clock.text()},
		{"outbox", fmt.Sprintf("%s waiting, %s dead", count(s.Outbox.Waiting), count(s.Outbox.Dead))},
		{"ledger", fmt.Sprintf("%s entries, head %s", count(s.Ledger.Entries), s.Ledger.Head)},
	} {
		if _, err := fmt.Fprintf(std.out, "%-14s%s\n", line.name, line.value); err != nil {
			return err
		}
	}
	return nil
}

func waitingText(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s waiting to be folded)", count(n))
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// clockState is what the platform knows of its machine's clock.
type clockState struct {
	Known    bool    `json:"known"`
	OffsetMS float64 `json:"offset_ms"`
	BoundMS  float64 `json:"bound_ms"`
	Source   string  `json:"source"`
}

func (c clockState) text() string {
	switch {
	case !c.Known:
		return "how far it is off isn't known"
	case c.OffsetMS > 1000 || c.OffsetMS < -1000:
		return fmt.Sprintf("OFF by %.0f ms (%s): moments are reckoned by it", c.OffsetMS, plain(c.Source))
	}
	return fmt.Sprintf("off by %.0f ms, within %.0f ms (%s)", c.OffsetMS, c.BoundMS, plain(c.Source))
}

// dutyCounts counts duties by state, those that there are.
func dutyCounts(states map[string]int64, own int64) string {
	var parts []string
	for _, state := range []string{"open", "unset", "missed", "late", "met", "suspended", "superseded", "void"} {
		if n := states[state]; n > 0 {
			parts = append(parts, count(n)+" "+state)
		}
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, ", ")
	case own == 0:
		return "none: this platform speaks for no party yet (tocsin party add --own)"
	}
	return "none"
}

type findingsCommand struct {
	where
	format
	Since time.Time `help:"Only what was recorded or changed at or after this moment (RFC 3339)." placeholder:"T"`
	State string    `help:"Only findings in this state: open, told, claimed_clean, verified, unverified, relapsed, void." placeholder:"S"`
}

// Help implements kong.HelpProvider.
func (findingsCommand) Help() string {
	return `Findings come in the order in which they were first recorded.

  tocsin findings --since 2026-11-23T00:00:00Z --format json | jq -r .asset`
}

// finding is what the text form shows of one.
type finding struct {
	Asset     string    `json:"asset"`
	Port      int64     `json:"port"`
	Role      string    `json:"role"`
	Family    string    `json:"family"`
	State     string    `json:"state"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Count     int64     `json:"count"`
	Relapses  int64     `json:"relapses"`
	ASN       int64     `json:"asn"`
	Holder    string    `json:"holder"`
}

// Run streams.
func (c findingsCommand) Run(ctx context.Context, std streams) (err error) {
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	query := url.Values{}
	if !c.Since.IsZero() {
		query.Set("since", c.Since.Format(time.RFC3339Nano))
	}
	if c.State != "" {
		query.Set("state", c.State)
	}
	answer, err := p.call(ctx, http.MethodGet, "/api/v1/findings", query, "application/x-ndjson", nil)
	if err != nil {
		return fmt.Errorf("findings: %w", err)
	}
	defer answer.Body.Close()
	out := bufio.NewWriterSize(std.out, 1<<16)
	if c.json() {
		_, err = out.ReadFrom(answer.Body)
	} else {
		err = printFindings(out, json.NewDecoder(answer.Body))
	}
	if err := firstError(err, out.Flush()); err != nil {
		return fmt.Errorf("findings: %w", err)
	}
	return nil
}

func printFindings(out *bufio.Writer, in *json.Decoder) error {
	const layout = "%-40s %-12s %-24s %-13s %-10s %-10s %8s %8s  %s\n"
	fmt.Fprintf(out, layout, "ASSET", "ROLE", "FAMILY", "STATE", "FIRST", "LAST", "COUNT", "RELAPSES", "HOLDER")
	for in.More() {
		var f finding
		if err := in.Decode(&f); err != nil {
			return err
		}
		asset := f.Asset
		if f.Port != 0 {
			asset += " port " + strconv.FormatInt(f.Port, 10)
		}
		holder := f.Holder
		if f.ASN != 0 {
			holder = strings.TrimSpace(fmt.Sprintf("AS%d %s", f.ASN, holder))
		}
		fmt.Fprintf(out, layout, plain(asset), f.Role, plain(f.Family), f.State, f.FirstSeen.Format(time.DateOnly), f.LastSeen.Format(time.DateOnly), count(f.Count), count(f.Relapses), plain(holder))
	}
	return nil
}

// plain keeps what strangers wrote from steering the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

type deliveriesCommand struct {
	List deliveriesList `cmd:"" help:"List deliveries, newest first."`
	Show deliveriesShow `cmd:"" help:"Show one delivery and its refused rows."`
}

// Help implements kong.HelpProvider.
func (deliveriesCommand) Help() string {
	return `  tocsin deliveries list --format json | jq -r 'select(.refused > 0) | .id'`
}

type deliveriesList struct {
	where
	format
}

// Help implements kong.HelpProvider.
func (deliveriesList) Help() string {
	return `  tocsin deliveries list --data ./data`
}

// Run lists.
func (c deliveriesList) Run(ctx context.Context, std streams) (err error) {
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	query := url.Values{"limit": {"1000"}}
	for {
		var page struct {
			Items []json.RawMessage
			Next  string
		}
		if err := p.getJSON(ctx, "/api/v1/deliveries", query, &page); err != nil {
			return fmt.Errorf("deliveries: %w", err)
		}
		for _, item := range page.Items {
			if err := c.print(std, item); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		query.Set("cursor", page.Next)
	}
}

func (c deliveriesList) print(std streams, item json.RawMessage) error {
	if c.json() {
		return printJSON(std.out, item)
	}
	var d delivery
	if err := json.Unmarshal(item, &d); err != nil {
		return err
	}
	_, err := fmt.Fprintf(std.out, "%s  %s  %-10s %-12s %9s rows  %s\n", d.ID, d.ReceivedAt.Format(time.DateTime), d.State, d.Feed, count(d.Rows), plain(d.Name))
	return err
}

type deliveriesShow struct {
	where
	format
	ID string `arg:"" help:"The delivery (dlv_…)."`
}

// Help implements kong.HelpProvider.
func (deliveriesShow) Help() string {
	return `The first thousand refused rows are kept one by one; all are counted.

  tocsin deliveries show dlv_06h0k0hys5r034n939fxykwen4`
}

// Run shows.
func (c deliveriesShow) Run(ctx context.Context, std streams) (err error) {
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	path := "/api/v1/deliveries/" + url.PathEscape(c.ID)
	var raw json.RawMessage
	if err := p.getJSON(ctx, path, nil, &raw); err != nil {
		return fmt.Errorf("deliveries show: %w", err)
	}
	if c.json() {
		err = printJSON(std.out, raw)
	} else {
		err = showDelivery(std, raw)
	}
	if err != nil {
		return err
	}
	return c.refusals(ctx, std, p, path)
}

func showDelivery(std streams, raw json.RawMessage) error {
	var d delivery
	if err := json.Unmarshal(raw, &d); err != nil {
		return err
	}
	_, err := fmt.Fprintf(std.out, "%s\n  name      %s\n  feed      %s %s\n  received  %s\n  bytes     %s, SHA-256 %s\n  state     %s\n  rows      %s: %s taken, %s duplicate, %s refused\n",
		d.ID, plain(d.Name), d.Feed, d.Type, d.ReceivedAt.Format(time.RFC3339), count(d.Bytes), d.Digest, d.State, count(d.Rows), count(d.Taken), count(d.Duplicate), count(d.Refused))
	if err == nil && d.Fault != "" {
		_, err = fmt.Fprintf(std.out, "  fault     %s\n", plain(d.Fault))
	}
	return err
}

func (c deliveriesShow) refusals(ctx context.Context, std streams, p *platform, path string) error {
	for after := int64(0); ; {
		var page struct {
			Items []struct {
				Kind   string `json:"kind"`
				Row    int64  `json:"row"`
				Line   int64  `json:"line"`
				Field  string `json:"field"`
				Reason string `json:"reason"`
			}
		}
		query := url.Values{"after_row": {strconv.FormatInt(after, 10)}, "limit": {"1000"}}
		if err := p.getJSON(ctx, path+"/refusals", query, &page); err != nil {
			return fmt.Errorf("deliveries show: %w", err)
		}
		for _, r := range page.Items {
			var err error
			if after = r.Row; c.json() {
				r.Kind = "refusal"
				err = printJSON(std.out, r)
			} else {
				_, err = fmt.Fprintf(std.out, "  line %d, row %d refused: %s\n", r.Line, r.Row, plain(strings.TrimPrefix(r.Field+": "+r.Reason, ": ")))
			}
			if err != nil {
				return err
			}
		}
		if len(page.Items) < 1000 {
			return nil
		}
	}
}
