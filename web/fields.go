package web

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/store"
)

// field is one labelled input of a form.
type field struct {
	ID, Name, Kind     string
	Label, Hint, Fault string
	Value              string
	Needed             bool
	First              bool // of the fields in which something is wrong
	Options            []option
}

// option is one thing that can be chosen.
type option struct {
	Value  string
	Label  string
	Group  string
	Chosen bool
}

// input makes a field of a form. Kinds: text, name, area, moment, figure.
func (l *language) input(f form, name, kind, key string, label string, hint string) (field, error) {
	needed := strings.HasSuffix(kind, "!")
	in := field{ID: name + "-" + strings.ReplaceAll(key, ".", "-"), Name: key, Kind: strings.TrimSuffix(kind, "!"), Label: label, Hint: hint, Needed: needed, Value: f.Typed(name, key)}
	if in.Kind == "name" && f.Name != name {
		in.Value = f.As
	}
	return in, l.explain(&in, f, name)
}

// pick makes a field in which one of some options is chosen. The first one is
// chosen where nobody said.
func (l *language) pick(f form, name, key string, label string, hint string, options []option) (field, error) {
	in := field{ID: name + "-" + strings.ReplaceAll(key, ".", "-"), Name: key, Kind: "select", Label: label, Hint: hint, Options: slices.Clone(options), Needed: true}
	for i := range in.Options {
		if f.Name == name {
			in.Options[i].Chosen = in.Options[i].Value == f.values.Get(key)
		}
	}
	return in, l.explain(&in, f, name)
}

// explain says what is wrong with a field.
func (l *language) explain(in *field, f form, name string) (err error) {
	if f.Name != name {
		return nil
	}
	for i, one := range f.faults {
		if one.Field == in.Name {
			in.First = i == 0
			in.Fault, err = l.say(one.Key, one.With...)
			return err
		}
	}
	return nil
}

// refusalNote is why a form was refused, to be told above it.
type refusalNote struct {
	Title  string
	Detail template.HTML
}

// refusal gives why the form of a name was refused; nil if it wasn't.
func (l *language) refusal(f form, name string) (*refusalNote, error) {
	if f.Name != name || f.Status == 0 {
		return nil, nil
	}
	title, err := l.say(fmt.Sprintf("refused.%d", f.Status))
	return &refusalNote{title, l.tr(f.Detail)}, err
}

// figure makes a field for a fact. What was observed of it is told beside: who
// leaves the field empty lets it stand.
func (l *language) figure(f form, name string, fact regime.Fact, observed *store.KnownFact) (field, error) {
	label := l.wordOr("fact", fact.Name)
	hint := ""
	if observed != nil {
		value, err := l.fact(observed.Value)
		if err != nil {
			return field{}, err
		}
		if hint, err = l.say("figure.observed", "value", value); err != nil {
			return field{}, err
		}
	}
	key := factField(fact.Name)
	switch fact.Type {
	case "yes_no":
		return l.pick(f, name, key, label, hint, []option{{Value: "", Label: l.words["unknown"]}, {Value: "yes", Label: l.words["yes"]}, {Value: "no", Label: l.words["no"]}})
	case "word":
		return l.pick(f, name, key, label, hint, slices.Concat([]option{{Value: "", Label: l.words["unknown"]}}, l.optionsOf("rank", fact.Words)))
	}
	return l.input(f, name, "figure", key, label, hint)
}

// optionsOf makes options of the words of a list.
func (l *language) optionsOf(list string, values []string) []option {
	var all []option
	for _, value := range values {
		all = append(all, option{Value: value, Label: l.wordOr(list, value)})
	}
	return all
}

// levelOptions are the levels of some laws, each under its law.
func (l *language) levelOptions(laws *regime.Library, groups []levelGroup) []option {
	var all []option
	for _, g := range groups {
		for _, level := range g.Levels {
			all = append(all, option{Value: g.Regime + " " + level, Label: l.wordOr("level", level), Group: l.law(laws, g.Regime)})
		}
	}
	return all
}

func (l *language) zoneOptions(zones []string) []option {
	var all []option
	for _, zone := range zones {
		all = append(all, option{Value: zone, Label: l.zoneName(zone)})
	}
	return all
}

func partyOptions(parties []casebook.Party) []option {
	var all []option
	for _, p := range parties {
		all = append(all, option{Value: p.ID.Text(casebook.PartyPrefix), Label: p.Name})
	}
	return all
}

func (l *language) factOptions(facts []regime.Fact) []option {
	var all []option
	for _, f := range facts {
		all = append(all, option{Value: f.Name, Label: l.wordOr("fact", f.Name)})
	}
	slices.SortStableFunc(all, func(a, b option) int { return strings.Compare(a.Label, b.Label) })
	return all
}

// Groups gives the options of a field group by group, in their order.
func (f field) Groups() []optionGroup {
	var groups []optionGroup
	for _, o := range f.Options {
		if n := len(groups); n == 0 || groups[n-1].Name != o.Group {
			groups = append(groups, optionGroup{Name: o.Group})
		}
		last := &groups[len(groups)-1]
		last.Options = append(last.Options, o)
	}
	return groups
}

// optionGroup is options under one heading; "" is none.
type optionGroup struct {
	Name    string
	Options []option
}

// actor says who did something: a person by name, a rule or a machine by what it is.
func (l *language) actor(by string) string {
	kind, name, ok := strings.Cut(by, ":")
	if !ok || kind == "person" {
		return strings.TrimPrefix(by, "person:")
	}
	return l.wordOr(kind, name)
}

// figuresView is the part of a form in which facts are told.
type figuresView struct {
	Form   form
	Name   string
	Groups []figureGroup
	Others []regime.Fact
}
