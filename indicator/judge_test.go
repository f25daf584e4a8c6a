package indicator_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"tocsin/indicator"
)

// baseOf loads a folder of lists.
func baseOf(t testing.TB, files map[string]string) *indicator.Base {
	t.Helper()
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	l := indicator.NewLoader()
	if err := l.ReadFS(folder, "."); err != nil {
		t.Fatal(err)
	}
	return l.Base()
}

// known is a site's knowledge in small: two lists of indicators, warnings of each
// type, and two clusters that disagree.
func known(t testing.TB) *indicator.Base {
	return baseOf(t, map[string]string{
		"bad.csv": "ip,port,domain,family,confidence,valid_until\n" +
			"192.0.2.1,443,,Heodo,90,\n" + // on nobody's list
			"192.0.2.2,,,Emotet,90,\n" + // on the sinkhole list
			"198.51.100.1,,,Emotet,90,\n" + // on a content network
			"203.0.113.1,,,Emotet,90,\n" + // in a cloud, whatever the port
			"203.0.113.1,8080,,Emotet,90,\n" + // in a cloud, at a port
			"10.0.0.1,,,Emotet,90,\n" +
			",,evil.example,Emotet,90,2024-06-01\n" +
			",,popular.example,Emotet,90,\n" +
			",,customer.hoster.example,Emotet,90,\n" +
			",,hoster.example,Emotet,90,\n" +
			",,below.vendor.example,Emotet,90,\n" +
			",,vendor.example.net,Emotet,90,\n" +
			"104.16.0.1,443,,Emotet,90,\n" +
			"8.8.8.8,53,,Emotet,90,\n" +
			",,download.windowsupdate.com,Emotet,90,\n",
		"second.txt":                        "192.0.2.1\nevil.example\n/gate.php\nevil.example/gate.php\n",
		"malicious/tool.txt":                "192.0.2.1:443\n",
		"relays.csv":                        "ip,port,family,confidence\n192.0.2.30,8080,Emotet,90\n192.0.2.31,,Emotet,90\n",
		"warninglists/vpn-ipv4.json":        `{"type":"cidr","name":"x","list":["192.0.2.30/31"]}`,
		"malicious/ek_kit.txt":              "kit.example\n",
		"suspicious/dynamic.txt":            "192.0.2.3\n",
		"ja3.csv":                           "ja3_md5,Listingreason\nb386946a5a44d1ddcc843bc75336dfce,Dridex\n",
		"files.csv":                         "sha1,family\nda39a3ee5e6b4b0d3255bfef95601890afd80709,Emotet\n0a39a3ee5e6b4b0d3255bfef95601890afd80709,Emotet\n",
		"warninglists/sinkholes.json":       `{"type":"cidr","name":"x","list":["192.0.2.2"]}`,
		"warninglists/akamai/list.json":     `{"type":"cidr","name":"x","list":["198.51.100.0/25"]}`,
		"warninglists/amazon-aws.json":      `{"type":"cidr","name":"x","list":["203.0.113.0/24"]}`,
		"warninglists/cloudflare-top1.json": `{"type":"string","name":"x","list":["popular.example","evil.example.org"]}`,
		"warninglists/dynamic-dns.json":     `{"type":"hostname","name":"x","list":[".hoster.example"]}`,
		"warninglists/microsoft.json":       `{"type":"string","name":"x","list":[".vendor.example"]}`,
		"warninglists/substrings.json":      `{"type":"substring","name":"x","list":["192.0.2.99","ip.example"]}`,
		"warninglists/empty-hashes.json":    `{"type":"string","name":"x","list":["da39a3ee5e6b4b0d3255bfef95601890afd80709"]}`,
		"galaxy.json":                       `{"type":"malpedia","uuid":"u","values":[{"value":"Emotet","meta":{"synonyms":["Geodo","Heodo"]}},{"value":"Zeus","meta":{"synonyms":["Emotet"]}}]}`,
	})
}

func tell(j indicator.Judgement, known bool) string {
	if !known {
		return ""
	}
	s := fmt.Sprintf("%s %s/%s %d claims %.2f", j, j.Source, j.Family, j.Claims, j.Certainty)
	if j.Shared {
		s += " shared"
	}
	if j.Sinkhole {
		s += " sinkhole"
	}
	if j.Reason != "" {
		s += ": " + j.Reason
	}
	return s
}

