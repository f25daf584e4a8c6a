package desk_test

import (
	"errors"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
)

// TestWhoHeld: who held an address or a name at a moment, and on whose word.
func TestWhoHeld(t *testing.T) {
	o := open(t, t.TempDir())
	first := o.Now().Add(-time.Hour)
	o.load("registry", "cidr,asn,holder,region,party\n192.0.2.0/24,64500,Example Net,CN-11,north\n", first)
	o.load("names", "suffix,party\nexample.net,north\n", first)
	o.load("registry", "cidr,asn,holder,region,party\n192.0.2.0/24,64501,Other Net,CN-31,south\n", o.Now())
	for _, c := range []struct {
		asset               string
		at                  time.Time
		party, holder, from string
	}{
		{"192.0.2.7", o.Now().Add(-time.Minute), "north", "Example Net", "registry"},
		{"192[.]0[.]2[.]7", o.Now().Add(time.Minute), "south", "Other Net", "registry"},
		{"www.EXAMPLE.net.", o.Now(), "north", "", "names"},
		{"192.0.2.0/25", o.Now().Add(time.Minute), "south", "Other Net", "registry"},
		{"198.51.100.1", o.Now(), "", "", ""},
	} {
		a, err := desk.ParseAsset(c.asset)
		if err != nil {
			t.Fatal(err)
		}
		h, err := o.WhoHeld(t.Context(), casebook.Operator(), a, c.at)
		from := ""
		if h.By != nil {
			from = h.By.Source
		}
		if err != nil || h.Party != c.party || h.Holder != c.holder || from != c.from {
			t.Errorf("%s: got %+v on the word of %q (%v)", c.asset, h.Attribution, from, err)
		}
		if h, err := o.WhoHeld(t.Context(), casebook.Scope{Tenant: 1, Party: casebook.ID{7}, MaxTLP: casebook.Red}, a, c.at); err != nil || h.Party != "" || h.By != nil {
			t.Errorf("a party is told of %+v (%v)", h, err)
		}
	}
	for _, text := range []string{"", "nothing", "300.1.1.1", "a b.example", "fe80::1%eth0"} {
		if a, err := desk.ParseAsset(text); !errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("%q: got %v (%v)", text, a, err)
		}
	}
	if a, err := desk.ParseAsset("münchen.example"); err != nil || a.Name != "xn--mnchen-3ya.example" {
		t.Errorf("got %v (%v)", a, err)
	}
}
