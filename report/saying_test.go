package report

import (
	"fmt"
	"strings"
	"testing"
	"time"
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

// TestSayingsInTime: a note of many sentences is looked for as fast as a page wants it.
func TestSayingsInTime(t *testing.T) {
	text := "Asked by telephone: nobody is offline"
	for i := range 24 {
		text += fmt.Sprintf("; figure_%d = no", i)
	}
	begun := time.Now()
	if _, ok := Said(Chinese).Find(text); ok {
		t.Error("this is said nowhere")
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}
