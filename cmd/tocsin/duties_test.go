//go:build !race

// The platform that this starts is built without the race detector, and its moments
// are held to a second: ./test runs it without.

package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/ledger"
	"tocsin/store"
)

var (
	dutiesOpen = flag.Int("duties", 50_000, "open duties with which TestOpenDuties starts a platform")
	dutiesRate = flag.Int("duties.rate", 1000, "moments a second that come in TestOpenDuties")
	dutiesFor  = flag.Int("duties.seconds", 8, "for how many seconds they come")
)

// writeDuties writes n open duties, ten an incident, through the store's own door. of
// says what the duty of a number is.
func writeDuties(t *testing.T, db *store.DB, n int, of func(n int) casebook.Duty) {
	t.Helper()
	party, err := db.Reader(casebook.Operator()).Parties(t.Context())
	if err != nil || len(party) != 1 {
		t.Fatal(len(party), err)
	}
	mark := casebook.Mark{Tenant: 1, TLP: casebook.Amber, RecordedBy: "person:wang"}
	for from := 0; from < n; from += 10_000 {
		_, err := db.Write(t.Context(), store.Work{Kind: "open incident", Actor: "person:wang", At: time.Now()}, func(tx *store.Tx) error {
			var list []casebook.Duty
			var incident casebook.Incident
			for k := from; k < min(n, from+10_000); k++ {
				if k%10 == 0 {
					var err error
					if incident, err = tx.OpenIncident(casebook.Incident{Mark: mark, Title: fmt.Sprintf("Call %d", k/10), State: casebook.OpenIncident, Owner: "wang", OpenedAt: tx.At()}); err != nil {
						return err
					}
				}
				d := of(k)
				d.Mark, d.Incident, d.Party, d.PartyName = mark, incident.ID, party[0].ID, party[0].Name
				d.Regime, d.Pack, d.Stage, d.Key, d.Article = "cn-miit-2009-156", "sha256:00", "level1_report", fmt.Sprint(k%10), "art. 9"
				d.Anchor, d.Zone, d.State, d.To, d.Confidence = "detection", "Asia/Shanghai", casebook.OpenDuty, []string{"miit", "cncert"}, "summary"
				d.RestsOn = "after press reports; the articles with the limits were not read"
				list = append(list, d)
			}
			_, err := tx.OpenDuties(list)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// coming is a duty of whose moments one comes at a moment: half of its time gone, a
// tenth left, or past its due one, in turn. Moments before the due one are whole
// seconds.
func coming(n int, at time.Time) casebook.Duty {
	d := casebook.Duty{Limit: "2h", Told: n % 3}
	whole := at.Truncate(time.Second)
	d.Due = [...]time.Time{whole.Add(time.Hour), whole.Add(15 * time.Minute), at.Add(-time.Second)}[d.Told]
	d.Started = d.Due.Add(-2 * time.Hour)
	return d
}

// openStore opens the database of a data directory that no process has.
func openStore(t *testing.T, data string) *store.DB {
	t.Helper()
	dir := desk.Directory(data)
	key, err := os.ReadFile(dir.LedgerKey())
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.ParseSigner(string(key))
	if err != nil {
		t.Fatal(err)
	}
	keep := func(note []byte) {
		if err := os.WriteFile(dir.Checkpoint(), note, 0o600); err != nil {
			t.Error(err)
		}
	}
	db, err := store.Open(t.Context(), dir.Database(), store.Options{Signer: signer, OnCheckpoint: keep, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// TestOpenDuties starts a platform with many open duties and has their moments come,
// a thousand a second: it is up within three seconds, each is told and recorded
// within a second of its moment and once, and memory stays below 300 MB.
func TestOpenDuties(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "party", "add", "--own", "--role", "telecom_operator", "--region", "CN-11", "North Access")
	platform, _ := serve(t, dir, "data")
	until(t, "the law in force to be noted", func() bool {
		return tableRows(t, filepath.Join(dir, "data"), "basis") > 0
	})
	stop(t, platform)

	data := filepath.Join(dir, "data")
	db := openStore(t, data)
	soon := *dutiesRate * *dutiesFor
	begun := time.Now()
	far := begun.Add(30 * 24 * time.Hour)
	writeDuties(t, db, *dutiesOpen-soon, func(n int) casebook.Duty { return coming(n, far.Add(time.Duration(n)*time.Second)) })
	first := time.Now().Add(8*time.Second + time.Duration(soon)*300*time.Microsecond).Truncate(time.Second)
	writeDuties(t, db, soon, func(n int) casebook.Duty {
		return coming(n, first.Add(time.Duration(n)*time.Second/time.Duration(*dutiesRate)))
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d duties written in %v", *dutiesOpen, time.Since(begun).Round(time.Millisecond))

	started := time.Now()
	again, address := serve(t, dir, "data")
	defer again.Process.Kill()
	up := time.Since(started)
	if left := time.Until(first); left < 0 {
		t.Fatalf("the first moment came %v before the platform was up: the machine is too slow for this", -left)
	}
	oldest := watchMoments(t, desk.Directory(data).Database(), first, first.Add(time.Duration(*dutiesFor+2)*time.Second))
	asked := time.Now()
	for range 5 {
		answer, err := http.Get("http://" + address + "/api/v1/heartbeat")
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(answer, err)
		}
		answer.Body.Close()
	}
	heartbeat := time.Since(asked) / 5
	memory := peak(t, again.Process.Pid)
	stop(t, again)
	audit := measure(t, dir, "audit")
	t.Logf("audit: exit %d, %v of processor time, peak memory %d MB: %s", audit.code, audit.cpu.Round(time.Millisecond), audit.memory>>20, audit.out)
	if audit.code != 0 || audit.memory > 300<<20 {
		t.Errorf("audit: exit %d\n%s", audit.code, audit.err)
	}
	slowest(t, desk.Directory(data).Database(), first)
	told := tellings(t, desk.Directory(data).Database())
	t.Logf("up in %v; told %d, recorded %v after the moment at most, %v on average; the oldest moment not yet committed was %v old; a heartbeat takes %v; %v of processor time; peak memory %d MB",
		up.Round(time.Millisecond), told.n, told.most, told.mean, oldest.Round(time.Millisecond), heartbeat.Round(time.Millisecond), (again.ProcessState.UserTime() + again.ProcessState.SystemTime()).Round(10*time.Millisecond), memory>>20)
	if up > 3*time.Second || told.most > time.Second || oldest > time.Second || memory > 300<<20 {
		t.Error("want it up in 3 s, each told within 1 s, and 300 MB at most")
	}
	// One message a commit, and not one a duty.
	if n := tableRows(t, data, "outbox"); *dutiesRate <= 1000 && n > 5*(*dutiesFor+2) {
		t.Errorf("people got %d messages in %d seconds", n, *dutiesFor)
	}
	if told.n != soon || told.duties != soon || told.missed != soon/3 {
		t.Errorf("%d moments of %d duties were told, %d of them misses, want each of %d once, %d of them misses", told.n, told.duties, told.missed, soon, soon/3)
	}
}

// stop ends a platform as a person would.
func stop(t *testing.T, platform *exec.Cmd) {
	t.Helper()
	platform.Process.Signal(syscall.SIGTERM)
	if err := platform.Wait(); err != nil {
		t.Fatal(err)
	}
}

// watchMoments looks at the committed state from beside until a moment, and gives
// how old the oldest moment was that had come and wasn't told.
func watchMoments(t *testing.T, file string, from, to time.Time) (oldest time.Duration) {
	t.Helper()
	beside := readOnly(t, file)
	for time.Now().Before(to) {
		<-time.After(50 * time.Millisecond)
		now := time.Now()
		var next int64
		if err := beside.QueryRowContext(t.Context(), `SELECT COALESCE(MIN(next_at), 0) FROM duty WHERE next_at > 0`).Scan(&next); err != nil {
			t.Fatal(err)
		}
		if at := time.UnixMicro(next); !at.Before(from) {
			oldest = max(oldest, now.Sub(at))
		}
	}
	return oldest
}

func readOnly(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// tableRows counts the rows of a table.
func tableRows(t *testing.T, data, table string) (n int) {
	t.Helper()
	if err := readOnly(t, desk.Directory(data).Database()).QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// told is what the record says of moments that came.
type told struct {
	n, duties, missed int
	most, mean        time.Duration // from the moment to its record
}

// tellings reads what was told. A miss is told the second after the due moment,
// which is the moment of its entry.
func tellings(t *testing.T, file string) (all told) {
	t.Helper()
	var most, mean float64
	err := readOnly(t, file).QueryRowContext(context.Background(), `SELECT COUNT(*), COUNT(DISTINCT source), SUM(kind = 'duty_missed'), MAX(late), AVG(late)
		FROM (SELECT kind, source, recorded_at - at - (kind = 'duty_missed') * 1000000 AS late FROM anchor WHERE kind IN ('duty_warned', 'duty_missed'))`).
		Scan(&all.n, &all.duties, &all.missed, &most, &mean)
	if err != nil {
		t.Fatal(err)
	}
	all.most, all.mean = time.Duration(most)*time.Microsecond, time.Duration(mean)*time.Microsecond
	return all
}

// slowest tells of commits that came late, for whoever must find out why.
func slowest(t *testing.T, file string, first time.Time) {
	t.Helper()
	rows, err := readOnly(t, file).QueryContext(t.Context(), `SELECT recorded_at, COUNT(*), MAX(recorded_at - at - (kind = 'duty_missed') * 1000000) AS late FROM anchor
		WHERE kind IN ('duty_warned', 'duty_missed') GROUP BY recorded_at HAVING late > 600000 ORDER BY recorded_at LIMIT 40`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var at, n, late int64
		if err := rows.Scan(&at, &n, &late); err != nil {
			t.Fatal(err)
		}
		t.Logf("%v after the first moment a commit told %d, the oldest %v late", time.UnixMicro(at).Sub(first).Round(time.Millisecond), n, time.Duration(late)*time.Microsecond)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// peak gives the most resident memory of a process, octets.
func peak(t *testing.T, pid int) (octets int64) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip(err)
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	if _, err := fmt.Sscanf(after, "%d kB", &octets); err != nil {
		t.Fatal(err)
	}
	return octets << 10
}
