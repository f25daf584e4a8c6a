package web

import (
	"encoding/csv"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// TestSituationPage: the tables say what the JSON says, for every span.
func TestSituationPage(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	figures := read[situation](t, ask(h, "GET", "/situation?span=7d", nil, "Accept", "application/json"), 200)
	sum := stepFigure{}
	for _, m := range figures.Series {
		sum.Observations += m.Observations
		sum.Findings += m.Findings
		sum.Bots += m.Bots
		sum.Due += m.Due
		sum.Missed += m.Missed
	}
	// Of the 14th three observations of two bots and one of a controller, of the 12th one of another.
	if sum.Observations != 5 || sum.Findings != 4 || sum.Bots != 2 || sum.Missed != 1 || sum.Due < 2 || len(figures.Series) != 7 {
		t.Errorf("got %+v in %d steps", sum, len(figures.Series))
	}
	text := page200(t, h, "/situation?span=7d", "en")
	wantWords(t, part(t, text, "observed"), `<time datetime="2026-03-14">14 Mar 2026</time></th><td class="n" data-n="4">4<`, `<td class="n">5</td></tr></tfoot>`)
	wantWords(t, part(t, text, "fresh"), `data-n="2">2</td>`)
	wantWords(t, part(t, text, "threats"), ">examplebot</a>", `<svg class="bar"`)
	wantWords(t, part(t, text, "grades"), "cn-miit-2009-156", "level=serious", "threshold not known")
	wantWords(t, part(t, text, "region"), "not known", `aria-sort="descending"`)
	if n := strings.Count(page200(t, h, "/situation?span=24h", "zh"), `data-n="`); n != 24*(1+2+4) {
		t.Errorf("a day has %d figures, want one of each kind an hour", n)
	}
	for _, target := range []string{"/situation?span=1y", "/situation?sort=colour"} {
		wantProblem(t, ask(h, "GET", target, nil, "Accept", "application/json"), 400, "")
	}
}

// TestThreatsAreNarrowedOnTheirPage: what the form asks for is what is listed, and what
// was asked for stays in the form and in the links.
func TestThreatsAreNarrowedOnTheirPage(t *testing.T) {
	h := trusted(busy(t).Desk)
	text := page200(t, h, "/threats?q=EXAMPLE&sort=size", "en")
	wantWords(t, text, ">examplebot</a>", `value="EXAMPLE"`, `name="sort" value="size"`, `href="?q=EXAMPLE&amp;sort=seen"`)
	if strings.Contains(text, "SampleTrojan") {
		t.Error("another family is listed")
	}
	wantWords(t, page200(t, h, "/threats?class=fraud", "en"), "No threat fits")
	wantProblem(t, ask(h, "GET", "/threats?active=always", nil, "Accept", "application/json"), 400, "active")
	wantProblem(t, ask(h, "GET", "/threats?sort=colour", nil, "Accept", "application/json"), 400, "colour")
}

// TestThreatEvidence: a threat says in sentences what sources say of it, and how large
// it is.
func TestThreatEvidence(t *testing.T) {
	d := busy(t).Desk
	h := trusted(d)
	one := threatNamed(t, d, "examplebot")
	text := page200(t, h, "/threats/"+one.ID.Text("thr"), "en")
	wantWords(t, part(t, text, "evidence"), "<strong>shadowserver/event4_sinkhole</strong>: 3 observations of it as bot (infected system)", "from <time datetime=\"2026-03-14T00:00:07Z\">", "confidence 90 %")
	wantWords(t, part(t, text, "sizes"), "Behind one shared address (NAT)")
	wantWords(t, part(t, text, "days"), "Seen on 1 of the 91 days", "at most 2 assets a day", `<svg class="strip"`)
	wantWords(t, text, `<input type="text" id="by-asset"`, "/assets?of=192.0.2.80", "/findings.csv?threat="+one.ID.Text("thr"))
	if strings.Contains(text, `id="by-family"`) {
		t.Error("a threat's own findings can be narrowed to a family")
	}
	controllers := page200(t, h, "/threats/"+threatNamed(t, d, "SampleTrojan").ID.Text("thr"), "zh")
	wantWords(t, part(t, controllers, "controllers"), "198.51.100.44", "端口 443")
}

func threatNamed(t *testing.T, d *desk.Desk, name string) casebook.Threat {
	t.Helper()
	all, err := d.Reader(casebook.Operator()).Threats(t.Context(), casebook.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(th casebook.Threat) bool { return th.Name == name })
	if i < 0 {
		t.Fatalf("no threat %q", name)
	}
	return all[i]
}

// TestFindingsPage: the list is narrowed, refuses what it can't look for beside the
// field, and goes out as CSV.
func TestFindingsPage(t *testing.T) {
	d := busy(t).Desk
	h := trusted(d)
	text := page200(t, h, "/findings?role=controller&asset=198.51.100.0%2F24", "en")
	wantWords(t, text, "198.51.100.44", `value="198.51.100.0/24"`, `<option value="controller" selected>`, "/findings.csv?asset=198.51.100.0%2F24&amp;role=controller", "/api/v1/findings?asset=198.51.100.0%2F24&amp;role=controller")
	if strings.Contains(text, "192.0.2.7") {
		t.Error("a bot is listed among controllers")
	}
	wantWords(t, page200(t, h, "/findings?asset=some+machine", "en"), "Write an address", `aria-invalid="true"`, `value="some machine"`)
	wantWords(t, page200(t, h, "/findings?asset=0.0.0.0%2F1", "zh"), "网段过大")
	wantWords(t, page200(t, h, "/findings?since=yesterday", "en"), "Write a day as")
	wantWords(t, page200(t, h, "/findings?region=CN-11", "en"), "No finding fits")
	wantProblem(t, ask(h, "GET", "/api/v1/findings?asset=0.0.0.0%2F1", nil), 400, "wider")
	wantProblem(t, ask(h, "GET", "/findings.csv?asset=nonsense", nil), 400, "nonsense")
	if strings.Contains(text, "/orders/new?") || strings.Contains(text, `class="picks"`) {
		t.Error("a list without a case offers to order about its rows")
	}

	w := ask(h, "GET", "/findings.csv?role=bot", nil)
	rows, err := csv.NewReader(w.Body).ReadAll()
	if err != nil || w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/csv") || !strings.Contains(w.Header().Get("Content-Disposition"), "findings.csv") {
		t.Fatal(w.Code, w.Header(), err)
	}
	var assets []string
	for _, row := range rows[1:] {
		assets = append(assets, row[3])
	}
	if want := []string{"192.0.2.7", "192.0.2.80"}; !slices.Equal(rows[0], findingColumns) || !slices.Equal(assets, want) {
		t.Errorf("got %q under %q, want %q", assets, rows[0], want)
	}
	f := sample()
	f.Holder, f.Family = "=1+1", "@SUM(A1)"
	if got := findingRecord(&f); len(got) != len(findingColumns) || got[6] != "'=1+1" || got[7] != "'@SUM(A1)" {
		t.Errorf("a formula goes out as %q", got)
	}
}

