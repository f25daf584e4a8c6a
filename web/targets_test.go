//go:build !race

package web

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
)

// targets gives what somebody asks for of every route: lists as they are and narrowed by
// each of their parameters, things by the largest, the newest and an old one of each.
func (c *country) targets(t *testing.T, v *visitor) (all []string) {
	answer, _ := c.get(v.session, "/api/openapi.json", "en")
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
		if method != "GET" || unmeasured[pattern] != "" || strings.HasSuffix(path, "/search") || guided(pattern) {
			continue
		}
		paths := []string{strings.Replace(path, "{$}", "", 1)}
		if at := strings.Index(path, "{id}"); at >= 0 {
			paths = nil
			for _, id := range c.namesOf(t, v, path[:at]) {
				paths = append(paths, path[:at]+id+path[at+len("{id}"):])
			}
			if len(paths) == 0 && v.party.IsZero() {
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
					all = append(all, c.narrowed(t, v, path, p.Name, p.Schema.Enum)...)
				}
			}
		}
	}
	if v.lists {
		all = append(all, c.findingLists(t)...)
	}
	for _, text := range c.texts(t, v) {
		for _, page := range []string{"/search?q=", "/api/v1/search?q="} {
			all = append(all, page+url.QueryEscape(text))
		}
	}
	return append(all, c.lookUps(t)...)
}

// texts are what people look for: of every kind that a search finds, with many hits, few
// and none.
func (c *country) texts(t *testing.T, v *visitor) []string {
	all := []string{
		"10.7.7.7", "10.", "10.1.", "10.1.2.", "10.0.0.0/8", "10.0.0.0/9", "10.0.0.0/12", "10.1.0.0/16", "10.1.0.0/20", "10.1.2.0/24", "10.1.2.3/32", "100.64.0.0/10", "0.0.0.0/0", "1.0.0.0/8", "198.18.0.0/15",
		"2001:db8::1", "2001:db8::/32", "2001:db8::/48", "2001:db8:0:1::/64", "::/0", "fe80::1",
		"www17.names3.example", "names3.example", ".names3.example", "*.example", "co.example", "http://names3.example/gate.php", "nothing.example.org",
		"Morvex", "vex", "a", "e", "o", "1", "0", "%", "_", "!", "'", "電", "电话", "zzzz", "xqjkw vbnm", strings.Repeat("long ", 40),
		"CN-2026-000000017", "CN-2026-", "CN-20", "CN", "R-17-1", "R-", "call", "call 17", "call 17 botnet trojan", "botnet", "c", "Guangdong", "telecom", "network", "Network 1", "AS64500",
	}
	for _, noun := range []string{"threats", "incidents", "duties", "orders", "reports", "findings", "parties"} {
		all = append(all, c.plans.largest(t, noun, v.party)...)
	}
	for _, query := range []string{
		`SELECT name FROM threat ORDER BY findings DESC LIMIT 3`, `SELECT name FROM threat ORDER BY findings, id LIMIT 1`, `SELECT title FROM incident ORDER BY id DESC LIMIT 2`,
		`SELECT task FROM orders WHERE task <> '' ORDER BY id DESC LIMIT 1`, `SELECT name FROM party ORDER BY id DESC LIMIT 2`, `SELECT reference FROM recipient WHERE reference <> '' ORDER BY id DESC LIMIT 1`,
	} {
		all = append(all, c.plans.words(t, query)...)
	}
	return append(all, c.assets(t)...)
}

// assets are those of some findings: of the busiest machine, of a newest one, of names.
func (c *country) assets(t *testing.T) (all []string) {
	for _, query := range []string{`ORDER BY count DESC LIMIT 2`, `ORDER BY id DESC LIMIT 2`, `WHERE asset_kind >= 5 ORDER BY id LIMIT 3`} {
		for _, a := range c.plans.assets(t, query) {
			all = append(all, a.String())
		}
	}
	return all
}

// lookUps are pages that answer a question besides the lists.
func (c *country) lookUps(t *testing.T) (all []string) {
	for _, a := range c.assets(t) {
		all = append(all, "/holdings?asset="+url.QueryEscape(a), assetPage(a), assetPage(a)+"&day=2026-05-01")
	}
	for _, noun := range []string{"threats", "incidents", "orders", "reports", "duties", "deliveries", "parties"} {
		for _, id := range c.plans.largest(t, noun, casebook.ID{}) {
			all = append(all, "/ledger?thing="+id)
		}
	}
	all = append(all, "/ledger?cursor=3000", "/ledger?cursor=1")
	for _, span := range []string{"24h", "7d", "30d", "90d"} {
		all = append(all, "/situation?rows=all&span="+span)
	}
	month := time.Now().UTC().AddDate(0, -1, 0).Format("2006-01")
	return append(all, "/scorecards?month=all", "/scorecards?month="+month, "/scorecards?month=all&q=network", "/scorecards?month=all&regime=cn-miit-2009-156",
		"/deliveries?bad=1", "/deliveries?state=folded&feed=feodo", "/parties?q=net", "/parties?role=hosting", "/threats?sort=size", "/threats?sort=seen&q=e", "/threats?sort=size&active=1",
		"/people?q=a", "/outbox?state=dead", "/outbox?state=sent")
}

