package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

type keyCommand struct {
	Create keyCreate `cmd:"" help:"Make a key and print its secret, this once."`
	List   keyList   `cmd:"" help:"List keys, newest first."`
	Revoke keyRevoke `cmd:"" help:"End a key for good."`
}

// Help implements kong.HelpProvider.
func (keyCommand) Help() string { return `  tocsin key create --scope deliver sensor-3` }

// key is what the commands read of one.
type key struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Shown     string     `json:"shown"`
	Scopes    []string   `json:"scopes"`
	User      string     `json:"user"`
	Party     string     `json:"party"`
	ExpiresAt *time.Time `json:"expires_at"`
	RevokedAt *time.Time `json:"revoked_at"`
	UsedAt    *time.Time `json:"used_at"`
	Secret    string     `json:"secret"`
}

func printKey(std streams, f format, raw json.RawMessage) error {
	if f.json() {
		return printJSON(std.out, raw)
	}
	var k key
	if err := json.Unmarshal(raw, &k); err != nil {
		return err
	}
	does := strings.Join(k.Scopes, ", ")
	if k.User != "" {
		does = "acts as " + plain(k.User)
	}
	if k.Party != "" {
		does += " of " + k.Party
	}
	for _, m := range []struct {
		word string
		at   *time.Time
	}{{"expires", k.ExpiresAt}, {"revoked", k.RevokedAt}, {"used", k.UsedAt}} {
		if m.at != nil {
			does += "; " + m.word + " " + m.at.UTC().Format(time.RFC3339)
		}
	}
	_, err := fmt.Fprintf(std.out, "%s  %s…  %s: %s\n", k.ID, k.Shown, plain(k.Name), does)
	if err == nil && k.Secret != "" {
		_, err = fmt.Fprintf(std.out, "secret, shown this once: %s\n", k.Secret)
	}
	return err
}

type keyCreate struct {
	where
	format
	Scope   []string      `help:"What it is for, several times if it is for several things: deliver, read, watch." placeholder:"SCOPE"`
	User    string        `help:"A person's key instead: acts as this person, with their roles." placeholder:"NAME"`
	Party   string        `help:"Sees what was shared with this party only (pty_…)." placeholder:"PARTY"`
	Expires time.Duration `help:"After how long it isn't taken any more (720h). Default: never." placeholder:"SPAN"`
	Name    string        `arg:"" help:"Of the program that has it."`
}

// Help implements kong.HelpProvider.
func (keyCreate) Help() string { return `  tocsin key create --scope deliver --expires 8760h sensor-3` }

// Run makes it.
func (c keyCreate) Run(ctx context.Context, std streams) error {
	body := map[string]any{"name": c.Name, "scopes": c.Scope, "user": c.User, "party": c.Party}
	if c.Scope == nil {
		body["scopes"] = []string{}
	}
	if c.Expires > 0 {
		addMoment(body, "expires_at", time.Now().Add(c.Expires))
	}
	return c.where.act(ctx, true, "/api/v1/keys", body, func(raw json.RawMessage) error { return printKey(std, c.format, raw) }, "key create")
}

type keyList struct {
	where
	format
}

// Help implements kong.HelpProvider.
func (keyList) Help() string { return `  tocsin key list` }

// Run lists.
func (c keyList) Run(ctx context.Context, std streams) error {
	return c.items(ctx, "key list", "/api/v1/keys", func(raw json.RawMessage) error { return printKey(std, c.format, raw) })
}

type keyRevoke struct {
	where
	format
	ID string `arg:"" help:"The key (key_…)."`
}

// Help implements kong.HelpProvider.
func (keyRevoke) Help() string { return `  tocsin key revoke key_06a9s2nnk5yzq8k0f3w6bq8r1m` }

// Run revokes it.
func (c keyRevoke) Run(ctx context.Context, std streams) error {
	return c.where.act(ctx, false, "/api/v1/keys/"+url.PathEscape(c.ID)+"/revoke", struct{}{},
		func(raw json.RawMessage) error { return printKey(std, c.format, raw) }, "key revoke")
}