// TestSearchPage: what is found says why, leads to its page, and is the same for
// programs.
func TestSearchPage(t *testing.T) {
	b := busy(t)
	h := trusted(b.Desk)
	wantWords(t, page200(t, h, "/search?q=192.0.2.", "en"), `href="/assets?of=192.0.2.7">192.0.2.7</a>`, "in this prefix, last seen", `value="192.0.2."`)
	wantWords(t, page200(t, h, "/search?q=example-bot", "en"), ">examplebot</a>", "the family in another spelling")
	wantWords(t, page200(t, h, "/search?q=win.examplebot", "en"), ">examplebot</a>")
	wantWords(t, page200(t, h, "/search?q=north+found", "en"), "Botnet found at North Access", "by its title")
	wantWords(t, page200(t, h, "/search?q=north", "zh"), "North Access", "名称匹配", "标题匹配")
	wantWords(t, page200(t, h, "/search?q="+b.opened.ID.Text("inc"), "en"), "by its identifier")
	wantWords(t, page200(t, h, "/search?q=of+nothing", "en"), "Nothing that you may see fits")
	f := get[found](t, h, "/api/v1/search?q=192.0.2.7", 200)
	if len(f.Groups) != 1 || f.Groups[0].Noun != "finding" || len(f.Groups[0].List) != 1 || f.Groups[0].List[0].Why != "address" || f.Groups[0].List[0].Of != "examplebot" {
		t.Errorf("got %+v", f)
	}
	page := read[found](t, ask(h, "GET", "/search?q=192.0.2.7", nil, "Accept", "application/json"), 200)
	if len(page.Groups) != 1 || page.Groups[0].List[0] != (hitView{f.Groups[0].List[0].ID, "192.0.2.7", "address", "examplebot", f.Groups[0].List[0].At, ""}) {
		t.Errorf("the page's JSON is %+v, want %+v", page, f)
	}
	wantProblem(t, ask(h, "GET", "/search?q="+strings.Repeat("a", maxSearch+1), nil, "Accept", "application/json"), 400, "characters")
}

