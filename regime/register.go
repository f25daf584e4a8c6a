package regime

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"sync"

	"cel.dev/cel-go/cel"
	"github.com/goccy/go-yaml"

	"tocsin/casebook"
)

//go:embed facts.yaml
var factsFile []byte

// Fact is one figure that conditions may name.
type Fact struct {
	Name    string   `yaml:"name" json:"name"`
	Type    string   `yaml:"type" json:"type"` // number, yes_no, word
	Unit    string   `yaml:"unit" json:"unit,omitempty"`
	Window  string   `yaml:"window" json:"window,omitempty"`
	Meaning string   `yaml:"meaning" json:"meaning"`
	Words   []string `yaml:"words" json:"words,omitempty"` // of a word: what it may be
}

// Register is every fact that there is. It doesn't change once made.
type Register struct {
	facts map[string]Fact
	env   *cel.Env
}

// Facts gives the register that is part of the program.
func Facts() *Register { return register() }

var register = sync.OnceValue(func() *Register {
	r, err := readRegister(factsFile)
	if err != nil {
		panic(err) // the file is part of the program, and a test reads it
	}
	return r
})

func readRegister(text []byte) (*Register, error) {
	var list []Fact
	if err := yaml.UnmarshalWithOptions(text, &list, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("register of facts: %w", err)
	}
	r := &Register{facts: map[string]Fact{}}
	// Comparisons and logic only: no macros that loop.
	options := []cel.EnvOption{cel.ClearMacros()}
	for _, f := range list {
		kind, ok := map[string]*cel.Type{"number": cel.IntType, "yes_no": cel.BoolType, "word": cel.StringType}[f.Type]
		if _, twice := r.facts[f.Name]; !ok || twice || f.Meaning == "" {
			return nil, fmt.Errorf("register of facts: %s: expected a new name, a type and a meaning: %w", f.Name, casebook.ErrInvalid)
		}
		r.facts[f.Name] = f
		options = append(options, cel.Variable(f.Name, kind))
	}
	var err error
	if r.env, err = cel.NewEnv(options...); err != nil {
		return nil, fmt.Errorf("register of facts: %w", err)
	}
	return r, nil
}

// List gives the facts, sorted by name.
func (r *Register) List() []Fact {
	list := make([]Fact, 0, len(r.facts))
	for _, name := range r.names() {
		list = append(list, r.facts[name])
	}
	return list
}

func (r *Register) names() []string { return slices.Sorted(maps.Keys(r.facts)) }

// Check looks whether an incident's facts are in the register, each of its type.
// It gives ErrInvalid, naming the fact and the nearest that there is.
func (r *Register) Check(facts casebook.Facts) error {
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		f, ok := r.facts[name]
		if !ok {
			return fmt.Errorf("facts.%.80s: no such fact in the register%s: %w", name, meant(name, r.names()), casebook.ErrInvalid)
		}
		want := map[string]casebook.ValueKind{"number": casebook.Number, "yes_no": casebook.YesNo, "word": casebook.Word}[f.Type]
		v := facts[name]
		switch {
		case v.Kind == casebook.Unknown:
		case v.Kind != want:
			return fmt.Errorf("facts.%s: %s, expected %s: %w", name, v, typeText(f), casebook.ErrInvalid)
		case want == casebook.Word && len(f.Words) > 0 && !slices.Contains(f.Words, v.Word):
			return fmt.Errorf("facts.%s: %.80q%s: %w", name, v.Word, meant(v.Word, f.Words), casebook.ErrInvalid)
		}
	}
	return nil
}

func typeText(f Fact) string {
	switch f.Type {
	case "number":
		return "a whole number of " + f.Unit + ", or an interval {low, point, high}"
	case "yes_no":
		return "true or false"
	}
	return "a word"
}

// FactsOf gives the facts that a pack's conditions name, sorted by name.
func (l *Library) FactsOf(p *Pack) []Fact {
	named := map[string]bool{}
	note := func(c *Condition) {
		if c != nil {
			for _, f := range c.Facts {
				named[f] = true
			}
		}
	}
	note(p.Grades.except)
	for _, r := range l.rules(p, nil) {
		note(r.when)
	}
	for _, s := range p.Stages {
		note(s.when)
		for _, r := range s.Limits {
			note(r.when)
		}
	}
	list := []Fact{}
	for _, name := range sortedKeys(named) {
		list = append(list, l.facts.facts[name])
	}
	return list
}
