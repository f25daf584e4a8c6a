// Package ledger is the append-only record of what was done: what a commit
// changed, the entry that says so, the Merkle tree over the entries (RFC 6962),
// the signed checkpoints of that tree (C2SP tlog-checkpoint), and the proofs that
// a stranger can check. It knows no database: hashes come through a HashReader,
// and whoever keeps the rows decides what is covered and compares them with what
// the record says.
//
// docs/ledger.md describes every format to the byte.
package ledger

import "golang.org/x/mod/sumdb/tlog"

// Hash is the SHA-256 of a leaf, an inner node or a root.
type Hash = tlog.Hash

// HashReader reads stored hashes by their index, in the order that Append
// prescribes. It returns one hash for each index, or an error.
type HashReader = tlog.HashReader

// HashReaderFunc makes a HashReader of a function.
type HashReaderFunc = tlog.HashReaderFunc
