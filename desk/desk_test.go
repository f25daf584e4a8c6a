package desk_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// Faults that a desk tells its log are part of what is tested here.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	access.HashCheaply()
	os.Exit(m.Run())
}

var alice = casebook.Actor{Kind: casebook.Machine, Name: "alice"}

// morning is when tests begin that set the clock themselves.
var morning = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// opened is a desk on a data directory, with a clock that a test can set.
type opened struct {
	*desk.Desk
	t   *testing.T
	dir string
	now time.Time
}

// open opens a desk on a directory, and closes it with the test.
func open(t *testing.T, dir string, change ...func(*desk.Config)) *opened {
	t.Helper()
	o := &opened{t: t, dir: dir, now: morning}
	c := desk.Config{Dir: dir, Now: func() time.Time { return o.now }}
	for _, f := range change {
		f(&c)
	}
	d, err := desk.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	o.Desk = d
	t.Cleanup(o.close)
	return o
}

func (o *opened) close() {
	o.t.Helper()
	if o.Desk == nil {
		return
	}
	if err := o.Close(); err != nil {
		o.t.Error(err)
	}
	o.Desk = nil
}

// accept hands in rows of control servers.
func (o *opened) accept(text string) desk.Accepted {
	o.t.Helper()
	a, err := o.Accept(o.t.Context(), alice, desk.Arrival{Feed: "c2-tracker", Name: "day.csv", Door: "file", Body: strings.NewReader(text)})
	if err != nil {
		o.t.Fatal(err)
	}
	return a
}

// take hands in a delivery and folds it.
func (o *opened) take(text string) casebook.Delivery {
	o.t.Helper()
	d, err := o.Gather(o.t.Context(), o.accept(text).ID)
	if err != nil {
		o.t.Fatal(err)
	}
	return d
}

// load imports a table of holdings.
func (o *opened) load(source, text string, asOf time.Time) store.HoldingImport {
	o.t.Helper()
	i, err := o.ImportHoldings(o.t.Context(), alice, desk.Table{Source: source, Name: source + ".csv", AsOf: asOf, Body: strings.NewReader(text)},
		func(r casebook.Refusal) error { return errors.New(r.Reason) })
	if err != nil {
		o.t.Fatal(err)
	}
	return i
}

// findings gives what was found of each asset: "asset AS holder".
func (o *opened) findings() map[string]casebook.Finding {
	o.t.Helper()
	all := map[string]casebook.Finding{}
	for f, err := range o.Reader(casebook.Operator()).Findings(o.t.Context(), store.FindingFilter{}) {
		if err != nil {
			o.t.Fatal(err)
		}
		all[f.Asset.String()+" "+casebook.FamilyKey(f.Family)] = f
	}
	return all
}

// wantSound closes the desk and audits its directory.
func (o *opened) wantSound() {
	o.t.Helper()
	o.close()
	if got := audit(o.t, desk.AuditTarget{Dir: o.dir}); len(got) > 0 {
		o.t.Errorf("audit: %v", got)
	}
}

// audit gives the faults of a data directory: "fault table key".
func audit(t *testing.T, target desk.AuditTarget) []string {
	t.Helper()
	var all []string
	_, err := desk.Audit(t.Context(), target, func(f store.Fault) error {
		all = append(all, fmt.Sprintf("%s %s %s", f.Fault, f.Table, f.Key))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// change runs a statement on the database of a directory that nobody owns.
func change(t *testing.T, dir, statement string) {
	t.Helper()
	db := database(t, dir)
	defer db.Close()
	r, err := db.Exec(statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s changed nothing (%v)", statement, err)
	}
}

func database(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", desk.Directory(dir).Database())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// rows gives an answer, a line a row.
func rows(t *testing.T, dir, query string) []string {
	t.Helper()
	db := database(t, dir)
	defer db.Close()
	answer, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Close()
	columns, err := answer.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for answer.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := answer.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimSpace(fmt.Sprintln(values...)))
	}
	if err := answer.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

const c2Header = "observed_at,family,ip,commit\n"

// day is a delivery of one control server.
func day(at, family, ip string) string { return c2Header + at + "," + family + "," + ip + ",c0ffee\n" }

func TestADirectoryHasOneOwner(t *testing.T) {
	o := open(t, t.TempDir())
	_, err := desk.Open(t.Context(), desk.Config{Dir: o.dir})
	if !errors.Is(err, casebook.ErrConflict) || !errors.Is(err, desk.ErrOwned) {
		t.Fatalf("got %v, want ErrOwned and ErrConflict", err)
	}
	// The second did no harm, and comes in when the first is gone.
	o.take(day("2026-11-20T00:00:00Z", "Sample", "192.0.2.1"))
	o.close()
	again := open(t, o.dir)
	if n := len(again.findings()); n != 1 {
		t.Errorf("got %d findings, want 1", n)
	}
}

// TestOpenClearsAway what a life left that was killed while it worked.
func TestOpenClearsAway(t *testing.T) {
	dir := t.TempDir()
	open(t, dir).close()
	cache := desk.Directory(dir).Cache()
	for _, left := range []string{"backup-123/tocsin.db", "import-456"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(cache, left)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(cache, left), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir)
	if left, err := os.ReadDir(cache); err != nil || len(left) > 0 {
		t.Errorf("got %v (%v), want nothing", left, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(dir string) error
		want  string
	}{
		{"a key that is none", func(dir string) error { return os.WriteFile(desk.Directory(dir).LedgerKey(), []byte("key"), 0o600) }, "ledger key"},
		{"another ledger's key", func(dir string) error {
			other := t.TempDir()
			d, err := desk.Open(context.Background(), desk.Config{Dir: other})
			if err != nil {
				return err
			}
			return errors.Join(d.Close(), os.Rename(desk.Directory(other).LedgerKey(), desk.Directory(dir).LedgerKey()))
		}, "are of two ledgers"},
		{"a database that is none", func(dir string) error {
			wal := os.Remove(desk.Directory(dir).Database() + "-wal") // else SQLite mends it from there
			if errors.Is(wal, os.ErrNotExist) {
				wal = nil
			}
			return errors.Join(wal, os.WriteFile(desk.Directory(dir).Database(), bytes.Repeat([]byte("garbage, "), 1000), 0o600))
		}, "tocsin.db"},
		{"a format with a mistake", func(dir string) error {
			return errors.Join(os.Mkdir(desk.Directory(dir).Feeds(), 0o700), os.WriteFile(filepath.Join(desk.Directory(dir).Feeds(), "x.yaml"), []byte("colour: red\n"), 0o600))
		}, "x.yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			open(t, dir).close()
			if err := c.spoil(dir); err != nil {
				t.Fatal(err)
			}
			d, err := desk.Open(t.Context(), desk.Config{Dir: dir})
			if err == nil {
				d.Close()
				t.Fatal("opened all the same")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			// A refused directory isn't left locked.
			if _, err := desk.Open(t.Context(), desk.Config{Dir: dir}); errors.Is(err, desk.ErrOwned) {
				t.Error("the refused directory stays locked")
			}
		})
	}
}

// sorted gives lines in their order.
func sorted(all []string) []string { slices.Sort(all); return all }

// endless gives the same octet for ever.
type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

var _ io.Reader = endless(0)
