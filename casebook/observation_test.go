package casebook_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/casebook"
)

// sighting is an observation that tells everything an observation can tell.
func sighting() casebook.Observation {
	return casebook.Observation{
		Source: "shadowserver/event4_sinkhole", Type: casebook.InfectedSystem, Role: casebook.Bot,
		Severity: casebook.Critical, Confidence: 900, TLP: casebook.Amber,
		Identifier: "virut", Family: "avalanche",
		Asset: addr("192.0.2.7"), Port: 4188, Transport: casebook.TCP,
		Peer: addr("2001:db8::9"), PeerPort: 4455,
		ObservedAt: time.Date(2021, 3, 4, 0, 0, 0, 0, time.UTC), Row: 1,
		Extra: []casebook.Field{{"dst_asn", []byte("64501")}, {"src_asn", []byte("64500")}, {"src_city", []byte("Lima")}},
	}
}

func keyOf(o casebook.Observation) casebook.Key {
	o.Extra = slices.Clone(o.Extra) // Key sorts it
	return new(casebook.Keyer).Key(&o)
}

// claims holds, by field of Observation, changes that make it another claim.
var claims = map[string][]func(*casebook.Observation){
	"Source":     {func(o *casebook.Observation) { o.Source = "shadowserver/event4_honeypot" }},
	"Type":       {func(o *casebook.Observation) { o.Type = casebook.C2Server }},
	"Severity":   {func(o *casebook.Observation) { o.Severity = casebook.High }},
	"Confidence": {func(o *casebook.Observation) { o.Confidence = 901 }},
	"Identifier": {
		func(o *casebook.Observation) { o.Identifier = "" },
		func(o *casebook.Observation) { o.Identifier, o.Family = o.Family, o.Identifier },
		func(o *casebook.Observation) { o.Identifier, o.Family = "virutavalanche", "" },
	},
	"Family": {
		func(o *casebook.Observation) { o.Family = "" },
		func(o *casebook.Observation) { o.Family = "Avalanche" },
	},
	"Asset": {
		func(o *casebook.Observation) { o.Asset = addr("192.0.2.8") },
		func(o *casebook.Observation) { o.Asset = casebook.Asset{} },
		func(o *casebook.Observation) { o.Asset = named(casebook.UserAccount, "192.0.2.7") },
		func(o *casebook.Observation) { o.Asset = named(casebook.EmailAddr, "192.0.2.7") },
		func(o *casebook.Observation) { o.Asset, o.Peer = o.Peer, o.Asset },
	},
	"Port": {
		func(o *casebook.Observation) { o.Port = 0 },
		func(o *casebook.Observation) { o.Port, o.PeerPort = o.PeerPort, o.Port },
	},
	"Transport": {func(o *casebook.Observation) { o.Transport = casebook.UDP }},
	"Peer": {
		func(o *casebook.Observation) { o.Peer = casebook.Asset{} },
		func(o *casebook.Observation) { o.Peer = addr("2001:db8::a") },
	},
	"PeerPort":   {func(o *casebook.Observation) { o.PeerPort = 0 }},
	"ObservedAt": {func(o *casebook.Observation) { o.ObservedAt = o.ObservedAt.Add(time.Microsecond) }},
	"Extra": {
		func(o *casebook.Observation) { o.Extra = nil },
		func(o *casebook.Observation) { o.Extra = o.Extra[1:] },
		func(o *casebook.Observation) {
			o.Extra = append(slices.Clone(o.Extra), casebook.Field{Name: "tag", Value: []byte("x")})
		},
		func(o *casebook.Observation) {
			o.Extra = slices.Clone(o.Extra)
			o.Extra[2].Value = []byte("lima")
		},
		func(o *casebook.Observation) {
			o.Extra = slices.Clone(o.Extra)
			o.Extra[0].Value, o.Extra[1].Value = o.Extra[1].Value, o.Extra[0].Value
		},
		func(o *casebook.Observation) { // the letter goes from the name to the value
			o.Extra = slices.Clone(o.Extra)
			o.Extra[2] = casebook.Field{Name: "src_cit", Value: []byte("yLima")}
		},
	},
}

