//go:build !race

package web

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
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
var (
	sizeData     = flag.String("size.data", "", "data directory made by tocsin seed, on which TestPagesAtSize measures; it adds accounts to it")
	sizeOnly     = flag.String("size.only", "", "expression that what is asked for must fit: a role, a blank, an address")
	sizeDatabase = flag.String("size.database", "", "PostgreSQL database that tocsin seed filled beside that directory")
)

// A country is a platform on made-up data.
type country struct {
	desk    *desk.Desk
	handler http.Handler
	plans   *plans
	seen    map[string]int // calls by route and the names of what was asked
	all     []measured
}

// A visitor is somebody who looks at the country.
type visitor struct {
	who, session string
	party        casebook.ID // for whom; zero: the platform's own
	lists        bool        // whether all lists of findings are measured: those of most roles are the same
	named        map[string][]string
}

// A measured answer is what a route took and gave to somebody.
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
	c := &country{plans: openPlans(t, filepath.Join(dir, "tocsin.db"), *sizeDatabase), seen: map[string]int{}}
	var err error
	if c.desk, err = desk.Open(t.Context(), desk.Config{Dir: dir, Database: *sizeDatabase, Passing: true, OnRead: c.plans.look}); err != nil {
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

// visitors are one of each role, those of a party from the largest, one of a small party,
// and one who has all roles of the platform's own.
func (c *country) visitors(t *testing.T) (all []*visitor) {
	party, small := casebook.ID(c.plans.named(t, largestParty)[0]), casebook.ID(c.plans.named(t, smallParty)[0])
	var own []string
	for _, role := range access.Roles() {
		v := &visitor{who: strings.ReplaceAll(role, "_", " "), named: map[string][]string{}}
		if access.CheckRoles([]string{role}, true) == nil {
			v.party, v.lists = party, true
		} else {
			own = append(own, role)
		}
		v.session = c.signIn(t, role, v.party, role)
		all = append(all, v)
	}
	all = append(all, &visitor{who: "small desk", party: small, session: c.signIn(t, "small", small, access.AbuseDesk), named: map[string][]string{}})
	return append(all, &visitor{who: "all roles", session: c.signIn(t, "everything", casebook.ID{}, own...), lists: true, named: map[string][]string{}})
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

// get asks once, in a language, and gives the processor time that the answer took, so that
// what else the machine does is left out: SQLite works in the thread that asks, and
// PostgreSQL in the processes of this test's connections, which must be of this machine.
func (c *country) get(session, target, lang string) (*httptest.ResponseRecorder, time.Duration) {
	r := httptest.NewRequest("GET", "http://localhost:8080"+target, nil)
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("Cookie", plainCookie+"="+session)
	r.Header.Set("Accept-Language", lang)
	if !strings.HasPrefix(target, "/api") {
		r.Header.Set("Accept", "text/html")
	}
	answer := httptest.NewRecorder()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	spent := threadTime() + c.plans.serverTime()
	c.handler.ServeHTTP(answer, r)
	return answer, threadTime() + c.plans.serverTime() - spent
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
	path := strings.Split(target, "?")[0]
	for _, one := range getPatterns {
		if one.fits.MatchString(path) {
			return one.pattern
		}
	}
	return ""
}

// getPatterns are the routes that are asked by GET, those with a name of their own before
// those with the name of a thing.
var getPatterns = func() (all []struct {
	pattern string
	fits    *regexp.Regexp
}) {
	for _, pattern := range slices.SortedFunc(maps.Keys(rules), func(a, b string) int {
		return cmp.Or(strings.Count(a, "{")-strings.Count(b, "{"), cmp.Compare(a, b))
	}) {
		if method, path, _ := strings.Cut(pattern, " "); method == "GET" {
			text := regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(strings.Replace(path, "{$}", "", 1)), `[^/]+`)
			all = append(all, struct {
				pattern string
				fits    *regexp.Regexp
			}{pattern, regexp.MustCompile("^" + text + "$")})
		}
	}
	return all
}()
