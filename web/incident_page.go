package web

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/store"
)

// incidentFilters are the ways to narrow the list of incidents.
var incidentFilters = []string{"", "proposed", "open", "closed", "void"}

// incidentsView is the page of all incidents.
type incidentsView struct {
	Now     time.Time
	Form    form // for what who sees the page may do
	List    []casebook.Incident
	Filters []filter
	State   string
	Next    string // cursor of the next incidents, "" if none follow
}

func (s *server) incidentsPage(x *exchange) error {
	ctx := x.request.Context()
	query := x.request.URL.Query()
	v := incidentsView{Now: s.desk.Now(), Form: blankForm(x), State: query.Get("state")}
	after, err := Paged{Cursor: query.Get("cursor")}.after(casebook.IncidentPrefix)
	if err != nil {
		return err
	}
	var state *casebook.IncidentState
	if v.State != "" {
		one, err := casebook.ParseIncidentState(v.State)
		if err != nil {
			return err
		}
		state = &one
	}
	r := s.desk.Reader(x.caller.scope)
	counts, err := r.IncidentCounts(ctx)
	if err != nil {
		return err
	}
	for _, word := range incidentFilters {
		line := filter{Key: word, Query: word, Here: v.State == word}
		for one, n := range counts {
			if word == "" || one.String() == word {
				line.Count += n
			}
		}
		v.Filters = append(v.Filters, line)
	}
	all, err := r.Incidents(ctx, state, after, pageRows+1)
	if err != nil {
		return err
	}
	object := pageOf(all, pageRows, viewIncident, func(i casebook.Incident) string { return i.ID.Text(casebook.IncidentPrefix) }).Body
	v.List, v.Next = all[:min(len(all), pageRows)], object.Next
	return s.render(x, "incidents", v, object)
}

// caseView is the page of one incident.
type caseView struct {
	aCase
	Now     time.Time
	Form    form
	Done    string // the act that was just done, "" none
	Party   string // whose duties are reckoned, "" every own party's
	Running dutyList
	Over    dutyList
	Rows    []gradeRow
	Known   []factRow
	Log     []logLine
	Earlier int // entries of the log that the page leaves out
	Blind   int // entries that were written while the clock wasn't checked
	Whole   bool

	Figures []figureGroup
	Others  []regime.Fact
	Levels  []levelGroup
	Zones   []string
	Reports []reportLine
	Orders  []casebook.Order
	Ends    endsView
}

// Runs reports whether anything is left to be done with the incident.
func (v caseView) Runs() bool { return v.State <= casebook.OpenIncident }

// CanAct reports whether who sees the page may do any of that.
func (v caseView) CanAct() bool {
	return v.Runs() && slices.ContainsFunc(incidentActs[1:], v.May)
}

// May reports whether who sees the page may do an act.
func (v caseView) May(act string) bool { return v.Form.May("POST /incidents/{id}/" + act) }

// Shows reports whether the page has the form of an act, in the state in which the
// incident is.
func (v caseView) Shows(act string) bool {
	switch act {
	case "":
		return true
	case "dismiss":
		return v.State == casebook.ProposedIncident
	case "grade", "close", "void":
		return v.State == casebook.OpenIncident
	case "take":
		return v.Runs() && v.Owner == ""
	case "give", "release":
		return v.Runs() && v.Owner != ""
	}
	return v.Runs()
}

// gradeRow is what stands of the grades of an incident under one regime. The four
// standings are kept apart.
type gradeRow struct {
	Regime string
	Pack   *regime.Pack // by which the newest was given; nil: it isn't here any more
	Cells  []gradeCell
}

// gradeCell is the newest grade of one standing; nil where nobody gave one.
type gradeCell struct {
	Standing casebook.Standing
	Grade    *casebook.Grade
	Says     string // what the rule says that was applied
}

