package demo

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"tocsin/desk"
	"tocsin/store"
)

// after is what shows whether it helped: a relapse, quiet days, and the end.
func after() []act {
	parties := []string{north, lantern, harbour, south}
	return []act{
		{name: "relapse", at: moment(6, 3, 11), page: "order " + north, gap: 4 * time.Second, read: 5 * time.Second,
			errands: []errand{{moment(5, 6, 0), fading(4100)}, {moment(6, 3, 10), func(g *generator, at time.Time) []delivery { return []delivery{g.tracker(at, northServers[0])} }}},
			done: func(ctx context.Context, c *cast) (bool, error) {
				o, err := c.order(ctx, north)
				for _, r := range o.Rows {
					if r.State == "reopened" {
						return c.letter(dutyDesk, "Seen again"), err
					}
					if r.State == "verified" {
						return true, err
					}
				}
				return false, err
			}},
		{name: "again", at: moment(6, 9, 30), who: "chen.bo", page: "order " + north, gap: time.Second, read: 4 * time.Second,
			do: answer("chen.bo", north, "done", "installed anew; it had come back from a backup"),
			done: func(ctx context.Context, c *cast) (bool, error) {
				o, err := c.order(ctx, north)
				for _, r := range o.Rows {
					if r.State == "reopened" {
						return false, err
					}
				}
				return len(o.Rows) > 0, err
			}},
		{name: "quiet", at: moment(15, 7, 0), page: "order " + north, gap: 11 * time.Second, read: 4 * time.Second, errands: quietDays(), done: verified(parties)},
		{name: "close", at: moment(16, 10, 0), who: "wang.min", page: "incident", gap: time.Second, read: 5 * time.Second,
			do: func(ctx context.Context, c *cast) error {
				return c.as("wang.min").post(ctx, "/api/v1/incidents/"+c.incident+"/closing", map[string]any{"reason": "all control servers are off, verified by seven quiet days of every source that had seen them"}, nil)
			},
			done: func(ctx context.Context, c *cast) (bool, error) {
				i, err := c.theCase(ctx)
				return i.State == "closed", err
			}},
		{name: "export", at: moment(16, 10, 20), who: "qian.wei", page: "incident", gap: time.Second, read: 3 * time.Second, do: export},
		{name: "audit", at: moment(16, 10, 30), who: "qian.wei", page: "/", gap: time.Second, read: 4 * time.Second, do: audit},
		{name: "figures", at: moment(16, 10, 40), page: "/duties?state=met", gap: time.Second, read: 5 * time.Second, do: figures},
	}
}

// fading is a day on which so many machines still call the sinkhole.
func fading(bots int) func(*generator, time.Time) []delivery {
	return func(g *generator, at time.Time) []delivery {
		all := g.ordinary(at)
		all[duskmoth] = bots
		return []delivery{g.sinkhole(at, all), g.tracker(at), g.sensor(at)}
	}
}

// quietDays are those on which the sources look and find none of the servers.
func quietDays() []errand {
	var all []errand
	for i, bots := range []int{2600, 1700, 1100, 700, 450, 300, 190, 120, 80} {
		all = append(all, errand{moment(7+i, 6, 0), fading(bots)})
	}
	return all
}

// verified reports whether every row of the parties' orders is checked by data.
func verified(all []string) func(context.Context, *cast) (bool, error) {
	return func(ctx context.Context, c *cast) (bool, error) {
		rows := 0
		for _, party := range all {
			o, err := c.order(ctx, party)
			for _, r := range o.Rows {
				if r.State != "verified" {
					return false, err
				}
				rows++
			}
			if err != nil {
				return false, err
			}
		}
		c.tell("rows", rows)
		return rows > 0, nil
	}
}

// export fetches the archive of the case, as anybody who may see it can.
func export(ctx context.Context, c *cast) error {
	answer, err := c.as("qian.wei").exchange(ctx, http.MethodGet, "/api/v1/incidents/"+c.incident+"/export", "", nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return refusal(answer)
	}
	size, err := c.country.keep("case.zip", answer.Body)
	c.tell("archive", fmt.Sprintf("%.1f MB", float64(size)/1e6))
	return err
}

// audit goes through ledger, rows and deliveries from the files alone, as tocsin audit
// does.
func audit(ctx context.Context, c *cast) error {
	var faults []string
	result, err := desk.Audit(ctx, desk.AuditTarget{Dir: c.country.dir}, func(f store.Fault) error {
		faults = append(faults, fmt.Sprintf("%s %s %s: %s", f.Fault, f.Table, f.Key, f.Note))
		return nil
	})
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return fmt.Errorf("the audit found %d faults, the first of them: %s", len(faults), faults[0])
	}
	c.tell("entries", grouped(int(result.Entries)))
	c.tell("audited", grouped(int(result.Rows)))
	c.tell("deliveries", result.Deliveries)
	return nil
}

// figures counts how the duties were met.
func figures(ctx context.Context, c *cast) error {
	var card struct {
		Items []struct {
			Due    int
			OnTime int `json:"on_time"`
		}
	}
	if err := c.eyes().get(ctx, "/api/v1/scorecards", &card); err != nil {
		return err
	}
	owed, punctual := 0, 0
	for _, line := range card.Items {
		owed, punctual = owed+line.Due, punctual+line.OnTime
	}
	c.tell("owed", owed)
	c.tell("ontime", punctual)
	i, err := c.theCase(ctx)
	c.tell("lines", len(i.Timeline))
	return err
}
