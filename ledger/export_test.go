package ledger

import "golang.org/x/mod/sumdb/note"

// Note lends the tests the bare key, to sign what a Signer refuses to.
func (s *Signer) Note() note.Signer { return s.note }
