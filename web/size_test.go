//go:build !race

package web

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/seed"
)

// Pages and lists are measured on a made-up country. CI makes a small one, in which the
// size of every page and the plan of every question say most; on a large one, made
// beforehand by tocsin seed, the times do. The table is that of docs/measurements.md.
var sizeData = flag.String("size.data", "", "data directory made by tocsin seed, on which TestPagesAtSize measures; it adds accounts to it")

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
	"GET /setup":                        "there are accounts",
}

// A country is a platform on made-up data.
type country struct {
	desk    *desk.Desk
	handler http.Handler
	plans   *plans
	seen    map[string]int // calls by route and the names of what was asked
	all     []measured
	// named has public names by the first word of a route's path.
	named map[string][]string
}

// A measured answer is the worst of a route to somebody.
type measured struct {
	pattern, who, target string
	took                 time.Duration
	bytes, status        int
}

// openCountry opens the made-up data, making it where none was named.
func openCountry(t *testing.T) *country {
	t.Helper()
	dir := *sizeData
	if dir == "" {
		dir = t.TempDir()
		if _, err := seed.Run(t.Context(), seed.Plan{Dir: dir, Findings: 20_000, Incidents: 2_000, Parties: 200, Seed: 1}); err != nil {
			t.Fatal(err)
		}
	}
	c := &country{plans: openPlans(t, filepath.Join(dir, "tocsin.db")), seen: map[string]int{}, named: map[string][]string{}}
	var err error
	if c.desk, err = desk.Open(t.Context(), desk.Config{Dir: dir, Passing: true, OnRead: c.plans.look}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.desk.Close(); err != nil {
			t.Error(err)
		}
	})
	c.handler = New(c.desk, Options{Loopback: true})
	return c
}

