package web

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/regime"
)

// lawsView is the page of all law packs.
type lawsView struct {
	Lines []lawView
}

// lawView is one law pack.
type lawView struct {
	*regime.Pack
	Now      bool           // it is in force
	Versions []*regime.Pack // every one there is, oldest first
}

func (s *server) regimesPage(x *exchange) error {
	at := s.desk.Now()
	var v lawsView
	packs := s.desk.Laws().Packs()
	for _, id := range s.desk.Laws().IDs() {
		p, err := s.desk.Laws().Find(id)
		if err != nil {
			return err
		}
		v.Lines = append(v.Lines, lawView{Pack: p, Now: inForce(p) && s.desk.Laws().At(id, at) != nil})
	}
	return s.render(x, "regimes", v, pageOf(packs, len(packs), func(p *regime.Pack) lawLine { return s.viewLaw(p, at) }, nil).Body)
}

func (s *server) regimePage(x *exchange) error {
	p, err := s.desk.Laws().Find(x.request.PathValue("id"))
	if err != nil {
		return err
	}
	at := s.desk.Now()
	v := lawView{Pack: p, Now: inForce(p) && s.desk.Laws().At(p.ID, at) == p}
	for _, other := range s.desk.Laws().Packs() {
		if other.ID == p.ID {
			v.Versions = append(v.Versions, other)
		}
	}
	return s.render(x, "regime", v, law{s.viewLaw(p, at), *p})
}

// inForce reports whether a pack's clocks run at all: those of one that is only
// known of, or proposed, don't.
func inForce(p *regime.Pack) bool { return p.Status == "in_force" || p.Status == "historical" }

// Recipient gives what the law calls one of its recipients.
func (v lawView) Recipient(id string) string { return v.Recipients[id].Name }

// GivenFacts writes the facts of an example, sorted by name, with their values as
// they are written.
func (v lawView) GivenFacts(e regime.Example) []string {
	facts := e.Facts
	if facts == nil {
		facts, _ = e.Given["facts"].(map[string]any)
	}
	var all []string
	for name, value := range facts {
		text := fmt.Sprint(value)
		switch value := value.(type) {
		case float64:
			text = number(int64(value))
		case map[string]any:
			text = fmt.Sprintf("%v (%v–%v)", plainNumber(value["point"]), plainNumber(value["low"]), plainNumber(value["high"]))
		}
		all = append(all, name+" = "+text)
	}
	slices.Sort(all)
	return all
}

func plainNumber(v any) string {
	if f, ok := v.(float64); ok {
		return number(int64(f))
	}
	return fmt.Sprint(v)
}

// Blanks are what the law leaves open, each with who must fill it in.
func (v lawView) Blanks() []string {
	var all []string
	for _, r := range v.Grades.Rules {
		all = append(all, r.Blank)
	}
	for _, s := range v.Stages {
		for _, reading := range s.Limits {
			all = append(all, reading.Blank)
		}
	}
	var blanks []string
	for _, b := range all {
		if b = strings.TrimSpace(b); b != "" && !slices.Contains(blanks, b) {
			blanks = append(blanks, b)
		}
	}
	return blanks
}
