package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"
)

type orderCommand struct {
	List     orderList     `cmd:"" help:"List orders, newest first."`
	Show     orderShow     `cmd:"" help:"Show one with its rows."`
	Draft    orderDraft    `cmd:"" help:"Draft one to a party over its findings, on a power in force."`
	Approve  orderApprove  `cmd:"" help:"Approve a draft; another person than its author must."`
	Serve    orderServe    `cmd:"" help:"Serve an approved one; its limit runs from then on."`
	Extend   orderExtend   `cmd:"" help:"Give what is undone of a served one another limit."`
	Withdraw orderWithdraw `cmd:"" help:"Take one back."`
	Close    orderClose    `cmd:"" help:"End a served one that is done."`
	Answer   orderAnswer   `cmd:"" help:"Answer its rows from a CSV table."`
}

// Help implements kong.HelpProvider.
func (orderCommand) Help() string {
	return `  tocsin order draft inc_06h0yaye5sr0140s7yjbs05wkr --as wang --to pty_06h0yatgesr018awys7chbneec --measure clean --limit 24h`
}

// orderView is what the commands read of an order.
type orderView struct {
	ID         string     `json:"id"`
	Incident   string     `json:"incident"`
	Party      string     `json:"party"`
	State      string     `json:"state"`
	Measure    string     `json:"measure"`
	Power      string     `json:"power"`
	Article    string     `json:"article"`
	Task       string     `json:"task"`
	Limit      float64    `json:"limit_s"`
	DraftedBy  string     `json:"drafted_by"`
	ApprovedBy string     `json:"approved_by"`
	ServedAt   *time.Time `json:"served_at"`
	Due        *time.Time `json:"due"`
	Exercise   bool       `json:"exercise"`
	Rows       []struct {
		Number int    `json:"number"`
		Asset  string `json:"asset"`
		Port   uint16 `json:"port"`
		Role   string `json:"role"`
		State  string `json:"state"`
		Answer string `json:"answer"`
		Note   string `json:"note"`
		Why    string `json:"why"`
	} `json:"rows"`
}

func (c oneThing) printOrder(std streams, raw json.RawMessage) error {
	if c.json() {
		return printJSON(std.out, raw)
	}
	var o orderView
	if err := json.Unmarshal(raw, &o); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s  %s to %s%s\n  %s, under %s, %s, drafted by %s", o.ID, o.Measure, plain(o.Party), drill(o.Exercise), o.State, o.Power, plain(o.Article), plain(o.DraftedBy))
	if o.ApprovedBy != "" {
		fmt.Fprintf(std.out, ", approved by %s", plain(o.ApprovedBy))
	}
	fmt.Fprintf(std.out, "\n  within %v of service", time.Duration(o.Limit*float64(time.Second)))
	if o.ServedAt != nil && o.Due != nil {
		fmt.Fprintf(std.out, ", served %s, due %s UTC, task %s", o.ServedAt.Format(time.DateTime), o.Due.Format(time.DateTime), o.Task)
	}
	fmt.Fprintln(std.out)
	for _, r := range o.Rows {
		asset := r.Asset
		if r.Port != 0 {
			asset += fmt.Sprintf(" port %d", r.Port)
		}
		fmt.Fprintf(std.out, "  %4d  %-10s %-15s %s, %s", r.Number, r.State, r.Answer, plain(asset), r.Role)
		for _, more := range []string{r.Note, r.Why} {
			if more != "" {
				fmt.Fprintf(std.out, "; %s", plain(more))
			}
		}
		fmt.Fprintln(std.out)
	}
	return nil
}

type orderList struct{ paperList }

// Help implements kong.HelpProvider.
func (orderList) Help() string { return `  tocsin order list --format json` }

// Run lists.
func (c orderList) Run(ctx context.Context, std streams) error {
	return listPapers(ctx, std, c.paperList, "/api/v1/orders", func(o orderView) string {
		return fmt.Sprintf("%s  %-9s %-18s %s  %s  %s%s", o.ID, o.State, o.Measure, plain(o.Party), o.Task, o.Incident, drill(o.Exercise))
	})
}

