//go:build !race

// The programs that this starts are built without the race detector: ./test runs it
// without.

package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A town is a platform that is killed and started again, and the people who work on it
// meanwhile: what isn't answered they ask again, under the same Idempotency-Key.
type town struct {
	t       *testing.T
	address atomic.Value // of the platform that lives, or lived last
	closing atomic.Bool  // cases that were begun are brought to their end, and no more
	norths  []string     // findings of the operator to which orders go
	north   string

	mu     sync.Mutex
	titles map[string]string // incidents by their titles
	asked  int               // again, after a platform died
	lost   int               // answers that died with a platform, after it had done what was asked
}

// ask sends a request until it is answered, over as many lives as that takes, and gives
// the answer; nil where it was done and the answer is lost.
func (w *town) ask(method, path, key string, body any) map[string]any {
	text, err := json.Marshal(body)
	if err != nil {
		w.t.Error(err)
	}
	for deadline, n := time.Now().Add(patience), 0; time.Now().Before(deadline); n++ {
		r, err := http.NewRequest(method, "http://"+w.address.Load().(string)+path, bytes.NewReader(text))
		if err != nil {
			w.t.Error(err)
			return nil
		}
		r.Header.Set("Content-Type", "application/json")
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			var said []byte
			said, err = io.ReadAll(answer.Body)
			answer.Body.Close()
			switch {
			case answer.StatusCode == http.StatusConflict && n > 0 && bytes.Contains(said, []byte("this was done")):
				w.mu.Lock()
				w.lost++
				w.mu.Unlock()
				return nil
			case answer.StatusCode == http.StatusConflict && bytes.Contains(said, []byte("still being worked on")):
				// asked again below
			case answer.StatusCode/100 != 2:
				w.t.Errorf("%s %s: %s %s", method, path, answer.Status, said)
				return nil
			case err == nil:
				var v map[string]any
				if err := json.Unmarshal(said, &v); err != nil {
					w.t.Errorf("%s %s: %v", method, path, err)
				}
				return v
			}
		}
		w.mu.Lock()
		w.asked++
		w.mu.Unlock()
		<-time.After(5 * time.Millisecond)
	}
	w.t.Errorf("%s %s: no answer", method, path)
	return nil
}

// id gives the id of what a request made, from its answer, or from a list where that is
// lost.
func (w *town) id(answer map[string]any, list string, fits func(item map[string]any) bool) string {
	for answer == nil && !w.t.Failed() {
		page := w.ask(http.MethodGet, list, "", nil)
		items, _ := page["items"].([]any)
		for _, item := range items {
			if one := item.(map[string]any); fits(one) {
				answer = one
			}
		}
		if next, _ := page["next"].(string); answer == nil && next == "" {
			w.t.Errorf("%s doesn't have what was done", list)
			return ""
		} else if answer == nil {
			list = strings.Split(list, "&after=")[0] + "&after=" + next
		}
	}
	id, _ := answer["id"].(string)
	return id
}

func anything(map[string]any) bool { return true }

