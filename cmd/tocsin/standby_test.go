//go:build !race

// The platforms that this starts are built without the race detector: ./test runs it
// without.

package main

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/ledger"
	"tocsin/store"
)

// newDatabase makes an empty database on the PostgreSQL server that the tests may use.
func newDatabase(t *testing.T) string {
	t.Helper()
	const server = "TOCSIN_TEST_POSTGRES"
	place, err := url.Parse(os.Getenv(server))
	if err != nil || place.Scheme == "" {
		t.Skipf("PostgreSQL: set %s to a server's postgres:// URL with the right to make databases", server)
	}
	admin, err := sql.Open("pgx", place.String())
	if err != nil {
		t.Fatal(err)
	}
	name := "tocsin_standby_" + strings.ToLower(rand.Text())
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	place.Path = "/" + name
	return place.String()
}

// falling writes open duties into a database that no process has; from a moment on they
// fall due one after the other.
func falling(t *testing.T, place, data string, n int, first time.Time, every time.Duration) {
	t.Helper()
	key, err := os.ReadFile(desk.Directory(data).LedgerKey())
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.ParseSigner(string(key))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), place, store.Options{Signer: signer, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	writeDuties(t, db, n, func(n int) casebook.Duty {
		due := first.Add(time.Duration(n) * every)
		return casebook.Duty{Limit: "2h", Told: 2, Due: due, Started: due.Add(-2 * time.Hour)}
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// shareLedger makes a data directory with the ledger's key of another one.
func shareLedger(t *testing.T, dir, from, to string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, to), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ledger.key", "ledger.pub"} {
		text, err := os.ReadFile(filepath.Join(dir, from, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, to, name), string(text))
	}
}

// TestTwoReplicasFireEachDutyOnce: two platforms run on one PostgreSQL, each with its own
// data directory and the one ledger's key. One writes, the other stands by and says so.
// A thousand duties fall due, and the first is killed in the middle: the other takes
// over, each miss is recorded once, and what people are sent comes at least once, twice
// only where the outbox says "resent after crash".
func TestTwoReplicasFireEachDutyOnce(t *testing.T) {
	t.Parallel()
	place, dir := newDatabase(t), t.TempDir()
	office, err := openPostOffice()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(office.close)
	flags := []string{"--database", place, "--contact", "mailto:duty@centre.example", "--smtp", office.address, "--smtp-from", "tocsin@centre.example"}
	began := time.Now()
	must(t, dir, "party", "add", "--data", "one", "--database", place, "--own", "--role", "telecom_operator", "--region", "CN-11", "North Access")
	aCommand := time.Since(began) // tells how busy the machine is
	// The law in force is noted before, so that no incident is judged anew meanwhile.
	settled, _ := serve(t, dir, "one", flags...)
	beside, err := sql.Open("pgx", place)
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	count := func(query string) (n int) {
		t.Helper()
		if err := beside.QueryRow(query).Scan(&n); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return n
	}
	until(t, "the law in force to be noted", func() bool { return count(`SELECT COUNT(*) FROM basis`) > 0 })
	stop(t, settled)
	const duties = 1000
	first := time.Now().Add(max(15*time.Second, 8*aCommand))
	falling(t, place, filepath.Join(dir, "one"), duties, first, max(4*time.Millisecond, aCommand/400))

	one, _ := serve(t, dir, "one", flags...)
	// One that has another ledger's key could never take over, and says so at once.
	stranger := finish(t, command(t, dir, append([]string{"serve", "--data", "strange", "--listen", "127.0.0.1:0"}, flags...)...))
	if stranger.code != 1 || !strings.Contains(stranger.err, "belongs to another ledger") {
		t.Errorf("one with another key: exit %d, %s", stranger.code, stranger.err)
	}
	shareLedger(t, dir, "one", "two")
	address, err := freeLoopback()
	if err != nil {
		t.Fatal(err)
	}
	two := command(t, dir, append([]string{"serve", "--data", "two", "--listen", address}, flags...)...)
	if err := two.Start(); err != nil {
		t.Fatal(err)
	}
	defer two.Process.Kill()
	wantStandby(t, address)

	until(t, "a third of the duties to be missed", func() bool { return count(`SELECT COUNT(*) FROM duty WHERE state = 4`) > duties/3 })
	one.Process.Signal(syscall.SIGKILL)
	one.Wait()
	killed, missed := time.Now(), count(`SELECT COUNT(*) FROM duty WHERE state = 4`)
	if err := awaitReady(address); err != nil {
		t.Fatal(err)
	}
	took := time.Since(killed)
	until(t, "every duty to be missed", func() bool { return count(`SELECT COUNT(*) FROM duty WHERE state = 4`) == duties })
	until(t, "the outbox to be empty", func() bool { return count(`SELECT COUNT(*) FROM outbox WHERE state IN (0, 1)`) == 0 })
	stop(t, two)
	t.Logf("the first recorded %d of %d; the other was ready %v after it was killed", missed, duties, took.Round(time.Millisecond))
	if missed == duties {
		t.Error("the first had recorded all of them: the test shows nothing")
	}
	for query, want := range map[string]int{
		`SELECT COUNT(*) FROM duty_change WHERE state = 4`:                     duties,
		`SELECT COUNT(DISTINCT duty) FROM duty_change WHERE state = 4`:         duties,
		`SELECT COUNT(*) FROM anchor WHERE kind = 'duty_missed'`:               duties,
		`SELECT COUNT(DISTINCT source) FROM anchor WHERE kind = 'duty_missed'`: duties,
		`SELECT COUNT(*) FROM outbox WHERE state <> 2`:                         0,
	} {
		if got := count(query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	wantMailed(t, beside, office)
	e := tocsin(t, dir, "audit", "--data", "two", "--database", place)
	if e.code != 0 {
		t.Errorf("audit: exit %d\n%s%s", e.code, e.out, e.err)
	}
}

// TestAPlatformThatLostItsDatabaseEnds: the connection of one that didn't answer for a while
// was cut, and the other took over. The first one says so and ends, so that whatever starts
// it again has it stand by; answering on would show what it remembers, and refuse every act.
func TestAPlatformThatLostItsDatabaseEnds(t *testing.T) {
	t.Parallel()
	place, dir := newDatabase(t), t.TempDir()
	one, _ := serve(t, dir, "one", "--database", place)
	shareLedger(t, dir, "one", "two")
	address, err := freeLoopback()
	if err != nil {
		t.Fatal(err)
	}
	two := command(t, dir, "serve", "--data", "two", "--listen", address, "--database", place)
	if err := two.Start(); err != nil {
		t.Fatal(err)
	}
	defer two.Process.Kill()
	wantStandby(t, address)
	beside, err := sql.Open("pgx", place)
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	one.Process.Signal(syscall.SIGSTOP)
	if _, err := beside.Exec(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); err != nil {
		t.Fatal(err)
	}
	if err := awaitReady(address); err != nil {
		t.Fatal(err)
	}
	one.Process.Signal(syscall.SIGCONT)
	done := make(chan error, 1)
	go func() { done <- one.Wait() }()
	select {
	case <-time.After(30 * time.Second):
		one.Process.Kill()
		t.Error("the first goes on without its database")
	case <-done:
		if one.ProcessState.ExitCode() != 1 {
			t.Errorf("the first ended with %v", one.ProcessState)
		}
	}
	stop(t, two)
}

// wantStandby waits until a platform listens that isn't ready, and wants it to say why.
func wantStandby(t *testing.T, address string) {
	t.Helper()
	until(t, "the other to stand by", func() bool {
		answer, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusServiceUnavailable
	})
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/api/v1/status": http.StatusServiceUnavailable, "/": http.StatusServiceUnavailable} {
		answer, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, answer.Status, want)
		}
	}
}

