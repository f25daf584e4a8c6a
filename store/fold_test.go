package store

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tocsin/casebook"
)

// progress is what a delivery's counts say.
type progress struct {
	State                           casebook.DeliveryState
	Rows, Taken, Duplicate, Refused int64
}

func progressOf(d casebook.Delivery) progress {
	return progress{d.State, d.Rows, d.Taken, d.Duplicate, d.Refused}
}

func TestClaimsMadeBeforeAreCountedAndNotTaken(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at, signer := place(), newSigner(t)
		db := openAt(t, at, signer)
		one, two := accept(t, db, arrival(1, 1)), accept(t, db, arrival(1, 2))
		var got []progress
		got = append(got, progressOf(fold(t, db, batch(one, 0, hit(1, noon), hit(2, noon), hit(1, noon)))))
		b := batch(one, 3, hit(2, noon), hit(3, noon))
		b.Refusals, b.LastRow, b.End = []casebook.Refusal{{Row: 6, Line: 8, Field: "port", Reason: "port 99999 is over 65535"}}, 6, casebook.Folded
		got = append(got, progressOf(fold(t, db, b)))
		b = batch(two, 0, hit(3, noon), hit(4, noon))
		b.End, b.Fault = casebook.Broken, "line 4 ends in the middle"
		last := fold(t, db, b)
		got = append(got, progressOf(last))
		want := []progress{{casebook.Accepted, 3, 2, 1, 0}, {casebook.Folded, 6, 3, 2, 1}, {casebook.Broken, 2, 1, 1, 0}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
		if kept, err := reader(db, 1).Delivery(t.Context(), two.ID); err != nil || !reflect.DeepEqual(kept, last) {
			t.Errorf("kept %+v, %v\nwant %+v", kept, err, last)
		}
		bad, err := reader(db, 1).Refusals(t.Context(), one.ID, 0, 10)
		if want := []casebook.Refusal{{Row: 6, Line: 8, Field: "port", Reason: "port 99999 is over 65535"}}; err != nil || !reflect.DeepEqual(bad, want) {
			t.Errorf("refusals: got %+v, %v\nwant %+v", bad, err, want)
		}
		c := counts(t, db)
		if c.Observations != 4 || c.Duplicates != 3 || c.Refused != 1 || c.Findings != 4 || c.Threats != 1 || c.Waiting != 0 {
			t.Errorf("counts %+v", c)
		}
		closed(t, db)
		sound(t, at, signer)
	})
}

func TestABatchOutOfTurnChangesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		d := accept(t, db, arrival(1, 1))
		fold(t, db, batch(d, 0, hit(1, noon), hit(2, noon)))
		done := accept(t, db, arrival(1, 2))
		end := batch(done, 0, hit(3, noon))
		end.End = casebook.Folded
		fold(t, db, end)
		before := counts(t, db)
		for what, b := range map[string]*Batch{
			"the same batch again":      batch(d, 0, hit(1, noon), hit(2, noon)),
			"a batch that overlaps":     batch(d, 1, hit(2, noon), hit(4, noon)),
			"a batch that leaves a gap": batch(d, 3, hit(4, noon)),
			"a delivery that is done":   batch(done, 1, hit(4, noon)),
		} {
			_, err := tryFold(t.Context(), db, b)
			wantIs(t, what, err, casebook.ErrConflict)
			if after := counts(t, db); after != before {
				t.Errorf("%s:\n got %+v\nwant %+v", what, after, before)
			}
		}
		unknown := batch(casebook.Delivery{ID: casebook.NewID(noon)}, 0, hit(4, noon))
		_, err := tryFold(t.Context(), db, unknown)
		wantIs(t, "a delivery that nobody accepted", err, casebook.ErrNotFound)
		fold(t, db, batch(d, 2, hit(4, noon)))
	})
}

func TestSoManyRefusalsAreKeptAndAllCounted(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		d := accept(t, db, arrival(1, 1))
		for rows := range 3 {
			first := int64(rows)*700 + 1
			b := &Batch{Delivery: d.ID, FirstRow: first, LastRow: first + 699, Format: 1}
			for row := first; row <= b.LastRow; row++ {
				b.Refusals = append(b.Refusals, casebook.Refusal{Row: row, Line: row + 1, Reason: "too short"})
			}
			d = fold(t, db, b)
		}
		kept, err := reader(db, 1).Refusals(t.Context(), d.ID, 0, 5000)
		if err != nil || len(kept) != MaxRefusals || kept[MaxRefusals-1].Row != MaxRefusals || d.Refused != 2100 {
			t.Errorf("kept %d of %d (%v), want %d of 2100", len(kept), d.Refused, err, MaxRefusals)
		}
		page, err := reader(db, 1).Refusals(t.Context(), d.ID, 998, 5000)
		if err != nil || len(page) != 2 || page[0].Row != 999 {
			t.Errorf("from row 999 on: got %v, %v", page, err)
		}
	})
}

