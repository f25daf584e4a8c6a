package web

import (
	"context"
	"errors"
	"slices"
	"time"

	"tocsin/casebook"
	"tocsin/store"
)

// dutyList is a list of duties as a page shows it.
type dutyList struct {
	Now   time.Time
	Lines []dutyLine
}

// dutyLine is a duty with the title of its incident, "" where the page tells it
// already.
type dutyLine struct {
	casebook.Duty
	Title string
}

// dutyList makes a list, with the titles of the incidents that its duties belong to.
func (s *server) dutyList(ctx context.Context, scope casebook.Scope, now time.Time, duties []casebook.Duty) (dutyList, error) {
	list := dutyList{Now: now}
	var ids []casebook.ID
	for _, d := range duties {
		if !slices.Contains(ids, d.Incident) {
			ids = append(ids, d.Incident)
		}
	}
	named, err := s.desk.Reader(scope).IncidentsNamed(ctx, ids)
	for _, d := range duties {
		list.Lines = append(list.Lines, dutyLine{d, named[d.Incident].Title})
	}
	return list, err
}

// bare makes a list without titles.
func bare(now time.Time, duties []casebook.Duty) dutyList {
	list := dutyList{Now: now}
	for _, d := range duties {
		list.Lines = append(list.Lines, dutyLine{Duty: d})
	}
	return list
}

// filter is one way to narrow a list, as a link above it.
type filter struct {
	Key   string // of its word
	Query string // of the page's address
	Here  bool
	Count int64 // -1: not counted
}

// dutyFilters are the ways to narrow the list of duties; the first holds where the
// address asks for none.
var dutyFilters = []struct {
	key    string
	states []casebook.DutyState
}{
	{"running", []casebook.DutyState{casebook.Unset, casebook.OpenDuty}},
	{"missed", []casebook.DutyState{casebook.Missed}},
	{"filed", []casebook.DutyState{casebook.Met, casebook.Late}},
	{"ended", []casebook.DutyState{casebook.Suspended, casebook.Superseded, casebook.VoidDuty}},
	{"all", nil},
}

// dutyRows is how many duties a page lists: each takes more room than a row of a table.
const dutyRows = 50

// dutiesView is the page of all duties.
type dutiesView struct {
	List    dutyList
	Filters []filter
	State   string // as the address has it
	Next    string // cursor of the next duties, "" if none follow
}

func (s *server) dutiesPage(x *exchange) error {
	ctx := x.request.Context()
	query := x.request.URL.Query()
	after, err := Paged{Cursor: query.Get("cursor")}.after(casebook.DutyPrefix)
	if err != nil {
		return err
	}
	r := s.desk.Reader(x.caller.scope)
	counts, err := r.DutyCounts(ctx)
	if err != nil {
		return err
	}
	v := dutiesView{State: query.Get("state")}
	f := store.DutyFilter{States: dutyFilters[0].states}
	known := v.State == ""
	for i, one := range dutyFilters {
		line := filter{Key: one.key, Query: one.key, Here: v.State == one.key || v.State == "" && i == 0}
		for state, n := range counts {
			if one.states == nil || slices.Contains(one.states, casebook.DutyState(state)) {
				line.Count += n
			}
		}
		if line.Here {
			f.States, known = one.states, true
		}
		v.Filters = append(v.Filters, line)
	}
	if !known {
		// A state's own word narrows too, as the API takes it.
		if f.States, err = dutyStates(v.State); err != nil {
			return err
		}
	}
	all, err := r.DutiesByDue(ctx, f, after, dutyRows+1)
	if err != nil {
		return err
	}
	object := pageOf(all, dutyRows, viewDuty, func(d casebook.Duty) string { return d.ID.Text(casebook.DutyPrefix) }).Body
	v.Next = object.Next
	if v.List, err = s.dutyList(ctx, x.caller.scope, s.desk.Now(), all[:min(len(all), dutyRows)]); err != nil {
		return err
	}
	return s.render(x, "duties", v, object)
}

// dutyView is the page of one duty.
type dutyView struct {
	casebook.Duty
	Now      time.Time
	Incident casebook.Incident
	Steps    []store.DutyChange
	Moments  []time.Time // at which people are told, and were
	Form     form
	Done     string
	Reports  []dutyReport
	Zones    []string
}

func (s *server) dutyPage(x *exchange) error {
	return s.showDuty(x, x.request.PathValue("id"), blankForm(x))
}

// showDuty shows one duty, with a form that was refused if one was.
func (s *server) showDuty(x *exchange, name string, f form) error {
	ctx := x.request.Context()
	answer, err := s.getDuty(ctx, &getDuty{Asked{x}, name})
	if err != nil {
		return err
	}
	id, err := casebook.ParseID(casebook.DutyPrefix, name)
	if err != nil {
		return err
	}
	r := s.desk.Reader(x.caller.scope)
	v := dutyView{Now: s.desk.Now(), Form: f}
	if done := x.request.URL.Query().Get("done"); slices.Contains(dutyActs, done) {
		v.Done = done
	}
	if v.Duty, err = r.Duty(ctx, id); err != nil {
		return err
	}
	// A party may see a duty without the incident that it belongs to.
	if v.Incident, err = r.Incident(ctx, v.Duty.Incident); err != nil && !errors.Is(err, casebook.ErrNotFound) {
		return err
	}
	if v.Steps, err = r.DutyChanges(ctx, id); err != nil {
		return err
	}
	v.Moments = v.Duty.Moments()
	v.Zones = zonesIn(v.Duty.Zone)
	if v.Reports, err = s.reportsOf(ctx, x.caller.scope, v.Duty); err != nil {
		return err
	}
	if f.Status != 0 {
		s.show(x, f.Status, "duty", v)
		return nil
	}
	return s.render(x, "duty", v, answer.Body)
}
