package ledger_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/casebook"
	"tocsin/ledger"
)

func pack(changes ...ledger.Change) []byte {
	var set ledger.ChangeSet
	for _, ch := range changes {
		set.Add(ch)
	}
	return set.Pack()
}

func unpack(packed []byte) (changes []ledger.Change, err error) {
	err = ledger.Unpack(packed, func(ch ledger.Change) error {
		changes = append(changes, ch)
		return nil
	})
	return changes, err
}

func TestPackedSetIsTheDocumentedOctets(t *testing.T) {
	d := [32]byte{0: 0xaa, 31: 0xbb}
	got := pack(
		ledger.Change{Table: 9, Version: 1, Key: 300, Op: ledger.Erase},
		ledger.Change{Table: 2, Version: 1, Key: 5, Op: ledger.Put, Digest: d},
		ledger.Change{Table: 2, Version: 1, Key: -3, Op: ledger.Delete},
		ledger.Change{Table: 2, Version: 2, Key: 6, Op: ledger.Delete},
	)
	want := "01" + "02" + // version, two tables
		"02" + "03" + // table 2, three changes
		"8201" + "05" + // delete, schema version 1, key -3
		"01" + "08" + hex.EncodeToString(d[:]) + // put, key 8 further
		"8202" + "01" + // delete, schema version 2, key 1 further
		"09" + "01" + // table 9, one change
		"8301" + "d804" // erase, schema version 1, key 300
	if hex.EncodeToString(got) != want {
		t.Errorf("packed:\n got %x\nwant %s", got, want)
	}
	if got := hex.EncodeToString(pack()); got != "0100" {
		t.Errorf("packed empty set: got %s, want 0100", got)
	}
}

func TestALaterChangeOfARowReplacesTheEarlier(t *testing.T) {
	var set ledger.ChangeSet
	set.Add(ledger.Change{Table: 1, Version: 1, Key: 4, Op: ledger.Put, Digest: [32]byte{1}})
	set.Add(ledger.Change{Table: 1, Version: 1, Key: 3, Op: ledger.Put, Digest: [32]byte{2}})
	set.Pack() // a look in between changes nothing
	set.Add(ledger.Change{Table: 1, Version: 2, Key: 4, Op: ledger.Delete, Digest: [32]byte{3}})
	if got := set.Len(); got != 3 {
		t.Errorf("length: got %d, want 3", got)
	}
	got, err := unpack(set.Pack())
	want := []ledger.Change{
		{Table: 1, Version: 1, Key: 3, Op: ledger.Put, Digest: [32]byte{2}},
		{Table: 1, Version: 2, Key: 4, Op: ledger.Delete},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("changes:\n got %v, %v\nwant %v", got, err, want)
	}
	set.Reset()
	if got := set.Pack(); set.Len() != 0 || !bytes.Equal(got, pack()) {
		t.Errorf("after Reset: %d changes, packed %x", set.Len(), got)
	}
}

func TestAChangeWithoutOperationPanics(t *testing.T) {
	defer func() {
		if r, _ := recover().(string); !strings.Contains(r, "table 3 key 9") {
			t.Errorf("panic: got %q, want one that names table 3 key 9", r)
		}
	}()
	pack(ledger.Change{Table: 3, Key: 9})
}

// A row whose keys and tables collide often.
var drawnChange = rapid.Custom(func(t *rapid.T) ledger.Change {
	ch := ledger.Change{
		Table:   rapid.OneOf(rapid.Uint32Range(0, 2), rapid.Just[uint32](math.MaxUint32)).Draw(t, "table"),
		Version: rapid.OneOf(rapid.Uint32Range(0, 2), rapid.Just[uint32](math.MaxUint32)).Draw(t, "version"),
		Key:     rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Int64()).Draw(t, "key"),
		Op:      rapid.SampledFrom([]ledger.Op{ledger.Put, ledger.Delete, ledger.Erase}).Draw(t, "op"),
	}
	if ch.Op == ledger.Put {
		ch.Digest[0] = rapid.Byte().Draw(t, "digest")
	}
	return ch
})