func (s *server) gradeRows(grades []casebook.Grade) []gradeRow {
	var rows []gradeRow
	for i := range grades {
		g := &grades[i]
		n := slices.IndexFunc(rows, func(r gradeRow) bool { return r.Regime == g.Regime })
		if n < 0 {
			row := gradeRow{Regime: g.Regime}
			for standing := casebook.Proposed; standing <= casebook.DeterminedBy; standing++ {
				row.Cells = append(row.Cells, gradeCell{Standing: standing})
			}
			rows = append(rows, row)
			n = len(rows) - 1
		}
		rows[n].Pack = packOf(s.desk.Laws(), g.Regime, g.Pack)
		cell := &rows[n].Cells[min(int(g.Standing), len(rows[n].Cells)-1)]
		cell.Grade, cell.Says = g, ""
		if rows[n].Pack != nil {
			for _, rule := range rows[n].Pack.Grades.Rules {
				if rule.ID == g.Rule {
					cell.Says = rule.Says
				}
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b gradeRow) int { return strings.Compare(a.Regime, b.Regime) })
	return rows
}

// withRules fills in what the rules of some laws say of an incident's figures as
// they stand, where no rule's word is on record: an incident that was opened by hand
// is confirmed from its beginning, and then nothing is proposed.
func (s *server) withRules(rows []gradeRow, packs []*regime.Pack, parties []casebook.Party, c aCase) []gradeRow {
	facts := casebook.Facts{}
	for _, f := range c.Facts {
		if f.Confirmed || c.State == casebook.ProposedIncident {
			facts[f.Name] = f.Value
		}
	}
	for _, pack := range packs {
		n := slices.IndexFunc(rows, func(r gradeRow) bool { return r.Regime == pack.ID })
		if n >= 0 && rows[n].Cells[casebook.Proposed].Grade != nil {
			continue
		}
		var best *casebook.Grade
		for _, p := range parties {
			// The gravest comes first.
			for _, g := range s.desk.Laws().Grade(pack, regime.PartyOf(p), facts) {
				// Where nothing is known that the law asks for, its rules say nothing.
				if asked := len(g.Figures) > 0 || g.Reach != casebook.Possible; asked && (best == nil || pack.Graver(g, *best)) {
					best = &g
				}
				break
			}
		}
		if best == nil {
			continue
		}
		if n < 0 {
			rows = append(rows, s.gradeRows([]casebook.Grade{*best})...)
			continue
		}
		rows[n].Cells[casebook.Proposed] = s.gradeRows([]casebook.Grade{*best})[0].Cells[casebook.Proposed]
	}
	slices.SortStableFunc(rows, func(a, b gradeRow) int { return strings.Compare(a.Regime, b.Regime) })
	return rows
}

// factRow is what is known of one fact: what a person confirmed, and what was
// observed since. Each may be missing.
type factRow struct {
	Name                string
	Confirmed, Observed *store.KnownFact
	Before              []store.KnownFact // what was written earlier, oldest first
}

func factRows(facts []store.KnownFact) []factRow {
	var rows []factRow
	for i := range facts {
		f := &facts[i]
		n := slices.IndexFunc(rows, func(r factRow) bool { return r.Name == f.Name })
		if n < 0 {
			rows = append(rows, factRow{Name: f.Name})
			n = len(rows) - 1
		}
		into := &rows[n].Observed
		if f.Confirmed {
			into = &rows[n].Confirmed
		}
		if *into != nil {
			rows[n].Before = append(rows[n].Before, **into)
		}
		*into = f
	}
	slices.SortFunc(rows, func(a, b factRow) int { return strings.Compare(a.Name, b.Name) })
	return rows
}

// logLine is an entry of the log as people read it.
type logLine struct {
	casebook.Anchor
	Duty      *casebook.Duty // of which it tells
	Regime    string         // of which it tells
	Level     string
	Reach     string
	Threat    string // from which it came
	Paper     string // address of the report or order of which it tells
	PaperKind string // report or order
	Step      string // what was done at a stage of a law: "submitted", "extended"
	Stage     string
	Corrected bool // a later entry came in its place
}

// Told is when it was told in a zone other than UTC.
func (l logLine) Told() bool { return l.Zone != "" && l.Zone != "UTC" }

func logLines(log []casebook.Anchor, duties []casebook.Duty) []logLine {
	corrected := map[casebook.ID]bool{}
	for _, a := range log {
		corrected[a.Supersedes] = true
	}
	var lines []logLine
	for _, a := range slices.Backward(log) {
		line := logLine{Anchor: a, Corrected: corrected[a.ID]}
		switch a.Kind {
		case casebook.DutyOpened, casebook.DutyWarned, casebook.DutyMissed, casebook.DutyClosed:
			if id, err := casebook.ParseID(casebook.DutyPrefix, a.Source); err == nil {
				if n := slices.IndexFunc(duties, func(d casebook.Duty) bool { return d.ID == id }); n >= 0 {
					line.Duty, line.Source = &duties[n], ""
					line.Note = strings.TrimPrefix(strings.TrimPrefix(a.Note, duties[n].Regime+" "+duties[n].Stage), ": ")
				}
			}
		case casebook.GradeProposed:
			line.Regime, line.Source = a.Source, ""
			line.Level, line.Reach, _ = strings.Cut(a.Note, " ")
			line.Note = ""
		case casebook.Classified, casebook.Determined:
			line.Regime, line.Source = a.Source, ""
			line.Level, line.Note, _ = strings.Cut(a.Note, ": ")
		case casebook.ReportDrafted, casebook.ReportFiled, casebook.ReportReceived:
			line.Paper, line.PaperKind, line.Source = "/reports/"+a.Source, "report", ""
		case casebook.OrderDrafted, casebook.OrderApproved, casebook.OrderServed, casebook.OrderAnswered, casebook.OrderWithdrawn, casebook.OrderClosed, casebook.RowChecked:
			line.Paper, line.PaperKind, line.Source = "/orders/"+a.Source, "order", ""
		case casebook.CorrectionAsked:
			line.Source = "" // the entry is named by the correction itself
		case casebook.Observed, casebook.Surfaced:
			if _, err := casebook.ParseID(casebook.ThreatPrefix, a.Source); err == nil {
				line.Threat, line.Source = a.Source, ""
			}
		}
		if law, rest, ok := strings.Cut(a.Kind, "/"); ok {
			if stage, step, ok := strings.Cut(rest, "."); ok {
				line.Regime, line.Stage, line.Step, line.Source = law, stage, step, ""
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// logRows is how many entries of a log a page shows at once.
const logRows = 100

func (s *server) incidentPage(x *exchange) error {
	return s.showCase(x, x.request.PathValue("id"), blankForm(x))
}

// showCase shows one incident, with a form that was refused if one was.
func (s *server) showCase(x *exchange, id string, f form) error {
	ctx := x.request.Context()
	c, err := s.readCase(ctx, x.caller.scope, id)
	if err != nil {
		return err
	}
	query := x.request.URL.Query()
	v := caseView{aCase: c, Now: s.desk.Now(), Form: f, Rows: s.gradeRows(c.Grades), Known: factRows(c.Facts), Log: logLines(c.Timeline, c.Duties), Whole: query.Get("log") == "all"}
	if slices.Contains(incidentActs, query.Get("done")) {
		v.Done = query.Get("done")
	}
	if len(v.Log) > logRows && !v.Whole {
		v.Earlier = len(v.Log) - logRows
		v.Log = v.Log[:logRows]
	}
	for _, a := range v.Log {
		if !a.Clock.Known {
			v.Blind++
		}
	}
	var running, over []casebook.Duty
	for _, d := range c.Duties {
		if d.State.Runs() || d.State == casebook.Missed {
			running = append(running, d)
		} else {
			over = append(over, d)
		}
	}
	v.Running, v.Over = bare(v.Now, running), bare(v.Now, over)
	parties, err := s.desk.Reader(x.caller.scope).Parties(ctx)
	if err != nil {
		return err
	}
	if n := slices.IndexFunc(parties, func(p casebook.Party) bool { return p.ID == c.Party }); n >= 0 {
		v.Party = parties[n].Name
		parties = parties[n : n+1]
	}
	packs := s.packsFor(parties, v.Now)
	if v.Runs() {
		v.Rows = s.withRules(v.Rows, packs, slices.DeleteFunc(slices.Clone(parties), func(p casebook.Party) bool { return !p.Own || !p.At(v.Now) }), c)
	}
	v.Figures, v.Others = s.figures(packs, v.Known)
	v.Levels, v.Zones = levelsOf(packs), zonesOf(packs)
	v.Ends = endsOf(c.Timeline)
	if v.Reports, v.Orders, err = s.papersOf(ctx, x.caller.scope, c.ID); err != nil {
		return err
	}
	if f.Status != 0 {
		s.show(x, f.Status, "incident", v)
		return nil
	}
	return s.render(x, "incident", v, c.view())
}

// packsFor gives the laws in force that concern those of some parties for which
// this platform speaks; without one, every law in force.
func (s *server) packsFor(parties []casebook.Party, now time.Time) []*regime.Pack {
	var packs []*regime.Pack
	for _, p := range parties {
		if !p.Own || !p.At(now) {
			continue
		}
		for _, pack := range s.desk.Laws().Concerning(regime.PartyOf(p), now) {
			if !slices.Contains(packs, pack) {
				packs = append(packs, pack)
			}
		}
	}
	if packs == nil {
		return s.desk.Laws().InForce(now)
	}
	slices.SortFunc(packs, func(a, b *regime.Pack) int { return strings.Compare(a.ID, b.ID) })
	return packs
}

// figureGroup is the facts for which one law asks.
type figureGroup struct {
	Pack   *regime.Pack
	Fields []figureField
}

// figureField is one of them, with what was observed of it.
type figureField struct {
	regime.Fact
	Observed *store.KnownFact
}

// figures gives the facts for which some laws ask, each once, and all others.
func (s *server) figures(packs []*regime.Pack, known []factRow) (groups []figureGroup, others []regime.Fact) {
	asked := map[string]bool{}
	register := s.desk.Laws().Facts().List()
	// What is asked of a trojan or botnet comes first: that is the trade.
	packs = slices.Clone(packs)
	slices.SortStableFunc(packs, func(a, b *regime.Pack) int { return cmp.Compare(botnetFacts(b), botnetFacts(a)) })
	for _, p := range packs {
		group := figureGroup{Pack: p}
		for _, name := range p.GradeFacts() {
			n := slices.IndexFunc(register, func(f regime.Fact) bool { return f.Name == name })
			if n < 0 || asked[name] {
				continue
			}
			asked[name] = true
			field := figureField{Fact: register[n]}
			for _, row := range known {
				if row.Name == name {
					field.Observed = row.Observed
				}
			}
			group.Fields = append(group.Fields, field)
		}
		if len(group.Fields) > 0 {
			groups = append(groups, group)
		}
	}
	for _, f := range register {
		if !asked[f.Name] {
			others = append(others, f)
		}
	}
	return groups, others
}

// botnetFacts counts the facts of a pack's rules that speak of controlled addresses.
func botnetFacts(p *regime.Pack) (n int) {
	for _, name := range p.GradeFacts() {
		if strings.HasPrefix(name, "controlled_addresses_") {
			n++
		}
	}
	return n
}

// levelGroup is the levels that a law has.
type levelGroup struct {
	Regime string
	Levels []string
}

func levelsOf(packs []*regime.Pack) []levelGroup {
	var groups []levelGroup
	for _, p := range packs {
		if len(p.Grades.Levels) > 0 {
			groups = append(groups, levelGroup{p.ID, p.Grades.Levels})
		}
	}
	return groups
}

// zonesOf gives the zones in which moments may be told: those of the laws, and UTC.
func zonesOf(packs []*regime.Pack) []string {
	var zones []string
	for _, p := range packs {
		if p.Zone != "" && !slices.Contains(zones, p.Zone) {
			zones = append(zones, p.Zone)
		}
	}
	return append(slices.DeleteFunc(zones, func(z string) bool { return z == "UTC" }), "UTC")
}

// ownParties gives the parties for which this platform speaks now.
func (s *server) ownParties(ctx context.Context, scope casebook.Scope) ([]casebook.Party, error) {
	all, err := s.desk.Reader(scope).Parties(ctx)
	now := s.desk.Now()
	return slices.DeleteFunc(all, func(p casebook.Party) bool { return !p.Own || !p.At(now) }), err
}