// as gives a claim changed in some way, with its new key.
func as(c Claim, change func(*Claim)) Claim {
	change(&c)
	return keyed(c)
}

func TestTwoSpellingsOfAFamilyAreOneThreat(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		d := accept(t, db, arrival(1, 1))
		named := func(family string, hour int) Claim {
			return as(hit(1, noon.Add(time.Duration(hour)*time.Hour)), func(c *Claim) { c.Family = family })
		}
		fold(t, db, batch(d, 0, named("Cobalt Strike", 0), named("cobalt  strike", 1)))
		fold(t, db, batch(d, 2, named(" COBALT STRIKE ", 2), named("Qakbot", 3)))
		fold(t, db, batch(d, 4, named("", 4), named("\u3000 ", 5))) // by its identifier, "sinkhole"
		fold(t, db, batch(d, 6, named("Sinkhole", 6)))              // a family is never a word
		var got []string
		for _, threat := range threats(t, reader(db, 1)) {
			got = append(got, fmt.Sprintf("%s %q %q %d %d", threat.Type, threat.Name, threat.Family, threat.Count, threat.Findings))
		}
		if want := []string{`malicious-code "sinkhole" "" 2 1`, `malicious-code "Cobalt Strike" "Cobalt Strike" 3 1`,
			`malicious-code "Qakbot" "Qakbot" 1 1`, `malicious-code "Sinkhole" "Sinkhole" 1 1`}; !slices.Equal(got, want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
	})
}

func TestPortsTellControllersApartAndNotBots(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		d := accept(t, db, arrival(1, 1))
		var claims []Claim
		for role := casebook.RoleOther; role <= casebook.Victim; role++ {
			for port := range uint16(3) {
				claims = append(claims, as(hit(1, noon.Add(time.Duration(role)*time.Hour)), func(c *Claim) { c.Role, c.Port = role, 8000+port }))
			}
		}
		fold(t, db, batch(d, 0, claims...))
		got := map[string][]int{}
		for _, f := range findings(t, reader(db, 1)) {
			got[f.Role.String()] = append(got[f.Role.String()], int(f.Port), int(f.Count))
		}
		service, passing := []int{8000, 1, 8001, 1, 8002, 1}, []int{0, 3}
		want := map[string][]int{"other": service, "controller": service, "distributor": service, "exposed": service, "compromised": service,
			"bot": passing, "attacker": passing, "victim": passing}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("findings by role, ports and counts (-want +got):\n%s", diff)
		}
	})
}

func TestAFindingTellsTheNewestTheWorstAndTheStrictest(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		claim := func(day int, severity casebook.Severity, tlp casebook.TLP, party string) Claim {
			return as(hit(1, noon.AddDate(0, 0, day)), func(c *Claim) {
				c.Severity, c.TLP = severity, tlp
				c.Attribution = casebook.Attribution{ASN: uint32(64500 + day), Holder: "holder of " + party, Party: party, Region: "R-" + party}
			})
		}
		d := accept(t, db, arrival(1, 1))
		fold(t, db, batch(d, 0, claim(40, casebook.Low, casebook.Green, "newest"), claim(3, casebook.Critical, casebook.Clear, "early")))
		fold(t, db, batch(d, 2, claim(0, casebook.Info, casebook.AmberStrict, "first"), claim(1, casebook.Medium, casebook.Amber, "second")))
		b := batch(d, 4, as(hit(9, noon.AddDate(0, 0, 20)), func(c *Claim) { c.Family = "other" })) // the source was heard
		fold(t, db, b)
		b = batch(d, 5)
		for day := range 41 {
			b.Claims = append(b.Claims, as(hit(9, noon.AddDate(0, 0, day)), func(c *Claim) { c.Family, c.Row = "other", int64(6+day) }))
		}
		b.LastRow = 46
		fold(t, db, b)
		asset, _ := netip.ParseAddr("10.0.0.1")
		want := casebook.Finding{
			Mark: casebook.Mark{Tenant: 1, Region: "R-newest", TLP: casebook.AmberStrict, RecordedBy: "machine:key"}, Family: "Mirai", Name: "Mirai",
			Type: casebook.InfectedSystem, Role: casebook.Bot, Asset: casebook.AddrAsset(asset), State: casebook.Open,
			FirstSeen: noon, LastSeen: noon.AddDate(0, 0, 40), Count: 4, Relapses: 1, Severity: casebook.Critical,
			ASN: 64540, Holder: "holder of newest", Party: "newest", RecordedAt: noon,
		}
		for _, day := range []int{0, 1, 3, 40} {
			want.Days.Add(casebook.DayOf(noon.AddDate(0, 0, day)))
		}
		got := findings(t, reader(db, 1))[0]
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(casebook.Finding{}, "ID", "Threat"), alike); diff != "" {
			t.Errorf("finding (-want +got):\n%s", diff)
		}
	})
}

