package desk_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// ofStage gives the duties of a stage, in the order of their due moments.
func (o *opened) ofStage(id casebook.ID, stage string) (list []casebook.Duty) {
	o.t.Helper()
	all, err := o.Reader(casebook.Operator()).DutiesByDue(o.t.Context(), store.DutyFilter{Incident: id}, casebook.ID{}, 100)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, d := range all {
		if d.Stage == stage {
			list = append(list, d)
		}
	}
	return list
}

func TestAnAuthorityExtendsADuty(t *testing.T) {
	o, i := oneClock(t, t.TempDir())
	old := o.duty(i.ID, "level1_report")
	o.at(time.Hour)
	until := morning.Add(6 * time.Hour)
	if _, err := o.StepDuty(t.Context(), wang, old.ID, desk.DutyStep{Act: "extend", Until: until, By: "the ministry", Reason: "the line is cut"}); err != nil {
		t.Fatal(err)
	}
	list := o.ofStage(i.ID, "level1_report")
	if len(list) != 2 || list[0].State != casebook.Superseded || list[1].State != casebook.OpenDuty || !list[1].Due.Equal(until) || !list[1].WasDue.Equal(old.Due) || list[1].Supersedes != old.ID {
		t.Fatalf("got %+v", list)
	}
	if !strings.Contains(list[0].Reason, "extended by the ministry: the line is cut") {
		t.Errorf("the step says %q", list[0].Reason)
	}
	o.at(3 * time.Hour)
	o.watch()
	if d := o.ofStage(i.ID, "level1_report")[1]; d.State != casebook.OpenDuty {
		t.Errorf("missed by the old moment: %+v", d)
	}
	// A further judgement leaves what was extended, and a correction keeps the extension.
	if _, err := o.Confirm(t.Context(), wang, i.ID, desk.Confirmation{Facts: casebook.Facts{addresses: casebook.NumberValue(1_100_000)}}); err != nil {
		t.Fatal(err)
	}
	o.correct(i.ID, morning.Add(-time.Hour))
	last := o.ofStage(i.ID, "level1_report")
	if d := last[len(last)-1]; d.State != casebook.OpenDuty || !d.Due.Equal(until) {
		t.Errorf("got %+v, want it due %v still", d, until)
	}
	o.at(6*time.Hour + time.Second)
	o.watch()
	missed := 0
	for _, d := range o.ofStage(i.ID, "level1_report") {
		if d.State == casebook.Missed {
			missed++
		}
	}
	if missed != 1 {
		t.Errorf("%d were missed, want the one that stands", missed)
	}
	o.wantSound()
}

func TestADutyIsSuspendedAndResumed(t *testing.T) {
	o := open(t, t.TempDir())
	if _, err := o.KeepParty(t.Context(), alice, casebook.Party{Name: "Example Holdings", Roles: []string{"registrant"}, Region: "US", Own: true}); err != nil {
		t.Fatal(err)
	}
	i := o.called(nil)
	if _, err := o.GradeIncident(t.Context(), wang, i.ID, desk.Ruling{Regime: "us-sec-8k-105", Level: "material", Standing: casebook.DeterminedBy, Reason: "the board says so"}); err != nil {
		t.Fatal(err)
	}
	old := o.duty(i.ID, "item105")
	o.at(24 * time.Hour)
	step := func(d casebook.Duty, act string) error {
		_, err := o.StepDuty(t.Context(), wang, d.ID, desk.DutyStep{Act: act, By: "the Attorney General", Reason: "a risk to national security"})
		return err
	}
	if err := step(old, "resume"); !errors.Is(err, casebook.ErrConflict) {
		t.Errorf("one that runs was resumed: %v", err)
	}
	if err := step(old, "suspend"); err != nil {
		t.Fatal(err)
	}
	o.now = old.Due.Add(24 * time.Hour)
	o.watch()
	if d := o.duty(i.ID, "item105"); d.State != casebook.Suspended || d.ID != old.ID {
		t.Fatalf("got %+v, want it suspended over its moment", d)
	}
	o.at(30 * 24 * time.Hour)
	if err := step(old, "resume"); err != nil {
		t.Fatal(err)
	}
	list := o.ofStage(i.ID, "item105")
	if len(list) != 2 || list[0].State != casebook.Superseded || list[1].State != casebook.OpenDuty || list[1].Due.Sub(old.Due) < 28*24*time.Hour || !list[1].WasDue.Equal(old.Due) {
		t.Errorf("got %+v, want it to run again, 29 days later", list)
	}
	if err := step(old, "suspend"); !errors.Is(err, casebook.ErrConflict) {
		t.Errorf("one that is superseded was suspended: %v", err)
	}
	o.wantSound()
}

func TestStepsThatAreRefused(t *testing.T) {
	o, i := oneClock(t, t.TempDir())
	d := o.duty(i.ID, "level1_report")
	o.at(time.Hour)
	before, _ := o.owed(i.ID)
	for _, c := range []struct {
		name string
		who  casebook.Actor
		y    desk.DutyStep
		want error
	}{
		{"a machine", alice, desk.DutyStep{Act: "suspend", By: "x", Reason: "x"}, casebook.ErrForbidden},
		{"another act", wang, desk.DutyStep{Act: "forget", By: "x", Reason: "x"}, casebook.ErrInvalid},
		{"nobody did it", wang, desk.DutyStep{Act: "extend", Until: d.Due.Add(time.Hour), Reason: "x"}, casebook.ErrInvalid},
		{"no reason", wang, desk.DutyStep{Act: "extend", Until: d.Due.Add(time.Hour), By: "x"}, casebook.ErrInvalid},
		{"an extension without an end", wang, desk.DutyStep{Act: "extend", By: "x", Reason: "x"}, casebook.ErrInvalid},
		{"an extension that shortens", wang, desk.DutyStep{Act: "extend", Until: d.Due.Add(-time.Minute), By: "x", Reason: "x"}, casebook.ErrInvalid},
		{"a law that lets nobody suspend", wang, desk.DutyStep{Act: "suspend", By: "x", Reason: "x"}, casebook.ErrInvalid},
		{"what runs is resumed", wang, desk.DutyStep{Act: "resume", By: "x", Reason: "x"}, casebook.ErrConflict},
		{"tomorrow", wang, desk.DutyStep{Act: "extend", At: morning.Add(24 * time.Hour), Until: d.Due.Add(time.Hour), By: "x", Reason: "x"}, casebook.ErrInvalid},
	} {
		if _, err := o.StepDuty(t.Context(), c.who, d.ID, c.y); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	o.at(3 * time.Hour)
	if _, err := o.StepDuty(t.Context(), wang, d.ID, desk.DutyStep{Act: "extend", Until: morning.Add(5 * time.Hour), By: "x", Reason: "x"}); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("extended after its moment: %v", err)
	}
	if after, all := o.owed(i.ID); len(all) != 1 || strings.Join(after, "") != strings.Join(before, "") {
		t.Errorf("a refusal left something: %q", after)
	}
}
