package indicator_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"tocsin/casebook"
	"tocsin/indicator"
)

// compiled is a small base with something in every table, as Compile keeps it.
func compiled(t testing.TB, key indicator.Key) (*indicator.Base, []byte) {
	t.Helper()
	b := baseOf(t, map[string]string{
		"bad.csv": "indicator,family,confidence,valid_until\n192.0.2.1,Heodo,90,\n192.0.2.1:443,Heodo,91,\n192.0.2.1,Other,10,2024-06-01\n" +
			"2001:db8::1,,80,\n\"[2001:db8::1]:443\",,81,\n198.51.100.0/24,Emotet,,\n2001:db8:1::/48,,70,\n" +
			"evil.example,Emotet,90,\nevil.example/gate.php,,60,\n/izuku.sh,,50,\nd41d8cd98f00b204e9800998ecf8427e,,40,\nnot a value,,,\n",
		"akamai.json": `{"name":"List of known Akamai IP ranges","type":"cidr","list":["203.0.113.0/24"]}`,
		"galaxy.json": `{"values":[{"value":"Emotet","meta":{"synonyms":["Heodo"]}}]}`,
	})
	var kept bytes.Buffer
	if err := b.Compile(&kept, key); err != nil {
		t.Fatal(err)
	}
	return b, kept.Bytes()
}

// told is all that a base says of what traffic may bring.
func told(b *indicator.Base) string {
	var s string
	say := func(j indicator.Judgement, known bool) { s += fmt.Sprintf("%v %+v\n", known, j) }
	for _, at := range []int64{1_700_000_000e6, 1_800_000_000e6} {
		for _, a := range []string{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "198.51.100.7", "2001:db8:1::9", "203.0.113.9"} {
			say(b.Address(netip.MustParseAddr(a), 443, at))
			what, known := b.CommonGround("", netip.MustParseAddr(a))
			s += fmt.Sprintln(what, known)
		}
		say(b.Name("www.evil.example", at))
		say(b.Name("good.example", at))
		say(b.Request("evil.example", 80, "/gate.php?a", at))
		say(b.Request("other.example", 80, "/izuku.sh", at))
		say(b.Fingerprint(indicator.File, "d41d8cd98f00b204e9800998ecf8427e", at))
	}
	return s + fmt.Sprint(b.Set.Stats(), b.Lists, b.Warnings.Lists(), b.Families.Clusters(), b.Families.Fold("heodo"))
}

func TestACompiledBaseSaysTheSame(t *testing.T) {
	key := indicator.Key{1, 2, 3}
	b, kept := compiled(t, key)
	again, err := indicator.ReadBase(bytes.NewReader(kept), int64(len(kept)), key)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := told(again), told(b); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestACompiledBaseOfOtherListsOrDamagedIsNone(t *testing.T) {
	key := indicator.Key{1, 2, 3}
	_, kept := compiled(t, key)
	refused := func(what string, b []byte, key indicator.Key) {
		if _, err := indicator.ReadBase(bytes.NewReader(b), int64(len(b)), key); !errors.Is(err, casebook.ErrNotFound) {
			t.Errorf("%s: %v, want %v", what, err, casebook.ErrNotFound)
		}
	}
	refused("another key", kept, indicator.Key{1, 2, 4})
	refused("nothing", nil, key)
	for i := 0; i < len(kept); i += 7 {
		refused("cut short", kept[:i], key)
		damaged := bytes.Clone(kept)
		damaged[i] ^= 1 << (i % 8)
		refused(fmt.Sprintf("octet %d changed", i), damaged, key)
	}
}

// FuzzReadBase: whatever lies in the folder, it is refused or it is what was kept.
func FuzzReadBase(f *testing.F) {
	_, kept := compiled(f, indicator.Key{})
	f.Add(kept)
	f.Add(kept[:len(kept)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := indicator.ReadBase(bytes.NewReader(data), int64(len(data)), indicator.Key{}); err != nil && !errors.Is(err, casebook.ErrNotFound) {
			t.Error(err)
		}
	})
}
