package demo

import (
	"maps"
	"regexp"
	"slices"
	"testing"
)

// Every act has its words in every language, and no language has words that nobody says.
func TestWords(t *testing.T) {
	said := map[string]bool{"by_you": true}
	for _, state := range []string{"settling", "ended", "failed"} {
		said[state], said[state+".text"] = true, true
	}
	for _, a := range story() {
		said[a.name], said[a.name+".text"], said[a.name+".done"] = true, true, true
	}
	place := regexp.MustCompile(`\{\w+\}`)
	law := regexp.MustCompile(`^(.+)\.law$`)
	for language, w := range languages {
		for key := range said {
			if w[key] == "" {
				t.Errorf("words/%s.txt lacks %s", language, key)
			}
		}
		for key, text := range w {
			if m := law.FindStringSubmatch(key); !said[key] && (m == nil || !said[m[1]]) {
				t.Errorf("words/%s.txt has %s, which nobody says", language, key)
			}
			got, want := place.FindAllString(text, -1), place.FindAllString(languages["en"][key], -1)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("words/%s.txt %s names %q, in English %q", language, key, got, want)
			}
		}
	}
	if en, zh := slices.Sorted(maps.Keys(languages["en"])), slices.Sorted(maps.Keys(languages["zh"])); !slices.Equal(en, zh) {
		t.Errorf("the languages have other keys: %q, %q", en, zh)
	}
}
