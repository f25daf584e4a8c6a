package detect

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func sharedData(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("TOCSIN_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	file := filepath.Join(root, name)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("shared data not found: %s", file)
	}
	return file
}

func readNames(t testing.TB, file string) []MadeName {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var texts []string
	if strings.HasSuffix(file, ".json") {
		var list struct{ List []string }
		if err := json.NewDecoder(f).Decode(&list); err != nil {
			t.Fatal(err)
		}
		texts = list.List
	} else {
		for s := bufio.NewScanner(f); s.Scan(); {
			texts = append(texts, s.Text())
		}
	}
	seen := map[string]bool{}
	var names []MadeName
	for _, text := range texts {
		text = strings.ToLower(strings.Trim(strings.TrimSpace(text), "."))
		if label, suffix, ok := Label(text); ok && !seen[text] {
			seen[text] = true
			names = append(names, MadeName{label, suffix})
		}
	}
	return names
}

// hourWith makes an hour in which a host asked for names that nobody owns, and for
// some that exist.
func hourWith(failed, answered []MadeName) *Hour {
	h := &Hour{Host: netip.MustParseAddr("10.0.0.5"), From: 1_764_000_000_000_000 / hour * hour}
	add := func(names []MadeName, fails bool) {
		for i, n := range names {
			one := Name{Name: n.Label + "." + n.Suffix, Lookups: 1, Types: TypeA, First: h.From + int64(i)*1e6, Last: h.From + int64(i)*1e6}
			if fails {
				one.Failed = 1
				h.Failed++
			} else {
				one.Answered = 1
			}
			h.Lookups++
			h.Names = append(h.Names, one)
		}
	}
	add(failed, true)
	add(answered, false)
	slices.SortFunc(h.Names, func(a, b Name) int { return strings.Compare(a.Name, b.Name) })
	h.Names = slices.CompactFunc(h.Names, func(a, b Name) bool { return a.Name == b.Name })
	return h
}

// accused reports whether the hour is more than context.
func accused(h *Hour) bool {
	return slices.ContainsFunc(generated(h, &Bench{}), func(e Evidence) bool { return e.Ceiling >= Suspected })
}

const hoursOf = 20 // names of a host-hour, as the bars say

// realFamilies finds lists of names that real programs made, one a line: every file
// of the folder but those of people's names and of mixtures. The model saw none.
func realFamilies(t *testing.T) (families, people []string) {
	t.Helper()
	root := sharedData(t, "traffic/dga/families")
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		base := filepath.Base(name)
		switch {
		case err != nil || d.IsDir() || !strings.HasSuffix(name, ".txt") || strings.HasPrefix(base, "others"):
		case strings.HasPrefix(base, "opendns"):
			people = append(people, name)
		default:
			families = append(families, name)
		}
		return err
	})
	if err != nil || len(families) == 0 || len(people) == 0 {
		t.Fatalf("%d families, %d lists of people's names, %v", len(families), len(people), err)
	}
	return families, people
}

// TestDGAFigures prints how the shipped model does on real families, which it was
// never shown, and on names that people really asked for; and holds it to its bars.
func TestDGAFigures(t *testing.T) {
	m := ShippedNameModel()
	files, asked := realFamilies(t)
	var people []MadeName
	for _, file := range asked {
		people = append(people, readNames(t, file)...)
	}
	limit := tail(people, 0.001, func(n MadeName) float64 { return m.Name(n.Label) })
	plain := func(n MadeName) float64 { return m.NameFigures(n.Label)[2] } // log-likelihood ratio of runs of three
	plainLimit := tail(people, 0.001, plain)
	r := rand.New(rand.NewPCG(1, 2))
	names, plainNames, hours := 0.0, 0.0, 0.0
	n := 0.0
	for _, file := range files {
		family := strings.TrimSuffix(filepath.Base(file), ".txt")
		list := readNames(t, file)
		if len(list) < hoursOf {
			continue
		}
		n++
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		list = list[:min(len(list), 4000)]
		single := share(list, func(n MadeName) bool { return m.Name(n.Label) > limit })
		plainly := share(list, func(n MadeName) bool { return plain(n) > plainLimit })
		found := shareOfHours(list, func(set []MadeName) bool { return accused(hourWith(set, people[:10])) })
		t.Logf("%-32s host-hours found %.3f   names alone at 0.1 %% false %.3f (runs of three alone %.3f)", family, found, single, plainly)
		names, plainNames, hours = names+single, plainNames+plainly, hours+found
	}
	t.Logf("%-32s host-hours found %.3f   names alone at 0.1 %% false %.3f (runs of three alone %.3f)", "mean of families", hours/n, names/n, plainNames/n)
	if hours/n < 0.9 || names/n < 0.45 {
		t.Errorf("host-hours %.3f, want 0.9; names alone %.3f, want 0.45", hours/n, names/n)
	}
}

// TestDGAOutage lets the resolver fail for names that people chose, from lists of
// several kinds, each host-hour of one list: nobody may be accused. Nobody asks for
// fifty universities and nothing else in an hour; that list may show one of a thousand.
func TestDGAOutage(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, list := range []string{"dga/families/opendns-top-domains.txt", "misp-warninglists/tranco10k.json", "misp-warninglists/majestic_million.json", "misp-warninglists/cisco_top20k.json",
		"misp-warninglists/university_domains.json", "misp-warninglists/moz-top500.json", "misp-warninglists/covid-19-cyber-threat-coalition-whitelist.json"} {
		people := readNames(t, sharedData(t, "traffic/"+list))
		for _, n := range []int{10, hoursOf, 50, 300} {
			wrong, hours := 0, 0
			for range 4 {
				r.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
				for set := range slices.Chunk(people, n) {
					hours++
					if accused(hourWith(set, nil)) {
						wrong++
					}
				}
			}
			t.Logf("%-62s host-hours of %3d names, all failing: %d of %d accused", list, n, wrong, hours)
			if wrong > 0 && (!strings.Contains(list, "university") || wrong*1000 > hours) {
				t.Errorf("%d accused", wrong)
			}
		}
	}
}

// tail gives the score that a share of the names passes.
func tail(names []MadeName, part float64, score func(MadeName) float64) float64 {
	var scores []float64
	for _, n := range names {
		scores = append(scores, score(n))
	}
	slices.Sort(scores)
	return scores[len(scores)-1-int(part*float64(len(scores)))]
}

func share(names []MadeName, is func(MadeName) bool) float64 {
	n := 0
	for _, one := range names {
		if is(one) {
			n++
		}
	}
	return float64(n) / float64(len(names))
}

func shareOfHours(names []MadeName, is func([]MadeName) bool) float64 {
	n, all := 0, 0
	for set := range slices.Chunk(names, hoursOf) {
		if len(set) == hoursOf {
			all++
			if is(set) {
				n++
			}
		}
	}
	return float64(n) / float64(all)
}
