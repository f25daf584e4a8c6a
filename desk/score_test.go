package desk_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/ledger"
	"tocsin/regime"
	"tocsin/store"
)

// beside opens the database of a closed desk, writes to it, and closes it.
func (o *opened) beside(write func(tx *store.Tx) error) {
	o.t.Helper()
	o.close()
	dir := desk.Directory(o.dir)
	key, err := os.ReadFile(dir.LedgerKey())
	if err != nil {
		o.t.Fatal(err)
	}
	signer, err := ledger.ParseSigner(string(key))
	if err != nil {
		o.t.Fatal(err)
	}
	db, err := store.Open(o.t.Context(), dir.Database(), store.Options{Signer: signer, Now: o.now})
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := db.Write(o.t.Context(), store.Work{Kind: "test", Actor: "person:wang", At: o.now}, write); err != nil {
		o.t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		o.t.Fatal(err)
	}
}

// written writes duties of all kinds over four months, each with the steps of its
// life, and gives how many there are.
func written(tx *store.Tx, random *rand.Rand, parties []casebook.Party, now time.Time) error {
	const day = 24 * time.Hour
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	for n := range 600 {
		mark := casebook.Mark{Tenant: 1, TLP: casebook.Amber, RecordedBy: "person:wang", Exercise: random.IntN(5) == 0, Region: pick("CN-11", "CN-31")}
		i, err := tx.OpenIncident(casebook.Incident{Mark: mark, Title: fmt.Sprint("Call ", n), State: casebook.OpenIncident, OpenedAt: now})
		if err != nil {
			return err
		}
		party := parties[random.IntN(len(parties))]
		due := now.Add(-110 * day).Add(time.Duration(random.Int64N(int64(120 * day)))).Truncate(time.Second)
		d, err := tx.OpenDuty(casebook.Duty{Mark: mark, Incident: i.ID, Party: party.ID, PartyName: party.Name, Regime: pick("cn-miit-2009-156", "cn-cac-2025"), Stage: pick("level1_report", "final"),
			Started: due.Add(-2 * time.Hour), Due: due, Zone: pick("Asia/Shanghai", "America/New_York", "Pacific/Kiritimati"), State: casebook.OpenDuty})
		if err != nil {
			return err
		}
		step := func(from, to casebook.DutyState, at time.Time, reason string) {
			if err == nil {
				err = tx.ChangeDuty(d.ID, from, to, at, reason)
			}
		}
		late := due.Add(time.Duration(1+random.IntN(100_000)) * time.Second)
		switch random.IntN(8) {
		case 0: // runs, or is past its moment and nobody recorded it
		case 1, 2:
			step(casebook.OpenDuty, casebook.Met, due.Add(-time.Duration(random.IntN(7000))*time.Second), "")
		case 3:
			step(casebook.OpenDuty, casebook.Missed, due, "due and not filed")
		case 4, 5:
			step(casebook.OpenDuty, casebook.Missed, due, "due and not filed")
			step(casebook.Missed, casebook.Late, late, pick("", "power cut", "the portal was down"))
		case 6:
			step(casebook.OpenDuty, casebook.Superseded, due, "regraded")
		case 7:
			step(casebook.OpenDuty, casebook.Suspended, due, "police asked")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// recount counts from the ledger: which steps of which duties it holds, and what
// the last of them says.
func recount(t *testing.T, dir string, now time.Time, month string) []string {
	t.Helper()
	db := database(t, dir)
	stands := map[int64]bool{} // rows of duty_change by the record
	sets, err := db.Query(`SELECT changes FROM change_set ORDER BY seq`)
	if err != nil {
		t.Fatal(err)
	}
	defer sets.Close()
	for sets.Next() {
		var packed []byte
		if err := sets.Scan(&packed); err != nil {
			t.Fatal(err)
		}
		if err := ledger.Unpack(packed, func(c ledger.Change) error {
			if c.Table == 23 {
				stands[c.Key] = c.Op == ledger.Put
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	type step struct {
		state, at, due, exercise                   int64
		party, region, regime, stage, zone, reason string
	}
	last := map[int64]step{}
	rows, err := db.Query(`SELECT c.id, c.duty, c.state, c.at, c.reason, d.due, d.exercise, d.party_name, d.region, d.regime, d.stage, d.zone FROM duty_change c JOIN duty d ON d.id = c.duty ORDER BY c.id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, duty int64
		var s step
		if err := rows.Scan(&id, &duty, &s.state, &s.at, &s.reason, &s.due, &s.exercise, &s.party, &s.region, &s.regime, &s.stage, &s.zone); err != nil {
			t.Fatal(err)
		}
		if !stands[id] {
			t.Fatalf("the ledger knows no step %d", id)
		}
		last[duty] = s
	}
	counts, longest := map[string][3]int{}, map[string]int64{}
	reasons := map[string]map[string]int{}
	for _, s := range last {
		zone, err := time.LoadLocation(s.zone)
		if err != nil {
			t.Fatal(err)
		}
		in := time.UnixMicro(s.due).In(zone)
		m := fmt.Sprintf("%04d-%02d", in.Year(), in.Month())
		if s.due >= now.UnixMicro() || s.state < 1 || s.state > 4 || month != "" && m != month {
			continue
		}
		line := fmt.Sprintf("%d %s %s %s %s %s", s.exercise, s.party, s.region, s.regime, s.stage, m)
		n := counts[line]
		switch s.state {
		case 2:
			n[0]++
		case 3:
			n[1]++
			longest[line] = max(longest[line], (s.at-s.due)/1_000_000)
			if reasons[line] == nil {
				reasons[line] = map[string]int{}
			}
			reasons[line][s.reason]++
		default:
			n[2]++
		}
		counts[line] = n
	}
	var lines []string
	for line, n := range counts {
		lines = append(lines, fmt.Sprint(line, n, longest[line], reasons[line]))
	}
	slices.Sort(lines)
	return lines
}

// scores writes lines of a scorecard as recount does.
func scores(all []regime.Score) []string {
	var lines []string
	for _, s := range all {
		reasons := map[string]int{}
		for _, r := range s.Reasons {
			reasons[r.Text] = r.Duties
		}
		if s.Unexplained > 0 {
			reasons[""] = s.Unexplained
		}
		drill := 0
		if s.Exercise {
			drill = 1
		}
		line := fmt.Sprintf("%d %s %s %s %s %s", drill, s.PartyName, s.Region, s.Regime, s.Stage, s.Month)
		lines = append(lines, fmt.Sprint(line, [3]int{s.OnTime, s.Late, s.Never}, int64(s.Longest/time.Second), reasons))
	}
	slices.Sort(lines)
	return lines
}

func TestScorecardsEqualARecountFromTheLedger(t *testing.T) {
	dir := t.TempDir()
	o := open(t, dir)
	var parties []casebook.Party
	for _, name := range []string{"East Access", "North Access", "South Hosting"} {
		p, err := o.KeepParty(t.Context(), alice, casebook.Party{Name: name, Roles: []string{"telecom_operator"}, Region: "CN-11", Own: true})
		if err != nil {
			t.Fatal(err)
		}
		parties = append(parties, p)
	}
	random := rand.New(rand.NewPCG(1, 2))
	o.beside(func(tx *store.Tx) error { return written(tx, random, parties, morning) })
	o = open(t, dir)
	for _, month := range []string{"", "2026-08", "2026-10", "2026-11", "2026-12"} {
		at, all, err := o.Scorecard(t.Context(), casebook.Operator(), month)
		if err != nil || !at.Equal(morning) {
			t.Fatal(at, err)
		}
		got, want := scores(all), recount(t, dir, morning, month)
		if !slices.Equal(got, want) {
			t.Errorf("month %q: got\n%s\nwant\n%s", month, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if month == "" && (len(want) < 60 || !strings.Contains(strings.Join(want, "\n"), "power cut")) {
			t.Errorf("%d lines say little", len(want))
		}
		drills := false
		for _, s := range all {
			if drills && !s.Exercise {
				t.Error("a drill stands among what happened")
			}
			drills = drills || s.Exercise
		}
	}
	if _, _, err := o.Scorecard(t.Context(), casebook.Operator(), "November"); err == nil {
		t.Error("November without a year was taken for a month")
	}
	o.wantSound()
}
