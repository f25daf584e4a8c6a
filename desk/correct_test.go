package desk_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// correct has two people correct when word of an incident reached the desk.
func (o *opened) correct(id casebook.ID, to time.Time) {
	o.t.Helper()
	for _, step := range []struct {
		who casebook.Actor
		y   desk.Correction
	}{{wang, desk.Correction{Entry: casebook.Received, At: to, Reason: "the duty book says so"}}, {li, desk.Correction{Entry: casebook.Received}}} {
		if _, err := o.Correct(o.t.Context(), step.who, id, step.y); err != nil {
			o.t.Fatal(err)
		}
	}
}

// owed gives what stands of an incident: each duty that isn't superseded or void.
func (o *opened) owed(id casebook.ID) (lines []string, all []casebook.Duty) {
	o.t.Helper()
	all, err := o.Reader(casebook.Operator()).DutiesByDue(o.t.Context(), store.DutyFilter{Incident: id}, casebook.ID{}, 1000)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, d := range all {
		if d.State != casebook.Superseded && d.State != casebook.VoidDuty {
			lines = append(lines, fmt.Sprintf("%s %s %s started %s due %s by %s", d.Regime, d.Stage, d.State, d.Started.Format(time.RFC3339), d.Due.Format(time.RFC3339), d.Key))
		}
	}
	slices.Sort(lines)
	return lines, all
}

func TestACorrectionTakesTwoPeople(t *testing.T) {
	o, i := oneClock(t, t.TempDir())
	old := o.duty(i.ID, "level1_report")
	o.at(time.Hour)
	right := morning.Add(-30 * time.Minute)
	if _, err := o.Correct(t.Context(), wang, i.ID, desk.Correction{Entry: casebook.Received, At: right, Reason: "the call was taken at half past seven"}); err != nil {
		t.Fatal(err)
	}
	if d := o.duty(i.ID, "level1_report"); d.ID != old.ID || !d.Due.Equal(old.Due) || d.State != casebook.OpenDuty {
		t.Errorf("one person's word moved the duty: %+v", d)
	}
	if _, err := o.Correct(t.Context(), wang, i.ID, desk.Correction{Entry: casebook.Received}); !errors.Is(err, casebook.ErrForbidden) {
		t.Errorf("one person did both: %v", err)
	}
	if _, err := o.Correct(t.Context(), li, i.ID, desk.Correction{Entry: casebook.Received, At: right}); err != nil {
		t.Fatal(err)
	}
	_, all := o.owed(i.ID)
	if len(all) != 2 {
		t.Fatalf("got %+v, want the old duty and the new", all)
	}
	got := map[casebook.DutyState]casebook.Duty{all[0].State: all[0], all[1].State: all[1]}
	was, is := got[casebook.Superseded], got[casebook.OpenDuty]
	if was.ID != old.ID || !was.Due.Equal(morning.Add(2*time.Hour)) || !strings.Contains(was.Reason, "half past seven") {
		t.Errorf("the old duty is %+v", was)
	}
	if is.Supersedes != old.ID || !is.Due.Equal(right.Add(2*time.Hour)) || !is.WasDue.Equal(was.Due) || !is.Started.Equal(right) {
		t.Errorf("the new duty is %+v, want it due two hours after %v, and the old moment beside it", is, right)
	}
	var told []string
	log, err := o.Reader(casebook.Operator()).Anchors(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range log {
		if a.Kind == casebook.Received || a.Kind == casebook.CorrectionAsked {
			told = append(told, a.Kind+" "+a.At.Format(time.TimeOnly)+" "+a.By)
		}
	}
	if want := []string{"received 08:00:00 person:wang", "correction_asked 07:30:00 person:wang", "received 07:30:00 person:li"}; !slices.Equal(told, want) {
		t.Errorf("got %q\nwant %q", told, want)
	}
	o.at(100 * time.Minute)
	o.watch()
	if d := o.duty(i.ID, "level1_report"); d.State != casebook.Missed && is.ID == d.ID {
		t.Errorf("the new moment passed, and the duty is %+v", d)
	}
	o.wantSound()
}

// What stands after a correction is what would stand if the moment had been told
// right from the start, by every law, whether or not duties were missed meanwhile.
func TestACorrectionIsAsIfItHadBeenToldRight(t *testing.T) {
	roles := []string{"telecom_operator", "cii_operator", "network_operator", "association"}
	for _, c := range []struct {
		name string
		to   time.Duration // from the morning on
		at   time.Duration // when it is corrected
	}{
		{"half an hour sooner", -30 * time.Minute, time.Hour},
		{"a day sooner: what was in time is missed", -24 * time.Hour, time.Hour},
		{"later, after a miss", 2 * time.Hour, 3 * time.Hour},
		{"over a month's end", 8 * 24 * time.Hour, 9 * 24 * time.Hour},
		{"a year sooner: other laws were in force", -366 * 24 * time.Hour, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			right := open(t, t.TempDir())
			right.speaksFor(roles...)
			right.at(c.at)
			i, err := right.OpenIncident(t.Context(), wang, desk.Opening{Category: casebook.BotnetIncident, Title: "a botnet", Facts: casebook.Facts{addresses: casebook.NumberValue(1_000_000)}, Received: morning.Add(c.to)})
			if err != nil {
				t.Fatal(err)
			}
			right.watch()
			want, _ := right.owed(i.ID)

			o := open(t, t.TempDir())
			o.speaksFor(roles...)
			j := o.called(casebook.Facts{addresses: casebook.NumberValue(1_000_000)})
			o.at(c.at)
			o.watch()
			o.correct(j.ID, morning.Add(c.to))
			o.watch()
			got, all := o.owed(j.ID)
			if !slices.Equal(got, want) || len(want) == 0 {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			moved := 0
			for _, d := range all {
				if !d.WasDue.IsZero() {
					moved++
				}
			}
			if moved == 0 && c.to != -366*24*time.Hour {
				t.Error("no duty tells when it was due before")
			}
		})
	}
}

// The way back: a correction that is corrected leaves what was owed at first.
func TestACorrectionIsCorrected(t *testing.T) {
	o, i := oneClock(t, t.TempDir())
	before, _ := o.owed(i.ID)
	o.at(time.Minute)
	o.correct(i.ID, morning.Add(-time.Hour))
	o.correct(i.ID, morning)
	after, all := o.owed(i.ID)
	if !slices.Equal(after, before) || len(all) != 3 {
		t.Errorf("got %q of %d duties, want %q of 3", after, len(all), before)
	}
}

// Where each of several facts has a clock of its own, only that of the corrected one
// moves.
func TestACorrectionOfOneOfSeveral(t *testing.T) {
	o := open(t, t.TempDir())
	if _, err := o.KeepParty(t.Context(), alice, casebook.Party{Name: "Example Holdings", Roles: []string{"registrant"}, Region: "US", Own: true}); err != nil {
		t.Fatal(err)
	}
	i := o.called(nil)
	if _, err := o.GradeIncident(t.Context(), wang, i.ID, desk.Ruling{Regime: "us-sec-8k-105", Level: "material", Standing: casebook.DeterminedBy, Reason: "the board says so"}); err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		o.at(time.Duration(1+n) * 24 * time.Hour)
		if _, err := o.Confirm(t.Context(), wang, i.ID, desk.Confirmation{Facts: casebook.Facts{addresses: casebook.NumberValue(int64(1000 + n))}}); err != nil {
			t.Fatal(err)
		}
	}
	before := o.ofStage(i.ID, "amendment")
	if len(before) != 2 {
		t.Fatalf("got %+v, want a clock a fact", before)
	}
	log, err := o.Reader(casebook.Operator()).Anchors(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	var facts []casebook.Anchor
	for _, a := range log {
		if a.Kind == casebook.NewFact {
			facts = append(facts, a)
		}
	}
	if _, err := o.Correct(t.Context(), wang, i.ID, desk.Correction{Entry: casebook.NewFact, At: morning, Reason: "x"}); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("which of two wasn't asked: %v", err)
	}
	entry, right := facts[1].ID.Text(casebook.AnchorPrefix), morning.Add(30*time.Hour)
	for _, step := range []struct {
		who casebook.Actor
		y   desk.Correction
	}{{wang, desk.Correction{Entry: entry, At: right, Reason: "the board met at night"}}, {li, desk.Correction{Entry: entry}}} {
		if _, err := o.Correct(t.Context(), step.who, i.ID, step.y); err != nil {
			t.Fatal(err)
		}
	}
	stands := 0
	for _, d := range o.ofStage(i.ID, "amendment") {
		switch {
		case d.ID == before[0].ID && d.State == casebook.OpenDuty:
			stands++
		case d.ID == before[1].ID && d.State == casebook.Superseded:
			stands++
		case d.Supersedes == before[1].ID && d.Started.Equal(right) && d.State == casebook.OpenDuty:
			stands++
		default:
			t.Errorf("got %+v", d)
		}
	}
	if stands != 3 {
		t.Errorf("%d of three duties are as they should be", stands)
	}
}

