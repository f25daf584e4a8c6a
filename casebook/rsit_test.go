package casebook_test

import (
	"errors"
	"testing"

	"tocsin/casebook"
)

func TestEachIncidentTypeHasItsPlaceInTheTaxonomy(t *testing.T) {
	for n := casebook.Undetermined; n <= casebook.Test; n++ {
		if n.Class() == "" {
			t.Errorf("type %d, %v, has no class", n, n)
		}
		if got, err := casebook.TypeByName(n.String()); err != nil || got != n {
			t.Errorf("%v: got %d, %v, want %d", n, got, err, n)
		}
	}
	if got := casebook.Test + 1; got.String() != "undetermined" || got.Class() != "other" || got.Role() != casebook.RoleOther {
		t.Errorf("got %v of %s for a number after the last, want undetermined", got, got.Class())
	}
}

func TestATypeSaysWhatItsAssetPlays(t *testing.T) {
	cases := []struct {
		name, class string
		role        casebook.Role
	}{
		{"c2-server", "malicious-code", casebook.Controller},
		{"infected-system", "malicious-code", casebook.Bot},
		{"malware-distribution", "malicious-code", casebook.Distributor},
		{"brute-force", "intrusion-attempts", casebook.Attacker},
		{"system-compromise", "intrusions", casebook.Compromised},
		{"ddos-amplifier", "vulnerable", casebook.Exposed},
		{"test", "test", casebook.RoleOther},
	}
	for _, c := range cases {
		n, err := casebook.TypeByName(c.name)
		if err != nil || n.Class() != c.class || n.Role() != c.role {
			t.Errorf("%s: got %s, %v, %v, want %s, %v", c.name, n.Class(), n.Role(), err, c.class, c.role)
		}
	}
}

func TestWhatPeopleSayOrShowIsNoIncidentType(t *testing.T) {
	for _, name := range []string{"harmful-speech", "violence", "copyright", "C2-SERVER", ""} {
		if got, err := casebook.TypeByName(name); !errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("%q: got %v, %v, want ErrInvalid", name, got, err)
		}
	}
}
