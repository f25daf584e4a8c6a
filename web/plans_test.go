package web

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"testing"

	"tocsin/casebook"
)

// plans look at how SQLite would answer each question that a page puts.
type plans struct {
	db    *sql.DB
	about string // what is being asked for, "" between

	mu     sync.Mutex
	asked  map[string]bool
	faults map[string]string // by plan and question, the first page that put it
}

func openPlans(t *testing.T, file string) *plans {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?_pragma=query_only(1)&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &plans{db: db, asked: map[string]bool{}, faults: map[string]string{}}
}

// large are the tables that grow with what happens. Of these no page may read every
// row.
var large = []string{"finding", "finding_part", "observation", "seen", "duty", "duty_change", "anchor", "incident", "fact", "grade", "share", "orders", "order_row",
	"report", "report_version", "recipient", "outbox", "change_set", "threat_hour", "threat_day", "refusal"}

// walks are plans that go along an index and end early, or count in one: each with what
// the question must hold for it.
var walks = []struct{ plan, question *regexp.Regexp }{
	// So many changed lately that one who goes from the newest on soon finds enough.
	{regexp.MustCompile(`^SCAN f USING INDEX finding_public$`), regexp.MustCompile(`AND f\.recorded_at >= \$\d+ ORDER BY f\.public DESC LIMIT`)},
	// A list in the order of its names, without anything that narrows it.
	{regexp.MustCompile(`^SCAN \w+ USING INDEX \w+_public$`), regexp.MustCompile(`(?s)WHERE [^?]*?tlp IN \([0-9, ]+\)( AND (i|o|r|f|q)?\.?public (<|>=) \$\d)?( AND [io]\.public < \$\d)? ORDER BY \w*\.?public DESC LIMIT`)},
	// Most findings are open, and most are bots: what is neither has an index.
	{regexp.MustCompile(`^SCAN f USING INDEX finding_public$`), regexp.MustCompile(`AND f\.(state|role) = \$\d+ ORDER BY f\.public DESC LIMIT`)},
	// An index over what waits holds nothing else.
	{regexp.MustCompile(`^SCAN change_set USING INDEX change_set_waiting$`), regexp.MustCompile(`seq < 0`)},
	{regexp.MustCompile(`^SCAN outbox$`), regexp.MustCompile(`ORDER BY id DESC LIMIT`)},
	{regexp.MustCompile(`^SCAN \w+ USING COVERING INDEX \w+$`), regexp.MustCompile(`COUNT\(\*\)`)},
}

// look explains a question; only those put for a page count.
func (p *plans) look(query string, args []any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.about == "" || p.asked[query] {
		return
	}
	p.asked[query] = true
	rows, err := p.db.Query("EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		p.faults[query] = "can't be explained: " + err.Error()
		return
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			p.faults[query] = err.Error()
			return
		}
		if p.isScan(step, query) {
			p.faults[step+"\n"+query] = p.about
		}
	}
}

var (
	// One that begins with the tenant, and of which nothing more is used, finds all.
	scans = regexp.MustCompile(`^(?:SCAN (\w+)|SEARCH (\w+) USING (?:COVERING )?INDEX \w+ \(tenant=\?\)$)`)
	alias = regexp.MustCompile(`(?:FROM|JOIN|,)\s+(\w+)\s+(?:AS\s+)?(\w+)\b`)
)

// isScan reports whether a step of a plan goes through a whole table that grows.
func (p *plans) isScan(step, query string) bool {
	m := scans.FindStringSubmatch(step)
	if m == nil {
		return false
	}
	table := cmp.Or(m[1], m[2])
	for _, a := range alias.FindAllStringSubmatch(query, -1) {
		if a[2] == table {
			table = a[1]
		}
	}
	if !slices.Contains(large, table) {
		return false
	}
	for _, w := range walks {
		if w.plan.MatchString(step) && w.question.MatchString(query) {
			return false
		}
	}
	return true
}

func (p *plans) judge(t *testing.T) {
	t.Logf("%d different questions", len(p.asked))
	for _, plan := range slices.Sorted(maps.Keys(p.faults)) {
		t.Errorf("put for %s:\n%s", p.faults[plan], plan)
	}
	if len(p.asked) < 30 {
		t.Errorf("only %d questions were looked at", len(p.asked))
	}
}

// biggest asks for the things of a noun that have most to show.
var biggest = map[string]struct{ prefix, query string }{
	"threats":    {casebook.ThreatPrefix, `SELECT public FROM threat ORDER BY findings DESC LIMIT 1`},
	"incidents":  {casebook.IncidentPrefix, `SELECT public FROM incident WHERE id IN (SELECT incident FROM anchor GROUP BY incident ORDER BY COUNT(*) DESC LIMIT 1)`},
	"duties":     {casebook.DutyPrefix, `SELECT public FROM duty WHERE id IN (SELECT duty FROM duty_change GROUP BY duty ORDER BY COUNT(*) DESC LIMIT 1)`},
	"orders":     {casebook.OrderPrefix, `SELECT public FROM orders WHERE id IN (SELECT orders FROM order_row GROUP BY orders ORDER BY COUNT(*) DESC LIMIT 1)`},
	"reports":    {casebook.ReportPrefix, `SELECT public FROM report WHERE id IN (SELECT report FROM report_version ORDER BY length(filed) DESC LIMIT 1)`},
	"deliveries": {casebook.DeliveryPrefix, `SELECT public FROM delivery ORDER BY refused DESC LIMIT 1`},
	"findings":   {casebook.FindingPrefix, `SELECT public FROM finding ORDER BY count DESC LIMIT 1`},
	"parties":    {casebook.PartyPrefix, `SELECT public FROM party WHERE name = (SELECT party FROM finding WHERE party <> '' GROUP BY party ORDER BY COUNT(*) DESC LIMIT 1)`},
	"people":     {casebook.UserPrefix, `SELECT public FROM account LIMIT 1`},
	"users":      {casebook.UserPrefix, `SELECT public FROM account LIMIT 1`},
}

// largest gives the names of the things of a noun that have most to show.
func (p *plans) largest(t *testing.T, noun string) (all []string) {
	t.Helper()
	b, ok := biggest[noun]
	if !ok {
		if noun == "regimes" {
			return []string{"cn-miit-2009-156", "eu-nis2"}
		}
		if noun == "outbox" { // lines are known by their messages
			var message string
			if err := p.db.QueryRow(`SELECT message_id FROM outbox ORDER BY length(payload) DESC LIMIT 1`).Scan(&message); err != nil {
				t.Fatal(err)
			}
			return []string{message}
		}
		return nil
	}
	rows, err := p.db.Query(b.query)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", noun, err))
	}
	defer rows.Close()
	for rows.Next() {
		var public []byte
		if err := rows.Scan(&public); err != nil {
			t.Fatal(err)
		}
		all = append(all, casebook.ID(public).Text(b.prefix))
	}
	return all
}
