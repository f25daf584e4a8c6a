package web

import (
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// said is how a language says what the law packs and the stations write in one
// language, English for the most part. A saying is found by the text that it says,
// so that a text which is changed is never shown in the words of the old one: it
// is shown as it stands, until somebody says it anew.
type said struct {
	exact    map[string]string
	patterns []pattern // with parts of their own, longest first
}

// pattern is a saying with a star for each part that changes.
type pattern struct {
	from *regexp.Regexp
	to   string
	size int
}

// readSaid reads a file of sayings: a line as it is written elsewhere, then, moved
// in by two blanks, how this language says it. "#" begins a comment. A star stands
// for any part, and comes back in the saying in the same order.
func readSaid(text string) (said, error) {
	s := said{exact: map[string]string{}}
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

func (s *said) enter(from, to string) {
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

// openSaid reads the sayings of a language; one that has none says everything as
// it is written.
func openSaid(tag string) said {
	text, err := fs.ReadFile(wordFiles, path.Join("words", "said."+tag+".txt"))
	if err != nil {
		return said{}
	}
	s, err := readSaid(string(text))
	if err != nil {
		panic(fmt.Sprintf("web: words/said.%s.txt: %v", tag, err))
	}
	return s
}

// find says a text; ok is false where the language has no saying for it. Of a text
// of several sentences with semicolons between, each is said by itself.
func (s said) find(text string) (string, bool) {
	if len(s.exact) == 0 || len(text) > maxSaid {
		return text, false
	}
	return saysOnce{s, map[string]saying{}}.find(text)
}

// saysOnce says one text. A part of it comes up again and again, cut here or there: it is
// looked for once, or a text of a dozen sentences would be looked for for seconds.
type saysOnce struct {
	said
	known map[string]saying
}

type saying struct {
	to string
	ok bool
}

func (s saysOnce) find(text string) (string, bool) {
	f, known := s.known[text]
	if !known {
		f.to, f.ok = s.anew(text)
		s.known[text] = f
	}
	return f.to, f.ok
}

func (s saysOnce) anew(text string) (string, bool) {
	if to, ok := s.exact[text]; ok {
		return to, true
	}
	for i := range len(text) {
		if !strings.HasPrefix(text[i:], "; ") {
			continue
		}
		head, ok := s.find(text[:i])
		if !ok {
			continue
		}
		if tail, ok := s.find(text[i+2:]); ok {
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
			if one, ok := s.find(part); ok {
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

// tr says a text that a pack or a station wrote, as HTML. What the language can't
// say is shown as it is, marked with its language for those who hear the page.
func (l *language) tr(text string) template.HTML {
	text, ok := l.said.find(text)
	text = factNames.ReplaceAllStringFunc(text, func(name string) string {
		if said, known := l.words["fact."+name]; known {
			return said
		}
		return name
	})
	if ok || text == "" {
		return template.HTML(template.HTMLEscapeString(text))
	}
	return l.marked(text)
}

// factNames are names as the register of facts has them, within a text.
var factNames = regexp.MustCompile(`\b[a-z0-9]+(?:_[a-z0-9]+)+\b`)

// marked marks what is in another language than the page.
func (l *language) marked(text string) template.HTML {
	if l.tag == "zh" {
		if strings.ContainsFunc(text, isHan) || !strings.ContainsFunc(text, unicode.IsLetter) {
			return template.HTML(template.HTMLEscapeString(text))
		}
		return template.HTML(`<span lang="en">` + template.HTMLEscapeString(text) + `</span>`)
	}
	var b strings.Builder
	for _, run := range runs(text) {
		escaped := template.HTMLEscapeString(run)
		if strings.ContainsFunc(run, isHan) {
			escaped = `<span lang="zh">` + escaped + `</span>`
		}
		b.WriteString(escaped)
	}
	return template.HTML(b.String())
}

// runs cuts a text between what is written in Chinese characters, with their own
// punctuation, and what isn't.
func runs(text string) []string {
	var all []string
	begin, chinese := 0, false
	for i, r := range text {
		if is := isHan(r) || chinese && (r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xffef); is != chinese {
			if i > begin {
				all = append(all, text[begin:i])
			}
			begin, chinese = i, is
		}
	}
	return append(all, text[begin:])
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }
