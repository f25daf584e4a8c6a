package store

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/ledger"
)

// TestInvitations: a link opens one account, once, until it expires or another is made.
func TestInvitations(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		r := f.db.Reader(casebook.Operator())
		people, err := r.Users(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		alice := people[0]
		first, second := [32]byte{1, 1}, [32]byte{2, 2}
		for _, digest := range [][32]byte{first, second} {
			write(t, f.db, noon.Add(time.Minute), func(tx *Tx) error { return tx.Invite(alice.ID, digest, noon.Add(time.Hour)) })
		}
		if _, err := r.Invited(t.Context(), first, noon); !errors.Is(err, casebook.ErrNotFound) {
			t.Errorf("the earlier link: %v", err)
		}
		if _, err := r.Invited(t.Context(), second, noon.Add(time.Hour)); !errors.Is(err, casebook.ErrNotFound) {
			t.Errorf("the expired link: %v", err)
		}
		if u, err := r.Invited(t.Context(), second, noon); err != nil || u.Name != "alice" {
			t.Errorf("got %+v (%v)", u, err)
		}
		if until, err := r.Invitations(t.Context(), noon); err != nil || len(until) != 1 || !until[alice.ID].Equal(noon.Add(time.Hour)) {
			t.Errorf("got %v (%v)", until, err)
		}
		write(t, f.db, noon.Add(2*time.Minute), func(tx *Tx) error { _, err := tx.TakeInvitation(second); return err })
		if _, err := r.Invited(t.Context(), second, noon); !errors.Is(err, casebook.ErrNotFound) {
			t.Errorf("the used link: %v", err)
		}
	})
}

// TestSessionsOfOne: a person's sessions, and the end of all but one.
func TestSessionsOfOne(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		r := f.db.Reader(casebook.Operator())
		people, err := r.Users(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		alice := people[0].ID
		write(t, f.db, noon.Add(time.Hour), func(tx *Tx) error { return tx.OpenSession(alice, [32]byte{9}) })
		all, err := r.Sessions(t.Context(), alice, [32]byte{9})
		if err != nil || len(all) != 2 || !all[0].This || all[1].This || !all[0].CreatedAt.Equal(noon.Add(time.Hour)) {
			t.Fatalf("got %+v (%v)", all, err)
		}
		write(t, f.db, noon.Add(time.Hour), func(tx *Tx) error { return tx.CloseSessions(alice, [32]byte{9}) })
		if all, err = r.Sessions(t.Context(), alice, [32]byte{9}); err != nil || len(all) != 1 || !all[0].This {
			t.Errorf("got %+v (%v)", all, err)
		}
		if all, err = r.Sessions(t.Context(), people[1].ID, [32]byte{9}); err != nil || len(all) != 1 {
			t.Errorf("the other person's: %+v (%v)", all, err)
		}
	})
}

