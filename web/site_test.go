package web

import (
	"testing"

	"tocsin/regime"
)

// TestEveryPageIsParsed: a page is parsed when it is first shown, and none may fail then.
func TestEveryPageIsParsed(t *testing.T) {
	pages := 0
	for _, l := range openSite(regime.Builtin()).languages {
		for name, parsed := range l.pages {
			if page := parsed(); page.Lookup("layout.html") == nil {
				t.Errorf("page %s in %s has no layout", name, l.tag)
			}
			pages++
		}
	}
	if pages < 40 {
		t.Errorf("only %d pages are parsed", pages)
	}
}
