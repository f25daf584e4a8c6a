package web

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/casebook"
)

// plans look at how SQLite would answer each question that a page puts.
type plans struct {
	db     *sql.DB
	unread bool   // nobody looks at plans
	about  string // what is being asked for, "" between

	mu     sync.Mutex
	asked  map[string]bool
	faults map[string]string // by plan and question, the first page that put it
}

// openPlans opens a database of SQLite, or a PostgreSQL one if it is named, whose plans
// aren't looked at: how large its tables are decides them, so that the clock says more.
func openPlans(t *testing.T, file, database string) *plans {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?_pragma=query_only(1)&_pragma=busy_timeout(10000)")
	if database != "" {
		db, err = sql.Open("pgx", database)
		db.SetMaxOpenConns(1) // whose time doesn't count
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &plans{db: db, unread: database != "", asked: map[string]bool{}, faults: map[string]string{}}
}

// serverTime is the processor time so far of the processes that work for this database
// of PostgreSQL but the one that is asked here; 0 of SQLite.
func (p *plans) serverTime() (all time.Duration) {
	if !p.unread {
		return 0
	}
	rows, err := p.db.Query(`SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`)
	if err != nil {
		panic(err)
	}
	defer rows.Close()
	for rows.Next() {
		var pid, spent int64
		if err := rows.Scan(&pid); err != nil {
			panic(err)
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid)) // nanoseconds on a processor come first
		if _, failed := fmt.Sscan(string(text), &spent); err != nil || failed != nil {
			panic(fmt.Sprint("the server isn't of this machine, or its processes can't be looked at: ", err, failed))
		}
		all += time.Duration(spent)
	}
	return all
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
	// A family with so many findings that one who goes from the newest on soon finds enough.
	{regexp.MustCompile(`^SCAN f USING INDEX finding_public$`), regexp.MustCompile(`AND f\.threat \+ 0 IN \([0-9, ]+\).* ORDER BY f\.public DESC LIMIT`)},
	// An index over what waits holds nothing else.
	{regexp.MustCompile(`^SCAN change_set USING INDEX change_set_waiting$`), regexp.MustCompile(`seq < 0`)},
	{regexp.MustCompile(`^SCAN outbox$`), regexp.MustCompile(`ORDER BY id DESC LIMIT`)},
	{regexp.MustCompile(`^SCAN \w+ USING COVERING INDEX \w+$`), regexp.MustCompile(`COUNT\(\*\)`)},
}

// look explains a question; only those put for a page count.
func (p *plans) look(query string, args []any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.about == "" || p.unread || p.asked[query] {
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
	if len(p.asked) < 30 && !p.unread {
		t.Errorf("only %d questions were looked at", len(p.asked))
	}
}

// Who has the most findings, and who has few and an order.
const (
	largestParty = `SELECT public FROM party WHERE name = (SELECT word FROM tally WHERE subject = 4 AND word <> '' GROUP BY word ORDER BY SUM(n) DESC LIMIT 1)`
	smallParty   = `SELECT p.public FROM party p JOIN tally y ON y.word = p.name WHERE y.subject = 4 AND p.id IN (SELECT party FROM orders) GROUP BY p.id, p.public ORDER BY SUM(y.n), p.id LIMIT 1`
)

// biggest asks for the things of a noun that have most to show, of those that %s leaves.
var biggest = map[string]struct {
	prefix, query string
	kind          casebook.ShareKind // 0: no party sees one
}{
	"threats":    {casebook.ThreatPrefix, `SELECT public FROM threat WHERE id %s ORDER BY findings DESC LIMIT 1`, casebook.SharedThreat},
	"incidents":  {casebook.IncidentPrefix, `SELECT public FROM incident WHERE id IN (SELECT incident FROM anchor WHERE incident %s GROUP BY incident ORDER BY COUNT(*) DESC LIMIT 1)`, casebook.SharedIncident},
	"duties":     {casebook.DutyPrefix, `SELECT public FROM duty WHERE id IN (SELECT duty FROM duty_change WHERE duty %s GROUP BY duty ORDER BY COUNT(*) DESC LIMIT 1)`, casebook.SharedDuty},
	"orders":     {casebook.OrderPrefix, `SELECT public FROM orders WHERE id IN (SELECT orders FROM order_row WHERE orders %s GROUP BY orders ORDER BY COUNT(*) DESC LIMIT 1)`, casebook.SharedOrder},
	"reports":    {casebook.ReportPrefix, `SELECT public FROM report WHERE id IN (SELECT report FROM report_version WHERE report %s ORDER BY length(filed) DESC LIMIT 1)`, casebook.SharedReport},
	"deliveries": {casebook.DeliveryPrefix, `SELECT public FROM delivery WHERE id %[1]s AND (refused = (SELECT MAX(refused) FROM delivery WHERE id %[1]s) OR rows_read = (SELECT MAX(rows_read) FROM delivery WHERE id %[1]s)) LIMIT 2`, casebook.SharedDelivery},
	"findings":   {casebook.FindingPrefix, `SELECT public FROM finding WHERE id %s ORDER BY count DESC LIMIT 1`, casebook.SharedFinding},
	"parties":    {casebook.PartyPrefix, largestParty, 0},
	"people":     {casebook.UserPrefix, `SELECT public FROM account LIMIT 1`, 0},
	"users":      {casebook.UserPrefix, `SELECT public FROM account LIMIT 1`, 0},
}

// largest gives the names of the things of a noun that have most to show, to a party if
// one is named.
func (p *plans) largest(t *testing.T, noun string, party casebook.ID) (all []string) {
	t.Helper()
	b, ok := biggest[noun]
	if !ok {
		if noun == "regimes" {
			return []string{"cn-miit-2009-156", "eu-nis2"}
		}
		if noun == "outbox" { // lines are known by their messages
			return p.words(t, `SELECT message_id FROM outbox ORDER BY length(payload) DESC LIMIT 1`)
		}
		return nil
	}
	query := b.query
	switch {
	case !strings.Contains(query, "%"):
	case party.IsZero():
		query = fmt.Sprintf(query, "IS NOT NULL")
	default:
		query = fmt.Sprintf(query, fmt.Sprintf("IN (SELECT object FROM share WHERE kind = %d AND party = '%s' AND shared_to = 0)", b.kind, party.Text(casebook.PartyPrefix)))
	}
	for _, public := range p.named(t, query) {
		all = append(all, casebook.ID(public).Text(b.prefix))
	}
	return all
}

// named gives the public names that a question finds.
func (p *plans) named(t *testing.T, query string) [][]byte { return column[[]byte](t, p.db, query) }

// words gives the texts that a question finds.
func (p *plans) words(t *testing.T, query string) []string { return column[string](t, p.db, query) }

// assets gives the assets of some findings.
func (p *plans) assets(t *testing.T, which string) (all []casebook.Asset) {
	t.Helper()
	for _, id := range column[int64](t, p.db, `SELECT id FROM finding `+which) {
		one := fmt.Sprintf(" FROM finding WHERE id = %d", id)
		a, err := casebook.CanonicalAsset(casebook.AssetKind(column[int64](t, p.db, "SELECT asset_kind"+one)[0]), column[[]byte](t, p.db, "SELECT asset"+one)[0])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// column gives the only column of what a question finds.
func column[T any](t *testing.T, db *sql.DB, query string) (all []T) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", query, err))
	}
	defer rows.Close()
	for rows.Next() {
		var one T
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
