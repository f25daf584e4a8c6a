package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/casebook"
)

var (
	reportTable = covered(41, "report", `public:b! tenant:i! region:t! tlp:i exercise:i! recorded_by:t! recorded_at:i
		incident:i! duty:i! party:i! regime:t! stage:t! state:i version:i task:t opened_at:i! draft:t`)
	versionTable = covered(42, "report_version", `report:i! number:i! fields:t! filed:t! digest:b! filed_at:i! channel:t! late_reason:t! corrects:i!
		recorded_at:i! recorded_by:t!`)
	recipientTable = covered(43, "recipient", `public:b! report:i! version:i! role:t! name:t! copy:i! message:t! dispatched_at:i delivered_at:i
		acknowledged_at:i reference:t proof:t recorded_at:i`)
)

type reportRow struct {
	id                    int64
	salt                  []byte
	incident, duty, party int64
	draft                 string
	casebook.Report
}

const selectReports = `SELECT r.id, r.salt, r.public, r.tenant, r.region, r.tlp, r.exercise, r.recorded_by, r.recorded_at,
	r.incident, r.duty, r.party, r.regime, r.stage, r.state, r.version, r.task, r.opened_at, r.draft, i.public, d.public, p.public
	FROM report r JOIN incident i ON i.id = r.incident LEFT JOIN duty d ON d.id = r.duty LEFT JOIN party p ON p.id = r.party`

func scanReport(s interface{ Scan(...any) error }) (*reportRow, error) {
	var r reportRow
	var public, incident, duty, party []byte
	var at, opened int64
	err := s.Scan(&r.id, &r.salt, &public, &r.Mark.Tenant, &r.Mark.Region, &r.Mark.TLP, &r.Mark.Exercise, &r.Mark.RecordedBy, &at,
		&r.incident, &r.duty, &r.party, &r.Regime, &r.Stage, &r.State, &r.Version, &r.Task, &opened, &r.draft, &incident, &duty, &party)
	copy(r.ID[:], public)
	copy(r.Incident[:], incident)
	copy(r.Duty[:], duty)
	copy(r.Party[:], party)
	r.RecordedAt, r.OpenedAt = moment(at), moment(opened)
	return &r, err
}

func (r *reportRow) row() []any {
	tenant, region, tlp, exercise, by := mark(r.Mark)
	return []any{r.id, r.salt, r.ID[:], tenant, region, tlp, exercise, by, micros(r.RecordedAt),
		r.incident, r.duty, r.party, r.Regime, r.Stage, int64(r.State), int64(r.Version), r.Task, micros(r.OpenedAt), r.draft}
}

// OpenReport writes a draft and gives it its name.
func (tx *Tx) OpenReport(r casebook.Report, draft []casebook.FormField) (_ casebook.Report, err error) {
	row := reportRow{salt: tx.salt(), Report: r}
	row.ID, row.RecordedAt = casebook.NewID(tx.at), tx.at
	if row.draft, err = fieldsText(draft); err != nil {
		return r, err
	}
	if row.incident, err = numberOf(tx.ctx, tx.conn, "incident", casebook.IncidentPrefix, r.Incident); err != nil {
		return r, err
	}
	if row.duty, err = numberOf(tx.ctx, tx.conn, "duty", casebook.DutyPrefix, r.Duty); err != nil {
		return r, err
	}
	if row.party, err = numberOf(tx.ctx, tx.conn, "party", casebook.PartyPrefix, r.Party); err != nil {
		return r, err
	}
	if row.id, err = tx.id("report"); err != nil {
		return r, err
	}
	return row.Report, tx.insert(reportTable, row.row())
}

func fieldsText(fields []casebook.FormField) (string, error) {
	if fields == nil {
		fields = []casebook.FormField{}
	}
	text, err := json.Marshal(fields)
	return string(text), err
}

