package web

import (
	"html/template"
	"regexp"
	"strings"
	"unicode"
)

// tr says a text that a pack or a station wrote, as HTML. What the language can't
// say is shown as it is, marked with its language for those who hear the page.
func (l *language) tr(text string) template.HTML {
	text, ok := l.said.Find(text)
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
