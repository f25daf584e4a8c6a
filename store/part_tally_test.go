package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
)

// TestPartTallyFollowsFromTheRows: whatever is folded in whichever order, moved to other
// states and taken back, a party is told what its rows say.
func TestPartTallyFollowsFromTheRows(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		random := rand.New(rand.NewPCG(1, 2))
		signer := newSigner(t)
		at := place()
		db := openAt(t, at, signer)
		own, other := newParty(t, db, "own"), newParty(t, db, "other")
		d := accept(t, db, arrival(1, 1))
		row := int64(0)
		for range 60 {
			claims := make([]Claim, 8)
			for i := range claims {
				claims[i] = as(hit(random.IntN(120), noon.Add(time.Duration(random.IntN(200))*time.Hour)), func(c *Claim) {
					c.Party = []string{"own", "own", "other", "stranger", ""}[random.IntN(5)]
					c.Region, c.TLP = []string{"CN-11", "CN-31"}[random.IntN(2)], []casebook.TLP{casebook.Green, casebook.Amber, casebook.Red}[random.IntN(8)/3]
				})
			}
			fold(t, db, batch(d, row, claims...))
			row += 8
			all := findings(t, reader(db, 1))
			write(t, db, noon, func(tx *Tx) error {
				for range 5 {
					whose := []casebook.ID{own.ID, other.ID, {}}[random.IntN(3)]
					state := []casebook.State{casebook.Told, casebook.Verified, casebook.Void}[random.IntN(3)]
					if err := tx.SetFinding(all[random.IntN(len(all))].ID, whose, state); err != nil {
						return err
					}
				}
				return nil
			})
		}
		seen := findings(t, seenBy(db, own.ID))
		write(t, db, noon, func(tx *Tx) error {
			for _, f := range seen[:3] {
				var public []byte
				if err := tx.row(`SELECT f.public FROM finding_part q JOIN finding f ON f.id = q.finding WHERE q.public = $1`, f.ID[:]).Scan(&public); err != nil {
					return err
				}
				if err := tx.Unshare(casebook.SharedFinding, casebook.ID(public), own.ID, "a mistake"); err != nil {
					return err
				}
			}
			return nil
		})
		tellsWhatIsSeen(t, seenBy(db, own.ID))
		tellsWhatIsSeen(t, seenBy(db, other.ID))
		kept := viewsOf(t, db)["part_tally"]
		text, err := migrationFiles.ReadFile("migration/0011_part_tally.sql")
		if err != nil {
			t.Fatal(err)
		}
		write(t, db, noon, func(tx *Tx) error { return tx.countAnew("part_tally", string(text)) })
		if anew := viewsOf(t, db)["part_tally"]; len(anew) < 20 || !slices.Equal(kept, anew) {
			t.Errorf("kept\n%s\ncounted anew\n%s", strings.Join(kept, "\n"), strings.Join(anew, "\n"))
		}
		closed(t, db)
		sound(t, at, signer)
	})
}

// tellsWhatIsSeen compares what a party is told in figures with its findings one by one.
func tellsWhatIsSeen(t *testing.T, r *Reader) {
	t.Helper()
	regions, hours, observations := map[string]Standing{}, map[int64]int64{}, int64(0)
	list := findings(t, r)
	for _, f := range list {
		s := regions[f.Mark.Region]
		s.Name = f.Mark.Region
		switch f.State {
		case casebook.Void:
		case casebook.Verified:
			s.Over++
		default:
			s.Bots++
		}
		regions[f.Mark.Region] = s
		hours[tallyHour(f.FirstSeen.UnixMicro())]++
		observations += f.Count
	}
	got, err := r.RegionStandings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range got {
		if s != regions[s.Name] {
			t.Errorf("got %+v, want %+v", s, regions[s.Name])
		}
		delete(regions, s.Name)
	}
	for _, s := range regions {
		if s.Active()+s.Over > 0 {
			t.Errorf("nothing is told of %+v", s)
		}
	}
	series, err := r.Series(t.Context(), noon.Add(-time.Hour), noon.Add(201*time.Hour), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range series {
		if want := hours[tallyHour(m.At.UnixMicro())]; m.Findings != want {
			t.Errorf("%v: got %d findings, want %d", m.At, m.Findings, want)
		}
	}
	if c, err := r.Counts(t.Context()); err != nil || fmt.Sprint(c.Findings, c.Observations) != fmt.Sprint(len(list), observations) || len(list) < 2 {
		t.Errorf("counted %d findings of %d observations, want %d of %d (%v)", c.Findings, c.Observations, len(list), observations, err)
	}
}

// countAnew empties a table of tallies and fills it as a migration does.
func (tx *Tx) countAnew(table, migration string) error {
	if _, err := tx.exec("DELETE FROM " + table); err != nil {
		return err
	}
	for _, statement := range tx.db.dialect.schema(migration) {
		if strings.HasPrefix(strings.TrimSpace(dropComments(statement)), "INSERT") {
			if _, err := tx.exec(statement); err != nil {
				return err
			}
		}
	}
	return nil
}
