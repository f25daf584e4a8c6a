package demo

import (
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tocsin/attribute"
	"tocsin/casebook"
	"tocsin/regime"
)

// feedsOf are all files that a story's errands hand in.
func feedsOf(seed uint64) (all []delivery) {
	g := newGenerator(seed)
	for _, a := range story() {
		for _, e := range a.errands {
			all = append(all, e.files(g, e.at)...)
		}
	}
	return all
}

func TestSameSeedSameFeeds(t *testing.T) {
	if !slices.Equal(feedsOf(7), feedsOf(7)) {
		t.Error("the same seed made other files")
	}
	if slices.Equal(feedsOf(7), feedsOf(8)) {
		t.Error("another seed made the same files")
	}
}

// Each machine of a botnet is one address, in a network of the country.
func TestMachines(t *testing.T) {
	g := newGenerator(1)
	for _, family := range append([]string{duskmoth}, others...) {
		seen := map[netip.Addr]bool{}
		for n := range surge[len(surge)-1].bots {
			address, asn := g.machineAt(family, n)
			if seen[address] {
				t.Fatalf("%s: machine %d has the address of another, %s", family, n, address)
			}
			seen[address] = true
			if !slices.ContainsFunc(networks, func(net struct {
				prefix netip.Prefix
				asn    int
				share  int
			}) bool {
				return net.asn == asn && net.prefix.Contains(address)
			}) {
				t.Fatalf("%s: %s isn't in a network of AS%d", family, address, asn)
			}
		}
	}
}

// Both tables are taken whole, and lead each controller of the botnet to the party that
// is ordered to act on it.
func TestHoldings(t *testing.T) {
	for table, holder := range map[string]string{holdingsAsListed: east, holdingsCorrected: harbour} {
		var b attribute.Builder
		_, err := attribute.Read("holdings.csv", strings.NewReader(table), b.Add, func(r casebook.Refusal) error { return fmt.Errorf("row %d: %s", r.Row, r.Reason) })
		if err != nil {
			t.Fatal(err)
		}
		held, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		for _, party := range []string{north, south, lantern, holder} {
			_, assets, _ := wanted(party)
			for _, text := range assets {
				asset, err := casebook.DomainAsset(text)
				if address, ok := netip.ParseAddr(text); ok == nil {
					asset, err = casebook.AddrAsset(address), nil
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := held.At(asset, opening).Party; got != party {
					t.Errorf("%s leads to %q, want %q", text, got, party)
				}
			}
		}
	}
}

// The sample bureau's word is good law for the program, and says that it is made up.
func TestLaws(t *testing.T) {
	files, err := fs.Sub(regimes, "regimes")
	if err != nil {
		t.Fatal(err)
	}
	l, faults := regime.Load(files)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, id := range []string{"cn-miit-2009-156", "cn-miit-2017-202"} {
		if !slices.ContainsFunc(l.InForce(opening), func(p *regime.Pack) bool { return p.ID == id }) {
			t.Errorf("%s isn't in force on the story's first day", id)
		}
	}
	names, _ := fs.Glob(files, "*.yaml")
	for _, name := range names {
		if text, _ := fs.ReadFile(files, name); !strings.Contains(string(text), "of the demonstration and of no authority") {
			t.Errorf("%s doesn't say that it is made up", name)
		}
	}
}
