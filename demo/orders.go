package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// orders is from the bureau's orders to what the parties answered.
func orders() []act {
	ordered := []string{north, east, south, lantern}
	return []act{
		{name: "order", at: moment(3, 9, 40), who: "zhao.lei", page: "incident", gap: time.Second, read: 5 * time.Second,
			do: func(ctx context.Context, c *cast) error {
				found, err := c.controllers(ctx)
				if err != nil {
					return err
				}
				for _, party := range ordered {
					if err := draftOrder(ctx, c, party, found); err != nil {
						return err
					}
				}
				return nil
			}, done: every(ordered, "draft")},
		{name: "approve", at: moment(3, 10, 2), who: chief, page: "order " + north, gap: time.Second, read: 5 * time.Second,
			do: actOn(chief, "approve", "draft", ordered), done: every(ordered, "approved")},
		{name: "serve", at: moment(3, 10, 10), who: "zhao.lei", page: "order " + north, gap: time.Second, read: 4 * time.Second,
			do: actOn("zhao.lei", "serve", "approved", ordered), done: served(ordered)},
		{name: "north", at: moment(3, 15, 20), who: "chen.bo", page: "order " + north, gap: 2 * time.Second, read: 4 * time.Second,
			do: answer("chen.bo", north, "done", "taken off the net, image kept"), done: answered(north, "done")},
		{name: "lantern", at: moment(3, 16, 5), who: "tang.yi", page: "order " + lantern, gap: time.Second, read: 3 * time.Second,
			do: answer("tang.yi", lantern, "done", "name is on hold"), done: answered(lantern, "done")},
		{name: "notours", at: moment(3, 16, 45), who: "gao.jie", page: "order " + east, gap: time.Second, read: 4 * time.Second,
			do: answer("gao.jie", east, "not_ours", "the range went to Harbour Hosting in October"), done: answered(east, "not_ours")},
		{name: "correct", at: moment(3, 17, 20), who: administrator, page: "/holdings", gap: time.Second, read: 4 * time.Second,
			do: func(ctx context.Context, c *cast) error {
				return c.as(administrator).send(ctx, "/api/v1/holdings/imports?name=holdings.csv&source=country", holdingsCorrected, nil)
			}},
		{name: "withdraw", at: moment(3, 17, 35), who: "zhao.lei", page: "order " + east, gap: time.Second, read: 3 * time.Second,
			do: func(ctx context.Context, c *cast) error {
				return c.as("zhao.lei").post(ctx, "/api/v1/orders/"+c.orders[east]+"/acts", map[string]any{"act": "withdraw", "reason": "the address is held by Harbour Hosting, which gets an order of its own"}, nil)
			},
			done: func(ctx context.Context, c *cast) (bool, error) {
				o, err := c.order(ctx, east)
				return o.State == "withdrawn", err
			}},
		{name: "harbour", at: moment(4, 8, 40), who: "zhao.lei", page: "order " + harbour, gap: 3 * time.Second, read: 3 * time.Second,
			errands: []errand{{moment(4, 2, 0), theNextDay}},
			do: func(ctx context.Context, c *cast) error {
				found, err := c.controllers(ctx)
				if err != nil {
					return err
				}
				return draftOrder(ctx, c, harbour, found)
			}, done: every([]string{harbour}, "draft")},
		{name: "second", at: moment(4, 8, 55), who: chief, page: "order " + harbour, gap: time.Second, read: 3 * time.Second,
			do:   inTurn(actOn(chief, "approve", "draft", []string{harbour}), actOn(chief, "serve", "approved", []string{harbour})),
			done: served([]string{harbour})},
		{name: "late", at: moment(4, 10, 15), page: "order " + south, gap: time.Second, read: 3 * time.Second,
			done: func(ctx context.Context, c *cast) (bool, error) {
				// Nobody is called where the viewer answered before.
				done, err := answered(south, "done")(ctx, c)
				return done || c.letter(dutyDesk, "Order overdue"), err
			}},
		{name: "moved", at: moment(4, 11, 30), who: "ma.lin", page: "order " + harbour, gap: time.Second, read: 3 * time.Second,
			do: answer("ma.lin", harbour, "done", "customer's server shut down"), done: answered(harbour, "done")},
		{name: "south", at: moment(4, 15, 45), who: "luo.qi", page: "order " + south, gap: time.Second, read: 4 * time.Second,
			do: answer("luo.qi", south, "done", "the order lay in a mailbox that nobody reads at night"), done: inTime(south)},
	}
}

