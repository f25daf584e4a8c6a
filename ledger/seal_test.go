package ledger

import (
	"errors"
	"testing"

	"tocsin/casebook"
)

func TestASealIsOfOneLeafAndOneKey(t *testing.T) {
	signer, _, err := NewSigner("example.net/log")
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := NewSigner("example.net/log")
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := NewSealer(signer.Verifier() + "\n")
	if err != nil {
		t.Fatal(err)
	}
	leaf := LeafHash([]byte("an entry"))
	seal := signer.Seal(leaf)
	if !sealer.Verify(leaf, seal) {
		t.Error("the seal isn't known again")
	}
	if sealer.Verify(LeafHash([]byte("another")), seal) || sealer.Verify(leaf, other.Seal(leaf)) || sealer.Verify(leaf, nil) || (Sealer{}).Verify(leaf, seal) {
		t.Error("a seal of another leaf, another key, or none is taken")
	}
	for i := range seal {
		seal[i] ^= 1
		if sealer.Verify(leaf, seal) {
			t.Errorf("byte %d flipped, and the seal is taken", i)
		}
		seal[i] ^= 1
	}
	for _, bad := range []string{"", "a+b", "name+hash+AAAA", "name+hash+!"} {
		if _, err := NewSealer(bad); !errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("NewSealer(%q) gave %v, want ErrInvalid", bad, err)
		}
	}
}
