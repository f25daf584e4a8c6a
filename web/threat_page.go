package web

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/store"
)

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

func linesOf(threats []casebook.Threat) []threatLine {
	var lines []threatLine
	for _, t := range threats {
		lines = append(lines, lineOf(t))
	}
	return lines
}

// threatsView is the page of all threats.
type threatsView struct {
	Lines   []threatLine
	Asked   wanted
	Sorts   []filter
	Levels  []string
	Spans   []string
	Classes []string
	Next    string // address of the next threats, "" if none follow
}

// wanted is what the address of a list asks for, by the names of its fields.
type wanted struct{ url.Values }

// Any reports whether the list is narrowed.
func (a wanted) Any() bool {
	for name, values := range a.Values {
		if name != "sort" && name != "cursor" && name != "lang" && len(values) > 0 && values[0] != "" {
			return true
		}
	}
	return false
}

// With is the query of the same list with one field otherwise; "" takes it out.
func (a wanted) With(name, value string) string {
	query := url.Values{}
	for one, values := range a.Values {
		if len(values) > 0 && values[0] != "" && one != "cursor" && one != "lang" {
			query.Set(one, values[0])
		}
	}
	if query.Set(name, value); value == "" {
		query.Del(name)
	}
	return "?" + query.Encode()
}

// threatSpans are how lately a threat was seen, for who narrows the list by it.
var threatSpans = map[string]time.Duration{"24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "30d": 30 * 24 * time.Hour, "90d": 90 * 24 * time.Hour}

// threatFilter reads what a list of threats is narrowed by.
func (s *server) threatFilter(query url.Values) (store.ThreatFilter, error) {
	f := store.ThreatFilter{Text: query.Get("q"), Class: query.Get("class"), Region: query.Get("region"), Party: query.Get("party"), Level: query.Get("level")}
	if active := query.Get("active"); active != "" {
		span, ok := threatSpans[active]
		if !ok {
			return f, fmt.Errorf("active=%.20q is none of 24h, 7d, 30d, 90d: %w", active, casebook.ErrInvalid)
		}
		f.Since = s.desk.Now().Add(-span)
	}
	return f, nil
}

func (s *server) threatsPage(x *exchange) error {
	query := x.request.URL.Query()
	f, err := s.threatFilter(query)
	if err != nil {
		return err
	}
	order := store.ThreatOrder(query.Get("sort"))
	all, next, err := s.desk.Reader(x.caller.scope).ThreatList(x.request.Context(), f, order, query.Get("cursor"), pageRows)
	if err != nil {
		return err
	}
	v := threatsView{Lines: linesOf(all), Asked: wanted{query}, Levels: levelWords(s.desk.Laws()), Spans: []string{"24h", "7d", "30d", "90d"}, Classes: casebook.Classes()}
	for _, one := range []store.ThreatOrder{store.ByRecord, store.BySize, store.ByLastSeen} {
		v.Sorts = append(v.Sorts, filter{Key: "threats.sort." + cmp.Or(string(one), "new"), Query: v.Asked.With("sort", string(one)), Here: one == order, Count: -1})
	}
	if next != "" {
		v.Next = v.Asked.With("cursor", next)
	}
	object := page[threat]{Items: []threat{}, Next: next}
	for _, t := range all {
		object.Items = append(object.Items, viewThreat(t))
	}
	return s.render(x, "threats", v, object)
}

// levelWords gives the levels of all laws, the gravest of each first.
func levelWords(laws *regime.Library) []string {
	var all []string
	for _, pack := range laws.Packs() {
		for _, rule := range pack.Grades.Rules {
			if rule.Level != "" && !slices.Contains(all, rule.Level) {
				all = append(all, rule.Level)
			}
		}
	}
	return all
}

// threatIncidents is how many incidents of one threat its page shows, and
// threatControllers how many of its controllers.
const (
	threatIncidents   = 20
	threatControllers = 20
)

// threatView is the page of one threat.
type threatView struct {
	casebook.Threat
	Incidents   []threatCase
	Evidence    []store.Evidence
	Strip       strip
	Controllers []casebook.Finding
	More        bool // controllers than are listed
	Kin         []threatLine
	findingList
}

// threatCase is an incident that grew from a threat, with what stands of its
// grades.
type threatCase struct {
	casebook.Incident
	Grades []gradeRow
}

func (s *server) threatPage(x *exchange) error {
	ctx := x.request.Context()
	id, err := casebook.ParseID(casebook.ThreatPrefix, x.request.PathValue("id"))
	if err != nil {
		return err
	}
	r := s.desk.Reader(x.caller.scope)
	v := threatView{}
	if v.Threat, err = r.Threat(ctx, id); err != nil {
		return err
	}
	if err := s.threatCases(ctx, r, &v); err != nil {
		return err
	}
	if v.Evidence, err = r.EvidenceOf(ctx, id); err != nil {
		return err
	}
	last := casebook.DayOf(v.LastSeen)
	days, err := r.ThreatDays(ctx, id, last-stripDays)
	if err != nil {
		return err
	}
	v.Strip = makeStrip(days, last)
	if v.Controllers, err = r.Controllers(ctx, id, threatControllers+1); err != nil {
		return ours(err)
	}
	v.More = len(v.Controllers) > threatControllers
	v.Controllers = v.Controllers[:min(len(v.Controllers), threatControllers)]
	kin, err := r.Kin(ctx, v.Threat)
	if err != nil {
		return err
	}
	v.Kin = linesOf(kin)
	if v.findingList, err = s.findingList(x, id); err != nil {
		return err
	}
	for _, c := range v.Incidents {
		if c.State == casebook.OpenIncident {
			v.Orderable = append(v.Orderable, c.Incident)
		}
	}
	return s.render(x, "threat", v, viewThreat(v.Threat))
}

func (s *server) threatCases(ctx context.Context, r *store.Reader, v *threatView) error {
	grown, err := r.IncidentsOf(ctx, v.ID, threatIncidents)
	if err != nil {
		return err
	}
	for _, i := range grown {
		grades, err := r.Grades(ctx, i.ID)
		if err != nil {
			return err
		}
		v.Incidents = append(v.Incidents, threatCase{i, s.gradeRows(grades)})
	}
	return nil
}
