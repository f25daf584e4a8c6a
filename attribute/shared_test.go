package attribute_test

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tocsin/attribute"
	"tocsin/casebook"
)

// shared opens a real table, or skips the test.
func shared(t testing.TB, elements ...string) *os.File {
	t.Helper()
	root := os.Getenv("TOCSIN_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	path := filepath.Join(append([]string{root}, elements...)...)
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("shared data not found: %s", path)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// realHoldings reads the open tables: which network has an address, both families.
func realHoldings(t testing.TB) (all []casebook.Holding) {
	t.Helper()
	for _, name := range []string{"asn-ipv4.csv.gz", "asn-ipv6.csv.gz"} {
		all = append(all, readAll(t, shared(t, "traffic", "asn", name), name)...)
	}
	return all
}

func readAll(t testing.TB, f *os.File, name string) (all []casebook.Holding) {
	t.Helper()
	refused := 0
	rows, err := attribute.Read(name, f,
		func(h casebook.Holding) error { all = append(all, h); return nil },
		func(r casebook.Refusal) error {
			if refused++; refused <= 3 {
				t.Logf("%s line %d column %q: %s", name, r.Line, r.Field, r.Reason)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d rows, %d holdings, %d refused", name, rows, len(all), refused)
	return all
}

func build(t testing.TB, holdings []casebook.Holding) *attribute.Table {
	t.Helper()
	var b attribute.Builder
	for _, h := range holdings {
		if err := b.Add(h); err != nil {
			t.Fatal(err)
		}
	}
	table, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func compiled(t testing.TB, table *attribute.Table) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := table.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func load(t testing.TB, b []byte) *attribute.Table {
	t.Helper()
	table, err := attribute.Load(b)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// someAddrs draws addresses near the ends of ranges, where tables go wrong, and
// anywhere in them.
func someAddrs(holdings []casebook.Holding, n int) []netip.Addr {
	random := rand.New(rand.NewPCG(1, 2))
	addrs := make([]netip.Addr, n)
	for i := range addrs {
		h := holdings[random.IntN(len(holdings))]
		switch random.IntN(5) {
		case 0:
			addrs[i] = h.Low
		case 1:
			addrs[i] = h.High
		case 2:
			addrs[i] = h.High.Next()
		case 3:
			addrs[i] = h.Low.Prev()
		default:
			o := h.Low.AsSlice()
			random := random.Uint32()
			o[len(o)-1] ^= byte(random)
			o[len(o)-2] ^= byte(random >> 8)
			addrs[i], _ = netip.AddrFromSlice(o)
		}
		if !addrs[i].IsValid() {
			addrs[i] = h.Low
		}
	}
	return addrs
}

func TestRealNetworksAreFoundAsByReadingTheTable(t *testing.T) {
	holdings := realHoldings(t)
	compare(t, holdings, 20000)
}

func TestRealCountriesAreFoundAsByReadingTheTable(t *testing.T) {
	const name = "ipv4_prefix_country_2026-08-17.csv.gz"
	holdings := readAll(t, shared(t, "feeds", "country-prefixes", name), name)
	holdings = append(holdings, readAll(t, shared(t, "feeds", "ip2asn", "ip2asn-v4.tsv"), "ip2asn-v4.tsv")...)
	compare(t, holdings, 20000)
}

// Made-up ranges of all sizes over both families, more than fit a simple search.
func TestManyRangesAreFoundAsByReadingTheTable(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var holdings []casebook.Holding
	for i := range uint32(6000) {
		o := make([]byte, 4+12*(i%2))
		for at := range o {
			o[at] = byte(random.Uint32())
		}
		low, _ := netip.AddrFromSlice(o)
		p, err := low.Prefix(random.IntN(low.BitLen() + 1))
		if err != nil {
			t.Fatal(err)
		}
		h := casebook.Holding{Low: p.Addr(), High: casebook.LastAddr(p), ASN: i + 1}
		if i%5 == 0 && low.Less(h.High) {
			h.Low = low // no prefix
		}
		if i%7 == 0 {
			h.Party, h.ASN = "party", 0
		}
		holdings = append(holdings, h)
	}
	compare(t, holdings, 3000)
}

// compare asks the table and the definition, of addresses and of prefixes.
func compare(t *testing.T, holdings []casebook.Holding, addrs int) {
	t.Helper()
	table := load(t, compiled(t, build(t, holdings)))
	if got, want := table.Len(), len(holdings); got != want {
		t.Errorf("holdings: got %d, want %d", got, want)
	}
	at := time.Date(2026, 8, 17, 0, 0, 0, 0, time.UTC)
	questions := someAddrs(holdings, addrs)
	slices.SortFunc(questions, netip.Addr.Compare)
	around := holdingsAround(holdings, questions)
	for i, a := range questions {
		asset := casebook.AddrAsset(a)
		if i%4 == 0 {
			p, _ := a.Prefix(a.BitLen() - 1 - i/4%12)
			// Whoever holds all of a prefix holds the address in it.
			asset = casebook.PrefixAsset(p)
		}
		var some []casebook.Holding
		for _, n := range around[i] {
			some = append(some, holdings[n])
		}
		want := byDefinition(some, asset, at)
		if want.By >= 0 {
			want.By = around[i][want.By]
		}
		if got := table.At(asset, at); got != want {
			t.Fatalf("%v:\n got %+v\nwant %+v", asset, got, want)
		}
	}
}

// holdingsAround reads all holdings and gives, for each of the sorted addresses, the
// numbers of those that have it in their range.
func holdingsAround(holdings []casebook.Holding, sorted []netip.Addr) [][]int32 {
	around := make([][]int32, len(sorted))
	for n := range holdings {
		i, _ := slices.BinarySearchFunc(sorted, holdings[n].Low, netip.Addr.Compare)
		for ; i < len(sorted) && !holdings[n].High.Less(sorted[i]); i++ {
			if sorted[i].Is4() == holdings[n].Low.Is4() {
				around[i] = append(around[i], int32(n))
			}
		}
	}
	return around
}
