package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// zone is where the country lives.
const zone = "Asia/Shanghai"

// local is the country's zone, which has had no summer time since 1991.
var local = time.FixedZone(zone, 8*60*60)

// opening is the moment at which the story begins: the laws of its country that it rests
// on are in force then, and it ends two weeks later.
var opening = moment(2, 9, 0)

// moment is a day of November 2026, and a time of it.
func moment(day, hour, minute int) time.Time {
	return time.Date(2026, time.November, day, hour, minute, 0, 0, local).UTC()
}

// story is the whole of it, in the order of its acts.
func story() []act { return slices.Concat(night(), orders(), after()) }

// night is from the first quiet day to the report that is filed and acknowledged.
func night() []act {
	return []act{
		{name: "country", at: moment(2, 9, 5), page: "/", read: 6 * time.Second,
			errands: []errand{{moment(2, 9, 1), ordinaryDay}},
			do:      func(_ context.Context, c *cast) error { c.tell("parties", len(parties)); return nil }},
		{name: "stir", at: moment(2, 22, 5), page: "/threats", gap: 2 * time.Second, read: 4 * time.Second,
			errands: []errand{{moment(2, 22, 0), nightHour(0, true)}}},
		{name: "surge", at: moment(3, 3, 1), page: "threat", gap: 4 * time.Second,
			errands: []errand{{moment(2, 23, 0), nightHour(1, false)}, {moment(3, 0, 0), nightHour(2, false)}, {moment(3, 1, 0), nightHour(3, true)},
				{moment(3, 2, 0), nightHour(4, false)}, {moment(3, 3, 0), nightHour(5, true)}},
			done: surged},
		{name: "called", at: moment(3, 3, 2), page: "incident", read: 5 * time.Second,
			done: func(_ context.Context, c *cast) (bool, error) { return c.letter(dutyDesk, "Possible incident"), nil }},
		{name: "confirm", at: moment(3, 3, 7), who: "wang.min", page: "incident", gap: time.Second, read: 8 * time.Second,
			do: confirm, done: confirmed},
		{name: "clock", at: moment(3, 3, 9), page: "level2_report", gap: time.Second, read: 6 * time.Second, done: clockRuns},
		{name: "draft", at: moment(3, 3, 25), who: "wang.min", page: "level2_report", gap: 2 * time.Second, read: 3 * time.Second,
			do: draft("wang.min", "level2_report"), done: drafted("level2_report")},
		{name: "write", at: moment(3, 3, 41), who: "wang.min", page: "report level2_report", gap: time.Second, read: 4 * time.Second,
			do: write("wang.min", "level2_report", "under way: control servers are being confirmed with their operators; orders are prepared with the bureau")},
		{name: "warned", at: moment(3, 4, 3), page: "level2_report", gap: 2 * time.Second, read: 3 * time.Second, done: warned},
		{name: "file", at: moment(3, 4, 12), who: "wang.min", page: "report level2_report", gap: time.Second, read: 5 * time.Second,
			do: file("wang.min", "level2_report", map[string]any{"channel": "program"}), done: filed("level2_report")},
		{name: "acknowledge", at: moment(3, 4, 26), who: "zhao.lei", page: "report level2_report", gap: time.Second, read: 5 * time.Second,
			do: acknowledge, done: acknowledged},
		{name: "submit", at: moment(3, 5, 10), who: "wang.min", page: "submit_threat", gap: time.Second, read: 5 * time.Second,
			do: inTurn(draft("wang.min", "submit_threat"), write("wang.min", "submit_threat", "as reported to the bureau at night"),
				file("wang.min", "submit_threat", map[string]any{"channel": "portal", "proof": "the sharing platform answered: received, number 2026-1103-0007", "reference": "2026-1103-0007"})),
			done: filed("submit_threat")},
		{name: "determine", at: moment(3, 9, 5), who: "li.na", page: "determination", gap: 2 * time.Second, read: 5 * time.Second,
			do: inTurn(draft("li.na", "determination"), write("li.na", "determination", "proposed: stop six control servers, hold one name"),
				file("li.na", "determination", map[string]any{"channel": "program"})),
			done: filed("determination")},
	}
}