// TestSearchIsNarrowed: a party's people find its own part and nothing else.
func TestSearchIsNarrowed(t *testing.T) {
	g := newGrounds(t)
	i := slices.IndexFunc(g.walkers, func(w walker) bool { return w.name == "abuse_desk" })
	for text, want := range map[string]int{"192.0.2.7": 1, "192.0.2.0/24": 1, "family own": 1, "own": 2, "198.51.100.9": 0, "198.51.100.": 0, "family other": 0, "other": 0,
		g.objects["other"]["incidents"]: 0, g.objects["other"]["findings"]: 0, g.objects["other"]["orders"]: 0, g.objects["own"]["orders"]: 1} {
		stops["GET /api/v1/search"] = stop{query: "q=" + url.QueryEscape(text)}
		f := read[found](t, g.call(t, "GET /api/v1/search", g.walkers[i], "own"), 200)
		n := 0
		for _, group := range f.Groups {
			n += len(group.List)
		}
		if n != want {
			t.Errorf("%q: the party finds %+v, want %d", text, f.Groups, want)
		}
	}
	stops["GET /api/v1/search"] = stop{query: "q=family"}
}

// TestAssetPage: an address shows who holds it, what it takes part in, and what was
// ordered about it.
func TestAssetPage(t *testing.T) {
	g := newGrounds(t)
	h := trusted(g.desk)
	text := page200(t, h, "/assets?of=192.0.2.7", "en")
	wantWords(t, text, "Net own", "AS64500", "Family own", "Clean", "not answered", "controller")
	wantWords(t, part(t, text, "attributed"), "own", "14 Mar 2026")
	wantWords(t, page200(t, h, "/assets?of=192.0.2.7&day=2026-03-14", "en"), "Seen on that day", "<td>yes</td>")
	wantWords(t, page200(t, h, "/assets?of=192.0.2.7&day=2026-03-13", "en"), "Nothing that you may see is known of it")
	wantWords(t, page200(t, h, "/assets?of=nobody.example.org", "zh"), "没有您可查看的相关记录")
	wantProblem(t, ask(h, "GET", "/assets?of=%20", nil, "Accept", "application/json"), 404, "")
	i := slices.IndexFunc(g.walkers, func(w walker) bool { return w.name == "abuse_desk" })
	stops["GET /assets"] = stop{query: "of=198.51.100.9"}
	answer := g.call(t, "GET /assets", g.walkers[i], "own").Body.String()
	stops["GET /assets"] = stop{query: "of=192.0.2.7"}
	for _, never := range []string{"Net other", "Family other"} {
		if strings.Contains(answer, never) {
			t.Errorf("a party is told of %q, which is another's", never)
		}
	}
}

