package web

import (
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
)

// pagesOf lists the addresses of every page of a desk.
func pagesOf(t *testing.T, d *desk.Desk) []string {
	t.Helper()
	all := []string{"/", "/nothing"}
	r := d.Reader(casebook.Operator())
	deliveries, err := r.Deliveries(t.Context(), casebook.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range deliveries {
		all = append(all, "/deliveries/"+one.ID.Text("dlv"), "/deliveries/"+one.ID.Text("dlv")+"?after_row=1000")
	}
	threats, err := r.Threats(t.Context(), casebook.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range threats {
		all = append(all, "/threats/"+one.ID.Text("thr"), "/threats/"+one.ID.Text("thr")+"?cursor="+casebook.ID{}.Text("fnd"))
	}
	return all
}

func page200(t *testing.T, h http.Handler, target, lang string) string {
	t.Helper()
	w := ask(h, "GET", target, nil, "Accept", "text/html", "Accept-Language", lang)
	want := 200
	if strings.HasPrefix(target, "/nothing") {
		want = 404
	}
	if w.Code != want || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Header().Get("Content-Language") != lang {
		t.Fatalf("%s in %s: got %d %v\n%s", target, lang, w.Code, w.Header(), w.Body)
	}
	return w.Body.String()
}

// inline finds what the policy forbids, and what a page mustn't load.
var inline = regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son[a-z]+=|javascript:|http-equiv|(?:src|href)="(?:https?:)?//`)

var tagged = regexp.MustCompile(`<[^>]*>`)

var han = regexp.MustCompile(`\p{Han}`)

func TestEveryPageInEveryLanguage(t *testing.T) {
	for name, d := range map[string]*desk.Desk{"empty": openDesk(t, desk.Config{}), "loaded": loaded(t)} {
		h := trusted(d)
		for _, target := range pagesOf(t, d) {
			for _, lang := range []string{"en", "zh"} {
				text := page200(t, h, target, lang)
				if !strings.Contains(text, `<html lang="`+lang+`">`) || !strings.HasSuffix(text, "</html>\n") && !strings.Contains(text, "</html>") {
					t.Errorf("%s desk, %s: not a whole page in %s", name, target, lang)
				}
				if found := inline.FindString(text); found != "" {
					t.Errorf("%s desk, %s: has %q", name, target, found)
				}
				said := strings.ReplaceAll(tagged.ReplaceAllString(text, ""), "中文", "")
				if han.MatchString(said) != (lang == "zh") {
					t.Errorf("%s desk, %s in %s speaks another language:\n%s", name, target, lang, said)
				}
				for _, landmark := range []string{"<header>", "<main ", "<nav ", "<footer>", `class="skip"`, "<h1"} {
					if strings.Count(text, landmark) != 1 {
						t.Errorf("%s desk, %s: %d of %s, want 1", name, target, strings.Count(text, landmark), landmark)
					}
				}
				if strings.Count(text, "<table>") != strings.Count(text, "<caption><span>") {
					t.Errorf("%s desk, %s: a table has no caption", name, target)
				}
			}
		}
	}
}

func TestEmptyPageSaysWhatToDo(t *testing.T) {
	h := trusted(openDesk(t, desk.Config{}))
	for _, lang := range []string{"en", "zh"} {
		text := page200(t, h, "/", lang)
		for _, want := range []string{"tocsin load --feed shadowserver", "tocsin holding import", "tocsin audit"} {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	}
}

// TestMarkup: what strangers write is shown, and never obeyed.
func TestMarkup(t *testing.T) {
	d := loaded(t)
	h := trusted(d)
	shown := 0
	for _, target := range pagesOf(t, d) {
		text := page200(t, h, target, "en")
		shown += strings.Count(text, "&lt;script&gt;alert(1)&lt;/script&gt;") + strings.Count(text, "&lt;b&gt;feodo")
		for _, never := range []string{"<script", "<b>feodo", "alert(1)</"} {
			if strings.Contains(text, never) {
				t.Errorf("%s has %q", target, never)
			}
		}
	}
	if shown < 4 {
		t.Errorf("the markup is shown %d times: the test looks at nothing", shown)
	}
}

func TestFirstPage(t *testing.T) {
	d := loaded(t)
	text := page200(t, trusted(d), "/", "en")
	for _, want := range []string{
		sinkholeName, "event4_sinkhole", "taken in", "192.0.2.7", "198.51.100.44", "SampleTrojan", "examplebot", "14 Mar 2026 00:02",
		"controller", "All times are UTC", "tocsin audit --data " + string(d.Directory()),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	// The larger threat comes first: two bots before one controller.
	if strings.Index(text, ">examplebot<") > strings.Index(text, ">SampleTrojan<") {
		t.Errorf("the largest threat isn't first in\n%s", text)
	}
	if zh := page200(t, trusted(d), "/", "zh"); !strings.Contains(zh, "控制端") || !strings.Contains(zh, "受控主机") || !strings.Contains(zh, "2026年3月14日 00:02") {
		t.Errorf("in Chinese:\n%s", zh)
	}
}

// TestLinks follows every link of every page, on this platform and nowhere else.
func TestLinks(t *testing.T) {
	d := loaded(t)
	h := trusted(d)
	link := regexp.MustCompile(`(?:href|src)="([^"#]+)(?:#[^"]*)?"`)
	for _, target := range pagesOf(t, d) {
		for _, m := range link.FindAllStringSubmatch(page200(t, h, target, "en"), -1) {
			address := strings.ReplaceAll(m[1], "&amp;", "&")
			if strings.HasPrefix(address, "?") {
				address = "/"
			}
			if w := ask(h, "GET", address, nil); w.Code != 200 && !strings.HasPrefix(address, "/nothing") {
				t.Errorf("%s links to %s: %d", target, address, w.Code)
			}
		}
	}
}

func TestPageOfManyRows(t *testing.T) {
	d := openDesk(t, desk.Config{})
	text := `"first_seen_utc","dst_ip","dst_port","c2_status","last_online","malware"` + "\n"
	for i := range 150 {
		text += fmt.Sprintf(`"2026-03-02 11:20:33","198.51.100.%d","443","online","2026-03-14","SampleTrojan"`+"\n", i)
		text += fmt.Sprintf(`"2026-03-02 11:20:33","198.51.100.%d","443","online","2026-03-14","SampleTrojan"`+"\n", 300+i)
	}
	id := load(t, d, "feodo", "many.csv", text).ID.Text("dlv")
	h := trusted(d)
	next := regexp.MustCompile(`<a href="(\?[^"]+)" rel="next">`)
	threats := get[page[threat]](t, h, "/api/v1/threats", 200)
	for _, target := range []string{"/deliveries/" + id, "/threats/" + threats.Items[0].ID} {
		first := page200(t, h, target, "en")
		m := next.FindStringSubmatch(first)
		if m == nil {
			t.Fatalf("%s has no next page:\n%s", target, first)
		}
		second := page200(t, h, target+m[1], "en")
		if next.MatchString(second) || strings.Count(first, "<tr>")-strings.Count(second, "<tr>") != 50 {
			t.Errorf("%s: %d rows, then %d", target, strings.Count(first, "<tr>"), strings.Count(second, "<tr>"))
		}
	}
}

// TestPageAsJSON: a page and its JSON are one handler.
func TestPageAsJSON(t *testing.T) {
	d := loaded(t)
	h := trusted(d)
	threats := get[page[threat]](t, h, "/api/v1/threats", 200)
	one := read[threat](t, ask(h, "GET", "/threats/"+threats.Items[0].ID, nil, "Accept", "application/json"), 200)
	if fmt.Sprint(one) != fmt.Sprint(threats.Items[0]) {
		t.Errorf("got %+v\nwant %+v", one, threats.Items[0])
	}
	wantProblem(t, ask(h, "GET", "/threats/x", nil, "Accept", "application/json"), 400, "identifier like thr_")
}

func TestLanguage(t *testing.T) {
	h := trusted(openDesk(t, desk.Config{}))
	for _, c := range []struct{ name, target, cookie, accept, want string }{
		{"nothing said", "/", "", "", "en"},
		{"the browser's", "/", "", "de, zh-Hans-CN;q=0.9, en;q=0.8", "zh"},
		{"the browser's, by weight", "/", "", "zh;q=0.2, en-GB;q=0.9", "en"},
		{"one that we don't speak", "/", "", "fr", "en"},
		{"one that is refused", "/", "", "zh;q=0", "en"},
		{"chosen before", "/", "zh", "en", "zh"},
		{"chosen now", "/?lang=en", "zh", "zh", "en"},
		{"nonsense", "/?lang=../../x", "<script>", ";q=x,,", "en"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := ask(h, "GET", c.target, nil, "Accept", "text/html", "Accept-Language", c.accept, "Cookie", "lang="+c.cookie)
			if got := w.Header().Get("Content-Language"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if kept := strings.HasPrefix(w.Header().Get("Set-Cookie"), "lang="+c.want+"; "); kept != (c.target == "/?lang=en") {
				t.Errorf("got cookie %q", w.Header().Get("Set-Cookie"))
			}
		})
	}
}

func TestStatic(t *testing.T) {
	s := openSite()
	h := trusted(openDesk(t, desk.Config{}))
	for name, mediaType := range map[string]string{"tocsin.css": "text/css; charset=utf-8", "bell.svg": "image/svg+xml"} {
		w := ask(h, "GET", s.paths[name], nil)
		want, err := fs.ReadFile(staticFiles, path.Join("static", name))
		if err != nil {
			t.Fatal(err)
		}
		if w.Code != 200 || w.Body.String() != string(want) || w.Header().Get("Content-Type") != mediaType ||
			w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: got %d %v", name, w.Code, w.Header())
		}
		if w := ask(h, "GET", "/static/"+name, nil); w.Code != 404 {
			t.Errorf("%s without its hash: got %d", name, w.Code)
		}
	}
}

// closedLists gives every value that a page may show of each closed list.
func closedLists() map[string][]string {
	lists := map[string][]string{}
	enter := func(list string, of func(uint8) fmt.Stringer) {
		for n := range uint8(255) {
			name := of(n).String()
			if strings.HasPrefix(name, "unknown-") {
				break
			}
			if name != "" {
				lists[list] = append(lists[list], name)
			}
		}
	}
	enter("role", func(n uint8) fmt.Stringer { return casebook.Role(n) })
	enter("severity", func(n uint8) fmt.Stringer { return casebook.Severity(n) })
	enter("state", func(n uint8) fmt.Stringer { return casebook.State(n) })
	enter("delivery.state", func(n uint8) fmt.Stringer { return casebook.DeliveryState(n) })
	for n := range casebook.Test + 1 {
		lists["type"] = append(lists["type"], n.String())
		lists["class"] = append(lists["class"], n.Class())
	}
	for _, status := range []int{400, 401, 403, 404, 405, 408, 409, 413, 421, 500} {
		lists["problem"] = append(lists["problem"], fmt.Sprint(status))
	}
	lists["door"] = doorFaults
	return lists
}

// TestWords: each language says everything that is asked for, and nothing else.
func TestWords(t *testing.T) {
	used := map[string]bool{"age.seconds": true, "age.minutes": true, "age.hours": true, "age.days": true}
	for list, values := range closedLists() {
		for _, value := range values {
			used[list+"."+value] = true
		}
	}
	call := regexp.MustCompile(`\bt "([^"]+)"`)
	lists := regexp.MustCompile(`\bword "([^"]+)"`)
	names, err := fs.Glob(pageFiles, "page/*.html")
	if err != nil || len(names) == 0 {
		t.Fatal("no pages", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(pageFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = true
		}
		for _, m := range lists.FindAllStringSubmatch(string(text), -1) {
			if closedLists()[m[1]] == nil {
				t.Errorf("%s shows words of %q, which isn't a closed list", name, m[1])
			}
		}
	}
	place := regexp.MustCompile(`\{\w+\}`)
	languages := openLanguages()
	for _, l := range languages {
		for key := range used {
			if l.words[key] == "" {
				t.Errorf("words/%s.txt lacks %s", l.tag, key)
			}
		}
		for key, said := range l.words {
			if !used[key] {
				t.Errorf("words/%s.txt has %s, which nobody says", l.tag, key)
			}
			got, want := place.FindAllString(said, -1), place.FindAllString(languages[0].words[key], -1)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("words/%s.txt: %s has the places %v, want %v", l.tag, key, got, want)
			}
		}
	}
}

func TestReadWords(t *testing.T) {
	for _, text := range []string{"key\n", "key \n", "a one\na two\n"} {
		if _, err := readWords(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestFigures(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -999: "-999", 1234567: "1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("number %d: got %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 64_600_000: "64.6 MB", 2e12: "2.0 TB", 5e15: "5000.0 TB"} {
		if got := fileSize(n); got != want {
			t.Errorf("size %d: got %s, want %s", n, got, want)
		}
	}
	for i, want := range map[casebook.Interval]string{{}: "0", {Low: 2, Point: 2, High: 2}: "2", {Low: 1000, Point: 1060, High: 1100}: "1,060 (1,000–1,100)"} {
		if got := interval(i); got != want {
			t.Errorf("interval %v: got %s, want %s", i, got, want)
		}
	}
	en := openLanguages()[0]
	for d, want := range map[time.Duration]string{-1: "0 s old", 119 * time.Second: "119 s old", 2 * time.Minute: "2 min old", 47 * time.Hour: "47 h old", 48 * time.Hour: "2 days old"} {
		if got, err := en.age(d); got != want || err != nil {
			t.Errorf("age %v: got %s %v, want %s", d, got, err, want)
		}
	}
}
