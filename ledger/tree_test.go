package ledger_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"tocsin/casebook"
	"tocsin/ledger"
)

// tree keeps the stored hashes of a record in memory.
type tree struct {
	hashes []ledger.Hash
	leaves []ledger.Hash
}

func (s *tree) ReadHashes(indexes []int64) ([]ledger.Hash, error) {
	var out []ledger.Hash
	for _, i := range indexes {
		if i >= int64(len(s.hashes)) {
			return nil, errors.New("no such hash")
		}
		out = append(out, s.hashes[i])
	}
	return out, nil
}

func (s *tree) size() int64 { return int64(len(s.leaves)) }

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func (s *tree) add(t fataler, leaf ledger.Hash) {
	t.Helper()
	n := s.size()
	if got, want := int64(len(s.hashes)), ledger.StoredCount(n); got != want {
		t.Fatalf("%d hashes are stored for %d leaves, StoredCount says %d", got, n, want)
	}
	hashes, err := ledger.Append(n, leaf, s)
	if err != nil {
		t.Fatalf("append leaf %d: %v", n, err)
	}
	s.hashes = append(s.hashes, hashes...)
	s.leaves = append(s.leaves, leaf)
}

func (s *tree) root(t fataler, n int64) ledger.Hash {
	t.Helper()
	root, err := ledger.Root(n, s)
	if err != nil {
		t.Fatalf("root of %d: %v", n, err)
	}
	return root
}

func treeOf(t fataler, n int) *tree {
	t.Helper()
	s := &tree{}
	for i := range n {
		s.add(t, ledger.LeafHash([]byte{byte(i), byte(i >> 8)}))
	}
	return s
}

func unhex(t *testing.T, s string) (h ledger.Hash) {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(h) {
		t.Fatalf("%q is no hash", s)
	}
	return ledger.Hash(b)
}

// The leaves and hashes by which implementations of Certificate Transparency are
// compared.
var (
	knownLeaves = []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	knownRoots  = []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
	// Leaf 0 of 8; also from the tree of 1 to that of 8.
	knownPath = []string{
		"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
		"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
		"6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
	}
	knownFromSix = []string{
		"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
		"ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	}
)

func TestTreeAgreesWithCertificateTransparency(t *testing.T) {
	s := &tree{}
	for n, want := range knownRoots {
		if got := s.root(t, int64(n)); got != unhex(t, want) {
			t.Errorf("root of %d leaves: got %x, want %s", n, got, want)
		}
		if n < len(knownLeaves) {
			leaf, err := hex.DecodeString(knownLeaves[n])
			if err != nil {
				t.Fatal(err)
			}
			s.add(t, ledger.LeafHash(leaf))
		}
	}
	if got := ledger.EmptyRoot(); got != unhex(t, knownRoots[0]) {
		t.Errorf("root of no leaves: got %x, want %s", got, knownRoots[0])
	}
	inclusion, err := ledger.ProveInclusion(8, 0, s)
	wantProof(t, "leaf 0 of 8", inclusion, err, knownPath)
	consistency, err := ledger.ProveConsistency(8, 1, s)
	wantProof(t, "1 to 8", consistency, err, knownPath)
	consistency, err = ledger.ProveConsistency(8, 6, s)
	wantProof(t, "6 to 8", consistency, err, knownFromSix)
}

func wantProof(t *testing.T, what string, got []ledger.Hash, err error, want []string) {
	t.Helper()
	if err != nil {
		t.Errorf("proof %s: %v", what, err)
	}
	var hashes []ledger.Hash
	for _, w := range want {
		hashes = append(hashes, unhex(t, w))
	}
	if !slices.Equal(got, hashes) {
		t.Errorf("proof %s: got %x, want %x", what, got, hashes)
	}
}

func TestEveryInclusionProofVerifiesAndNoChangedOneDoes(t *testing.T) {
	s := treeOf(t, 200)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 200).Draw(t, "size")
		i := rapid.Int64Range(0, n-1).Draw(t, "leaf")
		root, leaf := s.root(t, n), s.leaves[i]
		proof, err := ledger.ProveInclusion(n, i, s)
		if err != nil {
			t.Fatal(err)
		}
		verify := func(proof []ledger.Hash, root ledger.Hash, i int64, leaf ledger.Hash) error {
			return ledger.VerifyInclusion(proof, n, root, i, leaf)
		}
		if err := verify(proof, root, i, leaf); err != nil {
			t.Fatal(err)
		}
		wantInvalid(t, "another leaf", verify(proof, root, i, changed(t, leaf)))
		wantInvalid(t, "another root", verify(proof, changed(t, root), i, leaf))
		wantInvalid(t, "a hash too many", verify(append(slices.Clone(proof), root), root, i, leaf))
		if n > 1 {
			wantInvalid(t, "another place", verify(proof, root, (i+1+rapid.Int64Range(0, n-2).Draw(t, "place"))%n, leaf))
			wantInvalid(t, "a hash less", verify(proof[:len(proof)-1], root, i, leaf))
			wantInvalid(t, "another hash", verify(changedIn(t, proof), root, i, leaf))
		}
	})
}

