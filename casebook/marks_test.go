package casebook_test

import (
	"errors"
	"strings"
	"testing"

	"tocsin/casebook"
)

// wantWords checks that the numbers from 0 on have these words, no more, and are
// found by them. The order is that of the database: it only grows at its end.
func wantWords[T interface {
	~uint8
	String() string
}](t *testing.T, parse func(string) (T, error), words ...string) {
	t.Helper()
	for i, want := range words {
		n := T(i)
		if got := n.String(); got != want {
			t.Errorf("%d: got %q, want %q", i, got, want)
		}
		if got, err := parse(want); err != nil || got != n {
			t.Errorf("%q: got %d, %v, want %d", want, got, err, i)
		}
	}
	beyond := T(len(words)).String()
	if !strings.HasPrefix(beyond, "unknown-") {
		t.Errorf("got the word %q, which this test leaves out", beyond)
	}
	for _, s := range []string{beyond, " ", "x", words[1] + " ", swapCase(words[1])} {
		if got, err := parse(s); !errors.Is(err, casebook.ErrInvalid) || got != 0 {
			t.Errorf("%q: got %d, %v, want ErrInvalid", s, got, err)
		}
	}
}

func swapCase(s string) string {
	if upper := strings.ToUpper(s); upper != s {
		return upper
	}
	return strings.ToLower(s)
}

func TestEachMarkHasItsWord(t *testing.T) {
	t.Run("roles", func(t *testing.T) {
		wantWords(t, casebook.ParseRole, "other", "controller", "bot", "distributor", "attacker", "exposed", "compromised", "victim")
	})
	t.Run("severities", func(t *testing.T) {
		wantWords(t, casebook.ParseSeverity, "", "info", "low", "medium", "high", "critical")
	})
	t.Run("labels", func(t *testing.T) {
		wantWords(t, casebook.ParseTLP, "AMBER", "CLEAR", "GREEN", "AMBER+STRICT", "RED")
	})
	t.Run("transports", func(t *testing.T) {
		wantWords(t, casebook.ParseTransport, "", "tcp", "udp", "icmp", "sctp")
	})
	t.Run("states", func(t *testing.T) {
		wantWords(t, casebook.ParseState, "open", "told", "claimed_clean", "verified", "unverified", "relapsed", "void")
	})
}

func TestAMarkThatMustBeToldHasNoEmptyWord(t *testing.T) {
	if got, err := casebook.ParseTLP(""); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("label: got %v, %v, want ErrInvalid", got, err)
	}
	if got, err := casebook.ParseRole(""); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("role: got %v, %v, want ErrInvalid", got, err)
	}
	if got, err := casebook.ParseState(""); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("state: got %v, %v, want ErrInvalid", got, err)
	}
}

func TestTheStricterLabelWins(t *testing.T) {
	mildToStrict := []casebook.TLP{casebook.Clear, casebook.Green, casebook.Amber, casebook.AmberStrict, casebook.Red}
	for i, a := range mildToStrict {
		for j, b := range mildToStrict {
			if got, want := casebook.Stricter(a, b), mildToStrict[max(i, j)]; got != want {
				t.Errorf("%v and %v: got %v, want %v", a, b, got, want)
			}
		}
	}
}

func TestWhatNobodyMarkedIsAmber(t *testing.T) {
	var unmarked casebook.TLP
	if got := casebook.Stricter(unmarked, casebook.Clear); got != casebook.Amber {
		t.Errorf("got %v, want %v", got, casebook.Amber)
	}
}
