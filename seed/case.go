package seed

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/store"
)

// A maker makes one case.
type maker struct {
	*story
	*rand.Rand
	n      int
	who    string // an officer, as the record names one
	party  casebook.Party
	refs   []casebook.Finding // what its order is about; none: it has no order
	to     casebook.Party     // to whom that goes
	c      store.Case
	opened time.Time
	last   time.Time // of what happened so far
}

// makeCase makes the n-th case as it stands now.
func (s *story) makeCase(n int, opened time.Time) (store.Case, error) {
	m := maker{story: s, Rand: s.dice("case", n), n: n, opened: opened, last: opened}
	m.who = "person:" + officers[skewed(m.Rand, len(officers))]
	m.party = s.parties[s.network[m.IntN(owned)]]
	m.begin()
	if err := m.owe(); err != nil {
		return m.c, err
	}
	if err := m.order(); err != nil {
		return m.c, err
	}
	m.end()
	slices.SortStableFunc(m.c.Anchors, func(a, b casebook.Anchor) int { return a.RecordedAt.Compare(b.RecordedAt) })
	return m.c, nil
}

// id makes a name; those made later sort later.
func (m *maker) id() casebook.ID { return casebook.NewID(m.now) }

// later gives a moment within a span after another, but not one that is still to come.
func (m *maker) later(than time.Time, within time.Duration) time.Time {
	at := than.Add(time.Duration(m.Int64N(int64(within)))).Truncate(time.Second)
	if at.After(m.now) {
		at = m.now
	}
	if at.After(m.last) {
		m.last = at
	}
	return at
}

