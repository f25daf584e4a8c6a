package web

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/store"
)

// situationSpans are the spans of which the situation is shown, and in which steps.
var situationSpans = []struct {
	key  string
	step time.Duration
	n    int // steps
}{
	{"24h", time.Hour, 24}, {"7d", 24 * time.Hour, 7}, {"30d", 24 * time.Hour, 30}, {"90d", 24 * time.Hour, 90},
}

// How many rows the tables of the situation have before all are asked for.
const (
	situationThreats = 20
	situationRows    = 25
	situationMost    = 180 // a page stays under 150 kB
)

// situation is the picture of all that a reader sees, as the API shows it.
type situation struct {
	Kind    string        `json:"kind"`
	At      time.Time     `json:"at"`
	From    time.Time     `json:"from"`
	Step    int64         `json:"step_s"`
	Threats []threat      `json:"threats"`
	Grades  []gradeFigure `json:"grades"`
	Regions []placeFigure `json:"regions"`
	Parties []placeFigure `json:"parties"`
	Series  []stepFigure  `json:"series"`
}

// gradeFigure is a store.GradeCount as the API shows it.
type gradeFigure struct {
	Regime    string `json:"regime"`
	Level     string `json:"level"`
	Reach     string `json:"reach"`
	Incidents int64  `json:"incidents"`
	Threats   int64  `json:"threats"`
}

// placeFigure is a store.Standing as the API shows it.
type placeFigure struct {
	Name        string `json:"name"`
	Threats     int64  `json:"threats,omitempty"`
	Controllers int64  `json:"controllers"`
	Bots        int64  `json:"bots"`
	Others      int64  `json:"others"`
	Active      int64  `json:"active"`
	Over        int64  `json:"verified_gone"`
}

// stepFigure is a store.Moment as the API shows it.
type stepFigure struct {
	At           time.Time `json:"at"`
	Observations int64     `json:"observations"`
	Findings     int64     `json:"new_findings"`
	Bots         int64     `json:"new_bots"`
	Due          int64     `json:"duties_due"`
	Met          int64     `json:"duties_met"`
	Late         int64     `json:"duties_late"`
	Missed       int64     `json:"duties_missed"`
	Running      int64     `json:"duties_running"`
}

// situationView is the page of the situation.
type situationView struct {
	Now     time.Time
	Hourly  bool
	Whole   bool // whether observations are counted by time for who sees the page
	Spans   []filter
	Sort    string
	Span    string
	Threats []threatLine
	Largest int64 // assets of the largest threat
	Grades  []store.GradeCount
	Regions placeTable
	Parties placeTable
	Series  []store.Moment // the newest first
	Sum     store.Moment
}

// placeTable is a table of regions or of parties.
type placeTable struct {
	Noun string // region or party
	Rows []store.Standing
	Most int64 // active findings of the row with the most
	All  int   // rows that there are
	Span string
	Sort string
}

// Everything is the address of the page with all rows.
func (p placeTable) Everything() string {
	return "?" + url.Values{"span": {p.Span}, "sort": {p.Sort}, "rows": {"all"}}.Encode() + "#" + p.Noun
}

// Columns are the heads of the table, each with the address of the page sorted by it.
func (p placeTable) Columns() []filter {
	var all []filter
	for _, key := range []string{"name", "active", "controllers", "bots", "others", "over"} {
		all = append(all, filter{Key: key, Query: "?" + url.Values{"span": {p.Span}, "sort": {key}}.Encode() + "#" + p.Noun, Here: key == p.Sort})
	}
	if p.Noun == "region" {
		all = append(all, filter{Key: "count"})
	}
	return all
}

// placeSorts are the columns by which regions and parties are sorted.
var placeSorts = map[string]func(a, b store.Standing) int{
	"active":      func(a, b store.Standing) int { return cmp.Compare(b.Active(), a.Active()) },
	"controllers": func(a, b store.Standing) int { return cmp.Compare(b.Controllers, a.Controllers) },
	"bots":        func(a, b store.Standing) int { return cmp.Compare(b.Bots, a.Bots) },
	"others":      func(a, b store.Standing) int { return cmp.Compare(b.Others, a.Others) },
	"over":        func(a, b store.Standing) int { return cmp.Compare(b.Over, a.Over) },
	"name":        func(a, b store.Standing) int { return strings.Compare(a.Name, b.Name) },
}

