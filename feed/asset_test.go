package feed

import (
	"strings"
	"testing"
	"testing/fstest"
)

// namesMapping declares a feed of names: what a row is about, what else it could
// be about, and the other end.
const namesMapping = `
about: x
input: {format: csv, columns: [t, name, ip, peer]}
constants: {type: phishing}
fields:
  observed_at: {from: t}
  asset: [{from: name, as: [url, email, account]}, {from: ip, as: [ip]}]
  peer: [{from: peer, as: [url, email, account]}]
`

func readNames(t *testing.T, name, peer string) reading {
	t.Helper()
	c, err := OpenCatalogue(fstest.MapFS{"names.yaml": {Data: []byte(namesMapping)}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Find("names")
	if err != nil {
		t.Fatal(err)
	}
	return read(t, f, "", strings.NewReader("2026-11-22 10:00:00,ann,,\n2026-11-22 10:00:00,"+name+",192.0.2.1,"+peer+"\n"))
}

// TestNamesHaveABound: one over the bound is refused as what a row is about, also
// where the row tells an address besides, and as the other end it stays in Extra.
func TestNamesHaveABound(t *testing.T) {
	// long fills a name up to a length.
	long := func(n int, before, after string) string {
		return before + strings.Repeat("x", n-len(before)-len(after)) + after
	}
	cases := []struct {
		name, text, kind string
		octets           int // in canonical form, 0 if that is over the bound
	}{
		{"a URL", long(2000, "http://example.net/", ""), "url", 2000},
		{"a URL, one octet more", long(2001, "http://example.net/", ""), "url", 0},
		{"a URL that is shorter in canonical form", "HTTP://Example.NET:80/" + strings.Repeat("a/../", 500), "url", 19},
		{"a URL that is longer in canonical form", "http://example.net/" + strings.Repeat("ü", 331), "url", 0},
		{"a URL too long to be read", long(9000, "http://example.net/", ""), "url", 0},
		{"an e-mail address", long(2000, "", "@example.net"), "email-addr", 2000},
		{"an e-mail address, one octet more", long(2001, "", "@example.net"), "email-addr", 0},
		{"an e-mail address that is longer in canonical form", long(1995, "", "@bücher.example"), "email-addr", 0},
		{"an account", long(2000, "", ""), "user-account", 2000},
		{"an account, one octet more", long(2001, "", ""), "user-account", 0},
	}
	for _, tc := range cases {
		r := readNames(t, tc.text, "")
		if tc.octets > 0 {
			if len(r.lines) != 2 || !strings.Contains(r.lines[1], `"asset_kind":"`+tc.kind+`"`) || len(assetOf(r.lines[1])) != tc.octets {
				t.Errorf("%s: got %v, refused %v, want a %s of %d octets", tc.name, r.lines, r.refused, tc.kind, tc.octets)
			}
		} else if len(r.refused) != 1 || r.refused[0].Line != 2 || r.refused[0].Field != "name" || !strings.Contains(r.refused[0].Reason, " is longer than 2000 octets in canonical form") || len(r.refused[0].Reason) > 300 {
			t.Errorf("%s: got %v, refused %v, want line 2 refused for its name", tc.name, r.lines, r.refused)
		}

		r = readNames(t, "ann", tc.text)
		if len(r.lines) != 2 || len(r.refused) > 0 {
			t.Errorf("%s as the other end: refused %v", tc.name, r.refused)
			continue
		}
		peer, kept := strings.Contains(r.lines[1], `"peer_kind":"`+tc.kind+`"`), strings.Contains(r.lines[1], `"extra":{"ip":"192.0.2.1","peer":`)
		if peer != (tc.octets > 0) || kept == peer || (len(r.result.Warnings) == 1) != kept {
			t.Errorf("%s as the other end: got %s, warnings %q", tc.name, r.lines[1], r.result.Warnings)
		}
	}
}

// assetOf cuts the asset out of an observation's JSON.
func assetOf(line string) string {
	_, rest, _ := strings.Cut(line, `"asset":"`)
	asset, _, _ := strings.Cut(rest, `"`)
	return asset
}
