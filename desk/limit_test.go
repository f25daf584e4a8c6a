package desk_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/report"
	"tocsin/store"
)

// zhao answers for the operator.
var zhao = casebook.Actor{Kind: casebook.Person, Name: "zhao"}

// ordered makes the authority, an operator with two bots, and an approved order over
// them that isn't served.
func (o *opened) ordered(contact string, exercise bool) (casebook.Incident, casebook.Order) {
	o.t.Helper()
	ctx := o.t.Context()
	bureau, err := o.KeepParty(ctx, alice, casebook.Party{Name: "Example Bureau", Roles: []string{"authority"}, Region: "CN", Own: true})
	if err != nil {
		o.t.Fatal(err)
	}
	north, err := o.KeepParty(ctx, alice, casebook.Party{Name: "north", Roles: []string{"telecom_operator"}})
	if err == nil && contact != "" {
		err = o.KeepContact(ctx, alice, north.ID, "orders", contact, false)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	o.load("registry", "cidr,asn,party\n198.51.100.0/24,64500,north\n", o.now.AddDate(0, -1, 0))
	o.takeBotAt(1, o.now.Add(-72*time.Hour))
	o.takeBotAt(2, o.now.Add(-71*time.Hour))
	i, err := o.OpenIncident(ctx, wang, desk.Opening{Category: casebook.BotnetIncident, Title: "a botnet", Exercise: exercise, Party: bureau.ID})
	if err != nil {
		o.t.Fatal(err)
	}
	var findings []casebook.ID
	for f, err := range o.Reader(casebook.Operator()).Findings(ctx, store.FindingFilter{}) {
		if err != nil {
			o.t.Fatal(err)
		}
		findings = append(findings, f.ID)
	}
	order, err := o.DraftOrder(ctx, wang, desk.Command{Incident: i.ID, Party: north.ID, Findings: findings, Measure: "clean", Limit: 24 * time.Hour})
	if err == nil {
		order, err = o.ApproveOrder(ctx, li, order.ID)
	}
	if err != nil || len(findings) != 2 {
		o.t.Fatalf("%d findings, %v", len(findings), err)
	}
	return i, order
}

// said gives the subjects of calls that begin in some way.
func (o *opened) said(with string) []string {
	return slices.DeleteFunc(o.calls(), func(s string) bool { return !strings.HasPrefix(s, with) })
}

func (o *opened) limits(want int) {
	o.t.Helper()
	if told, err := o.LimitsOnce(o.t.Context(), o.now); err != nil || told != want {
		o.t.Errorf("%d limits were told (%v), want %d", told, err, want)
	}
}

// TestAnOrdersLimitThatPassesIsToldOnce, and once more when what is undone was given
// more time and that passes too.
func TestAnOrdersLimitThatPassesIsToldOnce(t *testing.T) {
	p := newPager(t)
	o := open(t, t.TempDir())
	_, order := o.ordered(p.URL+"/orders", true)
	if _, err := o.ExtendOrder(t.Context(), wang, order.ID, time.Hour, "more time", nil); !errors.Is(err, casebook.ErrConflict) {
		t.Errorf("more time for an order that isn't served: %v", err)
	}
	order, err := o.ServeOrder(t.Context(), wang, order.ID, &desk.Receipt{Proof: "by courier"})
	if err != nil {
		t.Fatal(err)
	}
	answer := func(answers ...report.Answer) {
		t.Helper()
		if taken, bad, err := o.Answer(t.Context(), zhao, order.ID, answers); err != nil || taken != len(answers) || len(bad) > 0 {
			t.Fatalf("%d taken, %v refused, %v", taken, bad, err)
		}
	}
	answer(report.Answer{Number: 1, Kind: casebook.AnswerDone})
	o.now = order.Due
	o.limits(0) // the last second on time
	o.now = o.now.Add(time.Second)
	o.limits(1)
	o.limits(0)
	if got := o.said("[EXERCISE] Order overdue"); len(got) != 1 || !strings.Contains(got[0], "1 of 2 rows undone") {
		t.Errorf("people heard %q of the drill", got)
	}
	for _, wrong := range []struct {
		limit  time.Duration
		reason string
	}{{time.Second, "x"}, {time.Hour, " "}} {
		if _, err := o.ExtendOrder(t.Context(), wang, order.ID, wrong.limit, wrong.reason, nil); !errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	longer, err := o.ExtendOrder(t.Context(), wang, order.ID, 2*time.Hour, "the line is long", nil)
	if err != nil || !longer.Due.Equal(o.now.Add(2*time.Hour)) {
		t.Fatalf("due %v (%v), want two hours from now", longer.Due, err)
	}
	o.send()
	if len(p.texts) != 1 || !strings.Contains(p.texts[0], "the line is long") || strings.Contains(p.texts[0], "198.51.100.1") || !strings.Contains(p.texts[0], "198.51.100.2") ||
		!strings.Contains(p.texts[0], "EXERCISE") {
		t.Errorf("the party was told\n%q", p.texts)
	}
	o.now = o.now.Add(3 * time.Hour)
	o.limits(1)
	answer(report.Answer{Number: 2, Kind: casebook.AnswerNeedsLonger, Until: o.now.Add(time.Hour)})
	if got := o.said("[EXERCISE] An answer to decide on"); len(got) != 1 || !strings.Contains(got[0], "1 needs longer") {
		t.Errorf("people heard %q", got)
	}
	answer(report.Answer{Number: 1, Kind: casebook.AnswerDone}, report.Answer{Number: 2, Kind: casebook.AnswerDone})
	if _, err := o.ExtendOrder(t.Context(), wang, order.ID, time.Hour, "once more", nil); !errors.Is(err, casebook.ErrConflict) {
		t.Errorf("more time for nothing: %v", err)
	}
	o.limits(0)
	rows, err := o.Reader(casebook.Operator()).OrderRows(t.Context(), order.ID)
	if err != nil || !rows[0].AnsweredAt.Before(rows[1].AnsweredAt) {
		t.Errorf("what was answered before is answered anew: %v and %v (%v)", rows[0].AnsweredAt, rows[1].AnsweredAt, err)
	}
	o.wantSound()
}

// TestWhatIsRefusedForGoodCallsPeopleAndGoesToTheContactOfToday: and an order that is
// brought by hand meanwhile, or withdrawn, isn't sent.
func TestWhatIsRefusedForGoodCallsPeopleAndGoesToTheContactOfToday(t *testing.T) {
	p, duty := newPager(t), newPager(t)
	p.answers(http.StatusGone)
	o := open(t, t.TempDir(), duty.contact)
	i, order := o.ordered(p.URL+"/old", false)
	if _, err := o.ServeOrder(t.Context(), wang, order.ID, nil); err != nil {
		t.Fatal(err)
	}
	o.send()
	o.send() // the call that came of it, as a line a contact
	o.send()
	if got := o.said("NOT DELIVERED"); len(got) != 2 || !strings.Contains(got[0], "to north") || !strings.Contains(strings.Join(duty.texts, " "), "bring it by another channel") {
		t.Errorf("people heard %q, and were sent %q", got, duty.texts)
	}
	log, err := o.Reader(casebook.Operator()).Anchors(t.Context(), i.ID)
	if err != nil || !slices.ContainsFunc(log, func(a casebook.Anchor) bool {
		return a.Kind == casebook.NotDelivered && a.Source == order.ID.Text(casebook.OrderPrefix)
	}) {
		t.Errorf("the timeline says %+v (%v)", log, err)
	}
	message := "ord-" + strings.TrimPrefix(order.ID.Text(casebook.OrderPrefix), "ord_")
	p.answers(http.StatusOK)
	for _, end := range []bool{true, false} {
		target := map[bool]string{true: p.URL + "/old", false: p.URL + "/new"}[end]
		if err := o.KeepContact(t.Context(), alice, order.Party, "orders", target, end); err != nil {
			t.Fatal(err)
		}
	}
	line, err := o.Resend(t.Context(), wang, message, "the address was old")
	if m, _ := desk.ReadMessage(line.Payload); err != nil || m.Target != p.URL+"/new" {
		t.Fatalf("it goes to %s (%v)", m.Target, err)
	}
	if _, err := o.WithdrawOrder(t.Context(), wang, order.ID, "wrong party"); err != nil {
		t.Fatal(err)
	}
	heard := len(p.keys)
	o.send()
	if got, err := o.Reader(casebook.Operator()).Order(t.Context(), order.ID); err != nil || got.State != casebook.WithdrawnOrder || len(p.keys) != heard {
		t.Errorf("the order is %s (%v), and %d more were sent", got.State, err, len(p.keys)-heard)
	}
	o.wantSound()
}

// TestAReportMeetsTheDutyThatTookThePlaceOfItsOwn: it was begun before the moment was
// corrected, there is no second one, and late is late by the new moment, with the reason.
func TestAReportMeetsTheDutyThatTookThePlaceOfItsOwn(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("association")
	i := o.called(casebook.Facts{addresses: casebook.NumberValue(1_000_000)})
	first := o.duty(i.ID, "level1_report")
	r := o.reported(first.ID)
	o.at(time.Hour)
	o.correct(i.ID, morning.Add(-90*time.Minute))
	if got := o.said("A correction waits for a second person"); len(got) != 1 || !strings.Contains(got[0], "a botnet") {
		t.Errorf("people heard %q of the correction", got)
	}
	var now casebook.Duty
	for _, d := range o.ofStage(i.ID, "level1_report") {
		if d.Supersedes == first.ID {
			now = d
		}
	}
	for _, duty := range []casebook.ID{first.ID, now.ID} {
		if there, err := o.DraftReport(t.Context(), wang, duty); !errors.Is(err, casebook.ErrConflict) || there.ID != r.ID {
			t.Errorf("a second report: %v", err)
		}
	}
	filed := morning.Add(31*time.Minute + 7*time.Second)
	if _, err := o.FileReport(t.Context(), wang, r.ID, desk.Filing{Channel: "phone", FiledAt: filed, Proof: "spoke to Chen", LateReason: "the paper was mislaid"}); err != nil {
		t.Fatal(err)
	}
	for _, d := range o.ofStage(i.ID, "level1_report") {
		switch d.ID {
		case first.ID:
			if d.State != casebook.Superseded {
				t.Errorf("the old duty is %s", d.State)
			}
		default:
			if d.State != casebook.Late || d.MetAt.Sub(d.Due) != 67*time.Second || d.Reason != "the paper was mislaid" {
				t.Errorf("the duty is %s by %v, %q", d.State, d.MetAt.Sub(d.Due), d.Reason)
			}
		}
	}
	o.wantSound()
}

// TestAnOwnPartyStaysOneUntilItIsSaid that it isn't.
func TestAnOwnPartyStaysOneUntilItIsSaid(t *testing.T) {
	o := open(t, t.TempDir())
	p := o.speaksFor("association")
	again, err := o.KeepParty(t.Context(), alice, casebook.Party{Name: p.Name, Roles: []string{"telecom_operator"}, Region: "CN-12"})
	if err != nil || !again.Own || again.ID != p.ID {
		t.Errorf("kept again it is %+v (%v)", again, err)
	}
	if again, err = o.Disown(t.Context(), alice, p.ID); err != nil || again.Own || again.Region != "CN-12" {
		t.Errorf("disowned it is %+v (%v)", again, err)
	}
	o.wantSound()
}
