package web

import (
	"tocsin/casebook"
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
	Lines []threatLine
	Next  string // cursor of the next threats, "" if none follow
}

func (s *server) threatsPage(x *exchange) error {
	after, err := Paged{Cursor: x.request.URL.Query().Get("cursor")}.after(casebook.ThreatPrefix)
	if err != nil {
		return err
	}
	all, err := s.desk.Reader(x.caller.scope).Threats(x.request.Context(), after, pageRows+1)
	if err != nil {
		return err
	}
	object := pageOf(all, pageRows, viewThreat, func(t casebook.Threat) string { return t.ID.Text(casebook.ThreatPrefix) }).Body
	return s.render(x, "threats", threatsView{linesOf(all[:min(len(all), pageRows)]), object.Next}, object)
}

// threatIncidents is how many incidents of one threat its page shows.
const threatIncidents = 20

// threatView is the page of one threat.
type threatView struct {
	casebook.Threat
	Incidents []threatCase
	List      []casebook.Finding
	Next      string // cursor of the next findings, "" if none follow
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
	after, err := Paged{Cursor: x.request.URL.Query().Get("cursor")}.after(casebook.FindingPrefix)
	if err != nil {
		return err
	}
	r := s.desk.Reader(x.caller.scope)
	v := threatView{}
	if v.Threat, err = r.Threat(ctx, id); err != nil {
		return err
	}
	grown, err := r.IncidentsOf(ctx, id, threatIncidents)
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
	if v.List, err = r.FindingPage(ctx, store.FindingFilter{Threat: id}, after, pageRows+1); err != nil {
		return ours(err)
	}
	if len(v.List) > pageRows {
		v.List = v.List[:pageRows]
		v.Next = v.List[pageRows-1].ID.Text(casebook.FindingPrefix)
	}
	return s.render(x, "threat", v, viewThreat(v.Threat))
}
