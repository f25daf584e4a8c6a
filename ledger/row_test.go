package ledger_test

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"tocsin/ledger"
)

// A field of a row as the tests draw it: nil, int64, string or []byte.
type row struct {
	Table, Version uint32
	Fields         []any
}

func (r row) digest(h *ledger.RowHasher) [32]byte {
	h.Reset(r.Table, r.Version)
	for _, f := range r.Fields {
		switch f := f.(type) {
		case nil:
			h.Null()
		case int64:
			h.Int(f)
		case string:
			h.Text(f)
		case []byte:
			h.Blob(f)
		}
	}
	return h.Sum()
}

func TestRowDigestIsTheDocumentedOctets(t *testing.T) {
	var h ledger.RowHasher
	got := row{7, 2, []any{int64(-2), "né", []byte{0xff}, nil, ""}}.digest(&h)
	octets, err := hex.DecodeString("02" + "00000007" + "00000002" +
		"6908fffffffffffffffe" + "74036ec3a9" + "6201ff" + "6e00" + "7400")
	if err != nil {
		t.Fatal(err)
	}
	if want := sha256.Sum256(octets); got != want {
		t.Errorf("digest: got %x, want %x", got, want)
	}
}

func TestRowsThatLookAlikeDiffer(t *testing.T) {
	rows := []row{
		{1, 1, nil}, {1, 2, nil}, {2, 1, nil},
		{1, 1, []any{nil}}, {1, 1, []any{nil, nil}},
		{1, 1, []any{int64(0)}}, {1, 1, []any{""}}, {1, 1, []any{[]byte{}}},
		{1, 1, []any{"ab", "c"}}, {1, 1, []any{"a", "bc"}}, {1, 1, []any{"abc"}}, {1, 1, []any{[]byte("abc")}},
		{1, 1, []any{"\x00\x00\x00\x00\x00\x00\x00\x07"}}, {1, 1, []any{int64(7)}},
		{1, 1, []any{"t\x00"}}, {1, 1, []any{"t", ""}}, {1, 1, []any{"", "t"}},
	}
	seen := make(map[[32]byte]row)
	var h ledger.RowHasher
	for _, r := range rows {
		d := r.digest(&h)
		if other, ok := seen[d]; ok {
			t.Errorf("rows %v and %v have one digest", other, r)
		}
		seen[d] = r
	}
}

func TestTwoRowsShareADigestOnlyWhenTheyAreTheSame(t *testing.T) {
	// Few letters and short fields, so that near misses are drawn often.
	text := rapid.StringOfN(rapid.SampledFrom([]rune("t\x00\x01")), 0, 3, -1)
	field := rapid.OneOf(
		rapid.Just[any](nil),
		rapid.Map(rapid.Int64Range(-1, 1), func(v int64) any { return v }),
		rapid.Map(text, func(s string) any { return s }),
		rapid.Map(text, func(s string) any { return []byte(s) }),
	)
	rows := rapid.Custom(func(t *rapid.T) row {
		return row{
			rapid.Uint32Range(0, 1).Draw(t, "table"), rapid.Uint32Range(0, 1).Draw(t, "version"),
			rapid.SliceOfN(field, 0, 4).Draw(t, "fields"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := rows.Draw(t, "a"), rows.Draw(t, "b")
		var one, two ledger.RowHasher
		a.digest(&two) // what a hasher did before doesn't matter
		if same := a.digest(&one) == b.digest(&two); same != reflect.DeepEqual(a, b) {
			t.Fatalf("%v and %v: same digest %v", a, b, same)
		}
	})
}

func BenchmarkRowHasherOf25Columns(b *testing.B) {
	var h ledger.RowHasher
	address := make([]byte, 16)
	salt := make([]byte, 16)
	hash := func() {
		h.Reset(3, 1)
		for i := range int64(15) {
			h.Int(i << 20)
		}
		for range 8 {
			h.Text("shadowserver/event4")
		}
		h.Blob(address)
		h.Blob(salt)
		h.Sum()
	}
	hash()
	if n := testing.AllocsPerRun(100, hash); n != 0 {
		b.Errorf("allocations for a row: got %v, want 0", n)
	}
	b.ReportAllocs()
	for b.Loop() {
		hash()
	}
}