// TestStripOfDays: the strip ends with the last day, and its words say what it draws.
func TestStripOfDays(t *testing.T) {
	last := casebook.DayOf(time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC))
	s := makeStrip([]store.ThreatDay{{Role: casebook.Bot, Day: last - 200, Assets: 9}, {Role: casebook.Bot, Day: last - 3, Assets: 4}, {Role: casebook.Bot, Day: last - 1, Assets: 2}, {Role: casebook.Controller, Day: last - 1, Assets: 1}, {Role: casebook.Bot, Day: last, Assets: 1}}, last)
	if want := []dayRun{{last - 1, last, 3}, {last - 3, last - 3, 4}}; !slices.Equal(s.Runs, want) || s.Seen != 3 || !s.Before || len(s.Days) != stripDays {
		t.Errorf("got %+v, seen %d, before %v\nwant %+v", s.Runs, s.Seen, s.Before, want)
	}
	drawn := string(s.Draw())
	if strings.Count(drawn, "<rect ") != stripDays || strings.Count(drawn, `class="d0"`) != stripDays-3 || strings.Count(drawn, `class="d4"`) != 1 {
		t.Errorf("got %s", drawn)
	}
	if found := regexp.MustCompile(`style|script`).FindString(drawn); found != "" {
		t.Errorf("the drawing has %q", found)
	}
}

// TestChartsInBrowser: the charts are drawn from the tables beside them, in both
// languages, without a breach of the policy; the tables can be reached by keyboard and
// are there without a script.
func TestChartsInBrowser(t *testing.T) {
	b := openBrowser(t, busy(t).Desk)
	for _, lang := range []string{"en", "zh"} {
		b.open("/situation?span=7d&lang=" + lang)
		b.until(`[...document.querySelectorAll("[data-table]")].every(p => p.drawn && p.querySelector("canvas"))`)
		if n := find[int64](b, `document.querySelectorAll("[data-table]").length`); n != 3 {
			t.Fatalf("%d charts, want 3", n)
		}
		const differ = `[...document.querySelectorAll("[data-table]")].flatMap(p => {
			const rows = [...document.querySelectorAll("#" + p.dataset.table + " tbody tr")].reverse();
			return rows.flatMap((r, i) => [...r.querySelectorAll("[data-n]")].filter((c, k) => p.drawn.data[k + 1][i] !== Number(c.textContent.replaceAll(",", ""))).map(c => p.dataset.table + ": " + r.textContent));
		}).join("; ")`
		if got := find[string](b, differ); got != "" {
			t.Errorf("in %s a chart shows something else than its table: %s", lang, got)
		}
		if !find[bool](b, `[...document.querySelectorAll("[data-table]")].every(p => p.getAttribute("aria-hidden") === "true")`) {
			t.Error("a chart is read out beside its table")
		}
	}
	b.quiet()
	b.open("/situation?lang=en")
	for range 80 {
		if find[string](b, `document.activeElement.id`) == "owed-table" {
			break
		}
		b.press(kb.Tab)
	}
	if got := find[string](b, `document.activeElement.id`); got != "owed-table" {
		t.Errorf("the keyboard doesn't reach the table of duties but %q", got)
	}
	b.open("/findings?lang=en")
	b.tabTo("by-asset")
	b.press("192.0.2.80", kb.Enter)
	b.until(`location.search.includes("192.0.2.80") && document.querySelectorAll("#list tbody tr").length === 1`)
	b.quiet()

	_, err := chromedp.Call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.must(err)
	b.open("/situation?span=7d&lang=en")
	hidden, err := chromedp.Run(b, chromedp.AttributeValue(".plot", "hidden"))
	b.must(err)
	figure, err := chromedp.Run(b, chromedp.TextContent("#observed-table tfoot"))
	b.must(err)
	if !hidden.Exists || !strings.Contains(figure, "5") {
		t.Errorf("without a script an empty chart is shown, or the table lacks its sum %q", figure)
	}
}
