package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tocsin/casebook"
)

// maxCheckpoint bounds what OpenCheckpoint looks at, in octets: a checkpoint with
// a hundred cosignatures fits.
const maxCheckpoint = 64 << 10

// Checkpoint says which tree a record had at some moment.
type Checkpoint struct {
	Origin string // the record's name, one line, the same for ever
	Size   int64  // leaves, 0 to MaxSize
	Root   Hash
}

// text writes the body that is signed (C2SP tlog-checkpoint).
func (c Checkpoint) text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + c.Root.String() + "\n"
}

// Sign gives the checkpoint as a signed note: origin, size and root, each on its
// line, an empty line, the signature. An empty Origin stands for the signer's. It
// gives ErrInvalid for another origin than the signer's, and for a size below 0 or
// above MaxSize.
func (s *Signer) Sign(cp Checkpoint) ([]byte, error) {
	if cp.Origin == "" {
		cp.Origin = s.Origin()
	}
	if cp.Origin != s.Origin() {
		return nil, fmt.Errorf("sign checkpoint of %q with the key of %q: %w", cp.Origin, s.Origin(), casebook.ErrInvalid)
	}
	if cp.Size < 0 || cp.Size > MaxSize {
		return nil, fmt.Errorf("sign checkpoint of %d leaves: %w", cp.Size, casebook.ErrInvalid)
	}
	text, err := note.Sign(&note.Note{Text: cp.text()}, s.note)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint of %d leaves: %w", cp.Size, err)
	}
	return text, nil
}

// OpenCheckpoint reads a signed checkpoint and verifies that the key of vkey, a
// line as Signer.Verifier writes it, signed it under its own name. Signatures by
// other keys and extension lines are passed over. It gives ErrInvalid, with a
// sentence that says which, for a malformed key or checkpoint, an unknown key and a
// bad signature.
func OpenCheckpoint(text []byte, vkey string) (Checkpoint, error) {
	bad := func(format string, args ...any) (Checkpoint, error) {
		return Checkpoint{}, fmt.Errorf("checkpoint: "+format+": %w", append(args, casebook.ErrInvalid)...)
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(vkey))
	if err != nil {
		return bad("%.200q is no public key like NAME+HASH+KEY", vkey)
	}
	if len(text) > maxCheckpoint {
		return bad("%d octets, at most %d are read", len(text), maxCheckpoint)
	}
	n, err := note.Open(text, note.VerifierList(verifier))
	var unknown *note.UnverifiedNoteError
	var forged *note.InvalidSignatureError
	switch {
	case errors.As(err, &unknown):
		return bad("signed by %s and not by the key %s+%08x", signers(unknown.Note), verifier.Name(), verifier.KeyHash())
	case errors.As(err, &forged):
		return bad("the signature of %s+%08x doesn't fit the text: one of them was changed", forged.Name, forged.Hash)
	case err != nil:
		return bad("not a signed note: text, empty line, signature lines")
	}
	// The library reads base64 with idle bits at its end, so that one signature
	// had several spellings.
	if _, err := base64.StdEncoding.Strict().DecodeString(n.Sigs[0].Base64); err != nil {
		return bad("the signature of %s isn't in strict base64", n.Sigs[0].Name)
	}
	cp, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	if cp.Origin != verifier.Name() {
		return bad("of %q but signed by %q", cp.Origin, verifier.Name())
	}
	return cp, nil
}

func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 {
		return Checkpoint{}, fmt.Errorf("%d lines, not origin, size and root: %w", len(lines), casebook.ErrInvalid)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || size > MaxSize {
		return Checkpoint{}, fmt.Errorf("line 2: size %.40q is no number from 0 to %d: %w", lines[1], int64(MaxSize), casebook.ErrInvalid)
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("line 3: root %.80q isn't 32 octets in base64: %w", lines[2], casebook.ErrInvalid)
	}
	cp := Checkpoint{lines[0], size, root}
	// One checkpoint has one spelling: no leading zero, no sign, no idle bits.
	if !strings.HasPrefix(text, cp.text()) {
		return Checkpoint{}, fmt.Errorf("lines 1 to 3 aren't in their canonical form: %w", casebook.ErrInvalid)
	}
	for i, line := range lines[3:] {
		if line == "" {
			return Checkpoint{}, fmt.Errorf("line %d is empty: %w", i+4, casebook.ErrInvalid)
		}
	}
	return cp, nil
}

// signers names up to three keys that signed a note.
func signers(n *note.Note) string {
	var names []string
	for i, s := range n.UnverifiedSigs {
		if i == 3 {
			names = append(names, "others")
			break
		}
		names = append(names, fmt.Sprintf("%.80s+%08x", s.Name, s.Hash))
	}
	return strings.Join(names, ", ")
}
