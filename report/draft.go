package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

// Matter is what is known when a form is drafted.
type Matter struct {
	At       time.Time
	Lang     Lang // in which values that the draft words itself are written
	Incident casebook.Incident
	Party    casebook.Party // who reports
	Filler   string         // the person who fills it in
	Phone    string
	Threat   casebook.Threat   // that the incident grew from; zero without
	Grades   []casebook.Grade  // of the incident, any order; those of the duty's regime count
	Facts    casebook.Facts    // figures of the incident
	Rows     []Row             // its findings
	Timeline []casebook.Anchor // its log, any order
	Orders   []Ordered         // of the incident, oldest first
	Duty     casebook.Duty     // that the filing meets; zero for one that no duty asks for
	Stage    Stage
	To       []Addressee
	// Earlier are the fields of the newest version filed before on the same incident:
	// what a person wrote there is carried on.
	Earlier []casebook.FormField
	Task    string
}

// Stage is what a pack says of the act, as far as a form needs it.
type Stage struct {
	Regime, ID, Name, Article, Pack string
	Content                         []string // in the pack's words
}

// Draft fills a form from what is known. It has the fields that every form has, in
// the order of the official ones, and one for whatever else the stage's content asks
// for. A field that the stage asks for at once is required; what may follow, or is
// asked for only where there is something to say, isn't. What nobody knows stays
// empty: a draft never guesses.
func Draft(m Matter) Form {
	f := Form{
		Incident: m.Incident.ID, Party: m.Party.Name, Regime: m.Stage.Regime, Stage: m.Stage.ID,
		Says: m.Stage.Name, Article: m.Stage.Article, Pack: m.Stage.Pack,
		Anchor: m.Duty.Anchor, Started: m.Duty.Started, Due: m.Duty.Due, Zone: m.Duty.Zone,
		Task: m.Task, TLP: m.Incident.Mark.TLP, Exercise: m.Incident.Mark.Exercise,
		At: m.At, To: slices.Clone(m.To), Rows: slices.Clone(m.Rows),
	}
	f.Fields = fieldsFor(m.Stage.Content, m.Incident.Category)
	d := drafter{m: m, zone: m.Duty.Zone}
	for i := range f.Fields {
		field := &f.Fields[i]
		field.Value, field.From = d.fill(field.ID)
	}
	carry(f.Fields, m.Earlier)
	return f
}

// fresh are the fields that are never older than the draft: figures, moments, and who
// writes. What an earlier version said of them is carried into an empty one at most.
var fresh = []string{"to", "copy_to", "unit", "occurred", "kind", "grade", "place", "controllers", "distributors", "infected"}

// carry puts what a person wrote in an earlier version over the draft, which says beside it
// what is known now. "Not yet known" gives way to whatever is known.
func carry(fields []Field, earlier []casebook.FormField) {
	for i := range fields {
		field := &fields[i]
		for _, old := range earlier {
			said := Field{Value: old.Value}
			if old.ID != field.ID || said.Empty() || slices.Contains([]string{"filler", "reported", "status"}, old.ID) {
				continue
			}
			if field.Empty() || old.ByPerson() && !said.Open() && !slices.Contains(fresh, old.ID) {
				field.Known, field.Value, field.From, field.Secret = field.Value, old.Value, old.From, old.Secret
			}
		}
	}
}

// fieldsFor gives the fields of a stage, empty.
func fieldsFor(content []string, category casebook.Category) []Field {
	asked := asks(content)
	var fields []Field
	for _, k := range kinds {
		field := Field{ID: k.id, Label: k.label, Required: k.need, Later: true}
		wanted := k.base
		for _, a := range asked {
			if slices.Contains(a.fields, k.id) {
				wanted = true
				field.Required = field.Required || !a.later && !a.optional ||
					k.id == "ransom" && a.optional && category == casebook.ExtortionIncident && !a.later
				field.Asked = line(field.Asked, a.words)
			}
		}
		field.Later = !field.Required
		if wanted {
			fields = append(fields, field)
		}
	}
	for _, a := range asked {
		if !a.own {
			continue
		}
		if i := slices.IndexFunc(fields, func(f Field) bool { return f.ID == a.fields[0] }); i >= 0 {
			fields[i].Required = fields[i].Required || !a.later && !a.optional
			fields[i].Later = !fields[i].Required
			continue
		}
		fields = append(fields, Field{
			ID: a.fields[0], Label: Words{EN: a.words, ZH: inWords(a.words, Chinese)}, Asked: a.words,
			Required: !a.later && !a.optional, Later: a.later || a.optional,
		})
	}
	return fields
}

