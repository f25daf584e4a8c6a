package report

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Sayings are how a language says what the law packs and the stations write in one
// language, English for the most part. A saying is found by the text that it says,
// so that a text which is changed is never shown in the words of the old one: it
// is shown as it stands, until somebody says it anew.
type Sayings struct {
	exact    map[string]string
	patterns []pattern // with parts of their own, longest first
}

// pattern is a saying with a star for each part that changes.
type pattern struct {
	from *regexp.Regexp
	to   string
	size int
}

// ReadSayings reads a file of sayings: a line as it is written elsewhere, then, moved
// in by two blanks, how this language says it. "#" begins a comment. A star stands
// for any part, and comes back in the saying in the same order.
func ReadSayings(text string) (Sayings, error) {
	s := Sayings{exact: map[string]string{}}
	from, known := "", map[string]bool{}
	for i, line := range strings.Split(text, "\n") {
		to, saying := strings.CutPrefix(line, "  ")
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case !saying && from == "" && !known[line]:
			from = line
		case saying && from != "" && strings.Count(from, "*") == strings.Count(to, "*"):
			known[from] = true
			s.enter(from, to)
			from = ""
		default:
			return s, fmt.Errorf("line %d: %q is not a new text and, under it, how it is said", i+1, line)
		}
	}
	if from != "" {
		return s, fmt.Errorf("%q isn't said", from)
	}
	slices.SortFunc(s.patterns, func(a, b pattern) int { return b.size - a.size })
	return s, nil
}

func (s *Sayings) enter(from, to string) {
	if !strings.Contains(from, "*") {
		s.exact[from] = to
		return
	}
	parts := strings.Split(from, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	s.patterns = append(s.patterns, pattern{regexp.MustCompile("(?s)^" + strings.Join(parts, "(.+)") + "$"), to, len(from)})
}

// ordinal is where the first star of a saying stands for the number of an article.
var ordinal = regexp.MustCompile(`^[^*]*[第至]\*[至条款项]`)

// numeral writes a number from 0 to 99 as articles are numbered in Chinese.
func numeral(n int) string {
	digits := []rune("零一二三四五六七八九")
	ten, one := n/10, n%10
	switch {
	case ten == 0:
		return string(digits[one])
	case ten == 1 && one == 0:
		return "十"
	case ten == 1:
		return "十" + string(digits[one])
	case one == 0:
		return string(digits[ten]) + "十"
	}
	return string(digits[ten]) + "十" + string(digits[one])
}

// maxSaid is how long a text may be for its saying to be looked for. Nothing that
// the packs and the stations write is longer; what strangers write may be.
const maxSaid = 600

//go:embed said.zh.txt
var chinese string

// sayings are the languages that say what is written in another; read once.
var sayings = sync.OnceValue(func() Sayings {
	s, err := ReadSayings(chinese)
	if err != nil {
		panic(fmt.Sprintf("report: said.zh.txt: %v", err))
	}
	return s
})

// Said gives how a language says what law packs and stations write; English says it as it
// is written.
func Said(lang Lang) Sayings {
	if lang == Chinese {
		return sayings()
	}
	return Sayings{}
}

// inWords says a text, or gives it as it stands where the language has no saying.
func inWords(text string, lang Lang) string {
	said, _ := Said(lang).Find(text)
	return said
}

// Find says a text; ok is false where the language has no saying for it. Of a text
// of several sentences with semicolons between, each is said by itself.
func (s Sayings) Find(text string) (string, bool) {
	if len(s.exact) == 0 || len(text) > maxSaid {
		return text, false
	}
	if to, ok := s.exact[text]; ok {
		return to, true
	}
	for i := range len(text) {
		if !strings.HasPrefix(text[i:], "; ") {
			continue
		}
		head, first := s.Find(text[:i])
		tail, second := s.Find(text[i+2:])
		if first && second {
			return head + "；" + tail, true
		}
	}
	for _, p := range s.patterns {
		m := p.from.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		to := p.to
		for _, part := range m[1:] {
			if one, ok := s.Find(part); ok {
				part = one
			} else if n, err := strconv.Atoi(part); err == nil && n < 100 && ordinal.MatchString(to) {
				part = numeral(n)
			}
			to = strings.Replace(to, "*", strings.ReplaceAll(part, "*", "＊"), 1)
		}
		return to, true
	}
	return text, false
}