func TestJudge(t *testing.T) {
	b := known(t)
	at := time.Date(2024, 5, 31, 0, 0, 0, 0, time.UTC).UnixMicro()
	address := func(text string) string {
		a := netip.MustParseAddrPort(text)
		return tell(b.Address(a.Addr(), a.Port(), at))
	}
	for _, c := range []struct{ what, got, want string }{
		{"an endpoint that three lists have, one of them by address", address("192.0.2.1:443"), "192.0.2.1:443 bad/Emotet 3 claims 0.90"},
		{"the same address at another port", address("192.0.2.1:80"), "192.0.2.1 second/ 1 claims 0.60"},
		{"what the program itself knows for a content network", address("104.16.0.1:443"), "104.16.0.1:443 bad/Emotet 1 claims 0.20 shared: 104.16.0.0/13 is a content network (list tocsin's own: Cloudflare)"},
		{"for a resolver", address("8.8.8.8:53"), "8.8.8.8:53 bad/Emotet 1 claims 0.20 shared: 8.8.8.8 is a public resolver (list tocsin's own: Google DNS)"},
		{"for a vendor", tell(b.Name("download.windowsupdate.com", at)), "download.windowsupdate.com bad/Emotet 1 claims 0.20 shared: windowsupdate.com is a well-known vendor (list tocsin's own: Windows Update)"},
		{"an unknown address", address("192.0.2.4:443"), ""},
		{"a sinkhole", address("192.0.2.2:80"), "192.0.2.2 bad/Emotet 1 claims 0.90 sinkhole: 192.0.2.2 is a sinkhole (list sinkholes)"},
		{"a content network's address", address("198.51.100.1:80"), "198.51.100.1 bad/Emotet 1 claims 0.20 shared: 198.51.100.0/25 is a content network (list akamai)"},
		{"a cloud's address", address("203.0.113.1:80"), "203.0.113.1 bad/Emotet 1 claims 0.54: 203.0.113.1 is in a cloud, where addresses change hands (list amazon-aws)"},
		{"a cloud's address at the port that is meant", address("203.0.113.1:8080"), "203.0.113.1:8080 bad/Emotet 2 claims 0.90"},
		{"an inner address", address("10.0.0.1:80"), "10.0.0.1 bad/Emotet 1 claims 0.20 shared: 10.0.0.1 is an inner address (list reserved addresses)"},
		{"bad company", address("192.0.2.3:80"), "192.0.2.3 maltrail/dynamic/ 1 claims 0.25: it is known for the company it keeps, not for what it does"},
		{"a lure", tell(b.Name("kit.example", at)), "kit.example maltrail/ek_kit/ek_kit 1 claims 0.25: people are led there, and a visit is exposure, not infection"},
		{"a relay's address at a port", address("192.0.2.30:8080"), "192.0.2.30:8080 relays/Emotet 1 claims 0.90"},
		{"a relay's address", address("192.0.2.31:8080"), "192.0.2.31 relays/Emotet 1 claims 0.54: 192.0.2.31 is in an exit of many users, where addresses change hands (list vpn-ipv4)"},
		{"a name below a bad one", tell(b.Name("www.evil.example", at)), "evil.example bad/Emotet 2 claims 0.90"},
		{"the same after one claim lapsed", tell(b.Name("www.evil.example", at+2*86400e6)), "evil.example second/ 1 claims 0.60"},
		{"the moment it lapses", tell(b.Name("evil.example", time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC).UnixMicro())), "evil.example second/ 1 claims 0.60"},
		{"a much visited name", tell(b.Name("popular.example", at)), "popular.example bad/Emotet 1 claims 0.45: popular.example is a much visited site (list cloudflare-top1)"},
		{"a name below a much visited one", tell(b.Name("x.popular.example", at)), "popular.example bad/Emotet 1 claims 0.45: popular.example is a much visited site (list cloudflare-top1)"},
		{"a provider's customer", tell(b.Name("customer.hoster.example", at)), "customer.hoster.example bad/Emotet 2 claims 0.90"},
		{"the provider itself", tell(b.Name("hoster.example", at)), "hoster.example bad/Emotet 1 claims 0.20 shared: hoster.example is a provider that lets customers have names below its own (list dynamic-dns)"},
		{"a name of a vendor", tell(b.Name("below.vendor.example", at)), "below.vendor.example bad/Emotet 1 claims 0.20 shared: vendor.example is a well-known vendor (list microsoft)"},
		{"a name that only contains a vendor's", tell(b.Name("vendor.example.net", at)), "vendor.example.net bad/Emotet 1 claims 0.90"},
		{"a page", tell(b.Request("evil.example", 80, "/gate.php", at)), "evil.example/gate.php second/ 2 claims 0.60"},
		{"a path alone", tell(b.Request("clean.example", 80, "/gate.php", at)), "/gate.php second/ 1 claims 0.20 shared: the path alone is known, and any host may have it"},
		{"a greeting", tell(b.Fingerprint(indicator.JA3, "b386946a5a44d1ddcc843bc75336dfce", at)), "b386946a5a44d1ddcc843bc75336dfce ja3/dridex 1 claims 0.45: other programs with the same TLS library greet alike"},
		{"a file", tell(b.Fingerprint(indicator.File, "0a39a3ee5e6b4b0d3255bfef95601890afd80709", at)), "0a39a3ee5e6b4b0d3255bfef95601890afd80709 files/Emotet 1 claims 0.75"},
		{"the empty file", tell(b.Fingerprint(indicator.File, "da39a3ee5e6b4b0d3255bfef95601890afd80709", at)), "da39a3ee5e6b4b0d3255bfef95601890afd80709 files/Emotet 1 claims 0.20 shared: da39a3ee5e6b4b0d3255bfef95601890afd80709 is a file known to be harmless (list empty-hashes)"},
	} {
		if c.got != c.want {
			t.Errorf("%s:\ngot  %q\nwant %q", c.what, c.got, c.want)
		}
	}
	var none indicator.Base
	if _, known := none.Name("evil.example", at); known {
		t.Error("an empty base knows something")
	}
}