func (m *maker) log(kind string, at time.Time, source, note string) {
	m.c.Anchors = append(m.c.Anchors, casebook.Anchor{ID: m.id(), Incident: m.c.Incident.ID, Kind: kind, At: at, RecordedAt: later(at, m.opened), By: m.who, Source: source, Note: note})
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// chances are the categories of cases, each as often as it stands here.
var chances = []casebook.Category{
	casebook.BotnetIncident, casebook.BotnetIncident, casebook.BotnetIncident, casebook.BotnetIncident, casebook.BotnetIncident, casebook.BotnetIncident, casebook.BotnetIncident,
	casebook.TrojanIncident, casebook.TrojanIncident, casebook.TrojanIncident, casebook.TrojanIncident,
	casebook.IntrusionIncident, casebook.IntrusionIncident, casebook.DDoSIncident, casebook.DDoSIncident, casebook.DataLeakIncident,
	casebook.DefacementIncident, casebook.NetworkFailureIncident, casebook.ExtortionIncident, casebook.OtherIncident,
}

// begin writes what the case is and how it came.
func (m *maker) begin() {
	i := &m.c.Incident
	i.ID, i.Category, i.Party, i.OpenedAt = m.id(), chances[m.IntN(len(chances))], m.party.ID, m.opened
	i.Mark = casebook.Mark{Tenant: 1, TLP: casebook.Amber, Exercise: m.IntN(100) == 0, RecordedBy: m.who}
	i.Owner = m.who[len("person:"):]
	i.State = m.state()
	where := provinces[m.IntN(len(provinces))]
	i.Title = fmt.Sprintf("%s, %s, call %d", i.Category, where.name, m.n+1)
	if i.Category == casebook.BotnetIncident || i.Category == casebook.TrojanIncident {
		m.takeFindings()
	}
	if len(m.refs) > 0 {
		i.Threat, i.ThreatName = m.refs[0].Threat, m.refs[0].Name
		i.Title = fmt.Sprintf("%s at %s", cmp.Or(m.refs[0].Family, m.refs[0].Name), m.to.Name)
	}
	if i.State == casebook.ProposedIncident {
		i.Owner, i.TriageDue = "", m.opened.Add(casebook.Triage)
		m.log(casebook.Observed, m.opened, i.Threat.Text(casebook.ThreatPrefix), "")
		m.log(casebook.Surfaced, m.opened, i.Threat.Text(casebook.ThreatPrefix), "")
		return
	}
	m.log(casebook.Occurred, m.opened.Add(-time.Duration(m.IntN(240))*time.Minute), "the caller", "")
	m.log(casebook.Received, m.opened, "duty desk of "+m.party.Name, "told by telephone")
	m.log(casebook.OwnerTook, m.opened, "", "")
	facts := m.facts()
	for _, name := range facts.Names() {
		m.c.Facts = append(m.c.Facts, store.KnownFact{Name: name, Value: facts[name], Confirmed: true, At: m.opened, RecordedAt: m.opened, By: m.who})
	}
	many := m.IntN(4)
	if m.n%500 == 3 {
		many = 300 // a case that fills a page
	}
	for range many {
		m.log(casebook.Noted, m.later(m.opened, 72*time.Hour), "", notes[m.IntN(len(notes))])
	}
	m.grade()
}

// graded are the laws under which a person grades a case at once.
var graded = []string{"cn-miit-2009-156", "cn-cac-2025", "cn-miit-2017-emergency-plan"}

// grade writes a person's grades for most cases, light ones more often than grave ones.
func (m *maker) grade() {
	if m.IntN(6) == 0 {
		return
	}
	light := skewed(m.Rand, 4)
	at := m.opened.Add(time.Duration(1+m.IntN(50)) * time.Second)
	for _, law := range graded {
		pack, err := m.desk.Laws().Find(law)
		if err != nil || len(pack.Grades.Levels) == 0 {
			continue
		}
		level := pack.Grades.Levels[max(0, len(pack.Grades.Levels)-1-light)]
		m.c.Grades = append(m.c.Grades, casebook.Grade{ID: m.id(), Incident: m.c.Incident.ID, Regime: law, Pack: pack.Digest, Standing: casebook.ConfirmedHere, Level: level,
			Reach: casebook.Reached, Figures: casebook.Facts{}, At: at, By: m.who, Reason: "by the figures at hand", RecordedAt: at})
		m.log(casebook.Classified, at, law, level+": by the figures at hand")
	}
}

var notes = []string{
	"called the operator back; they see the same flows", "asked for the register of customers behind the range",
	"second source confirms the controller", "the party asks for more time to find the customer", "sinkhole counts fall since noon",
}

// state throws where the case stands: of the last three weeks many are open, of the
// months before few.
func (m *maker) state() casebook.IncidentState {
	young, r := m.Until.Sub(m.opened) < 21*24*time.Hour, m.IntN(1000)
	switch {
	case m.Until.Sub(m.opened) < time.Hour && r < 300:
		return casebook.ProposedIncident
	case young && r < 600, r < 8:
		return casebook.OpenIncident
	case r > 970:
		return casebook.VoidIncident
	}
	return casebook.ClosedIncident
}

// facts gives figures that fit the category, small ones far more often than large.
func (m *maker) facts() casebook.Facts {
	size := func(most float64) casebook.Value {
		return casebook.NumberValue(int64(math.Pow(10, m.Float64()*most)))
	}
	switch m.c.Incident.Category {
	case casebook.BotnetIncident, casebook.TrojanIncident:
		return casebook.Facts{"controlled_addresses_unique_24h": size(6.3)}
	case casebook.NetworkFailureIncident, casebook.DDoSIncident:
		return casebook.Facts{"users_offline": size(6)}
	case casebook.DataLeakIncident, casebook.ExtortionIncident:
		return casebook.Facts{"persons_data": size(7)}
	}
	return nil
}

// end writes how the case ended, if it did.
func (m *maker) end() {
	i := &m.c.Incident
	at := later(m.last, m.later(m.opened, 12*24*time.Hour))
	i.RecordedAt = at
	switch i.State {
	case casebook.ClosedIncident:
		m.log(casebook.Handled, at, "", "nothing more is seen")
		m.log(casebook.Closed, at, "", "nothing more is seen")
	case casebook.VoidIncident:
		m.log(casebook.Dismissed, at, "", "a test network of the caller's own")
	}
}

// owe reckons by law what is owed, and says what became of each duty. An incident that
// a rule proposed owes nothing firm.
func (m *maker) owe() error {
	facts := casebook.Facts{}
	for _, f := range m.c.Facts {
		facts[f.Name] = f.Value
	}
	answer, err := m.desk.Laws().Due(regime.Of(m.party, facts, m.c.Grades, m.c.Anchors), m.opened.Add(time.Minute))
	if err != nil {
		return err
	}
	proposed := m.c.Incident.State == casebook.ProposedIncident
	for _, line := range answer.Duties {
		if line.OwedBy != "" && !slices.Contains(m.party.Roles, line.OwedBy) || !line.State.Runs() && line.State != casebook.Missed {
			continue
		}
		if line.State == casebook.Unset && m.c.Incident.State == casebook.ClosedIncident && m.IntN(2) > 0 {
			continue // somebody said at once that it isn't owed
		}
		duty := store.CaseDuty{Duty: line.Duty}
		if duty.State = casebook.OpenDuty; line.State == casebook.Unset || proposed {
			duty.State, duty.Provisional = casebook.Unset, true
			duty.Blank = cmp.Or(duty.Blank, regime.Unconfirmed)
		}
		m.addDuty(duty, line)
	}
	return nil
}

func (m *maker) addDuty(d store.CaseDuty, line regime.Due) {
	i := m.c.Incident
	mark := i.Mark
	mark.Region = m.party.Region
	d.ID, d.Mark, d.Incident, d.Party, d.PartyName, d.RecordedAt = m.id(), mark, i.ID, m.party.ID, m.party.Name, m.opened
	id := d.ID.Text(casebook.DutyPrefix)
	d.Steps = []store.DutyChange{{State: d.State, At: d.Started, RecordedAt: m.opened, By: m.who}}
	m.log(casebook.DutyOpened, m.opened, id, d.Regime+" "+d.Stage)
	state, at := m.became(d.Duty)
	if state != d.State {
		d.State, d.RecordedAt = state, later(at, m.opened)
		switch state {
		case casebook.Met, casebook.Late:
			d.MetAt = at
			m.log(d.Regime+"/"+d.Stage+".submitted", at, "", "")
		case casebook.Missed:
			d.Reason = "due and not filed"
			m.log(casebook.DutyMissed, at, id, d.Regime+" "+d.Stage)
		case casebook.Superseded:
			d.Reason = "no longer to be graded"
		case casebook.Suspended:
			d.Reason = "the police asked to wait"
		case casebook.VoidDuty:
			d.Reason = "a test network of the caller's own"
		}
		d.Steps = append(d.Steps, store.DutyChange{State: state, At: at, Reason: d.Reason, RecordedAt: d.RecordedAt, By: m.who})
	}
	for _, moment := range d.Moments() {
		if !moment.After(m.Until) {
			d.Told++
		}
	}
	m.c.Duties = append(m.c.Duties, d)
	m.report(&d.Duty, line)
}

// became throws what became of a duty, and when.
func (m *maker) became(d casebook.Duty) (casebook.DutyState, time.Time) {
	limit := max(d.Due.Sub(m.opened), time.Minute)
	switch i := m.c.Incident; {
	case i.State == casebook.VoidIncident:
		return casebook.VoidDuty, m.later(m.opened, limit)
	case d.State == casebook.Unset && i.State == casebook.ClosedIncident:
		return casebook.Superseded, m.later(m.opened, limit)
	case d.State == casebook.Unset:
		return casebook.Unset, d.Started
	}
	over := d.Due.Before(m.Until)
	switch r := m.IntN(100); {
	case r < 2 && m.c.Incident.State == casebook.OpenIncident:
		return casebook.Suspended, m.later(m.opened, limit)
	case r < 7 && over:
		return casebook.Missed, d.Due
	case r < 15 && over && d.Due.Add(48*time.Hour).Before(m.Until):
		return casebook.Late, m.later(d.Due.Add(time.Second), 48*time.Hour)
	case over, m.c.Incident.State == casebook.ClosedIncident, r < 50:
		return casebook.Met, earlier(m.later(m.opened, limit), d.Due)
	}
	return casebook.OpenDuty, d.Started
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
