package web

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/report"
)

// outsideChannels are the ways by which a report is filed outside the program.
var outsideChannels = []string{"phone", "fax", "mail", "portal", "post"}

// reports are a noun with acts.
func (s *server) reports() actedOn {
	return actedOn{prefix: casebook.ReportPrefix, base: "/reports/", show: s.showReport,
		sees: func(ctx context.Context, scope casebook.Scope, id casebook.ID) error {
			_, _, err := s.desk.Reader(scope).Report(ctx, id)
			return err
		},
		object: func(x *exchange, name string) (any, error) {
			whole, err := s.wholeFiling(x.request.Context(), &OneReport{Asked{x}, name})
			if err != nil {
				return nil, err
			}
			return whole.Body, nil
		}}
}

// enterReportPages enters the pages of reports and the routes to which their forms go.
func (s *server) enterReportPages() {
	s.enterPage("GET /reports", s.reportsPage)
	s.enterPage("GET /reports/{id}", s.reportPage)
	s.enterPage("GET /reports/{id}/print", s.reportPrint)
	s.enterPage("GET /reports/{id}/proof", s.reportProof)
	s.enterPage("POST /duties/{id}/draft", s.draftForm)
	s.enterActOn(s.reports(), "POST /reports/{id}/write", "write", s.writeForm)
	s.enterActOn(s.reports(), "POST /reports/{id}/file", "file", s.fileForm)
	s.enterActOn(s.reports(), "POST /reports/{id}/outside", "outside", s.outsideForm)
	s.enterActOn(s.reports(), "POST /reports/{id}/receipt", "receipt", s.receiptForm)
}

// draftForm drafts the report that a duty asks for and leads to it; where there is one
// already it leads to that.
func (s *server) draftForm(x *exchange) error {
	name := x.request.PathValue("id")
	id, err := casebook.ParseID(casebook.DutyPrefix, name)
	if err != nil {
		return err
	}
	// What the caller can't see it can't act on either.
	if err := s.duties().sees(x.request.Context(), x.caller.scope, id); err != nil {
		return err
	}
	f, err := readForm(x, "draft")
	if err != nil {
		return err
	}
	who, err := f.person(x)
	var r casebook.Report
	if err = cmp.Or(err, f.err()); err == nil {
		r, err = s.desk.DraftReport(x.request.Context(), who, id)
	}
	if err != nil && (!errors.Is(err, casebook.ErrConflict) || r.ID.IsZero()) {
		return s.refuseForm(x, &f, err, "/duties/"+name, func() error { return s.showDuty(x, name, f) })
	}
	keepName(x, who)
	made := r.ID.Text(casebook.ReportPrefix)
	return s.done(x, "/reports/"+made+"?done=draft#main", func() (any, error) { return s.reports().object(x, made) })
}

// writeForm writes the fields that differ from what is there.
func (s *server) writeForm(x *exchange, t typedAct) error {
	ctx := x.request.Context()
	now, _, err := s.desk.Reader(x.caller.scope).Report(ctx, t.id)
	if err != nil {
		return err
	}
	if seen := t.values.Get("as_of"); seen != "" && seen != asOf(now) {
		return fmt.Errorf("somebody wrote into this report since the page was made: what you typed stands below, look at it and save again: %w", casebook.ErrConflict)
	}
	draft, err := s.desk.Form(ctx, t.who, x.caller.scope, t.id)
	if err != nil {
		return err
	}
	changed := t.changed(draft)
	if err := t.err(); err != nil || len(changed) == 0 {
		return err
	}
	_, err = s.desk.EditReport(ctx, t.who, t.id, changed)
	return err
}

// changed gives the fields of a report that were typed otherwise than they stand. One
// of which the mark as a trade secret alone changed keeps where its value came from.
func (t typedAct) changed(draft report.Form) []casebook.FormField {
	var all []casebook.FormField
	for _, field := range draft.Fields {
		key := reportField(field.ID)
		if !t.values.Has(key) {
			continue
		}
		one := casebook.FormField{ID: field.ID, Value: strings.TrimSpace(strings.ReplaceAll(t.values.Get(key), "\r\n", "\n")), Secret: t.values.Get("secret."+field.ID) != ""}
		switch {
		case len(one.Value) > report.MaxValue:
			t.wrong(key, "fault.long", "most", report.MaxValue)
		case shownAs(one.Value) != cmp.Or(t.values.Get("shown."+field.ID), shownAs(field.Value)):
			all = append(all, one)
		case one.Secret != field.Secret:
			one.Value, one.From = field.Value, field.From
			all = append(all, one)
		}
	}
	return all
}

