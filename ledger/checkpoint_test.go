package ledger_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/tools/txtar"
	"pgregory.net/rapid"

	"tocsin/casebook"
	"tocsin/ledger"
)

const origin = "tocsin.example/record"

func newSigner(t fataler, origin string) *ledger.Signer {
	t.Helper()
	s, _, err := ledger.NewSigner(origin)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

func sign(t fataler, s *ledger.Signer, cp ledger.Checkpoint) []byte {
	t.Helper()
	text, err := s.Sign(cp)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return text
}

func TestASignedCheckpointOpensUnderItsKey(t *testing.T) {
	s, skey, err := ledger.NewSigner(origin)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ledger.ParseSigner(skey + "\n")
	if err != nil || again.Verifier() != s.Verifier() || again.Origin() != origin {
		t.Fatalf("the key read again: got %v, want that of %s", err, s.Verifier())
	}
	rapid.Check(t, func(t *rapid.T) {
		cp := ledger.Checkpoint{Origin: origin, Size: rapid.Int64Range(0, ledger.MaxSize).Draw(t, "size")}
		cp.Root[7] = rapid.Byte().Draw(t, "root")
		text := sign(t, s, cp)
		if other := sign(t, again, ledger.Checkpoint{Size: cp.Size, Root: cp.Root}); !bytes.Equal(other, text) {
			t.Fatalf("one checkpoint signed twice:\n%s\n%s", text, other)
		}
		got, err := ledger.OpenCheckpoint(text, s.Verifier())
		if err != nil || got != cp {
			t.Fatalf("got %v, %v; want %v", got, err, cp)
		}
		text[rapid.IntRange(0, len(text)-1).Draw(t, "octet")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		_, err = ledger.OpenCheckpoint(text, s.Verifier())
		wantInvalid(t, "a changed octet", err)
	})
}

func TestEverySingleOctetOfACheckpointCounts(t *testing.T) {
	s := newSigner(t, origin)
	text := sign(t, s, ledger.Checkpoint{Size: 12345})
	for i := range text {
		for _, bit := range []byte{1, 2, 4, 8, 16, 32, 64, 128} {
			text[i] ^= bit
			if _, err := ledger.OpenCheckpoint(text, s.Verifier()); !errors.Is(err, casebook.ErrInvalid) {
				t.Errorf("octet %d changed to %q: got %v, want ErrInvalid", i, text[i], err)
			}
			text[i] ^= bit
		}
	}
}

func TestCheckpointIsTheDocumentedText(t *testing.T) {
	a, err := txtar.ParseFile("testdata/checkpoint.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	s, err := ledger.ParseSigner(files["private"])
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Verifier(), strings.TrimSpace(files["public"]); got != want {
		t.Errorf("public key:\n got %s\nwant %s", got, want)
	}
	cp := ledger.Checkpoint{Origin: origin, Size: 8, Root: unhex(t, knownRoots[8])}
	if got, want := string(sign(t, s, cp)), files["checkpoint"]; got != want {
		t.Errorf("checkpoint:\n got %s\nwant %s", got, want)
	}
	doc, err := os.ReadFile("../docs/ledger.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"public", "checkpoint"} {
		if !strings.Contains(string(doc), files[name]) {
			t.Errorf("docs/ledger.md doesn't show this %s:\n%s", name, files[name])
		}
	}
}

func TestCheckpointsThatCantBeTrustedSayWhy(t *testing.T) {
	s, other := newSigner(t, origin), newSigner(t, origin)
	good := string(sign(t, s, ledger.Checkpoint{Size: 3}))
	body, signature, _ := strings.Cut(good, "\n\n")
	raw := func(text string) string { return signText(t, s, text) }
	root := strings.Split(body, "\n")[2]
	for name, c := range map[string]struct{ text, vkey, want string }{
		"an unknown key":          {good, other.Verifier(), "not by the key"},
		"a larger tree":           {strings.Replace(good, "\n3\n", "\n4\n", 1), s.Verifier(), "doesn't fit the text"},
		"no signature":            {body + "\n", s.Verifier(), "not a signed note"},
		"nothing":                 {"", s.Verifier(), "not a signed note"},
		"a signature cut short":   {good[:len(good)-4] + "\n", s.Verifier(), "not a signed note"},
		"no key":                  {good, "", "no public key"},
		"a private key as public": {good, "PRIVATE+KEY+x", "no public key"},
		"an endless text":         {body + "\n" + strings.Repeat("x\n", 1<<16) + "\n" + signature, s.Verifier(), "at most"},
		"two lines":               {raw(origin + "\n3\n"), s.Verifier(), "not origin, size and root"},
		"a size in words":         {raw(origin + "\nthree\n" + root + "\n"), s.Verifier(), "line 2"},
		"a size below zero":       {raw(origin + "\n-1\n" + root + "\n"), s.Verifier(), "line 2"},
		"a size out of reason":    {raw(origin + "\n9223372036854775807\n" + root + "\n"), s.Verifier(), "line 2"},
		"a size with a zero":      {raw(origin + "\n03\n" + root + "\n"), s.Verifier(), "canonical"},
		"a size with a plus":      {raw(origin + "\n+3\n" + root + "\n"), s.Verifier(), "canonical"},
		"a short root":            {raw(origin + "\n3\nAAAA\n"), s.Verifier(), "line 3"},
		"a root with idle bits":   {raw(origin + "\n3\n" + root[:42] + "B=\n"), s.Verifier(), "canonical"},
		"an empty extension":      {raw(origin + "\n3\n" + root + "\n\nmore\n"), s.Verifier(), "line 4 is empty"},
		"another record's name":   {raw("elsewhere.example\n3\n" + root + "\n"), s.Verifier(), `of "elsewhere.example"`},
	} {
		_, err := ledger.OpenCheckpoint([]byte(c.text), c.vkey)
		if !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want ErrInvalid with %q", name, err, c.want)
		}
	}
	cp, err := ledger.OpenCheckpoint([]byte(raw(origin+"\n3\n"+root+"\nan extension\n")), s.Verifier())
	if err != nil || cp.Size != 3 {
		t.Errorf("a checkpoint with an extension: got %v, %v", cp, err)
	}
	cosigned := good + strings.SplitAfter(string(sign(t, newSigner(t, "witness.example"), ledger.Checkpoint{Size: 3})), "\n\n")[1]
	if _, err := ledger.OpenCheckpoint([]byte(cosigned), s.Verifier()); err != nil {
		t.Errorf("a checkpoint that a witness signed as well: %v", err)
	}
}

// signText signs any text with the key of s, as no Signer would.
func signText(t *testing.T, s *ledger.Signer, text string) string {
	t.Helper()
	b, err := note.Sign(&note.Note{Text: text}, s.Note())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSignersRefuse(t *testing.T) {
	for _, name := range []string{"", "two words", "a+b", "line\nbreak", "bell\a", "\xff", strings.Repeat("x", 256)} {
		_, _, err := ledger.NewSigner(name)
		wantInvalid(t, "origin "+name, err)
	}
	s := newSigner(t, origin)
	_, err := s.Sign(ledger.Checkpoint{Origin: "elsewhere.example", Size: 1})
	wantInvalid(t, "another record", err)
	_, err = s.Sign(ledger.Checkpoint{Size: -1})
	wantInvalid(t, "a size below 0", err)
	_, err = s.Sign(ledger.Checkpoint{Size: ledger.MaxSize + 1})
	wantInvalid(t, "a size out of reason", err)
	for _, skey := range []string{"", "PRIVATE+KEY+x", s.Verifier()} {
		_, err := ledger.ParseSigner(skey)
		wantInvalid(t, "private key "+skey, err)
	}
}

func FuzzOpenCheckpoint(f *testing.F) {
	s := newSigner(f, origin)
	good := sign(f, s, ledger.Checkpoint{Size: 3})
	f.Add(good, s.Verifier())
	f.Add([]byte("x\n3\n\n"), "x+00000000+AAAA")
	f.Fuzz(func(t *testing.T, text []byte, vkey string) {
		cp, err := ledger.OpenCheckpoint(text, vkey)
		if err != nil && !errors.Is(err, casebook.ErrInvalid) {
			t.Fatalf("%v isn't ErrInvalid", err)
		}
		if err == nil && (cp.Size < 0 || cp.Size > ledger.MaxSize || cp.Origin == "") {
			t.Fatalf("opened %v", cp)
		}
	})
}
