package report

import (
	"strings"
	"testing"
	"unicode"

	"tocsin/regime"
)

// TestContentIsSaid: what a Chinese law asks a report to say is asked in Chinese.
func TestContentIsSaid(t *testing.T) {
	n := 0
	for _, p := range regime.Builtin().Packs() {
		if !strings.HasPrefix(p.ID, "cn-") {
			continue
		}
		for _, s := range p.Stages {
			for _, a := range asks(s.Content) {
				n++
				if said := inWords(a.words, Chinese); !strings.ContainsFunc(said, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
					t.Errorf("%s %s asks for %q, which isn't said in Chinese", p.ID, s.ID, a.words)
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d parts of contents were read", n)
	}
}
