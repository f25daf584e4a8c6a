package desk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/report"
	"tocsin/store"
)

// maxRows bounds how many findings a report or an order lists.
const maxRows = 10_000

// DraftReport opens the report that a duty asks for, its fields filled from what is
// known. It gives ErrConflict where there is one already: that one goes on.
func (d *Desk) DraftReport(ctx context.Context, who casebook.Actor, duty casebook.ID) (casebook.Report, error) {
	at := d.Now()
	if err := d.isPerson(who, "draft a report"); err != nil {
		return casebook.Report{}, err
	}
	r := d.Reader(casebook.Operator())
	owed, err := r.Duty(ctx, duty)
	if err != nil {
		return casebook.Report{}, err
	}
	there, err := r.Reports(ctx, owed.Incident, casebook.ID{}, 1000)
	if err != nil {
		return casebook.Report{}, err
	}
	all, err := r.DutiesByDue(ctx, store.DutyFilter{Incident: owed.Incident}, casebook.ID{}, 1000)
	if err != nil {
		return casebook.Report{}, err
	}
	if owed = standsFor(all, owed); owed.State == casebook.Superseded || owed.State == casebook.VoidDuty {
		return casebook.Report{}, fmt.Errorf("duty %s is %s and asks for no report any more: %w", duty.Text(casebook.DutyPrefix), owed.State, casebook.ErrConflict)
	}
	duty = owed.ID
	if i := slices.IndexFunc(there, func(one casebook.Report) bool {
		return one.State != casebook.WithdrawnReport && standsFor(all, casebook.Duty{ID: one.Duty}).ID == duty
	}); i >= 0 {
		return there[i], fmt.Errorf("%s has a report already, %s: write into that one: %w", duty.Text(casebook.DutyPrefix), there[i].ID.Text(casebook.ReportPrefix), casebook.ErrConflict)
	}
	opened := casebook.Report{Incident: owed.Incident, Duty: duty, Party: owed.Party, Regime: owed.Regime, Stage: owed.Stage, OpenedAt: at}
	if _, err = d.form(ctx, who, opened, at); err != nil {
		return casebook.Report{}, err
	}
	// Nothing is written yet: what is known is drafted anew each time somebody looks.
	_, err = d.change(ctx, who, "draft report", at, owed.Incident, func(c *casework) error {
		opened.Mark = c.incident.Mark
		opened.Mark.RecordedBy = who.String()
		if opened, err = c.tx.OpenReport(opened, nil); err != nil {
			return err
		}
		return c.log(casebook.Anchor{Kind: casebook.ReportDrafted, At: at, Source: opened.ID.Text(casebook.ReportPrefix), Note: opened.Regime + " " + opened.Stage})
	})
	return opened, err
}

// Form gives a report as a form: drafted afresh from what is known now, under what
// people wrote into it. A party is shown what was filed last, and nothing of what is
// known besides.
func (d *Desk) Form(ctx context.Context, who casebook.Actor, scope casebook.Scope, id casebook.ID) (report.Form, error) {
	reader := d.Reader(scope)
	r, fields, err := reader.Report(ctx, id)
	if err != nil {
		return report.Form{}, err
	}
	if !scope.All {
		return filedForm(ctx, reader, r)
	}
	form, err := d.form(ctx, who, r, d.Now())
	if err != nil {
		return form, err
	}
	form.Report, form.Version = id, r.Version
	return form.Under(fields)
}

// filedForm is a report as it was filed last; without fields before the first time.
func filedForm(ctx context.Context, r *store.Reader, one casebook.Report) (report.Form, error) {
	versions, err := r.ReportVersions(ctx, one.ID)
	if err != nil || len(versions) == 0 {
		return report.Form{}, err
	}
	last := versions[len(versions)-1]
	return report.Form{Report: one.ID, Version: last.Number, Regime: one.Regime, Stage: one.Stage}.With(last.Fields)
}