func line(text, more string) string {
	if text == "" || text == more {
		return more
	}
	return text + "\n" + more
}

// drafter words the values of one draft.
type drafter struct {
	m    Matter
	zone string
}

func (d drafter) say(w Words) string { return w.In(d.m.Lang) }

// fill gives the value of a field and where it came from; "" where nobody knows.
func (d drafter) fill(id string) (value, from string) {
	m := d.m
	switch id {
	case "to":
		return known(names(m.To, false), "pack")
	case "copy_to":
		return known(names(m.To, true), "pack")
	case "unit":
		return known(m.Party.Name, "party:"+m.Party.ID.Text(casebook.PartyPrefix))
	case "filler":
		return known(m.Filler, "account:"+m.Filler)
	case "phone":
		return known(m.Phone, "account:"+m.Filler)
	case "occurred":
		return d.moment(casebook.Occurred)
	case "reported":
		return moment(m.At, d.zone), "clock"
	case "name":
		return known(m.Incident.Title, "incident:"+m.Incident.ID.Text(casebook.IncidentPrefix))
	case "description":
		return d.description()
	case "kind":
		return d.say(categoryWords[m.Incident.Category]), "incident:" + m.Incident.ID.Text(casebook.IncidentPrefix)
	case "grade":
		return d.grade()
	case "place":
		return known(m.Incident.Mark.Region, "incident:"+m.Incident.ID.Text(casebook.IncidentPrefix))
	case "controllers":
		return d.endpoints(casebook.Controller)
	case "distributors":
		return d.endpoints(casebook.Distributor)
	case "infected":
		return d.infected()
	case "harm":
		return d.harm()
	case "measures":
		return d.measures()
	}
	return "", ""
}

func known(value, from string) (string, string) {
	if strings.TrimSpace(value) == "" {
		return "", ""
	}
	return value, from
}

func names(to []Addressee, copies bool) string {
	var said []string
	for _, a := range to {
		if a.Copy == copies {
			said = append(said, a.Name)
		}
	}
	return strings.Join(said, "; ")
}

// moment finds the newest word of the log on when something happened: an entry that
// another one corrects doesn't count.
func (d drafter) moment(kind string) (value, from string) {
	a, ok := newest(d.m.Timeline, kind)
	if !ok {
		return "", ""
	}
	zone := a.Zone
	if zone == "" {
		zone = d.zone
	}
	return moment(a.At, zone), "anchor:" + a.ID.Text(casebook.AnchorPrefix)
}

func newest(log []casebook.Anchor, kind string) (found casebook.Anchor, ok bool) {
	replaced := map[casebook.ID]bool{}
	for _, a := range log {
		if !a.Supersedes.IsZero() {
			replaced[a.Supersedes] = true
		}
	}
	for _, a := range log {
		if a.Kind == kind && !replaced[a.ID] && (!ok || a.RecordedAt.After(found.RecordedAt)) {
			found, ok = a, true
		}
	}
	return found, ok
}

func (d drafter) description() (value, from string) {
	m := d.m
	said := []string{fmt.Sprintf("%s: %s.", d.say(categoryWords[m.Incident.Category]), m.Incident.Title)}
	if m.Incident.Title == "" {
		return "", ""
	}
	if !m.Threat.ID.IsZero() {
		said = append(said, fmt.Sprintf(d.say(Words{
			"%s was seen from %s to %s, in %d observations of %d assets.",
			"%s的观测时间为 %s 至 %s，共 %d 次观测，涉及 %d 个对象。"}),
			m.Threat.Name, moment(m.Threat.FirstSeen, d.zone), moment(m.Threat.LastSeen, d.zone), m.Threat.Count, m.Threat.Findings))
	}
	return strings.Join(said, " "), "incident:" + m.Incident.ID.Text(casebook.IncidentPrefix)
}

