package report_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/report"
)

func TestTaskNumbers(t *testing.T) {
	n, err := report.NewTaskNumber("cn-11", 2026, 123)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := n.String(), "CN-11-2026-000123-"; !strings.HasPrefix(got, want) || len(got) != len(want)+2 {
		t.Errorf("got %s", got)
	}
	for _, copied := range []string{n.String(), strings.ToLower(n.String()), " " + strings.ReplaceAll(n.String(), "-", " "), strings.ReplaceAll(n.String(), "-", "—")} {
		if got, err := report.ParseTaskNumber(copied); err != nil || got != n {
			t.Errorf("%q: got %v, %v", copied, got, err)
		}
	}
	for _, bad := range []string{"", "CN-11-2026-000123", "CN-11-2026-123-04", "CHN-2026-000123-04", "CN-11-1999-000123-04", "CN-11-2026-0000000123-04", "CN-11-2026-000123-00", strings.Repeat("9", 1000)} {
		if got, err := report.ParseTaskNumber(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
	for _, bad := range []struct {
		region   string
		year     int
		sequence int64
	}{{"", 2026, 1}, {"CN-", 2026, 1}, {"CN-1111", 2026, 1}, {"C1", 2026, 1}, {"CN", 1999, 1}, {"CN", 2026, 0}, {"CN", 2026, 1e9}} {
		if _, err := report.NewTaskNumber(bad.region, bad.year, bad.sequence); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	if (report.TaskNumber{}).String() != "" {
		t.Error("no number is written")
	}
}

// TestTaskCheckDigits reckons those of the account number that the registry of IBAN
// gives as its example for Great Britain, GB82 WEST 1234 5698 7654 32, which are made
// in the same way.
func TestTaskCheckDigits(t *testing.T) {
	if got := report.CheckDigits("WEST-123456-98765432-GB"); got != "82" {
		t.Errorf("got %s, want 82", got)
	}
}

// TestTaskSlips: no wrong digit, no wrong letter and no exchange of two unlike
// neighbours passes for another number.
func TestTaskSlips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, err := report.NewTaskNumber(rapid.SampledFrom([]string{"CN", "CN-11", "DE-BY", "FR-2A"}).Draw(t, "region"), rapid.IntRange(2000, 2999).Draw(t, "year"), rapid.Int64Range(1, 999_999_999).Draw(t, "sequence"))
		if err != nil {
			t.Fatal(err)
		}
		s := []byte(n.String())
		if got, err := report.ParseTaskNumber(string(s)); err != nil || got != n {
			t.Fatalf("%s: got %v, %v", s, got, err)
		}
		i := rapid.IntRange(0, len(s)-2).Draw(t, "at")
		digit := s[i] >= '0' && s[i] <= '9'
		switch c := rapid.SampledFrom([]byte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-")).Draw(t, "for"); {
		case s[i] == '-' || s[i] == c:
			return
		case c == '-' && s[i+1] != '-':
			if s[i], s[i+1] = s[i+1], s[i]; s[i] == s[i+1] {
				return
			}
		case c != '-' && digit == (c <= '9'):
			s[i] = c
		default:
			return
		}
		if got, err := report.ParseTaskNumber(string(s)); err == nil {
			t.Fatalf("%s passes for %v, was %v", s, got, n)
		}
	})
}