type orderShow struct{ oneThing }

// Help implements kong.HelpProvider.
func (orderShow) Help() string { return `  tocsin order show ord_06h0yaye5sr0b7n2e5nmrpq7ag` }

// Run shows.
func (c orderShow) Run(ctx context.Context, std streams) error {
	raw, err := c.ask(ctx, "order show", http.MethodGet, "/api/v1/orders/"+url.PathEscape(c.ID), nil)
	if err != nil {
		return err
	}
	return c.printOrder(std, raw)
}

type orderDraft struct {
	oneThing
	person
	To      string        `help:"Party that must act (pty_…)." required:"" placeholder:"ID"`
	Measure string        `help:"What is asked: ${enum}." enum:"clean,notify_user,suspend_domain,block_address,disconnect,preserve_evidence,other" required:"" placeholder:"M"`
	Limit   time.Duration `help:"Within what time of service." required:"" placeholder:"24h"`
	Finding []string      `help:"A finding (fnd_…), several times for several. Default: all of the party's in the incident's threat." placeholder:"ID"`
	Regime  string        `help:"Law whose power it rests on. Default: any in force." placeholder:"ID"`
	Text    string        `help:"More words, or @FILE." placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (orderDraft) Help() string {
	return `The argument is the incident (inc_…). An order that no law in force allows is refused,
with the power that is missing.

  tocsin order draft inc_06h0yaye5sr0140s7yjbs05wkr --as wang --to pty_06h0yatgesr018awys7chbneec --measure clean --limit 24h`
}

// Run drafts.
func (c orderDraft) Run(ctx context.Context, std streams) error {
	text, err := textOrFile(c.Text)
	if err != nil {
		return exit{exitMisused, fmt.Errorf("order draft: --text: %w", err)}
	}
	body := map[string]any{"as": c.As, "incident": c.ID, "party": c.To, "measure": c.Measure, "limit_s": c.Limit.Seconds(), "regime": c.Regime, "text": text}
	if len(c.Finding) > 0 {
		body["findings"] = c.Finding
	}
	raw, err := c.ask(ctx, "order draft", http.MethodPost, "/api/v1/orders", body)
	if err != nil {
		return err
	}
	return c.printOrder(std, raw)
}

func (c oneThing) orderAct(ctx context.Context, std streams, what string, body map[string]any) error {
	raw, err := c.ask(ctx, "order "+what, http.MethodPost, "/api/v1/orders/"+url.PathEscape(c.ID)+"/acts", body)
	if err != nil {
		return err
	}
	return c.printOrder(std, raw)
}

type orderApprove struct {
	oneThing
	person
}

// Help implements kong.HelpProvider.
func (orderApprove) Help() string {
	return `  tocsin order approve ord_06h0yaye5sr0b7n2e5nmrpq7ag --as li`
}

// Run approves.
func (c orderApprove) Run(ctx context.Context, std streams) error {
	return c.orderAct(ctx, std, "approve", map[string]any{"as": c.As, "act": "approve"})
}

type orderServe struct {
	oneThing
	person
	At    time.Time `help:"Served outside: when (RFC 3339)." placeholder:"T"`
	Proof string    `help:"Served outside: the proof, as text, or @FILE." placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (orderServe) Help() string {
	return `  tocsin order serve ord_06h0yaye5sr0b7n2e5nmrpq7ag --as wang
  tocsin order serve ord_06h0yaye5sr0b7n2e5nmrpq7ag --as wang --at 2026-02-17T01:00:00+08:00 --proof @receipt.txt`
}

// Run serves.
func (c orderServe) Run(ctx context.Context, std streams) error {
	proof, err := textOrFile(c.Proof)
	if err != nil {
		return exit{exitMisused, fmt.Errorf("order serve: --proof: %w", err)}
	}
	body := map[string]any{"as": c.As, "act": "serve", "proof": proof}
	if !c.At.IsZero() {
		body["served_at"] = c.At
	}
	return c.orderAct(ctx, std, "serve", body)
}

type orderExtend struct {
	oneThing
	person
	Limit  time.Duration `help:"Within what time from now, or from --at." required:"" placeholder:"24h"`
	Reason string        `help:"Why: seen again, more time was asked for." required:"" placeholder:"TEXT"`
	At     time.Time     `help:"Told outside: when (RFC 3339)." placeholder:"T"`
	Proof  string        `help:"Told outside: the proof, as text, or @FILE." placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (orderExtend) Help() string {
	return `The party is told which rows are undone, at its contact for orders, unless it was told
outside.

  tocsin order extend ord_06h0yaye5sr0b7n2e5nmrpq7ag --as wang --limit 12h --reason "row 1 was seen again"`
}

// Run extends.
func (c orderExtend) Run(ctx context.Context, std streams) error {
	proof, err := textOrFile(c.Proof)
	if err != nil {
		return exit{exitMisused, fmt.Errorf("order extend: --proof: %w", err)}
	}
	body := map[string]any{"as": c.As, "act": "extend", "limit_s": c.Limit.Seconds(), "reason": c.Reason, "proof": proof}
	if !c.At.IsZero() {
		body["served_at"] = c.At
	}
	return c.orderAct(ctx, std, "extend", body)
}

type orderWithdraw struct {
	oneThing
	person
	Reason string `help:"Why." required:"" placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (orderWithdraw) Help() string {
	return `  tocsin order withdraw ord_06h0yaye5sr0b7n2e5nmrpq7ag --as wang --reason "wrong party"`
}

// Run withdraws.
func (c orderWithdraw) Run(ctx context.Context, std streams) error {
	return c.orderAct(ctx, std, "withdraw", map[string]any{"as": c.As, "act": "withdraw", "reason": c.Reason})
}

type orderClose struct {
	oneThing
	person
	Reason string `help:"How it ended." required:"" placeholder:"TEXT"`
}

// Help implements kong.HelpProvider.
func (orderClose) Help() string {
	return `  tocsin order close ord_06h0yaye5sr0b7n2e5nmrpq7ag --as wang --reason "all are verified"`
}

// Run closes.
func (c orderClose) Run(ctx context.Context, std streams) error {
	return c.orderAct(ctx, std, "close", map[string]any{"as": c.As, "act": "close", "reason": c.Reason})
}

type orderAnswer struct {
	oneThing
	person
	File string `arg:"" help:"CSV table with the columns number and answer."`
}

// Help implements kong.HelpProvider.
func (orderAnswer) Help() string {
	return `Answers are done, in_part, already_clean, not_ours, cannot_identify, user_told,
needs_longer, conflicts, refused or appealed.

  tocsin order answer ord_06h0yaye5sr0b7n2e5nmrpq7ag answers.csv --as zhao`
}

// Run answers.
func (c orderAnswer) Run(ctx context.Context, std streams) (err error) {
	f, err := os.Open(c.File)
	if err != nil {
		return exit{exitMisused, fmt.Errorf("order answer: %w", err)}
	}
	defer f.Close()
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	var raw json.RawMessage
	if err := p.post(ctx, "/api/v1/orders/"+url.PathEscape(c.ID)+"/answers", url.Values{"as": {c.As}}, f, &raw); err != nil {
		return fmt.Errorf("order answer: %w", err)
	}
	if c.json() {
		return printJSON(std.out, raw)
	}
	var a struct {
		Taken int
		Bad   []struct {
			Line   int64
			Field  string
			Reason string
		}
		Order json.RawMessage
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%d rows answered, %d refused\n", a.Taken, len(a.Bad))
	for _, b := range a.Bad {
		fmt.Fprintf(std.err, "%s:%d: %s: %s\n", c.File, b.Line, b.Field, plain(b.Reason))
	}
	return c.printOrder(std, a.Order)
}
