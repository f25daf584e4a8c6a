package web

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/ledger"
	"tocsin/store"
)

// entryRows is how many entries the page of the record lists.
const entryRows = 50

// ledgerView is the page of the record: where it stands, what an audit found, and the
// proof for one thing.
type ledgerView struct {
	Form       form
	Search     form
	All        bool // who looks sees every entry
	Entries    []store.Entry
	Next       string
	Size       int64 // of the tree that the checkpoint signs
	Root       string
	Checkpoint string
	Key        string
	Proof      *proofView
	NotFound   string // what was looked for, where there is none
	Audit      *desk.AuditRun
	Uncovered  []uncoveredTable
	Directory  string
}

// proofView is the proof that the record holds a thing as it stands.
type proofView struct {
	Name   string
	Entry  store.Entry
	Digest string
	Size   int64
	Hashes []string // nil while the checkpoint doesn't reach the entry
}

// uncoveredTable is a table that an audit doesn't compare row by row.
type uncoveredTable struct{ Name, Why string }

func (s *server) ledgerPage(x *exchange) error {
	return s.showLedger(x, ledgerView{Form: blankForm(x)})
}

func (s *server) showLedger(x *exchange, v ledgerView) error {
	ctx, r, q := x.request.Context(), s.desk.Reader(x.caller.scope), x.request.URL.Query()
	v.All, v.Search, v.Key, v.Directory = x.caller.scope.All, searched(q), s.desk.Verifier(), "DIR"
	if v.All {
		v.Directory = string(s.desk.Directory())
	}
	var err error
	if v.Checkpoint, err = r.Checkpoint(ctx); err != nil {
		return err
	}
	if v.Checkpoint != "" {
		cp, err := ledger.OpenCheckpoint([]byte(v.Checkpoint), v.Key)
		if err != nil {
			return ours(err)
		}
		v.Size, v.Root = cp.Size, hex.EncodeToString(cp.Root[:])
	}
	if err := s.proveThing(x, r, &v, strings.TrimSpace(q.Get("thing"))); err != nil {
		return err
	}
	before := int64(-1)
	if q.Get("cursor") != "" {
		if before, err = queryNumber(x, "cursor"); err != nil {
			return err
		}
	}
	if v.Entries, err = r.Entries(ctx, before, entryRows); err != nil {
		return err
	}
	if n := len(v.Entries); n == entryRows && v.Entries[n-1].Index > 0 {
		v.Next = nextPage(q, fmt.Sprint(v.Entries[n-1].Index)) + "#entries"
	}
	if run, ok := s.desk.LastAudit(); ok && v.All {
		v.Audit = &run
	}
	for name, why := range store.Uncovered() {
		v.Uncovered = append(v.Uncovered, uncoveredTable{name, why})
	}
	slices.SortFunc(v.Uncovered, func(a, b uncoveredTable) int { return strings.Compare(a.Name, b.Name) })
	if v.Form.Status != 0 {
		s.show(x, v.Form.Status, "ledger", v)
		return nil
	}
	return s.render(x, "ledger", v, head{v.Size, v.Root, v.Checkpoint})
}

// proveThing finds the entry that put the thing of a name, and proves that the tree of
// the checkpoint holds it; "" asks for nothing.
func (s *server) proveThing(x *exchange, r *store.Reader, v *ledgerView, name string) error {
	if name == "" {
		return nil
	}
	e, digest, err := r.EntryOf(x.request.Context(), name)
	switch {
	case errors.Is(err, casebook.ErrInvalid):
		v.Search.wrong("thing", "fault.thing")
		return nil
	case errors.Is(err, casebook.ErrNotFound):
		v.NotFound = name
		return nil
	case err != nil:
		return err
	}
	v.Proof = &proofView{Name: name, Entry: e, Digest: hex.EncodeToString(digest[:]), Size: v.Size}
	if e.Index >= v.Size {
		return nil // the next checkpoint signs it, within a second
	}
	hashes, err := r.Inclusion(x.request.Context(), e.Index, v.Size)
	v.Proof.Hashes = base64Of(hashes)
	return err
}

func (s *server) auditForm(x *exchange) error {
	f, who, err := readAct(x, "audit")
	if err != nil {
		return err
	}
	if err = f.err(); err == nil {
		_, err = s.desk.StartAudit(x.request.Context(), who)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/ledger", func() error { return s.showLedger(x, ledgerView{Form: f}) })
	}
	keepName(x, who)
	return s.done(x, "/ledger#audit", func() (any, error) { return map[string]string{"kind": "started"}, nil })
}
