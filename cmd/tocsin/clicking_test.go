//go:build !race

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"tocsin/seed"
)

var (
	clickingData     = flag.String("clicking.data", "", "data directory made by tocsin seed, whose pages people open while a load runs into it")
	clickingPassword = flag.String("clicking.password", "", "password of its accounts, as tocsin seed printed it")
	clickingRows     = flag.Int("clicking.rows", 20_000, "rows of the report that is loaded meanwhile")
	clickingSeconds  = flag.Int("clicking.seconds", 5, "how long people click before the load, and at least beside it")
)

// heavyPages are those that take longest on a large country, and what people open most.
var heavyPages = []string{"/", "/situation", "/situation?span=90d", "/threats?sort=size", "/findings", "/findings?state=verified", "/incidents", "/duties", "/orders", "/reports",
	"/search?q=10.1.", "/search?q=call+17", "/search?q=names3.example", "/search?q=CN-20", "/scorecards", "/parties", "/api/v1/status", "/api/v1/findings?limit=100"}

// TestPeopleClick has twenty people open the heaviest pages, each about once a second,
// alone and while a report is loaded through the same platform:
//
//	tocsin seed --data made-up
//	go test ./cmd/tocsin -run PeopleClick -v -clicking.data $PWD/made-up -clicking.password '…' -clicking.rows 200000 -clicking.seconds 30
func TestPeopleClick(t *testing.T) {
	dir, data, password := t.TempDir(), *clickingData, *clickingPassword
	if data == "" {
		data = filepath.Join(dir, "data")
		made, err := seed.Run(t.Context(), seed.Plan{Dir: data, Findings: 5_000, Incidents: 500, Parties: 50, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		password = made.Password
	}
	platform, address := serve(t, dir, data)
	defer func() {
		platform.Process.Signal(syscall.SIGTERM)
		platform.Wait()
	}()
	ready := peak(t, platform.Process.Pid)
	people := make([]*http.Client, 20)
	for n := range people {
		people[n] = signedIn(t, address, []string{"wang", "supervisor", "analyst", "auditor", "abuse-1"}[n%5], password)
	}
	alone := click(t, address, people, time.Duration(*clickingSeconds)*time.Second, nil)
	write(t, filepath.Join(dir, "event4_sinkhole.csv"), generate(12, *clickingRows).text)
	loaded := make(chan ended, 1)
	done := make(chan struct{})
	began := time.Now()
	go func() {
		defer close(done)
		loaded <- finish(t, command(t, dir, "load", "--data", data, "--feed", "shadowserver", "event4_sinkhole.csv"))
	}()
	beside := click(t, address, people, time.Duration(*clickingSeconds)*time.Second, done)
	if end := <-loaded; end.code != 0 {
		t.Errorf("the load: exit %d, %s%s", end.code, end.out, end.err)
	}
	t.Logf("20 people alone: %s; beside a load of %d rows in %v: %s; memory of the platform %d MB when ready, at most %d MB",
		clicks(alone), *clickingRows, time.Since(began).Round(time.Second), clicks(beside), ready>>20, peak(t, platform.Process.Pid)>>20)
	if len(alone) < 40 || len(beside) < 40 {
		t.Errorf("only %d and %d pages: the test shows nothing", len(alone), len(beside))
	}
	if *clickingData != "" {
		return
	}
	// Of a machine that runs whole test suites beside.
	if p99 := share(beside, 0.99); p99 > 5*time.Second {
		t.Errorf("of 100 pages 99 come within %v, want 5 s", p99)
	}
}

// clicks tells how times are spread.
func clicks(all []time.Duration) string {
	return fmt.Sprintf("%d pages, p50 %.0f ms, p99 %.0f ms, at most %.0f ms", len(all), 1000*share(all, 0.5).Seconds(), 1000*share(all, 0.99).Seconds(), 1000*share(all, 1).Seconds())
}

// signedIn gives somebody's browser.
func signedIn(t *testing.T, address, name, password string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, Timeout: time.Minute}
	for try := 0; ; try++ {
		r, err := c.PostForm("http://"+address+"/signin", url.Values{"name": {name}, "password": {password}, "next": {"/account"}})
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode == http.StatusOK && r.Request.URL.Path == "/account" {
			return c
		}
		if r.StatusCode != http.StatusServiceUnavailable || try > 20 {
			t.Fatalf("%s can't sign in: %s at %s", name, r.Status, r.Request.URL)
		}
		<-time.After(time.Second)
	}
}

// click has people open pages, for a time and until done is closed, and gives how long
// each took by the clock, to its last octet.
func click(t *testing.T, address string, people []*http.Client, within time.Duration, done <-chan struct{}) (all []time.Duration) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var clicking sync.WaitGroup
	var lock sync.Mutex
	for n, c := range people {
		clicking.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 7))
			for ctx.Err() == nil {
				<-time.After(time.Duration(500+r.IntN(1000)) * time.Millisecond)
				page := heavyPages[r.IntN(len(heavyPages))]
				began := time.Now()
				answer, err := c.Get("http://" + address + page)
				if err == nil {
					_, err = io.Copy(io.Discard, answer.Body)
					answer.Body.Close()
				}
				if err != nil || answer.StatusCode != http.StatusOK {
					t.Errorf("%s: %v %v", page, answer, err)
					return
				}
				lock.Lock()
				all = append(all, time.Since(began))
				lock.Unlock()
			}
		})
	}
	<-time.After(within)
	if done != nil {
		<-done
	}
	stop()
	clicking.Wait()
	return all
}
