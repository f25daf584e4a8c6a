package store

import (
	"database/sql"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
)

// counted is everything that pages count and search by, as text.
func viewsOf(t *testing.T, db *DB) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, table := range []*table{tallyTable, partTallyTable, partTermTable, evidenceTable, incidentGradeTable, termTable} {
		where := ""
		if table == tallyTable || table == partTallyTable {
			where = " WHERE n <> 0"
		}
		rows, err := db.read.QueryContext(t.Context(), table.selectSQL+where)
		list, err := collect(rows, err, func(rows *sql.Rows) (string, error) {
			row, err := scanRow(rows, len(table.columns))
			return fmt.Sprint(row...), err
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(list)
		all[table.name] = list
	}
	return all
}

// TestViewsFollowFromTheRows: what folds, orders and grades keep up is what the
// migration counts anew from the rows.
func TestViewsFollowFromTheRows(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		f := newFilled(t, place())
		write(t, f.db, noon.Add(time.Hour), func(tx *Tx) error {
			ids, err := collectFindings(tx)
			if err != nil {
				return err
			}
			if err := tx.SetFinding(ids[0], casebook.ID{}, casebook.Relapsed); err != nil {
				return err
			}
			rows, err := tx.numbers(`SELECT id FROM incident ORDER BY id`)
			if err != nil || len(rows) == 0 {
				return fmt.Errorf("no incident: %w", err)
			}
			var public []byte
			if err := tx.row(`SELECT public FROM incident WHERE id = $1`, rows[0]).Scan(&public); err != nil {
				return err
			}
			i, err := tx.Incident(casebook.ID(public))
			if err != nil {
				return err
			}
			i.Title, i.State = "北京市僵尸网络 renamed", casebook.OpenIncident
			if err := tx.SaveIncident(i); err != nil {
				return err
			}
			for _, g := range []casebook.Grade{{Standing: casebook.DeterminedBy, Level: "serious"}, {Standing: casebook.ConfirmedHere, Level: "general"}} {
				g.Incident, g.Regime, g.At = i.ID, "cn-miit-2009-156", noon
				if _, err := tx.Grade(g); err != nil {
					return err
				}
			}
			return nil
		})
		kept := viewsOf(t, f.db)
		for name, list := range kept {
			if len(list) == 0 {
				t.Errorf("nothing is kept in %s: this test says nothing", name)
			}
		}
		text, err := migrationFiles.ReadFile("migration/0008_views.sql")
		if err != nil {
			t.Fatal(err)
		}
		write(t, f.db, noon.Add(2*time.Hour), func(tx *Tx) error {
			for _, table := range slices.Sorted(maps.Keys(kept)) {
				if strings.HasPrefix(table, "part_") { // has a test of its own
					continue
				}
				if _, err := tx.exec("DELETE FROM " + table); err != nil {
					return err
				}
			}
			for _, statement := range f.db.dialect.schema(string(text)) {
				if strings.HasPrefix(strings.TrimSpace(dropComments(statement)), "INSERT") {
					if _, err := tx.exec(statement); err != nil {
						return err
					}
				}
			}
			return tx.termsAnew()
		})
		if anew := viewsOf(t, f.db); !reflect.DeepEqual(kept, anew) {
			for name := range kept {
				if !slices.Equal(kept[name], anew[name]) {
					t.Errorf("%s: kept\n%s\ncounted anew\n%s", name, strings.Join(kept[name], "\n"), strings.Join(anew[name], "\n"))
				}
			}
		}
		closed(t, f.db)
		sound(t, f.place, f.signer)
	})
}