// TestWarnings compares entries as their list's type says, on both sides of each.
func TestWarnings(t *testing.T) {
	w := known(t).Warnings
	said := func(list []indicator.Warning) string {
		var texts []string
		for _, one := range list {
			texts = append(texts, one.Name)
		}
		return strings.Join(texts, " ")
	}
	for _, c := range []struct{ what, got, want string }{
		{"the last address of a prefix", said(w.Address(netip.MustParseAddr("198.51.100.127"))), "akamai"},
		{"the first behind it", said(w.Address(netip.MustParseAddr("198.51.100.128"))), ""},
		{"an address of a substring list", said(w.Address(netip.MustParseAddr("192.0.2.99"))), "substrings"},
		{"one that begins like it", said(w.Address(netip.MustParseAddr("192.0.2.9"))), ""},
		{"a name of a substring list", said(w.Name("www.ip.example", "www.ip.example")), "substrings"},
		{"one that contains it", said(w.Name("ship.example", "ship.example")), ""},
		{"one that begins with it", said(w.Name("ip.example.net", "ip.example.net")), ""},
		{"a string", said(w.Name("popular.example", "popular.example")), "cloudflare-top1"},
		{"a name below a string", said(w.Name("x.popular.example", "x.popular.example")), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
}

func TestFamilies(t *testing.T) {
	f := known(t).Families
	for name, want := range map[string]string{
		"Heodo": "Emotet", "geodo": "Emotet", "EMOTET": "Emotet", "win.emotet": "Emotet", "Zeus": "Zeus",
		"elf_mirai": "mirai", "Never Heard": "never heard", "": "",
	} {
		if got := f.Fold(name); got != want {
			t.Errorf("Fold(%q) = %q, want %q", name, got, want)
		}
	}
	if got := new(indicator.Families).Fold("win.Emotet"); got != "emotet" {
		t.Errorf("without clusters: %q", got)
	}
}

// TestSwap swaps while others ask: each sees one whole generation, and the numbers
// rise by one.
func TestSwap(t *testing.T) {
	var live indicator.Live
	if _, known := live.Base().Name("evil.example", 0); known || live.Base().Generation != 0 {
		t.Error("nothing was loaded")
	}
	text := func(n int) map[string]string {
		return map[string]string{"l.txt": fmt.Sprintf("always.example\n192.0.2.%d\n", n)}
	}
	live.Swap(baseOf(t, text(1)))
	stop := make(chan struct{})
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			last := int64(0)
			for {
				select {
				case <-stop:
					return
				default:
				}
				b := live.Base()
				_, always := b.Name("always.example", 0)
				_, own := b.Address(netip.AddrFrom4([4]byte{192, 0, 2, byte(b.Generation)}), 0, 0)
				_, other := b.Address(netip.AddrFrom4([4]byte{192, 0, 2, byte(b.Generation + 1)}), 0, 0)
				if !always || !own || other || b.Generation < last {
					t.Errorf("generation %d after %d: always %t, own %t, other %t", b.Generation, last, always, own, other)
					return
				}
				last = b.Generation
			}
		})
	}
	for n := 2; n <= 100; n++ {
		if got := live.Swap(baseOf(t, text(n))); got != int64(n) {
			t.Errorf("generation %d, want %d", got, n)
		}
	}
	close(stop)
	asking.Wait()
}