// TestHeld: what a party held, at a moment, with an address in it or a word.
func TestHeld(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db := openAt(t, place(), newSigner(t))
		importing := func(as time.Time, first bool, all ...casebook.Holding) {
			write(t, db, as, func(tx *Tx) error {
				i, err := tx.BeginImport(HoldingImport{Tenant: 1, RecordedBy: "person:alice", Source: "registry", Name: "t.csv", Digest: casebook.Digest{byte(len(all))}, AsOf: as})
				if err != nil {
					return err
				}
				open, err := tx.numbers(`SELECT id FROM holding WHERE ended_by = 0 ORDER BY id`)
				if err == nil {
					err = tx.EndHoldings(i, open)
				}
				if err == nil {
					err = tx.BeginHoldings(i, first, all)
				}
				i.State = ImportInForce
				return errors.Join(err, tx.SaveImport(i))
			})
		}
		net := casebook.Holding{Low: netip.MustParseAddr("192.0.2.0"), High: netip.MustParseAddr("192.0.2.255"), ASN: 64500, Holder: "Example_Net", Party: "example"}
		name := casebook.Holding{Suffix: "example.net", Party: "example"}
		importing(noon, true, net, name, casebook.Holding{Suffix: "other.net", Party: "other"})
		importing(noon.Add(time.Hour), false, name)
		r := db.Reader(casebook.Operator())
		at := casebook.AddrAsset(netip.MustParseAddr("192.0.2.7"))
		for _, c := range []struct {
			name string
			f    HeldFilter
			want int
		}{
			{"ever", HeldFilter{}, 3},
			{"while the first table held", HeldFilter{At: noon.Add(time.Minute)}, 2},
			{"while the second does", HeldFilter{At: noon.Add(2 * time.Hour)}, 1},
			{"an address in a range", HeldFilter{Asset: at}, 1},
			{"the address once it went", HeldFilter{Asset: at, At: noon.Add(2 * time.Hour)}, 0},
			{"a word of a holder", HeldFilter{Text: "EXAMPLE_"}, 1},
			{"a word of a suffix", HeldFilter{Text: ".net"}, 2},
			{"a wildcard is a character", HeldFilter{Text: "%"}, 0},
		} {
			c.f.Party = "example"
			got, err := r.Held(t.Context(), c.f, 10)
			if err != nil || len(got) != c.want {
				t.Errorf("%s: got %d, want %d (%v)", c.name, len(got), c.want, err)
			}
		}
		if got, err := r.HoldingBy(t.Context(), 0, 1); err != nil || got.Suffix != "example.net" || got.Source != "registry" {
			t.Errorf("got %+v (%v)", got, err)
		}
		if _, err := r.HoldingBy(t.Context(), 0, 99); !errors.Is(err, casebook.ErrNotFound) {
			t.Errorf("got %v", err)
		}
		if all, err := r.HoldingImports(t.Context(), 10); err != nil || len(all) != 2 || !all[0].AsOf.Equal(noon.Add(time.Hour)) {
			t.Errorf("got %+v (%v)", all, err)
		}
		stranger := db.Reader(casebook.Scope{Tenant: 1, Party: casebook.ID{7}, MaxTLP: casebook.Amber})
		if got, err := stranger.Held(t.Context(), HeldFilter{Party: "example"}, 10); err != nil || len(got) != 0 {
			t.Errorf("another party is told %d holdings (%v)", len(got), err)
		}
	})
}

// TestFeedSums: what came by which format, when, and its bad rows.
func TestFeedSums(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		r := f.db.Reader(casebook.Operator())
		all, err := r.Deliveries(t.Context(), casebook.ID{}, 10)
		if err != nil || len(all) != 3 {
			t.Fatal(all, err)
		}
		newest := all[0].ReceivedAt
		sums, err := r.FeedSums(t.Context(), newest.Add(time.Minute), 2)
		if err != nil || len(sums) != 1 || sums[0].Deliveries != 3 || len(sums[0].Arrivals) != 2 || sums[0].Last.ID != all[0].ID || sums[0].Day.Refused != 3 || sums[0].Week.Deliveries != 3 {
			t.Errorf("got %+v (%v)", sums, err)
		}
		later, err := r.FeedSums(t.Context(), newest.Add(48*time.Hour), 2)
		if err != nil || later[0].Day != (RowSum{}) || later[0].Week.Deliveries != 3 {
			t.Errorf("two days later: %+v (%v)", later, err)
		}
		bad, err := r.NewestRefusals(t.Context(), newest.Add(-time.Hour), 2, 5)
		if err != nil || len(bad) != 2 || bad[0].Delivery != all[0].ID || bad[0].Reason != "is no address" {
			t.Errorf("got %+v (%v)", bad, err)
		}
		sources, err := r.Sources(t.Context())
		if err != nil || len(sources) < 3 || sources[0].Days.Len() == 0 {
			t.Errorf("got %+v (%v)", sources, err)
		}
		folded, broken := casebook.Folded, casebook.Broken
		for _, c := range []struct {
			f    DeliveryFilter
			want int
		}{{DeliveryFilter{}, 3}, {DeliveryFilter{State: &folded}, 3}, {DeliveryFilter{State: &broken}, 0}, {DeliveryFilter{Refused: true, Feed: all[0].Feed}, 3}, {DeliveryFilter{Feed: "none"}, 0}} {
			if got, err := r.DeliveryPage(t.Context(), c.f, casebook.ID{}, 10); err != nil || len(got) != c.want {
				t.Errorf("%+v: got %d, want %d (%v)", c.f, len(got), c.want, err)
			}
		}
		if got, err := r.DeliveryPage(t.Context(), DeliveryFilter{Refused: true}, all[1].ID, 10); err != nil || len(got) != 1 || got[0].ID != all[2].ID {
			t.Errorf("the second page: %+v (%v)", got, err)
		}
	})
}