func TestWordsOfATitle(t *testing.T) {
	for text, want := range map[string][]string{
		"Botnet at NORTH-Access, 2nd call": {"2nd", "access", "at", "botnet", "call", "north"},
		"北京木马 2026":                        {"2026", "京", "京木", "北", "北京", "木", "木马", "马"},
		"DDoS攻击":                           {"ddos", "击", "攻", "攻击"},
		" ;, ":                             nil,
	} {
		if got := words(text); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestAssetsAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32", "192.0.2.9/24": "192.0.2.0/24", "192.0.2.": "192.0.2.0/24", "192.0.2": "192.0.2.0/24", "192.0.": "192.0.0.0/16",
		"2001:db8::1": "2001:db8::1/128", "2001:db8::/32": "2001:db8::/32",
		"Example.NET.": "example.net", "*.example.net": "example.net", "https://www.example.net:8443/a?b": "www.example.net",
		"mirai": "refused", "192.0": "refused", "2026-104": "refused", "": "refused",
	} {
		got := "refused"
		if a, err := AssetRange(text); err == nil {
			if got = a.Name; got == "" {
				got = a.Prefix.String()
			}
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// country is a database with findings in two regions, at two parties.
func country(t *testing.T, at string) (*DB, map[string]casebook.Party) {
	db := openAt(t, at, newSigner(t))
	parties := map[string]casebook.Party{"north": newParty(t, db, "north"), "south": newParty(t, db, "south")}
	d := accept(t, db, arrival(1, 1))
	var claims []Claim
	for n := range 6 {
		c := hit(n, noon.Add(time.Duration(n)*26*time.Hour))
		c.Party, c.Region = "north", "CN-11"
		if n%2 == 1 {
			c.Party, c.Region = "south", "CN-44"
		}
		claims = append(claims, keyed(c))
	}
	for n, name := range []string{"c2.example.net", "www.c2.example.net", "notc2.example.net"} {
		a, err := casebook.DomainAsset(name)
		if err != nil {
			t.Fatal(err)
		}
		c := hit(20+n, noon)
		c.Role, c.Type, c.Asset, c.Family, c.Party, c.Region = casebook.Controller, casebook.C2Server, a, "Cobalt Strike", "north", "CN-11"
		claims = append(claims, keyed(c))
	}
	fold(t, db, batch(d, 0, claims...))
	return db, parties
}

func TestSituationFigures(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db, parties := country(t, place())
		ctx := t.Context()
		regions, err := reader(db, 1).RegionStandings(ctx)
		if want := []Standing{{"CN-11", 3, 3, 0, 0, 2}, {"CN-44", 0, 3, 0, 0, 1}}; err != nil || !slices.Equal(regions, want) {
			t.Errorf("regions: got %+v, %v\nwant %+v", regions, err, want)
		}
		at, err := reader(db, 1).PartyStandings(ctx, regions)
		if want := []Standing{{"north", 3, 3, 0, 0, 0}, {"south", 0, 3, 0, 0, 0}}; err != nil || !slices.Equal(at, want) {
			t.Errorf("parties: got %+v, %v\nwant %+v", at, err, want)
		}
		own, err := seenBy(db, parties["south"].ID).RegionStandings(ctx)
		if want := []Standing{{"CN-44", 0, 3, 0, 0, 0}}; err != nil || !slices.Equal(own, want) {
			t.Errorf("the south sees %+v, %v\nwant %+v", own, err, want)
		}
		own, err = seenBy(db, parties["south"].ID).PartyStandings(ctx, own)
		if want := []Standing{{"south", 0, 3, 0, 0, 0}}; err != nil || !slices.Equal(own, want) {
			t.Errorf("the south sees %+v, %v\nwant %+v", own, err, want)
		}
		from := noon.Truncate(24 * time.Hour)
		series, err := reader(db, 1).Series(ctx, from, from.AddDate(0, 0, 7), 24*time.Hour)
		var got []string
		for _, m := range series {
			got = append(got, fmt.Sprintf("%d/%d/%d", m.Observations, m.Findings, m.Bots))
		}
		// One a day and two hours more: the sixth comes on the sixth day.
		if want := []string{"4/4/1", "1/1/1", "1/1/1", "1/1/1", "1/1/1", "1/1/1", "0/0/0"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("series: got %q, %v\nwant %q", got, err, want)
		}
		series, err = seenBy(db, parties["south"].ID).Series(ctx, from, from.AddDate(0, 0, 7), 24*time.Hour)
		sum := int64(0)
		for _, m := range series {
			sum += m.Findings
		}
		if err != nil || sum != 3 {
			t.Errorf("the south's series has %d findings, %v; want 3", sum, err)
		}
		for _, scope := range []casebook.Scope{{Tenant: 1, MaxTLP: casebook.Red}, {Tenant: 2, All: true, MaxTLP: casebook.Red}} {
			r := db.Reader(scope)
			if all, err := r.RegionStandings(ctx); err != nil || len(all) != 0 {
				t.Errorf("%+v sees %+v, %v", scope, all, err)
			}
			if all, err := r.PartyStandings(ctx, nil); err != nil || len(all) != 0 {
				t.Errorf("%+v sees %+v, %v", scope, all, err)
			}
		}
	})
}

// titlesOf are what a search found, as "noun title (why)".
func titlesOf(t *testing.T, r *Reader, text string, others ...string) []string {
	t.Helper()
	found, err := r.Search(t.Context(), text, others, func(string) bool { return true }, 10)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var all []string
	for _, group := range found {
		for _, h := range group.List {
			all = append(all, fmt.Sprintf("%s %s (%s)", group.Noun, h.Title, h.Why))
		}
	}
	return all
}

func TestSearch(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db, parties := country(t, place())
		all := reader(db, 1)
		first := hit(0, noon).Asset.Addr
		var incident casebook.Incident
		write(t, db, noon, func(tx *Tx) (err error) {
			m := casebook.Mark{Tenant: 1, TLP: casebook.Green}
			if incident, err = tx.OpenIncident(casebook.Incident{Mark: m, Title: "Botnet in Beijing 北京僵尸网络", OpenedAt: noon, State: casebook.OpenIncident}); err != nil {
				return err
			}
			r, err := tx.OpenReport(casebook.Report{Mark: m, Incident: incident.ID, Party: parties["north"].ID, Regime: "law", Stage: "stage", Task: "T-104", OpenedAt: noon}, nil)
			if err != nil {
				return err
			}
			_, err = tx.FileReport(casebook.ReportVersion{Report: r.ID, Number: 1, FiledAt: noon, By: "person:alice"}, []byte("{}"),
				[]casebook.Recipient{{Role: "authority", Name: "Bureau", Reference: "[2026]-7781"}}, []string{"msg"})
			if err != nil {
				return err
			}
			ids, err := collectFindings(tx)
			if err != nil {
				return err
			}
			o, err := tx.DraftOrder(casebook.Order{Mark: m, Incident: incident.ID, Party: parties["south"].ID, Measure: "clean"}, ids)
			if err != nil {
				return err
			}
			o.Task = "T-105"
			return tx.SaveOrder(o, "msg-2")
		})
		for _, c := range []struct {
			text string
			want []string
		}{
			{first.String(), []string{"finding " + first.String() + " (address)"}},
			{"c2.example.net", []string{"finding c2.example.net (name)", "finding www.c2.example.net (below)"}},
			{"example.net", []string{"finding c2.example.net (below)", "finding notc2.example.net (below)", "finding www.c2.example.net (below)"}},
			{"cobaltstrike", []string{"threat Cobalt Strike (spelling)"}},
			{"COBALT STR", []string{"threat Cobalt Strike (family)"}},
			{"beij botnet", []string{"incident Botnet in Beijing 北京僵尸网络 (title)"}},
			{"僵尸", []string{"incident Botnet in Beijing 北京僵尸网络 (title)"}},
			{"beijing ddos", nil},
			{"T-10", []string{"order T-105 (task)", "report T-104 (task)"}},
			{"[2026]", []string{"report [2026]-7781 (reference)"}},
			{"NORTH", []string{"party north (party)"}},
			{incident.ID.Text("inc"), []string{"incident Botnet in Beijing 北京僵尸网络 (id)"}},
			{"%", nil}, {"nothing of that", nil}, {"", nil},
		} {
			got := titlesOf(t, all, c.text)
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("%q: got %q, want %q", c.text, got, c.want)
			}
		}
		prefix, err := first.Prefix(24)
		if err != nil {
			t.Fatal(err)
		}
		if got := titlesOf(t, all, prefix.String()); len(got) != 6 {
			t.Errorf("%s: got %q", prefix, got)
		}
		if got := titlesOf(t, all, "win.beacon", "cobalt strike"); !slices.Equal(got, []string{"threat Cobalt Strike (spelling)"}) {
			t.Errorf("another name: got %q", got)
		}
		// A party finds its own part, and nothing that wasn't shared with it.
		south := seenBy(db, parties["south"].ID)
		if got := titlesOf(t, south, prefix.String()); len(got) != 3 {
			t.Errorf("the south finds %q", got)
		}
		for _, text := range []string{first.String(), "example.net", "cobalt", "beijing", "T-10", "[2026]", "north", incident.ID.Text("inc")} {
			if got := titlesOf(t, south, text); len(got) != 0 {
				t.Errorf("the south finds %q for %q", got, text)
			}
		}
		write(t, db, noon.Add(time.Hour), func(tx *Tx) error {
			return tx.Share(casebook.SharedIncident, incident.ID, parties["south"].ID, "ordered")
		})
		if got := titlesOf(t, south, "beijing"); len(got) != 1 {
			t.Errorf("the south finds %q of what is shared with it", got)
		}
	})
}

