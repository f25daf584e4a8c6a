package seed

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/regime"
	"tocsin/report"
	"tocsin/store"
)

// report writes the filing that met a duty, or for some that are open a draft. Of what
// was met every second was filed elsewhere, and only the fact is here.
func (m *maker) report(d *casebook.Duty, line regime.Due) {
	filed := d.State == casebook.Met || d.State == casebook.Late
	if !filed && (d.State != casebook.OpenDuty || m.IntN(3) > 0) || filed && m.IntN(2) == 0 {
		return
	}
	r := store.CaseReport{Report: casebook.Report{ID: m.id(), Mark: d.Mark, Incident: d.Incident, Duty: d.ID, Party: d.Party, Regime: d.Regime, Stage: d.Stage, OpenedAt: m.opened, RecordedAt: m.opened}}
	form := m.form(d, line)
	r.Draft = form.Frozen()
	id := r.ID.Text(casebook.ReportPrefix)
	m.log(casebook.ReportDrafted, m.opened, id, d.Regime+" "+d.Stage)
	if filed {
		m.file(&r, form, d)
	}
	m.c.Reports = append(m.c.Reports, r)
}

func (m *maker) form(d *casebook.Duty, line regime.Due) report.Form {
	f := report.Matter{At: d.MetAt, Lang: report.English, Incident: m.c.Incident, Party: m.party, Filler: m.c.Incident.Owner, Facts: casebook.Facts{}, Timeline: m.c.Anchors, Duty: *d}
	for _, fact := range m.c.Facts {
		f.Facts[fact.Name] = fact.Value
	}
	for n, ref := range m.refs {
		f.Rows = append(f.Rows, report.RowOf(n+1, ref))
	}
	for _, role := range d.To {
		f.To = append(f.To, report.Addressee{Role: role, Name: strings.ReplaceAll(role, "_", " ")})
	}
	f.Stage = report.Stage{Regime: d.Regime, ID: d.Stage, Name: line.Name, Article: d.Article, Pack: d.Pack, Content: line.Content}
	return report.Draft(f)
}

// channels is how reports are filed.
var channels = []string{"program", "program", "program", "portal", "phone", "mail", "fax"}

func (m *maker) file(r *store.CaseReport, form report.Form, d *casebook.Duty) {
	v := &r.Version
	*v = casebook.ReportVersion{Report: r.ID, Number: 1, FiledAt: d.MetAt, Channel: channels[m.IntN(len(channels))], By: m.who, RecordedAt: later(d.MetAt, m.opened)}
	if d.State == casebook.Late {
		v.LateReason = "the figures came late from the branch"
	}
	form.Report, form.Version, form.At, form.Late = r.ID, 1, v.FiledAt, v.LateReason
	text, err := form.JSON()
	if err != nil {
		panic("seed: a form that can't be written: " + err.Error()) // it holds text alone
	}
	r.Filed, v.Digest = text, sha256.Sum256(text)
	r.State, r.Report.Version, r.RecordedAt = casebook.FiledReport, 1, v.RecordedAt
	id := r.ID.Text(casebook.ReportPrefix)
	m.log(casebook.ReportFiled, v.FiledAt, id, "version 1 by "+v.Channel)
	for n, a := range form.To {
		to := casebook.Recipient{ID: m.id(), Report: r.ID, Version: 1, Role: a.Role, Name: a.Name, DispatchedAt: v.FiledAt, RecordedAt: v.RecordedAt, Proof: "250 taken"}
		if m.IntN(5) > 0 {
			to.DeliveredAt = m.later(v.FiledAt, time.Hour)
			to.AcknowledgedAt = m.later(to.DeliveredAt, 12*time.Hour)
			to.Reference = fmt.Sprintf("R-%d-%d", m.n+1, n+1)
			m.log(casebook.ReportReceived, to.AcknowledgedAt, id, to.Name+": acknowledged")
		}
		r.To = append(r.To, to)
		if v.Channel == "program" {
			m.post("report", fmt.Sprintf("rep-%s-1-%d", strings.TrimPrefix(id, "rep_"), n+1), form.Subject(report.English), v.FiledAt)
		}
	}
}

// post writes the line of the outbox that carried something; a few were never taken.
func (m *maker) post(kind, message, subject string, at time.Time) {
	payload, err := json.Marshal(desk.Message{Target: "mailto:duty@names.example", Subject: subject, Text: subject + ".\n", Body: json.RawMessage(`{}`), At: at, Urgent: true})
	if err != nil {
		panic("seed: a message that can't be written: " + err.Error())
	}
	o := store.Outgoing{OutboxLine: store.OutboxLine{Tenant: 1, Kind: kind, MessageID: message, Payload: payload, DueAt: at}, State: store.OutboxSent, Attempts: 1, Fault: "mailto:duty@names.example 250 taken", RecordedAt: later(at, m.opened)}
	if m.IntN(300) == 0 {
		o.State, o.Attempts, o.Fault = store.OutboxDead, 9, "550 no such mailbox"
	}
	m.c.Outbox = append(m.c.Outbox, o)
}

