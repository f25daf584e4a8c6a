package ledger

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"tocsin/casebook"
)

// MaxSize is the largest number of leaves a tree may claim. A stranger's
// checkpoint may claim any number, and the arithmetic must stay within 63 bits.
const MaxSize = 1 << 60

// LeafHash gives the hash of an entry's octets as a leaf: SHA-256(0x00 ‖ entry)
// (RFC 6962, section 2.1).
func LeafHash(entry []byte) Hash { return tlog.RecordHash(entry) }

// Append gives the hashes to store when leaf number n, counted from 0, is added
// to the n leaves before it: the leaf first, then each inner node that it
// completes, to be kept at the indexes StoredCount(n), StoredCount(n)+1 and so on.
// It reads at most log₂ n hashes from r, in one call. It gives ErrInvalid for n
// below 0 or from MaxSize on.
func Append(n int64, leaf Hash, r HashReader) ([]Hash, error) {
	if n < 0 || n >= MaxSize {
		return nil, fmt.Errorf("append leaf %d: %w", n, casebook.ErrInvalid)
	}
	hashes, err := tlog.StoredHashesForRecordHash(n, leaf, r)
	if err != nil {
		return nil, fmt.Errorf("append leaf %d: %w", n, err)
	}
	return hashes, nil
}

// StoredCount gives how many hashes are stored for a tree of n leaves, which is
// also the index at which those of leaf n begin; 0 for n below 0. It is less than
// 2n for every n above 0.
func StoredCount(n int64) int64 {
	if n <= 0 {
		return 0
	}
	return tlog.StoredHashCount(n)
}

// Root gives the root of the tree of the first n leaves; that of no leaves is
// SHA-256 of nothing. It reads at most 1 + log₂ n hashes from r, in one call. It
// gives ErrInvalid for n below 0 or above MaxSize.
func Root(n int64, r HashReader) (Hash, error) {
	if n < 0 || n > MaxSize {
		return Hash{}, fmt.Errorf("root of a tree of %d leaves: %w", n, casebook.ErrInvalid)
	}
	root, err := tlog.TreeHash(n, r)
	if err != nil {
		return Hash{}, fmt.Errorf("root of a tree of %d leaves: %w", n, err)
	}
	return root, nil
}

// ProveInclusion gives the audit path of leaf i, counted from 0, in the tree of
// the first n leaves, from the leaf up (RFC 6962, section 2.1.1): at most 60
// hashes, none for a tree of one. It gives ErrInvalid unless 0 ≤ i < n ≤ MaxSize.
func ProveInclusion(n, i int64, r HashReader) ([]Hash, error) {
	if i < 0 || i >= n || n > MaxSize {
		return nil, fmt.Errorf("proof that a tree of %d leaves has leaf %d: %w", n, i, casebook.ErrInvalid)
	}
	proof, err := tlog.ProveRecord(n, i, r)
	if err != nil {
		return nil, fmt.Errorf("proof that a tree of %d leaves has leaf %d: %w", n, i, err)
	}
	return proof, nil
}

// VerifyInclusion checks that the tree of n leaves with this root has this leaf
// hash as number i. It gives ErrInvalid if the proof doesn't show it.
func VerifyInclusion(proof []Hash, n int64, root Hash, i int64, leaf Hash) error {
	if i < 0 || i >= n || n > MaxSize {
		return fmt.Errorf("a tree of %d leaves can't have leaf %d: %w", n, i, casebook.ErrInvalid)
	}
	if err := tlog.CheckRecord(proof, n, root, i, leaf); err != nil {
		return fmt.Errorf("the proof of %d hashes doesn't lead from leaf %d to the root of the tree of %d: %w", len(proof), i, n, casebook.ErrInvalid)
	}
	return nil
}

// ProveConsistency gives the proof that the tree of the first n leaves begins
// with the tree of the first m (RFC 6962, section 2.1.2): at most 61 hashes, none
// when m is 0 or n. It gives ErrInvalid unless 0 ≤ m ≤ n ≤ MaxSize.
func ProveConsistency(n, m int64, r HashReader) ([]Hash, error) {
	if m < 0 || m > n || n > MaxSize {
		return nil, fmt.Errorf("proof that a tree of %d leaves begins with one of %d: %w", n, m, casebook.ErrInvalid)
	}
	if m == 0 {
		return []Hash{}, nil
	}
	proof, err := tlog.ProveTree(n, m, r)
	if err != nil {
		return nil, fmt.Errorf("proof that a tree of %d leaves begins with one of %d: %w", n, m, err)
	}
	return proof, nil
}

// VerifyConsistency checks that the tree of n leaves with this root begins with
// the tree of m leaves whose root is old. It gives ErrInvalid if the proof doesn't
// show it. Every tree begins with the empty one, by an empty proof.
func VerifyConsistency(proof []Hash, n int64, root Hash, m int64, old Hash) error {
	if m < 0 || m > n || n > MaxSize {
		return fmt.Errorf("a tree of %d leaves can't begin with one of %d: %w", n, m, casebook.ErrInvalid)
	}
	if m == 0 {
		return verifyFromEmpty(proof, n, root, old)
	}
	if err := tlog.CheckTree(proof, n, root, m, old); err != nil {
		return fmt.Errorf("the proof of %d hashes doesn't show that the tree of %d leaves begins with that of %d: %w", len(proof), n, m, casebook.ErrInvalid)
	}
	return nil
}

// verifyFromEmpty is the case that RFC 6962 leaves out.
func verifyFromEmpty(proof []Hash, n int64, root, old Hash) error {
	empty := EmptyRoot()
	switch {
	case len(proof) > 0:
		return fmt.Errorf("a proof from the empty tree has %d hashes, not 0: %w", len(proof), casebook.ErrInvalid)
	case old != empty, n == 0 && root != empty:
		return fmt.Errorf("the root of an empty tree is %v and no other: %w", empty, casebook.ErrInvalid)
	}
	return nil
}

// EmptyRoot gives the root of the tree without leaves: SHA-256 of nothing (RFC
// 6962, section 2.1).
func EmptyRoot() Hash {
	root, _ := tlog.TreeHash(0, nil) // of no leaves nothing is read
	return root
}