// ordinaryDay is what comes in on a day without anything.
func ordinaryDay(g *generator, at time.Time) []delivery {
	return []delivery{g.sinkhole(at, g.ordinary(at)), g.tracker(at), g.sensor(at)}
}

// nightHour is an hour of the night in which the botnet grows; with those who look for
// servers every few hours.
func nightHour(n int, servers bool) func(*generator, time.Time) []delivery {
	return func(g *generator, at time.Time) []delivery {
		bots := g.ordinary(at)
		bots[duskmoth] = surge[n].bots
		files := []delivery{g.sinkhole(at, bots)}
		if servers {
			files = append(files, g.tracker(at, everyServer()...), g.sensor(at, relayName))
		}
		return files
	}
}

func everyServer() []string { return slices.Concat(northServers, []string{movedServer}, southServers) }

// surged looks for the incident that a rule proposed, and what it rests on.
func surged(ctx context.Context, c *cast) (bool, error) {
	found, err := c.findCase(ctx)
	if err != nil || !found {
		return false, err
	}
	var t struct {
		Sizes []struct {
			Role      string
			Unique24h struct{ Point int } `json:"unique_24h"`
		}
	}
	if err := c.eyes().get(ctx, "/api/v1/threats/"+c.threat, &t); err != nil {
		return false, err
	}
	for _, s := range t.Sizes {
		if s.Role == "bot" {
			c.tell("bots", grouped(s.Unique24h.Point))
		}
	}
	return true, nil
}

// grouped writes a number with its digits by three.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return grouped(n/1000) + fmt.Sprintf(",%03d", n%1000)
}

// confirm is a person's yes, with what they asked about and know.
func confirm(ctx context.Context, c *cast) error {
	facts := map[string]any{"nation_offline": false, "provinces_offline": 0, "prefectures_offline": 0, "users_offline": 0, "cctld_resolution_drops": false,
		"dns_system_abnormal": false, "platform_abnormal_reach": "local", "persons_data": 0, "outbreak_nationwide": false, "outbreak_provinces": 0}
	err := c.as("wang.min").post(ctx, "/api/v1/incidents/"+c.incident+"/confirmation", map[string]any{"facts": facts,
		"note": "Asked the three operators by telephone: nobody is offline, no data is known to have left."}, nil)
	if err != nil {
		return err
	}
	return c.as("wang.min").post(ctx, "/api/v1/incidents/"+c.incident+"/owner", map[string]any{"act": "take"}, nil)
}

func confirmed(ctx context.Context, c *cast) (bool, error) {
	i, err := c.theCase(ctx)
	if err != nil || i.State != "open" {
		return false, err
	}
	for _, stage := range []string{"level2_report", "submit_threat"} {
		if _, err := c.duty(ctx, stage); err != nil {
			return false, err
		}
	}
	return true, nil
}

func clockRuns(ctx context.Context, c *cast) (bool, error) {
	d, err := c.duty(ctx, "level2_report")
	c.tell("due", d.Due.In(local).Format("15:04:05"))
	return d.State == "open" || d.State == "met", err
}

// warned waits for the call at half time, which nobody gets whose duty is met by then.
func warned(ctx context.Context, c *cast) (bool, error) {
	d, err := c.duty(ctx, "level2_report")
	return d.State != "open" || c.letter(dutyDesk, "Due soon"), err
}

// inTurn does one after another.
func inTurn(all ...func(context.Context, *cast) error) func(context.Context, *cast) error {
	return func(ctx context.Context, c *cast) error {
		for _, do := range all {
			if err := do(ctx, c); err != nil && !isConflict(err) {
				return err
			}
		}
		return nil
	}
}

