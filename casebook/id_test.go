package casebook_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/casebook"
)

// millis reads the moment that an ID carries, in milliseconds since 1970.
func millis(id casebook.ID) int64 { return int64(binary.BigEndian.Uint64(id[:8]) >> 16) }

// ahead gives a moment that no ID of this process has reached.
func ahead() time.Time {
	return time.UnixMilli(millis(casebook.NewID(time.Now()))).Add(time.Hour)
}

func TestAnIDCarriesItsMomentAsUUIDv7(t *testing.T) {
	at := ahead()
	id := casebook.NewID(at)
	if got := millis(id); got != at.UnixMilli() {
		t.Errorf("got %d ms, want %d", got, at.UnixMilli())
	}
	if version, variant := id[6]>>4, id[8]>>6; version != 7 || variant != 2 {
		t.Errorf("got version %d, variant %d, want 7 and 2", version, variant)
	}
	if id.IsZero() || !(casebook.ID{}).IsZero() {
		t.Errorf("got %v named nothing", id)
	}
}

func TestIDsSortAsMadeWhateverTheClockDoes(t *testing.T) {
	wantLater := func(t interface{ Fatalf(string, ...any) }, before casebook.ID, at time.Time) casebook.ID {
		id := casebook.NewID(at)
		if bytes.Compare(before[:8], id[:8]) >= 0 || strings.Compare(before.Text("x"), id.Text("x")) >= 0 {
			t.Fatalf("at %v: got %s after %s", at, id.Text("x"), before.Text("x"))
		}
		if id[6]>>4 != 7 || id[8]>>6 != 2 {
			t.Fatalf("at %v: got %x, which is no UUIDv7", at, id)
		}
		return id
	}
	start := ahead()
	cases := []struct {
		name string
		at   func(i int) time.Time
	}{
		{"the clock stands", func(int) time.Time { return start }},
		{"the clock goes back", func(i int) time.Time { return start.Add(-time.Duration(i) * time.Hour) }},
		{"the clock stands before 1970", func(int) time.Time { return time.Time{} }},
		{"the clock creeps", func(i int) time.Time { return start.Add(time.Duration(i) * time.Microsecond) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			id := casebook.NewID(start)
			for i := range 10_000 { // more than the counter's twelve bits hold
				id = wantLater(t, id, c.at(i))
			}
		})
	}
	t.Run("any clock", func(t *testing.T) {
		id := casebook.NewID(start)
		rapid.Check(t, func(t *rapid.T) {
			// Up to 100 days ahead of the start; back to long before 1970.
			step := rapid.Int64Range(-1<<42, 100*24*3600*1000)
			for _, ms := range rapid.SliceOfN(step, 1, 20).Draw(t, "moments") {
				id = wantLater(t, id, start.Add(time.Duration(ms)*time.Millisecond))
			}
		})
	})
}

func TestAClockBefore1970DoesNotSpoilLaterIDs(t *testing.T) {
	at := ahead()
	casebook.NewID(time.Time{})
	casebook.NewID(time.UnixMilli(-1))
	if got := millis(casebook.NewID(at)); got != at.UnixMilli() {
		t.Errorf("got %d ms, want %d", got, at.UnixMilli())
	}
}

func TestIDsMadeAtOnceNeverRepeat(t *testing.T) {
	at := time.Now()
	made := make([][]uint64, 8)
	var wg sync.WaitGroup
	for i := range made {
		wg.Go(func() {
			for range 1_000 {
				id := casebook.NewID(at)
				made[i] = append(made[i], binary.BigEndian.Uint64(id[:8]))
			}
		})
	}
	wg.Wait()
	all := slices.Concat(made...)
	slices.Sort(all)
	if got, want := len(slices.Compact(all)), 8_000; got != want {
		t.Errorf("got %d different moments and counts, want %d", got, want)
	}
}

func TestAnIDIsReadBackAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := casebook.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		text := id.Text(casebook.FindingPrefix)
		if len(text) != 30 || text[:4] != "fnd_" || strings.Trim(text[4:], "0123456789abcdefghjkmnpqrstvwxyz") != "" {
			t.Fatalf("got %q, want fnd_ and 26 characters of Crockford's base32", text)
		}
		for _, s := range []string{text, strings.ToUpper(text)} {
			if got, err := casebook.ParseID(casebook.FindingPrefix, s); err != nil || got != id {
				t.Fatalf("%s: got %x, %v, want %x", s, got, err, id)
			}
		}
	})
}

func TestWhatNamesNothingOfTheKindIsRefused(t *testing.T) {
	good := casebook.ID{0x01, 0x95, 6: 0x70, 8: 0x80, 15: 0x04}.Text("dlv")
	if _, err := casebook.ParseID("dlv", good); err != nil {
		t.Fatal(err)
	}
	body := good[4:]
	cases := map[string]string{
		"nothing":                       "",
		"the prefix alone":              "dlv_",
		"no prefix":                     body,
		"another prefix":                "fnd_" + body,
		"a longer prefix":               "xdlv_" + body,
		"a hyphen for the underscore":   "dlv-" + body,
		"one character too few":         good[:29],
		"one character too many":        good + "0",
		"a letter that base32 avoids":   "dlv_" + body[:25] + "u",
		"an l for a 1":                  "dlv_l" + body[1:],
		"an o for a 0":                  "dlv_o" + body[1:],
		"a blank in front":              " " + good,
		"a blank within":                "dlv_" + body[:12] + " " + body[13:],
		"a line break at the end":       good[:28] + "\r\n",
		"line breaks within":            "dlv_\n\n" + body[2:],
		"a bit set after the last":      good[:29] + "h",
		"padding":                       good[:24] + "======",
		"a sign whose lower case is k":  "dlv_\u212A" + body[1:],
		"octets that aren't UTF-8":      "dlv_\xff" + body[1:],
		"a UUID in its usual clothes":   "01957000-0000-7000-8000-000000000004",
		"an underscore in the alphabet": "dlv__" + body[1:],
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			if got, err := casebook.ParseID("dlv", text); !errors.Is(err, casebook.ErrInvalid) || !got.IsZero() {
				t.Errorf("%q: got %x, %v, want ErrInvalid", text, got, err)
			}
		})
	}
}

func FuzzParseID(f *testing.F) {
	f.Add(casebook.ID{15: 1}.Text("dlv"))
	f.Add("DLV_0000000000000000000000000Z")
	f.Add("dlv_000000000000000000000000\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := casebook.ParseID("dlv", text)
		if err != nil {
			if !errors.Is(err, casebook.ErrInvalid) {
				t.Fatalf("%q: got %v, want ErrInvalid", text, err)
			}
			return
		}
		if got := id.Text("dlv"); len(got) != len(text) || !strings.EqualFold(got, text) {
			t.Fatalf("got %q, want %q", got, text)
		}
	})
}

func BenchmarkNewID(b *testing.B) {
	at := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		casebook.NewID(at)
	}
}
