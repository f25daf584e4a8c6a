package store

import (
	"errors"
	"testing"
	"time"

	"tocsin/casebook"
)

// TestConsole: what the pages ask for, over cases of every state.
func TestConsole(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		ctx := t.Context()
		owner := casebook.Mark{Tenant: 1, TLP: casebook.Amber, RecordedBy: "person:alice"}
		var cases []casebook.Incident
		var duties []casebook.Duty
		var threat casebook.ID
		d := accept(t, db, arrival(1, 1))
		fold(t, db, batch(d, 0, hit(0, noon)))
		threats, err := db.Reader(casebook.Operator()).Threats(ctx, casebook.ID{}, 10)
		if err != nil || len(threats) != 1 {
			t.Fatal(threats, err)
		}
		threat = threats[0].ID
		write(t, db, noon, func(tx *Tx) error {
			party, err := tx.SaveParty(casebook.Party{Mark: owner, Name: "Party", Roles: []string{"network_operator"}, Own: true})
			if err != nil {
				return err
			}
			for n, state := range []casebook.IncidentState{casebook.ProposedIncident, casebook.OpenIncident, casebook.ProposedIncident} {
				i := casebook.Incident{Mark: owner, Title: string(rune('A' + n)), State: state, OpenedAt: noon}
				if state == casebook.ProposedIncident {
					i.TriageDue = noon.Add(time.Duration(10-n) * time.Minute)
				}
				if n == 0 {
					i.Threat = threat
				}
				if i, err = tx.OpenIncident(i); err != nil {
					return err
				}
				cases = append(cases, i)
				for hours := range 2 {
					duty, err := tx.OpenDuty(casebook.Duty{Mark: owner, Incident: i.ID, Party: party.ID, Regime: "law", Stage: "stage", Key: string(rune('a' + hours)), Started: noon,
						Due: noon.Add(time.Duration(n+3*hours+1) * time.Hour), State: casebook.DutyState(hours)})
					if err != nil {
						return err
					}
					duties = append(duties, duty)
				}
			}
			return tx.Enqueue(OutboxLine{Tenant: 1, Kind: "call", MessageID: "msg-1", Payload: []byte("{}")})
		})
		// Due moments in hours: case A 1 and 4, B 2 and 5, C 3 and 6.
		r := db.Reader(casebook.Operator())
		blind := db.Reader(casebook.Scope{})
		running := []casebook.DutyState{casebook.Unset, casebook.OpenDuty}
		for _, c := range []struct {
			name string
			span DutySpan
			want []int // of duties
		}{
			{"all that run", DutySpan{States: running}, []int{0, 2, 4, 1, 3, 5}},
			{"one state", DutySpan{States: []casebook.DutyState{casebook.OpenDuty}}, []int{1, 3, 5}},
			{"from a moment on, itself included", DutySpan{States: running, From: noon.Add(3 * time.Hour)}, []int{4, 1, 3, 5}},
			{"before a moment, itself left out", DutySpan{States: running, To: noon.Add(3 * time.Hour)}, []int{0, 2}},
			{"of incidents that were said yes to", DutySpan{States: running, Decided: true}, []int{2, 3}},
			{"none", DutySpan{States: []casebook.DutyState{casebook.Missed}}, nil},
		} {
			got, err := r.DutiesBetween(ctx, c.span, 10)
			if err != nil || len(got) != len(c.want) {
				t.Fatalf("%s: got %d duties, %v, want %d", c.name, len(got), err, len(c.want))
			}
			for n, i := range c.want {
				if got[n].ID != duties[i].ID {
					t.Errorf("%s: place %d: got the duty due %v, want %v", c.name, n, got[n].Due, duties[i].Due)
				}
			}
		}
		if got, err := r.DutiesBetween(ctx, DutySpan{States: running}, 2); len(got) != 2 || err != nil {
			t.Errorf("two at most: got %d %v", len(got), err)
		}

		ids := []casebook.ID{cases[0].ID, cases[1].ID, {9}}
		next, err := r.NextDue(ctx, ids, noon.Add(90*time.Minute))
		if err != nil || len(next) != 2 || !next[ids[0]].Equal(noon.Add(4*time.Hour)) || !next[ids[1]].Equal(noon.Add(2*time.Hour)) {
			t.Errorf("next due: got %v %v", next, err)
		}
		named, err := r.IncidentsNamed(ctx, ids)
		if err != nil || len(named) != 2 || named[ids[1]].Title != "B" {
			t.Errorf("named: got %v %v", named, err)
		}
		for name, f := range map[string]func() error{
			"named":    func() error { _, err := r.IncidentsNamed(ctx, make([]casebook.ID, maxNamed+1)); return err },
			"next due": func() error { _, err := r.NextDue(ctx, make([]casebook.ID, maxNamed+1), noon); return err },
		} {
			if err := f(); !errors.Is(err, casebook.ErrTooLarge) {
				t.Errorf("%s, too many: got %v", name, err)
			}
		}
		waiting, err := r.WaitingIncidents(ctx, 10)
		if err != nil || len(waiting) != 2 || waiting[0].Title != "C" || waiting[1].Title != "A" {
			t.Errorf("waiting: got %v %v", waiting, err)
		}
		grown, err := r.IncidentsOf(ctx, threat, 10)
		if err != nil || len(grown) != 1 || grown[0].Title != "A" || grown[0].Threat != threat {
			t.Errorf("of the threat: got %v %v", grown, err)
		}
		counts, err := r.IncidentCounts(ctx)
		if err != nil || counts[casebook.ProposedIncident] != 2 || counts[casebook.OpenIncident] != 1 || len(counts) != 2 {
			t.Errorf("counts: got %v %v", counts, err)
		}
		outbox, err := r.OutboxCounts(ctx)
		if err != nil || outbox != [OutboxDead + 1]int64{1, 0, 0, 0} {
			t.Errorf("outbox: got %v %v", outbox, err)
		}

		// Who sees nothing is told nothing, not even how much.
		if got, err := blind.DutiesBetween(ctx, DutySpan{States: running}, 10); len(got) != 0 || err != nil {
			t.Errorf("duties for who sees nothing: %v %v", got, err)
		}
		if got, err := blind.NextDue(ctx, ids, noon); len(got) != 0 || err != nil {
			t.Errorf("next due for who sees nothing: %v %v", got, err)
		}
		if got, err := blind.IncidentsNamed(ctx, ids); len(got) != 0 || err != nil {
			t.Errorf("incidents for who sees nothing: %v %v", got, err)
		}
		if got, err := blind.IncidentsOf(ctx, threat, 10); len(got) != 0 || err != nil {
			t.Errorf("incidents of a threat for who sees nothing: %v %v", got, err)
		}
		if got, err := blind.WaitingIncidents(ctx, 10); len(got) != 0 || err != nil {
			t.Errorf("waiting for who sees nothing: %v %v", got, err)
		}
		if got, err := blind.IncidentCounts(ctx); len(got) != 0 || err != nil {
			t.Errorf("counts for who sees nothing: %v %v", got, err)
		}
		if got, err := blind.OutboxCounts(ctx); got != [OutboxDead + 1]int64{} || err != nil {
			t.Errorf("outbox for who sees nothing: %v %v", got, err)
		}
	})
}
