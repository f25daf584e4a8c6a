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
					if n := random.IntN(400); n < 60 {
						c.Asset = casebook.Asset{Kind: casebook.DomainName, Name: fmt.Sprintf("www%d.names%d.example", n, n%3)}
					}
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
		findsWhatIsSeen(t, seenBy(db, own.ID))
		kept := viewsOf(t, db)
		text, err := migrationFiles.ReadFile("migration/0011_parts.sql")
		if err != nil {
			t.Fatal(err)
		}
		write(t, db, noon, func(tx *Tx) error { return tx.fillAnew(string(text), "part_tally", "part_term") })
		for _, table := range []string{"part_tally", "part_term"} {
			if anew := viewsOf(t, db)[table]; len(anew) < 20 || !slices.Equal(kept[table], anew) {
				t.Errorf("%s: kept\n%s\nanew\n%s", table, strings.Join(kept[table], "\n"), strings.Join(anew, "\n"))
			}
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

// findsWhatIsSeen searches for each of a party's findings, and for all of them at once.
func findsWhatIsSeen(t *testing.T, r *Reader) {
	t.Helper()
	list := findings(t, r)
	search := func(text string) []Hit {
		groups, err := r.Search(t.Context(), text, nil, func(noun string) bool { return noun == "finding" }, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(groups) == 0 {
			return nil
		}
		return groups[0].List
	}
	names := 0
	for _, f := range list {
		if f.Asset.Kind == casebook.DomainName {
			names++
		}
		if hits := search(f.Asset.String()); len(hits) != 1 || hits[0].ID != f.ID {
			t.Errorf("%s: found %+v", f.Asset, hits)
		}
		page, err := r.FindingPage(t.Context(), FindingFilter{Asset: f.Asset.String()}, casebook.ID{}, 10)
		if err != nil || len(page) != 1 || page[0].ID != f.ID {
			t.Errorf("%s: listed %+v (%v)", f.Asset, page, err)
		}
	}
	if all, below := search("0.0.0.0/0"), len(search("names0.example"))+len(search("names1.example"))+len(search("names2.example")); len(all) != len(list)-names || below != names || names < 3 {
		t.Errorf("found %d addresses and %d names, want %d and %d", len(all), below, len(list)-names, names)
	}
}

// fillAnew empties tables and fills them as a migration does.
func (tx *Tx) fillAnew(migration string, tables ...string) error {
	for _, table := range tables {
		if _, err := tx.exec("DELETE FROM " + table); err != nil {
			return err
		}
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