// theNextDay still finds the servers of those who haven't answered yet.
func theNextDay(g *generator, at time.Time) []delivery {
	bots := g.ordinary(at)
	bots[duskmoth] = 6900
	return []delivery{g.sinkhole(at, bots), g.tracker(at, append([]string{movedServer}, southServers...)...), g.sensor(at)}
}

// wanted says what is asked of a party, and of which of the botnet's controllers.
func wanted(party string) (measure string, assets []string, text string) {
	switch party {
	case north:
		return "disconnect", northServers, "Take the two control servers off the net and keep their disks."
	case east, harbour:
		return "disconnect", []string{movedServer}, "Take the control server off the net."
	case south:
		return "disconnect", southServers, "Take the two control servers off the net and keep their disks."
	}
	return "suspend_domain", []string{relayName}, "Put the name on hold, so that it resolves nowhere."
}

// draftOrder drafts an order to a party that has none yet.
func draftOrder(ctx context.Context, c *cast, party string, found map[string]string) error {
	if o, err := c.order(ctx, party); err != nil || o.ID != "" {
		return err
	}
	measure, assets, text := wanted(party)
	var findings []string
	for _, a := range assets {
		if found[a] == "" {
			return fmt.Errorf("nothing was found of %s, which %s is to act on", a, party)
		}
		findings = append(findings, found[a])
	}
	return c.as("zhao.lei").post(ctx, "/api/v1/orders", map[string]any{"incident": c.incident, "party": c.parties[party], "findings": findings,
		"measure": measure, "limit_s": (24 * time.Hour).Seconds(), "text": text}, nil)
}

// every reports whether each party's order has come to a state, or further.
func every(all []string, state string) func(context.Context, *cast) (bool, error) {
	way := []string{"draft", "approved", "served", "closed", "withdrawn"}
	return func(ctx context.Context, c *cast) (bool, error) {
		for _, party := range all {
			o, err := c.order(ctx, party)
			if err != nil || slices.Index(way, o.State) < slices.Index(way, state) {
				return false, err
			}
		}
		return true, nil
	}
}

// served is every for orders that their parties have, and keeps their limits.
func served(all []string) func(context.Context, *cast) (bool, error) {
	return func(ctx context.Context, c *cast) (bool, error) {
		for _, party := range all {
			o, err := c.order(ctx, party)
			if err != nil || o.Due == nil {
				return false, err
			}
			c.tell("limit", o.Due.In(local).Format("2 Jan 15:04"))
			c.tell("task", o.Task)
		}
		return true, nil
	}
}

// actOn does something to each party's order that is in a state.
func actOn(who, do, state string, all []string) func(context.Context, *cast) error {
	return func(ctx context.Context, c *cast) error {
		for _, party := range all {
			o, err := c.order(ctx, party)
			if err != nil {
				return err
			}
			if o.State != state {
				continue // the viewer did it
			}
			if err := c.as(who).post(ctx, "/api/v1/orders/"+o.ID+"/acts", map[string]any{"act": do}, nil); err != nil {
				return err
			}
		}
		return nil
	}
}

// answer sends the table back that came with an order, filled in.
func answer(who, party, word, note string) func(context.Context, *cast) error {
	return func(ctx context.Context, c *cast) error {
		o, err := c.order(ctx, party)
		if err != nil {
			return err
		}
		var b strings.Builder
		b.WriteString("number,answer,note\n")
		for _, r := range o.Rows {
			if r.State == "sent" || r.State == "reopened" {
				fmt.Fprintf(&b, "%d,%s,%q\n", r.Number, word, note)
			}
		}
		return c.as(who).send(ctx, "/api/v1/orders/"+o.ID+"/answers", b.String(), nil)
	}
}

func answered(party, word string) func(context.Context, *cast) (bool, error) {
	return func(ctx context.Context, c *cast) (bool, error) {
		o, err := c.order(ctx, party)
		for _, r := range o.Rows {
			if r.Answer != word {
				return false, err
			}
		}
		return len(o.Rows) > 0, err
	}
}

// inTime is answered, and keeps by how much the limit was missed.
func inTime(party string) func(context.Context, *cast) (bool, error) {
	return func(ctx context.Context, c *cast) (bool, error) {
		done, err := answered(party, "done")(ctx, c)
		if err != nil || !done {
			return false, err
		}
		o, err := c.order(ctx, party)
		if err == nil && o.Due != nil && o.Rows[0].AnsweredAt != nil {
			c.span("late", o.Rows[0].AnsweredAt.Sub(*o.Due))
		}
		return true, err
	}
}