// findingLists are lists of findings narrowed by two things at once, of which each may
// fit many and both together few.
func (c *country) findingLists(t *testing.T) (all []string) {
	one := func(query string) string {
		if words := c.plans.words(t, query); len(words) > 0 {
			return words[0]
		}
		return ""
	}
	now := time.Now().UTC()
	narrow := [][2]string{
		{"state", "verified"}, {"state", "void"}, {"state", "open"}, {"role", "controller"}, {"role", "bot"}, {"role", "victim"},
		{"family", one(`SELECT family FROM threat WHERE family <> '' ORDER BY findings DESC LIMIT 1`)}, {"family", one(`SELECT family FROM threat WHERE family <> '' ORDER BY findings, id LIMIT 1`)},
		{"region", one(`SELECT word FROM tally WHERE subject = 3 AND word <> '' GROUP BY word ORDER BY SUM(n) DESC LIMIT 1`)}, {"region", one(`SELECT word FROM tally WHERE subject = 3 AND word <> '' GROUP BY word ORDER BY SUM(n) LIMIT 1`)},
		{"party", one(`SELECT word FROM tally WHERE subject = 4 AND word <> '' GROUP BY word ORDER BY SUM(n) DESC LIMIT 1`)}, {"party", one(`SELECT word FROM tally WHERE subject = 4 AND word <> '' GROUP BY word ORDER BY SUM(n) LIMIT 1`)},
		{"asset", "10.16.0.0/12"}, {"asset", "10.1.2.0/24"}, {"asset", "names3.example"}, {"asset", "nothing.example"},
		{"since", now.Add(-time.Hour).Format(time.RFC3339)}, {"since", now.AddDate(0, 0, -30).Format(time.RFC3339)}, {"since", now.AddDate(-2, 0, 0).Format(time.RFC3339)},
	}
	for i, a := range narrow {
		for _, b := range narrow[i:] {
			q := url.Values{a[0]: {a[1]}}
			if a[0] != b[0] {
				q.Set(b[0], b[1])
			} else if a != b {
				continue
			}
			all = append(all, "/findings?"+q.Encode(), "/api/v1/findings?limit=1000&"+q.Encode())
		}
	}
	return all
}

// narrowed gives a list narrowed by one parameter: each word that it takes, or a value
// that fits its name.
func (c *country) narrowed(t *testing.T, v *visitor, path, name string, words []any) (all []string) {
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
	case "threat", "incident", "duty", "order":
		noun := map[string]string{"threat": "threats", "incident": "incidents", "duty": "duties", "order": "orders"}[name]
		values = append(values, c.namesOf(t, v, "/api/v1/"+noun+"/")...)
	case "limit":
		values = append(values, "1000")
	}
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for _, value := range values {
		all = append(all, path+sep+name+"="+url.QueryEscape(value))
	}
	return all
}

// namesOf gives names of things of a path: the largest that there are, the newest, an
// old one.
func (c *country) namesOf(t *testing.T, v *visitor, path string) []string {
	noun := strings.Split(strings.Trim(strings.TrimPrefix(path, "/api/v1"), "/"), "/")[0]
	if ids, ok := v.named[noun]; ok {
		return ids
	}
	ids := slices.Clone(c.plans.largest(t, noun, v.party))
	for _, query := range []string{"?limit=1", "?limit=1000"} {
		answer, _ := c.get(v.session, "/api/v1/"+noun+query, "en")
		var list struct{ Items []struct{ ID string } }
		if answer.Code == 200 && json.Unmarshal(answer.Body.Bytes(), &list) == nil && len(list.Items) > 0 {
			ids = append(ids, list.Items[len(list.Items)-1].ID)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	v.named[noun] = ids
	return ids
}

var href = regexp.MustCompile(`href="([/?][^"#]*)`)

// leads gives where a page leads: its links, or the next page of a list.
func leads(target string, answer *httptest.ResponseRecorder) (all []string) {
	path := strings.Split(target, "?")[0]
	if strings.HasPrefix(target, "/api/") {
		var list struct {
			Next string `json:"next"`
		}
		if json.Unmarshal(answer.Body.Bytes(), &list) == nil && list.Next != "" {
			u, _ := url.Parse(target)
			q := u.Query()
			q.Set("cursor", list.Next)
			all = append(all, path+"?"+q.Encode())
		}
		return all
	}
	for _, m := range href.FindAllStringSubmatch(answer.Body.String(), -1) {
		next := html.UnescapeString(m[1])
		if strings.HasPrefix(next, "?") {
			next = path + next
		}
		all = append(all, next)
	}
	return all
}