func TestEveryConsistencyProofVerifiesAndNoChangedOneDoes(t *testing.T) {
	s := treeOf(t, 200)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 200).Draw(t, "size")
		m := rapid.Int64Range(0, n).Draw(t, "old size")
		root, old := s.root(t, n), s.root(t, m)
		proof, err := ledger.ProveConsistency(n, m, s)
		if err != nil {
			t.Fatal(err)
		}
		if err := ledger.VerifyConsistency(proof, n, root, m, old); err != nil {
			t.Fatal(err)
		}
		wantInvalid(t, "another old root", ledger.VerifyConsistency(proof, n, root, m, changed(t, old)))
		if m > 0 {
			wantInvalid(t, "another root", ledger.VerifyConsistency(proof, n, changed(t, root), m, old))
		}
		wantInvalid(t, "a hash too many", ledger.VerifyConsistency(append(slices.Clone(proof), root), n, root, m, old))
		if len(proof) > 0 {
			wantInvalid(t, "a hash less", ledger.VerifyConsistency(proof[1:], n, root, m, old))
			wantInvalid(t, "another hash", ledger.VerifyConsistency(changedIn(t, proof), n, root, m, old))
		}
	})
}

func TestSizesOutOfReasonAreRefused(t *testing.T) {
	var none tlog.HashReaderFunc = func([]int64) ([]ledger.Hash, error) { return nil, errors.New("read") }
	for _, size := range []int64{-1, ledger.MaxSize + 1, 1<<63 - 1} {
		_, err := ledger.Append(size, ledger.Hash{}, none)
		wantInvalid(t, "append", err)
		_, err = ledger.Root(size, none)
		wantInvalid(t, "root", err)
		_, err = ledger.ProveInclusion(size, 0, none)
		wantInvalid(t, "prove inclusion", err)
		_, err = ledger.ProveConsistency(size, 1, none)
		wantInvalid(t, "prove consistency", err)
		wantInvalid(t, "verify inclusion", ledger.VerifyInclusion(nil, size, ledger.Hash{}, 0, ledger.Hash{}))
		wantInvalid(t, "verify consistency", ledger.VerifyConsistency(nil, size, ledger.Hash{}, 1, ledger.Hash{}))
	}
	_, err := ledger.ProveInclusion(3, 3, none)
	wantInvalid(t, "a leaf not there yet", err)
	if got := ledger.StoredCount(-1); got != 0 {
		t.Errorf("hashes of a tree of -1 leaves: got %d, want 0", got)
	}
}

func TestAReadersFaultIsOurOwn(t *testing.T) {
	gone := errors.New("disk gone")
	var r ledger.HashReaderFunc = func([]int64) ([]ledger.Hash, error) { return nil, gone }
	if _, err := ledger.Root(5, r); !errors.Is(err, gone) || errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("root with a broken reader: got %v, want %v and not ErrInvalid", err, gone)
	}
	if _, err := ledger.ProveInclusion(5, 1, r); !errors.Is(err, gone) {
		t.Errorf("proof with a broken reader: got %v, want %v", err, gone)
	}
}

func wantInvalid(t interface {
	Helper()
	Errorf(string, ...any)
}, what string, err error) {
	t.Helper()
	if !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("%s: got %v, want ErrInvalid", what, err)
	}
}

// changed gives the hash with one bit turned.
func changed(t *rapid.T, h ledger.Hash) ledger.Hash {
	bit := rapid.IntRange(0, 255).Draw(t, "bit")
	h[bit/8] ^= 1 << (bit % 8)
	return h
}

func changedIn(t *rapid.T, proof []ledger.Hash) []ledger.Hash {
	proof = slices.Clone(proof)
	i := rapid.IntRange(0, len(proof)-1).Draw(t, "hash")
	proof[i] = changed(t, proof[i])
	return proof
}

// byHand follows the steps of docs/ledger.md and nothing else.
func byHand(proof []ledger.Hash, n, i int64, leaf ledger.Hash) (root ledger.Hash, whole bool) {
	node := func(left, right ledger.Hash) ledger.Hash {
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
	h, f, s := leaf, i, n-1
	for _, p := range proof {
		if f%2 == 1 || f == s {
			h = node(p, h)
			for f%2 == 0 && f != 0 {
				f, s = f/2, s/2
			}
		} else {
			h = node(h, p)
		}
		f, s = f/2, s/2
	}
	return h, s == 0
}

func TestAStrangerComesToTheSameRoot(t *testing.T) {
	const size = 70
	tree := treeOf(t, size)
	for n := int64(1); n <= size; n++ {
		for i := range n {
			proof, err := ledger.ProveInclusion(n, i, tree)
			if err != nil {
				t.Fatal(err)
			}
			if root, whole := byHand(proof, n, i, tree.leaves[i]); !whole || root != tree.root(t, n) {
				t.Errorf("leaf %d of %d: got %x, want %x", i, n, root, tree.root(t, n))
			}
		}
	}
}
