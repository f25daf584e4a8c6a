package desk_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// wang is an officer on duty, li another.
var (
	wang = casebook.Actor{Kind: casebook.Person, Name: "wang"}
	li   = casebook.Actor{Kind: casebook.Person, Name: "li"}
)

const (
	addresses = "controlled_addresses_unique_24h"
	scheme    = "cn-miit-2009-156"
)

// speaksFor makes the platform speak for a party of these roles in Beijing.
func (o *opened) speaksFor(roles ...string) casebook.Party {
	o.t.Helper()
	p, err := o.KeepParty(o.t.Context(), alice, casebook.Party{Name: "North Access", Roles: roles, Region: "CN-11", Own: true})
	if err != nil {
		o.t.Fatal(err)
	}
	return p
}

// called opens an incident by hand, as after a telephone call.
func (o *opened) called(facts casebook.Facts) casebook.Incident {
	o.t.Helper()
	i, err := o.OpenIncident(o.t.Context(), wang, desk.Opening{Category: casebook.BotnetIncident, Title: "a botnet", Source: "NOC, by phone", Facts: facts})
	if err != nil {
		o.t.Fatal(err)
	}
	return i
}

// duties gives the duties of an incident under one regime: "stage state due".
func (o *opened) duties(id casebook.ID, regime string) []string {
	o.t.Helper()
	all, err := o.Reader(casebook.Operator()).DutiesByDue(o.t.Context(), store.DutyFilter{Incident: id}, casebook.ID{}, 100)
	if err != nil {
		o.t.Fatal(err)
	}
	lines := []string{}
	for _, d := range all {
		if d.Regime == regime {
			lines = append(lines, fmt.Sprintf("%s %s %s", d.Stage, d.State, d.Due.Format(time.RFC3339)))
		}
	}
	slices.Sort(lines)
	return lines
}

// calls gives the subjects of what was put into the outbox, oldest first.
func (o *opened) calls() []string {
	o.t.Helper()
	all, err := o.Reader(casebook.Operator()).Outbox(o.t.Context(), nil, 1000)
	if err != nil {
		o.t.Fatal(err)
	}
	var subjects []string
	for _, line := range slices.Backward(all) {
		m, err := desk.ReadMessage(line.Payload)
		if err != nil {
			o.t.Fatal(err)
		}
		subjects = append(subjects, m.Subject)
	}
	return subjects
}

func TestFiguresDecideWhichClockRuns(t *testing.T) {
	const due = "2026-11-23T10:00:00Z" // two hours after the morning's call
	blanks := []string{"level2_report unset " + due, "level3_report unset " + due}
	for _, c := range []struct {
		name  string
		roles []string
		value casebook.Value
		want  []string
	}{
		{"a million confirmed", []string{"telecom_operator"}, casebook.NumberValue(1_000_000), []string{"level1_report open " + due}},
		{"one fewer", []string{"telecom_operator"}, casebook.NumberValue(999_999), blanks},
		{"900,000, surely", []string{"telecom_operator"}, casebook.NumberValue(900_000), blanks},
		{"900,000 that may be over a million", []string{"telecom_operator"}, casebook.IntervalValue(casebook.Interval{Low: 850_000, Point: 900_000, High: 1_010_000}),
			append([]string{"level1_report unset " + due}, blanks...)},
		{"a hosting centre that is nothing else", []string{"hosting"}, casebook.NumberValue(1_000_000), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := open(t, t.TempDir())
			o.speaksFor(c.roles...)
			i := o.called(casebook.Facts{addresses: c.value})
			var got []string
			for _, line := range o.duties(i.ID, scheme) {
				if strings.HasPrefix(line, "level") && !strings.HasPrefix(line, "level4") {
					got = append(got, line)
				}
			}
			if diff := cmp.Diff(got, c.want); diff != "" {
				t.Errorf("duties (got, want):\n%s", diff)
			}
			if calls := o.calls(); len(calls) != 1 {
				t.Errorf("people were called %d times, want once: %q", len(calls), calls)
			}
			o.wantSound()
		})
	}
}

func TestAHostingCentreOwesItsUsersNotice(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("hosting")
	i := o.called(casebook.Facts{addresses: casebook.NumberValue(10)})
	if got := o.duties(i.ID, scheme); len(got) != 1 || !strings.HasPrefix(got[0], "user_notice ") {
		t.Errorf("got %q, want the notice to its users alone", got)
	}
}