func TestCorrectionsThatAreRefused(t *testing.T) {
	o, i := oneClock(t, t.TempDir())
	log, err := o.Reader(casebook.Operator()).Anchors(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	first := log[0].ID.Text(casebook.AnchorPrefix)
	o.at(time.Hour)
	for _, c := range []struct {
		name string
		who  casebook.Actor
		y    desk.Correction
		want error
	}{
		{"a machine", alice, desk.Correction{Entry: first, At: morning.Add(-time.Hour), Reason: "x"}, casebook.ErrForbidden},
		{"a yes to nothing", li, desk.Correction{Entry: first}, casebook.ErrConflict},
		{"no moment", wang, desk.Correction{Entry: first, Reason: "x"}, casebook.ErrInvalid},
		{"the same moment", wang, desk.Correction{Entry: first, At: morning, Reason: "x"}, casebook.ErrInvalid},
		{"a moment to come", wang, desk.Correction{Entry: first, At: morning.Add(2 * time.Hour), Reason: "x"}, casebook.ErrInvalid},
		{"an entry that isn't there", wang, desk.Correction{Entry: "surfaced", At: morning, Reason: "x"}, casebook.ErrNotFound},
		{"an entry without a legal moment", wang, desk.Correction{Entry: casebook.OwnerTook, At: morning.Add(-time.Hour), Reason: "x"}, casebook.ErrInvalid},
		{"asked", wang, desk.Correction{Entry: first, At: morning.Add(-time.Hour), Reason: "x"}, nil},
		{"another moment than the one asked for", li, desk.Correction{Entry: first, At: morning.Add(-2 * time.Hour)}, casebook.ErrConflict},
		{"the same person, in capitals", casebook.Actor{Kind: casebook.Person, Name: "WANG"}, desk.Correction{Entry: first}, casebook.ErrForbidden},
		{"a second person", li, desk.Correction{Entry: first, At: morning.Add(-time.Hour)}, nil},
		{"an entry that was corrected", li, desk.Correction{Entry: first, At: morning.Add(-time.Hour), Reason: "x"}, casebook.ErrConflict},
	} {
		if _, err := o.Correct(t.Context(), c.who, i.ID, c.y); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := o.Note(t.Context(), wang, i.ID, casebook.Anchor{Note: "it was later", Supersedes: log[0].ID}); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("a note corrected a legal moment: %v", err)
	}
}
