package web

import (
	"slices"
	"strings"

	"tocsin/regime"
)

// lawTexts gives every text of the program's own law packs that a page shows, each
// once, in the order of the packs.
func lawTexts() []string {
	var all []string
	say := func(texts ...string) {
		for _, text := range texts {
			if text != "" && !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	for _, p := range regime.Builtin().Packs() {
		if p.NativeName == "" {
			say(p.Name)
		}
		say(p.RestsOn, p.WhyNot, p.InForce.Note, p.Who.Article, p.Who.Note, p.Grades.Note, p.Consequences.Note)
		say(p.Notes...)
		say(p.Known...)
		for _, s := range p.Stages {
			say(s.Name, s.Article, s.RestsOn)
			for _, l := range s.Limits {
				say(l.Blank, l.Source)
			}
			for _, id := range slices.Concat(s.To.AllOf, s.To.AnyOf, s.CopyTo) {
				say(p.Recipients[id].Name)
			}
		}
		for _, r := range p.Grades.Rules {
			say(r.Says, r.Article, r.Blank, r.Source)
		}
		for _, w := range p.Powers {
			say(w.Says, w.Form, w.Article, w.Appeal)
		}
		for _, e := range p.Examples {
			say(e.Name)
		}
	}
	return all
}

// saidPacks are the law packs of which every language says everything.
var saidPacks = []string{"cn-cac-2025", "cn-miit-2009-156", "cn-miit-2017-202"}

// citation is a text that is shown as it is written: where something was read.
func citation(text string) bool {
	return strings.Contains(text, "JD Supra") || !strings.ContainsAny(text, " ")
}
