package web

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axe finds the script of axe-core, which checks a page for people who don't see it,
// or see it badly, by the rules of WCAG.
func axe(t *testing.T) string {
	t.Helper()
	name := os.Getenv("TOCSIN_AXE")
	if name == "" {
		t.Skip("no axe-core here: set TOCSIN_AXE to its axe.min.js (npm pack axe-core); ./test fetches it")
	}
	text, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// violations names what axe-core finds on a page: the rule, and where.
const violations = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
	r.violations.flatMap(v => v.nodes.slice(0, 3).map(n => v.id + ": " + n.target.join(" ") + " (" + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? v.help) + ")")).join("\n"))`

// TestAxe: no page has anything that axe-core calls a violation, by day in English and
// by night in Chinese.
func TestAxe(t *testing.T) {
	script := axe(t)
	busy := busy(t)
	b := openBrowser(t, busy.Desk)
	check := func() string {
		find[bool](b, `(() => { `+script+`; return true })()`)
		find[bool](b, `(window.found = undefined, `+violations+`.then(found => { window.found = found }), true)`)
		b.until(`window.found !== undefined`)
		return find[string](b, `window.found`)
	}
	b.open("/?lang=en")
	find[bool](b, `(document.querySelector("main").append(document.createElement("img")), true)`)
	if found := check(); !strings.Contains(found, "image-alt") {
		t.Errorf("of an image that says nothing it finds %q", found)
	}
	seen := map[string]bool{}
	for _, path := range pagesOf(t, busy.Desk) {
		kind := kindOf(path)
		if seen[kind] {
			continue
		}
		seen[kind] = true
		for scheme, lang := range map[string]string{"light": "en", "dark": "zh"} {
			_, err := chromedp.Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			b.must(err)
			separator := "?"
			if strings.Contains(path, "?") {
				separator = "&"
			}
			b.open(path + separator + "lang=" + lang)
			if found := check(); found != "" {
				t.Errorf("%s in %s, %s:\n%s", path, lang, scheme, found)
			}
		}
	}
}