// ours holds the fields that say nothing of the claim, and a change of each.
var ours = map[string]func(*casebook.Observation){
	"Key":  func(o *casebook.Observation) { o.Key = casebook.Key{1} },
	"Row":  func(o *casebook.Observation) { o.Row = 2 },
	"Role": func(o *casebook.Observation) { o.Role = casebook.Victim },
	"TLP":  func(o *casebook.Observation) { o.TLP = casebook.Red },
}

func TestAnotherClaimHasAnotherKey(t *testing.T) {
	told := map[casebook.Key]string{keyOf(sighting()): "the claim unchanged"}
	for field, changes := range claims {
		for i, change := range changes {
			o := sighting()
			change(&o)
			name := fmt.Sprintf("change %d of %s", i+1, field)
			key := keyOf(o)
			if other, taken := told[key]; taken {
				t.Errorf("%s: got the key of %s, want its own", name, other)
			}
			told[key] = name
		}
	}
}

func TestWhatWeAddToAClaimChangesNoKey(t *testing.T) {
	want := keyOf(sighting())
	for field, change := range ours {
		o := sighting()
		change(&o)
		if got := keyOf(o); got != want {
			t.Errorf("%s: got %x, want %x", field, got, want)
		}
	}
	o := sighting()
	o.ObservedAt = o.ObservedAt.In(time.FixedZone("", 8*3600)).Add(999)
	if got := keyOf(o); got != want {
		t.Errorf("zone and nanoseconds: got %x, want %x", got, want)
	}
}

func TestEveryFieldOfAnObservationIsAClaimOrOurs(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[casebook.Observation]()) {
		if claims[f.Name] == nil && ours[f.Name] == nil {
			t.Errorf("%s: the tests above don't say whether it changes the key", f.Name)
		}
	}
}

func TestAKeyStaysTheSameForEver(t *testing.T) {
	// The octets that are hashed, one line a field; keys of years ago are
	// compared with those of today.
	octets := "\x06source\x1cshadowserver/event4_sinkhole" +
		"\x04type\x0finfected-system" +
		"\x05\x01\x01\x02" + // severity, transport, kind of asset, kind of peer
		"\x03\x84" + "\x10\x5c" + "\x11\x67" + // confidence, port, port of the peer
		"\x00\x05\xbc\xaa\xa6\x0e\xc0\x00" + // 1,614,816,000,000,000 µs
		"\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x07" +
		"\x00\x00\x00\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09" +
		"\x0aidentifier\x05virut" +
		"\x06family\x09avalanche" +
		"\x07dst_asn\x0564501" +
		"\x07src_asn\x0564500" +
		"\x08src_city\x04Lima"
	sum := sha256.Sum256([]byte(octets))
	got := keyOf(sighting())
	if want := casebook.Key(sum[:16]); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
}

// drawExtra draws fields of different names, some of which say nothing.
func drawExtra(t *rapid.T) []casebook.Field {
	names := rapid.SliceOfNDistinct(rapid.StringN(0, 6, -1), 0, 40, rapid.ID).Draw(t, "names")
	extra := make([]casebook.Field, len(names))
	for i, name := range names {
		extra[i] = casebook.Field{Name: name, Value: []byte(rapid.SampledFrom([]string{"", "a", "b", "ab"}).Draw(t, "value"))}
	}
	return extra
}