// form drafts a report from what is known at a moment.
func (d *Desk) form(ctx context.Context, who casebook.Actor, one casebook.Report, at time.Time) (report.Form, error) {
	r := d.Reader(casebook.Operator())
	m := report.Matter{At: at, Lang: d.lang(), Filler: who.Name, Task: one.Task}
	var err error
	if m.Incident, err = r.Incident(ctx, one.Incident); err != nil {
		return report.Form{}, err
	}
	if !m.Incident.Threat.IsZero() {
		if m.Threat, err = r.Threat(ctx, m.Incident.Threat); err != nil {
			return report.Form{}, err
		}
		findings, err := r.FindingPage(ctx, store.FindingFilter{Threat: m.Incident.Threat}, casebook.ID{}, maxRows)
		if err != nil {
			return report.Form{}, err
		}
		for i, f := range findings {
			m.Rows = append(m.Rows, report.RowOf(i+1, f))
		}
	}
	if m.Grades, err = r.Grades(ctx, one.Incident); err != nil {
		return report.Form{}, err
	}
	if m.Timeline, err = r.Anchors(ctx, one.Incident); err != nil {
		return report.Form{}, err
	}
	if m.Orders, err = ordersOf(ctx, r, one.Incident); err != nil {
		return report.Form{}, err
	}
	if m.Earlier, err = filedBefore(ctx, r, one); err != nil {
		return report.Form{}, err
	}
	known, err := r.Facts(ctx, one.Incident)
	if err != nil {
		return report.Form{}, err
	}
	m.Facts = casebook.Facts{}
	for _, f := range known {
		m.Facts[f.Name] = f.Value
	}
	if !one.Duty.IsZero() {
		all, err := r.DutiesByDue(ctx, store.DutyFilter{Incident: one.Incident}, casebook.ID{}, 1000)
		if err != nil {
			return report.Form{}, err
		}
		m.Duty = standsFor(all, casebook.Duty{ID: one.Duty})
	}
	parties, err := r.Parties(ctx)
	if err != nil {
		return report.Form{}, err
	}
	for _, p := range parties {
		if p.ID == one.Party {
			m.Party = p
		}
	}
	m.To = addressees(m.Duty, parties, at)
	m.Stage = d.stage(one, m.Duty.Pack)
	return report.Draft(m), nil
}

// stage says what the law asks of a report, by the version of the pack under which its
// duty was written.
func (d *Desk) stage(one casebook.Report, pack string) report.Stage {
	p, err := d.laws.ByDigest(pack)
	if err != nil {
		if p, err = d.laws.Find(one.Regime); err != nil {
			return report.Stage{Regime: one.Regime, ID: one.Stage, Name: one.Stage}
		}
	}
	s, _ := p.Stage(one.Stage)
	return report.Stage{Regime: p.ID, ID: one.Stage, Name: cmp.Or(s.Name, one.Stage), Article: s.Article, Pack: p.Digest, Content: s.Content}
}

// addressees gives those who must have a filing, by the parties that are known here at
// a moment.
func addressees(duty casebook.Duty, parties []casebook.Party, at time.Time) []report.Addressee {
	var all []report.Addressee
	add := func(roles []string, copies bool) {
		for _, role := range roles {
			name := strings.ReplaceAll(role, "_", " ")
			for _, p := range parties {
				if p.At(at) && slices.Contains(p.Roles, role) {
					name = p.Name
					break
				}
			}
			all = append(all, report.Addressee{Role: role, Name: name, Copy: copies})
		}
	}
	add(duty.To, false)
	add(duty.CopyTo, true)
	return all
}

// EditReport writes what a person put into the fields of a draft, or of what is to be
// filed next.
func (d *Desk) EditReport(ctx context.Context, who casebook.Actor, id casebook.ID, fields []casebook.FormField) (casebook.Report, error) {
	at := d.Now()
	if err := d.isPerson(who, "write a report"); err != nil {
		return casebook.Report{}, err
	}
	one, had, err := d.Reader(casebook.Operator()).Report(ctx, id)
	if err != nil {
		return one, err
	}
	for i := range fields {
		if fields[i].From == "" {
			fields[i].From = who.String()
		}
	}
	merged := slices.DeleteFunc(had, func(old casebook.FormField) bool {
		return slices.ContainsFunc(fields, func(f casebook.FormField) bool { return f.ID == old.ID })
	})
	merged = append(merged, fields...)
	if _, err := (report.Form{}).With(merged); err != nil {
		return one, err
	}
	_, err = d.change(ctx, who, "write report", at, one.Incident, func(c *casework) error { return c.tx.Draft(id, merged) })
	return one, err
}

// A Filing says how a report is filed.
type Filing struct {
	// Channel is "program" for what this platform sends itself; otherwise it was filed
	// outside: "mail", "phone", "fax", "portal", "post".
	Channel   string
	FiledAt   time.Time // outside: when; zero now
	To        []string  // outside: roles of those who got it; none: everybody it had to go to
	Proof     string    // outside: the call sheet, or what the portal answered
	Reference string    // outside: the recipient's own number
	// File is a proof that is kept beside what Proof says; nil none. With one Proof may
	// be empty.
	File       *casebook.ProofFile
	LateReason string
	// Seen is what the form said when who files it read it (report.Form.Seen); "" doesn't
	// matter.
	Seen     string
	Corrects int // number of the version that this one corrects, 0 none
}

var channels = []string{"program", "mail", "phone", "fax", "portal", "post"}

