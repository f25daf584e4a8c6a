package desk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
)

// site declares a mapping of a site's own.
func site(t *testing.T, dir, mapping string) {
	t.Helper()
	feeds := desk.Directory(dir).Feeds()
	if err := os.MkdirAll(feeds, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(feeds, "own.yaml"), []byte(mapping), 0o600); err != nil {
		t.Fatal(err)
	}
}

const ownMapping = `about: "a list of a site's own"
input: {format: csv}
constants: {type: c2-server}
fields:
  observed_at: {from: at, as: rfc3339}
  asset: [{from: ADDRESS, as: ip}]
`

// own hands in rows at,ip by the site's mapping and folds them.
func (o *opened) own(text string) casebook.Delivery {
	o.t.Helper()
	a, err := o.Accept(o.t.Context(), alice, desk.Arrival{Feed: "own", Name: "own.csv", Door: "file", Body: strings.NewReader(text)})
	if err != nil {
		o.t.Fatal(err)
	}
	d, err := o.Gather(o.t.Context(), a.ID)
	if err != nil {
		o.t.Fatal(err)
	}
	return d
}

func TestADeliveryIsReadAgainOnceItsMappingIsMended(t *testing.T) {
	dir := t.TempDir()
	const rows = "at,ip\n2026-11-20T00:00:00Z,192.0.2.7\n2026-11-20T00:00:00Z,192.0.2.8\n"
	site(t, dir, strings.Replace(ownMapping, "ADDRESS", "adress", 1))
	o := open(t, dir)
	first := o.own(rows)
	if first.State != casebook.Unreadable || first.Taken != 0 {
		t.Fatalf("by a mapping with a mistake: %s, %d taken", first.State, first.Taken)
	}
	o.close()
	site(t, dir, strings.Replace(ownMapping, "ADDRESS", "ip", 1))
	o = open(t, dir)
	got := o.own(rows)
	if got.ID != first.ID || got.State != casebook.Folded || got.Rows != 2 || got.Taken != 2 || got.Fault != "" {
		t.Errorf("handed in again: %+v", got)
	}
	o.wantSound()
}

func TestADeliveryHalfFoldedIsReadAgainWhenItsFormatChanged(t *testing.T) {
	dir := t.TempDir()
	site(t, dir, strings.Replace(ownMapping, "ADDRESS", "ip", 1))
	ctx, cancel := context.WithCancel(t.Context())
	left := 0 // commits until the program ends
	o := open(t, dir, func(c *desk.Config) {
		now := c.Now
		c.Now = func() time.Time {
			if left--; left == 0 {
				cancel()
			}
			return now()
		}
	})
	var text strings.Builder
	text.WriteString("at,ip\n")
	for i := range 3 * desk.BatchRows {
		text.WriteString(fmt.Sprintf("# remark\n2026-11-20T00:00:00Z,10.0.%d.%d\n", i>>8, i&255))
	}
	a, err := o.Accept(t.Context(), alice, desk.Arrival{Feed: "own", Name: "own.csv", Door: "file", Body: strings.NewReader(text.String())})
	if err != nil {
		t.Fatal(err)
	}
	left = 3
	if _, err := o.Gather(ctx, a.ID); !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped with %v", err)
	}
	if d, err := o.Reader(casebook.Operator()).Delivery(t.Context(), a.ID); err != nil || d.Rows != 2*desk.BatchRows || d.Taken == 0 {
		t.Fatalf("stopped at row %d, %d taken (%v)", d.Rows, d.Taken, err)
	}
	o.close()
	// Remarks aren't rows any more: the cursor counts what this reading doesn't.
	site(t, dir, strings.Replace(strings.Replace(ownMapping, "ADDRESS", "ip", 1), "{format: csv}", `{format: csv, comment: "#"}`, 1))
	o = open(t, dir)
	d, err := o.Gather(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d.State != casebook.Folded || d.Rows != 3*desk.BatchRows || d.Taken != d.Rows || d.Duplicate != 0 || d.Refused != 0 {
		t.Errorf("read again: %+v", d)
	}
	if n := len(o.findings()); n != 3*desk.BatchRows {
		t.Errorf("%d findings, want %d", n, 3*desk.BatchRows)
	}
	o.wantSound()
}

