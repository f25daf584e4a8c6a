package ledger

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"tocsin/casebook"
)

// Signer signs the checkpoints of one record with its Ed25519 key. It is safe for
// concurrent use.
type Signer struct {
	note note.Signer
	vkey string
	key  ed25519.PrivateKey
}

// NewSigner makes a key for the record of this name. skey is the private key as a
// line of text, to be kept secret and given to ParseSigner. The name should be one
// that nobody else uses, such as a host name with a path, because verifiers tell
// records apart by it. It gives ErrInvalid for a name that is empty, has a space,
// a control character or a plus sign, or is longer than 255 octets.
func NewSigner(origin string) (s *Signer, skey string, err error) {
	if !originOK(origin) {
		return nil, "", fmt.Errorf("origin %.80q: must have 1 to 255 octets of printable text without space and plus sign: %w", origin, casebook.ErrInvalid)
	}
	skey, _, err = note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, "", fmt.Errorf("make a key for %q: %w", origin, err)
	}
	s, err = ParseSigner(skey)
	return s, skey, err
}

// ParseSigner reads the private key that NewSigner gave. It gives ErrInvalid for
// anything else, and never repeats the text in its error.
func ParseSigner(skey string) (*Signer, error) {
	skey = strings.TrimSpace(skey)
	signer, err := note.NewSigner(skey)
	if err != nil || !originOK(signer.Name()) {
		return nil, fmt.Errorf("no private key like PRIVATE+KEY+NAME+HASH+KEY: %w", casebook.ErrInvalid)
	}
	// The library keeps the key to itself; the fifth part is the octet of the
	// algorithm and the seed, as it has just checked.
	parts := strings.SplitN(skey, "+", 5)
	key, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil {
		return nil, fmt.Errorf("no private key like PRIVATE+KEY+NAME+HASH+KEY: %w", casebook.ErrInvalid)
	}
	private := ed25519.NewKeyFromSeed(key[1:])
	vkey, err := note.NewEd25519VerifierKey(signer.Name(), private.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("public key of %q: %w", signer.Name(), err)
	}
	return &Signer{signer, vkey, private}, nil
}

// Origin gives the record's name.
func (s *Signer) Origin() string { return s.note.Name() }

// Verifier gives the public key as a line of text, NAME+HASH+KEY, for
// OpenCheckpoint and for every other reader of signed notes.
func (s *Signer) Verifier() string { return s.vkey }

func originOK(name string) bool {
	bad := func(r rune) bool { return r == '+' || unicode.IsSpace(r) || !unicode.IsPrint(r) }
	return name != "" && len(name) <= 255 && utf8.ValidString(name) && strings.IndexFunc(name, bad) < 0
}
