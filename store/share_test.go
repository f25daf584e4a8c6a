package store

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/ledger"
)

// seenBy is the scope of a party's people.
func seenBy(db *DB, party casebook.ID) *Reader {
	return db.Reader(casebook.Scope{Tenant: 1, Party: party, MaxTLP: casebook.Amber})
}

func newParty(t testing.TB, db *DB, name string) (p casebook.Party) {
	t.Helper()
	write(t, db, noon, func(tx *Tx) (err error) {
		p, err = tx.SaveParty(casebook.Party{Mark: casebook.Mark{Tenant: 1, TLP: casebook.Amber, RecordedBy: "person:alice"}, Name: name, Roles: []string{"registry"}})
		return err
	})
	return p
}

// TestAPartySeesWhatIsShared: an explicit row opens a thing, taking it back shuts it,
// and a label beyond the reader's shuts it whatever is shared.
func TestAPartySeesWhatIsShared(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at, signer := place(), newSigner(t)
		db := openAt(t, at, signer)
		own, other := newParty(t, db, "own"), newParty(t, db, "other")
		var open, strict casebook.Incident
		write(t, db, noon, func(tx *Tx) (err error) {
			i := casebook.Incident{Mark: casebook.Mark{Tenant: 1, TLP: casebook.Green}, Title: "a call", State: casebook.OpenIncident, OpenedAt: noon}
			if open, err = tx.OpenIncident(i); err == nil {
				i.Mark.TLP = casebook.Red
				strict, err = tx.OpenIncident(i)
			}
			return err
		})
		want := func(when string, p casebook.Party, n int) {
			t.Helper()
			all, err := seenBy(db, p.ID).Incidents(t.Context(), nil, casebook.ID{}, 9)
			c, err2 := seenBy(db, p.ID).Counts(t.Context())
			if err != nil || err2 != nil || len(all) != n || c.Incidents != int64(n) {
				t.Errorf("%s: %s sees %d incidents and counts %d, want %d (%v, %v)", when, p.Name, len(all), c.Incidents, n, err, err2)
			}
			_, err = seenBy(db, p.ID).Incident(t.Context(), open.ID)
			if n == 0 {
				wantIs(t, when, err, casebook.ErrNotFound)
			}
		}
		want("nothing is shared", own, 0)
		share := func(at time.Time) {
			write(t, db, at, func(tx *Tx) error {
				for _, i := range []casebook.Incident{open, strict} {
					if err := tx.Share(casebook.SharedIncident, i.ID, own.ID, "ordered"); err != nil {
						return err
					}
				}
				return nil
			})
		}
		share(noon.Add(time.Minute))
		share(noon.Add(time.Minute)) // again: nothing changes
		want("shared", own, 1)
		want("shared with somebody else", other, 0)
		write(t, db, noon.Add(2*time.Minute), func(tx *Tx) error { return tx.Unshare(casebook.SharedIncident, open.ID, own.ID, "by mistake") })
		want("taken back", own, 0)
		shares, err := reader(db, 1).Shares(t.Context(), casebook.SharedIncident, open.ID)
		if err != nil || len(shares) != 1 || shares[0].Party != own.ID || shares[0].To != noon.Add(2*time.Minute) || shares[0].Why != "by mistake" {
			t.Errorf("got %+v, %v", shares, err)
		}
		if _, err := seenBy(db, own.ID).Shares(t.Context(), casebook.SharedIncident, open.ID); err == nil {
			t.Error("a party is told with whom a thing is shared")
		}
		for name, f := range map[string]func(*Tx) error{
			"a thing that isn't there": func(tx *Tx) error { return tx.Share(casebook.SharedIncident, casebook.ID{9}, own.ID, "why") },
			"a party that isn't there": func(tx *Tx) error { return tx.Share(casebook.SharedIncident, open.ID, casebook.ID{9}, "why") },
			"what isn't shared":        func(tx *Tx) error { return tx.Unshare(casebook.SharedIncident, open.ID, other.ID, "why") },
		} {
			_, err := db.Write(t.Context(), Work{Kind: "test", At: noon}, f)
			wantIs(t, name, err, casebook.ErrNotFound)
		}
		_, err = db.Write(t.Context(), Work{Kind: "test", At: noon}, func(tx *Tx) error { return tx.Share(casebook.NothingShared, open.ID, own.ID, "why") })
		wantIs(t, "no noun", err, casebook.ErrInvalid)
		_, err = db.Write(t.Context(), Work{Kind: "test", At: noon}, func(tx *Tx) error { return tx.Share(casebook.SharedIncident, open.ID, own.ID, "") })
		wantIs(t, "no reason", err, casebook.ErrInvalid)
		closed(t, db)
		sound(t, at, signer)
	})
}

