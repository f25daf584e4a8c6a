package feed

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func feedsPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/feeds.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// fenced gives the first block of a language on the page.
func fenced(t *testing.T, page, language string) string {
	t.Helper()
	m := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("docs/feeds.md has no block of %s", language)
	}
	return m[1]
}

func TestTheExampleForUsersDoesWhatItSays(t *testing.T) {
	page := feedsPage(t)
	c, err := OpenCatalogue(fstest.MapFS{"honeypot.yaml": {Data: []byte(fenced(t, page, "yaml"))}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Find("honeypot")
	if err != nil {
		t.Fatal(err)
	}
	r := read(t, f, "", strings.NewReader(fenced(t, page, "csv")))
	if want := strings.TrimSpace(fenced(t, page, "json")); r.err != nil || !slices.Equal(r.lines, []string{want}) {
		t.Errorf("%v\ngot  %s\nwant %s", r.err, r.lines, want)
	}
	if len(r.refused) != 1 || r.refused[0].Line != 3 || r.refused[0].Field != "attacker" {
		t.Errorf("refused: got %+v, want line 3, field attacker", r.refused)
	}
	if len(r.refused) == 1 && !strings.Contains(page, r.refused[0].Reason) {
		t.Errorf("the page doesn't show the reason %s", r.refused[0].Reason)
	}
}

// TestThePageListsWhatThereIs keeps the page for users and the code together.
func TestThePageListsWhatThereIs(t *testing.T) {
	page := feedsPage(t)
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|.*\\| asset of ").FindAllStringSubmatch(page, -1) {
		listed = append(listed, m[1])
	}
	var known []string
	for name := range kindNames {
		known = append(known, name)
	}
	slices.Sort(listed)
	slices.Sort(known)
	if !slices.Equal(listed, known) {
		t.Errorf("the page lists the kinds %q, the code has %q", listed, known)
	}
	for _, f := range Builtin().Formats() {
		if !strings.Contains(page, "| `"+f.Name+"` |") {
			t.Errorf("the page doesn't list the feed %s", f.Name)
		}
	}
}
