package demo

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed words/*.txt
var wordFiles embed.FS

// words are what the guide says in a language: a line is a key, a blank and the text.
// In a text {name} is a figure of the story, and " | " parts paragraphs.
type words map[string]string

var languages = map[string]words{"en": readWords("en"), "zh": readWords("zh")}

// readWords reads a language's file; it is part of the program, so a fault in it is one.
func readWords(language string) words {
	text, err := wordFiles.ReadFile("words/" + language + ".txt")
	if err != nil {
		panic(fmt.Sprintf("demo: %v", err))
	}
	w := words{}
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, said, ok := strings.Cut(line, " ")
		if _, twice := w[key]; !ok || twice {
			panic(fmt.Sprintf("demo: words/%s.txt line %d: %q is no new key with a text", language, i+1, line))
		}
		w[key] = said
	}
	return w
}

// wordsIn gives the words of a language, English for one that there are none in.
func wordsIn(language string) words {
	if w := languages[language]; w != nil {
		return w
	}
	return languages["en"]
}

// say gives a text with its figures; a key without a text stands for itself.
func (w words) say(key string, figures ...string) string {
	text, ok := w[key]
	if !ok {
		return key
	}
	for i := 0; i+1 < len(figures); i += 2 {
		text = strings.ReplaceAll(text, "{"+figures[i]+"}", figures[i+1])
	}
	return text
}

// maybe is say, with "" for a key without a text.
func (w words) maybe(key string, figures ...string) string {
	if _, ok := w[key]; !ok {
		return ""
	}
	return w.say(key, figures...)
}

func (w words) paragraphs(key string, figures ...string) []string {
	text := w.maybe(key, figures...)
	if text == "" {
		return nil
	}
	return strings.Split(text, " | ")
}
