package attribute_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/attribute"
	"tocsin/casebook"
)

var (
	spring = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	summer = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	autumn = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
)

// held makes a holding of "192.0.2.0-192.0.2.9", a prefix, or a name.
func held(what string, h casebook.Holding) casebook.Holding {
	low, high, isRange := strings.Cut(what, "-")
	p, err := netip.ParsePrefix(what)
	switch {
	case err == nil:
		h.Low, h.High = p.Addr(), casebook.LastAddr(p)
	case isRange && strings.ContainsAny(low, ".:"):
		h.Low, h.High = netip.MustParseAddr(low), netip.MustParseAddr(high)
	default:
		h.Suffix = what
	}
	return h
}

// asset reads what a person would write.
func asset(s string) casebook.Asset {
	if a, err := netip.ParseAddr(s); err == nil {
		return casebook.AddrAsset(a)
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return casebook.PrefixAsset(p)
	}
	switch {
	case strings.Contains(s, "://"):
		return casebook.Asset{Kind: casebook.URL, Name: s}
	case strings.Contains(s, "@"):
		return casebook.Asset{Kind: casebook.EmailAddr, Name: s}
	}
	a, err := casebook.DomainAsset(s)
	if err != nil {
		panic(err)
	}
	return a
}

func TestWhoHeldIt(t *testing.T) {
	table := build(t, []casebook.Holding{
		0:  held("198.51.0.0/16", casebook.Holding{ASN: 64500, Holder: "Carrier", Region: "DE"}),
		1:  held("198.51.100.0/24", casebook.Holding{Holder: "Hoster"}),
		2:  held("198.51.100.64/26", casebook.Holding{Party: "customer-of-ours"}),
		3:  held("198.51.100.0/24", casebook.Holding{Region: "FR"}),
		4:  held("203.0.113.10-203.0.113.40", casebook.Holding{ASN: 64501, Holder: "Upper"}),
		5:  held("203.0.113.30-203.0.113.50", casebook.Holding{ASN: 64502, Holder: "Lower, and smaller"}),
		6:  held("192.0.2.0/24", casebook.Holding{ASN: 64503, Holder: "Before", To: summer}),
		7:  held("192.0.2.0/24", casebook.Holding{ASN: 64504, Holder: "After", From: summer}),
		8:  held("2001:db8::/32", casebook.Holding{ASN: 64505, Holder: "Six", Party: "six"}),
		9:  held("2001:db8:1::/48", casebook.Holding{ASN: 64506, Holder: "Six customer"}),
		10: held("example", casebook.Holding{Holder: "Registry", Region: "EX"}),
		11: held("shop.example", casebook.Holding{Holder: "Shop", Party: "shop"}),
		12: held("255.255.255.255/32", casebook.Holding{Holder: "Last"}),
		13: held("198.51.100.200-198.51.100.200", casebook.Holding{Holder: "First import"}),
		14: held("198.51.100.200-198.51.100.200", casebook.Holding{Holder: "Second import"}),
		15: held("203.0.113.128/25", casebook.Holding{Party: "only-in-spring", From: spring, To: summer}),
		16: held("203.0.113.0/24", casebook.Holding{Party: "around"}),
	})
	nobody := casebook.Attribution{By: -1}
	for _, c := range []struct {
		asset string
		at    time.Time
		want  casebook.Attribution
	}{
		{"198.51.7.7", summer, casebook.Attribution{ASN: 64500, Holder: "Carrier", Region: "DE", By: 0}},
		// Holder and ASN belong together: the hoster's row tells no ASN, so there is none.
		{"198.51.100.1", summer, casebook.Attribution{Holder: "Hoster", Region: "FR", By: 1}},
		{"198.51.100.64", summer, casebook.Attribution{Holder: "Hoster", Region: "FR", Party: "customer-of-ours", By: 1}},
		{"198.51.100.128", summer, casebook.Attribution{Holder: "Hoster", Region: "FR", By: 1}},
		{"198.51.100.200", summer, casebook.Attribution{Holder: "Second import", Region: "FR", By: 14}},
		{"198.50.255.255", summer, nobody},
		{"198.52.0.0", summer, nobody},
		{"255.255.255.255", summer, casebook.Attribution{Holder: "Last", By: 12}},
		{"0.0.0.0", summer, nobody},
		// Ranges that overlap without nesting: the smaller one.
		{"203.0.113.29", autumn, casebook.Attribution{ASN: 64501, Holder: "Upper", Party: "around", By: 4}},
		{"203.0.113.30", autumn, casebook.Attribution{ASN: 64502, Holder: "Lower, and smaller", Party: "around", By: 5}},
		{"203.0.113.41", autumn, casebook.Attribution{ASN: 64502, Holder: "Lower, and smaller", Party: "around", By: 5}},
		{"203.0.113.51", autumn, casebook.Attribution{Party: "around", By: 16}},
		// A span begins with its From and ends just before its To.
		{"192.0.2.1", spring, casebook.Attribution{ASN: 64503, Holder: "Before", By: 6}},
		{"192.0.2.1", summer.Add(-time.Microsecond), casebook.Attribution{ASN: 64503, Holder: "Before", By: 6}},
		{"192.0.2.1", summer, casebook.Attribution{ASN: 64504, Holder: "After", By: 7}},
		{"192.0.2.1", time.Time{}, casebook.Attribution{ASN: 64503, Holder: "Before", By: 6}},
		{"203.0.113.200", spring.Add(-time.Microsecond), casebook.Attribution{Party: "around", By: 16}},
		{"203.0.113.200", spring, casebook.Attribution{Party: "only-in-spring", By: 15}},
		{"203.0.113.200", summer, casebook.Attribution{Party: "around", By: 16}},
		{"2001:db8:1:2::3", summer, casebook.Attribution{ASN: 64506, Holder: "Six customer", Party: "six", By: 9}},
		{"2001:db8:2::", summer, casebook.Attribution{ASN: 64505, Holder: "Six", Party: "six", By: 8}},
		{"2001:db9::", summer, nobody},
		{"::ffff:192.0.2.1", summer, casebook.Attribution{ASN: 64504, Holder: "After", By: 7}},
		// A prefix is held by who holds all of it.
		{"198.51.100.0/25", summer, casebook.Attribution{Holder: "Hoster", Region: "FR", By: 1}},
		{"198.51.100.64/27", summer, casebook.Attribution{Holder: "Hoster", Region: "FR", Party: "customer-of-ours", By: 1}},
		{"198.51.100.0/23", summer, casebook.Attribution{ASN: 64500, Holder: "Carrier", Region: "DE", By: 0}},
		{"198.51.0.0/15", summer, nobody},
		{"198.50.0.0/15", summer, nobody},
		{"0.0.0.0/0", summer, nobody},
		{"203.0.113.0/27", autumn, casebook.Attribution{Party: "around", By: 16}},
		{"2001:db8:1::/47", summer, casebook.Attribution{ASN: 64505, Holder: "Six", Party: "six", By: 8}},
		{"::/0", summer, nobody},
		// Names, by the longest suffix in whole labels.
		{"www.shop.example", summer, casebook.Attribution{Holder: "Shop", Party: "shop", Region: "EX", By: 11}},
		{"shop.example", summer, casebook.Attribution{Holder: "Shop", Party: "shop", Region: "EX", By: 11}},
		{"workshop.example", summer, casebook.Attribution{Holder: "Registry", Region: "EX", By: 10}},
		{"example.net", summer, nobody},
		{"https://www.shop.example/login?next=@x", summer, casebook.Attribution{Holder: "Shop", Party: "shop", Region: "EX", By: 11}},
		{"http://user:p%40ss@shop.example.:8080", summer, casebook.Attribution{Holder: "Shop", Party: "shop", Region: "EX", By: 11}},
		{"http://192.0.2.1:8080/x.sh", summer, casebook.Attribution{ASN: 64504, Holder: "After", By: 7}},
		{"http://[2001:db8:2::1]:81/", summer, casebook.Attribution{ASN: 64505, Holder: "Six", Party: "six", By: 8}},
		{"file:///etc/shop.example", summer, nobody},
		{"shopkeeper@mail.shop.example", summer, casebook.Attribution{Holder: "Shop", Party: "shop", Region: "EX", By: 11}},
		{"abuse@[192.0.2.1]", summer, casebook.Attribution{ASN: 64504, Holder: "After", By: 7}},
		{"abuse@[IPv6:2001:db8:2::1]", summer, casebook.Attribution{ASN: 64505, Holder: "Six", Party: "six", By: 8}},
	} {
		if got := table.At(asset(c.asset), c.at); got != c.want {
			t.Errorf("%s at %v:\n got %+v\nwant %+v", c.asset, c.at.Format(time.RFC3339Nano), got, c.want)
		}
	}
	for _, a := range []casebook.Asset{{}, {Kind: casebook.FileHash, Name: "d41d8cd98f00b204e9800998ecf8427e"}, {Kind: casebook.UserAccount, Name: "shop.example"},
		{Kind: casebook.URL, Name: "mailto:x"}, {Kind: casebook.EmailAddr, Name: "nobody"}, {Kind: casebook.IPv4Addr}, {Kind: casebook.IPv4Prefix, Addr: netip.MustParseAddr("198.51.0.0"), Bits: 200}} {
		if got := table.At(a, summer); got != nobody {
			t.Errorf("%v: got %+v, want nobody", a, got)
		}
	}
}