// FileReport files the next version of a report to the recipients that the law
// decides. In the program it goes out with the commit, as lines of the outbox: that a
// recipient has it is a fact of its own, which comes with the proof. Filed outside, it
// needs one.
func (d *Desk) FileReport(ctx context.Context, who casebook.Actor, id casebook.ID, f Filing) (casebook.ReportVersion, error) {
	at := d.Now()
	var v casebook.ReportVersion
	if err := d.isPerson(who, "file a report"); err != nil {
		return v, err
	}
	f.Channel = cmp.Or(f.Channel, "program")
	if !slices.Contains(channels, f.Channel) {
		return v, fmt.Errorf("channel %q: it is one of %s: %w", f.Channel, strings.Join(channels, ", "), casebook.ErrInvalid)
	}
	outside := f.Channel != "program"
	if f.FiledAt.IsZero() || !outside {
		f.FiledAt = at
	}
	if f.File != nil {
		f.Proof = strings.TrimSpace(f.Proof + "\n" + f.File.Says())
	}
	if outside && strings.TrimSpace(f.Proof) == "" {
		return v, fmt.Errorf("what was filed by %s needs its proof: the call sheet, or what the other side answered: %w", f.Channel, casebook.ErrInvalid)
	}
	if err := d.isPast("filed at", f.FiledAt, at); err != nil {
		return v, err
	}
	one, _, err := d.Reader(casebook.Operator()).Report(ctx, id)
	if err != nil {
		return v, err
	}
	form, err := d.Form(ctx, who, casebook.Operator(), id)
	if err != nil {
		return v, err
	}
	if f.Seen != "" && f.Seen != form.Seen() {
		return v, fmt.Errorf("what is known has moved on since you read this report: look at it as it says now, and file it then: %w", casebook.ErrConflict)
	}
	if gaps := form.Check(); report.Stops(gaps) && !outside {
		var missing []string
		for _, g := range gaps {
			if g.Stops {
				missing = append(missing, g.Says.EN)
			}
		}
		return v, fmt.Errorf("%s: %w", strings.Join(missing, " "), casebook.ErrInvalid)
	}
	v = casebook.ReportVersion{Report: id, Number: one.Version + 1, Fields: form.Frozen(), FiledAt: f.FiledAt, Channel: f.Channel,
		LateReason: clip(f.LateReason, 2000), Corrects: f.Corrects, By: who.String()}
	if f.Corrects < 0 || f.Corrects > one.Version {
		return v, fmt.Errorf("report %s has no version %d to correct: %w", id.Text(casebook.ReportPrefix), f.Corrects, casebook.ErrInvalid)
	}
	form.Version, form.Corrects, form.At, form.Late = v.Number, v.Corrects, v.FiledAt, v.LateReason
	filed, err := form.JSON()
	if err != nil {
		return v, err
	}
	v.Digest = sha256.Sum256(filed)
	_, err = d.change(ctx, who, "file report", at, one.Incident, func(c *casework) error { return c.file(one, v, form, filed, f, outside) })
	if err == nil {
		d.outgoing.tell()
	}
	return v, err
}

// file writes a version with its recipients, and what carries it to them.
func (c *casework) file(one casebook.Report, v casebook.ReportVersion, form report.Form, filed []byte, f Filing, outside bool) error {
	var to []casebook.Recipient
	var messages []string
	for n, a := range form.To {
		r := casebook.Recipient{Role: a.Role, Name: a.Name, Copy: a.Copy}
		message := ""
		switch {
		case outside && (len(f.To) == 0 || slices.Contains(f.To, a.Role)):
			r.DispatchedAt, r.Proof, r.Reference = f.FiledAt, clip(f.Proof, 8000), clipLine(f.Reference, 200)
			if f.Channel == "phone" || f.Channel == "portal" {
				r.DeliveredAt = f.FiledAt
			}
		case outside:
			continue
		default:
			target, err := c.reach(a.Role, "reports")
			if err != nil {
				return err
			}
			if target != "" {
				message = fmt.Sprintf("rep-%s-%d-%d", strings.TrimPrefix(one.ID.Text(casebook.ReportPrefix), "rep_"), v.Number, n+1)
				if err := c.post("report", message, target, form); err != nil {
					return err
				}
			}
		}
		to, messages = append(to, r), append(messages, message)
	}
	if _, err := c.tx.FileReport(v, filed, to, messages); err != nil {
		return err
	}
	if f.File != nil {
		f.File.Version = v.Number
		if err := c.tx.AddProofFile(one.ID, *f.File); err != nil {
			return err
		}
	}
	if !one.Party.IsZero() {
		if err := c.tx.Share(casebook.SharedReport, one.ID, one.Party, "filed"); err != nil {
			return err
		}
	}
	note := fmt.Sprintf("version %d by %s", v.Number, v.Channel)
	if v.LateReason != "" {
		note += "; late: " + v.LateReason
	}
	if err := c.log(casebook.Anchor{Kind: casebook.ReportFiled, At: v.FiledAt, Source: one.ID.Text(casebook.ReportPrefix), Note: note}); err != nil {
		return err
	}
	return c.meets(one, v.Number)
}

