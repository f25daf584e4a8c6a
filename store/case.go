package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tocsin/casebook"
)

// A Case is an incident with all that was written of it, as the stations would have
// left it. Everything in it has its name already, and the moment at which it was
// recorded; the duty of a report and the rows of an order are inside.
type Case struct {
	Incident casebook.Incident
	Anchors  []casebook.Anchor
	Facts    []KnownFact
	Grades   []casebook.Grade
	Duties   []CaseDuty
	Reports  []CaseReport
	Orders   []CaseOrder
	Outbox   []Outgoing
}

// A CaseDuty is a duty with its steps.
type CaseDuty struct {
	casebook.Duty
	Steps []DutyChange
}

// A CaseReport is a report with at most one filing; Filed is the form as it was filed,
// nil for a draft.
type CaseReport struct {
	casebook.Report
	Draft   []casebook.FormField
	Filed   []byte
	Version casebook.ReportVersion
	To      []casebook.Recipient
}

// A CaseOrder is an order with its rows, and where each of their findings stands.
type CaseOrder struct {
	casebook.Order
	Rows     []casebook.OrderRow
	Findings []casebook.State
}

// AddCases writes whole cases, a table at a time: the same rows that the stations
// write one act at a time, hundreds of times as fast. Parties, threats and findings
// that the cases name must be there.
func (tx *Tx) AddCases(cases []Case) error {
	w := caseWriter{tx: tx, parties: map[casebook.ID]int64{}, threats: map[casebook.ID]int64{}, duties: map[casebook.ID]int64{}, rows: map[*table][][]any{}, counts: tallies{}}
	if err := w.findFindings(cases); err != nil {
		return err
	}
	for i := range cases {
		if err := w.add(&cases[i]); err != nil {
			return fmt.Errorf("case %q: %w", cases[i].Incident.Title, err)
		}
	}
	for _, t := range []*table{incidentTable, anchorTable, factTable, gradeTable, dutyTable, dutyChangeTable, reportTable, versionTable, recipientTable,
		orderTable, orderRowTable, outboxTable, shareTable} {
		if err := w.insert(t); err != nil {
			return err
		}
	}
	for n, id := range w.incidents { // what pages count and search by
		if err := w.tx.titleTerms(id, "", cases[n].Incident.Title); err != nil {
			return err
		}
		if len(cases[n].Grades) == 0 {
			continue
		}
		if err := w.tx.gradesStand(id); err != nil {
			return err
		}
	}
	return w.moveFindings()
}

// A caseWriter gathers the rows of cases by their tables. Their numbers come last, all
// of a table at once; what others refer to is numbered before.
type caseWriter struct {
	tx                       *Tx
	parties, threats, duties map[casebook.ID]int64
	findings                 map[casebook.ID]*findingRow
	moved                    []movedFinding
	incidents                []int64 // of the cases, in their order
	counts                   tallies
	rows                     map[*table][][]any
}

// A movedFinding is where a finding stands now, as far as it is a party's.
type movedFinding struct {
	finding *findingRow
	party   casebook.ID
	state   casebook.State
	at      time.Time
}

// put adds a row of a table; id 0 is given with all the others.
func (w *caseWriter) put(t *table, id int64, values ...any) {
	w.rows[t] = append(w.rows[t], append([]any{id, w.tx.salt()}, values...))
}

func (w *caseWriter) insert(t *table) error {
	rows := w.rows[t]
	missing := 0
	for _, row := range rows {
		if row[0].(int64) == 0 {
			missing++
		}
	}
	ids, err := w.tx.takeIDs(t.name, missing)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row[0].(int64) == 0 {
			row[0], ids = ids[0], ids[1:]
		}
	}
	return w.tx.insert(t, rows...)
}

