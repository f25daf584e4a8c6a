package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
	"tocsin/ledger"
)

type inclusionProof struct {
	Kind   string   `json:"kind" enum:"inclusion"`
	Index  int64    `json:"index"`
	Size   int64    `json:"size"`
	Hashes []string `json:"hashes" nullable:"false" doc:"From the leaf up, each in base64 (RFC 6962, section 2.1.1)."`
}

type consistencyProof struct {
	Kind   string   `json:"kind" enum:"consistency"`
	From   int64    `json:"from"`
	To     int64    `json:"to"`
	Hashes []string `json:"hashes" nullable:"false" doc:"Each in base64 (RFC 6962, section 2.1.2)."`
}

type getInclusion struct {
	Asked
	Index int64 `query:"index" required:"true" minimum:"0" doc:"Place of the leaf, as its receipt tells."`
	Size  int64 `query:"size" required:"true" minimum:"1" doc:"Size of the tree, as a checkpoint tells."`
}

type getConsistency struct {
	Asked
	From int64 `query:"from" required:"true" minimum:"0" doc:"Size of the older tree."`
	To   int64 `query:"to" required:"true" minimum:"0" doc:"Size of the newer tree."`
}

func (s *server) enterLedger(api huma.API) {
	tags := []string{"ledger"}
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/ledger/checkpoint", OperationID: "checkpoint", Tags: tags,
		Summary:     "The newest checkpoint, a signed note",
		Description: "Keep it on another machine: tocsin audit --checkpoint FILE shows with it that the record was only added to.",
		Responses:   answers(http.StatusOK, "Signed note (C2SP tlog-checkpoint)", plainText, nil),
	}, s.getCheckpoint)
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/ledger/key", OperationID: "ledger-key", Tags: tags,
		Summary:   "The public key of the checkpoints, a line NAME+HASH+KEY",
		Responses: answers(http.StatusOK, "Verifier key (C2SP signed-note)", plainText, nil),
	}, func(context.Context, *struct{ Asked }) (*raw, error) {
		return &raw{plainText, []byte(s.desk.Verifier() + "\n")}, nil
	})
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/ledger/inclusion", OperationID: "prove-inclusion", Tags: tags,
		Summary: "Prove that a leaf is in a tree",
	}, s.getInclusion)
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/ledger/consistency", OperationID: "prove-consistency", Tags: tags,
		Summary: "Prove that a tree begins with an older one",
	}, s.getConsistency)
}

func (s *server) getCheckpoint(ctx context.Context, in *struct{ Asked }) (*raw, error) {
	note, err := s.desk.Reader(in.x.caller.scope).Checkpoint(ctx)
	if err == nil && note == "" {
		err = fmt.Errorf("there is no checkpoint yet, the first write makes it: %w", casebook.ErrNotFound)
	}
	return &raw{plainText, []byte(note)}, err
}

func (s *server) getInclusion(ctx context.Context, in *getInclusion) (*object[inclusionProof], error) {
	hashes, err := s.desk.Reader(in.x.caller.scope).Inclusion(ctx, in.Index, in.Size)
	return &object[inclusionProof]{inclusionProof{"inclusion", in.Index, in.Size, base64Of(hashes)}}, err
}

func (s *server) getConsistency(ctx context.Context, in *getConsistency) (*object[consistencyProof], error) {
	hashes, err := s.desk.Reader(in.x.caller.scope).Consistency(ctx, in.From, in.To)
	return &object[consistencyProof]{consistencyProof{"consistency", in.From, in.To, base64Of(hashes)}}, err
}

func base64Of(hashes []ledger.Hash) []string {
	all := []string{}
	for _, h := range hashes {
		all = append(all, h.String())
	}
	return all
}

// ours strips an error of the refusal in it: what our own database holds is no
// fault of the request.
func ours(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(err.Error())
}
