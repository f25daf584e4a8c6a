package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"

	"tocsin/casebook"
)

// sealed is what a seal signs before the leaf, so that no seal is a signature of
// anything else.
const sealed = "tocsin ledger leaf\n"

// Seal signs one leaf on its own, in 64 octets: the entries behind the newest
// checkpoint are those of this key too, and not what somebody wrote there.
func (s *Signer) Seal(leaf Hash) []byte {
	return ed25519.Sign(s.key, append([]byte(sealed), leaf[:]...))
}

// A Sealer verifies seals.
type Sealer struct{ key ed25519.PublicKey }

// NewSealer takes the public key as Signer.Verifier gives it. It gives ErrInvalid
// for any other text.
func NewSealer(vkey string) (Sealer, error) {
	parts := strings.SplitN(strings.TrimSpace(vkey), "+", 3)
	if len(parts) == 3 {
		// The first octet is the algorithm's number, 1 for Ed25519.
		key, err := base64.StdEncoding.DecodeString(parts[2])
		if err == nil && len(key) == 1+ed25519.PublicKeySize && key[0] == 1 {
			return Sealer{key[1:]}, nil
		}
	}
	return Sealer{}, fmt.Errorf("no public key like NAME+HASH+KEY: %w", casebook.ErrInvalid)
}

// Verify reports whether a seal is of this leaf and key.
func (s Sealer) Verify(leaf Hash, seal []byte) bool {
	return len(s.key) > 0 && ed25519.Verify(s.key, append([]byte(sealed), leaf[:]...), seal)
}