func TestACallThatIsToldLateStartedWhenItCame(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("telecom_operator")
	i, err := o.OpenIncident(t.Context(), wang, desk.Opening{Title: "a botnet", Received: morning.Add(-90 * time.Minute), Occurred: morning.Add(-5 * time.Hour),
		Zone: "Asia/Shanghai", Facts: casebook.Facts{addresses: casebook.NumberValue(2_000_000)}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := o.duties(i.ID, scheme)[0], "level1_report open 2026-11-23T08:30:00Z"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	log, err := o.Reader(casebook.Operator()).Anchors(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range log[:3] {
		got = append(got, fmt.Sprintf("%s %s %s", a.Kind, a.At.Format(time.TimeOnly), a.RecordedAt.Format(time.TimeOnly)))
	}
	want := []string{"occurred 03:00:00 08:00:00", "received 06:30:00 08:00:00", "owner_took 08:00:00 08:00:00"}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("timeline: happened, written (got, want):\n%s", diff)
	}
}

func TestAProposedIncidentWaitsForAPerson(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("telecom_operator")
	o.takeBots(3)
	crossed := o.now
	o.now = o.now.Add(700 * time.Millisecond)
	o.settle()
	i := o.only(casebook.ProposedIncident)
	if want := o.now.Add(casebook.Triage); !i.TriageDue.Equal(want) || !i.OpenedAt.Equal(crossed) || i.Owner != "" {
		t.Errorf("got %+v, want it since %v and to be answered by %v", i, crossed, want)
	}
	for _, line := range o.duties(i.ID, scheme) {
		if !strings.Contains(line, " unset ") {
			t.Errorf("%s runs before anybody said yes", line)
		}
	}

	// A machine can't say yes, and neither can a rule.
	for _, who := range []casebook.Actor{alice, {Kind: casebook.Rule, Name: "grade"}, {Kind: casebook.Person}} {
		if _, err := o.Confirm(t.Context(), who, i.ID, desk.Confirmation{}); !errors.Is(err, casebook.ErrForbidden) {
			t.Errorf("%s said yes: %v", who, err)
		}
	}
	o.now = o.now.Add(10 * time.Minute)
	yes, err := o.Confirm(t.Context(), wang, i.ID, desk.Confirmation{Facts: casebook.Facts{addresses: casebook.NumberValue(1_200_000)}})
	if err != nil || yes.State != casebook.OpenIncident || !yes.TriageDue.IsZero() {
		t.Fatalf("got %+v (%v), want it open", yes, err)
	}
	// The clock began with the commit that put it before the desk, not with the yes.
	want := "level1_report open " + crossed.Add(2*time.Hour).Format(time.RFC3339)
	if got := o.duties(i.ID, scheme); !slices.Contains(got, want) || slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "unset") && !strings.HasPrefix(s, "level4") }) {
		t.Errorf("got %q, want %s and no blank left", got, want)
	}
	if _, err := o.Confirm(t.Context(), wang, i.ID, desk.Confirmation{}); !errors.Is(err, casebook.ErrConflict) {
		t.Errorf("a second yes without a new fact: %v", err)
	}
	o.wantSound()
}

func TestAYesConfirmsWhatIsKnownByThen(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("telecom_operator")
	o.takeBots(3)
	o.settle()
	o.takeBots(5) // grows within the same level
	o.settle()
	i := o.only(casebook.ProposedIncident)
	if _, err := o.Confirm(t.Context(), wang, i.ID, desk.Confirmation{}); err != nil {
		t.Fatal(err)
	}
	facts, err := o.Reader(casebook.Operator()).Facts(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	last := facts[len(facts)-1]
	if !last.Confirmed || last.Name != addresses || last.Value != casebook.NumberValue(5) {
		t.Errorf("got %+v, want the five addresses of now confirmed", last)
	}
}

func TestADismissedProposalLeavesItsReason(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("telecom_operator")
	o.takeBots(3)
	o.settle()
	i := o.only(casebook.ProposedIncident)
	if _, err := o.Dismiss(t.Context(), wang, i.ID, " "); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("dismissed without a reason: %v", err)
	}
	if no, err := o.Dismiss(t.Context(), wang, i.ID, "a sinkhole of our own"); err != nil || no.State != casebook.VoidIncident {
		t.Fatalf("got %+v (%v)", no, err)
	}
	for _, line := range append(o.duties(i.ID, scheme), o.duties(i.ID, "cn-cac-2025")...) {
		if !strings.Contains(line, " void ") {
			t.Errorf("%s outlives the dismissal", line)
		}
	}
	// More of the same is no news; what reaches a level is.
	o.takeBots(5)
	o.settle()
	if n := len(o.incidents(casebook.ProposedIncident)); n != 0 {
		t.Errorf("%d incidents are proposed again of what was dismissed", n)
	}
	o.wantSound()
}

