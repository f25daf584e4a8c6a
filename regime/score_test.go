package regime

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/casebook"
)

func TestScores(t *testing.T) {
	at := mustTime(t, "2026-05-01T00:00:00Z")
	alpha, beta := casebook.NewID(at), casebook.NewID(at)
	duty := func(party casebook.ID, name, stage, due string, s casebook.DutyState, late time.Duration, reason string) casebook.Duty {
		d := casebook.Duty{Party: party, PartyName: name, Regime: "cn-cac-2025", Stage: stage, Zone: "Asia/Shanghai", Due: mustTime(t, due), State: s, Reason: reason}
		d.Mark.Region = "CN-11"
		d.MetAt = d.Due.Add(late)
		return d
	}
	var got []string
	for _, s := range Scores([]casebook.Duty{
		duty(beta, "Beta", "final", "2026-03-31T15:59:59Z", casebook.Met, -time.Hour, ""),
		duty(alpha, "Alpha", "other_initial", "2026-03-02T05:00:00Z", casebook.Met, 0, ""),
		duty(alpha, "Alpha", "other_initial", "2026-03-03T05:00:00Z", casebook.Late, time.Second, "power cut"),
		duty(alpha, "Alpha", "other_initial", "2026-03-04T05:00:00Z", casebook.Late, time.Hour, "power cut"),
		duty(alpha, "Alpha", "other_initial", "2026-03-31T16:30:00Z", casebook.Missed, 0, ""), // in Shanghai it is April
		duty(alpha, "Alpha", "other_initial", "2026-04-30T05:00:00Z", casebook.OpenDuty, 0, ""),
		duty(alpha, "Alpha", "other_initial", "2026-05-30T05:00:00Z", casebook.OpenDuty, 0, ""),
		duty(alpha, "Alpha", "other_initial", "2026-03-05T05:00:00Z", casebook.Unset, 0, ""),
		duty(alpha, "Alpha", "other_initial", "2026-03-05T05:00:00Z", casebook.VoidDuty, 0, ""),
	}, at) {
		got = append(got, fmt.Sprintf("%s %s %s %s: %d %d %d %s %v", s.PartyName, s.Region, s.Stage, s.Month, s.OnTime, s.Late, s.Never, s.Longest, s.Reasons))
	}
	want := []string{"Alpha CN-11 other_initial 2026-03: 1 2 0 1h0m0s [{power cut 2}]", "Alpha CN-11 other_initial 2026-04: 0 0 2 0s []", "Beta CN-11 final 2026-03: 1 0 0 0s []"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Every duty that counts is in one column of one line, whatever the order.
func TestScoresCountEachOnce(t *testing.T) {
	at := mustParse("2026-05-01T00:00:00Z")
	rapid.Check(t, func(t *rapid.T) {
		var duties []casebook.Duty
		wanted := 0
		for range rapid.IntRange(0, 40).Draw(t, "duties") {
			d := casebook.Duty{
				PartyName: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "party"), Stage: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "stage"),
				Zone: rapid.SampledFrom(zones).Draw(t, "zone"), State: casebook.DutyState(rapid.IntRange(0, 7).Draw(t, "state")),
				Due: at.Add(time.Duration(rapid.IntRange(-3000, 300).Draw(t, "hour")) * time.Hour),
			}
			d.Party[0] = d.PartyName[0]
			d.Mark.Exercise = rapid.Bool().Draw(t, "drill")
			if d.Due.Before(at) && d.State >= casebook.OpenDuty && d.State <= casebook.Missed {
				wanted++
			}
			duties = append(duties, d)
		}
		first := Scores(duties, at)
		got := 0
		for _, s := range first {
			got += s.OnTime + s.Late + s.Never
		}
		slices.Reverse(duties)
		if again := Scores(duties, at); got != wanted || fmt.Sprint(again) != fmt.Sprint(first) {
			t.Fatalf("%d counted of %d; turned round %v, first %v", got, wanted, again, first)
		}
	})
}
