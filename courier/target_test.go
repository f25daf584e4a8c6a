package courier

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/casebook"
)

func TestParseTarget(t *testing.T) {
	for _, c := range []struct{ text, want, refused string }{
		{"https://hooks.example/a?token=x", "https://hooks.example/a?token=x", ""},
		{"HTTP://127.0.0.1:8080", "http://127.0.0.1:8080", ""},
		{"http://[2001:db8::1]:80/x", "http://[2001:db8::1]:80/x", ""},
		{"https://user:word@hooks.example/", "https://user:word@hooks.example/", ""},
		{"mailto:duty@example.org", "mailto:duty@example.org", ""},
		{"mailto:duty@example.org,a+b@Example.ORG,duty@example.org", "mailto:duty@example.org,a+b@example.org", ""},
		{"mailto:a%25b@example.org", "mailto:a%25b@example.org", ""},
		{"MAILTO:值班@example.org", "", "outside ASCII"},
		{"mailto:duty@网络.example", "mailto:duty@xn--io0a7i.example", ""},
		{"exec:/usr/bin/hook", "exec:/usr/bin/hook", ""},
		{"exec: /usr/bin/hook  a   b%20c  100%25", "exec:/usr/bin/hook a b%20c 100%25", ""},

		{"", "", "begins with none of"},
		{"duty@example.org", "", "begins with none of"},
		{"ftp://hooks.example", "", "begins with none of"},
		{"https:///path", "", "no host"},
		{"https:hooks.example", "", "no host"},
		{"https://hooks.example/#part", "", "fragment"},
		{"https://hooks.example/\n", "", "no URL"},
		{"https://hooks example/", "", "no URL"},
		{"mailto:", "", "name@domain"},
		{"mailto:a@example.org,", "", "name@domain"},
		{"mailto:a@example.org?subject=x", "", "header fields"},
		{"mailto:a%0d%0aBcc:b@example.org", "", "name@domain"},
		{"mailto:Duty <a@example.org>", "", "name@domain"},
		{"mailto:a%zz@example.org", "", "hexadecimal"},
		{"mailto:\"a b\"@example.org", "", "name@domain"},
		{"mailto:a@[192.0.2.1]", "", "domain"},
		{"mailto:" + strings.Repeat("a", 65) + "@example.org", "", "over 254"},
		{"mailto:" + strings.Repeat("a@example.org,", 300) + "a@example.org", "", "over 4096"},
		{"exec:", "", "no command"},
		{"exec:hook", "", "whole path"},
		{"exec:/hook 50%", "", "hexadecimal"},
		{"exec:/hook a%00b", "", "zero octet"},
		{"exec:/hook" + strings.Repeat(" a", 50), "", "51 arguments"},
	} {
		got, err := ParseTarget(c.text)
		if (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) || got.String() != c.want {
			t.Errorf("%.80q: got %q, %v; want %q, %q", c.text, got, err, c.want, c.refused)
		}
		if err != nil && !errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("%.80q: %v isn't ErrInvalid", c.text, err)
		}
	}
}

func TestNamesTellTargetsApartAndNothingElse(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{"https://hooks.example/services/hush", "https://hooks.example/services/hush2", "https://hush:hush@hooks.example/?hush", "mailto:hush@example.org",
		"mailto:hush2@example.org", "exec:/usr/bin/hook hush", "exec:/usr/bin/hook hush2"} {
		target, err := ParseTarget(text)
		if err != nil {
			t.Fatal(err)
		}
		name := target.Name()
		if strings.Contains(name, "hush") || seen[name] != "" {
			t.Errorf("%q is named %q, as is %q", text, name, seen[name])
		}
		seen[name] = text
		if _, err := ParseTarget("x" + text); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("a refusal tells it: %v", err)
		}
	}
}

func TestSplit(t *testing.T) {
	target, err := ParseTarget("mailto:a@example.org,b@example.org")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, one := range target.Split() {
		again, err := ParseTarget(one.String())
		if err != nil || again.Name() != one.Name() {
			t.Errorf("%s: %v", one, err)
		}
		got = append(got, one.String())
	}
	if want := []string{"mailto:a@example.org", "mailto:b@example.org"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, text := range []string{"https://user:word@hooks.example/a?b=c", "mailto:a%2Bb@example.org,c@example.org", "exec:/bin/hook a%20b", "http://[::1]:80/%zz", "mailto:\xff@例.example"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		target, err := ParseTarget(text)
		if err != nil {
			if !errors.Is(err, casebook.ErrInvalid) || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		again, err := ParseTarget(target.String())
		if err != nil || again.String() != target.String() || again.Name() != target.Name() {
			t.Errorf("%q became %q, and that %q, %v", text, target, again, err)
		}
		if !slices.Equal(again.command, target.command) || !slices.Equal(again.addresses, target.addresses) {
			t.Errorf("%q: %q, %q; again %q, %q", text, target.command, target.addresses, again.command, again.addresses)
		}
		for _, one := range append(target.addresses, target.Name()) {
			if strings.ContainsAny(one, "\r\n\x00") {
				t.Errorf("%q gives %q", text, one)
			}
		}
	})
}

func TestBackoffMoments(t *testing.T) {
	first := time.Date(2026, 2, 16, 14, 30, 0, 0, time.UTC)
	for _, b := range []Backoff{Patient, Pressing} {
		before, wait, n := first, b.First, 0
		for {
			n++
			next, dead := b.Next("msg_0001", first, n)
			if dead {
				break
			}
			if d := next.Sub(before) - wait; d.Abs() > wait/10+1 {
				t.Fatalf("attempt %d comes %v after the one before, want about %v", n+1, next.Sub(before), wait)
			}
			before, wait = next, min(2*wait, b.Most)
		}
		if before.Sub(first) > b.Until || before.Sub(first) < b.Until-2*b.Most {
			t.Errorf("given up after %d attempts, the last %v after the first", n, before.Sub(first))
		}
	}
	if at, dead := (Backoff{}).Next("msg_0001", first, 1); !dead {
		t.Errorf("the zero value tries again at %v", at)
	}
	if at, dead := Patient.Next("msg_0001", first, 0); dead || !at.Equal(first) {
		t.Errorf("the first attempt is at %v", at)
	}
}

func TestBackoffIsAFunctionOfTheMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[a-z0-9]{8,20}`).Draw(t, "id")
		n := rapid.IntRange(0, 200).Draw(t, "attempts")
		first := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "first"), 0)
		next, dead := Patient.Next(id, first, n)
		again, deadAgain := Patient.Next(id, first, n)
		if !next.Equal(again) || dead != deadAgain {
			t.Fatalf("%v and %v", next, again)
		}
		if later, end := Patient.Next(id, first, n+1); !end && (dead || !later.After(next)) {
			t.Fatalf("attempt %d at %v, the one before at %v", n+2, later, next)
		}
	})
	a, _ := Patient.Next("msg_0001", time.Time{}, 3)
	if b, _ := Patient.Next("msg_0002", time.Time{}, 3); a.Equal(b) {
		t.Error("two messages that failed together come back together")
	}
}
