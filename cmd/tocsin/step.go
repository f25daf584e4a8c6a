package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"
)

// dutyStep is what the three acts on a clock have in common.
type dutyStep struct {
	where
	format
	ID string `arg:"" help:"The duty (dty_…)."`
	person
	At     time.Time `help:"When that was done (RFC 3339). Default: now." placeholder:"T"`
	By     string    `help:"Who did it: the authority, the police." required:"" placeholder:"WHO"`
	Reason string    `help:"Why." required:"" placeholder:"WHY"`
}

// act sends the act and prints the case as it then is.
func (c dutyStep) act(ctx context.Context, std streams, act string, until time.Time) (err error) {
	body := map[string]any{"as": c.As, "act": act, "by": c.By, "reason": c.Reason}
	if !c.At.IsZero() {
		body["at"] = c.At
	}
	if !until.IsZero() {
		body["until"] = until
	}
	p, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	var raw json.RawMessage
	if err := p.sendJSON(ctx, "/api/v1/duties/"+url.PathEscape(c.ID)+"/steps", body, &raw); err != nil {
		return fmt.Errorf("duty %s: %w", act, err)
	}
	return oneCase{format: c.format}.print(std, raw)
}

type dutySuspend struct{ dutyStep }

// Help implements kong.HelpProvider.
func (dutySuspend) Help() string {
	return `Where its law lets somebody suspend it. It holds for the duties of its stage in the incident.

  tocsin duty suspend dty_06h0k24s4dr01fv6qc0fwrvfhm --by "the Attorney General" --reason "a risk to national security" --as alice`
}

// Run suspends.
func (c dutySuspend) Run(ctx context.Context, std streams) error {
	return c.act(ctx, std, "suspend", time.Time{})
}

type dutyResume struct{ dutyStep }

// Help implements kong.HelpProvider.
func (dutyResume) Help() string {
	return `A new duty takes its place, later by as long as it was suspended.

  tocsin duty resume dty_06h0k24s4dr01fv6qc0fwrvfhm --by "the Attorney General" --reason "the risk has passed" --as alice`
}

// Run resumes.
func (c dutyResume) Run(ctx context.Context, std streams) error {
	return c.act(ctx, std, "resume", time.Time{})
}

type dutyExtend struct {
	dutyStep
	Until time.Time `help:"The new last moment on time (RFC 3339)." required:"" placeholder:"T"`
}

// Help implements kong.HelpProvider.
func (dutyExtend) Help() string {
	return `A new duty takes its place, and says when it was due before. What is granted after the moment
has passed changes nothing.

  tocsin duty extend dty_06h0k24s4dr01fv6qc0fwrvfhm --until 2026-11-24T18:00:00+08:00 --by "the provincial office" --reason "the line is cut" --as alice`
}

// Run extends.
func (c dutyExtend) Run(ctx context.Context, std streams) error {
	return c.act(ctx, std, "extend", c.Until)
}
