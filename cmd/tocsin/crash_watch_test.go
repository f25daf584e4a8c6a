//go:build !race

// The programs that this starts are built without the race detector: ./test runs it
// without.

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// until asks again and again, as long as patience lasts, and says what it waited for.
func until(t *testing.T, what string, ask func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ask(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// TestADutyThatFellDueWhileThePlatformWasDown: the platform is killed with two hours
// nearly over. The second process calls, with the moment that it was last told, and
// again when the moment passes; the platform, started again, records the miss as of
// its legal moment, and says that it is back.
func TestADutyThatFellDueWhileThePlatformWasDown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	heard := filepath.Join(dir, "heard")
	t.Cleanup(func() {
		if text, err := os.ReadFile(heard); t.Failed() {
			t.Logf("the hook heard (%v)\n%s", err, text)
		}
	})
	hook := write(t, filepath.Join(dir, "hook"), "#!/bin/sh\ncat >>"+heard+"\necho >>"+heard+"\n")
	if err := os.Chmod(hook, 0o700); err != nil {
		t.Fatal(err)
	}
	calls := func(words ...string) func() bool {
		return func() bool {
			text, _ := os.ReadFile(heard)
			return slices.ContainsFunc(strings.Split(string(text), "\n"), func(line string) bool {
				return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) })
			})
		}
	}

	began := time.Now()
	must(t, dir, "party", "add", "--own", "--role", "association", "--region", "CN-11", "Example Association")
	aCommand := time.Since(began) // tells how busy the machine is
	platform, address := serve(t, dir, "data")
	received := time.Now().Add(-2*time.Hour + max(8*time.Second, 12*aCommand))
	must(t, dir, "incident", "open", "--as", "wang", "--received", received.Format(time.RFC3339Nano), "--fact", "controlled_addresses_unique_24h=1000000", "Botnet")
	second := command(t, dir, "watch", "http://"+address, "--every", "100ms", "--silence", "2500ms", "--contact", "exec:"+hook)
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		second.Process.Signal(syscall.SIGTERM)
		second.Wait()
	}()
	until(t, "the watcher to have looked", func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "tocsin-watch.json"))
		return err == nil && strings.Contains(string(text), "level1_report")
	})
	platform.Process.Signal(syscall.SIGKILL)
	platform.Wait()
	until(t, "a call that the platform is silent, with what is due", calls("watch_silent", "level1_report", received.Add(2*time.Hour).UTC().Format("2006-01-02T15:04")))

	// Nobody starts it again before the moment has passed.
	due := received.Add(2 * time.Hour)
	<-time.After(time.Until(due.Add(2 * time.Second)))
	started := time.Now()
	again := command(t, dir, "serve", "--data", "data", "--listen", address)
	if err := again.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		again.Process.Signal(syscall.SIGTERM)
		again.Wait()
	}()
	if err := awaitReady(address); err != nil {
		t.Fatal(err)
	}
	var d duty
	until(t, "the miss to be recorded", func() bool {
		out := must(t, dir, "duty", "list", "--state", "missed", "--format", "json").out
		return strings.Contains(out, "level1_report") && json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &d) == nil
	})
	if err := json.Unmarshal([]byte(must(t, dir, "duty", "show", d.ID, "--format", "json").out), &d); err != nil {
		t.Fatal(err)
	}
	last := d.Steps[len(d.Steps)-1]
	if last.State != "missed" || !last.At.Equal(d.Due) || last.RecordedAt.Before(started) || d.Due.Sub(due).Abs() > time.Second {
		t.Errorf("got %+v of a duty due %v, want it missed as of that moment and written after the start at %v", last, d.Due, started)
	}
	until(t, "a call that the platform is back", calls("watch_back", "level1_report"))
}

// TestCrashCases kills a platform while people open incidents by hand. Each that was
// answered with success is there after the next start, with the duties that the answer
// told, to the second.
func TestCrashCases(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, dir, "party", "add", "--own", "--role", "telecom_operator", "--region", "CN-11", "North Access")
	next := moments(5, 500*time.Millisecond)
	type told struct{ id, duties string }
	var mu sync.Mutex
	var sure []told
	duties := func(all []duty) string {
		var lines []string
		for _, d := range all {
			// Where a duty stands moves on; what it is doesn't.
			lines = append(lines, fmt.Sprint(d.ID, d.Regime, d.Stage, d.Started, d.Due, d.Provisional))
		}
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	for range max(3, *crashKills/5) {
		platform, address := serve(t, dir, "data")
		var people sync.WaitGroup
		for person := range 3 {
			people.Go(func() {
				for n := 0; ; n++ {
					body := fmt.Sprintf(`{"as":"person %d","title":"call %d","category":"botnet","facts":{"controlled_addresses_unique_24h":%d}}`, person, n, 999_990+n)
					answer, err := http.Post("http://"+address+"/api/v1/incidents", "application/json", strings.NewReader(body))
					if err != nil {
						return // killed
					}
					var i incident
					err = json.NewDecoder(answer.Body).Decode(&i)
					answer.Body.Close()
					if answer.StatusCode != http.StatusCreated {
						t.Errorf("person %d: %s", person, answer.Status)
						return
					}
					if err != nil {
						return // cut off while it told
					}
					mu.Lock()
					sure = append(sure, told{i.ID, duties(i.Duties)})
					mu.Unlock()
				}
			})
		}
		<-time.After(next())
		platform.Process.Signal(syscall.SIGKILL)
		platform.Wait()
		people.Wait()
	}
	must(t, dir, "audit")
	platform, address := serve(t, dir, "data")
	defer func() {
		platform.Process.Signal(syscall.SIGTERM)
		platform.Wait()
	}()
	for _, one := range sure {
		answer, err := http.Get("http://" + address + "/api/v1/incidents/" + one.id)
		if err != nil {
			t.Fatal(err)
		}
		var i incident
		err = json.NewDecoder(answer.Body).Decode(&i)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || duties(i.Duties) != one.duties {
			t.Errorf("%s was answered with\n%s\nand has now (%s, %v)\n%s", one.id, one.duties, answer.Status, err, duties(i.Duties))
		}
	}
	t.Logf("%d incidents were answered", len(sure))
	if len(sure) < 20 {
		t.Errorf("only %d incidents were answered: the kills came too soon to say anything", len(sure))
	}
}
