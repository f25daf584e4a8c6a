package feed

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxWords = 4096 // kept by a vocabulary
	maxWord  = 255  // octets in one
)

// vocabulary makes strings of the few words that a column repeats, each once.
type vocabulary map[string]word

// word is what a column's text says. It is exact if s holds all of it, and long
// if s is empty because the text is over maxWord.
type word struct {
	s           string
	exact, long bool
}

// of gives the text without white space around it, as valid UTF-8 without
// control characters; "" for one over maxWord octets and for the words by which
// publishers write that they don't know.
func (v vocabulary) of(b []byte) word {
	if w, ok := v[string(b)]; ok {
		return w
	}
	w := spell(b)
	if len(v) < maxWords && len(b) <= maxWord {
		v[string(b)] = w
	}
	return w
}

func spell(b []byte) word {
	b = bytes.TrimSpace(b)
	if len(b) > maxWord {
		return word{long: true}
	}
	s := string(b)
	switch strings.ToLower(s) {
	case "", "0", "-", "unknown", "none":
		return word{}
	}
	clean := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	if len(clean) > maxWord { // U+FFFD has three octets for one
		return word{long: true}
	}
	return word{s: clean, exact: clean == s}
}
