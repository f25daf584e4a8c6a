package detect

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const base32 = "abcdefghijklmnopqrstuvwxyz234567"

// carried gives names that carry n random octets each, in labels of at most 60.
func carried(names, octets int, letters, domain string) (list []string) {
	r := rand.New(rand.NewPCG(1, uint64(octets)))
	for range names {
		var b strings.Builder
		for i := range octets {
			if i > 0 && i%60 == 0 {
				b.WriteByte('.')
			}
			b.WriteByte(letters[r.IntN(len(letters))])
		}
		list = append(list, b.String()+"."+domain)
	}
	return list
}

func TestTunnel(t *testing.T) {
	answered := func(h *Hour, octets int) *Hour {
		for i := range h.Names {
			h.Names[i].Answer = octets
		}
		return h
	}
	often := func(h *Hour, n int) *Hour {
		for i := range h.Names {
			h.Names[i].Lookups = n
		}
		return h
	}
	var words []string
	for i, n := range chosen {
		words = append(words, fmt.Sprintf("%s-news-%d.example.com", strings.ReplaceAll(n, ".", "-"), i))
	}
	for _, c := range []struct {
		name string
		hour *Hour
		want Certainty
	}{
		{"a full tunnel by NULL", answered(withNames(carried(400, 180, base32, "t.example.com"), TypeNULL, false), 200), Suspected},
		{"one by TXT in hexadecimal", answered(withNames(carried(100, 60, "0123456789abcdef", "example.com"), TypeTXT, false), 100), Suspected},
		{"one by addresses alone", withNames(carried(200, 100, base32, "example.com"), TypeA, false), Suspected},
		{"a little by addresses alone", withNames(carried(45, 50, base32, "example.com"), TypeA, false), Weak},
		{"too few names", withNames(carried(30, 180, base32, "example.com"), TypeNULL, false), None},
		{"names asked for again and again", often(withNames(carried(200, 100, base32, "example.com"), TypeA, false), 20), None},
		{"names that nobody answers", withNames(carried(200, 100, base32, "example.com"), TypeA, true), None},
		{"hash look-ups of a known antivirus", withNames(carried(400, 64, "0123456789abcdef", "avqs.mcafee.com"), TypeA, false), None},
		{"block lists, unknown", withNames(formatted(400, "%d.100.51.198.bl.example.com"), TypeA, false), None},
		{"hosts of a big site", withNames(formatted(400, "r%d---sn-edge.example.com"), TypeA, false), None},
		{"names of words", withNames(words, TypeA, false), None},
		{"a content network's", withNames(carried(400, 60, base32, "x.cloudfront.net"), TypeA, false), Weak},
		{"reverse look-ups", withNames(formatted(300, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.%d.8.b.d.0.1.0.0.2.ip6.arpa"), TypePTR, false), None},
		{"many domains, a name each", withNames(formatted(300, "mzxw6ytboi4dembrgiydc2ltmfwhk5a.site%d.com"), TypeA, false), None},
	} {
		got, said := None, ""
		for _, e := range tunnels(c.hour, &Bench{Clocks: testClocks{}}) {
			got, said = max(got, e.Ceiling), e.Because
			if e.Name == "" || e.Signs != Tunnel || e.Role != Controller || e.Score <= 0 || e.Score > 1 {
				t.Errorf("%s: %+v", c.name, e)
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s (%s)", c.name, got, c.want, said)
		}
	}
}
