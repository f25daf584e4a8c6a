package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"tocsin/casebook"
	"tocsin/ledger"
)

// postgresServer names a server on which the tests may make databases.
const postgresServer = "TOCSIN_TEST_POSTGRES"

// noon is when the tests begin.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// onEach runs a test once on each database, with a way to make empty ones.
func onEach(t *testing.T, test func(t *testing.T, place func() string)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		n := 0
		test(t, func() string { n++; return filepath.Join(t.TempDir(), fmt.Sprintf("tocsin %d?.db", n)) })
	})
	t.Run("postgres", func(t *testing.T) {
		if os.Getenv(postgresServer) == "" {
			t.Skipf("PostgreSQL: set %s to a server's postgres:// URL with the right to make databases", postgresServer)
		}
		t.Parallel()
		test(t, func() string { return newPostgres(t) })
	})
}

// newPostgres makes an empty database and drops it when the test ends.
func newPostgres(t *testing.T) string {
	t.Helper()
	server, err := url.Parse(os.Getenv(postgresServer))
	if err != nil {
		t.Fatalf("%s: %v", postgresServer, err)
	}
	admin, err := sql.Open("pgx", server.String())
	if err != nil {
		t.Fatal(err)
	}
	name := "tocsin_test_" + strings.ToLower(rand.Text())
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatalf("make a database on the server that %s names: %v", postgresServer, err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	place := *server
	place.Path = "/" + name
	return place.String()
}

func newSigner(t testing.TB) *ledger.Signer {
	t.Helper()
	signer, _, err := ledger.NewSigner("test.example/tocsin")
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// openAt opens a database, to be closed when the test ends or before.
func openAt(t testing.TB, place string, signer *ledger.Signer) *DB {
	t.Helper()
	db, err := Open(t.Context(), place, Options{Signer: signer, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil && !strings.Contains(err.Error(), "closed") {
			t.Error(err)
		}
	})
	return db
}

func closed(t testing.TB, db *DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// connect opens a second connection past the store, as somebody with a database
// shell would.
func connect(t testing.TB, place string) *sql.DB {
	t.Helper()
	driver := "pgx"
	if dialectOf(place).name() == "sqlite" {
		driver, place = "sqlite", "file:"+(&url.URL{Path: place}).EscapedPath()+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, place)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// execute runs a statement past the store.
func execute(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// ask reads one value.
func ask[T any](t testing.TB, db *sql.DB, query string, args ...any) (v T) {
	t.Helper()
	if err := db.QueryRow(query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// write does one write that must succeed.
func write(t testing.TB, db *DB, at time.Time, f func(*Tx) error) Receipt {
	t.Helper()
	r, err := db.Write(t.Context(), Work{Kind: "test", Actor: "rule:test", At: at}, f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// line is an outbox line, the smallest thing that can be written.
func line(n int) OutboxLine {
	return OutboxLine{Tenant: 1, Kind: "mail", MessageID: fmt.Sprintf("message-%d", n), Payload: []byte("dear operator")}
}

func enqueue(n int) func(*Tx) error { return func(tx *Tx) error { return tx.Enqueue(line(n)) } }

// arrival is a delivery of a tenant that nobody sent before.
func arrival(tenant int64, content byte) casebook.Delivery {
	return casebook.Delivery{
		Mark:   casebook.Mark{Tenant: tenant, TLP: casebook.Green, RecordedBy: "machine:key"},
		Digest: casebook.Digest{0: content, 1: byte(tenant), 2: byte(tenant >> 8)}, Bytes: 4096, Feed: "shadowserver", Type: "event4_sinkhole",
		Name: "sinkhole.csv", Door: "file", ReceivedAt: noon, Format: 1,
	}
}

func accept(t testing.TB, db *DB, d casebook.Delivery) casebook.Delivery {
	t.Helper()
	write(t, db, noon, func(tx *Tx) (err error) { d, _, err = tx.Accept(d); return err })
	return d
}

// keyed gives a claim the key that a feed would.
func keyed(c Claim) Claim {
	c.Key = new(casebook.Keyer).Key(&c.Observation)
	return c
}

// hit is a bot seen on a sinkhole.
func hit(host int, at time.Time) Claim {
	address := netip.AddrFrom4([4]byte{10, byte(host >> 16), byte(host >> 8), byte(host)})
	return keyed(Claim{Observation: casebook.Observation{
		Source: "shadowserver/event4_sinkhole", Type: casebook.InfectedSystem, Role: casebook.Bot, Severity: casebook.High, Confidence: 900,
		TLP: casebook.Green, Identifier: "sinkhole", Family: "Mirai", Asset: casebook.AddrAsset(address), Port: uint16(1024 + host%1000),
		Transport: casebook.TCP, Peer: casebook.AddrAsset(netip.MustParseAddr("198.51.100.1")), PeerPort: 23, ObservedAt: at,
	}, Attribution: casebook.Attribution{ASN: 64500, Holder: "Example Net", Party: "example", Region: "NL"}})
}

// batch makes the batch of a delivery that begins after a row and holds claims.
func batch(d casebook.Delivery, after int64, claims ...Claim) *Batch {
	for i := range claims {
		claims[i].Row = after + int64(i) + 1
	}
	return &Batch{Delivery: d.ID, FirstRow: after + 1, LastRow: after + int64(len(claims)), Format: 1,
		Source: "shadowserver/event4_sinkhole", GapDays: casebook.DefaultGap, Claims: claims, End: casebook.Accepted}
}

func fold(t testing.TB, db *DB, b *Batch) casebook.Delivery {
	t.Helper()
	d, err := tryFold(t.Context(), db, b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func tryFold(ctx context.Context, db *DB, b *Batch) (d casebook.Delivery, err error) {
	_, err = db.Write(ctx, Work{Kind: "fold", Actor: "rule:gather", At: noon, Bulk: true}, func(tx *Tx) (err error) { d, err = tx.Fold(b); return err })
	return d, err
}

func reader(db *DB, tenant int64) *Reader {
	return db.Reader(casebook.Scope{Tenant: tenant, All: true, MaxTLP: casebook.Red})
}

func findings(t testing.TB, r *Reader) []casebook.Finding {
	t.Helper()
	all := []casebook.Finding{}
	for f, err := range r.Findings(t.Context(), FindingFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

func threats(t testing.TB, r *Reader) []casebook.Threat {
	t.Helper()
	all, err := r.Threats(t.Context(), casebook.ID{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b casebook.Threat) int { return strings.Compare(a.Type+" "+a.Key, b.Type+" "+b.Key) })
	return all
}

func counts(t testing.TB, db *DB) Counts {
	t.Helper()
	c, err := reader(db, 1).Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// audited runs an audit and gives the faults as "table key fault".
func audited(t testing.TB, place string, o AuditOptions) (Audit, []string) {
	t.Helper()
	db, err := OpenForAudit(place)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	told := []string{}
	o.Report = func(f Fault) error {
		if f.Note == "" {
			t.Errorf("no sentence says what is wrong with %v", f)
		}
		told = append(told, f.Table+" "+f.Key+" "+f.Fault)
		return nil
	}
	a, err := db.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if a.Faults != int64(len(told)) {
		t.Errorf("%d faults counted, told %q", a.Faults, told)
	}
	return a, told
}

// sound wants an audit that finds nothing.
func sound(t testing.TB, place string, signer *ledger.Signer) Audit {
	t.Helper()
	a, told := audited(t, place, AuditOptions{Verifier: signer.Verifier()})
	if len(told) > 0 {
		t.Errorf("faults of a sound database: %q", told)
	}
	return a
}

// wantIs wants an error that carries one of the refusals and says more.
func wantIs(t testing.TB, what string, err, refusal error) {
	t.Helper()
	if !errors.Is(err, refusal) || len(err.Error()) < len(refusal.Error())+10 {
		t.Errorf("%s: got %v, want a sentence that is %v", what, err, refusal)
	}
}

// TestAServerThatIsAwayIsToldApart: no connection is worth another try, a wrong password or
// a fault of the request isn't.
func TestAServerThatIsAwayIsToldApart(t *testing.T) {
	_, err := Open(t.Context(), "postgres://nobody@127.0.0.1:1/none?connect_timeout=5", Options{Now: time.Now()})
	if !Unreachable(err) {
		t.Errorf("%v: a server that doesn't answer is away", err)
	}
	for code, want := range map[string]bool{"57P01": true, "57P03": true, "08006": true, "53300": true, "28P01": false, "42P01": false, "22003": false} {
		if got := Unreachable(fmt.Errorf("open: %w", &pgconn.PgError{Code: code})); got != want {
			t.Errorf("%s: %v, want %v", code, got, want)
		}
	}
	if Unreachable(nil) || Unreachable(casebook.ErrConflict) {
		t.Error("what isn't the server's is taken for it")
	}
}

// TestAConnectionThatBreaksIsTheDatabases: what a connection gives that breaks between two
// statements or within one isn't the fault of the request.
func TestAConnectionThatBreaksIsTheDatabases(t *testing.T) {
	for _, c := range []struct {
		err          error
		broken, full bool
	}{
		{&net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, true, false},
		{&net.OpError{Op: "write", Net: "unix", Err: os.NewSyscallError("write", syscall.EPIPE)}, true, false},
		{io.ErrUnexpectedEOF, true, false},
		{net.ErrClosed, true, false},
		{driver.ErrBadConn, true, false},
		{unsent{}, true, false},
		{&pgconn.PgError{Code: "57P01"}, true, false},
		{&pgconn.PgError{Code: "58030"}, true, false},
		{&pgconn.PgError{Code: "53100"}, true, true},
		{&pgconn.PgError{Code: "23505"}, false, false},
		{&pgconn.PgError{Code: "22003"}, false, false},
		{casebook.ErrConflict, false, false},
		{sql.ErrNoRows, false, false},
	} {
		if broken, full := (&postgres{}).broken(fmt.Errorf("accept: %w", c.err)); broken != c.broken || full != c.full {
			t.Errorf("%v: broken %v, full %v; want %v, %v", c.err, broken, full, c.broken, c.full)
		}
	}
}

// unsent is what the driver gives for a statement of which the server has seen nothing.
type unsent struct{}

func (unsent) Error() string     { return "conn closed" }
func (unsent) SafeToRetry() bool { return true }
