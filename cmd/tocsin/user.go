package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"tocsin/casebook"
)

type userCommand struct {
	Add     userAdd     `cmd:"" help:"Make an account; the password is read from standard input."`
	List    userList    `cmd:"" help:"List accounts."`
	Disable userDisable `cmd:"" help:"Disable an account, or with --undo enable it again."`
	Passwd  userPasswd  `cmd:"" help:"Give an account another password, read from standard input."`
}

// Help implements kong.HelpProvider.
func (userCommand) Help() string { return `  tocsin user add --role officer alice` }

// user is what the commands read of an account.
type user struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Roles    []string `json:"roles"`
	Party    string   `json:"party"`
	Disabled bool     `json:"disabled"`
}

func printUser(std streams, f format, raw json.RawMessage) error {
	if f.json() {
		return printJSON(std.out, raw)
	}
	var u user
	if err := json.Unmarshal(raw, &u); err != nil {
		return err
	}
	more := ""
	if u.Party != "" {
		more += " of " + u.Party
	}
	if u.Disabled {
		more += ", disabled"
	}
	_, err := fmt.Fprintf(std.out, "%s  %s: %s%s\n", u.ID, plain(u.Name), strings.Join(u.Roles, ", "), more)
	return err
}

type userAdd struct {
	where
	format
	Role  []string `help:"What the person may do, several times if it is several things: administrator, officer, supervisor, analyst, auditor; for people of a party abuse_desk." required:"" placeholder:"ROLE"`
	Party string   `help:"In whose name the person acts (pty_…). Default: the platform's own." placeholder:"PARTY"`
	Name  string   `arg:"" help:"By which the person signs in and acts."`
}

// Help implements kong.HelpProvider.
func (userAdd) Help() string { return `  tocsin user add --role administrator --role officer alice` }

// Run makes it.
func (c userAdd) Run(ctx context.Context, std streams) error {
	password, err := readPassword(std)
	if err != nil {
		return fmt.Errorf("user add: %w", err)
	}
	body := map[string]any{"name": c.Name, "password": password, "roles": c.Role, "party": c.Party}
	return c.where.act(ctx, true, "/api/v1/users", body, func(raw json.RawMessage) error { return printUser(std, c.format, raw) }, "user add")
}

type userList struct {
	where
	format
}

// Help implements kong.HelpProvider.
func (userList) Help() string { return `  tocsin user list --format json` }

// Run lists.
func (c userList) Run(ctx context.Context, std streams) error {
	return c.items(ctx, "user list", "/api/v1/users", func(raw json.RawMessage) error { return printUser(std, c.format, raw) })
}

// items lists what comes on one page.
func (w where) items(ctx context.Context, what, path string, show func(json.RawMessage) error) (err error) {
	p, err := w.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, p.close()) }()
	var page struct{ Items []json.RawMessage }
	if err := p.getJSON(ctx, path, url.Values{}, &page); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	for _, item := range page.Items {
		if err := show(item); err != nil {
			return err
		}
	}
	return nil
}

// userNamed finds the account of a name, or that an identifier names.
func (w where) userNamed(ctx context.Context, name string) (id string, err error) {
	err = w.items(ctx, "user", "/api/v1/users", func(raw json.RawMessage) error {
		var u user
		if err := json.Unmarshal(raw, &u); err != nil {
			return err
		}
		if u.Name == name || u.ID == name {
			id = u.ID
		}
		return nil
	})
	if err == nil && id == "" {
		err = fmt.Errorf("user: no account %q; tocsin user list lists them: %w", name, casebook.ErrNotFound)
	}
	return id, err
}

type userDisable struct {
	where
	format
	Undo bool   `help:"Enable it again."`
	Name string `arg:"" help:"The account's name."`
}

// Help implements kong.HelpProvider.
func (userDisable) Help() string { return `  tocsin user disable alice` }

// Run disables it.
func (c userDisable) Run(ctx context.Context, std streams) error {
	id, err := c.userNamed(ctx, c.Name)
	if err != nil {
		return err
	}
	act := "disable"
	if c.Undo {
		act = "enable"
	}
	return c.where.act(ctx, false, "/api/v1/users/"+id+"/"+act, struct{}{}, func(raw json.RawMessage) error { return printUser(std, c.format, raw) }, "user disable")
}

type userPasswd struct {
	where
	format
	Name string `arg:"" help:"The account's name."`
}

// Help implements kong.HelpProvider.
func (userPasswd) Help() string { return `  tocsin user passwd alice` }

// Run changes it.
func (c userPasswd) Run(ctx context.Context, std streams) error {
	id, err := c.userNamed(ctx, c.Name)
	if err != nil {
		return err
	}
	password, err := readPassword(std)
	if err != nil {
		return fmt.Errorf("user passwd: %w", err)
	}
	return c.where.act(ctx, false, "/api/v1/users/"+id+"/password", map[string]any{"password": password},
		func(raw json.RawMessage) error { return printUser(std, c.format, raw) }, "user passwd")
}

// readPassword reads a line of standard input. On a terminal it asks for it and keeps
// it from being seen.
func readPassword(std streams) (string, error) {
	if f, ok := std.in.(*os.File); ok {
		fd := int(f.Fd())
		if before, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			fmt.Fprint(std.err, "password: ")
			hidden := *before
			hidden.Lflag &^= unix.ECHO
			if err := unix.IoctlSetTermios(fd, unix.TCSETS, &hidden); err != nil {
				return "", err
			}
			defer func() {
				unix.IoctlSetTermios(fd, unix.TCSETS, before)
				fmt.Fprintln(std.err)
			}()
		}
	}
	line, err := bufio.NewReader(io.LimitReader(std.in, 4096)).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("no password on standard input (%v): write it there as one line: %w", err, casebook.ErrInvalid)
	}
	return line, nil
}
