package web

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/regime"
	"tocsin/report"
)

// authorities are the roles whose own clocks stand beside everybody's.
var authorities = []string{"authority", "provincial_authority", "centre"}

// monthsBack is how many months can be chosen.
const monthsBack = 24

// scoresView is the page of the scorecards.
type scoresView struct {
	Form     form
	Search   form
	At       time.Time
	Month    string // "" every month
	Months   []string
	Parties  []casebook.Party
	Regions  []string
	Regimes  []string
	Stages   []string
	Entities []scoreRow
	Own      []scoreRow // of the authorities
	Sum      scoreSum
	OwnSum   scoreSum
	CSV      string // address of the same as a table
	Shadow   shadowView
	Cut      int // lines that aren't shown

	Disputes   []disputeLine
	Undecided  []disputeLine // that who sees the page may decide on
	Disputable []lineOption
	Done       string
}

// scoreRow is a line of a scorecard with the duty that it is about.
type scoreRow struct {
	regime.Score
	Duty  casebook.Duty // regime and stage only
	Draft bool          // its party may dispute it still
}

// scoreSum adds up lines.
type scoreSum struct{ Fell, OnTime, Late, Never int }

func (s *scoreSum) add(one regime.Score) {
	s.Fell, s.OnTime, s.Late, s.Never = s.Fell+one.Fell(), s.OnTime+one.OnTime, s.Late+one.Late, s.Never+one.Never
}

// shadowView is what a schedule makes of the duties of those for whom the platform
// speaks.
type shadowView struct {
	Laws   []string // that have a schedule
	Regime string
	Draft  bool
	Costs  []desk.Cost
}

// scoreLines is how many lines of a scorecard a page shows; the table has all.
const scoreLines = 150

func (s *server) scorecardsPage(x *exchange) error {
	v := scoresView{Form: blankForm(x)}
	if done := x.request.URL.Query().Get("done"); done == "dispute" || done == "decide" {
		v.Done = done
	}
	return s.showScores(x, v)
}

func (s *server) showScores(x *exchange, v scoresView) error {
	ctx, q := x.request.Context(), x.request.URL.Query()
	v.Search, v.Month = searched(q), q.Get("month")
	now := s.desk.Now()
	if !q.Has("month") {
		v.Month = now.UTC().Format("2006-01")
		v.Search.values.Set("month", v.Month)
	}
	month := v.Month
	if month == "all" {
		month = ""
	}
	at, all, err := s.desk.Scorecard(ctx, x.caller.scope, month)
	if err != nil {
		return err
	}
	if v.Parties, err = s.desk.Reader(x.caller.scope).Parties(ctx); err != nil {
		return err
	}
	v.At, v.Months = at, months(now)
	v.choices(all)
	kept := slices.DeleteFunc(all, func(one regime.Score) bool { return !scoreFits(one, v.Search) })
	if q.Get("format") == "csv" {
		return s.scoreTable(x, v.Month, kept, at)
	}
	v.sort(kept)
	query := v.Search.values
	query.Set("format", "csv")
	query.Del("lang")
	query.Del("done")
	v.CSV = "?" + query.Encode()
	if err := s.shadow(x, &v, month); err != nil {
		return err
	}
	if err := s.disputes(x, &v, kept, month); err != nil {
		return err
	}
	return s.renderForms(x, "scorecards", v.Form, false, v, pageOf(kept, len(kept), func(one regime.Score) score { return viewScore(one, at) }, nil).Body)
}