// signIn makes an account and gives its session.
func (c *country) signIn(t *testing.T, name string, of casebook.ID, roles ...string) string {
	t.Helper()
	who := casebook.Actor{Kind: casebook.Machine, Name: "test"}
	name = fmt.Sprintf("%s-%d", name, time.Now().UnixNano())
	if _, err := c.desk.AddUser(t.Context(), who, desk.NewUser{Name: name, Password: goodPassword, Roles: roles, Party: of}); err != nil {
		t.Fatal(err)
	}
	secret, _, err := c.desk.SignIn(t.Context(), name, goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// get asks once, and gives the processor time that the answer took: the database works
// in the thread that asks, and what else the machine does is left out.
func (c *country) get(session, target string) (*httptest.ResponseRecorder, time.Duration) {
	r := httptest.NewRequest("GET", "http://localhost:8080"+target, nil)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("Cookie", plainCookie+"="+session)
	if !strings.HasPrefix(target, "/api") {
		r.Header.Set("Accept", "text/html")
	}
	answer := httptest.NewRecorder()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begun := threadTime()
	c.handler.ServeHTTP(answer, r)
	return answer, threadTime() - begun
}

// threadTime is the processor time of this thread so far (getrusage(2), RUSAGE_THREAD).
func threadTime() time.Duration {
	const thread = 1
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// pattern gives the route of a target, "" for none.
func (c *country) pattern(target string) string {
	for pattern := range rules {
		method, path, _ := strings.Cut(pattern, " ")
		if method != "GET" {
			continue
		}
		text := regexp.QuoteMeta(strings.Replace(path, "{$}", "", 1))
		text = regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(text, `[^/]+`)
		if regexp.MustCompile("^" + text + "$").MatchString(strings.Split(target, "?")[0]) {
			return pattern
		}
	}
	return ""
}

// oftenEnough is how many targets of one route, asked for by the same names, are
// measured for somebody.
const oftenEnough = 4

// measure asks for a target and for what its page leads to.
func (c *country) measure(t *testing.T, who, session, target string) {
	type call struct{ target string }
	for queue := []call{{target}}; len(queue) > 0; queue = queue[1:] {
		target := queue[0].target
		pattern := c.pattern(target)
		if pattern == "" || unmeasured[pattern] != "" {
			continue
		}
		u, err := url.Parse(target)
		if err != nil {
			continue
		}
		key := who + " " + pattern + " " + strings.Join(slices.Sorted(maps.Keys(u.Query())), "&")
		if c.seen[key+" "+target]++; c.seen[key+" "+target] > 1 {
			continue
		}
		if c.seen[key]++; c.seen[key] > oftenEnough {
			continue
		}
		c.plans.about = who + " " + target
		answer, took := c.get(session, target)
		c.plans.about = ""
		for range 2 { // the machine may have been busy
			if took > wantSearch/2 {
				_, again := c.get(session, target)
				took = min(took, again)
			}
		}
		c.all = append(c.all, measured{pattern, who, target, took, answer.Body.Len(), answer.Code})
		if answer.Code >= 500 {
			t.Errorf("%s as %s: %d\n%s", target, who, answer.Code, clipped(answer.Body))
		}
		for _, next := range leads(target, answer) {
			queue = append(queue, call{next})
		}
	}
}

var href = regexp.MustCompile(`href="(/[^"#]*)`)

// leads gives where a page leads: its links, or the next page of a list.
func leads(target string, answer *httptest.ResponseRecorder) (all []string) {
	if strings.HasPrefix(target, "/api/") {
		var list struct {
			Next string `json:"next"`
		}
		if json.Unmarshal(answer.Body.Bytes(), &list) == nil && list.Next != "" {
			u, _ := url.Parse(target)
			q := u.Query()
			q.Set("cursor", list.Next)
			all = append(all, u.Path+"?"+q.Encode())
		}
		return all
	}
	for _, m := range href.FindAllStringSubmatch(answer.Body.String(), -1) {
		all = append(all, strings.ReplaceAll(m[1], "&amp;", "&"))
	}
	return all
}

// targets gives what is asked for of every route: lists as they are and narrowed by
// each of their parameters, things by the largest, the newest and an old one of each.
func (c *country) targets(t *testing.T, session string) (all []string) {
	answer, _ := c.get(session, "/api/openapi.json")
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name, In string
				Schema   struct {
					Enum []any `json:"enum"`
				}
			}
		}
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range slices.Sorted(maps.Keys(rules)) {
		method, path, _ := strings.Cut(pattern, " ")
		if method != "GET" || unmeasured[pattern] != "" {
			continue
		}
		paths := []string{strings.Replace(path, "{$}", "", 1)}
		if at := strings.Index(path, "{id}"); at >= 0 {
			paths = nil
			for _, id := range c.namesOf(t, session, path[:at]) {
				paths = append(paths, path[:at]+id+path[at+len("{id}"):])
			}
			if len(paths) == 0 {
				t.Errorf("%s: nothing is known that it could show: enter its noun in biggest", pattern)
			}
		}
		query := stops[pattern].query
		for _, path := range paths {
			if query != "" {
				path += "?" + query
			}
			all = append(all, path)
			for _, p := range doc.Paths[strings.TrimPrefix(pattern, "GET ")]["get"].Parameters {
				if p.In == "query" {
					all = append(all, c.narrowed(t, session, path, p.Name, p.Schema.Enum)...)
				}
			}
		}
	}
	return append(all, c.searches()...)
}

// searches are what people look for, where there is a page that finds it.
func (c *country) searches() (all []string) {
	for _, page := range []string{"/search", "/api/v1/search"} {
		if _, ok := rules["GET "+page]; ok {
			for _, word := range []string{"10.7.7.7", "10.1.0.0/16", "2001:db8::1", "www17.names3.example", "names3.example", "Morvex", "vex", "CN-2026-000000017", "Guangdong", "telecom", "call 17", "zzzz"} {
				all = append(all, page+"?q="+url.QueryEscape(word))
			}
		}
	}
	return all
}

// narrowed gives a list narrowed by one parameter: each word that it takes, or a value
// that fits its name.
func (c *country) narrowed(t *testing.T, session, path, name string, words []any) (all []string) {
	values := []string{}
	for _, w := range words {
		values = append(values, fmt.Sprint(w))
	}
	now := time.Now().UTC()
	switch name {
	case "since", "from":
		for _, back := range []time.Duration{time.Hour, 30 * 24 * time.Hour, 400 * 24 * time.Hour} {
			values = append(values, now.Add(-back).Format(time.RFC3339))
		}
	case "month":
		values = append(values, now.AddDate(0, -1, 0).Format("2006-01"))
	case "threat", "incident", "party", "duty", "order":
		noun := map[string]string{"threat": "threats", "incident": "incidents", "party": "parties", "duty": "duties", "order": "orders"}[name]
		values = append(values, c.namesOf(t, session, "/api/v1/"+noun+"/")...)
	case "limit":
		values = append(values, "1000")
	}
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for _, v := range values {
		all = append(all, path+sep+name+"="+url.QueryEscape(v))
	}
	return all
}

// namesOf gives names of things of a path: the largest there are, the newest, an old
// one.
func (c *country) namesOf(t *testing.T, session, path string) []string {
	words := strings.Split(strings.Trim(strings.TrimPrefix(path, "/api/v1"), "/"), "/")
	noun := words[0]
	if ids, ok := c.named[noun]; ok {
		return ids
	}
	ids := slices.Clone(c.plans.largest(t, noun))
	for _, query := range []string{"?limit=1", "?limit=1000"} {
		answer, _ := c.get(session, "/api/v1/"+noun+query)
		var list struct{ Items []struct{ ID string } }
		if answer.Code == 200 && json.Unmarshal(answer.Body.Bytes(), &list) == nil && len(list.Items) > 0 {
			ids = append(ids, list.Items[len(list.Items)-1].ID)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	c.named[noun] = ids
	return ids
}

// TestPagesAtSize asks for every page and every list, as an officer and as the abuse
// desk of the largest party, on a made-up country.
func TestPagesAtSize(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes up a country")
	}
	c := openCountry(t)
	everything := slices.DeleteFunc(access.Roles(), func(role string) bool { return role == access.AbuseDesk })
	officer := c.signIn(t, "officer", casebook.ID{}, everything...)
	for _, target := range c.targets(t, officer) {
		c.measure(t, "officer", officer, target)
	}
	party, err := casebook.ParseID(casebook.PartyPrefix, c.plans.largest(t, "parties")[0])
	if err != nil {
		t.Fatal(err)
	}
	abuse := c.signIn(t, "abuse", party, access.AbuseDesk)
	c.named = map[string][]string{}
	for _, target := range c.targets(t, abuse) {
		c.measure(t, "abuse desk", abuse, target)
	}
	c.judge(t)
	c.plans.judge(t)
}

// whole are the routes that give all of something, to be kept or printed, and no page of
// it; of those that are a stream the time grows with what there is.
var (
	whole   = map[string]bool{"GET /findings.csv": true, "GET /reports/{id}/print": true}
	streams = map[string]bool{"GET /findings.csv": true}
)

// judge holds what was measured against what is wanted, and prints the worst of each
// route.
func (c *country) judge(t *testing.T) {
	worst := map[string]measured{}
	for _, m := range c.all {
		want := wantTime
		if strings.HasSuffix(m.pattern, "/search") {
			want = wantSearch
		}
		if m.took > want && !streams[m.pattern] {
			t.Errorf("%s as %s took %v, want %v", m.target, m.who, m.took.Round(time.Millisecond), want)
		}
		if !strings.HasPrefix(m.pattern, "GET /api/") && !whole[m.pattern] && m.bytes > wantBytes {
			t.Errorf("%s as %s has %d octets, want %d", m.target, m.who, m.bytes, wantBytes)
		}
		key := m.pattern + " " + m.who
		w, ok := worst[key]
		if !ok || m.took > w.took {
			m.bytes = max(m.bytes, w.bytes)
			worst[key] = m
		} else {
			w.bytes = max(m.bytes, w.bytes)
			worst[key] = w
		}
	}
	var b strings.Builder
	list := slices.SortedFunc(maps.Values(worst), func(a, b measured) int {
		return cmp.Or(cmp.Compare(a.pattern, b.pattern), cmp.Compare(b.who, a.who))
	})
	for _, m := range list {
		fmt.Fprintf(&b, "| `%s` | %s | %.0f ms | %.0f kB | %d |\n", m.pattern, m.who, float64(m.took.Microseconds())/1000, float64(m.bytes)/1000, m.status)
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	t.Logf("%d answers\n| route | as | slowest | largest | status |\n|---|---|---|---|---|\n%sheap %d MB", len(c.all), b.String(), mem.HeapSys>>20)
	if len(list) < 20 {
		t.Errorf("only %d routes were measured", len(list))
	}
}
