//go:build !race

// Hundreds of pages, one after the other: nothing goes on at once that the race detector
// could find, and under it reading them takes five times as long. ./test runs this without.

package web

import (
	"regexp"
	"strings"
	"testing"

	"tocsin/desk"
)

// inline finds what the policy forbids, and what a page mustn't load.
var inline = regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son[a-z]+=|javascript:|http-equiv|(?:src|href)="(?:https?:)?//`)

var tagged = regexp.MustCompile(`<[^>]*>`)

// foreignWords are those that a page marks as being of another language, and what a
// person wrote.
var foreignWords = regexp.MustCompile(`<span lang="[a-z]+">[^<]*</span>`)

var han = regexp.MustCompile(`\p{Han}`)

func TestEveryPageInEveryLanguage(t *testing.T) {
	for name, d := range map[string]*desk.Desk{"empty": openDesk(t, desk.Config{}), "loaded": loaded(t), "busy": busy(t).Desk, "ordering": filed(t).Desk} {
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
				said := strings.ReplaceAll(tagged.ReplaceAllString(foreignWords.ReplaceAllString(text, ""), ""), "中文", "")
				if han.MatchString(said) != (lang == "zh") {
					t.Errorf("%s desk, %s in %s speaks another language:\n%s", name, target, lang, said)
				}
				for _, landmark := range []string{"<header>", "<main ", `<nav class="places"`, `<nav class="languages"`, "<footer>", `class="skip"`, "<h1"} {
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

// TestLinks follows every link of every page, on this platform and nowhere else.
func TestLinks(t *testing.T) {
	d := busy(t).Desk
	h := trusted(d)
	link := regexp.MustCompile(`(?:href|src)="([^"#]+)(?:#[^"]*)?"`)
	followed := map[string]bool{}
	for _, target := range pagesOf(t, d) {
		for _, m := range link.FindAllStringSubmatch(page200(t, h, target, "en"), -1) {
			address := strings.ReplaceAll(m[1], "&amp;", "&")
			if strings.HasPrefix(address, "?") {
				path, _, _ := strings.Cut(target, "?")
				address = path + address
			}
			if followed[address] {
				continue
			}
			followed[address] = true
			if w := ask(h, "GET", address, nil); w.Code != 200 && !strings.HasPrefix(address, "/nothing") {
				t.Errorf("%s links to %s: %d", target, address, w.Code)
			}
		}
	}
}