// alike lets cmp look into the values that == or a text compare.
var alike = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b casebook.Days) bool { return string(a.AppendBinary(nil)) == string(b.AppendBinary(nil)) }),
}

func TestOfTwoClaimsOfOneMomentTheOrderDecidesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		one := hit(1, noon)
		two := as(one, func(c *Claim) { c.Type = casebook.C2Server })
		for tenant, order := range [][]Claim{{one, two}, {two, one}} {
			d := accept(t, db, arrival(int64(tenant)+1, 1))
			for row, c := range order {
				fold(t, db, batch(d, int64(row), c))
			}
			got := findings(t, reader(db, int64(tenant)+1))
			if len(got) != 1 || got[0].Count != 2 || got[0].Type != casebook.InfectedSystem {
				t.Errorf("%v and then %v: got %+v, want one finding of an %v", order[0].Type, order[1].Type, got, casebook.InfectedSystem)
			}
		}
	})
}

func TestADrillIsKeptApartFromWhatIsReal(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at, signer := place(), newSigner(t)
		db := openAt(t, at, signer)
		drill := arrival(1, 1)
		drill.Mark.Exercise = true
		drill = accept(t, db, drill)
		earnest := accept(t, db, arrival(1, 1)) // the same bytes in earnest
		if drill.ID == earnest.ID {
			t.Fatal("the drill's delivery is the real one")
		}
		for i, d := range []casebook.Delivery{drill, earnest} {
			got := progressOf(fold(t, db, batch(d, 0, hit(1, noon), hit(2, noon), hit(2, noon))))
			if want := (progress{casebook.Accepted, 3, 2, 1, 0}); got != want {
				t.Errorf("delivery %d: got %+v, want %+v", i, got, want)
			}
		}
		again := progressOf(fold(t, db, batch(drill, 3, hit(1, noon))))
		if again.Duplicate != 2 {
			t.Errorf("the drill's claim again: got %+v, want 2 duplicates", again)
		}
		for _, kept := range []int{len(findings(t, reader(db, 1))), 2 * len(threats(t, reader(db, 1)))} {
			if kept != 4 {
				t.Errorf("%d findings, want 2 real and 2 of the drill, in a threat each", kept)
			}
		}
		for _, f := range findings(t, reader(db, 1)) {
			if threat, err := reader(db, 1).Threat(t.Context(), f.Threat); err != nil || threat.Mark.Exercise != f.Mark.Exercise {
				t.Errorf("a finding (drill: %v) in the threat %+v, %v", f.Mark.Exercise, threat, err)
			}
		}
		closed(t, db)
		sound(t, at, signer)
	})
}

func TestAClaimIsForgottenAfterItsHorizonAndNotBefore(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at, signer := place(), newSigner(t)
		db := openAt(t, at, signer)
		d := accept(t, db, arrival(1, 1))
		fold(t, db, batch(d, 0, hit(1, noon), hit(2, noon), hit(3, noon)))
		forget := func(before time.Time, limit int) (n int) {
			write(t, db, noon, func(tx *Tx) (err error) { n, err = tx.Forget(before, limit); return err })
			return n
		}
		got := []int{forget(noon, 10), forget(noon.Add(time.Microsecond), 2), forget(noon.Add(time.Microsecond), 2), forget(noon.Add(time.Microsecond), 2)}
		if want := []int{0, 2, 1, 0}; !slices.Equal(got, want) {
			t.Errorf("forgot %v, want %v", got, want)
		}
		d = fold(t, db, batch(d, 3, hit(1, noon)))
		if want := (progress{casebook.Accepted, 4, 4, 0, 0}); progressOf(d) != want {
			t.Errorf("a forgotten claim again: got %+v, want %+v", progressOf(d), want)
		}
		closed(t, db)
		sound(t, at, signer)
	})
}

func TestAFailingFoldLeavesTheDeliveryWhereItStood(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		d := accept(t, db, arrival(1, 1))
		stop := errors.New("stop")
		_, err := db.Write(t.Context(), Work{Kind: "fold", At: noon}, func(tx *Tx) error {
			if _, err := tx.Fold(batch(d, 0, hit(1, noon))); err != nil {
				return err
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Errorf("got %v, want %v", err, stop)
		}
		if got, want := progressOf(fold(t, db, batch(d, 0, hit(1, noon)))), (progress{casebook.Accepted, 1, 1, 0, 0}); got != want {
			t.Errorf("the same batch afterwards: got %+v, want %+v", got, want)
		}
	})
}