func TestAnEmptyTableHoldsNothing(t *testing.T) {
	var zero attribute.Table
	for name, table := range map[string]*attribute.Table{
		"zero": &zero, "built": build(t, nil), "loaded": load(t, compiled(t, &zero)),
	} {
		for _, s := range []string{"192.0.2.1", "::1", "192.0.2.0/24", "example.net", "http://192.0.2.1/"} {
			if got := table.At(asset(s), summer); got != (casebook.Attribution{By: -1}) {
				t.Errorf("%s table, %s: got %+v, want nobody", name, s, got)
			}
		}
	}
}

func TestBuilderRefuses(t *testing.T) {
	told := casebook.Holding{ASN: 64500}
	late := told
	late.From, late.To = summer, spring
	instant := told
	instant.From, instant.To = summer, summer
	ancient := told
	ancient.From = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)
	long := held("192.0.2.0/24", casebook.Holding{Holder: strings.Repeat("x", attribute.MaxText+1)})
	both := held("192.0.2.0/24", told)
	both.Suffix = "example.net"
	half := both
	half.Suffix, half.High = "", netip.Addr{}
	var b attribute.Builder
	for name, c := range map[string]struct {
		h    casebook.Holding
		want error
	}{
		"of nothing":             {told, casebook.ErrInvalid},
		"of range and name":      {both, casebook.ErrInvalid},
		"without last address":   {half, casebook.ErrInvalid},
		"upside down":            {held("192.0.2.9-192.0.2.1", told), casebook.ErrInvalid},
		"of two families":        {held("192.0.2.9-2001:db8::", told), casebook.ErrInvalid},
		"mapped":                 {held("::ffff:192.0.2.0-::ffff:192.0.2.9", told), casebook.ErrInvalid},
		"with a zone":            {held("fe80::1%eth0-fe80::2%eth0", told), casebook.ErrInvalid},
		"in capitals":            {held("Example.net", told), casebook.ErrInvalid},
		"with a dot":             {held("example.net.", told), casebook.ErrInvalid},
		"that tells nothing":     {held("192.0.2.0/24", casebook.Holding{Source: "x"}), casebook.ErrInvalid},
		"backwards in time":      {held("192.0.2.0/24", late), casebook.ErrInvalid},
		"of no length":           {held("192.0.2.0/24", instant), casebook.ErrInvalid},
		"before the first year":  {held("192.0.2.0/24", ancient), casebook.ErrInvalid},
		"with too long a holder": {long, casebook.ErrTooLarge},
	} {
		if err := b.Add(c.h); !errors.Is(err, c.want) {
			t.Errorf("holding %s: got %v, want %v", name, err, c.want)
		}
	}
	if err := b.Add(held("192.0.2.0/24", told)); err != nil {
		t.Fatal(err)
	}
	table, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if got := table.At(asset("192.0.2.1"), summer).By; got != 0 || table.Len() != 1 {
		t.Errorf("the first holding taken has number %d of %d, want 0 of 1", got, table.Len())
	}
}