func (tx *Tx) report(id casebook.ID) (*reportRow, error) {
	r, err := scanReport(tx.row(selectReports+` WHERE r.public = $1`, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("report %s: %w", id.Text(casebook.ReportPrefix), casebook.ErrNotFound)
	}
	return r, err
}

// Report gives a report to be changed, with its draft.
func (tx *Tx) Report(id casebook.ID) (casebook.Report, []casebook.FormField, error) {
	r, err := tx.report(id)
	if err != nil {
		return r.Report, nil, err
	}
	fields, err := readFields(r.draft)
	return r.Report, fields, err
}

func readFields(text string) (fields []casebook.FormField, err error) {
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return nil, fmt.Errorf("fields of a report: %w", err)
	}
	return fields, nil
}

// Draft writes the fields as they stand before they are filed.
func (tx *Tx) Draft(id casebook.ID, fields []casebook.FormField) error {
	r, err := tx.report(id)
	if err != nil {
		return err
	}
	if r.draft, err = fieldsText(fields); err != nil {
		return err
	}
	r.RecordedAt = tx.at
	return tx.update(reportTable, r.row())
}

// FileReport writes a version with the form as it was filed, and the recipients to whom it goes, who get their
// names. It gives ErrConflict where the version isn't the next.
func (tx *Tx) FileReport(v casebook.ReportVersion, filed []byte, to []casebook.Recipient, messages []string) ([]casebook.Recipient, error) {
	r, err := tx.report(v.Report)
	if err != nil {
		return nil, err
	}
	if v.Number != r.Version+1 {
		return nil, fmt.Errorf("report %s has %d versions: the next is not number %d: %w", v.Report.Text(casebook.ReportPrefix), r.Version, v.Number, casebook.ErrConflict)
	}
	fields, err := fieldsText(v.Fields)
	if err != nil {
		return nil, err
	}
	id, err := tx.id("report_version")
	if err != nil {
		return nil, err
	}
	err = tx.insert(versionTable, []any{id, tx.salt(), r.id, int64(v.Number), fields, string(filed), v.Digest[:], micros(v.FiledAt), v.Channel, v.LateReason, int64(v.Corrects), micros(tx.at), v.By})
	if err != nil {
		return nil, err
	}
	r.Version, r.State, r.RecordedAt, r.draft = v.Number, casebook.FiledReport, tx.at, fields
	if err := tx.update(reportTable, r.row()); err != nil {
		return nil, err
	}
	ids, err := tx.takeIDs("recipient", len(to))
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for i := range to {
		to[i].ID, to[i].Report, to[i].Version, to[i].RecordedAt = casebook.NewID(tx.at), v.Report, v.Number, tx.at
		rows = append(rows, recipientValues(ids[i], tx.salt(), r.id, messages[i], to[i]))
	}
	return to, tx.insert(recipientTable, rows...)
}

func recipientValues(id int64, salt []byte, report int64, message string, r casebook.Recipient) []any {
	return []any{id, salt, r.ID[:], report, int64(r.Version), r.Role, r.Name, bit(r.Copy), message,
		micros(r.DispatchedAt), micros(r.DeliveredAt), micros(r.AcknowledgedAt), r.Reference, r.Proof, micros(r.RecordedAt)}
}

type recipientRow struct {
	id, report int64
	salt       []byte
	message    string
	casebook.Recipient
}

const selectRecipients = `SELECT c.id, c.salt, c.public, c.report, c.version, c.role, c.name, c.copy, c.message, c.dispatched_at, c.delivered_at,
	c.acknowledged_at, c.reference, c.proof, c.recorded_at, r.public FROM recipient c JOIN report r ON r.id = c.report`

func scanRecipient(s interface{ Scan(...any) error }) (*recipientRow, error) {
	var r recipientRow
	var public, report []byte
	var dispatched, delivered, acknowledged, recorded int64
	err := s.Scan(&r.id, &r.salt, &public, &r.report, &r.Version, &r.Role, &r.Name, &r.Copy, &r.message, &dispatched, &delivered, &acknowledged,
		&r.Reference, &r.Proof, &recorded, &report)
	copy(r.ID[:], public)
	copy(r.Report[:], report)
	r.DispatchedAt, r.DeliveredAt, r.AcknowledgedAt, r.RecordedAt = moment(dispatched), moment(delivered), moment(acknowledged), moment(recorded)
	return &r, err
}

