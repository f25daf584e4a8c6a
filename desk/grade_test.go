package desk_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/casebook"
	"tocsin/desk"
)

// takeBots hands in a report of machines on a sinkhole, and folds it.
func (o *opened) takeBots(n int) {
	o.t.Helper()
	var b strings.Builder
	b.WriteString("timestamp,severity,src_ip,protocol,src_port,src_asn,src_geo,dst_ip,dst_port,infection,family,tag\n")
	for i := range n {
		fmt.Fprintf(&b, "2026-11-22 00:00:%02d,critical,198.51.100.%d,tcp,4%04d,64500,XA,203.0.113.9,80,examplebot,examplebot,examplebot\n", i%60, i%250+1, i)
	}
	a, err := o.Accept(o.t.Context(), alice, desk.Arrival{Feed: "shadowserver", Name: "2026-11-22-event4_sinkhole-xx.csv", Body: strings.NewReader(b.String())})
	if err != nil {
		o.t.Fatal(err)
	}
	if d, err := o.Gather(o.t.Context(), a.ID); err != nil || d.Rows != int64(n) || d.Refused > 0 {
		o.t.Fatalf("got %+v (%v), want %d rows", d, err, n)
	}
}

// settle grades what waits.
func (o *opened) settle() {
	o.t.Helper()
	if err := o.Settle(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// incidents gives those in a state.
func (o *opened) incidents(state casebook.IncidentState) []casebook.Incident {
	o.t.Helper()
	all, err := o.Reader(casebook.Operator()).Incidents(o.t.Context(), &state, casebook.ID{}, 1000)
	if err != nil {
		o.t.Fatal(err)
	}
	return all
}

// only gives the one incident in a state.
func (o *opened) only(state casebook.IncidentState) casebook.Incident {
	o.t.Helper()
	all := o.incidents(state)
	if len(all) != 1 {
		o.t.Fatalf("%d incidents are %s, want one", len(all), state)
	}
	return all[0]
}

func TestAThreatIsGradedByTheCommitThatMadeIt(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("telecom_operator")
	o.settle()
	first := o.now
	o.take(day("2026-11-20T00:00:00Z", "Sample", "192.0.2.1"))
	o.now = o.now.Add(time.Hour) // the grader is late
	o.take(day("2026-11-21T00:00:00Z", "Other", "192.0.2.2"))
	second := o.now
	o.now = o.now.Add(time.Hour)
	o.settle()
	want := map[string]time.Time{"Sample": first, "Other": second}
	got := map[string]time.Time{}
	for _, i := range o.incidents(casebook.ProposedIncident) {
		got[i.Title] = i.OpenedAt
		grades, err := o.Reader(casebook.Operator()).Grades(t.Context(), i.ID)
		if err != nil || len(grades) != 1 || !grades[0].At.Equal(want[i.Title]) || grades[0].Reach != casebook.Blank || grades[0].Blank == "" {
			t.Errorf("%s: got %+v (%v), want a blank of %s since %v", i.Title, grades, err, scheme, want[i.Title])
		}
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("proposed since (got, want):\n%s", diff)
	}
	calls := o.calls()
	if len(calls) != 1 || !strings.Contains(calls[0], "Possible incident") || !strings.Contains(calls[0], "and 1 more") {
		t.Errorf("got %q, want one call for both", calls)
	}
	// The same again is no growth, and calls nobody.
	o.take(day("2026-11-20T00:00:00Z", "Sample", "192.0.2.1") + "2026-11-22T00:00:00Z,Sample,192.0.2.1,f00d\n")
	o.settle()
	if n := len(o.calls()); n != 1 {
		t.Errorf("people were called %d times, want once", n)
	}
	o.wantSound()
}

// TestAClockThatWentBackLengthensNoLimit: the record keeps its later stamp, and the
// clocks of the law begin when the threat was seen.
func TestAClockThatWentBackLengthensNoLimit(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("telecom_operator")
	o.settle()
	o.now = o.now.Add(-time.Hour)
	o.take(day("2026-11-20T00:00:00Z", "Sample", "192.0.2.1"))
	o.settle()
	i := o.only(casebook.ProposedIncident)
	if !i.OpenedAt.Equal(o.now) {
		t.Errorf("it came before the desk at %v, want %v", i.OpenedAt, o.now)
	}
	if _, err := o.Confirm(t.Context(), wang, i.ID, desk.Confirmation{Facts: casebook.Facts{addresses: casebook.NumberValue(1_000_000)}}); err != nil {
		t.Fatal(err)
	}
	if d := o.duty(i.ID, "level1_report"); !d.Due.Equal(o.now.Add(2 * time.Hour)) {
		t.Errorf("due %v, want two hours after %v", d.Due, o.now)
	}
	o.wantSound()
}

func TestAnAuthoritySeesWhatOthersOwe(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("authority")
	o.take(day("2026-11-20T00:00:00Z", "Sample", "192.0.2.1"))
	o.settle()
	i := o.only(casebook.ProposedIncident)
	grades, err := o.Reader(casebook.Operator()).Grades(t.Context(), i.ID)
	if err != nil || len(grades) == 0 || grades[0].Regime != scheme {
		t.Errorf("got %+v (%v), want what the scheme says of it", grades, err)
	}
	if got := o.duties(i.ID, scheme); len(got) != 0 {
		t.Errorf("an authority owes %q", got)
	}
}

func TestWhatIsNoBotnetIsNoIncident(t *testing.T) {
	o := open(t, t.TempDir())
	o.speaksFor("telecom_operator")
	report := "timestamp,severity,ip,protocol,port,hostname,tag,asn,geo\n2026-11-22 00:00:00,medium,198.51.100.4,tcp,23,,telnet,64500,XA\n"
	a, err := o.Accept(t.Context(), alice, desk.Arrival{Feed: "shadowserver", Name: "2026-11-22-scan_telnet-xx.csv", Body: strings.NewReader(report)})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := o.Gather(t.Context(), a.ID); err != nil || d.Taken != 1 {
		t.Fatalf("got %+v (%v)", d, err)
	}
	o.settle()
	if n := len(o.incidents(casebook.ProposedIncident)); n != 0 {
		t.Errorf("%d incidents are proposed of an open port", n)
	}
}

// TestGradedWithinASecond: stations run, nobody asks, and no second passes between the
// commit that made a threat and its grade.
func TestGradedWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t, t.TempDir(), inTheYear2026)
		o.speaksFor("telecom_operator")
		run(t, o, func() {
			time.Sleep(90 * time.Second)
			a := o.accept(day("2026-11-20T00:00:00Z", "Sample", "192.0.2.1"))
			if _, err := o.Await(t.Context(), casebook.Operator(), a.ID, 1<<62); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			i := o.only(casebook.ProposedIncident)
			grades, err := o.Reader(casebook.Operator()).Grades(t.Context(), i.ID)
			if err != nil || len(grades) == 0 {
				t.Fatalf("no grade a second later (%v)", err)
			}
			for _, g := range grades {
				if late := g.RecordedAt.Sub(g.At); late > time.Second {
					t.Errorf("%s was graded %v after its commit", g.Regime, late)
				}
			}
		})
		o.wantSound()
	})
}