// work brings case after case from a telephone call to an order that is served and a
// filing that is acknowledged.
func (w *town) work(person int) {
	for n := 0; !w.closing.Load() && !w.t.Failed(); n++ {
		as, title := fmt.Sprintf("person %d", person), fmt.Sprintf("call %d of %d", n, person)
		key := func(step string) string { return fmt.Sprintf("%d-%d-%s", person, n, step) }
		opened := w.ask(http.MethodPost, "/api/v1/incidents", key("open"),
			map[string]any{"as": as, "title": title, "category": "botnet", "facts": map[string]any{"controlled_addresses_unique_24h": 1_000_000}})
		id := w.id(opened, "/api/v1/incidents?limit=1000", func(i map[string]any) bool { return i["title"] == title })
		duty := ""
		duties, _ := w.ask(http.MethodGet, "/api/v1/incidents/"+id, "", nil)["duties"].([]any)
		for _, d := range duties {
			if one := d.(map[string]any); one["regime"] == "cn-miit-2009-156" && one["stage"] == "level1_report" {
				duty = one["id"].(string)
			}
		}
		report := w.id(w.ask(http.MethodPost, "/api/v1/reports", key("draft"), map[string]any{"as": as, "duty": duty}), "/api/v1/reports?incident="+id, anything)
		w.ask(http.MethodPut, "/api/v1/reports/"+report, key("write"),
			map[string]any{"as": as, "fields": []map[string]string{{"id": "phone", "value": "010-0000"}, {"id": "measures", "value": "cut off"}}})
		w.ask(http.MethodPost, "/api/v1/reports/"+report+"/versions", key("file"), map[string]any{"as": as})
		order := w.id(w.ask(http.MethodPost, "/api/v1/orders", key("order"),
			map[string]any{"as": as, "incident": id, "party": w.north, "findings": w.norths, "measure": "clean", "limit_s": 86400}), "/api/v1/orders?incident="+id, anything)
		w.ask(http.MethodPost, "/api/v1/orders/"+order+"/acts", key("approve"), map[string]any{"as": "li", "act": "approve"})
		w.ask(http.MethodPost, "/api/v1/orders/"+order+"/acts", key("serve"), map[string]any{"as": as, "act": "serve"})
		versions, _ := w.ask(http.MethodGet, "/api/v1/reports/"+report, "", nil)["versions"].([]any)
		if len(versions) != 1 {
			w.t.Errorf("%s has %d versions that were filed once", title, len(versions))
			return
		}
		to := versions[0].(map[string]any)["to"].([]any)[0].(map[string]any)["id"].(string)
		w.ask(http.MethodPost, "/api/v1/recipients/"+to, key("ack"), map[string]any{"as": as, "fact": "acknowledged", "reference": title})
		w.mu.Lock()
		w.titles[title] = id
		w.mu.Unlock()
	}
}

// TestCrashCase kills a platform while people file reports, serve orders and write down
// acknowledgements, and ask again what wasn't answered. Nothing that was answered is
// lost and nothing is done twice. The notices, counted at a mail server by Message-ID,
// came at least once each, and more than once only where the outbox says so. For longer:
//
//	go test ./cmd/tocsin -run CrashCase -crash.kills=200 -timeout 20m
func TestCrashCase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	office, err := openPostOffice()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(office.close)
	flags := []string{"--contact", "mailto:duty@centre.example", "--smtp", office.address, "--smtp-from", "tocsin@centre.example"}
	w := &town{t: t, titles: map[string]string{}}
	w.settle(dir)

	next := moments(6, 900*time.Millisecond)
	platform, address := serve(t, dir, "data", flags...)
	w.address.Store(address)
	var people sync.WaitGroup
	for person := range 4 {
		people.Go(func() { w.work(person) })
	}
	kills := max(4, *crashKills/5)
	for range kills {
		<-time.After(100*time.Millisecond + next())
		platform.Process.Signal(syscall.SIGKILL)
		platform.Wait()
		platform, address = serve(t, dir, "data", flags...)
		w.address.Store(address)
	}
	w.closing.Store(true)
	people.Wait()
	until(t, "the outbox to be empty", func() bool {
		var s struct{ Outbox struct{ Waiting, Dead int } }
		e := must(t, dir, "status", "--server", "http://"+address, "--format", "json")
		return json.Unmarshal([]byte(e.out), &s) == nil && s.Outbox.Waiting == 0
	})
	platform.Process.Signal(syscall.SIGINT)
	if err := platform.Wait(); err != nil {
		t.Errorf("stopped by an interrupt: %v", err)
	}
	t.Logf("%d cases over %d kills; %d requests were sent again, %d answers were lost and found", len(w.titles), kills, w.asked, w.lost)
	if len(w.titles) < kills || w.asked == 0 {
		t.Errorf("only %d cases, %d requests sent again: the test shows nothing", len(w.titles), w.asked)
	}
	must(t, dir, "audit")
	w.wantEachOnce(filepath.Join(dir, "data", "tocsin.db"), office)
}