func TestAnIncidentHasOneOwner(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("telecom_operator")
	i := o.called(nil)
	for n, step := range []struct {
		what string
		do   func() (casebook.Incident, error)
		want string // the owner afterwards
		err  error
	}{
		{"li takes what wang has", func() (casebook.Incident, error) { return o.Take(t.Context(), li, i.ID) }, "wang", casebook.ErrConflict},
		{"li gives what wang has", func() (casebook.Incident, error) { return o.Give(t.Context(), li, i.ID, "chen") }, "wang", casebook.ErrConflict},
		{"wang gives it to li", func() (casebook.Incident, error) { return o.Give(t.Context(), wang, i.ID, "li") }, "li", nil},
		{"wang releases what li has", func() (casebook.Incident, error) { return o.Release(t.Context(), wang, i.ID) }, "li", casebook.ErrConflict},
		{"li releases it", func() (casebook.Incident, error) { return o.Release(t.Context(), li, i.ID) }, "", nil},
		{"li releases it again", func() (casebook.Incident, error) { return o.Release(t.Context(), li, i.ID) }, "", casebook.ErrConflict},
		{"wang takes it", func() (casebook.Incident, error) { return o.Take(t.Context(), wang, i.ID) }, "wang", nil},
		{"to nobody", func() (casebook.Incident, error) { return o.Give(t.Context(), wang, i.ID, " ") }, "wang", casebook.ErrInvalid},
	} {
		_, err := step.do()
		now, failed := o.Reader(casebook.Operator()).Incident(t.Context(), i.ID)
		if !errors.Is(err, step.err) || failed != nil || now.Owner != step.want {
			t.Errorf("%d, %s: got owner %q, %v; want %q, %v", n, step.what, now.Owner, err, step.want, step.err)
		}
	}
	log, err := o.Reader(casebook.Operator()).Anchors(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range log {
		if strings.HasPrefix(a.Kind, "owner_") {
			got = append(got, a.Kind+" "+a.By+" "+a.Note)
		}
	}
	want := []string{"owner_took person:wang ", "owner_gave person:wang li", "owner_released person:li ", "owner_took person:wang "}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("the log of owners (got, want):\n%s", diff)
	}
}

func TestGradesOfFourStandingsAreKeptApart(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("telecom_operator")
	o.takeBots(3)
	o.settle()
	i := o.only(casebook.ProposedIncident)
	grade := func(standing casebook.Standing, level string) error {
		_, err := o.GradeIncident(t.Context(), wang, i.ID, desk.Ruling{Regime: scheme, Level: level, Standing: standing, Reason: "three provinces"})
		return err
	}
	if err := grade(casebook.ConfirmedHere, "serious"); !errors.Is(err, casebook.ErrConflict) {
		t.Errorf("graded before anybody said that it is an incident: %v", err)
	}
	if _, err := o.Confirm(t.Context(), wang, i.ID, desk.Confirmation{}); err != nil {
		t.Fatal(err)
	}
	o.now = o.now.Add(time.Minute)
	for _, c := range []struct {
		standing casebook.Standing
		level    string
		want     error
	}{
		{casebook.Proposed, "serious", casebook.ErrInvalid},
		{casebook.ConfirmedHere, "terrible", casebook.ErrInvalid},
		{casebook.ConfirmedHere, "serious", nil},
		{casebook.Reported, "serious", nil},
		{casebook.DeterminedBy, "extremely_serious", nil},
	} {
		if err := grade(c.standing, c.level); !errors.Is(err, c.want) {
			t.Errorf("%s %s: got %v, want %v", c.standing, c.level, err, c.want)
		}
	}
	grades, err := o.Reader(casebook.Operator()).Grades(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range grades {
		if g.Regime == scheme {
			got = append(got, fmt.Sprintf("%s %s %s by %s", g.Standing, g.Level, g.Reach, g.By))
		}
	}
	want := []string{"proposed serious blank by rule:grade", "confirmed serious reached by person:wang", "reported serious reached by person:wang", "determined extremely_serious reached by person:wang"}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("grades (got, want):\n%s", diff)
	}
	// The determination opens the gravest stage; what it takes the place of stays on record.
	duties := strings.Join(o.duties(i.ID, scheme), "\n")
	for _, want := range []string{"level1_report open ", "level2_report superseded "} {
		if !strings.Contains(duties, want) {
			t.Errorf("no %sin\n%s", want, duties)
		}
	}
	o.wantSound()
}