// inTheYear2026 lets a desk in a bubble, where time begins in 2000, live in the days
// of the laws.
func inTheYear2026(c *desk.Config) {
	c.Now = func() time.Time { return time.Now().AddDate(26, 1, 15) }
}

// takeBotAt hands in a report of one machine on a sinkhole at a moment, and folds it.
func (o *opened) takeBotAt(host int, at time.Time) {
	o.t.Helper()
	text := fmt.Sprintf("timestamp,severity,src_ip,protocol,src_port,infection,family,tag\n%s,critical,198.51.100.%d,tcp,40000,examplebot,examplebot,examplebot\n", at.Format(time.DateTime), host)
	a, err := o.Accept(o.t.Context(), alice, desk.Arrival{Feed: "shadowserver", Name: at.Format(time.DateOnly) + "-event4_sinkhole-xx.csv", Body: strings.NewReader(text)})
	if err != nil {
		o.t.Fatal(err)
	}
	if d, err := o.Gather(o.t.Context(), a.ID); err != nil || d.Taken != 1 {
		o.t.Fatalf("got %+v (%v), want one row taken", d, err)
	}
}

// TestJudgingAgainIsDoneAgainWhereItFailed: that duties are reckoned for a new party is
// noted only once it was done for every incident, so that none is left out for good.
func TestJudgingAgainIsDoneAgainWhereItFailed(t *testing.T) {
	dir := t.TempDir()
	o := open(t, dir)
	facts := casebook.Facts{addresses: casebook.NumberValue(1_000_000)}
	first, second, third := o.called(facts), o.called(facts), o.called(facts)
	change(t, dir, `UPDATE fact SET value = '{' WHERE incident = 2`)
	if _, err := o.KeepParty(t.Context(), alice, casebook.Party{Name: "North Access", Roles: []string{"telecom_operator"}, Region: "CN-11", Own: true}); err == nil || !strings.Contains(err.Error(), second.ID.Text(casebook.IncidentPrefix)) {
		t.Errorf("got %v, want the incident named that couldn't be judged", err)
	}
	want := []string{"level1_report open 2026-11-23T10:00:00Z"}
	for _, i := range []casebook.Incident{first, third} {
		if got := o.duties(i.ID, scheme); !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q though another incident can't be judged", got, want)
		}
	}
	change(t, dir, `UPDATE fact SET value = '1000000' WHERE incident = 2`)
	o.settle()
	for _, i := range []casebook.Incident{first, second, third} {
		if got := o.duties(i.ID, scheme); !cmp.Equal(got, want) {
			t.Errorf("got %q, want %q once it can", got, want)
		}
	}
	o.wantSound()
}
