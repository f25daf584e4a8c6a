package indicator_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"
	"pgregory.net/rapid"

	"tocsin/indicator"
)

// setOf makes a set of texts.
func setOf(t testing.TB, texts ...string) *indicator.Set {
	t.Helper()
	b := indicator.NewBuilder()
	for _, text := range texts {
		v, err := indicator.Parse(text)
		if err == nil {
			err = b.Add(indicator.Indicator{Value: v, Claim: indicator.Claim{Source: "list"}})
		}
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return b.Set()
}

// said writes matches as texts.
func said(matches []indicator.Match) string {
	var texts []string
	for _, m := range matches {
		texts = append(texts, m.Kind.String()+" "+m.String())
	}
	return strings.Join(texts, ", ")
}

func TestAddresses(t *testing.T) {
	set := setOf(t, "192.0.2.7", "192.0.2.8:443", "192.0.2.8:8080", "192.0.2.9", "192.0.2.9:25", "198.51.100.0/24", "198.51.100.128/25", "198.51.100.200", "2001:db8::1", "2001:db8::2:443", "2001:db8:1::/48", "0.0.0.0/1")
	for _, c := range []struct{ at, want string }{
		{"192.0.2.7:1", "address 192.0.2.7"},
		{"192.0.2.7:0", "address 192.0.2.7"},
		{"192.0.2.6:1", ""},
		{"192.0.2.8:443", "endpoint 192.0.2.8:443"},
		{"192.0.2.8:8080", "endpoint 192.0.2.8:8080"},
		{"192.0.2.8:80", ""},
		{"192.0.2.8:0", ""},
		{"192.0.2.9:25", "endpoint 192.0.2.9:25, address 192.0.2.9"},
		{"192.0.2.9:26", "address 192.0.2.9"},
		{"198.51.100.0:1", "prefix 198.51.100.0/24"},
		{"198.51.100.127:1", "prefix 198.51.100.0/24"},
		{"198.51.100.128:1", "prefix 198.51.100.128/25, prefix 198.51.100.0/24"},
		{"198.51.100.200:1", "address 198.51.100.200, prefix 198.51.100.128/25, prefix 198.51.100.0/24"},
		{"198.51.100.255:1", "prefix 198.51.100.128/25, prefix 198.51.100.0/24"},
		{"198.51.101.0:1", ""},
		{"198.51.99.255:1", ""},
		{"127.255.255.255:1", "prefix 0.0.0.0/1"},
		{"128.0.0.0:1", ""},
		{"[2001:db8::1]:1", "address 2001:db8::1"},
		{"[2001:db8::3]:1", ""},
		{"[2001:db8:1::]:1", "prefix 2001:db8:1::/48"},
		{"[2001:db8:1:ffff:ffff:ffff:ffff:ffff]:1", "prefix 2001:db8:1::/48"},
		{"[2001:db8:2::]:1", ""},
	} {
		a := netip.MustParseAddrPort(c.at)
		if got := said(set.AppendAddress(nil, a.Addr(), a.Port())); got != c.want {
			t.Errorf("%s: %q, want %q", c.at, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	set := setOf(t, "evil.example", "www.worse.example", "worse.example", "ip.com", "customer.github.io", "github.io", "evil.co.uk", "a.b.c.deep.example", "duckdns.org")
	for _, c := range []struct{ name, want string }{
		{"evil.example", "domain evil.example"},
		{"a.evil.example", "domain evil.example"},
		{"a.b.c.evil.example", "domain evil.example"},
		{"notevil.example", ""},
		{"evil.example.net", ""},
		{"example", ""},
		{"", ""},
		{".", ""},
		{"..evil.example", ""}, // no name at all
		{"www.worse.example", "domain www.worse.example, domain worse.example"},
		{"x.www.worse.example", "domain www.worse.example, domain worse.example"},
		{"mail.worse.example", "domain worse.example"},
		{"ship.com", ""}, // a substring is no parent
		{"x.ip.com", "domain ip.com"},
		{"customer.github.io", "domain customer.github.io"},
		{"x.customer.github.io", "domain customer.github.io"},
		{"github.io", "domain github.io"},
		{"other.github.io", ""}, // a customer isn't the host
		{"other.duckdns.org", ""},
		{"evil.co.uk", "domain evil.co.uk"},
		{"other.co.uk", ""},
		{"b.c.deep.example", ""},
		{"z.a.b.c.deep.example", "domain a.b.c.deep.example"},
		{strings.Repeat("a.", 200) + "evil.example", ""}, // longer than a name can be
	} {
		if got := said(set.AppendName(nil, c.name)); got != c.want {
			t.Errorf("%.80s: %q, want %q", c.name, got, c.want)
		}
		if got := said(set.AppendNameBytes(nil, []byte(c.name))); got != c.want {
			t.Errorf("%.80s as octets: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRequests(t *testing.T) {
	set := setOf(t, "http://evil.example/gate.php", "http://evil.example/load/?id=7", "http://evil.example:8080/x", "192.0.2.7/1/gate.php", "/izuku.sh", "/setup/")
	for _, c := range []struct {
		host string
		port uint16
		uri  string
		want string
	}{
		{"evil.example", 80, "/gate.php", "url evil.example/gate.php"},
		{"evil.example", 443, "/gate.php", "url evil.example/gate.php"},
		{"evil.example", 80, "/gate.php?x=1", "url evil.example/gate.php"},
		{"evil.example", 80, "/gate.php/", "url evil.example/gate.php"},
		{"evil.example", 80, "http://evil.example/gate.php", "url evil.example/gate.php"},
		{"evil.example", 80, "/a://gate.php", ""},
		{"evil.example", 8080, "/gate.php", ""},
		{"evil.example", 80, "/gate.phps", ""},
		{"evil.example", 80, "/Gate.php", ""},
		{"other.example", 80, "/gate.php", ""},
		{"evil.example", 80, "/load/?id=7", "url evil.example/load/?id=7"},
		{"evil.example", 80, "/load/?id=8", ""},
		{"evil.example", 8080, "/x", "url evil.example:8080/x"},
		{"192.0.2.7", 80, "/1/gate.php", "url 192.0.2.7/1/gate.php"},
		{"other.example", 80, "/izuku.sh", "path /izuku.sh"},
		{"other.example", 80, "/setup", "path /setup"},
		{"other.example", 80, "/a/izuku.sh", ""},
		{"other.example", 80, "/", ""},
		{"other.example", 80, "", ""},
	} {
		if got := said(set.AppendRequest(nil, c.host, c.port, c.uri)); got != c.want {
			t.Errorf("%s:%d%s: %q, want %q", c.host, c.port, c.uri, got, c.want)
		}
	}
}

func TestFingerprints(t *testing.T) {
	hash := strings.Repeat("0123456789abcdef", 2)
	b := indicator.NewBuilder()
	for _, kind := range []indicator.Kind{indicator.JA3, indicator.File} {
		if err := b.Add(indicator.Indicator{Value: indicator.Value{Kind: kind, Text: hash}}); err != nil {
			t.Fatal(err)
		}
	}
	set := b.Set()
	for kind, want := range map[indicator.Kind]string{indicator.JA3: "ja3 " + hash, indicator.File: "file " + hash, indicator.Certificate: "", indicator.JA4: "", indicator.NoKind: "", 99: ""} {
		if got := said(set.AppendFingerprint(nil, kind, hash)); got != want {
			t.Errorf("%v: %q, want %q", kind, got, want)
		}
	}
}

// TestEmptySet asks those who know nothing.
func TestEmptySet(t *testing.T) {
	for _, set := range []*indicator.Set{{}, indicator.NewBuilder().Set()} {
		m := set.AppendAddress(nil, netip.MustParseAddr("192.0.2.7"), 1)
		m = set.AppendAddress(m, netip.Addr{}, 1)
		m = set.AppendName(m, "evil.example")
		m = set.AppendRequest(m, "evil.example", 80, "/a/b")
		m = set.AppendFingerprint(m, indicator.File, "00")
		if len(m) != 0 {
			t.Error(said(m))
		}
	}
}

// TestClaims keeps what each source says, once, and bounds it.
func TestClaims(t *testing.T) {
	v, _ := indicator.Parse("192.0.2.7")
	b := indicator.NewBuilder()
	one := indicator.Claim{Source: "one", Family: "Emotet", Class: indicator.Malware, Confidence: 90, First: 1, Last: 2, Expires: 3}
	two := indicator.Claim{Source: "two"}
	for _, c := range []indicator.Claim{one, two, one, two} {
		if err := b.Add(indicator.Indicator{Value: v, Claim: c}); err != nil {
			t.Fatal(err)
		}
	}
	refused := 0
	for i := range 300 {
		if err := b.Add(indicator.Indicator{Value: v, Claim: indicator.Claim{Source: "dates", First: uint32(i + 1)}}); err != nil {
			refused++
		}
	}
	set := b.Set()
	got := slices.Collect(set.AppendAddress(nil, v.Addr, 0)[0].Claims())
	if n := len(got); n != 256 || got[n-1] != one || got[n-2] != two || refused != 300-254 {
		t.Errorf("%d claims, the first %v and %v, %d refused", n, got[n-1], got[n-2], refused)
	}
	if s := set.Stats(); s.Rows != 4+254 || s.Repeated != 2 || s.Total() != 1 {
		t.Errorf("%+v", s)
	}
}

// TestAgainstPlainSet compares with a plain map, walked label by label.
func TestAgainstPlainSet(t *testing.T) {
	label := rapid.SampledFrom([]string{"a", "b", "evil", "co", "com", "github", "xn--p1ai"})
	ending := rapid.SampledFrom([]string{"com", "co.uk", "github.io", "example", "kawasaki.jp"})
	name := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(append(rapid.SliceOfN(label, 0, 3).Draw(t, "labels"), ending.Draw(t, "ending")), ".")
	})
	rapid.Check(t, func(t *rapid.T) {
		b, plain := indicator.NewBuilder(), map[string]bool{}
		for _, n := range rapid.SliceOfN(name, 0, 60).Draw(t, "known") {
			v, err := indicator.Parse(n)
			if err != nil {
				continue
			}
			if err := b.Add(indicator.Indicator{Value: v}); err != nil {
				t.Fatal(err)
			}
			plain[n] = true
		}
		set := b.Set()
		asked := name.Draw(t, "asked")
		var want []string
		own, _ := publicsuffix.EffectiveTLDPlusOne(asked)
		for n := asked; n != ""; _, n, _ = strings.Cut(n, ".") {
			if plain[n] && (n == asked || len(n) >= len(own) && own != "") {
				want = append(want, "domain "+n)
			}
		}
		if got := said(set.AppendName(nil, asked)); got != strings.Join(want, ", ") {
			t.Fatalf("%s: %q, want %q", asked, got, want)
		}
	})
}

// TestNoAllocation asks as the hot path does.
func TestNoAllocation(t *testing.T) {
	var texts []string
	for i := range 5000 {
		texts = append(texts, fmt.Sprintf("n%d.example", i), fmt.Sprintf("198.51.%d.%d:443", i>>8&255, i&255))
	}
	set := setOf(t, append(texts, "203.0.113.0/24", "evil.example/a")...)
	clean, bad := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.3.4")
	name := []byte("www.tocsin.example")
	var room [8]indicator.Match
	var empty indicator.Set
	long := "/index.html?q=" + strings.Repeat("1", 300)
	for what, ask := range map[string]func(){
		"a clean address":         func() { set.AppendAddress(room[:0], clean, 443) },
		"a known address":         func() { set.AppendAddress(room[:0], bad, 443) },
		"a clean name":            func() { set.AppendName(room[:0], "www.tocsin.example") },
		"a clean name in octets":  func() { set.AppendNameBytes(room[:0], name) },
		"a clean request":         func() { set.AppendRequest(room[:0], "www.tocsin.example", 80, "/index.html?q=1") },
		"a long clean request":    func() { set.AppendRequest(room[:0], "www.tocsin.example", 80, long) },
		"a clean file":            func() { set.AppendFingerprint(room[:0], indicator.File, "d41d8cd98f00b204e9800998ecf8427e") },
		"a clean sixth protocol":  func() { set.AppendAddress(room[:0], netip.IPv6LinkLocalAllNodes(), 443) },
		"an empty set's question": func() { empty.AppendAddress(room[:0], clean, 443) },
	} {
		if n := testing.AllocsPerRun(100, ask); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}