func TestFindingsAreNarrowed(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db, parties := country(t, place())
		controller, bot, open, verified := casebook.Controller, casebook.Bot, casebook.Open, casebook.Verified
		first := hit(0, noon).Asset.Addr
		wide, err := first.Prefix(24)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name       string
			f          FindingFilter
			all, south int
		}{
			{"none", FindingFilter{}, 9, 3},
			{"bots", FindingFilter{Role: &bot}, 6, 3},
			{"controllers", FindingFilter{Role: &controller}, 3, 0},
			{"open", FindingFilter{State: &open}, 9, 3},
			{"verified", FindingFilter{State: &verified}, 0, 0},
			{"a region", FindingFilter{Region: "CN-44"}, 3, 3},
			{"another region", FindingFilter{Region: "CN-11"}, 6, 0},
			{"a party", FindingFilter{Party: "north"}, 6, 0},
			{"its own", FindingFilter{Party: "south"}, 3, 3},
			{"a family", FindingFilter{Family: "cobalt  strike"}, 3, 0},
			{"no family", FindingFilter{Family: "of nobody"}, 0, 0},
			{"an address", FindingFilter{Asset: first.String()}, 1, 0},
			{"a prefix", FindingFilter{Asset: wide.String()}, 6, 3},
			{"a name", FindingFilter{Asset: "c2.example.net"}, 2, 0},
			{"together", FindingFilter{Role: &bot, Region: "CN-11", Party: "north", Asset: wide.String(), State: &open}, 3, 0},
		} {
			for who, want := range map[*Reader]int{reader(db, 1): c.all, seenBy(db, parties["south"].ID): c.south} {
				page, err := who.FindingPage(t.Context(), c.f, casebook.ID{}, 100)
				if err != nil || len(page) != want {
					t.Errorf("%s: got %d, %v; want %d", c.name, len(page), err, want)
				}
			}
		}
		_, err = reader(db, 1).FindingPage(t.Context(), FindingFilter{Asset: "10.0.0.0/4"}, casebook.ID{}, 9)
		wantIs(t, "a prefix that is too wide", err, casebook.ErrInvalid)
		_, err = reader(db, 1).FindingPage(t.Context(), FindingFilter{Asset: "nonsense"}, casebook.ID{}, 9)
		wantIs(t, "no asset", err, casebook.ErrInvalid)
	})
}