func (w *caseWriter) add(c *Case) (err error) {
	i := incidentRow{Incident: c.Incident, next: c.Incident.TriageDue}
	if i.threat, err = w.tx.numberOnce(w.threats, "threat", casebook.ThreatPrefix, i.Threat); err != nil {
		return err
	}
	if i.party, err = w.tx.numberOnce(w.parties, "party", casebook.PartyPrefix, i.Party); err != nil {
		return err
	}
	if i.id, err = w.tx.id("incident"); err != nil {
		return err
	}
	w.incidents = append(w.incidents, i.id)
	w.put(incidentTable, i.id, i.row()[2:]...)
	for _, a := range c.Anchors {
		w.put(anchorTable, 0, slices.Clone(a.ID[:]), i.id, a.Kind, micros(a.At), a.Zone, micros(a.RecordedAt), a.By, a.Source, a.Note, int64(0),
			bit(a.Clock.Known), a.Clock.Offset.Microseconds(), a.Clock.Bound.Microseconds(), a.Clock.Source)
	}
	for _, f := range c.Facts {
		value, err := json.Marshal(f.Value)
		if err != nil {
			return err
		}
		w.put(factTable, 0, i.id, f.Name, string(value), bit(f.Confirmed), micros(f.At), micros(f.RecordedAt), f.By)
	}
	for _, g := range c.Grades {
		figures, err := json.Marshal(g.Figures)
		if err != nil {
			return err
		}
		w.put(gradeTable, 0, slices.Clone(g.ID[:]), i.id, g.Regime, g.Pack, int64(g.Standing), g.Level, int64(g.Reach), g.Rule, g.Article,
			g.Confidence, string(figures), g.Blank, micros(g.At), g.Reason, micros(g.RecordedAt), g.By)
	}
	for _, d := range c.Duties {
		if err := w.addDuty(i.id, d); err != nil {
			return err
		}
	}
	for n := range c.Reports {
		if err := w.addReport(i.id, &c.Reports[n]); err != nil {
			return err
		}
	}
	for n := range c.Orders {
		if err := w.addOrder(i.id, &c.Orders[n]); err != nil {
			return err
		}
	}
	for _, o := range c.Outbox {
		w.put(outboxTable, 0, o.Tenant, w.tx.actor, micros(o.RecordedAt), o.Kind, o.MessageID, octets(o.Payload), int64(o.State), int64(o.Attempts), micros(o.DueAt), o.Fault)
	}
	return nil
}

func (w *caseWriter) addDuty(incident int64, d CaseDuty) (err error) {
	row := dutyRow{incident: incident, Duty: d.Duty}
	if row.party, err = w.tx.numberOnce(w.parties, "party", casebook.PartyPrefix, d.Party); err != nil {
		return err
	}
	if row.id, err = w.tx.id("duty"); err != nil {
		return err
	}
	row.supersedes = w.duties[d.Supersedes]
	w.duties[d.ID] = row.id
	values, err := row.row()
	if err != nil {
		return err
	}
	w.put(dutyTable, row.id, values[2:]...)
	for _, s := range d.Steps {
		w.put(dutyChangeTable, 0, row.id, int64(s.State), micros(s.At), s.Reason, micros(s.RecordedAt), s.By)
	}
	return nil
}

func (w *caseWriter) addReport(incident int64, r *CaseReport) (err error) {
	row := reportRow{incident: incident, duty: w.duties[r.Duty], Report: r.Report}
	if row.party, err = w.tx.numberOnce(w.parties, "party", casebook.PartyPrefix, r.Party); err != nil {
		return err
	}
	if row.draft, err = fieldsText(r.Draft); err != nil {
		return err
	}
	if row.id, err = w.tx.id("report"); err != nil {
		return err
	}
	w.put(reportTable, row.id, row.row()[2:]...)
	if r.Filed == nil {
		return nil
	}
	v := r.Version
	w.put(versionTable, 0, row.id, int64(v.Number), row.draft, string(r.Filed), slices.Clone(v.Digest[:]), micros(v.FiledAt), v.Channel, v.LateReason, int64(v.Corrects), micros(v.RecordedAt), v.By)
	for _, to := range r.To {
		w.put(recipientTable, 0, slices.Clone(to.ID[:]), row.id, int64(to.Version), to.Role, to.Name, bit(to.Copy), "",
			micros(to.DispatchedAt), micros(to.DeliveredAt), micros(to.AcknowledgedAt), to.Reference, to.Proof, micros(to.RecordedAt))
	}
	w.share(casebook.SharedReport, row.id, r.Party, "filed", v.RecordedAt)
	return nil
}