// takeFindings takes findings of one party in one threat that no order was about yet.
func (m *maker) takeFindings() {
	holders := m.network
	if m.IntN(3) == 0 {
		holders = m.hosting
	}
	m.to = m.parties[holders[skewed(m.Rand, len(holders))]]
	pool := m.pool[m.to.Name]
	if len(pool) == 0 {
		return
	}
	first := pool[m.IntN(len(pool))]
	all := m.n%500 == 7 // an order that fills a page
	var rest []casebook.Finding
	for _, f := range pool {
		if f.Threat == first.Threat || all {
			m.refs = append(m.refs, f)
		} else {
			rest = append(rest, f)
		}
	}
	if len(m.refs) > 0 {
		m.pool[m.to.Name] = rest
	}
}

// order orders the party to clean what was found, and says what became of it.
func (m *maker) order() error {
	i := m.c.Incident
	if len(m.refs) == 0 || i.State == casebook.ProposedIncident || i.State == casebook.VoidIncident {
		return nil
	}
	power, err := m.power()
	if err != nil {
		return err
	}
	mark := i.Mark
	o := store.CaseOrder{Order: casebook.Order{ID: m.id(), Mark: mark, Incident: i.ID, Party: m.to.ID, PartyName: m.to.Name, By: m.parties[0].ID, State: m.orderState(),
		Measure: "clean", Power: power.Regime + "/" + power.ID, Article: power.Article, Pack: power.Pack, Form: power.Form, Limit: 72 * time.Hour,
		Text: "Clean these machines, or tell us why not."}}
	id := o.ID.Text(casebook.OrderPrefix)
	drafted := m.later(m.opened, 6*time.Hour)
	o.RecordedAt = drafted
	m.log(casebook.OrderDrafted, drafted, id, fmt.Sprintf("%s, %d rows, to %s under %s", o.Measure, len(m.refs), m.to.Name, o.Power))
	if o.State != casebook.DraftOrder {
		o.ApprovedBy = "person:supervisor"
		m.log(casebook.OrderApproved, m.later(drafted, time.Hour), id, "")
	}
	if o.State >= casebook.ServedOrder {
		o.ServedAt = m.later(drafted.Add(time.Minute), 4*time.Hour)
		o.Due, o.RecordedAt = o.ServedAt.Add(o.Limit), o.ServedAt
		m.tasks[o.ServedAt.Year()]++
		task, err := report.NewTaskNumber("CN", o.ServedAt.Year(), m.tasks[o.ServedAt.Year()])
		if err != nil {
			return err
		}
		o.Task = task.String()
		m.log(casebook.OrderServed, o.ServedAt, id, o.Task+"; 250 taken")
		m.post("order", "ord-"+strings.TrimPrefix(id, "ord_"), o.Task, o.ServedAt)
	}
	for n, f := range m.refs {
		m.row(&o, n+1, f)
	}
	m.c.Orders = append(m.c.Orders, o)
	return nil
}

// power is what orders to a party rest on at the moment, as a station would find it.
func (m *maker) power() (p regime.Power, err error) {
	for _, role := range m.to.Roles {
		if p, err = m.desk.Laws().Power(m.opened, "order", "authority", role); err == nil {
			return p, nil
		}
	}
	return p, err
}

func (m *maker) orderState() casebook.OrderState {
	r := m.IntN(100)
	switch {
	case m.c.Incident.State == casebook.ClosedIncident && r < 94:
		return casebook.ClosedOrder
	case m.c.Incident.State == casebook.ClosedIncident:
		return casebook.WithdrawnOrder
	case r < 10:
		return casebook.DraftOrder
	case r < 15:
		return casebook.ApprovedOrder
	}
	return casebook.ServedOrder
}

// row writes one finding of an order, with what was answered and what was seen since.
func (m *maker) row(o *store.CaseOrder, number int, f casebook.Finding) {
	r := casebook.OrderRow{Order: o.ID, Number: number, Finding: f.ID, Asset: f.Asset, Port: f.Port, Role: f.Role, FirstSeen: f.FirstSeen, LastSeen: f.LastSeen, RecordedAt: o.RecordedAt}
	finding := casebook.Open
	if o.State >= casebook.ServedOrder && o.State != casebook.WithdrawnOrder {
		finding = casebook.Told
	}
	if finding == casebook.Told && (o.State == casebook.ClosedOrder || m.IntN(3) > 0) {
		r.State, r.Answer = casebook.AnsweredRow, casebook.AnswerKind(1+m.IntN(10))
		if m.IntN(2) == 0 {
			r.Answer = casebook.AnswerDone
		}
		r.AnsweredAt = m.later(o.ServedAt, o.Limit)
		r.RecordedAt = r.AnsweredAt
		if r.Answer.Claims() {
			finding = casebook.ClaimedClean
		}
	}
	if o.State == casebook.ClosedOrder {
		r.CheckedAt = m.later(r.AnsweredAt, 10*24*time.Hour)
		r.State, finding, r.Why, r.RecordedAt = casebook.UnverifiedRow, casebook.Unverified, "no source looked since", r.CheckedAt
		switch w := m.IntN(10); {
		case r.Answer.Claims() && w < 7:
			r.State, finding, r.Why = casebook.VerifiedRow, casebook.Verified, "not seen since, by a source that looked"
		case r.Answer.Claims() && w < 8:
			finding = casebook.Relapsed
		case r.Answer == casebook.AnswerNotOurs:
			finding = casebook.Void
		}
	}
	o.Rows, o.Findings = append(o.Rows, r), append(o.Findings, finding)
}