// settle makes the parties and the findings that the cases are about.
func (w *town) settle(dir string) {
	party := func(args ...string) string {
		id, _, _ := strings.Cut(must(w.t, dir, append([]string{"party", "add"}, args...)...).out, " ")
		return id
	}
	bureau := party("--own", "--role", "authority", "--region", "CN", "Example Bureau")
	party("--own", "--role", "centre", "--region", "CN", "Example Centre")
	province := party("--role", "provincial_authority", "--region", "CN-11", "Example Province")
	w.north = party("--role", "telecom_operator", "--region", "CN-11", "north")
	must(w.t, dir, "party", "contact", bureau, "mailto:night@bureau.example", "--for", "reports")
	must(w.t, dir, "party", "contact", province, "mailto:night@province.example", "--for", "reports")
	must(w.t, dir, "party", "contact", w.north, "mailto:abuse@north.example", "--for", "orders")
	write(w.t, filepath.Join(dir, "event4_sinkhole.csv"), sinkholeHeader+"\n"+sinkhole(0, 3))
	must(w.t, dir, "load", "--feed", "shadowserver", "event4_sinkhole.csv")
	for line := range strings.Lines(must(w.t, dir, "findings", "--format", "json").out) {
		var f struct{ ID string }
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			w.t.Fatal(err)
		}
		w.norths = append(w.norths, f.ID)
	}
}

// wantEachOnce holds what is in the database, and what the mail server took, against
// what people did.
func (w *town) wantEachOnce(file string, office *postOffice) {
	t := w.t
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	cases := len(w.titles)
	for query, want := range map[string]int{
		`SELECT COUNT(*) FROM incident WHERE title LIKE 'call %'`:                              cases,
		`SELECT COUNT(*) FROM report`:                                                          cases,
		`SELECT COUNT(*) FROM report_version`:                                                  cases,
		`SELECT COUNT(*) FROM recipient`:                                                       2 * cases,
		`SELECT COUNT(*) FROM recipient WHERE dispatched_at = 0`:                               0,
		`SELECT COUNT(*) FROM recipient WHERE acknowledged_at > 0 AND reference LIKE 'call %'`: cases,
		`SELECT COUNT(*) FROM duty WHERE regime = 'cn-miit-2009-156' AND stage = 'level1_report' AND party_name = 'Example Centre' AND state = 2`: cases,
		`SELECT COUNT(*) FROM orders`:                             cases,
		`SELECT COUNT(*) FROM orders WHERE state = 2`:             cases,
		`SELECT COUNT(*) FROM anchor WHERE kind = 'report_filed'`: cases,
		`SELECT COUNT(*) FROM anchor WHERE kind = 'order_served'`: cases,
		`SELECT COUNT(*) FROM outbox WHERE state <> 2`:            0,
		`SELECT COUNT(*) FROM outbox WHERE kind = 'report'`:       2 * cases,
		`SELECT COUNT(*) FROM outbox WHERE kind = 'order'`:        cases,
	} {
		var got int
		if err := db.QueryRow(query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d, want %d (%v)", query, got, want, err)
		}
	}
	came := office.counts()
	notices, twice := 0, 0
	rows, err := db.Query(`SELECT message_id, fault FROM outbox`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, said string
		if err := rows.Scan(&id, &said); err != nil {
			t.Fatal(err)
		}
		n := came[id]
		delete(came, id)
		if strings.HasPrefix(said, "made into ") {
			continue // its lines, one a contact, are what is sent
		}
		notices++
		switch again := strings.HasPrefix(said, "resent after crash"); {
		case n == 0:
			t.Errorf("%s never came: %s", id, said)
		case n > 1 && !again:
			t.Errorf("%s came %d times, and the outbox says %q", id, n, said)
		case n > 1:
			twice++
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for id := range came {
		t.Errorf("%s came, and the outbox doesn't know it", id)
	}
	titles := lines(t, db, `SELECT title FROM incident WHERE title LIKE 'call %' ORDER BY title`)
	for title := range w.titles {
		if !slices.Contains(titles, "title="+title+" ") {
			t.Errorf("%q was answered and isn't there", title)
		}
	}
	t.Logf("%d notices came, %d of them more than once, each of which says so", notices, twice)
}
