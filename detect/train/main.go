// Command train makes the model by which names that programs make up are told from
// names that people choose. It learns from two things only: names that people chose,
// out of a list whose licence allows it, and names that it makes up itself in the
// ways that have been published of such programs. No name of a real program is among
// them, so every real family is one that it was never shown.
//
//	go run ./detect/train -chosen cloudflare-top100k.json -out detect/dga.model
//
// The list is misp-warninglists' "Top 100K websites from Cloudflare Radar" (CC0-1.0). The same
// list gives the same model to the byte.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"tocsin/detect"
)

func main() {
	log.SetFlags(0)
	chosen := flag.String("chosen", "", "the list of names that people chose, as misp-warninglists writes it")
	out := flag.String("out", "detect/dga.model", "where the model is written")
	flag.Parse()
	text, err := os.ReadFile(*chosen)
	if err != nil {
		log.Fatal("train: ", err)
	}
	var list struct{ List []string }
	if err := json.Unmarshal(text, &list); err != nil {
		log.Fatalf("train: %s: %v", *chosen, err)
	}
	names := labels(list.List)
	m := train(names, sourceOf(names, text))
	if err := os.WriteFile(*out, m.Bytes(), 0o644); err != nil {
		log.Fatal("train: ", err)
	}
	fmt.Printf("%s: %d octets\n", *out, len(m.Bytes()))
}

// sourceOf says what the model is made of.
func sourceOf(names []detect.MadeName, text []byte) string {
	return fmt.Sprintf("%d names out of misp-warninglists cloudflare-top100k (CC0-1.0, sha256 %x), and names made by detect/train itself", len(names), sha256.Sum256(text))
}

// labels splits the names, in an order that a seed gives.
func labels(list []string) []detect.MadeName {
	slices.Sort(list)
	var names []detect.MadeName
	for _, name := range list {
		if label, suffix, ok := detect.Label(name); ok && len(label) > 1 && len(label) < 64 {
			names = append(names, detect.MadeName{Label: label, Suffix: suffix})
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// train makes the model. The networks learn from names that the counts beside them
// haven't seen, by two halves that swap their parts: a network that saw the counted
// names would trust the counts too much. The counts that go into the model are of
// all names.
func train(names []detect.MadeName, source string) *detect.NameModel {
	words := words(names)
	full := &detect.NameModel{Source: source, Made: made(words)}
	count(full, names)
	half := len(names) / 2
	folds := []fold{{names: names[half:]}, {names: names[:half]}}
	for i, counted := range [][]detect.MadeName{names[:half], names[half:]} {
		folds[i].model = &detect.NameModel{Made: full.Made}
		count(folds[i].model, counted)
	}
	full.OfName = learn(nameExamples(folds, words), 24, 16, 11)
	for i := range folds {
		folds[i].model.OfName = full.OfName
	}
	full.OfSet = learn(setExamples(folds, words), 16, 14, 12)
	return full
}

// fold is a model's counts of one half of the names, and the other half.
type fold struct {
	model *detect.NameModel
	names []detect.MadeName
}

// nameExamples are as many chosen names as made ones.
func nameExamples(folds []fold, words []string) []example {
	r := rand.New(rand.NewPCG(3, 4))
	var list []example
	for _, f := range folds {
		for _, n := range f.names {
			list = append(list, example{f.model.NameFigures(n.Label), false, 1})
		}
		for i := 0; i < len(f.names); i += 8 {
			made := newFamily(r, r.IntN(len(shapes)), words)
			for range 8 {
				label, _ := made.name(r)
				list = append(list, example{f.model.NameFigures(label), true, 1})
			}
		}
	}
	return list
}

const sets = 60_000 // of each kind

// setExamples are sets of names: of people's, as one host may ask for them, and of
// one program's.
func setExamples(folds []fold, words []string) []example {
	r := rand.New(rand.NewPCG(5, 6))
	var list []example
	for _, f := range folds {
		by := map[string][]detect.MadeName{}
		for _, n := range f.names {
			by[n.Suffix] = append(by[n.Suffix], n)
		}
		sorted := slices.Clone(f.names)
		slices.SortFunc(sorted, func(a, b detect.MadeName) int { return strings.Compare(a.Label, b.Label) })
		for i := range sets / len(folds) {
			list = append(list, example{f.model.SetFigures(peoples(r, f.names, sorted, by)), false, 1})
			made := newFamily(r, i%len(shapes), words)
			var set []detect.MadeName
			for range 10 + r.IntN(39) {
				label, suffix := made.name(r)
				set = append(set, detect.MadeName{Label: label, Suffix: suffix})
			}
			list = append(list, example{f.model.SetFigures(set), true, 1})
		}
	}
	return list
}

// peoples draws a set that people's names give: at random, all below one suffix (a
// country's, com), or neighbours in the alphabet, which share their words.
func peoples(r *rand.Rand, names, sorted []detect.MadeName, by map[string][]detect.MadeName) []detect.MadeName {
	n := 10 + r.IntN(39)
	from := names
	switch r.IntN(10) {
	case 0, 1:
		if same := by[names[r.IntN(len(names))].Suffix]; len(same) > 100 {
			from = same
		}
	case 2:
		at := r.IntN(len(sorted) - 2000)
		from = sorted[at : at+200+r.IntN(1800)]
	}
	var set []detect.MadeName
	for range n {
		set = append(set, from[r.IntN(len(from))])
	}
	return set
}
