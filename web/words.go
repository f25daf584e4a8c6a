package web

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"reflect"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/report"
)

//go:embed words/*.txt
var wordFiles embed.FS

// A language is how pages speak: words, numbers, moments, and the pages
// themselves, parsed with them.
type language struct {
	tag   string // BCP 47
	words map[string]string
	said  report.Sayings
	pages map[string]func() *template.Template // by name; each is parsed once
}

// readWords reads a file of words: a line is a key, a blank and the text; "#"
// begins a comment.
func readWords(text string) (map[string]string, error) {
	words := map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, said, ok := strings.Cut(line, " ")
		if _, twice := words[key]; twice || !ok || strings.TrimSpace(said) == "" {
			return nil, fmt.Errorf("line %d: %q is not a new key, a blank and a text", i+1, line)
		}
		words[key] = said
	}
	return words, nil
}

// openLanguages reads every file of words; the first language is the one for who
// asks for none that we have.
func openLanguages() []*language {
	var all []*language
	for _, tag := range []string{"en", "zh"} {
		text, err := fs.ReadFile(wordFiles, path.Join("words", tag+".txt"))
		if err != nil {
			panic(fmt.Sprintf("web: %v", err))
		}
		words, err := readWords(string(text))
		if err != nil {
			panic(fmt.Sprintf("web: words/%s.txt: %v", tag, err))
		}
		all = append(all, &language{tag: tag, words: words})
		all[len(all)-1].said = report.Said(all[len(all)-1].paper())
	}
	return all
}

// functions is what templates call; laws are those that they speak of.
func (l *language) functions(laws *regime.Library) template.FuncMap {
	all := template.FuncMap{
		"t": l.say, "word": l.word, "wordOr": l.wordOr, "number": anyNumber, "bytes": fileSize, "interval": interval,
		"moment": l.moment, "day": l.day, "dayOf": l.dayOf, "date": l.date, "age": l.age, "lang": func() string { return l.tag },
		"stamp": l.stamp, "inZone": l.inZone, "zone": l.zoneName, "clockIn": l.clockIn, "left": l.left, "span": l.span, "rhythm": l.rhythm, "isZero": time.Time.IsZero,
		"tr": l.tr, "marked": l.marked, "limit": l.limit, "fact": l.fact, "actor": l.actor, "clockOff": l.clockOff,
		"law":        func(id string) string { return l.law(laws, id) },
		"lawTitle":   l.lawTitle,
		"stage":      func(d casebook.Duty) template.HTML { return l.stageName(laws, d) },
		"recipients": func(d casebook.Duty, copies bool) template.HTML { return l.recipients(laws, d, copies) },
		"input":      l.input, "pick": l.pick, "figure": l.figure, "refusal": l.refusal,
		"option": func(value, label string) option { return option{Value: value, Label: label} },
		"options": func(all ...any) []option {
			var list []option
			for _, one := range all {
				switch one := one.(type) {
				case option:
					list = append(list, one)
				case []option:
					list = append(list, one...)
				}
			}
			return list
		},
		"categories": func() []option { return l.optionsOf("category", categories) },
		"levels":     func(groups []levelGroup) []option { return l.levelOptions(laws, groups) },
		"zones":      l.zoneOptions,
		"parties":    partyOptions,
		"others":     l.factOptions,
		"figuresOf": func(f form, name string, groups []figureGroup, others []regime.Fact) figuresView {
			return figuresView{f, name, groups, others}
		},
		"len64":  func(list any) int64 { return int64(reflect.ValueOf(list).Len()) },
		"either": func(a, b string) string { return cmp.Or(a, b) },
		"bar":    bar, "percent": percent, "step": l.step, "assetPage": pageOfAsset,
		"plus": func(a, b int64) int64 { return a + b }, "less": func(a, b int64) int64 { return a - b },
	}
	maps.Copy(all, l.paperFunctions(laws))
	return all
}