func TestATableThatWouldGrowOutOfProportionIsRefused(t *testing.T) {
	var history attribute.Builder
	for i := range attribute.MaxDepth + 1 {
		h := held("192.0.2.0/24", casebook.Holding{ASN: 64500, From: spring.Add(time.Duration(i) * time.Hour)})
		if err := history.Add(h); err != nil {
			t.Fatal(err)
		}
	}
	_, err := history.Build()
	if !errors.Is(err, casebook.ErrTooLarge) || !strings.Contains(err.Error(), "192.0.2.0") {
		t.Errorf("a range with a long history: got %v, want ErrTooLarge with the place", err)
	}
	// Each range overlaps the next thousands, and none holds another.
	var staggered attribute.Builder
	for i := range 20000 {
		low := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		high := netip.AddrFrom4([4]byte{10, 0, byte((i + 4000) >> 8), byte(i + 4000)})
		if err := staggered.Add(casebook.Holding{Low: low, High: high, ASN: 64500}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := staggered.Build(); !errors.Is(err, casebook.ErrTooLarge) {
		t.Errorf("staggered ranges: got %v, want ErrTooLarge", err)
	}
}

// Ranges of 16 addresses at an end or in the middle of a family, so that they nest,
// overlap and touch often.
func drawHolding(t *rapid.T) casebook.Holding {
	var h casebook.Holding
	moments := []time.Time{{}, spring, summer, autumn}
	h.From = rapid.SampledFrom(moments[:3]).Draw(t, "from")
	h.To = rapid.SampledFrom([]time.Time{{}, autumn}).Draw(t, "to")
	for h.ASN == 0 && h.Holder == "" && h.Party == "" && h.Region == "" {
		h.ASN = rapid.Uint32Range(0, 2).Draw(t, "asn")
		h.Holder = rapid.SampledFrom([]string{"", "A", "B"}).Draw(t, "holder")
		h.Party = rapid.SampledFrom([]string{"", "p", "q"}).Draw(t, "party")
		h.Region = rapid.SampledFrom([]string{"", "DE", "FR"}).Draw(t, "region")
	}
	if rapid.IntRange(0, 4).Draw(t, "is name") == 0 {
		h.Suffix = drawName(t)
		return h
	}
	a, b := drawAddr(t), drawAddr(t)
	if a.Is4() != b.Is4() {
		b = a
	}
	if b.Less(a) {
		a, b = b, a
	}
	h.Low, h.High = a, b
	return h
}

func drawName(t *rapid.T) string {
	labels := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "ab", "b"}), 1, 4).Draw(t, "labels")
	return strings.Join(labels, ".")
}