// wantMailed holds what came against the outbox: each line at least once, and more than
// once only where it says so.
func wantMailed(t *testing.T, db *sql.DB, office *postOffice) {
	t.Helper()
	came := office.counts()
	for _, line := range lines(t, db, `SELECT message_id, fault FROM outbox`) {
		id, said, _ := strings.Cut(strings.TrimPrefix(line, "message_id="), " fault=")
		n := came[id]
		delete(came, id)
		if strings.HasPrefix(said, "made into ") {
			continue
		}
		if again := strings.HasPrefix(said, "resent after crash"); n == 0 || n > 1 && !again {
			t.Errorf("%s came %d times, and the outbox says %q", id, n, said)
		}
	}
	if len(came) > 0 {
		t.Error(fmt.Sprint("the outbox doesn't know ", came))
	}
}

// TestConnectionsAreCut: the database's server cuts every connection again and again while a
// report is folded, as one that is restarted does. The platform goes on each time; every row
// is there once.
func TestConnectionsAreCut(t *testing.T) {
	t.Parallel()
	place, dir := newDatabase(t), t.TempDir()
	const rows = 20_000
	file := filepath.Join(dir, "2026-11-22-event4_sinkhole-xx.csv")
	write(t, file, sinkholeHeader+"\n"+sinkhole(0, rows))
	cmd, _ := serve(t, dir, "data", "--database", place)
	beside, err := sql.Open("pgx", place)
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close()
	loads, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		for e := tocsin(t, dir, "load", "--data", "data", "--feed", "shadowserver", file); e.code != 0 && loads < 50; loads++ {
			e = tocsin(t, dir, "load", "--data", "data", "--feed", "shadowserver", file)
		}
	}()
	cut := 0
	for n := 0; n < 8; {
		select {
		case <-done:
			n = 8
		case <-time.After(100 * time.Millisecond):
			var some int
			if err := beside.QueryRow(`SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&some); err != nil {
				t.Fatal(err)
			}
			if some > 0 {
				n, cut = n+1, cut+some
			}
		}
	}
	<-done
	until(t, "the report to be folded", func() bool { return status(t, dir, "--data", "data").Waiting == 0 })
	if s := status(t, dir, "--data", "data"); s.Observations != rows || s.Duplicates != 0 || cut == 0 {
		t.Errorf("of %d rows: %d observations, %d duplicates; %d connections were cut", rows, s.Observations, s.Duplicates, cut)
	}
	stop(t, cmd)
	must(t, dir, "audit", "--data", "data", "--database", place)
}