func TestAMomentFarAheadIsRefused(t *testing.T) {
	o := open(t, t.TempDir())
	d := o.take(c2Header + "2199-01-01T00:00:00Z,Sample,192.0.2.7,c0ffee\n" + "2026-11-24T00:00:00Z,Sample,192.0.2.7,c0ffee\n")
	if d.Taken != 1 || d.Refused != 1 {
		t.Errorf("took %d, refused %d", d.Taken, d.Refused)
	}
	bad, err := o.Reader(casebook.Operator()).Refusals(t.Context(), d.ID, 0, 10)
	if err != nil || len(bad) != 1 || bad[0].Row != 1 || !strings.Contains(bad[0].Reason, "2199") {
		t.Errorf("refused %v (%v)", bad, err)
	}
}

func TestATableOlderThanTheOneInForceIsRefused(t *testing.T) {
	o := open(t, t.TempDir())
	o.load("registry", "cidr,asn\n192.0.2.0/24,64500\n", time.Time{})
	o.load("registry", "cidr,asn\n192.0.2.0/24,64501\n", morning.AddDate(0, -1, 0))
	_, err := o.ImportHoldings(t.Context(), alice, desk.Table{Source: "registry", Name: "r.csv", AsOf: morning.AddDate(0, -2, 0), Body: strings.NewReader("cidr,asn\n192.0.2.0/24,64502\n")}, nil)
	if !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(err.Error(), "older than the one in force") {
		t.Errorf("got %v", err)
	}
	o.wantSound()
}

func TestAnOlderDatabaseIsNotGoneOnFrom(t *testing.T) {
	dir := recorded(t)
	older := read(t, desk.Directory(dir).Database())
	o := open(t, dir)
	o.take(day("2026-11-22T00:00:00Z", "Sample", "192.0.2.7"))
	o.close()
	if err := os.WriteFile(desk.Directory(dir).Database(), older, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := audit(t, desk.AuditTarget{Dir: dir}); len(got) == 0 || !strings.HasPrefix(got[0], "rollback ") {
		t.Errorf("audit: got %v, want a rollback by the checkpoint beside it", got)
	}
	wantNotOpened(t, dir, "ends before the checkpoint")
	// A checkpoint that a power cut tore says nothing.
	if err := os.WriteFile(desk.Directory(dir).Checkpoint(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir).close()
}

func TestALedgerWithoutItsKeyIsNotGoneOnFrom(t *testing.T) {
	dir := recorded(t)
	if err := os.Remove(desk.Directory(dir).LedgerKey()); err != nil {
		t.Fatal(err)
	}
	wantNotOpened(t, dir, "is gone")
	for _, name := range []string{desk.Directory(dir).LedgerPub(), desk.Directory(dir).Checkpoint()} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	wantNotOpened(t, dir, "is gone")
	// Nor by the key of another ledger.
	other := t.TempDir()
	open(t, other).close()
	for _, of := range []func(desk.Directory) string{desk.Directory.LedgerKey, desk.Directory.LedgerPub} {
		if err := os.Rename(of(desk.Directory(other)), of(desk.Directory(dir))); err != nil {
			t.Fatal(err)
		}
	}
	wantNotOpened(t, dir, "belongs to another ledger")
}

func wantNotOpened(t *testing.T, dir, sentence string) {
	t.Helper()
	d, err := desk.Open(t.Context(), desk.Config{Dir: dir, Now: func() time.Time { return morning.AddDate(0, 0, 1) }})
	if err == nil {
		d.Close()
	}
	if !errors.Is(err, casebook.ErrConflict) || !strings.Contains(err.Error(), sentence) {
		t.Errorf("opened with %v, want a refusal that says %q", err, sentence)
	}
}
