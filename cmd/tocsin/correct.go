package main

import (
	"context"
	"time"
)

type incidentCorrect struct {
	oneCase
	Entry string `arg:"" help:"Of the timeline: its id (anc_…, see --format json), or its word (received) where one entry of it stands."`
	person
	At     time.Time `help:"When it truly was (RFC 3339)." placeholder:"T"`
	Zone   string    `help:"Zone in which that was told (Asia/Shanghai)." placeholder:"ZONE"`
	Reason string    `help:"Why. Without one it is the yes of a second person to what a first one asked for." placeholder:"WHY"`
}

// Help implements kong.HelpProvider.
func (incidentCorrect) Help() string {
	return `It takes two people. The first says when it truly was and why, and nothing moves. The second
says yes: a new entry takes the old one's place, and each duty that hangs on it is superseded
by one that says when it was due before.

  tocsin incident correct inc_06h0k24s4dr01fv6qc0fwrvfhm received --at 2026-11-23T07:30:00+08:00 --reason "the duty book says so" --as alice
  tocsin incident correct inc_06h0k24s4dr01fv6qc0fwrvfhm received --as bob`
}

// Run asks for it, or says yes.
func (c incidentCorrect) Run(ctx context.Context, std streams) error {
	body := map[string]any{"as": c.As, "entry": c.Entry}
	if !c.At.IsZero() {
		body["happened_at"] = c.At
	}
	if c.Zone != "" {
		body["zone"] = c.Zone
	}
	if c.Reason != "" {
		body["reason"] = c.Reason
	}
	return c.act(ctx, std, "correct", "corrections", body)
}
