package desk_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/report"
	"tocsin/store"
)

// authorities makes the bureau and a province that are reached by a webhook.
func (o *opened) authorities(url string) {
	o.t.Helper()
	for _, p := range []casebook.Party{
		{Name: "Example Bureau", Roles: []string{"authority"}, Region: "CN"},
		{Name: "Example Province", Roles: []string{"provincial_authority"}, Region: "CN-11"},
		{Name: "Example Centre", Roles: []string{"centre"}, Region: "CN"},
	} {
		p, err := o.KeepParty(o.t.Context(), alice, p)
		if err == nil {
			err = o.KeepContact(o.t.Context(), alice, p.ID, "reports", url+"/"+strings.Fields(p.Name)[1], false)
		}
		if err != nil {
			o.t.Fatal(err)
		}
	}
}

// reported drafts the report of a duty and fills in what only a person knows.
func (o *opened) reported(duty casebook.ID) casebook.Report {
	o.t.Helper()
	r, err := o.DraftReport(o.t.Context(), wang, duty)
	if err != nil {
		o.t.Fatal(err)
	}
	form, err := o.Form(o.t.Context(), wang, casebook.Operator(), r.ID)
	if err != nil {
		o.t.Fatal(err)
	}
	var fields []casebook.FormField
	for _, g := range form.Check() {
		if g.Stops {
			fields = append(fields, casebook.FormField{ID: g.Field, Value: report.NotYetKnown})
		}
	}
	if _, err := o.EditReport(o.t.Context(), wang, r.ID, fields); err != nil {
		o.t.Fatal(err)
	}
	return r
}

func TestAReportThatIsFiledMeetsItsDutyWhenItIsDispatched(t *testing.T) {
	p := newPager(t)
	o := open(t, t.TempDir())
	o.speaksFor("association")
	o.authorities(p.URL)
	i := o.called(casebook.Facts{addresses: casebook.NumberValue(1_000_000)})
	d := o.duty(i.ID, "level1_report")
	r := o.reported(d.ID)
	if _, err := o.DraftReport(t.Context(), wang, d.ID); !errors.Is(err, casebook.ErrConflict) {
		t.Errorf("a second report for the same duty: %v", err)
	}
	o.at(time.Hour)
	v, err := o.FileReport(t.Context(), wang, r.ID, desk.Filing{})
	if err != nil || v.Number != 1 || !v.FiledAt.Equal(o.now) {
		t.Fatalf("got %+v (%v)", v, err)
	}
	if state := o.duty(i.ID, "level1_report").State; state != casebook.OpenDuty {
		t.Errorf("filed and not dispatched, the duty is %s", state)
	}
	o.send()
	d = o.duty(i.ID, "level1_report")
	if d.State != casebook.Met || !d.MetAt.Equal(o.now) {
		t.Errorf("dispatched, the duty is %s at %v", d.State, d.MetAt)
	}
	to, err := o.Reader(casebook.Operator()).ReportRecipients(t.Context(), r.ID)
	if err != nil || len(to) != 3 {
		t.Fatalf("got %+v (%v), want bureau, province and a copy to the centre", to, err)
	}
	for _, one := range to {
		if one.DispatchedAt.IsZero() || !strings.Contains(one.Proof, "200 heard") || one.Copy != (one.Role == "centre") {
			t.Errorf("got %+v", one)
		}
	}
	if len(p.texts) != 3 || !strings.Contains(p.texts[0], "a botnet") {
		t.Errorf("the recipients got %q", p.texts)
	}
	if _, err := o.Acknowledge(t.Context(), wang, to[0].ID, desk.Receipt{Fact: "acknowledged", Reference: "2026-118"}); err != nil {
		t.Error(err)
	}
	o.at(3 * time.Hour)
	o.watch()
	if state := o.duty(i.ID, "level1_report").State; state != casebook.Met {
		t.Errorf("after its moment the duty is %s", state)
	}
	o.wantSound()
}

