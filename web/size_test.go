//go:build !race

package web

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// What is wanted of an answer, without images and scripts.
const (
	wantBytes  = 150_000
	wantTime   = 300 * time.Millisecond
	wantSearch = 100 * time.Millisecond
)

// unmeasured are the routes that give no page and no list, each with its reason.
var unmeasured = map[string]string{
	"GET /api/v1/backup":                "a whole backup",
	"GET /api/v1/incidents/{id}/export": "a whole case as an archive",
	"GET /static/{file}":                "scripts and images",
	"GET /findings.csv":                 "a whole list as a stream, which takes as long as the list",
	"GET /setup":                        "there are accounts",
}

// whole are the pages that are printed, and lead nowhere.
var whole = map[string]bool{"GET /reports/{id}/print": true}

// TestPagesAtSize asks for every page and every list of a made-up country, pages in
// every language, as one of each role and as one who has all of them.
func TestPagesAtSize(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes up a country")
	}
	c := openCountry(t)
	only := regexp.MustCompile(*sizeOnly)
	for _, v := range c.visitors(t) {
		n := len(c.all)
		for _, target := range c.targets(t, v) {
			if only.MatchString(v.who + " " + target) {
				c.measure(t, v, target)
			}
		}
		t.Logf("%s: %d answers", v.who, len(c.all)-n)
	}
	c.judge(t)
	c.plans.judge(t)
}

// oftenEnough is how many targets to which pages lead, of one route and asked for by the
// same names, are measured for somebody.
const oftenEnough = 4

// measure asks for a target and for what its page leads to.
func (c *country) measure(t *testing.T, v *visitor, target string) {
	queue := []string{target}
	for n := 0; n < len(queue); n++ {
		target := queue[n]
		pattern := c.pattern(target)
		u, err := url.Parse(target)
		if pattern == "" || unmeasured[pattern] != "" || err != nil || u.Query().Has("lang") {
			continue
		}
		key := v.who + " " + pattern + " " + strings.Join(slices.Sorted(maps.Keys(u.Query())), "&")
		if c.seen[key+" "+target]++; c.seen[key+" "+target] > 1 {
			continue
		}
		if c.seen[key]++; c.seen[key] > oftenEnough && n > 0 {
			continue
		}
		queue = append(queue, c.ask(t, v, pattern, target)...)
	}
}

// ask asks for a target and notes what came of it; it gives where the answer leads.
func (c *country) ask(t *testing.T, v *visitor, pattern, target string) []string {
	c.plans.about = v.who + " " + target
	answer, took := c.get(v.session, target, "en")
	c.plans.about = ""
	want := wantedOf(pattern)
	for n := 0; n < 4 && took > want/2; n++ { // the machine may have been busy
		_, again := c.get(v.session, target, "en")
		took = min(took, again)
	}
	size := answer.Body.Len()
	if !strings.HasPrefix(target, "/api/") && !whole[pattern] && answer.Code == http.StatusOK {
		other, _ := c.get(v.session, target, "zh")
		size = max(size, other.Body.Len())
	}
	m := measured{pattern, v.who, target, took, size, answer.Code}
	c.all = append(c.all, m)
	if answer.Code >= 500 {
		t.Errorf("%s as %s: %d\n%s", target, v.who, answer.Code, clipped(answer.Body))
	}
	if took > want {
		t.Errorf("%s as %s took %v, want %v", target, v.who, took.Round(time.Millisecond), want)
	}
	if !strings.HasPrefix(pattern, "GET /api/") && size > wantBytes {
		t.Errorf("%s as %s has %d octets, want %d", target, v.who, size, wantBytes)
	}
	return leads(target, answer)
}

// wantedOf is how long an answer of a route may take.
func wantedOf(pattern string) time.Duration {
	if strings.HasSuffix(pattern, "/search") {
		return wantSearch
	}
	return wantTime
}

// judge prints of each route the slowest and the largest of its answers, and to whom
// they were.
func (c *country) judge(t *testing.T) {
	type worst struct{ slow, large measured }
	by := map[string]*worst{}
	for _, m := range c.all {
		w := by[m.pattern]
		if w == nil {
			w = &worst{}
			by[m.pattern] = w
		}
		if m.took > w.slow.took {
			w.slow = m
		}
		if m.bytes > w.large.bytes {
			w.large = m
		}
	}
	var b strings.Builder
	for _, pattern := range slices.Sorted(maps.Keys(by)) {
		w := by[pattern]
		fmt.Fprintf(&b, "| `%s` | %.0f ms | %s | %.0f kB | %s |\n", pattern, ms(w.slow.took), w.slow.who, float64(w.large.bytes)/1000, w.large.who)
	}
	slices.SortFunc(c.all, func(a, b measured) int { return cmp.Compare(b.took, a.took) })
	for _, m := range c.all[:min(len(c.all), 40)] {
		fmt.Fprintf(&b, "%4.0f ms %7d %d %s: %s\n", ms(m.took), m.bytes, m.status, m.who, m.target)
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	t.Logf("%d answers\n| route | slowest | to | largest | to |\n|---|---|---|---|---|\n%sheap %d MB", len(c.all), b.String(), mem.HeapSys>>20)
	if len(by) < 60 && *sizeOnly == "" {
		t.Errorf("only %d routes were measured", len(by))
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