func TestWhatIsPackedComesBack(t *testing.T) {
	type place struct {
		table uint32
		key   int64
	}
	rapid.Check(t, func(t *rapid.T) {
		changes := rapid.SliceOf(drawnChange).Draw(t, "changes")
		standing := make(map[place]ledger.Change)
		for _, ch := range changes {
			standing[place{ch.Table, ch.Key}] = ch
		}
		packed := pack(changes...)
		got, err := unpack(packed)
		if err != nil || len(got) != len(standing) {
			t.Fatalf("%d changes, %v; want %d", len(got), err, len(standing))
		}
		for i, ch := range got {
			if standing[place{ch.Table, ch.Key}] != ch {
				t.Fatalf("got %v, want %v", ch, standing[place{ch.Table, ch.Key}])
			}
			if i > 0 && (got[i-1].Table > ch.Table || got[i-1].Table == ch.Table && got[i-1].Key >= ch.Key) {
				t.Fatalf("%v comes before %v", got[i-1], ch)
			}
		}
		if again := pack(rapid.Permutation(got).Draw(t, "order")...); !bytes.Equal(again, packed) {
			t.Fatalf("another order packs to %x, not %x", again, packed)
		}
	})
}

func TestMalformedSetsAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                        "",
		"another version":                "0200",
		"no number of tables":            "01",
		"a table promised and not there": "0101",
		"octets after the end":           "010000",
		"a varint with an idle octet":    "018000",
		"a varint of eleven octets":      "01ffffffffffffffffffff01",
		"a table without changes":        "01010100",
		"more changes than octets":       "010101ffffffff0f810002",
		"a table number over 32 bits":    "0101808080801001820000",
		"the same table twice":           "010201018201000101820100",
		"tables out of order":            "010202018201000101820100",
		"no operation":                   "01010101800002",
		"an unknown operation":           "01010101840002",
		"an unknown flag":                "01010101c20002",
		"no schema version":              "010101010202",
		"the same schema version again":  "01010102820100820101",
		"a schema version over 32 bits":  "0101010182808080801002",
		"the same key twice":             "010101028201000200",
		"a key beyond 63 bits":           "010101028201feffffffffffffffff010201",
		"a digest cut short":             "010101018101" + "02" + strings.Repeat("00", 31),
	} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = unpack(b)
		wantInvalid(t, name, err)
	}
}

func TestUnpackEndsWithItsCallersError(t *testing.T) {
	enough := errors.New("enough")
	packed := pack(
		ledger.Change{Table: 1, Key: 1, Op: ledger.Delete},
		ledger.Change{Table: 1, Key: 2, Op: ledger.Delete},
		ledger.Change{Table: 2, Key: 1, Op: ledger.Delete},
	)
	seen := 0
	err := ledger.Unpack(packed, func(ledger.Change) error { seen++; return enough })
	if seen != 1 || err != enough {
		t.Errorf("got %d changes and %v, want 1 and %v", seen, err, enough)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(pack())
	f.Add(pack(ledger.Change{Table: 1, Version: 1, Key: 7, Op: ledger.Put}, ledger.Change{Table: 1, Version: 2, Key: 9, Op: ledger.Erase}))
	f.Add(pack(ledger.Change{Table: 1, Key: math.MinInt64, Op: ledger.Delete}, ledger.Change{Table: 1, Key: math.MaxInt64, Op: ledger.Delete}))
	f.Fuzz(func(t *testing.T, packed []byte) {
		changes, err := unpack(packed)
		if err != nil {
			if !errors.Is(err, casebook.ErrInvalid) {
				t.Fatalf("%v isn't ErrInvalid", err)
			}
			return
		}
		if again := pack(changes...); !bytes.Equal(again, packed) {
			t.Fatalf("%x and %x are the same set", packed, again)
		}
	})
}

func batch(n int) []ledger.Change {
	changes := make([]ledger.Change, n)
	for i := range changes {
		key := int64(i) * 7919 % int64(n) // visits every key out of order
		changes[i] = ledger.Change{Table: uint32(i % 3), Version: 1, Key: key, Op: ledger.Put, Digest: [32]byte{byte(i)}}
	}
	return changes
}

func BenchmarkPackOf4000Changes(b *testing.B) {
	changes := batch(4000)
	var set ledger.ChangeSet
	b.ReportAllocs()
	for b.Loop() {
		set.Reset()
		for _, ch := range changes {
			set.Add(ch)
		}
		set.Pack()
	}
}

func BenchmarkUnpackOf4000Changes(b *testing.B) {
	packed := pack(batch(4000)...)
	b.ReportAllocs()
	b.SetBytes(int64(len(packed)))
	for b.Loop() {
		if err := ledger.Unpack(packed, func(ledger.Change) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