// reach gives where a party with a role is reached for something; "" where none is.
func (c *casework) reach(role, kind string) (string, error) {
	parties, err := c.tx.PartiesAs(c.incident.Mark.Tenant, role)
	for _, p := range parties {
		contacts, failed := c.tx.Contacts(p.ID)
		if failed != nil {
			return "", failed
		}
		for _, one := range contacts {
			if one.Kind == kind {
				return one.Target, nil
			}
		}
	}
	return "", err
}

// Reach gives where a party with a role is reached for something, as the reader of a
// scope may know it; "" where nobody is.
func (d *Desk) Reach(ctx context.Context, scope casebook.Scope, role, kind string) (string, error) {
	r, at := d.Reader(scope), d.Now()
	parties, err := r.Parties(ctx)
	for _, p := range parties {
		if !p.At(at) || !slices.Contains(p.Roles, role) {
			continue
		}
		contacts, err := r.Contacts(ctx, p.ID)
		if err != nil {
			return "", err
		}
		if i := slices.IndexFunc(contacts, func(one store.Contact) bool { return one.Kind == kind }); i >= 0 {
			return contacts[i].Target, nil
		}
	}
	return "", err
}

// lang is the language of what goes out.
func (d *Desk) lang() report.Lang {
	if d.language == "zh" {
		return report.Chinese
	}
	return report.English
}

// post puts a filing into the outbox.
func (c *casework) post(kind, message, target string, form report.Form) error {
	body, err := form.JSON()
	if err != nil {
		return err
	}
	lang := c.desk.lang()
	payload, err := json.Marshal(Message{Target: target, Subject: form.Subject(lang), Text: form.Letter(lang), Body: body, At: c.at.UTC(), Urgent: true})
	if err != nil {
		return err
	}
	return c.tx.Enqueue(store.OutboxLine{Tenant: c.incident.Mark.Tenant, Kind: kind, MessageID: message, Payload: payload})
}

// meets looks whether the recipients that a duty needs have what meets it, and says so
// in the log: the law's clock stops with that entry.
func (c *casework) meets(one casebook.Report, version int) error {
	if one.Duty.IsZero() {
		return nil
	}
	duties, err := c.tx.Duties(one.Incident)
	if err != nil {
		return err
	}
	owed := standsFor(duties, casebook.Duty{ID: one.Duty, State: casebook.VoidDuty})
	if !owed.State.Runs() && owed.State != casebook.Missed {
		return nil
	}
	to, err := c.tx.Recipients(one.ID, version)
	if err != nil {
		return err
	}
	at, met := metAt(owed, to)
	if !met {
		return nil
	}
	if c.late, err = c.tx.LateReason(one.ID, version); err != nil {
		return err
	}
	if err := c.log(casebook.Anchor{Kind: one.Regime + "/" + one.Stage + ".submitted", At: at, Source: one.ID.Text(casebook.ReportPrefix)}); err != nil {
		return err
	}
	return c.judge()
}

// standsFor gives the duty that took a duty's place, however often it was superseded:
// the duty as it is in the list where none did.
func standsFor(all []casebook.Duty, d casebook.Duty) casebook.Duty {
	for range all {
		i := slices.IndexFunc(all, func(next casebook.Duty) bool { return next.Supersedes == d.ID && !d.ID.IsZero() })
		if i < 0 {
			break
		}
		d = all[i]
	}
	if i := slices.IndexFunc(all, func(same casebook.Duty) bool { return same.ID == d.ID }); i >= 0 {
		d = all[i]
	}
	return d
}

// metAt gives the moment at which those who must have a filing had what meets a duty:
// the first of them where one is enough, else the last.
func metAt(d casebook.Duty, to []casebook.Recipient) (at time.Time, met bool) {
	n := 0
	for _, r := range to {
		if r.Copy {
			continue
		}
		n++
		moment := r.DispatchedAt
		switch d.Meets {
		case "delivered":
			moment = r.DeliveredAt
		case "acknowledged":
			moment = r.AcknowledgedAt
		}
		switch {
		case moment.IsZero() && !d.AnyOf:
			return time.Time{}, false
		case moment.IsZero():
		case at.IsZero(), d.AnyOf && moment.Before(at), !d.AnyOf && moment.After(at):
			at = moment
		}
	}
	return at, n > 0 && !at.IsZero()
}