// TestOutboxPage: lines newest first, narrowed and continued.
func TestOutboxPage(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		r := f.db.Reader(casebook.Operator())
		all, err := r.OutboxPage(t.Context(), OutboxFilter{}, 10)
		if err != nil || len(all) < 3 {
			t.Fatal(all, err)
		}
		waiting, dead := OutboxWaiting, OutboxDead
		for _, c := range []struct {
			f    OutboxFilter
			want int
		}{{OutboxFilter{State: &waiting}, len(all)}, {OutboxFilter{State: &dead}, 0}, {OutboxFilter{Kind: all[0].Kind, After: all[0].MessageID}, len(all) - 1}} {
			if got, err := r.OutboxPage(t.Context(), c.f, 10); err != nil || len(got) != c.want {
				t.Errorf("%+v: got %d, want %d (%v)", c.f, len(got), c.want, err)
			}
		}
		if _, err := r.OutboxPage(t.Context(), OutboxFilter{After: "nothing"}, 10); !errors.Is(err, casebook.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

// TestEntryOf: of a thing with a name the ledger's entry is found, and proven.
func TestEntryOf(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		r := f.db.Reader(casebook.Operator())
		entries, err := r.Entries(t.Context(), -1, 5)
		if err != nil || len(entries) != 5 || entries[0].Index != entries[4].Index+4 {
			t.Fatal(entries, err)
		}
		if older, err := r.Entries(t.Context(), entries[4].Index, 1); err != nil || older[0].Index != entries[4].Index-1 {
			t.Errorf("got %+v (%v)", older, err)
		}
		for prefix, tab := range namedTables {
			all, err := tableNames(f.db, tab)
			if err != nil {
				t.Fatal(err)
			}
			if len(all) == 0 {
				t.Errorf("the fixture has no %s", tab.name)
			}
			for _, id := range all {
				e, _, err := r.EntryOf(t.Context(), id.Text(prefix))
				if err != nil || e.Kind == "" || e.Index < 0 {
					t.Errorf("%s: %+v (%v)", id.Text(prefix), e, err)
				}
			}
		}
		note, err := r.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cp, err := ledger.OpenCheckpoint([]byte(note), f.signer.Verifier())
		if err != nil {
			t.Fatal(err)
		}
		if proof, err := r.Inclusion(t.Context(), entries[0].Index, cp.Size); err != nil || len(proof) == 0 {
			t.Errorf("no proof: %v", err)
		}
		for name, want := range map[string]error{"nothing": casebook.ErrInvalid, "inc_x": casebook.ErrInvalid, casebook.NewID(noon).Text("inc"): casebook.ErrNotFound} {
			if _, _, err := r.EntryOf(t.Context(), name); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", name, err, want)
			}
		}
		party := f.db.Reader(casebook.Scope{Tenant: 1, Party: casebook.ID{7}, MaxTLP: casebook.Red})
		all, _ := tableNames(f.db, incidentTable)
		if _, _, err := party.EntryOf(t.Context(), all[0].Text("inc")); !errors.Is(err, casebook.ErrNotFound) {
			t.Errorf("a party is told of another's case: %v", err)
		}
		if e, err := party.Entries(t.Context(), -1, 5); err != nil || len(e) != 0 {
			t.Errorf("a party is told of %d entries (%v)", len(e), err)
		}
	})
}

func tableNames(db *DB, tab *table) (all []casebook.ID, err error) {
	rows, err := db.read.Query(`SELECT public FROM ` + tab.name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var public []byte
		if err := rows.Scan(&public); err != nil {
			return nil, err
		}
		all = append(all, casebook.ID(public))
	}
	return all, rows.Err()
}

// TestPartyTally: how much concerns a party, for who sees it.
func TestPartyTally(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		r := f.db.Reader(casebook.Operator())
		all, err := r.Parties(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			got, err := r.PartyTally(t.Context(), p.ID)
			if err != nil {
				t.Fatal(err)
			}
			want := PartyTally{Reports: 1, Orders: 1}
			if !strings.HasPrefix(p.Name, "Party ") {
				want = PartyTally{Holdings: 3}
				if want.Findings = got.Findings; got.Findings == 0 {
					t.Error("no finding is the party's: the test looks at nothing")
				}
			}
			if got != want {
				t.Errorf("%s: got %+v, want %+v", p.Name, got, want)
			}
			stranger := f.db.Reader(casebook.Scope{Tenant: 1, Party: casebook.ID{7}, MaxTLP: casebook.Red})
			if _, err := stranger.PartyTally(t.Context(), p.ID); !errors.Is(err, casebook.ErrNotFound) {
				t.Errorf("a stranger is told: %v", err)
			}
		}
	})
}