// draft has a report drafted for a duty, from what is known.
func draft(who, stage string) func(context.Context, *cast) error {
	return func(ctx context.Context, c *cast) error {
		d, err := c.duty(ctx, stage)
		if err != nil {
			return err
		}
		var made struct{ ID string }
		if err := c.as(who).post(ctx, "/api/v1/reports", map[string]any{"duty": d.ID}, &made); err != nil {
			return err
		}
		c.reports[stage] = made.ID
		return nil
	}
}

// aReport is a report as far as a story looks at it.
type aReport struct {
	ID, Duty, State string
	Lacks           []struct{ Stops bool }
	Versions        []struct {
		To []struct {
			ID, Name, Reference string
			Copy                bool
			DispatchedAt        *time.Time `json:"dispatched_at"`
			AcknowledgedAt      *time.Time `json:"acknowledged_at"`
		}
	}
}

// report reads the report of a stage; without an id there is none yet.
func (c *cast) report(ctx context.Context, stage string) (r aReport, err error) {
	if c.reports[stage] == "" {
		var list struct{ Items []aReport }
		if err := c.eyes().get(ctx, "/api/v1/reports?incident="+c.incident, &list); err != nil {
			return r, err
		}
		for _, one := range list.Items {
			if one.Duty == c.duties[stage] {
				c.reports[stage] = one.ID
			}
		}
	}
	if c.reports[stage] == "" {
		return r, nil
	}
	c.show("report "+stage, "/reports/"+c.reports[stage])
	return r, c.eyes().get(ctx, "/api/v1/reports/"+c.reports[stage], &r)
}

func drafted(stage string) func(context.Context, *cast) (bool, error) {
	return func(ctx context.Context, c *cast) (bool, error) {
		r, err := c.report(ctx, stage)
		return r.ID != "", err
	}
}

// write fills in what only a person knows.
func write(who, stage, measures string) func(context.Context, *cast) error {
	return func(ctx context.Context, c *cast) error {
		r, err := c.report(ctx, stage)
		if err != nil || r.State == "filed" {
			return err
		}
		fields := []map[string]any{{"id": "phone", "value": "+86-10-5550-0112"}, {"id": "measures", "value": measures}}
		return c.as(who).write(ctx, "PUT", "/api/v1/reports/"+r.ID, map[string]any{"fields": fields}, nil)
	}
}

// file files a report: by the program, or outside with a proof.
func file(who, stage string, how map[string]any) func(context.Context, *cast) error {
	return func(ctx context.Context, c *cast) error {
		if r, err := c.report(ctx, stage); err != nil || r.State == "filed" {
			return err
		}
		return c.as(who).post(ctx, "/api/v1/reports/"+c.reports[stage]+"/versions", how, nil)
	}
}

// filed reports whether the duty of a stage was met, which it is once the filing left
// with a proof.
func filed(stage string) func(context.Context, *cast) (bool, error) {
	return func(ctx context.Context, c *cast) (bool, error) {
		d, err := c.duty(ctx, stage)
		if err != nil || d.MetAt == nil {
			return false, err
		}
		c.span("early", d.Due.Sub(*d.MetAt))
		if _, err := c.report(ctx, stage); err != nil {
			return false, err
		}
		_, err = c.duty(ctx, "determination") // which follows one of them
		return true, err
	}
}

// acknowledge is the bureau's answer to the centre's report.
func acknowledge(ctx context.Context, c *cast) error {
	r, err := c.report(ctx, "level2_report")
	if err != nil {
		return err
	}
	for _, v := range r.Versions {
		for _, to := range v.To {
			err := c.as("zhao.lei").post(ctx, "/api/v1/recipients/"+to.ID, map[string]any{"fact": "acknowledged", "reference": "EB-2026-1103-04"}, nil)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func acknowledged(ctx context.Context, c *cast) (bool, error) {
	r, err := c.report(ctx, "level2_report")
	if err != nil || len(r.Versions) == 0 {
		return false, err
	}
	for _, to := range r.Versions[len(r.Versions)-1].To {
		if to.AcknowledgedAt != nil {
			c.tell("reference", strings.TrimSpace(to.Reference))
			return true, nil
		}
	}
	return false, nil
}
