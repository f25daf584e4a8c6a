package web

import (
	"context"
	"encoding/hex"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
	"tocsin/ledger"
)

// counts is how much there is of everything, and where the ledger stands.
type counts struct {
	Kind         string `json:"kind" enum:"status"`
	Deliveries   int64  `json:"deliveries"`
	Waiting      int64  `json:"waiting" doc:"Deliveries not yet folded to their end."`
	Observations int64  `json:"observations"`
	Duplicates   int64  `json:"duplicates"`
	Refused      int64  `json:"refused" doc:"Bad rows."`
	Findings     int64  `json:"findings"`
	Threats      int64  `json:"threats"`
	Incidents    int64  `json:"incidents"`
	Duties       duties `json:"duties"`
	Outbox       outbox `json:"outbox"`
	Ledger       head   `json:"ledger"`

	Proposed int64      `json:"proposed" doc:"Incidents that no person has confirmed or dismissed."`
	Ungraded int64      `json:"ungraded" doc:"Growths of threats that aren't graded yet."`
	Speaks   int64      `json:"own_parties" doc:"Parties whose duties are reckoned here; with none, no duty is."`
	Clock    clockState `json:"clock"`
}

type duties struct {
	Unset      int64 `json:"unset"`
	Open       int64 `json:"open"`
	Met        int64 `json:"met"`
	Late       int64 `json:"late"`
	Missed     int64 `json:"missed"`
	Suspended  int64 `json:"suspended"`
	Superseded int64 `json:"superseded"`
	Void       int64 `json:"void"`
}

type outbox struct {
	Waiting int64 `json:"waiting"`
	Dead    int64 `json:"dead" doc:"Lines that nobody could be told, given up."`
}

// head is the end of the ledger.
type head struct {
	Entries    int64  `json:"entries" doc:"Leaves that are numbered; the checkpoint may cover fewer."`
	Head       string `json:"head" doc:"Root of the newest checkpoint, in hexadecimal; empty before the first."`
	Checkpoint string `json:"checkpoint" doc:"The newest signed checkpoint."`
}

func (s *server) enterStatus(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/status", OperationID: "status", Tags: []string{"platform"},
		Summary: "Counts and health",
	}, func(ctx context.Context, in *struct{ Asked }) (*object[counts], error) {
		c, err := s.counts(ctx, in.x.caller.scope)
		return &object[counts]{c}, err
	})
}

// counts reads the status.
func (s *server) counts(ctx context.Context, scope casebook.Scope) (counts, error) {
	c, err := s.desk.Reader(scope).Counts(ctx)
	if err != nil {
		return counts{}, err
	}
	root, err := s.root(c.Checkpoint)
	return counts{
		Kind: "status", Deliveries: c.Deliveries, Waiting: c.Waiting, Observations: c.Observations, Duplicates: c.Duplicates,
		Refused: c.Refused, Findings: c.Findings, Threats: c.Threats, Incidents: c.Incidents, Proposed: c.Proposed, Ungraded: c.Ungraded, Speaks: c.OwnParties,
		Duties: duties{c.Duties[casebook.Unset], c.Duties[casebook.OpenDuty], c.Duties[casebook.Met], c.Duties[casebook.Late], c.Duties[casebook.Missed],
			c.Duties[casebook.Suspended], c.Duties[casebook.Superseded], c.Duties[casebook.VoidDuty]},
		Clock:  viewClock(s.desk.ClockState()),
		Outbox: outbox{c.OutboxWaits, c.OutboxDead},
		Ledger: head{c.Entries, root, c.Checkpoint},
	}, err
}

// root reads a checkpoint's root in hexadecimal; "" before the first.
func (s *server) root(checkpoint string) (string, error) {
	if checkpoint == "" {
		return "", nil
	}
	cp, err := ledger.OpenCheckpoint([]byte(checkpoint), s.desk.Verifier())
	return hex.EncodeToString(cp.Root[:]), ours(err)
}
