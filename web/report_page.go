package web

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/report"
)

// paperRows is how many reports or orders a page lists: of each its duty or its case is
// looked up.
const paperRows = 50

// reportFilters are the ways to narrow the list of reports.
var reportFilters = []string{"", "draft", "filed", "withdrawn"}

// reportsView is the page of all reports.
type reportsView struct {
	Now     time.Time
	List    []reportLine
	Filters []filter
	State   string
	Next    string
}

// reportLine is a report with what tells a reader which one it is.
type reportLine struct {
	casebook.Report
	Title string        // of the incident, "" where the reader doesn't see it
	Owed  casebook.Duty // zero for none
}

func (s *server) reportsPage(x *exchange) error {
	ctx := x.request.Context()
	query := x.request.URL.Query()
	v := reportsView{Now: s.desk.Now(), State: query.Get("state")}
	after, err := Paged{Cursor: query.Get("cursor")}.after(casebook.ReportPrefix)
	if err != nil {
		return err
	}
	var states []casebook.ReportState
	if v.State != "" {
		one, err := casebook.ParseReportState(v.State)
		if err != nil {
			return err
		}
		states = append(states, one)
	}
	r := s.desk.Reader(x.caller.scope)
	counts, err := r.ReportCounts(ctx)
	if err != nil {
		return err
	}
	v.Filters = stateFilters(reportFilters, v.State, counts)
	all, err := r.Reports(ctx, casebook.ID{}, after, paperRows+1, states...)
	if err != nil {
		return err
	}
	object := pageOf(all, paperRows, viewFiling, func(r casebook.Report) string { return r.ID.Text(casebook.ReportPrefix) }).Body
	v.Next = object.Next
	if v.List, err = s.reportLines(ctx, x.caller.scope, all[:min(len(all), paperRows)]); err != nil {
		return err
	}
	return s.render(x, "reports", v, object)
}

// stateFilters makes the links above a list that is narrowed by state.
func stateFilters[S interface {
	comparable
	fmt.Stringer
}](words []string, here string, counts map[S]int64) []filter {
	var filters []filter
	for _, word := range words {
		line := filter{Key: word, Query: word, Here: here == word}
		for one, n := range counts {
			if word == "" || one.String() == word {
				line.Count += n
			}
		}
		filters = append(filters, line)
	}
	return filters
}