func (w *caseWriter) addOrder(incident int64, o *CaseOrder) (err error) {
	row := orderRow{incident: incident, Order: o.Order}
	if row.party, err = w.tx.numberOnce(w.parties, "party", casebook.PartyPrefix, o.Party); err != nil {
		return err
	}
	if row.by, err = w.tx.numberOnce(w.parties, "party", casebook.PartyPrefix, o.By); err != nil {
		return err
	}
	if row.id, err = w.tx.id("orders"); err != nil {
		return err
	}
	w.put(orderTable, row.id, row.row()[2:]...)
	for n, r := range o.Rows {
		f := w.findings[r.Finding]
		if f == nil {
			return fmt.Errorf("finding %s: %w", r.Finding.Text(casebook.FindingPrefix), casebook.ErrNotFound)
		}
		w.put(orderRowTable, 0, orderRowValues(0, nil, row.id, f.id, r)[2:]...)
		if o.Findings[n] != f.State {
			w.moved = append(w.moved, movedFinding{f, o.Party, o.Findings[n], r.RecordedAt})
		}
	}
	if !o.ServedAt.IsZero() {
		w.share(casebook.SharedOrder, row.id, o.Party, "served", o.RecordedAt)
	}
	return nil
}

func (w *caseWriter) share(kind casebook.ShareKind, object int64, party casebook.ID, why string, at time.Time) {
	if !party.IsZero() {
		w.put(shareTable, 0, int64(kind), object, partyText(party), micros(at), int64(0), why, w.tx.actor, micros(at))
	}
}

// findFindings reads the findings that the cases' orders name.
func (w *caseWriter) findFindings(cases []Case) error {
	w.findings = map[casebook.ID]*findingRow{}
	var ids []casebook.ID
	for _, c := range cases {
		for _, o := range c.Orders {
			for _, r := range o.Rows {
				ids = append(ids, r.Finding)
			}
		}
	}
	for chunk := range slices.Chunk(ids, 500) {
		q := where{text: "1 = 1"}
		q.and("public IN ("+places(len(chunk))+")", octetsOf(chunk)...)
		rows, err := w.tx.query(findingTable.selectSQL+` WHERE `+q.text, q.args...)
		all, err := collect(rows, err, findingRows)
		if err != nil {
			return err
		}
		for _, f := range all {
			w.findings[f.ID] = f
		}
	}
	return nil
}

// moveFindings writes where findings stand, and the party's part in each. The last
// word on a finding holds.
func (w *caseWriter) moveFindings() error {
	var keys []partKey
	var ids []int64
	last, moved := map[partKey]movedFinding{}, map[int64]*findingRow{}
	for _, m := range w.moved {
		moved[m.finding.id] = m.finding
		k := partKey{m.finding.id, partyText(m.party)}
		if _, ok := last[k]; !ok {
			keys, ids = append(keys, k), append(ids, k.finding)
		}
		last[k] = m
	}
	parts, err := w.tx.partsOf(ids)
	if err != nil {
		return err
	}
	now := func(k partKey) (*findingRow, int64) {
		return moved[k.finding], moved[k.finding].Count
	}
	wasParts := countParts(parts, now)
	for _, m := range w.moved {
		was := m.finding.counted()
		m.finding.State, m.finding.RecordedAt = m.state, m.at
		is := m.finding.counted()
		w.counts.move(&was, &is)
	}
	var findings, changed [][]any
	written := map[int64]bool{}
	for _, k := range keys {
		m := last[k]
		if !written[k.finding] {
			written[k.finding] = true
			findings = append(findings, m.finding.row(w.tx))
		}
		if p := parts[k]; p != nil {
			p.State, p.RecordedAt = m.state, m.at
			changed = append(changed, p.row(w.tx))
		}
	}
	if err := w.tx.update(findingTable, findings...); err != nil {
		return err
	}
	if err := w.tx.update(partTable, changed...); err != nil {
		return err
	}
	counts := partTallies{}
	counts.move(wasParts, countParts(parts, now))
	if err := w.tx.countParts(counts); err != nil {
		return err
	}
	return w.tx.count(w.counts)
}