// RecipientBy gives the recipient to whom an outbox line goes; ok is false where the
// line is none of a report's.
func (tx *Tx) RecipientBy(message string) (_ casebook.Recipient, ok bool, err error) {
	r, err := scanRecipient(tx.row(selectRecipients+` WHERE c.message = $1 AND c.message <> ''`, message))
	if errors.Is(err, sql.ErrNoRows) {
		return casebook.Recipient{}, false, nil
	}
	return r.Recipient, err == nil, err
}

// Recipient gives a recipient to be changed.
func (tx *Tx) Recipient(id casebook.ID) (casebook.Recipient, error) {
	r, err := tx.recipient(id)
	return r.Recipient, err
}

func (tx *Tx) recipient(id casebook.ID) (*recipientRow, error) {
	r, err := scanRecipient(tx.row(selectRecipients+` WHERE c.public = $1`, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("recipient %s: %w", id.Text(casebook.RecipientPrefix), casebook.ErrNotFound)
	}
	return r, err
}

// SaveRecipient writes what became of a filing with one recipient.
func (tx *Tx) SaveRecipient(r casebook.Recipient) error {
	row, err := tx.recipient(r.ID)
	if err != nil {
		return err
	}
	r.RecordedAt = tx.at
	return tx.update(recipientTable, recipientValues(row.id, row.salt, row.report, row.message, r))
}

// Recipients gives those to whom a version of a report goes, in their order.
func (tx *Tx) Recipients(report casebook.ID, version int) ([]casebook.Recipient, error) {
	rows, err := tx.query(selectRecipients+` WHERE r.public = $1 AND c.version = $2 ORDER BY c.id`, report[:], int64(version))
	return collect(rows, err, func(rows *sql.Rows) (casebook.Recipient, error) {
		r, err := scanRecipient(rows)
		return r.Recipient, err
	})
}

// LateReason gives why a version came after its moment, "" where nobody said.
func (tx *Tx) LateReason(report casebook.ID, version int) (why string, err error) {
	err = tx.row(`SELECT v.late_reason FROM report_version v JOIN report r ON r.id = v.report WHERE r.public = $1 AND v.number = $2`, report[:], int64(version)).Scan(&why)
	return why, err
}

// Report gives one report with its draft.
func (r *Reader) Report(ctx context.Context, id casebook.ID) (casebook.Report, []casebook.FormField, error) {
	row, err := scanReport(r.q.QueryRowContext(ctx, selectReports+` WHERE r.public = $1 AND `+r.seesOf(casebook.SharedReport, "r"), id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("report %s: %w", id.Text(casebook.ReportPrefix), casebook.ErrNotFound)
	}
	if err != nil {
		return row.Report, nil, err
	}
	fields, err := readFields(row.draft)
	return row.Report, fields, err
}

// Reports gives reports, newest first, from after the one named on; the zero
// incident is any, and so are no states.
func (r *Reader) Reports(ctx context.Context, incident, after casebook.ID, limit int, states ...casebook.ReportState) ([]casebook.Report, error) {
	w := where{text: r.seesOf(casebook.SharedReport, "r"), args: []any{limit}}
	if len(states) > 0 {
		w.and("r.state IN ("+places(len(states))+")", numbersOf(states)...)
	}
	if !incident.IsZero() {
		w.and("i.public = ?", incident[:])
	}
	if !after.IsZero() {
		w.and("r.public < ?", after[:])
	}
	rows, err := r.q.QueryContext(ctx, selectReports+` WHERE `+w.text+` ORDER BY r.public DESC LIMIT $1`, w.args...)
	return collect(rows, err, func(rows *sql.Rows) (casebook.Report, error) {
		row, err := scanReport(rows)
		return row.Report, err
	})
}

// ReportCounts counts reports by state.
func (r *Reader) ReportCounts(ctx context.Context) (map[casebook.ReportState]int64, error) {
	return countStates[casebook.ReportState](ctx, r, `report`, casebook.SharedReport)
}

// ReportVersions gives the filings of a report in their order.
func (r *Reader) ReportVersions(ctx context.Context, id casebook.ID) ([]casebook.ReportVersion, error) {
	rows, err := r.q.QueryContext(ctx, `SELECT v.number, v.fields, v.digest, v.filed_at, v.channel, v.late_reason, v.corrects, v.recorded_at, v.recorded_by
		FROM report_version v JOIN report r ON r.id = v.report WHERE r.public = $1 AND `+r.seesOf(casebook.SharedReport, "r")+` ORDER BY v.number`, id[:])
	return collect(rows, err, func(rows *sql.Rows) (casebook.ReportVersion, error) {
		v := casebook.ReportVersion{Report: id}
		var fields string
		var digest []byte
		var filed, recorded int64
		if err := rows.Scan(&v.Number, &fields, &digest, &filed, &v.Channel, &v.LateReason, &v.Corrects, &recorded, &v.By); err != nil {
			return v, err
		}
		copy(v.Digest[:], digest)
		v.FiledAt, v.RecordedAt = moment(filed), moment(recorded)
		var err error
		v.Fields, err = readFields(fields)
		return v, err
	})
}

// FiledForms gives the forms of a report as they were filed, in their order.
func (r *Reader) FiledForms(ctx context.Context, id casebook.ID) ([]string, error) {
	rows, err := r.q.QueryContext(ctx, `SELECT v.filed FROM report_version v JOIN report r ON r.id = v.report WHERE r.public = $1 AND `+r.seesOf(casebook.SharedReport, "r")+` ORDER BY v.number`, id[:])
	return collect(rows, err, func(rows *sql.Rows) (text string, err error) { return text, rows.Scan(&text) })
}

// ReportRecipients gives those to whom a report went, every version.
func (r *Reader) ReportRecipients(ctx context.Context, id casebook.ID) ([]casebook.Recipient, error) {
	rows, err := r.q.QueryContext(ctx, selectRecipients+` WHERE r.public = $1 AND `+r.seesOf(casebook.SharedReport, "r")+` ORDER BY c.version, c.id`, id[:])
	return collect(rows, err, func(rows *sql.Rows) (casebook.Recipient, error) {
		one, err := scanRecipient(rows)
		return one.Recipient, err
	})
}

// chased is how long after its dispatch a report of a case that was closed is still chased.
const chased = 7 * 24 * time.Hour

// Silent gives the recipients to whom a report was dispatched by a moment and who
// have acknowledged nothing, for those who chase them.
func (r *Reader) Silent(ctx context.Context, by time.Time, limit int) ([]casebook.Recipient, error) {
	rows, err := r.q.QueryContext(ctx, selectRecipients+` WHERE c.dispatched_at > 0 AND c.dispatched_at <= $1 AND c.acknowledged_at = 0 AND c.copy = 0
		AND EXISTS (SELECT 1 FROM incident i WHERE i.id = r.incident AND (i.state IN ($3, $4) OR i.state = $5 AND c.dispatched_at > $6)) AND `+r.seesOf(casebook.SharedReport, "r")+
		` ORDER BY c.dispatched_at, c.id LIMIT $2`, micros(by), limit, casebook.ProposedIncident, casebook.OpenIncident, casebook.ClosedIncident, micros(by.Add(-chased)))
	return collect(rows, err, func(rows *sql.Rows) (casebook.Recipient, error) {
		one, err := scanRecipient(rows)
		return one.Recipient, err
	})
}

// SeesRecipient gives ErrNotFound for a recipient of a report that the reader may not
// see.
func (r *Reader) SeesRecipient(ctx context.Context, id casebook.ID) error {
	_, err := scanRecipient(r.q.QueryRowContext(ctx, selectRecipients+` WHERE c.public = $1 AND `+r.seesOf(casebook.SharedReport, "r"), id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("recipient %s: %w", id.Text(casebook.RecipientPrefix), casebook.ErrNotFound)
	}
	return err
}