// TestAPartsFiguresAreItsOwn: what a fold gives a party doesn't depend on the order in
// which the rows came nor on how they were cut, and holds nothing of others.
func TestAPartsFiguresAreItsOwn(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		var before []casebook.Finding
		for _, order := range [][]int{{0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {2, 5, 0, 3, 1, 4}} {
			at, signer := place(), newSigner(t)
			db := openAt(t, at, signer)
			own := newParty(t, db, "own")
			newParty(t, db, "other")
			claims := make([]Claim, 6)
			for i := range claims {
				claims[i] = as(hit(1, noon.Add(time.Duration(i)*24*time.Hour)), func(c *Claim) {
					c.Severity, c.Party, c.Holder = casebook.Severity(i%5), []string{"own", "other", "stranger"}[i%3], []string{"Own", "Other", "Stranger"}[i%3]
				})
			}
			d := accept(t, db, arrival(1, 1))
			for i, n := range order {
				fold(t, db, batch(d, int64(i), claims[n]))
			}
			got := findings(t, seenBy(db, own.ID))
			if len(got) != 1 || got[0].Count != 2 || got[0].FirstSeen != claims[0].ObservedAt || got[0].LastSeen != claims[3].ObservedAt || got[0].Days.Len() != 2 ||
				got[0].Severity != casebook.Medium || got[0].Holder != "Own" || got[0].Party != "own" {
				t.Fatalf("in the order %v: got %+v", order, got)
			}
			got[0].ID, got[0].Threat, got[0].RecordedAt, got[0].Mark.RecordedBy = casebook.ID{}, casebook.ID{}, time.Time{}, ""
			if before != nil && !bytes.Equal(got[0].Days.AppendBinary(nil), before[0].Days.AppendBinary(nil)) {
				t.Errorf("in the order %v: got %+v, want %+v", order, got, before)
			}
			before = got
			write(t, db, noon, func(tx *Tx) error {
				whole := findings(t, reader(db, 1))[0]
				if err := tx.SetFinding(whole.ID, own.ID, casebook.Told); err != nil {
					return err
				}
				name, err := tx.PartName(whole.ID, own.ID)
				if err == nil && (name == whole.ID) != (slices.Index(order, 0) == 0 || slices.Index(order, 3) == 0) {
					t.Errorf("in the order %v the party knows the finding as %v", order, name)
				}
				return err
			})
			if f := findings(t, seenBy(db, own.ID)); f[0].State != casebook.Told {
				t.Errorf("the part stands at %s", f[0].State)
			}
			if f := findings(t, seenBy(db, newParty(t, db, "stranger").ID)); len(f) != 0 {
				t.Errorf("a party that the platform didn't know then sees %+v", f)
			}
			closed(t, db)
			sound(t, at, signer)
		}
	})
}

// TestAnOlderDatabaseGoesOn: parties and findings of a schema without access are there
// afterwards, and nobody but the platform's own sees them.
func TestAnOlderDatabaseGoesOn(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at, signer := place(), newSigner(t)
		id := older(t, at, signer)
		db := openAt(t, at, signer)
		if got := ask[int64](t, connect(t, at), `SELECT COUNT(*) FROM migration`); got != int64(len(migrations)) {
			t.Errorf("%d migrations, want %d", got, len(migrations))
		}
		if any, err := reader(db, 1).AnyUser(t.Context()); any || err != nil {
			t.Errorf("accounts in an older database: %v %v", any, err)
		}
		if all, err := seenBy(db, id).Parties(t.Context()); err != nil || len(all) != 1 || all[0].ID != id || all[0].Name != "kept" || !all[0].At(noon) {
			t.Errorf("a party of an older database sees %+v, %v", all, err)
		}
		// What is changed of it from now on is kept, and so is what it is called.
		write(t, db, noon, func(tx *Tx) error {
			p, err := tx.SaveParty(casebook.Party{Mark: casebook.Mark{Tenant: 1}, Name: "kept", Roles: []string{"registrar"}, NetworkRegion: "CN-12"})
			if p.ID != id {
				t.Errorf("it became another party: %v", p.ID)
			}
			return err
		})
		p, err := reader(db, 1).Party(t.Context(), id)
		if err != nil || p.NetworkRegion != "CN-12" || p.Roles[0] != "registrar" {
			t.Errorf("got %+v, %v", p, err)
		}
		closed(t, db)
		sound(t, at, signer)
	})
}

// older makes a database as a program without access left it, with a party.
func older(t *testing.T, at string, signer *ledger.Signer) (id casebook.ID) {
	t.Helper()
	d := dialectOf(at)
	w, r, err := d.open(at)
	if err != nil {
		t.Fatal(err)
	}
	db := &DB{dialect: d, write: w, read: r, reads: newKeeper(r, 0), signer: signer}
	ctx := context.Background()
	if db.sealer, err = ledger.NewSealer(signer.Verifier()); err == nil {
		_, err = db.connection(ctx)
	}
	for n := 1; err == nil && n <= 2; n++ {
		err = db.apply(ctx, n, noon)
	}
	if err == nil {
		_, err = db.Write(ctx, Work{Kind: "party", Actor: "person:alice", At: noon}, func(tx *Tx) error {
			n, err := tx.id("party")
			id = casebook.NewID(noon)
			return errors.Join(err, tx.insert(partyTable, []any{n, tx.salt(), id[:], int64(1), "", int64(0), int64(0), "person:alice", micros(noon), "kept", "registry", "", int64(0)}))
		})
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return id
}
