package detect

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// chosen are names that people chose, for tests without other people's lists.
var chosen = strings.Fields(`wikipedia.org github.com debian.org bbc.co.uk lemonde.fr spiegel.de corriere.it elpais.com
	rust-lang.org python.org gnu.org kernel.org mozilla.org openstreetmap.org archive.org wordpress.org blender.org
	stackoverflow.com reddit.com imdb.com weather.com nasa.gov cern.ch ethz.ch mit.edu stanford.edu ox.ac.uk
	lufthansa.com klm.com booking.com tripadvisor.com ikea.com lego.com nike.com adidas.com siemens.com bosch.com
	nytimes.com guardian.com reuters.com economist.com nature.com sciencemag.org springer.com elsevier.com
	spotify.com soundcloud.com bandcamp.com vimeo.com twitch.tv netflix.com paypal.com stripe.com visa.com
	postgresql.org sqlite.org nginx.org apache.org haproxy.org openssl.org letsencrypt.org ietf.org iana.org ripe.net`)

// made gives n names of a program that draws from letters, one length.
func made(n int, letters string, length int, suffix string, seed uint64) []MadeName {
	r := rand.New(rand.NewPCG(seed, 1))
	names := make([]MadeName, n)
	for i := range names {
		b := make([]byte, length)
		for j := range b {
			b[j] = letters[r.IntN(len(letters))]
		}
		names[i] = MadeName{string(b), suffix}
	}
	return names
}

func split(names []string) (list []MadeName) {
	for _, n := range names {
		label, suffix, _ := strings.Cut(n, ".")
		list = append(list, MadeName{label, suffix})
	}
	return list
}

const az = "abcdefghijklmnopqrstuvwxyz"

// withNames makes an hour of names asked for in one way.
func withNames(names []string, types uint32, failed bool) *Hour {
	h := hourWith(nil, nil)
	for i, n := range names {
		one := Name{Name: n, Lookups: 1, Types: types, First: h.From + int64(i)*1e6, Last: h.From + int64(i)*1e6}
		if failed {
			one.Failed = 1
			h.Failed++
		} else {
			one.Answered = 1
		}
		h.Names = append(h.Names, one)
		h.Lookups++
	}
	slices.SortFunc(h.Names, func(a, b Name) int { return strings.Compare(a.Name, b.Name) })
	return h
}

func formatted(n int, format string) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf(format, i))
	}
	return list
}

