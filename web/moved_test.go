package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/access"
)

// TestARangeThatMovesLeavesItsPastBehind: a range of one party, with its finding, its
// incident, its report and its order, moves to another. That one's people and programs
// ask every route that reads, also with the names of the first one's things in their
// hands, and every list narrowed to them. They see what was seen since, and nothing of
// the time before: no name, no count, no figure.
func TestARangeThatMovesLeavesItsPastBehind(t *testing.T) {
	g := newGrounds(t)
	const moved = "198.51.100.9" // was the other party's
	asks := func(w walker, pattern string) (int, string) {
		answer := g.call(t, pattern, w, "other")
		return answer.Code, answer.Body.String()
	}
	var theirs []walker // of the party that gets the range
	for _, w := range g.walkers {
		if !w.principal.Party.IsZero() {
			theirs = append(theirs, w)
		}
	}
	if len(theirs) < 2 {
		t.Fatalf("only %d walkers are of the party", len(theirs))
	}
	status := func(w walker) (n struct{ Findings, Observations, Incidents int64 }) {
		if code, body := asks(w, "GET /api/v1/status"); code == http.StatusOK {
			if err := json.Unmarshal([]byte(body), &n); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	before := map[string]struct{ Findings, Observations, Incidents int64 }{}
	for _, w := range theirs {
		before[w.name] = status(w)
	}
	importTable(t, g.desk, "table other", fmt.Sprintf("cidr,asn,holder,region,party\n%s/32,64510,Net own,XB,own\n", moved), time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))
	secret := map[string]string{} // what of the first party's must not be seen, by noun
	for noun, id := range g.objects["other"] {
		if noun != "parties" && noun != "threats" { // a threat is nobody's, and what is seen since is of the same
			secret[noun] = id
		}
	}
	wantNothing := func(w walker, asked string, code int, body string) {
		t.Helper()
		for noun, id := range secret {
			// A problem quotes the name that was asked for.
			if strings.Contains(body, id) && code < http.StatusBadRequest {
				t.Errorf("%s asked %s (%d) and was told of the first holder's %s", w.name, asked, code, noun)
			}
		}
		// Its own finding is of that second too: look at the moved one's line.
		ends := strings.NewReplacer("\n", "}") // a line of CSV, an object of JSON
		if strings.HasPrefix(body, "<!doctype") {
			ends = strings.NewReplacer("<tr", "}", "<li", "}")
		}
		for line := range strings.SplitSeq(ends.Replace(body), "}") {
			if code < http.StatusBadRequest && strings.Contains(line, moved) && strings.Contains(line, "2026-03-14") {
				t.Errorf("%s asked %s and was told of the time before: %s", w.name, asked, line)
			}
		}
	}
	walk := func() {
		for _, pattern := range slices.Sorted(maps.Keys(rules)) {
			if !strings.HasPrefix(pattern, "GET ") || rules[pattern] == access.Open {
				continue
			}
			for _, w := range theirs {
				code, body := asks(w, pattern)
				if ofOneParty(pattern) && !strings.Contains(pattern, "/parties/") && code < http.StatusBadRequest {
					t.Errorf("%s asked %s for the first holder's and got %d", w.name, pattern, code)
				}
				wantNothing(w, pattern, code, body)
			}
		}
		for _, list := range []string{"duties", "reports", "orders"} {
			for _, w := range theirs {
				narrowed := stops["GET /api/v1/"+list]
				narrowed.query = "incident=" + g.objects["other"]["incidents"]
				old, was := stops["GET /api/v1/"+list]
				stops["GET /api/v1/"+list] = narrowed
				code, body := asks(w, "GET /api/v1/"+list)
				if stops["GET /api/v1/"+list] = old; !was {
					delete(stops, "GET /api/v1/"+list)
				}
				var page struct{ Items []json.RawMessage }
				if code < http.StatusBadRequest && (json.Unmarshal([]byte(body), &page) != nil || len(page.Items) > 0) {
					t.Errorf("%s asked for the %s of the first holder's incident and got %s", w.name, list, body)
				}
			}
		}
	}
	walk() // that it holds the range now opens nothing
	for _, w := range theirs {
		if now := status(w); now != before[w.name] {
			t.Errorf("%s counted %+v, and %+v once the range moved", w.name, before[w.name], now)
		}
	}
	load(t, g.desk, "c2-tracker", "later.csv", "observed_at,family,ip,commit\n2026-05-01T10:00:00Z,Family other,"+moved+",c0ffee\n")
	walk()
	for _, w := range theirs {
		want := before[w.name]
		if want.Findings > 0 {
			want.Findings, want.Observations = want.Findings+1, want.Observations+1
		}
		if now := status(w); now != want {
			t.Errorf("%s counts %+v after one more was seen, want %+v", w.name, now, want)
		}
		code, body := asks(w, "GET /api/v1/findings")
		if code == http.StatusForbidden {
			continue
		}
		var page struct {
			Items []struct {
				Asset, Party string
				Count        int
				First        time.Time `json:"first_seen"`
			}
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil && !strings.Contains(body, `"kind":"finding"`) {
			t.Fatal(err, body)
		}
		seen := 0
		for _, f := range page.Items {
			if f.Asset == moved {
				seen++
				if f.Count != 1 || f.Party != "own" || f.First.Month() != time.May {
					t.Errorf("%s sees %+v", w.name, f)
				}
			}
		}
		if seen != 1 {
			t.Errorf("%s sees what was seen since %d times: %s", w.name, seen, body)
		}
	}
	// And the first holder keeps its own: the platform's people see both.
	for f := range slices.Values(findingsOf(t, g.desk)) {
		if f.Asset.String() == moved && (f.Count != 2 || f.Party != "own") {
			t.Errorf("the platform sees %+v", f)
		}
	}
}