// months lists the months that can be chosen, this one first.
func months(now time.Time) []string {
	first := time.Date(now.UTC().Year(), now.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	var all []string
	for n := range monthsBack {
		all = append(all, first.AddDate(0, -n, 0).Format("2006-01"))
	}
	return all
}

// choices collects by what the lines can be narrowed.
func (v *scoresView) choices(all []regime.Score) {
	regions, regimes, stages := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, one := range all {
		regions[one.Region], regimes[one.Regime], stages[one.Regime+" "+one.Stage] = true, true, true
	}
	v.Regions, v.Regimes, v.Stages = sortedKeys(regions), sortedKeys(regimes), sortedKeys(stages)
}

func sortedKeys(set map[string]bool) []string {
	var all []string
	for key := range set {
		if key != "" {
			all = append(all, key)
		}
	}
	slices.Sort(all)
	return all
}

// scoreFits reports whether a line is one that was asked for.
func scoreFits(one regime.Score, search form) bool {
	is := func(field, value string) bool { w := search.values.Get(field); return w == "" || w == value }
	return strings.Contains(strings.ToLower(one.PartyName), strings.ToLower(search.values.Get("q"))) && is("region", one.Region) && is("regime", one.Regime) && is("stage", one.Regime+" "+one.Stage)
}

// sort puts lines into the two tables: those of authorities, and all others.
func (v *scoresView) sort(all []regime.Score) {
	own := map[casebook.ID]bool{}
	for _, p := range v.Parties {
		own[p.ID] = slices.ContainsFunc(p.Roles, func(role string) bool { return slices.Contains(authorities, role) })
	}
	for n, one := range all {
		row := scoreRow{one, casebook.Duty{Regime: one.Regime, Stage: one.Stage}, one.Line().Draft(v.At)}
		sum := &v.Sum
		if own[one.Party] {
			sum = &v.OwnSum
		}
		if !one.Exercise {
			sum.add(one)
		}
		switch {
		case n >= scoreLines:
			v.Cut++
		case own[one.Party]:
			v.Own = append(v.Own, row)
		default:
			v.Entities = append(v.Entities, row)
		}
	}
}

// shadow reckons by the schedule that was asked for, or by the only one.
func (s *server) shadow(x *exchange, v *scoresView, month string) error {
	for _, p := range s.desk.Laws().Packs() {
		if len(p.Consequences.Schedule) > 0 {
			v.Shadow.Laws = append(v.Shadow.Laws, p.ID)
		}
	}
	v.Shadow.Regime = v.Search.values.Get("shadow")
	if v.Shadow.Regime == "" && len(v.Shadow.Laws) == 1 {
		v.Shadow.Regime = v.Shadow.Laws[0]
	}
	if !slices.Contains(v.Shadow.Laws, v.Shadow.Regime) {
		v.Shadow.Regime = ""
		return nil
	}
	var err error
	_, v.Shadow.Costs, err = s.desk.Shadow(x.request.Context(), x.caller.scope, v.Shadow.Regime, month)
	v.Shadow.Draft = slices.ContainsFunc(v.Shadow.Costs, func(c desk.Cost) bool { return c.Shadow })
	return err
}

// scoreTable answers with the lines as a table that a spreadsheet reads.
func (s *server) scoreTable(x *exchange, month string, all []regime.Score, at time.Time) error {
	h := x.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="scorecard-%s.csv"`, strings.Map(safeLetter, month)))
	w := csv.NewWriter(x)
	w.Write([]string{"party", "region", "regime", "stage", "month", "exercise", "due", "on_time", "late", "never", "longest_late_seconds", "late_unexplained", "late_reasons", "as_of", "draft"})
	for _, one := range all {
		var reasons []string
		for _, r := range one.Reasons {
			reasons = append(reasons, fmt.Sprintf("%d: %s", r.Duties, r.Text))
		}
		w.Write([]string{report.SafeCell(one.PartyName), one.Region, one.Regime, one.Stage, one.Month, strconv.FormatBool(one.Exercise), strconv.Itoa(one.Fell()), strconv.Itoa(one.OnTime),
			strconv.Itoa(one.Late), strconv.Itoa(one.Never), strconv.FormatInt(int64(one.Longest/time.Second), 10), strconv.Itoa(one.Unexplained),
			report.SafeCell(strings.Join(reasons, "; ")), at.UTC().Format(time.RFC3339), strconv.FormatBool(one.Line().Draft(at))})
	}
	w.Flush()
	return w.Error()
}

// safeLetter keeps the letters of a month in the name of a file.
func safeLetter(r rune) rune {
	if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
		return r
	}
	return -1
}
