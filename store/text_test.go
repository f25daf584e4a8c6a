package store

import (
	"math"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"tocsin/casebook"
)

// dirty is what a stranger's file may hold and PostgreSQL refuses as text.
const dirty = "a\x00b\xff\xfec"

// washed is what both databases keep of it.
const washed = "a\uFFFDb\uFFFDc"

func TestStrangersTextIsKeptAlikeByBothDatabases(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at, signer := place(), newSigner(t)
		db := openAt(t, at, signer)
		d := arrival(1, 1)
		d.Name, d.Type, d.Feed, d.Door, d.Mark.RecordedBy = dirty, dirty, dirty, dirty, dirty
		d = accept(t, db, d)
		c := as(hit(1, noon), func(c *Claim) {
			c.Family, c.Identifier, c.Source = dirty, dirty, dirty
			c.Asset, c.Port = casebook.Asset{Kind: casebook.URL, Name: "http://example.net/" + dirty}, 80
			c.Role, c.Holder, c.Party, c.Region = casebook.Controller, dirty, dirty, dirty
		})
		other := as(c, func(c *Claim) { c.Family, c.ObservedAt = washed, noon.Add(time.Hour) })
		b := batch(d, 0, c, other)
		b.Source, b.Fault = dirty, dirty
		b.Refusals, b.LastRow = []casebook.Refusal{{Row: 3, Line: 3, Field: dirty, Reason: dirty}}, 3
		fold(t, db, b)
		b = batch(d, 3, as(c, func(c *Claim) { c.ObservedAt = noon.Add(2 * time.Hour) }))
		b.Source, b.End = dirty, casebook.Broken
		b.Fault = dirty
		fold(t, db, b)
		l := line(1)
		l.Kind, l.MessageID = dirty, dirty
		if _, err := db.Write(t.Context(), Work{Kind: dirty, Actor: dirty, At: noon}, func(tx *Tx) error { return tx.Enqueue(l) }); err != nil {
			t.Fatal(err)
		}
		write(t, db, noon, func(tx *Tx) error {
			i, err := tx.BeginImport(HoldingImport{Tenant: 1, RecordedBy: dirty, Source: dirty, Name: dirty, AsOf: noon})
			if err != nil {
				return err
			}
			return tx.BeginHoldings(i, true, []casebook.Holding{{Suffix: dirty, Holder: dirty, Party: dirty, Region: dirty}})
		})
		again := arrival(1, 1)
		again.Type, again.Feed = dirty, dirty
		write(t, db, noon, func(tx *Tx) error {
			if _, known, err := tx.Accept(again); err != nil || !known {
				t.Errorf("the same delivery again: known %v, %v", known, err)
			}
			return nil
		})

		r := reader(db, 1)
		kept, err := r.Delivery(t.Context(), d.ID)
		if got, want := []string{kept.Name, kept.Type, kept.Feed, kept.Door, kept.Mark.RecordedBy, kept.Fault}, slices.Repeat([]string{washed}, 6); err != nil || !slices.Equal(got, want) {
			t.Errorf("delivery: got %q, %v", got, err)
		}
		bad, err := r.Refusals(t.Context(), d.ID, 0, 9)
		if want := []casebook.Refusal{{Row: 3, Line: 3, Field: washed, Reason: washed}}; err != nil || !reflect.DeepEqual(bad, want) {
			t.Errorf("refusals: got %+v, %v", bad, err)
		}
		f := findings(t, r)
		if len(f) != 1 || f[0].Count != 3 || f[0].Family != washed || f[0].Holder != washed || f[0].Asset != c.Asset {
			t.Errorf("findings: got %+v", f)
		}
		if got := listed(t, r.OpenHoldings(t.Context(), dirty)); len(got) != 1 {
			t.Errorf("holdings of the source: got %q, want 1", got)
		}
		closed(t, db)
		sound(t, at, signer)
	})
}

func TestExtremesComeBackAsTheyWere(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at, signer := place(), newSigner(t)
		db := openAt(t, at, signer)
		d := arrival(1, 1)
		d.Bytes, d.Format, d.Mark.Tenant = math.MaxInt64, math.MinInt64, math.MaxInt64
		d.Name, d.Type, d.ReceivedAt = "", "", time.UnixMicro(math.MaxInt64).UTC()
		d = accept(t, db, d)
		got, err := reader(db, math.MaxInt64).Delivery(t.Context(), d.ID)
		if err != nil || !reflect.DeepEqual(got, d) {
			t.Errorf("delivery: %v\n got %+v\nwant %+v", err, got, d)
		}
		want := []casebook.Refusal{{Row: 1, Line: math.MaxInt64}, {Row: math.MaxInt64, Line: math.MinInt64, Reason: "\u00a0"}}
		b := batch(d, 0)
		b.Refusals, b.LastRow, b.Format = want, math.MaxInt64, math.MaxInt64
		fold(t, db, b)
		bad, err := reader(db, math.MaxInt64).Refusals(t.Context(), d.ID, 0, 9)
		if err != nil || !reflect.DeepEqual(bad, want) {
			t.Errorf("refusals: %v\n got %+v\nwant %+v", err, bad, want)
		}
		l := line(1)
		l.Payload, l.Tenant = nil, math.MinInt64 // no octets are no NULL
		write(t, db, noon, func(tx *Tx) error { return tx.Enqueue(l) })

		earnest := accept(t, db, arrival(1, 1))
		claims := []Claim{
			as(hit(1, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)), func(c *Claim) { c.Port, c.PeerPort, c.ASN = 65535, 65535, math.MaxUint32 }),
			as(hit(2, time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)), func(c *Claim) { c.Peer = casebook.Asset{} }),
			as(hit(3, time.Unix(0, 0).UTC()), func(c *Claim) { c.Asset = casebook.PrefixAsset(netip.MustParsePrefix("::/0")) }),
		}
		fold(t, db, batch(earnest, 0, claims...))
		for i, f := range findings(t, reader(db, 1)) {
			i = slices.IndexFunc(claims, func(c Claim) bool { return c.Asset == f.Asset })
			if i < 0 || !f.FirstSeen.Equal(claims[i].ObservedAt) || !f.LastSeen.Equal(claims[i].ObservedAt) || f.ASN != claims[i].ASN {
				t.Errorf("finding %+v of claim %d", f, i)
			}
		}
		again := fold(t, db, batch(earnest, 3, claims...))
		if again.Duplicate != 3 {
			t.Errorf("the same claims again: %d duplicates, want 3", again.Duplicate)
		}
		closed(t, db)
		sound(t, at, signer)
	})
}

func TestTextIsOrderedByItsOctets(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		at := place()
		db := openAt(t, at, newSigner(t))
		words := []string{"b", "B", "a", "_", "ä", "a b", "ab", "Z", "é", "-", "\U0001F600"}
		for i, name := range words {
			l := line(i)
			l.MessageID = name
			write(t, db, noon, func(tx *Tx) error { return tx.Enqueue(l) })
		}
		got, err := names(connect(t, at).Query(`SELECT message_id FROM outbox ORDER BY message_id`))
		slices.Sort(words)
		if err != nil || !slices.Equal(got, words) {
			t.Errorf("got %q, %v, want %q", got, err, words)
		}
	})
}
