package web

import (
	"cmp"
	"fmt"
	"html/template"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/report"
)

// paperFunctions is what templates of reports and orders call besides.
func (l *language) paperFunctions(laws *regime.Library) template.FuncMap {
	return template.FuncMap{
		"stageOf": func(law, stage string) template.HTML {
			return l.stageName(laws, casebook.Duty{Regime: law, Stage: stage})
		},
		"says":           func(w report.Words) string { return w.In(l.paper()) },
		"paper":          l.paper,
		"filled":         l.filled,
		"reportInput":    l.reportInput,
		"words":          l.optionsOf,
		"channels":       func() []option { return l.optionsOf("channel", outsideChannels) },
		"receiptFacts":   func() []option { return l.optionsOf("receipt", receiptFacts) },
		"answerOptions":  l.answerOptions,
		"versionOptions": l.versionOptions,
		"powers":         func(all []regime.Power) []option { return l.powerOptions(laws, all) },
		"exactIn":        l.exactIn,
		"entries":        l.entryOptions,
		"term":           l.term,
		"dutySteps":      func() []string { return dutyActs },
		"deref":          func(a *casebook.Anchor) casebook.Anchor { return *a },
	}
}

// filled is input with a value that stands there until somebody typed another one.
func (l *language) filled(f form, name, kind, key, label, hint, value string) (field, error) {
	in, err := l.input(f, name, kind, key, label, hint)
	if f.Name != name {
		in.Value = value
	}
	return in, err
}

// reportInput is a field of a report as an input.
type reportInput struct {
	field
	Report report.Field
	Secret bool
	Lines  int
	From   string // where the value came from, in words
	Shown  string // what the page shows, so that a field left alone isn't taken for a typed one
}

func (l *language) reportInput(f form, one report.Field) (reportInput, error) {
	in, err := l.filled(f, "write", "area", reportField(one.ID), one.Label.In(l.paper()), "", one.Value)
	v := reportInput{field: in, Report: one, Secret: one.Secret, Lines: 1, From: l.source(one.From), Shown: shownAs(one.Value)}
	switch typed := f.Name == "write"; {
	case typed && !f.values.Has(reportField(one.ID)):
		v.Value = one.Value
	case typed:
		v.Shown = cmp.Or(f.values.Get("shown."+one.ID), v.Shown)
		v.Secret = f.values.Get("secret."+one.ID) != ""
	}
	for line := range strings.SplitSeq(in.Value, "\n") {
		v.Lines += 1 + len([]rune(line))/90
	}
	v.Lines = min(max(v.Lines-1, 1), 14)
	return v, err
}

// source says where the value of a field came from: one thing, or several figures.
func (l *language) source(from string) string {
	kind, name, _ := strings.Cut(from, ":")
	said := l.wordOr("from", kind)
	switch {
	case from == "":
		return ""
	case kind == "person":
		return name
	case kind == "fact":
		var figures []string
		for one := range strings.FieldsSeq(from) {
			figures = append(figures, l.wordOr("fact", strings.TrimPrefix(one, "fact:")))
		}
		return said + l.words["colon"] + strings.Join(figures, l.words["comma"])
	}
	return said
}

func (l *language) answerOptions() []option {
	return append([]option{{Value: "", Label: l.words["reply.notyet"]}}, l.optionsOf("reply", answerWords)...)
}

func (l *language) versionOptions(versions []versionView) ([]option, error) {
	var all []option
	for _, v := range versions {
		label, err := l.say("report.version.n", "n", v.Number)
		if err != nil {
			return nil, err
		}
		all = append(all, option{Value: fmt.Sprint(v.Number), Label: label})
	}
	return all, nil
}

func (l *language) powerOptions(laws *regime.Library, powers []regime.Power) []option {
	var all []option
	for _, p := range powers {
		article, _ := l.said.Find(p.Article)
		all = append(all, option{Value: p.Regime, Label: l.law(laws, p.Regime) + " " + article})
	}
	return all
}

// exactIn writes a moment with whatever fraction of a second is known, in a zone and in
// UTC: behind a shared address a customer is found by port and second.
func (l *language) exactIn(t time.Time, zone string) template.HTML {
	at, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		at = time.UTC
	}
	const layout = "2006-01-02 15:04:05.999999"
	text := `<time datetime="` + t.UTC().Format(time.RFC3339Nano) + `">` + t.In(at).Format(layout+" -07:00") + `</time>`
	if at != time.UTC {
		text += `<br><span class="dim">` + t.UTC().Format(layout) + ` UTC</span>`
	}
	return template.HTML(text)
}

// term writes the limit of an order in its largest whole unit.
func (l *language) term(d time.Duration) (string, error) {
	switch {
	case d%(24*time.Hour) == 0 && d >= 48*time.Hour:
		return l.limit(fmt.Sprintf("%d days", d/(24*time.Hour)))
	case d%time.Hour == 0:
		return l.limit(fmt.Sprintf("%dh", d/time.Hour))
	}
	return l.span(d)
}