func TestReorderedColumnsKeepTheKey(t *testing.T) {
	var used casebook.Keyer // one that has seen other claims
	rapid.Check(t, func(t *rapid.T) {
		o := sighting()
		o.Extra = drawExtra(t)
		want := keyOf(o)
		o.Extra = rapid.Permutation(o.Extra).Draw(t, "another order")
		if got := used.Key(&o); got != want {
			t.Fatalf("got %x, want %x", got, want)
		}
		if !slices.IsSortedFunc(o.Extra, func(a, b casebook.Field) int { return strings.Compare(a.Name, b.Name) }) {
			t.Fatalf("got %v, want it sorted by name", o.Extra)
		}
	})
}

func TestEmptyColumnsKeepTheKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := sighting()
		o.Extra = drawExtra(t)
		got := keyOf(o)
		o.Extra = slices.DeleteFunc(slices.Clone(o.Extra), func(f casebook.Field) bool { return len(f.Value) == 0 })
		if want := keyOf(o); got != want {
			t.Fatalf("got %x, want %x", got, want)
		}
	})
}

func TestAKeyAllocatesNothing(t *testing.T) {
	var k casebook.Keyer
	o := sighting()
	k.Key(&o)
	n := testing.AllocsPerRun(100, func() {
		o.Extra[0], o.Extra[2] = o.Extra[2], o.Extra[0] // so that there is something to sort
		k.Key(&o)
	})
	if n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

func TestKeysSortAsTheirHexadecimals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := casebook.Key(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "a"))
		b := a
		b[rapid.IntRange(0, 15).Draw(t, "at")] = rapid.Byte().Draw(t, "octet")
		if got, want := a.Compare(b), strings.Compare(hex.EncodeToString(a[:]), hex.EncodeToString(b[:])); got != want {
			t.Fatalf("%x and %x: got %d, want %d", a, b, got, want)
		}
	})
}

func TestAFamilyIsOneWhateverItsSpelling(t *testing.T) {
	cases := map[string]string{
		"":                       "",
		"  \t\n ":                "",
		"Mirai":                  "mirai",
		" MIRAI ":                "mirai",
		"Win32/Conficker.B":      "win32/conficker.b",
		"Andromeda\t  (Gamarue)": "andromeda (gamarue)",
		"Cobalt\u00a0Strike":     "cobalt strike",
		"Cobalt\u3000\nStrike":   "cobalt strike",
		"КРАКЕН":                 "кракен",
		"木马":                     "木马",
		"cobalt-strike":          "cobalt-strike", // another spelling that only a table of names can fold
	}
	for in, want := range cases {
		if got := casebook.FamilyKey(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestCaseAndWhiteSpaceDontMakeAFamily(t *testing.T) {
	word := rapid.StringMatching(`[!-~]{1,8}`)
	space := rapid.StringMatching(`[ \t\r\n]{1,3}`)
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(word, 0, 4).Draw(t, "words")
		text := space.Draw(t, "before")
		for _, w := range words {
			if rapid.Bool().Draw(t, "upper") {
				w = strings.ToUpper(w)
			}
			text += w + space.Draw(t, "after")
		}
		if got, want := casebook.FamilyKey(text), strings.ToLower(strings.Join(words, " ")); got != want {
			t.Fatalf("%q: got %q, want %q", text, got, want)
		}
	})
}

func FuzzFamilyKey(f *testing.F) {
	f.Add(" Cobalt\u00a0 STRIKE")
	f.Add("\u212A\u0130\xff")
	f.Fuzz(func(t *testing.T, family string) {
		key := casebook.FamilyKey(family)
		if again := casebook.FamilyKey(key); again != key {
			t.Fatalf("%q: got %q, the second time %q", family, key, again)
		}
	})
}

func BenchmarkKeyerKey(b *testing.B) {
	var k casebook.Keyer
	o := sighting()
	for i := range 20 { // about as many columns as a sinkhole row has
		o.Extra = append(o.Extra, casebook.Field{Name: fmt.Sprintf("column_%02d", i), Value: []byte("a value of some length")})
	}
	b.ReportAllocs()
	for b.Loop() {
		k.Key(&o)
	}
}
