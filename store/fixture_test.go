package store

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/ledger"
)

// A filled database has rows in every covered table, several in most, all written
// through the store's own doors.
type filled struct {
	place  string
	signer *ledger.Signer
	db     *DB
}

func newFilled(t testing.TB, place string) filled {
	t.Helper()
	f := filled{place, newSigner(t), nil}
	f.db = openAt(t, place, f.signer)
	f.openAccounts(t)
	for n := range 3 {
		d := accept(t, f.db, arrival(1, byte(n)))
		b := batch(d, 0, hit(n, noon), hit(n+1, noon.Add(time.Hour)), hit(7, noon.AddDate(0, 0, n)))
		b.Refusals = []casebook.Refusal{{Row: 4, Line: 5, Field: "ip", Reason: "is no address"}}
		b.LastRow++
		fold(t, f.db, b)
		name, err := casebook.DomainAsset("controller.example")
		if err != nil {
			t.Fatal(err)
		}
		c := hit(0, noon.Add(time.Duration(n)*time.Minute))
		c.Type, c.Role, c.Asset, c.Port, c.Family = casebook.C2Server, casebook.Controller, name, uint16(443+n), fmt.Sprintf("Family %d", n)
		b = batch(d, 4, keyed(c))
		b.Source, b.End = fmt.Sprintf("source %d", n), casebook.Folded
		fold(t, f.db, b)
		write(t, f.db, noon.Add(time.Duration(n)*time.Second), enqueue(n))
		f.importHoldings(t, n)
		f.openCase(t, n)
	}
	write(t, f.db, noon.Add(time.Minute), func(tx *Tx) error {
		if _, err := tx.Rebase("sha256:00"); err != nil {
			return err
		}
		n, err := tx.Forget(noon.Add(time.Hour), 1)
		if n != 1 {
			t.Errorf("forgot %d claims, want 1", n)
		}
		return err
	})
	if err := f.db.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

// openAccounts makes accounts, keys and a party to which the fixture's claims are
// attributed.
func (f filled) openAccounts(t testing.TB) {
	t.Helper()
	write(t, f.db, noon, func(tx *Tx) error {
		p, err := tx.SaveParty(casebook.Party{Mark: casebook.Mark{Tenant: 1, RecordedBy: "person:alice"}, Name: "example", Roles: []string{"access_provider"}})
		if err != nil {
			return err
		}
		for n, name := range []string{"alice", "wang"} {
			u, err := tx.AddUser(casebook.User{Tenant: 1, Name: name, Roles: []string{"officer", "auditor"}, Party: p.ID, RecordedBy: "machine:local"}, "hash")
			if err != nil {
				return err
			}
			if err := tx.OpenSession(u.ID, [32]byte{byte(n)}); err != nil {
				return err
			}
			k, err := tx.AddKey(casebook.AccessKey{Tenant: 1, Name: "laptop", Shown: "tck_ABCDEF", User: name, ExpiresAt: noon.AddDate(1, 0, 0), RecordedBy: "person:alice"}, [32]byte{byte(n)})
			if err == nil {
				err = tx.UsedKey(k.ID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (f filled) importHoldings(t testing.TB, n int) {
	t.Helper()
	write(t, f.db, noon, func(tx *Tx) error {
		i, err := tx.BeginImport(HoldingImport{Tenant: 1, RecordedBy: "person:alice", Source: fmt.Sprintf("table %d", n), Name: "asn.csv", Digest: casebook.Digest{byte(n)}, AsOf: noon})
		if err != nil {
			return err
		}
		if err := tx.BeginHoldings(i, true, []casebook.Holding{
			{Low: netip.MustParseAddr("192.0.2.0"), High: netip.MustParseAddr("192.0.2.255"), ASN: 64500, Holder: "Example Net", Region: "NL"},
			{Suffix: "example.net", Party: "example"},
		}); err != nil {
			return err
		}
		i.State, i.Rows, i.Added = ImportInForce, 2, 2
		return tx.SaveImport(i)
	})
}

// openCase writes a case with everything that belongs to one.
func (f filled) openCase(t testing.TB, n int) {
	t.Helper()
	owner := casebook.Mark{Tenant: 1, TLP: casebook.Amber, RecordedBy: "person:alice"}
	var incident casebook.Incident
	var to casebook.Party
	var owed casebook.Duty
	write(t, f.db, noon.Add(time.Duration(n)*time.Second), func(tx *Tx) error {
		party, err := tx.SaveParty(casebook.Party{Mark: owner, Name: fmt.Sprintf("Party %d", n), Roles: []string{"network_operator"}, Region: "CN-11", Own: true})
		if err != nil {
			return err
		}
		i, err := tx.OpenIncident(casebook.Incident{Mark: owner, Category: casebook.BotnetIncident, Title: "a call at night", Party: party.ID, OpenedAt: noon, TriageDue: noon.Add(casebook.Triage)})
		if err != nil {
			return err
		}
		a, err := tx.Log(casebook.Anchor{Incident: i.ID, Kind: casebook.Received, At: noon, Zone: "Asia/Shanghai", By: "person:alice", Source: "telephone", Note: "of a botnet",
			Clock: casebook.ClockState{Known: true, Offset: 12 * time.Millisecond, Bound: time.Millisecond, Source: "kernel"}})
		if err != nil {
			return err
		}
		if _, err := tx.Log(casebook.Anchor{Incident: i.ID, Kind: casebook.Received, At: noon.Add(-time.Minute), By: "person:alice", Supersedes: a.ID}); err != nil {
			return err
		}
		if err := tx.Know(i.ID, casebook.Facts{"controlled_addresses_unique_24h": casebook.NumberValue(1_000_000)}, true, noon, "person:alice"); err != nil {
			return err
		}
		if _, err := tx.Grade(casebook.Grade{Incident: i.ID, Regime: "cn-miit-2009-156", Pack: "sha256:00", Standing: casebook.Proposed, Level: "extremely_serious", Reach: casebook.Reached,
			Rule: "botnet", Article: "annex", Confidence: "summary", Figures: casebook.Facts{"controlled_addresses_unique_24h": casebook.NumberValue(1_000_000)}, At: noon, By: "rule:grade"}); err != nil {
			return err
		}
		d, err := tx.OpenDuty(casebook.Duty{Mark: owner, Incident: i.ID, Party: party.ID, PartyName: party.Name, Regime: "cn-miit-2009-156", Pack: "sha256:00", Stage: "level1_report",
			Article: "9", Anchor: "detection", Started: noon, Limit: "2h", Due: noon.Add(2 * time.Hour), Zone: "Asia/Shanghai", State: casebook.OpenDuty, To: []string{"authority"}, Confidence: "summary"})
		if err != nil {
			return err
		}
		if err := tx.ChangeDuty(d.ID, casebook.OpenDuty, casebook.Missed, d.Due, "nobody filed"); err != nil {
			return err
		}
		incident, to, owed = i, party, d
		return tx.NoteClock(ClockReading{At: noon, ClockState: casebook.ClockState{Known: true, Offset: time.Millisecond, Source: "kernel"}})
	})
	f.actsOn(t, n, incident, to, owed)
}

// wantFilled fails for a covered table that the fixture leaves empty.
func (f filled) wantFilled(t testing.TB) {
	t.Helper()
	second := connect(t, f.place)
	for _, table := range tables {
		least := int64(2)
		if table == migrationTable || table == horizonTable || table == basisTable {
			least = 1
		}
		if n := ask[int64](t, second, `SELECT COUNT(*) FROM `+table.name); n < least {
			t.Errorf("the fixture has %d rows in table %s, it must have %d: its tests say nothing", n, table.name, least)
		}
	}
}
