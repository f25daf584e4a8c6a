package web

import (
	"os"
	"time"

	"tocsin/casebook"
	"tocsin/store"
)

// How much the first page shows.
const homeRows = 20

// homeView is the first page.
type homeView struct {
	Counts     counts
	Threats    []threatLine
	Deliveries []casebook.Delivery
	Findings   []casebook.Finding
	Root       string
	// Age of the newest checkpoint; negative if unknown.
	Age       time.Duration
	Directory string
}

// threatLine is a threat as a line of a table.
type threatLine struct {
	casebook.Threat
	Controllers, Bots casebook.Interval // unique in 24 hours
	Assets            int64             // ever, in any role
}

func lineOf(t casebook.Threat) threatLine {
	line := threatLine{Threat: t}
	for _, s := range t.Sizes {
		switch s.Role {
		case casebook.Controller:
			line.Controllers = s.Unique24h
		case casebook.Bot:
			line.Bots = s.Unique24h
		}
		line.Assets += s.UniqueTotal
	}
	return line
}

func (s *server) home(x *exchange) error {
	ctx := x.request.Context()
	r := s.desk.Reader(x.caller.scope)
	var v homeView
	var err error
	if v.Counts, err = s.counts(ctx, x.caller.scope); err != nil {
		return err
	}
	threats, err := r.LargestThreats(ctx, homeRows)
	if err != nil {
		return err
	}
	for _, t := range threats {
		v.Threats = append(v.Threats, lineOf(t))
	}
	if v.Deliveries, err = r.Deliveries(ctx, casebook.ID{}, homeRows); err != nil {
		return err
	}
	if v.Findings, err = r.FindingPage(ctx, store.FindingFilter{}, casebook.ID{}, homeRows); err != nil {
		return ours(err)
	}
	v.Root = v.Counts.Ledger.Head[:min(len(v.Counts.Ledger.Head), 16)]
	v.Age = s.checkpointAge(v.Counts.Ledger.Checkpoint)
	if v.Directory = "DIR"; x.caller.scope.All { // where the platform keeps its data is its own affair
		v.Directory = string(s.desk.Directory())
	}
	return s.render(x, "home", v, v.Counts)
}

// checkpointAge tells how old the newest checkpoint is by the file that the desk
// laid down with it; -1 if that holds another one.
func (s *server) checkpointAge(checkpoint string) time.Duration {
	name := s.desk.Directory().Checkpoint()
	text, err := os.ReadFile(name)
	if err != nil || string(text) != checkpoint {
		return -1
	}
	info, err := os.Stat(name)
	if err != nil {
		return -1
	}
	return max(0, s.desk.Now().Sub(info.ModTime()))
}