// say gives the text of a key, with {name} replaced by the value that follows
// the name. A key without a text is a fault of the page.
func (l *language) say(key string, with ...any) (string, error) {
	text, ok := l.words[key]
	if !ok {
		return "", fmt.Errorf("no word for %q in %s", key, l.tag)
	}
	for i := 0; i+1 < len(with); i += 2 {
		text = strings.ReplaceAll(text, fmt.Sprintf("{%v}", with[i]), fmt.Sprint(with[i+1]))
	}
	return text, nil
}

// word gives the word for a value of a closed list, such as a role; "" for a
// value that is written so.
func (l *language) word(list string, value any) (string, error) {
	name := fmt.Sprint(value)
	if name == "" {
		return "", nil
	}
	return l.say(list + "." + name)
}

// moment writes a moment in UTC to the minute, which a page says once.
func (l *language) moment(t time.Time) template.HTML {
	layout := "2 Jan 2006 15:04"
	if l.tag == "zh" {
		layout = "2006年1月2日 15:04"
	}
	// Digits and our own layout: nothing in it comes from outside.
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `">` + t.UTC().Format(layout) + `</time>`)
}

// dayOf writes the UTC day of a moment.
func (l *language) dayOf(t time.Time) template.HTML { return l.day(casebook.DayOf(t)) }

// date writes a day of the laws, 2026-11-01, as day does; what is none, as it stands.
func (l *language) date(text string) template.HTML {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return template.HTML(template.HTMLEscapeString(text))
	}
	return l.dayOf(t)
}

func (l *language) day(d casebook.Day) template.HTML {
	layout := "2 Jan 2006"
	if l.tag == "zh" {
		layout = "2006年1月2日"
	}
	return template.HTML(`<time datetime="` + d.String() + `">` + d.Start().Format(layout) + `</time>`)
}

// age writes how long ago something was, in its largest whole unit.
func (l *language) age(d time.Duration) (string, error) {
	switch {
	case d >= 48*time.Hour:
		return l.say("age.days", "n", int64(d/(24*time.Hour)))
	case d >= 2*time.Hour:
		return l.say("age.hours", "n", int64(d/time.Hour))
	case d >= 2*time.Minute:
		return l.say("age.minutes", "n", int64(d/time.Minute))
	}
	return l.say("age.seconds", "n", int64(max(d, 0)/time.Second))
}

// number groups the digits of an integer by three, as both languages do.
func number[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// anyNumber is number for templates.
func anyNumber(n any) (string, error) {
	switch n := n.(type) {
	case int:
		return number(n), nil
	case int64:
		return number(n), nil
	}
	return "", fmt.Errorf("%v is a %T and no number", n, n)
}

// interval writes a best guess, with its bounds where they differ.
func interval(i casebook.Interval) string {
	if i.Low == i.High {
		return number(i.Point)
	}
	return number(i.Point) + " (" + number(i.Low) + "–" + number(i.High) + ")"
}

// fileSize writes a size in the largest decimal unit that leaves at least 1.
func fileSize(n int64) string {
	size, unit := float64(n), "B"
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if size < 1000 {
			break
		}
		size, unit = size/1000, next
	}
	if unit == "B" {
		return number(n) + " B"
	}
	return strconv.FormatFloat(size, 'f', 1, 64) + " " + unit
}

// choose finds the language of a request: what the address asks for, then what
// was chosen before, then what the browser prefers. chosen says that the address
// did.
func choose(all []*language, r *http.Request) (l *language, chosen bool) {
	if l := speaks(all, r.URL.Query().Get("lang")); l != nil {
		return l, true
	}
	if c, err := r.Cookie("lang"); err == nil {
		if l := speaks(all, c.Value); l != nil {
			return l, false
		}
	}
	best := 0.0
	l = all[0]
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, parameter, _ := strings.Cut(part, ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q="); ok {
			weight, _ = strconv.ParseFloat(q, 64)
		}
		if other := speaks(all, strings.TrimSpace(tag)); other != nil && weight > best {
			l, best = other, weight
		}
	}
	return l, false
}

// speaks finds a language by a tag of it or of one of its regions ("zh-Hans-CN").
func speaks(all []*language, tag string) *language {
	primary, _, _ := strings.Cut(tag, "-")
	for _, l := range all {
		if strings.EqualFold(primary, l.tag) {
			return l
		}
	}
	return nil
}
