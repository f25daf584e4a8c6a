package traffic

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMoments(t *testing.T) {
	at := time.Date(2026, 11, 24, 3, 0, 0, 123456000, time.FixedZone("", 3600))
	if got, want := Time(Micros(at)), at.UTC(); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestStateNames(t *testing.T) {
	for s, want := range map[State]string{StateUnknown: "unknown", Rejected: "rejected", Midstream: "midstream", 200: "unknown"} {
		if got := s.String(); got != want {
			t.Errorf("state %d: got %q, want %q", s, got, want)
		}
	}
}

func TestBatchReset(t *testing.T) {
	var b Batch
	addr := netip.MustParseAddr("192.0.2.7")
	first := b.List([]netip.Addr{addr})
	second := b.List(make([]netip.Addr, MaxAddrs+1))
	b.Lookups = append(b.Lookups, Lookup{Addrs: first}, Lookup{Addrs: second})
	b.Flows = append(b.Flows, Flow{})
	if b.Len() != 3 || len(first) != 1 || first[0] != addr || len(second) != MaxAddrs || cap(first) != 1 {
		t.Errorf("got %d records, lists %v and %d long", b.Len(), first, len(second))
	}
	if b.Reset(); b.Len() != 0 || b.List(nil) != nil {
		t.Error("the batch isn't empty after Reset")
	}
	if n := testing.AllocsPerRun(100, func() {
		b.Reset()
		for range 10 {
			b.Flows = append(b.Flows, Flow{})
			b.Lookups = append(b.Lookups, Lookup{Addrs: b.List([]netip.Addr{addr})})
		}
	}); n > 0 {
		t.Errorf("a batch in use allocates %v times", n)
	}
}

// TestStringsOutliveTheirBytes writes over every buffer that a string was made from.
func TestStringsOutliveTheirBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Strings
		var got, want []string
		for _, w := range rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.StringN(longText-2, longText+2, -1))).Draw(t, "texts") {
			buffer := []byte(w)
			got, want = append(got, s.Of(buffer)), append(want, w)
			clear(buffer)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("text %d: got %q, want %q", i, got[i], want[i])
			}
		}
	})
}

func TestStringsRemember(t *testing.T) {
	var s Strings
	word := []byte("www.example.org")
	s.Of(word)
	if n := testing.AllocsPerRun(1000, func() { s.Of(word) }); n > 0 {
		t.Errorf("a known string allocates %v times", n)
	}
	var n int
	if per := testing.AllocsPerRun(10_000, func() {
		n++
		word[0], word[1], word[2] = byte(n), byte(n>>8), byte(n>>16)
		s.Of(word)
	}); per > 0 {
		t.Errorf("unknown strings allocate %v times each, want once a block", per)
	}
}

func TestLink(t *testing.T) {
	if LinkOf(nil) != 0 || LinkOf([]byte("C1")) == LinkOf([]byte("C2")) || LinkOf([]byte("C1")) == 0 {
		t.Error("links of different identifiers are the same, or 0")
	}
}