func (s *server) situationPage(x *exchange) error {
	query := x.request.URL.Query()
	now := s.desk.Now()
	v := situationView{Now: now, Whole: x.caller.scope.All, Span: cmp.Or(query.Get("span"), "30d"), Sort: cmp.Or(query.Get("sort"), "active")}
	i := slices.IndexFunc(situationSpans, func(one struct {
		key  string
		step time.Duration
		n    int
	}) bool {
		return one.key == v.Span
	})
	if i < 0 {
		return fmt.Errorf("span=%.20q is none of 24h, 7d, 30d, 90d: %w", v.Span, casebook.ErrInvalid)
	}
	if placeSorts[v.Sort] == nil {
		return fmt.Errorf("sort=%.20q is no column: %w", v.Sort, casebook.ErrInvalid)
	}
	span := situationSpans[i]
	v.Hourly = span.step < 24*time.Hour
	for _, one := range situationSpans {
		v.Spans = append(v.Spans, filter{Key: "span." + one.key, Query: one.key, Here: one.key == v.Span, Count: -1})
	}
	to := now.UTC().Truncate(span.step).Add(span.step)
	from := to.Add(-time.Duration(span.n) * span.step)
	ctx, r := x.request.Context(), s.desk.Reader(x.caller.scope)
	if err := v.load(ctx, r, from, to, span.step); err != nil {
		return err
	}
	object := v.object(from, span.step)
	slices.Reverse(v.Series)
	for _, t := range v.Threats {
		v.Largest = max(v.Largest, t.Bots.Point+t.Controllers.Point)
	}
	whole := query.Get("rows") == "all"
	v.Regions.cut("region", v.Span, v.Sort, whole)
	v.Parties.cut("party", v.Span, v.Sort, whole)
	return s.render(x, "situation", v, object)
}

func (v *situationView) load(ctx context.Context, r *store.Reader, from, to time.Time, step time.Duration) error {
	threats, err := r.LargestThreats(ctx, situationThreats)
	if err != nil {
		return err
	}
	v.Threats = linesOf(threats)
	if v.Grades, err = r.GradeCounts(ctx); err != nil {
		return err
	}
	if v.Regions.Rows, err = r.RegionStandings(ctx); err != nil {
		return err
	}
	if v.Parties.Rows, err = r.PartyStandings(ctx, v.Regions.Rows); err != nil {
		return err
	}
	if v.Series, err = r.Series(ctx, from, to, step); err != nil {
		return err
	}
	for _, m := range v.Series {
		v.Sum.Observations += m.Observations
		v.Sum.Findings += m.Findings
		v.Sum.Bots += m.Bots
		v.Sum.Due += m.Due
		v.Sum.Met += m.Met
		v.Sum.Late += m.Late
		v.Sum.Missed += m.Missed
		v.Sum.Running += m.Running
	}
	return nil
}

// cut sorts the table and leaves its first rows, unless all were asked for.
func (p *placeTable) cut(noun, span, sort string, whole bool) {
	p.Noun, p.Span, p.Sort, p.All = noun, span, sort, len(p.Rows)
	for _, row := range p.Rows {
		p.Most = max(p.Most, row.Active())
	}
	slices.SortStableFunc(p.Rows, placeSorts[sort])
	most := situationRows
	if whole {
		most = situationMost
	}
	p.Rows = p.Rows[:min(len(p.Rows), most)]
}

func (v *situationView) object(from time.Time, step time.Duration) situation {
	o := situation{Kind: "situation", At: v.Now, From: from, Step: int64(step / time.Second), Threats: []threat{}, Grades: []gradeFigure{}, Series: []stepFigure{},
		Regions: placeFigures(v.Regions.Rows), Parties: placeFigures(v.Parties.Rows)}
	for _, t := range v.Threats {
		o.Threats = append(o.Threats, viewThreat(t.Threat))
	}
	for _, g := range v.Grades {
		o.Grades = append(o.Grades, gradeFigure{g.Regime, g.Level, g.Reach.String(), g.Incidents, g.Threats})
	}
	for _, m := range v.Series {
		o.Series = append(o.Series, stepFigure{m.At, m.Observations, m.Findings, m.Bots, m.Due, m.Met, m.Late, m.Missed, m.Running})
	}
	return o
}

func placeFigures(rows []store.Standing) []placeFigure {
	all := []placeFigure{}
	for _, p := range rows {
		all = append(all, placeFigure{p.Name, p.Threats, p.Controllers, p.Bots, p.Others, p.Active(), p.Over})
	}
	return all
}