// shownAs tells in a few letters what a page shows in a field: what is known may move on
// while somebody types, and what moved wasn't typed.
func shownAs(value string) string {
	digest := sha256.Sum256([]byte(strings.TrimSpace(strings.ReplaceAll(value, "\r\n", "\n"))))
	return hex.EncodeToString(digest[:8])
}

// reportField is the name of the input that holds a field of a report.
func reportField(id string) string { return "field." + id }

// fileForm files the report through the program, to those whom the law names.
func (s *server) fileForm(x *exchange, t typedAct) error {
	f := desk.Filing{Channel: "program", Seen: t.values.Get("seen"), LateReason: t.text("late", 2000, false), Corrects: t.version("corrects")}
	if err := t.err(); err != nil {
		return err
	}
	_, err := s.desk.FileReport(x.request.Context(), t.who, t.id, f)
	return err
}

// outsideForm writes down that the report was filed by another way, with its proof.
func (s *server) outsideForm(x *exchange, t typedAct) error {
	zone := t.zone("zone")
	f := desk.Filing{Channel: t.choice("channel", outsideChannels), FiledAt: t.moment("filed", zone, t.at), To: t.values["to"], Proof: t.text("proof", 8000, false),
		Reference: t.text("reference", 200, false), LateReason: t.text("late", 2000, false), Corrects: t.version("corrects")}
	if f.Channel == "" {
		t.wrong("channel", "fault.choice")
	}
	if len(f.To) == 0 {
		t.wrong("to", "fault.missing")
	}
	file, err := t.proofFile("file")
	if err != nil {
		return err
	}
	if f.Proof == "" && file == nil {
		t.wrong("proof", "fault.proof")
	}
	f.File = file
	if err := t.err(); err != nil {
		return err
	}
	_, err = s.desk.FileReport(x.request.Context(), t.who, t.id, f)
	return err
}

// proofFile reads a file that came with a form as a proof; nil without one.
func (t typedAct) proofFile(field string) (*casebook.ProofFile, error) {
	name, content, err := t.upload(field)
	if err != nil || content == nil {
		return nil, err
	}
	if len(content) > casebook.MaxProof {
		t.wrong(field, "fault.size", "most", fileSize(casebook.MaxProof))
		return nil, nil
	}
	return &casebook.ProofFile{Name: name, Content: content}, nil
}

// version reads a field with the number of a version; none is 0.
func (t typedAct) version(field string) int {
	text := t.values.Get(field)
	if text == "" {
		return 0
	}
	n := 0
	if _, err := fmt.Sscanf(text, "%d", &n); err != nil || n < 1 {
		t.wrong(field, "fault.choice")
	}
	return n
}

// receiptFacts are what becomes of a filing with a recipient.
var receiptFacts = []string{"acknowledged", "delivered", "dispatched"}

// receiptForm writes what became of a filing with one of those who must have it.
func (s *server) receiptForm(x *exchange, t typedAct) error {
	ctx := x.request.Context()
	zone := t.zone("zone")
	r := desk.Receipt{Fact: t.choice("fact", receiptFacts), At: t.moment("at", zone, t.at), Reference: t.text("reference", 200, false), Proof: t.text("proof", 8000, false)}
	if r.Fact == "" {
		t.wrong("fact", "fault.choice")
	}
	to, err := s.desk.Reader(x.caller.scope).ReportRecipients(ctx, t.id)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(to, func(one casebook.Recipient) bool {
		return one.ID.Text(casebook.RecipientPrefix) == t.values.Get("recipient")
	})
	if i < 0 {
		t.wrong("recipient", "fault.choice")
	}
	if err := t.err(); err != nil {
		return err
	}
	_, err = s.desk.Acknowledge(ctx, t.who, to[i].ID, r)
	return err
}

// reportProof gives a file that proves a filing, as it came.
func (s *server) reportProof(x *exchange) error {
	id, err := casebook.ParseID(casebook.ReportPrefix, x.request.PathValue("id"))
	if err != nil {
		return err
	}
	number, err := queryNumber(x, "number")
	if err != nil {
		return err
	}
	f, err := s.desk.Reader(x.caller.scope).ProofFile(x.request.Context(), id, int(number))
	if err != nil {
		return err
	}
	return x.download(f.Name, anyBytes, f.Content)
}
