package capture

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// plainAddr reads an address by the standard library.
func plainAddr(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a.WithZone("").Unmap(), err == nil
}

func TestAddressesReadAsTheLibraryReadsThem(t *testing.T) {
	for _, s := range []string{"192.0.2.7", "192.0.2.07", "192.0.2", "256.0.0.1", "1.2.3.4.5", "", ":", "::", "::1", "1::", "2001:db8::1", "2001:DB8::1",
		"::ffff:192.0.2.7", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::", "1::2::3", "fe80::1%eth0", "12345::",
		"1:2:3:4:5:6:192.0.2.7", "1:2:3:4:5:6:7:192.0.2.7", "::192.0.2.7.8", "1:", ":1", "1:2", "g::", "-", "192.0.2.7 "} {
		got, ok := parseAddr([]byte(s))
		want, wantOK := plainAddr(s)
		if ok != wantOK || ok && got != want {
			t.Errorf("%q: got %v %v, want %v %v", s, got, ok, want, wantOK)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var a [16]byte
		for i := range a {
			a[i] = rapid.SampledFrom([]byte{0, 0, 0, 1, 255, 0x20}).Draw(t, "octet")
		}
		s := netip.AddrFrom16(a).String()
		if rapid.Bool().Draw(t, "v4") {
			s = netip.AddrFrom4([4]byte(a[:4])).String()
		}
		want, _ := plainAddr(s)
		if got, ok := parseAddr([]byte(s)); !ok || got != want {
			t.Fatalf("%q: got %v %v", s, got, ok)
		}
	})
}

func FuzzAddr(f *testing.F) {
	for _, s := range []string{"192.0.2.7", "2001:db8::1", "::ffff:192.0.2.7", "fe80::1%eth0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseAddr([]byte(s))
		want, wantOK := plainAddr(s)
		if ok && wantOK && got != want || ok != wantOK && len(s) > 0 && s[len(s)-1] != '%' && !hasZone(s) {
			t.Errorf("%q: got %v %v, want %v %v", s, got, ok, want, wantOK)
		}
	})
}

// hasZone reports whether a zone is named, whose rules aren't ours.
func hasZone(s string) bool {
	for _, c := range s {
		if c == '%' {
			return true
		}
	}
	return false
}
