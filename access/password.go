package access

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"tocsin/casebook"
)

// What a password costs to try: Argon2id with 64 MiB, three passes, four lanes (RFC
// 9106, section 4, the second recommended option), a salt of 16 octets and a tag of
// 32.
const (
	hashMemory = 64 << 10 // KiB
	hashPasses = 3
	hashLanes  = 4
	saltOctets = 16
	tagOctets  = 32
)

// hashKiB is hashMemory, but in tests in which people sign in all the time.
var hashKiB uint32 = hashMemory

// HashCheaply has passwords hashed with a thousandth of the memory, for the tests of
// rooms in which people sign in all the time. It panics in a program that is no test.
func HashCheaply() {
	if !testing.Testing() {
		panic("access: passwords are hashed cheaply in tests alone")
	}
	hashKiB = hashMemory >> 10
}

// The bounds of a password in characters. A password that stands alone has 15 or
// more (NIST SP 800-63B-4, section 3.1.1.2), and no rule on its characters.
const (
	MinPassword = 15
	MaxPassword = 256
)

// hashing bounds how many passwords are hashed at once: each takes 64 MiB.
var hashing = make(chan struct{}, 2)

// CheckPassword wants a password that isn't guessed at once: long enough, of more
// than a few characters, and not made of the name of the account or the program. It
// gives ErrInvalid with what to do.
func CheckPassword(user, password string) error {
	password = norm.NFC.String(password)
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return fmt.Errorf("the password isn't UTF-8: %w", casebook.ErrInvalid)
	case n < MinPassword:
		return fmt.Errorf("the password has %d characters: take %d or more, a few words will do: %w", n, MinPassword, casebook.ErrInvalid)
	case n > MaxPassword:
		return fmt.Errorf("the password has %d characters, and %d are enough: %w", n, MaxPassword, casebook.ErrInvalid)
	}
	different, steps := map[rune]bool{}, 0
	var before rune
	for _, r := range password {
		different[r] = true
		if r == before+1 || r == before || r == before-1 {
			steps++
		}
		before = r
	}
	lower := strings.ToLower(password)
	for _, word := range []string{user, "tocsin", "password", "passwort", "qwerty", "letmein", "administrator"} {
		if len(word) >= 4 {
			lower = strings.ReplaceAll(lower, strings.ToLower(word), "")
		}
	}
	switch {
	case len(different) < 6:
		return fmt.Errorf("the password has %d different characters: take more of them: %w", len(different), casebook.ErrInvalid)
	case steps*2 > n:
		return fmt.Errorf("most of the password is a run like aaaa or 1234: take words instead: %w", casebook.ErrInvalid)
	case utf8.RuneCountInString(lower) < MinPassword/2:
		return fmt.Errorf("the password is made of words that are tried first, as the account's name: take others: %w", casebook.ErrInvalid)
	}
	return nil
}

// HashPassword makes what is kept of a password: a line with algorithm, cost, salt
// and tag, in the form of the Argon2 reference program. It takes a tenth of a second.
func HashPassword(password string) string {
	var salt [saltOctets]byte
	rand.Read(salt[:])
	tag := derive(password, salt[:], hashPasses, hashKiB, hashLanes, tagOctets)
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashKiB, hashPasses, hashLanes, b.EncodeToString(salt[:]), b.EncodeToString(tag))
}

// derive writes a password in one way of the several that Unicode has (RFC 8265,
// section 4.2.2, NFC) and hashes it.
func derive(password string, salt []byte, passes, memory uint32, lanes uint8, octets uint32) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, passes, memory, lanes, octets)
}

// nobody is the hash of a password that nobody has: looking it up takes as long as
// that of an account.
var nobody = sync.OnceValue(func() string { return HashPassword(NewSecret(SessionPrefix).Text) })

// VerifyPassword reports whether a password is the one that was hashed. "" stands for
// an account that isn't there, and takes as long.
func VerifyPassword(hashed, password string) bool {
	known := hashed != ""
	if !known {
		hashed = nobody()
	}
	var version int
	var memory, passes uint32
	var lanes uint8
	parts := strings.Split(hashed, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || len(password) > 4*MaxPassword {
		return false
	}
	if n, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes); err != nil || n != 4 || version != argon2.Version {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	tag, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	// What the database says is bounded too.
	if err != nil || err2 != nil || len(tag) < 16 || len(tag) > 64 || memory > 1<<20 || passes < 1 || passes > 16 || lanes < 1 {
		return false
	}
	got := derive(password, salt, passes, memory, lanes, uint32(len(tag)))
	return subtle.ConstantTimeCompare(got, tag) == 1 && known
}
