package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"tocsin/casebook"
	"tocsin/demo"
)

type demoCommand struct {
	Listen string `help:"Address to listen on; it must be of this machine. Default: 127.0.0.1:8080." default:"127.0.0.1:8080" placeholder:"ADDR"`
	Seed   uint64 `help:"Of the feeds: the same seed makes the same rows. Default: 1." default:"1" placeholder:"N"`
}

// Help implements kong.HelpProvider.
func (demoCommand) Help() string {
	return `A country that is made up plays its story on a platform of its own, in four minutes:
open the address that is printed. The data are thrown away at the end. Nothing here is
for work: anybody who reaches the address may be anybody.

  tocsin demo --listen 127.0.0.1:9000`
}

// Run plays until it is told to stop.
func (c demoCommand) Run(ctx context.Context, std streams) (err error) {
	slog.SetLogLoggerLevel(slog.LevelError) // hurried days make a clock look as if it went back
	listener, err := listenAt(c.Listen)
	if err != nil {
		return exit{exitMisused, fmt.Errorf("demo: %w", err)}
	}
	defer listener.Close()
	dir, err := os.MkdirTemp("", "tocsin-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	country, err := demo.Open(demo.Config{Dir: dir, Version: version(), Seed: c.Seed, Pace: 1, Listener: listener})
	if errors.Is(err, casebook.ErrForbidden) {
		return exit{exitMisused, fmt.Errorf("demo: %w", err)}
	}
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, country.Close()) }()
	fmt.Fprintf(std.out, "tocsin %s: a made-up country on http://%s/demo\n", version(), listener.Addr())
	fmt.Fprintln(std.out, "Open it and follow the panel; its story takes four minutes. Ctrl-C ends it and throws its data away.")
	switch failed := country.Run(ctx); {
	case ctx.Err() != nil:
		return nil
	case failed != nil:
		fmt.Fprintf(std.err, "tocsin: the story stopped: %v\n", failed)
	default:
		fmt.Fprintln(std.out, "The story ended: the case is closed, exported and audited. Look around as long as you like.")
	}
	<-ctx.Done()
	return nil
}
