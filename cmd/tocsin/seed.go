package main

import (
	"context"
	"fmt"
	"time"

	"tocsin/casebook"
	"tocsin/seed"
)

type seedCommand struct {
	format
	Data      string `help:"Data directory, which must be empty or not there. Default: ./data." default:"./data" placeholder:"DIR"`
	Database  string `help:"Empty PostgreSQL database (postgres://…) instead of SQLite in the data directory." placeholder:"URL"`
	Incidents int    `help:"How many incidents. Default: 100000." default:"100000" placeholder:"N"`
	Findings  int    `help:"How many findings, about. Default: 1000000." default:"1000000" placeholder:"N"`
	Parties   int    `help:"How many parties, at least 50. Default: 1000." default:"1000" placeholder:"N"`
	Seed      uint64 `help:"The same number makes up the same country. Default: 1." default:"1" placeholder:"S"`
	Until     string `help:"Last moment of the story (RFC 3339). Default: now." placeholder:"TIME"`
}

// Help implements kong.HelpProvider.
func (seedCommand) Help() string {
	return `Makes up a country for measuring: eighteen months of deliveries, findings, incidents, duties, reports and orders.
The same --seed and --until give the same rows, but for names, salts and hashed passwords. Only a directory
of its own is filled. The accounts' password is printed: nothing in it is worth hiding.

  tocsin seed --data made-up --incidents 2000 --findings 20000
  tocsin serve --data made-up`
}

// seeded is the line of tocsin seed --format json.
type seeded struct {
	Kind         string  `json:"kind"`
	Data         string  `json:"data"`
	Deliveries   int64   `json:"deliveries"`
	Observations int64   `json:"observations"`
	Findings     int64   `json:"findings"`
	Threats      int64   `json:"threats"`
	Incidents    int64   `json:"incidents"`
	Duties       int64   `json:"duties"`
	Parties      int     `json:"parties"`
	Entries      int64   `json:"entries"`
	Officer      string  `json:"officer"`
	Abuse        string  `json:"abuse_desk"`
	Password     string  `json:"password"`
	Seconds      float64 `json:"seconds"`
}

// Run makes up a country.
func (c seedCommand) Run(ctx context.Context, std streams) error {
	plan := seed.Plan{Dir: c.Data, Database: c.Database, Incidents: c.Incidents, Findings: c.Findings, Parties: c.Parties, Seed: c.Seed}
	if c.Until != "" {
		var err error
		if plan.Until, err = time.Parse(time.RFC3339, c.Until); err != nil {
			return fmt.Errorf("--until %q is no moment like 2026-11-01T00:00:00Z: %w", c.Until, casebook.ErrInvalid)
		}
	}
	begun := time.Now()
	progress := newProgress(std.err, c.Data)
	defer progress.end()
	plan.Told = func(done, of int) {
		share := float64(done) / float64(of)
		progress.show(int64(share*float64(c.Findings+c.Incidents)), share)
	}
	made, err := seed.Run(ctx, plan)
	if err != nil {
		return err
	}
	line := seeded{Kind: "seed", Data: c.Data, Deliveries: made.Deliveries, Observations: made.Observations, Findings: made.Findings, Threats: made.Threats,
		Incidents: made.Incidents, Parties: made.Parties, Entries: made.Entries, Officer: made.Officer, Abuse: made.Abuse, Password: made.Password, Seconds: time.Since(begun).Seconds()}
	for _, n := range made.Duties {
		line.Duties += n
	}
	if c.json() {
		return printJSON(std.out, line)
	}
	_, err = fmt.Fprintf(std.out, "%s: %s findings of %s observations, %s incidents, %s duties, %s parties, %s entries in the ledger\nsign in as %s or %s: %s\n", c.Data,
		count(line.Findings), count(line.Observations), count(line.Incidents), count(line.Duties), count(int64(line.Parties)), count(line.Entries), line.Officer, line.Abuse, line.Password)
	return err
}
