package indicator_test

import (
	"errors"
	"strings"
	"testing"

	"tocsin/casebook"
	"tocsin/indicator"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, kind, want string }{
		{"192.0.2.7", "address", "192.0.2.7"},
		{" \"192.0.2.7\" ", "address", "192.0.2.7"},
		{"192[.]0[.]2[.]7", "address", "192.0.2.7"},
		{"::ffff:192.0.2.7", "address", "192.0.2.7"},
		{"2001:DB8::1", "address", "2001:db8::1"},
		{"fe80::1%eth0", "address", "fe80::1"},
		{"192.0.2.7/32", "address", "192.0.2.7"},
		{"http://192.0.2.7", "address", "192.0.2.7"},
		{"http://192.0.2.7/", "address", "192.0.2.7"},
		{"192.0.2.7:443", "endpoint", "192.0.2.7:443"},
		{"http://192.0.2.7:8080/", "endpoint", "192.0.2.7:8080"},
		{"tcp://192.0.2.7:1337", "endpoint", "192.0.2.7:1337"},
		{"[2001:db8::1]:443", "endpoint", "[2001:db8::1]:443"},
		{"192.0.2.0/24", "prefix", "192.0.2.0/24"},
		{"192.0.2.99/24", "prefix", "192.0.2.0/24"},
		{"2001:db8::/32", "prefix", "2001:db8::/32"},
		{"evil.example", "domain", "evil.example"},
		{"*.Evil.Example.", "domain", "evil.example"},
		{".evil.example", "domain", "evil.example"},
		{"hxxp://evil[.]example", "domain", "evil.example"},
		{"hxyz.example", "domain", "hxyz.example"},
		{"evil.example:8080", "domain", "evil.example"},
		{"bücher.example", "domain", "xn--bcher-kva.example"},
		{"foo.github.io", "domain", "foo.github.io"},
		{"github.io", "domain", "github.io"},
		{"http://evil.example/Gate.php", "url", "evil.example/Gate.php"},
		{"evil.example/gate.php#top", "url", "evil.example/gate.php"},
		{"https://evil.example:443/a/", "url", "evil.example/a"},
		{"http://evil.example:443/a", "url", "evil.example:443/a"},
		{"http://user@evil.example:81/a?b=c", "url", "evil.example:81/a?b=c"},
		{"192.0.2.7/1/gate.php", "url", "192.0.2.7/1/gate.php"},
		{"http://[2001:db8::1]:81/a", "url", "[2001:db8::1]:81/a"},
		{"http://[2001:db8::1]/a", "url", "[2001:db8::1]/a"},
		{"[2001:db8::1]", "address", "2001:db8::1"},
		{"/izuku.sh", "path", "/izuku.sh"},
		{"D41D8CD98F00B204E9800998ECF8427E", "file", "d41d8cd98f00b204e9800998ecf8427e"},
		{"t13d1516h2_8daaf6152771_02713d6af862", "ja4", "t13d1516h2_8daaf6152771_02713d6af862"},
	} {
		v, err := indicator.Parse(c.text)
		if got := v.Kind.String() + " " + v.String(); err != nil || got != c.kind+" "+c.want {
			t.Errorf("Parse(%q) = %s, %v; want %s %s", c.text, got, err, c.kind, c.want)
		}
	}
	for _, c := range []struct{ text, why string }{
		{"", "nothing"}, {"\t", "nothing"}, {"http://", "nothing"},
		{"192.0.2", "ends in a number"}, {"192.0.2.256", "ends in a number"}, {"192.0.2.07", "ends in a number"}, {"C192.0.2.7", "ends in a number"},
		{"192.0.2.7:0", "port"}, {"192.0.2.7:65536", "port"}, {"evil.example:", "port"},
		{"192.0.2.7:443:444", "neither"}, {"somebody@evil.example", "neither"},
		{"0.0.0.0/0", "covers all"}, {"192.0.2.0/33", "longer than its address"},
		{"com", "one label"}, {"localhost", "one label"}, {"co.uk", "public suffix"}, {"judicical.mm", "public suffix"},
		{"evil[0-9]{1,2}.example", "pattern"}, {`evil\.example`, "pattern"},
		{"evil..example", "neither"}, {"ev il.example", "neither"}, {strings.Repeat("a", 64) + ".example", "neither"},
		{"/", "everybody's"}, {"/a", "everybody's"},
		{"d41d8cd98f00b204e9800998ecf8427", "one label"},
		{strings.Repeat("a", 5000), "4096"},
	} {
		v, err := indicator.Parse(c.text)
		if !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("Parse(%.80q) = %v, %v; want a refusal that says %q", c.text, v, err, c.why)
		}
	}
}

// FuzzParse wants what is taken to be taken again as it is written.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"192.0.2.7:443", "http://evil.example:81/a?b#c", "[2001:db8::1]:1", "*.evil.example", "hxxp://a[.]example/", "/gate.php", "192.0.2.0/24", "bücher.example", "http://192.0.2.7//"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := indicator.Parse(s)
		if err != nil {
			if !errors.Is(err, casebook.ErrInvalid) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		scheme := "" // which is dropped with the port that it implies
		if v.Kind == indicator.URL {
			scheme = "http://"
			if host, _, _ := strings.Cut(v.Text, "/"); strings.HasSuffix(host, ":80") {
				scheme = "https://"
			}
		}
		again, err := indicator.Parse(scheme + v.String())
		if err != nil || again != v {
			t.Fatalf("%q gives %s %q, which gives %s %q, %v", s, v.Kind, v, again.Kind, again, err)
		}
	})
}