func TestThreatsAreListed(t *testing.T) {
	onEach(t, func(t *testing.T, place func() string) {
		db, parties := country(t, place())
		ctx, all := t.Context(), reader(db, 1)
		for _, c := range []struct {
			name string
			f    ThreatFilter
			o    ThreatOrder
			want int
		}{
			{"all", ThreatFilter{}, ByRecord, 2}, {"by size", ThreatFilter{}, BySize, 2}, {"by last seen", ThreatFilter{}, ByLastSeen, 2},
			{"by name", ThreatFilter{Text: "COBALT"}, BySize, 1}, {"a class", ThreatFilter{Class: "malicious-code"}, ByRecord, 2}, {"another class", ThreatFilter{Class: "fraud"}, ByRecord, 0},
			{"a region", ThreatFilter{Region: "CN-44"}, ByRecord, 1}, {"a party", ThreatFilter{Party: "north"}, ByRecord, 2}, {"graded", ThreatFilter{Level: "serious"}, ByRecord, 0},
			{"lately", ThreatFilter{Since: noon.Add(time.Hour)}, ByRecord, 1},
		} {
			var names []string
			for cursor := ""; ; {
				page, next, err := all.ThreatList(ctx, c.f, c.o, cursor, 1)
				if err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
				for _, one := range page {
					names = append(names, one.Name)
				}
				if cursor = next; next == "" {
					break
				}
			}
			if len(names) != c.want || len(slices.Compact(names)) != c.want {
				t.Errorf("%s: got %q, want %d", c.name, names, c.want)
			}
		}
		if _, _, err := all.ThreatList(ctx, ThreatFilter{}, "colour", "", 9); err == nil {
			t.Error("threats are sorted by colour")
		}
		if page, _, err := seenBy(db, parties["north"].ID).ThreatList(ctx, ThreatFilter{}, BySize, "", 9); err != nil || len(page) != 0 {
			t.Errorf("a party sees %+v, %v of what isn't shared", page, err)
		}
		page, _, err := all.ThreatList(ctx, ThreatFilter{Text: "cobalt"}, BySize, "", 9)
		if err != nil || len(page) != 1 {
			t.Fatal(page, err)
		}
		controllers, err := all.Controllers(ctx, page[0].ID, 10)
		if err != nil || len(controllers) != 3 || controllers[0].Asset.Name != "c2.example.net" {
			t.Errorf("controllers: got %+v, %v", controllers, err)
		}
		evidence, err := all.EvidenceOf(ctx, page[0].ID)
		if err != nil || len(evidence) != 1 || evidence[0].Observations != 3 || evidence[0].Role != casebook.Controller || !evidence[0].FirstSeen.Equal(noon) {
			t.Errorf("evidence: got %+v, %v", evidence, err)
		}
		days, err := all.ThreatDays(ctx, page[0].ID, 0)
		if want := []ThreatDay{{casebook.Controller, casebook.DayOf(noon), 3}}; err != nil || !slices.Equal(days, want) {
			t.Errorf("days: got %+v, %v", days, err)
		}
		_, err = seenBy(db, parties["north"].ID).EvidenceOf(ctx, page[0].ID)
		wantIs(t, "evidence of what isn't shared", err, casebook.ErrNotFound)
	})
}