// reportLines adds to reports their cases and their duties, as far as the reader sees
// those.
func (s *server) reportLines(ctx context.Context, scope casebook.Scope, all []casebook.Report) ([]reportLine, error) {
	r := s.desk.Reader(scope)
	var ids []casebook.ID
	for _, one := range all {
		if !slices.Contains(ids, one.Incident) {
			ids = append(ids, one.Incident)
		}
	}
	named, err := r.IncidentsNamed(ctx, ids)
	if err != nil {
		return nil, err
	}
	var lines []reportLine
	for _, one := range all {
		line := reportLine{Report: one, Title: named[one.Incident].Title}
		if !one.Duty.IsZero() {
			if line.Owed, err = r.Duty(ctx, one.Duty); err != nil && !errors.Is(err, casebook.ErrNotFound) {
				return nil, err
			}
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// reportActs are what a person does to a report from its page.
var reportActs = []string{"write", "file", "outside", "receipt"}

// reportView is the page of one report.
type reportView struct {
	casebook.Report
	Now      time.Time
	Form     form
	Done     string
	Case     casebook.Incident // without a title where the reader doesn't see it
	Owed     casebook.Duty     // zero for a report that no duty asks for
	Draft    report.Form
	Gaps     []report.Gap
	To       []addresseeAhead
	Versions []versionView // the newest first
	Proofs   []casebook.ProofFile
	Zones    []string
}

// Got reports whether one who must have the report is marked as having got it outside:
// each is, until somebody took marks off.
func (v reportView) Got(role string) bool {
	return v.Form.Name != "outside" || slices.Contains(v.Form.values["to"], role)
}

// May reports whether who sees the page may do an act.
func (v reportView) May(act string) bool {
	return v.State != casebook.WithdrawnReport && v.Form.May("POST /reports/{id}/"+act)
}

// CanAct reports whether who sees the page may do anything to the report.
func (v reportView) CanAct() bool { return slices.ContainsFunc(reportActs, v.May) }

// Stops reports whether something is missing without which the stage can't be filed.
func (v reportView) Stops() bool { return report.Stops(v.Gaps) }

// Lacks gives the fields that are missing and stop the filing, or those that may follow.
func (v reportView) Lacks(stops bool) []report.Field {
	var all []report.Field
	for _, g := range v.Gaps {
		if field := v.Draft.Field(g.Field); g.Stops == stops && field != nil {
			all = append(all, *field)
		}
	}
	return all
}

// IsLate reports whether the moment of the report's duty has passed without a filing: one
// that was met on time isn't late by what is filed after it.
func (v reportView) IsLate() bool {
	return !v.Owed.Due.IsZero() && v.Now.After(v.Owed.Due) && v.Owed.State != casebook.Met
}

// AsOf tells the state of the draft that the page shows, so that nobody writes over
// what another wrote meanwhile.
func (v reportView) AsOf() string { return asOf(v.Report) }

func asOf(r casebook.Report) string { return strconv.FormatInt(r.RecordedAt.UnixMicro(), 36) }

// Waiting are those who haven't acknowledged, of every version.
func (v reportView) Waiting() []option {
	var all []option
	for _, one := range v.Versions {
		for _, to := range one.To {
			if to.AcknowledgedAt.IsZero() {
				all = append(all, option{Value: to.ID.Text(casebook.RecipientPrefix), Label: fmt.Sprintf("%s (%d)", to.Name, one.Number)})
			}
		}
	}
	return all
}

// addresseeAhead is one who must have the report, and where the platform would send it.
type addresseeAhead struct {
	report.Addressee
	Target string // "" where it can't
}

// versionView is one filing with those it went to, and what it changed.
type versionView struct {
	casebook.ReportVersion
	To      []casebook.Recipient
	Changed []report.Difference // against the version before
}

func (s *server) reportPage(x *exchange) error {
	return s.showReport(x, x.request.PathValue("id"), blankForm(x))
}

// showReport shows one report, with a form that was refused if one was.
func (s *server) showReport(x *exchange, name string, f form) error {
	ctx, scope := x.request.Context(), x.caller.scope
	id, err := casebook.ParseID(casebook.ReportPrefix, name)
	if err != nil {
		return err
	}
	r := s.desk.Reader(scope)
	v := reportView{Now: s.desk.Now(), Form: f}
	if v.Report, _, err = r.Report(ctx, id); err != nil {
		return err
	}
	if done := x.request.URL.Query().Get("done"); done == "draft" || slices.Contains(reportActs, done) {
		v.Done = done
	}
	// A party may see a report without the case and the duty that it belongs to.
	if v.Case, err = r.Incident(ctx, v.Report.Incident); err != nil && !errors.Is(err, casebook.ErrNotFound) {
		return err
	}
	if !v.Report.Duty.IsZero() {
		if v.Owed, err = r.Duty(ctx, v.Report.Duty); err != nil && !errors.Is(err, casebook.ErrNotFound) {
			return err
		}
	}
	if v.Draft, err = s.desk.Form(ctx, x.caller.actor, scope, id); err != nil {
		return err
	}
	v.Gaps = v.Draft.Check()
	if v.To, err = s.ahead(ctx, scope, v.Draft.To); err != nil {
		return err
	}
	if v.Versions, err = s.versions(ctx, scope, id); err != nil {
		return err
	}
	if v.Proofs, err = r.ProofFiles(ctx, id); err != nil {
		return err
	}
	v.Zones = zonesIn(v.Owed.Zone)
	if f.Status != 0 {
		s.show(x, f.Status, "report", v)
		return nil
	}
	if !wantsPage(x.request) {
		whole, err := s.wholeFiling(ctx, &OneReport{Asked{x}, name})
		if err != nil {
			return err
		}
		return s.render(x, "report", v, whole.Body)
	}
	return s.render(x, "report", v, nil)
}

// ahead says of those who must have a filing where the platform would send it.
func (s *server) ahead(ctx context.Context, scope casebook.Scope, to []report.Addressee) ([]addresseeAhead, error) {
	var all []addresseeAhead
	for _, a := range to {
		target, err := s.desk.Reach(ctx, scope, a.Role, "reports")
		if err != nil {
			return nil, err
		}
		all = append(all, addresseeAhead{a, target})
	}
	return all, nil
}

// versions gives the filings of a report, the newest first.
func (s *server) versions(ctx context.Context, scope casebook.Scope, id casebook.ID) ([]versionView, error) {
	r := s.desk.Reader(scope)
	filed, err := r.ReportVersions(ctx, id)
	if err != nil {
		return nil, err
	}
	to, err := r.ReportRecipients(ctx, id)
	var all []versionView
	for i, one := range filed {
		line := versionView{ReportVersion: one}
		if i > 0 {
			line.Changed = report.Differences(filed[i-1].Fields, one.Fields)
		}
		for _, a := range to {
			if a.Version == one.Number {
				line.To = append(line.To, a)
			}
		}
		all = append(all, line)
	}
	slices.Reverse(all)
	return all, err
}

// printRows is how many rows of findings the printable page lists.
const printRows = 500

// printView is a report as it is printed: a version as it was filed, or the draft.
type printView struct {
	report.Form
	Name   string // public name of the report
	Number int    // of the version, 0 the draft
	Open   bool   // trade secrets are withheld
	More   int    // rows that are left out
	Filed  []int  // versions that there are
}

// reportPrint is the page of a report that is printed.
func (s *server) reportPrint(x *exchange) error {
	ctx, query := x.request.Context(), x.request.URL.Query()
	name := x.request.PathValue("id")
	id, err := casebook.ParseID(casebook.ReportPrefix, name)
	if err != nil {
		return err
	}
	number, err := queryNumber(x, "version")
	if err != nil {
		return err
	}
	r := s.desk.Reader(x.caller.scope)
	if _, _, err := r.Report(ctx, id); err != nil {
		return err
	}
	texts, err := r.FiledForms(ctx, id)
	if err != nil {
		return err
	}
	v := printView{Name: name, Number: int(number), Open: query.Get("open") != ""}
	for n := range texts {
		v.Filed = append(v.Filed, n+1)
	}
	switch {
	case number > int64(len(texts)):
		return fmt.Errorf("report %s has no version %d: %w", name, number, casebook.ErrNotFound)
	case number > 0:
		if v.Form, err = report.ReadJSON(strings.NewReader(texts[number-1])); err != nil {
			return ours(err)
		}
	default:
		if v.Form, err = s.desk.Form(ctx, x.caller.actor, x.caller.scope, id); err != nil {
			return err
		}
	}
	if v.Open {
		v.Form = v.Form.Open()
	}
	if v.More = len(v.Rows) - printRows; v.More > 0 {
		v.Rows = v.Rows[:printRows]
	}
	return s.render(x, "report_print", v, v.Form)
}
