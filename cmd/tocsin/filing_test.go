//go:build !race

// What is measured is the program as its users have it, built without the race
// detector; the test beside it must not be slow either.

package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	filingRows   = flag.Int("filing.rows", 200_000, "rows of the report that is loaded while TestFilingWhileALoadRuns files")
	filingStrict = flag.Bool("filing.strict", false, "want a filing durable within 100 ms, 99 of 100 times, on a machine with nothing else to do")
)

// TestFilingWhileALoadRuns files reports, one after the other, while a report of many
// rows is loaded through the same platform, and measures how long each takes until it
// is answered, which it is when it is on disk. With nothing else on the machine:
//
//	go test ./cmd/tocsin -run FilingWhile -v -filing.strict
func TestFilingWhileALoadRuns(t *testing.T) {
	if !*filingStrict {
		t.Parallel()
	}
	dir := t.TempDir()
	must(t, dir, "party", "add", "--own", "--role", "centre", "--region", "CN", "Example Centre")
	write(t, filepath.Join(dir, "event4_sinkhole.csv"), generate(11, *filingRows).text)
	platform, address := serve(t, dir, "data")
	defer func() {
		platform.Process.Signal(syscall.SIGTERM)
		platform.Wait()
	}()
	ask := func(method, path string, body any) (answer map[string]any) {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(method, "http://"+address+path, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		said, err := io.ReadAll(got.Body)
		if err != nil || got.StatusCode/100 != 2 || json.Unmarshal(said, &answer) != nil {
			t.Fatalf("%s %s: %s %s (%v)", method, path, got.Status, said, err)
		}
		return answer
	}
	// A dozen reports, so that none has hundreds of versions.
	var reports []string
	for n := range 12 {
		opened := ask(http.MethodPost, "/api/v1/incidents", map[string]any{"as": "wang", "title": fmt.Sprint("call ", n), "category": "botnet", "facts": map[string]any{"controlled_addresses_unique_24h": 1_000_000}})
		for _, one := range opened["duties"].([]any) {
			if duty := one.(map[string]any); duty["stage"] == "level1_report" {
				id := ask(http.MethodPost, "/api/v1/reports", map[string]any{"as": "wang", "duty": duty["id"]})["id"].(string)
				ask(http.MethodPut, "/api/v1/reports/"+id, map[string]any{"as": "wang", "fields": []map[string]string{{"id": "phone", "value": "010-0000"}, {"id": "measures", "value": "cut off"}}})
				reports = append(reports, id)
			}
		}
	}
	filed := 0
	file := func() time.Duration {
		began := time.Now()
		ask(http.MethodPost, "/api/v1/reports/"+reports[filed%len(reports)]+"/versions", map[string]any{"as": "wang", "channel": "phone", "proof": "spoke to Chen"})
		filed++
		return time.Since(began)
	}
	var quiet, busy []time.Duration
	for range 100 {
		quiet = append(quiet, file())
	}
	var loading sync.WaitGroup
	loaded := make(chan ended, 1)
	loading.Go(func() {
		loaded <- finish(t, command(t, dir, "load", "--server", "http://"+address, "--feed", "shadowserver", "event4_sinkhole.csv"))
	})
	defer loading.Wait()
	began := time.Now()
	var end ended
	for running := true; running; <-time.After(10 * time.Millisecond) {
		select {
		case end = <-loaded:
			running = false
		default:
			busy = append(busy, file())
		}
	}
	took := time.Since(began)
	if end.code != 0 || !strings.Contains(end.out, fmt.Sprintf("%d rows", *filingRows)) && !strings.Contains(end.out, count(int64(*filingRows))+" rows") {
		t.Errorf("the load: exit %d, %s%s", end.code, end.out, end.err)
	}
	t.Logf("alone: %s; beside a load of %d rows in %v: %s", spread(quiet), *filingRows, took.Round(time.Millisecond), spread(busy))
	limit := 2 * time.Second // of a machine that runs whole test suites beside
	if *filingStrict {
		limit = 100 * time.Millisecond
	}
	if len(busy) < 50 {
		t.Errorf("only %d filings while the load ran: the test shows nothing", len(busy))
	}
	if p99 := share(busy, 0.99); p99 > limit {
		t.Errorf("of 100 filings 99 are durable within %v, want %v", p99, limit)
	}
}

// share gives the time within which a share of all was done.
func share(all []time.Duration, part float64) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(part*float64(len(sorted))))]
}

// spread tells how times are spread.
func spread(all []time.Duration) string {
	ms := func(part float64) string { return fmt.Sprintf("%.1f ms", share(all, part).Seconds()*1000) }
	return fmt.Sprintf("%d filings, p50 %s, p99 %s, at most %s", len(all), ms(0.5), ms(0.99), ms(1))
}