func TestDGA(t *testing.T) {
	var random, probes []string
	for i, n := range made(40, az, 12, "net", 5) {
		random = append(random, n.Label+".net")
		probes = append(probes, n.Label+".office.example.com")
		_ = i
	}
	for _, c := range []struct {
		name string
		hour *Hour
		want Certainty
	}{
		{"random letters that nobody owns, while the host browses", hourWith(made(20, az, 12, "com", 1), split(chosen[:30])), Suspected},
		{"ten of them", hourWith(made(10, az, 14, "ru", 2), nil), Suspected},
		{"nine of them", hourWith(made(9, az, 14, "ru", 2), nil), None},
		{"hexadecimal", hourWith(made(20, "0123456789abcdef", 16, "info", 3), nil), Suspected},
		{"consonants and vowels by turns", withNames([]string{"bamuke.com", "dilopa.com", "fegaro.com", "honube.com", "jatiso.com", "kemuvo.com", "lorina.net", "mupeto.com", "nasuki.com", "pifole.com", "qegaru.com", "rovine.com", "sakupo.net", "tibelo.com", "vonami.com", "wuroke.com", "xapigu.com", "zelomi.com", "bopetu.com", "cinaso.com"}, TypeA, true), Suspected},
		{"a program's names among as many mistyped ones", hourWith(append(made(20, az, 12, "com", 1), split(chosen[:15])...), nil), Suspected},
		{"a resolver that fails for all that people chose", withNames(chosen, TypeA, true), None},
		{"the same, with updaters and time servers among it", withNames(append(slices.Clone(chosen), "time.apple.com", "time.google.com", "archive.ubuntu.com"), TypeA, true), None},
		{"names that people chose and that exist", withNames(chosen, TypeA, false), None},
		{"service discovery", withNames(formatted(60, "_ldap._tcp.site%d.example.com"), TypeSRV, true), None},
		{"service discovery of random domains", withNames(random, TypeSRV, true), None},
		{"reverse look-ups", withNames(formatted(200, "%d.2.0.192.in-addr.arpa"), TypePTR, true), None},
		{"a browser's random probes with the office's suffix", withNames(probes, TypeA, true), None},
		{"a browser's random probes of one label", withNames([]string{"xkqjzvwpht", "qwmznbxcvr", "plokmijnuh"}, TypeA, true), None},
		{"a network's own names", withNames(formatted(60, "printer%dxqz.lan"), TypeA, true), None},
		{"block lists", withNames(formatted(200, "%d.2.0.192.zen.spamhaus.org"), TypeA, true), None},
		{"hash look-ups of an antivirus", withNames(formatted(200, "d41d8cd98f00b204e980%d.avqs.mcafee.com"), TypeA, true), None},
		{"shards of a content network", withNames(formatted(200, "d1a2b3c4e5f%dg.cloudfront.net"), TypeA, true), None},
		{"made-up names that all exist: a sinkhole, or a strange site", withNames(random, TypeA, false), Weak},
		{"text records of random domains", withNames(random, TypeTXT, true), None},
		{"nothing", hourWith(nil, nil), None},
	} {
		b := &Bench{Clocks: testClocks{}}
		got, said := None, ""
		for _, e := range generated(c.hour, b) {
			got = max(got, e.Ceiling)
			said = e.Because
			if e.Score <= 0 || e.Score > 1 || !slices.IsSorted(e.Tokens) || e.First == 0 || e.Last < e.First || e.Signs != Generated {
				t.Errorf("%s: %+v", c.name, e)
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s (%s)", c.name, got, c.want, said)
		}
	}
}

// testClocks knows what the cases need known.
type testClocks struct{}

func (testClocks) Clock(name string, _ netip.Addr, _ uint16, _ uint8) (string, bool) {
	for _, s := range []string{"apple.com", "google.com", "ubuntu.com", "spamhaus.org", "mcafee.com", "arpa"} {
		if strings.HasSuffix(name, "."+s) {
			return "known", true
		}
	}
	return "", false
}

func (testClocks) Shared(name string, _ netip.Addr) (string, bool) {
	return "a content network", strings.HasSuffix(name, ".cloudfront.net")
}

// TestDGASays wants figures, examples, and the name that exists.
func TestDGASays(t *testing.T) {
	list := made(30, az, 13, "biz", 7)
	got := generated(hourWith(list[1:], append(split(chosen[:10]), list[0])), &Bench{})
	if len(got) != 2 || got[1].Name != list[0].Label+".biz" || got[1].Role != Controller {
		t.Fatalf("%+v", got)
	}
	e := got[0]
	if len(e.Tokens) != 29 || e.Figures[0] != (Figure{"names", 29}) || e.Figures[1] != (Figure{"domains", 40}) {
		t.Errorf("%+v", e)
	}
	for _, want := range []string{"29 domains that nobody owns, of 40 asked for within the hour from 2025-11-24 16:00", ".biz", "score"} {
		if !strings.Contains(e.Because, want) {
			t.Errorf("%q doesn't say %q", e.Because, want)
		}
	}
	again := generated(hourWith(list[1:], append(split(chosen[:10]), list[0])), &Bench{})
	if fmt.Sprint(again) != fmt.Sprint(got) {
		t.Error("the same hour gives other evidence")
	}
	other := generated(hourWith(list[1:], nil), &Bench{})[0]
	if !slices.Equal(other.Tokens, e.Tokens) {
		t.Error("two hosts that ask for the same names share no tokens")
	}
}

// TestNameModel reads the model as a stranger's bytes too.
func TestNameModel(t *testing.T) {
	m := ShippedNameModel()
	again, err := ReadNameModel(m.Bytes())
	if err != nil || string(again.Bytes()) != string(m.Bytes()) || string(m.Bytes()) != string(shippedModel) {
		t.Errorf("written and read again it differs: %v", err)
	}
	if len(shippedModel) > 256<<10 || !strings.Contains(m.Source, "sha256") {
		t.Errorf("%d octets, made of %q", len(shippedModel), m.Source)
	}
	for _, n := range []int{0, 10, len(shippedModel) / 2, len(shippedModel) - 1} {
		if _, err := ReadNameModel(shippedModel[:n]); err == nil {
			t.Errorf("cut to %d octets it is read", n)
		}
	}
}

func TestLabel(t *testing.T) {
	for name, want := range map[string]string{
		"evil.com": "evil|com", "www.evil.com": "evil|com", "evil.co.uk": "evil|co.uk", "evil.ddns.net": "evil|ddns.net",
		"a.evil.com": "", "com": "", "co.uk": "", "": "", "localhost": "", "evil..com": "",
	} {
		label, suffix, ok := Label(name)
		if got := label + "|" + suffix; ok && got != want || !ok && want != "" {
			t.Errorf("Label(%q) = %q %t, want %q", name, got, ok, want)
		}
	}
}

func FuzzNameModel(f *testing.F) {
	f.Add("evil", "com", "www.evil.com")
	f.Add("", "", "..")
	f.Fuzz(func(t *testing.T, label, suffix, name string) {
		m := ShippedNameModel()
		Label(name)
		if x := m.Name(label); x != x {
			t.Fatal("no number")
		}
		if x := m.Set([]MadeName{{label, suffix}, {name, suffix}}); x != x {
			t.Fatal("no number")
		}
	})
}