// TestADrillIsCalledADrill: in what people are called for, live duties come first, and
// firm ones before provisional ones.
func TestADrillIsCalledADrill(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("telecom_operator")
	o.called(casebook.Facts{addresses: casebook.NumberValue(1_000_000)})
	if got := o.calls()[0]; !strings.HasPrefix(got, "Clock started: 2026-11-23 18:00 +08:00, Report of an extremely serious") || !strings.Contains(got, scheme+" level1_report") {
		t.Errorf("the subject is %q, want it to name the duty that nobody has still to grade", got)
	}
	if _, err := o.OpenIncident(t.Context(), wang, desk.Opening{Title: "as if", Facts: casebook.Facts{addresses: casebook.NumberValue(1_000_000)}, Exercise: true}); err != nil {
		t.Fatal(err)
	}
	if got := o.calls()[1]; !strings.HasPrefix(got, "[EXERCISE] Clock started: ") {
		t.Errorf("a drill is told as %q", got)
	}
	o.at(2*time.Hour + time.Second)
	o.watch()
	all, err := o.Reader(casebook.Operator()).Outbox(t.Context(), nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := desk.ReadMessage(all[0].Payload)
	if err != nil {
		t.Fatal(err)
	}
	live, drill := strings.Index(m.Text, "\nMISSED"), strings.Index(m.Text, "[EXERCISE] MISSED")
	if strings.HasPrefix(m.Text, "MISSED") {
		live = 0
	}
	if !strings.HasPrefix(m.Subject, "MISSED: 2026-11-23 18:00 +08:00") || !strings.Contains(m.Subject, scheme) || live < 0 || drill < live {
		t.Errorf("people are told %q:\n%s\nwant the live miss first and the drill marked", m.Subject, m.Text)
	}
	o.wantSound()
}

func TestActsThatAreRefused(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("telecom_operator")
	i := o.called(nil)
	future := morning.Add(time.Hour)
	foreign, err := o.KeepParty(t.Context(), alice, casebook.Party{Name: "South Access", Roles: []string{"telecom_operator"}, Region: "CN-44"})
	if err != nil {
		t.Fatal(err)
	}
	log, err := o.Reader(casebook.Operator()).Anchors(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		err  error
		want error
		says string
	}{
		{"a party with a role that no law knows", func() error {
			_, err := o.KeepParty(t.Context(), alice, casebook.Party{Name: "X", Roles: []string{"network_operater"}})
			return err
		}(), casebook.ErrInvalid, "network_operator"},
		{"a party without a name", func() error {
			_, err := o.KeepParty(t.Context(), alice, casebook.Party{Roles: []string{"centre"}})
			return err
		}(), casebook.ErrInvalid, "name"},
		{"an incident without a title", func() error { _, err := o.OpenIncident(t.Context(), wang, desk.Opening{Title: "\n"}); return err }(), casebook.ErrInvalid, "title"},
		{"a fact that no law asks for", func() error {
			_, err := o.OpenIncident(t.Context(), wang, desk.Opening{Title: "x", Facts: casebook.Facts{"controled_addresses_unique_24h": casebook.NumberValue(1)}})
			return err
		}(), casebook.ErrInvalid, addresses},
		{"a call from the future", func() error {
			_, err := o.OpenIncident(t.Context(), wang, desk.Opening{Title: "x", Received: future})
			return err
		}(), casebook.ErrInvalid, "still to come"},
		{"a note of the future", func() error {
			_, err := o.Note(t.Context(), wang, i.ID, casebook.Anchor{Note: "x", At: future})
			return err
		}(), casebook.ErrInvalid, "still to come"},
		{"an incident that isn't there", func() error { _, err := o.Take(t.Context(), wang, casebook.NewID(morning)); return err }(), casebook.ErrNotFound, "inc_"},
		{"a law that isn't there", func() error {
			_, err := o.GradeIncident(t.Context(), wang, i.ID, desk.Ruling{Regime: "cn-miit-2009-165", Level: "serious", Standing: casebook.ConfirmedHere, Reason: "x"})
			return err
		}(), casebook.ErrNotFound, scheme},
		{"a party that isn't there", func() error {
			_, err := o.OpenIncident(t.Context(), wang, desk.Opening{Title: "x", Party: casebook.NewID(morning)})
			return err
		}(), casebook.ErrNotFound, "party"},
		{"a party in a place that no law knows", func() error {
			_, err := o.KeepParty(t.Context(), alice, casebook.Party{Name: "X", Roles: []string{"centre"}, Region: "Beijing", Own: true})
			return err
		}(), casebook.ErrInvalid, "CN-11"},
		{"a member state by its name", func() error {
			_, err := o.KeepParty(t.Context(), alice, casebook.Party{Name: "X", Roles: []string{"centre"}, MemberState: "DE-BY"})
			return err
		}(), casebook.ErrInvalid, "member state"},
		{"a role that is like none", func() error {
			_, err := o.KeepParty(t.Context(), alice, casebook.Party{Name: "X", Roles: []string{"q"}})
			return err
		}(), casebook.ErrInvalid, "there are network_operator"},
		{"a call of a year that nobody can mean", func() error {
			_, err := o.OpenIncident(t.Context(), wang, desk.Opening{Title: "x", Received: time.Unix(0, 0)})
			return err
		}(), casebook.ErrInvalid, "before the year 2000"},
		{"a zone that isn't there", func() error {
			_, err := o.OpenIncident(t.Context(), wang, desk.Opening{Title: "x", Zone: "Mars/Base"})
			return err
		}(), casebook.ErrInvalid, "Asia/Shanghai"},
		{"a party for which the platform doesn't speak", func() error {
			_, err := o.OpenIncident(t.Context(), wang, desk.Opening{Title: "x", Party: foreign.ID})
			return err
		}(), casebook.ErrInvalid, "no clock would run"},
		{"a note instead of the moment on which a clock rests", func() error {
			_, err := o.Note(t.Context(), wang, i.ID, casebook.Anchor{Note: "x", Supersedes: log[0].ID})
			return err
		}(), casebook.ErrInvalid, `"received"`},
		{"a correction of an entry that isn't there", func() error {
			_, err := o.Note(t.Context(), wang, i.ID, casebook.Anchor{Note: "x", Supersedes: casebook.NewID(morning)})
			return err
		}(), casebook.ErrNotFound, "inc_"},
	} {
		if !errors.Is(c.err, c.want) || c.err != nil && !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s: got %v, want %v with %q", c.name, c.err, c.want, c.says)
		}
	}
	if n := len(o.incidents(casebook.OpenIncident)); n != 1 {
		t.Errorf("%d incidents are open, want the one", n)
	}
	o.wantSound()
}

func TestWithoutAPartyNothingIsOwedAndASecondLookFollows(t *testing.T) {
	o := open(t, t.TempDir())
	i := o.called(casebook.Facts{addresses: casebook.NumberValue(1_000_000)})
	if got := o.duties(i.ID, scheme); len(got) != 0 {
		t.Errorf("got %q for nobody", got)
	}
	if calls := o.calls(); len(calls) != 1 || !strings.Contains(calls[0], "speaks for no party") {
		t.Errorf("people were told %q, want that nobody's duties are reckoned", calls)
	}
	o.speaksFor("telecom_operator")
	if got, want := o.duties(i.ID, scheme), []string{"level1_report open 2026-11-23T10:00:00Z"}; !cmp.Equal(got, want) {
		t.Errorf("got %q, want %q as soon as the platform speaks for somebody", got, want)
	}
}
