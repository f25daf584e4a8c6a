package ledger_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/casebook"
	"tocsin/ledger"
)

func TestEntryIsTheDocumentedOctets(t *testing.T) {
	e := ledger.Entry{Kind: "fold", Actor: "alice", At: 1_771_279_200_000_000, Changes: [32]byte{31: 9}}
	want := "01" + "04666f6c64" + "05616c696365" + "00064af813839800" + strings.Repeat("00", 31) + "09"
	if got := hex.EncodeToString(e.AppendBinary(nil)); got != want {
		t.Errorf("entry:\n got %s\nwant %s", got, want)
	}
}

func TestEntriesComeBackAndNoChangedOctetPasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := ledger.Entry{
			Kind:  rapid.String().Draw(t, "kind"),
			Actor: rapid.String().Draw(t, "actor"),
			At:    rapid.Int64().Draw(t, "at"),
		}
		e.Changes[5] = rapid.Byte().Draw(t, "changes")
		b := e.AppendBinary([]byte("before"))[len("before"):]
		got, err := ledger.ParseEntry(b)
		if err != nil || got != e {
			t.Fatalf("got %v, %v; want %v", got, err, e)
		}
		other := bytes.Clone(b)
		other[rapid.IntRange(0, len(b)-1).Draw(t, "octet")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if ledger.LeafHash(other) == ledger.LeafHash(b) {
			t.Fatal("two entries have one leaf hash")
		}
		if got, err := ledger.ParseEntry(other); err == nil && got == e {
			t.Fatal("two texts are one entry")
		}
		_, err = ledger.ParseEntry(b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")])
		wantInvalid(t, "an entry cut short", err)
		_, err = ledger.ParseEntry(append(b, 0))
		wantInvalid(t, "an entry with more behind it", err)
	})
}

func FuzzParseEntry(f *testing.F) {
	f.Add(ledger.Entry{Kind: "fold", Actor: "alice", At: 1}.AppendBinary(nil))
	f.Add(ledger.Entry{}.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ledger.ParseEntry(b)
		if err != nil {
			if !errors.Is(err, casebook.ErrInvalid) {
				t.Fatalf("%v isn't ErrInvalid", err)
			}
			return
		}
		if again := e.AppendBinary(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x and %x are the same entry", b, again)
		}
	})
}