// grade gives the grade that counts under the duty's regime: determined before
// confirmed before proposed, and says whose word it is.
func (d drafter) grade() (value, from string) {
	best := -1
	for i, g := range d.m.Grades {
		if g.Regime != d.m.Stage.Regime || g.Standing == casebook.Reported || g.Level == "" {
			continue
		}
		if best < 0 || g.Standing > d.m.Grades[best].Standing ||
			g.Standing == d.m.Grades[best].Standing && g.RecordedAt.After(d.m.Grades[best].RecordedAt) {
			best = i
		}
	}
	if best < 0 {
		return "", ""
	}
	g := d.m.Grades[best]
	said := fmt.Sprintf("%s (%s)", d.level(g.Level), d.say(standingWords[g.Standing]))
	for _, name := range g.Figures.Names() {
		said += fmt.Sprintf("; %s %s", human(name), g.Figures[name])
	}
	return said, "grade:" + g.ID.Text(casebook.GradePrefix)
}

func (d drafter) level(word string) string {
	if w, ok := levelWords[word]; ok {
		return d.say(w)
	}
	return human(word)
}

// maxListed is how many endpoints a field lists; the rows have them all.
const maxListed = 50

func (d drafter) endpoints(role casebook.Role) (value, from string) {
	var said []string
	n := 0
	for _, r := range d.m.Rows {
		if r.Role != role {
			continue
		}
		if n++; n <= maxListed {
			said = append(said, r.endpoint())
		}
	}
	if n > maxListed {
		said = append(said, fmt.Sprintf(d.say(Words{"and %d more, see the rows", "另有 %d 个，见附表"}), n-maxListed))
	}
	return known(strings.Join(said, "\n"), "findings")
}

// infected writes how many are infected: an interval with its window, never the
// running total, which grows for ever as machines change their addresses.
func (d drafter) infected() (value, from string) {
	for _, s := range d.m.Threat.Sizes {
		if s.Role != casebook.Bot || s.UniqueTotal == 0 {
			continue
		}
		s = s.Bounded()
		return fmt.Sprintf(d.say(Words{
				"%s different addresses within 24 hours (%s within 1 hour)",
				"24小时内不同地址 %s 个（1小时内 %s 个）"}), interval(s.Unique24h), interval(s.Concurrent1h)),
			"threat:" + d.m.Threat.ID.Text(casebook.ThreatPrefix)
	}
	var said, pointers []string
	for _, w := range countWords {
		if v, ok := d.m.Facts[w.fact]; ok && v.Kind == casebook.Number {
			said = append(said, fmt.Sprintf(d.say(w.says), interval(v.Number)))
			pointers = append(pointers, "fact:"+w.fact)
		}
	}
	return known(strings.Join(said, "; "), strings.Join(pointers, " "))
}

// harm lists the figures of the incident that aren't told elsewhere, under their
// own names.
func (d drafter) harm() (value, from string) {
	var said, pointers []string
	for _, name := range d.m.Facts.Names() {
		told := slices.ContainsFunc(countWords, func(w countWord) bool { return w.fact == name })
		if v := d.m.Facts[name]; v.Kind != casebook.Unknown && !told {
			said = append(said, human(name)+": "+v.String())
			pointers = append(pointers, "fact:"+name)
		}
	}
	return known(strings.Join(said, "; "), strings.Join(pointers, " "))
}

func interval(i casebook.Interval) string {
	if i.Low == i.High {
		return fmt.Sprint(i.Point)
	}
	return fmt.Sprintf("%d (%d–%d)", i.Point, i.Low, i.High)
}