// TestADraftMovesWithItsCase: between draft and filing bots are seen; the filing has them,
// and the next stage goes on with what a person wrote in this one.
func TestADraftMovesWithItsCase(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("telecom_operator")
	i := o.called(casebook.Facts{addresses: casebook.NumberValue(1_000_000)})
	r := o.reported(o.duty(i.ID, "level1_report").ID)
	write := []casebook.FormField{{ID: "measures", Value: "the address is blocked"}}
	if _, err := o.EditReport(t.Context(), wang, r.ID, write); err != nil {
		t.Fatal(err)
	}
	before, err := o.Form(t.Context(), li, casebook.Operator(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Confirm(t.Context(), wang, i.ID, desk.Confirmation{Facts: casebook.Facts{addresses: casebook.NumberValue(1_300_000)}}); err != nil {
		t.Fatal(err)
	}
	form, err := o.Form(t.Context(), li, casebook.Operator(), r.ID)
	if err != nil || !strings.Contains(form.Value("infected"), "1300000") || form.Value("filler") != li.Name || form.Value("measures") != "the address is blocked" {
		t.Errorf("got %q, %q, %q (%v)", form.Value("infected"), form.Value("filler"), form.Value("measures"), err)
	}
	filing := desk.Filing{Channel: "phone", Proof: "spoke to Chen", Seen: before.Seen()}
	if _, err := o.FileReport(t.Context(), wang, r.ID, filing); !errors.Is(err, casebook.ErrConflict) {
		t.Errorf("filed other figures than were read: %v", err)
	}
	filing.Seen = form.Seen()
	if _, err := o.FileReport(t.Context(), wang, r.ID, filing); err != nil {
		t.Fatal(err)
	}
	all, err := o.Reader(casebook.Operator()).DutiesByDue(t.Context(), store.DutyFilter{Incident: i.ID}, casebook.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	other := slices.IndexFunc(all, func(d casebook.Duty) bool { return d.Stage == "other_initial" })
	later, err := o.DraftReport(t.Context(), li, all[other].ID)
	if err != nil {
		t.Fatal(err)
	}
	if form, err = o.Form(t.Context(), li, casebook.Operator(), later.ID); err != nil || form.Value("measures") != "the address is blocked" {
		t.Errorf("the next stage says %q (%v)", form.Value("measures"), err)
	}
}

func TestAReportFiledOutsideNeedsItsProof(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("association")
	i := o.called(casebook.Facts{addresses: casebook.NumberValue(1_000_000)})
	r := o.reported(o.duty(i.ID, "level1_report").ID)
	o.at(3 * time.Hour)
	o.watch() // missed by now, as far as anybody has written
	if _, err := o.FileReport(t.Context(), wang, r.ID, desk.Filing{Channel: "phone", FiledAt: morning.Add(90 * time.Minute)}); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("without a call sheet: %v", err)
	}
	_, err := o.FileReport(t.Context(), wang, r.ID, desk.Filing{Channel: "phone", FiledAt: morning.Add(130 * time.Minute), Proof: "spoke to Chen, 010-0000", LateReason: "the line was busy"})
	if err != nil {
		t.Fatal(err)
	}
	d := o.duty(i.ID, "level1_report")
	if d.State != casebook.Late || !d.MetAt.Equal(morning.Add(130*time.Minute)) {
		t.Errorf("got %s at %v, want it late by ten minutes", d.State, d.MetAt)
	}
	o.wantSound()
}

func TestAnOrderNeedsAPowerAndASecondPerson(t *testing.T) {
	p := newPager(t)
	o := open(t, t.TempDir())
	bureau, err := o.KeepParty(t.Context(), alice, casebook.Party{Name: "Example Bureau", Roles: []string{"authority"}, Region: "CN", Own: true})
	if err != nil {
		t.Fatal(err)
	}
	operator, err := o.KeepParty(t.Context(), alice, casebook.Party{Name: "north", Roles: []string{"telecom_operator"}, Region: "CN-11"})
	if err != nil {
		t.Fatal(err)
	}
	o.load("registry", "cidr,asn,party\n198.51.100.0/24,64500,north\n", morning.AddDate(0, -1, 0))
	o.takeBots(3)
	o.settle()
	i := o.only(casebook.ProposedIncident)
	if _, err := o.Confirm(t.Context(), wang, i.ID, desk.Confirmation{}); err != nil {
		t.Fatal(err)
	}
	want := desk.Command{Incident: i.ID, Party: operator.ID, Measure: "clean", Limit: 24 * time.Hour}
	back := want
	back.Party = bureau.ID
	if _, err := o.DraftOrder(t.Context(), wang, back); !errors.Is(err, casebook.ErrForbidden) {
		t.Errorf("the bureau orders itself: %v", err)
	}
	order, err := o.DraftOrder(t.Context(), wang, want)
	if err != nil || order.Power == "" || order.Article == "" {
		t.Fatalf("got %+v (%v)", order, err)
	}
	if _, err := o.ServeOrder(t.Context(), wang, order.ID, nil); !errors.Is(err, casebook.ErrConflict) {
		t.Errorf("served before it was approved: %v", err)
	}
	if _, err := o.ApproveOrder(t.Context(), wang, order.ID); !errors.Is(err, casebook.ErrForbidden) {
		t.Errorf("approved by its author: %v", err)
	}
	if _, err := o.ApproveOrder(t.Context(), li, order.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := o.ServeOrder(t.Context(), wang, order.ID, nil); !errors.Is(err, casebook.ErrConflict) {
		t.Errorf("served to nowhere: %v", err)
	}
	if err := o.KeepContact(t.Context(), alice, operator.ID, "orders", p.URL, false); err != nil {
		t.Fatal(err)
	}
	if order, err = o.ServeOrder(t.Context(), wang, order.ID, nil); err != nil || !strings.HasPrefix(order.Task, "CN-2026-000001-") {
		t.Fatalf("got %+v (%v)", order, err)
	}
	o.at(time.Minute)
	o.send()
	reader := o.Reader(casebook.Operator())
	if order, err = reader.Order(t.Context(), order.ID); err != nil || order.State != casebook.ServedOrder || !order.Due.Equal(o.now.Add(24*time.Hour)) {
		t.Fatalf("got %+v (%v), want it served and due in a day", order, err)
	}
	answers, bad, err := report.ReadAnswers(strings.NewReader("number,answer,note\n1,done,\n2,not_ours,moved\n3,done,\n9,done,\n"), nil)
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	zhao := casebook.Actor{Kind: casebook.Person, Name: "zhao"}
	taken, bad, err := o.Answer(t.Context(), zhao, order.ID, answers)
	if err != nil || taken != 3 || len(bad) != 1 {
		t.Fatalf("%d taken, %v refused (%v); want 3 and row 9", taken, bad, err)
	}

	// Row 1 is quiet while its source looks; row 3 is seen again.
	o.now = time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
	for day := range 8 {
		o.now = o.now.AddDate(0, 0, 1)
		host := 77
		if day == 5 {
			host = 3
		}
		o.takeBotAt(host, o.now.Add(-time.Hour))
	}
	if _, err := o.VerifyOnce(t.Context(), o.now); err != nil {
		t.Fatal(err)
	}
	rows, err := reader.OrderRows(t.Context(), order.ID)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []casebook.RowState{casebook.VerifiedRow, casebook.AnsweredRow, casebook.ReopenedRow} {
		if rows[n].State != want {
			t.Errorf("row %d is %s, want %s: %s", n+1, rows[n].State, want, rows[n].Why)
		}
	}
	if _, err := o.CloseIncident(t.Context(), wang, i.ID, "cleaned", false); !errors.Is(err, casebook.ErrConflict) || !strings.Contains(err.Error(), "2 of 3 rows aren't checked") {
		t.Errorf("closed with rows open: %v", err)
	}
	if _, err := o.WithdrawOrder(t.Context(), li, order.ID, "a new one follows"); err != nil {
		t.Error(err)
	}
	o.wantSound()
}

func TestAnIncidentThatWasNoneTakesTwoPeople(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("association")
	i := o.called(casebook.Facts{addresses: casebook.NumberValue(1_000_000)})
	for n, step := range []struct {
		who    casebook.Actor
		reason string
		done   bool
		err    error
	}{{wang, "", false, casebook.ErrInvalid}, {wang, "our own test", false, nil}, {wang, "really", false, nil}, {li, "", true, nil}} {
		_, done, err := o.VoidIncident(t.Context(), step.who, i.ID, step.reason)
		if done != step.done || !errors.Is(err, step.err) {
			t.Errorf("step %d: got %v, %v; want %v, %v", n, done, err, step.done, step.err)
		}
	}
	if state := o.duty(i.ID, "level1_report").State; state != casebook.VoidDuty {
		t.Errorf("the duty is %s", state)
	}
	o.wantSound()
}
