package indicator_test

import (
	"net/netip"
	"net/url"
	"slices"
	"testing"

	"tocsin/indicator"
)

// TestServiceSources wants a page behind each row, no row twice, and each found.
func TestServiceSources(t *testing.T) {
	kinds := []string{"time", "update", "push", "check", "resolver", "telemetry", "antivirus", "list", "local", "network"}
	seen := map[string]bool{}
	for _, s := range indicator.Services() {
		u, err := url.Parse(s.Source)
		if err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("%v: no source", s)
		}
		if !slices.Contains(kinds, s.Kind) || s.What == "" || seen[s.Where+s.Ports+s.Kind] {
			t.Errorf("%v: a kind that isn't known, nothing said, or said twice", s)
		}
		seen[s.Where+s.Ports+s.Kind] = true
	}
	if len(seen) < 200 {
		t.Errorf("%d rows", len(seen))
	}
}

func TestFindService(t *testing.T) {
	for _, c := range []struct {
		name, at  string
		transport uint8
		want      string
	}{
		{"2.debian.pool.ntp.org", "192.0.2.1:123", 17, "NTP pool"},
		{"", "192.0.2.1:123", 17, "NTP, by its port"},
		{"", "192.0.2.1:123", 6, ""},
		{"", "192.0.2.1:124", 17, ""},
		{"download.windowsupdate.com", "192.0.2.1:80", 6, "Windows Update"},
		{"notwindowsupdate.com", "192.0.2.1:80", 6, ""},
		{"windowsupdate.com.evil.example", "192.0.2.1:80", 6, ""},
		{"", "17.57.146.20:5223", 6, "Apple push"},
		{"", "17.57.146.20:443", 6, ""},
		{"", "16.255.255.255:5223", 6, ""},
		{"", "1.1.1.1:853", 6, "Cloudflare DNS"},
		{"", "1.1.1.1:8853", 6, ""},
		{"", "1.1.1.2:853", 6, ""},
		{"", "[2001:4860:4860::8888]:853", 6, "Google DNS"},
		{"", "64.233.190.188:5228", 6, "Firebase push"},
		{"", "64.233.191.255:5229", 6, "Firebase push"},
		{"", "64.233.192.0:5229", 6, ""},
		{"x.akamaiedge.net", "192.0.2.1:443", 6, ""}, // a network, no clock
		{"7.2.0.192.in-addr.arpa", "192.0.2.1:53", 17, "Reverse look-ups"},
		{"", "0.0.0.0:0", 0, ""},
	} {
		a := netip.MustParseAddrPort(c.at)
		if s, _ := indicator.FindService(c.name, a.Addr(), a.Port(), c.transport); s.What != c.want {
			t.Errorf("%q at %s/%d: %q, want %q", c.name, c.at, c.transport, s.What, c.want)
		}
	}
	for _, c := range []struct{ name, at, want string }{
		{"e1.a.akamaiedge.net", "192.0.2.1", "Akamai"},
		{"", "104.31.255.255", ""},
		{"", "104.27.255.255", "Cloudflare"},
		{"", "104.28.0.0", ""},
		{"evil.example", "192.0.2.1", ""},
	} {
		if s, _ := indicator.FindNetwork(c.name, netip.MustParseAddr(c.at)); s.What != c.want {
			t.Errorf("network of %q, %s: %q, want %q", c.name, c.at, s.What, c.want)
		}
	}
}

// TestClocksOfLists adds what a site's lists know to the program's own.
func TestClocksOfLists(t *testing.T) {
	b := baseOf(t, map[string]string{
		"warninglists/captive-portals.json": `{"type":"string","name":"x","list":["portal.example"]}`,
		"warninglists/akamai.json":          `{"type":"cidr","name":"x","list":["192.0.2.0/24"]}`,
	})
	ask := func(what string, known bool) string { return what }
	for _, c := range []struct{ what, got, want string }{
		{"the list's", ask(b.Clock("portal.example", netip.Addr{}, 80, 6)), "portal.example, a public utility"},
		{"the program's", ask(b.Clock("time.apple.com", netip.Addr{}, 123, 17)), "Apple time"},
		{"nobody's", ask(b.Clock("evil.example", netip.MustParseAddr("192.0.2.1"), 80, 6)), ""},
		{"a network of the list", ask(b.CommonGround("evil.example", netip.MustParseAddr("192.0.2.1"))), "192.0.2.0/24, a content network"},
		{"the program's network", ask(b.CommonGround("", netip.MustParseAddr("104.16.0.1"))), "Cloudflare"},
		{"nobody's network", ask(b.CommonGround("evil.example", netip.MustParseAddr("198.51.100.1"))), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	if what, known := new(indicator.Base).Clock("evil.example", netip.Addr{}, 80, 6); known {
		t.Error(what)
	}
}
