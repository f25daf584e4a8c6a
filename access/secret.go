package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"time"
)

// The prefixes of secrets: they tell a person, and a program that looks for leaked
// secrets, what was found.
const (
	SessionPrefix = "tcs_"
	KeyPrefix     = "tck_"
	SetupPrefix   = "tcu_"
	InvitePrefix  = "tci_"
)

// How long a session lives: unused, and at most (NIST SP 800-63B-4, section 2.2.3:
// an hour unused, a day at most, for assurance level 2). A desk is manned in shifts
// of twelve hours.
const (
	SessionIdle = time.Hour
	SessionLife = 12 * time.Hour
)

// A Secret is random text with 130 bits, given once. Its digest is what is kept: a
// secret of this length needs no slow hash.
type Secret struct {
	Text   string
	Digest [sha256.Size]byte
}

// NewSecret makes a secret with a prefix.
func NewSecret(prefix string) Secret {
	text := prefix + rand.Text()
	return Secret{text, Digest(text)}
}

// Digest gives what is kept of a secret.
func Digest(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

// Shown gives the first characters of a secret, by which people tell keys apart: 30
// bits of its 130.
func (s Secret) Shown() string {
	const letters = 6
	at := strings.IndexByte(s.Text, '_') + 1
	return s.Text[:min(len(s.Text), at+letters)]
}

// Same reports whether a text is the secret of a digest, in a time that tells
// nothing.
func Same(digest [sha256.Size]byte, text string) bool {
	got := Digest(text)
	return subtle.ConstantTimeCompare(got[:], digest[:]) == 1
}