func drawAddr(t *rapid.T) netip.Addr {
	base := rapid.SampledFrom([]string{"0.0.0.0", "192.1.255.248", "255.255.255.240", "::", "2001:db8::ffff:ffff:ffff:fff8", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0"}).Draw(t, "base")
	a := netip.MustParseAddr(base)
	for range rapid.IntRange(0, 15).Draw(t, "step") {
		a = a.Next()
	}
	return a
}

func drawAsset(t *rapid.T) casebook.Asset {
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return asset(drawName(t))
	case 1:
		a := drawAddr(t)
		p, _ := a.Prefix(max(0, a.BitLen()-rapid.IntRange(1, 6).Draw(t, "bits")))
		return casebook.PrefixAsset(p)
	}
	return casebook.AddrAsset(drawAddr(t))
}

func TestTableSaysWhatTheDefinitionSays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		holdings := rapid.SliceOfN(rapid.Custom(drawHolding), 0, 12).Draw(rt, "holdings")
		built := build(t, holdings)
		form := compiled(t, built)
		loaded := load(t, form)
		if again := compiled(t, loaded); string(again) != string(form) {
			rt.Fatal("a table that was written, read and written again has other octets")
		}
		for range 8 {
			a := drawAsset(rt)
			at := rapid.SampledFrom([]time.Time{{}, spring, summer, autumn, autumn.AddDate(1, 0, 0)}).Draw(rt, "at")
			want := byDefinition(holdings, a, at)
			for name, table := range map[string]*attribute.Table{"built": built, "loaded": loaded} {
				if got := table.At(a, at); got != want {
					rt.Fatalf("%s table, %v at %v:\n got %+v\nwant %+v", name, a, at, got, want)
				}
			}
		}
	})
}

func ExampleTable_At() {
	var b attribute.Builder
	b.Add(casebook.Holding{
		Low: netip.MustParseAddr("198.51.100.0"), High: netip.MustParseAddr("198.51.100.255"),
		ASN: 64500, Holder: "Example Hosting",
	})
	b.Add(casebook.Holding{
		Low: netip.MustParseAddr("198.51.100.64"), High: netip.MustParseAddr("198.51.100.79"),
		Party: "town-hall",
	})
	table, err := b.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	who := table.At(casebook.AddrAsset(netip.MustParseAddr("198.51.100.70")), time.Now())
	fmt.Println(who.ASN, who.Holder, who.Party)
	// Output: 64500 Example Hosting town-hall
}
