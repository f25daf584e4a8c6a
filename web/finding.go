package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/casebook"
	"tocsin/store"
)

// finding is a casebook.Finding as the API shows it. It serves the description:
// the JSON itself is appended by hand, in the same order, because a country has a
// hundred thousand of them. A test compares both.
type finding struct {
	Kind      string    `json:"kind" enum:"finding"`
	ID        string    `json:"id"`
	Threat    string    `json:"threat"`
	AssetKind string    `json:"asset_kind" doc:"As STIX 2.1 names it: ipv4-addr, ipv6-addr, domain-name, url, …"`
	Asset     string    `json:"asset"`
	Port      uint16    `json:"port" doc:"Of a service; 0 where the port is the machine's passing choice."`
	ASN       uint32    `json:"asn" doc:"Of the holding at the newest observation; 0 unknown."`
	Holder    string    `json:"holder"`
	Family    string    `json:"family"`
	Type      string    `json:"type" doc:"RSIT type of the newest observation."`
	Role      string    `json:"role" enum:"other,controller,bot,distributor,attacker,exposed,compromised,victim"`
	Severity  string    `json:"severity" doc:"The worst seen; empty if none was told."`
	State     string    `json:"state" enum:"open,told,claimed_clean,verified,unverified,relapsed,void"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Days      int       `json:"days" doc:"UTC days on which it was seen."`
	Count     int64     `json:"count" doc:"Different observations."`
	Relapses  int       `json:"relapses"`
	Party     string    `json:"party"`
	Region    string    `json:"region"`
	TLP       string    `json:"tlp"`
	Exercise  bool      `json:"exercise"`
}

// findingLine writes itself as a finding.
type findingLine casebook.Finding

// MarshalJSON implements json.Marshaler.
func (f findingLine) MarshalJSON() ([]byte, error) {
	one := casebook.Finding(f)
	return appendFinding(make([]byte, 0, 640), &one), nil
}

// Filtered is the input that narrows findings.
type Filtered struct {
	Since  time.Time `query:"since" doc:"Recorded or changed at this moment or later."`
	State  string    `query:"state" enum:"open,told,claimed_clean,verified,unverified,relapsed,void"`
	Threat string    `query:"threat" doc:"Of this threat."`
	Role   string    `query:"role" enum:"other,controller,bot,distributor,attacker,exposed,compromised,victim"`
	Family string    `query:"family" doc:"In any spelling of case and blanks."`
	Region string    `query:"region" doc:"As the table of holdings has it: XA, CN-11."`
	Party  string    `query:"party" doc:"That holds the asset, by its name."`
	Asset  string    `query:"asset" doc:"An address, a prefix, or a name with all names below it."`
}

func (f Filtered) filter() (store.FindingFilter, error) {
	filter := store.FindingFilter{Since: f.Since, Family: f.Family, Region: f.Region, Party: f.Party, Asset: f.Asset}
	var err error
	if f.Asset != "" {
		if _, err := store.ListedAsset(f.Asset); err != nil {
			return filter, err
		}
	}
	if f.Role != "" {
		role, err := casebook.ParseRole(f.Role)
		if err != nil {
			return filter, err
		}
		filter.Role = &role
	}
	if f.Threat != "" {
		if filter.Threat, err = casebook.ParseID(casebook.ThreatPrefix, f.Threat); err != nil {
			return filter, err
		}
	}
	if f.State != "" {
		state, err := casebook.ParseState(f.State)
		if err != nil {
			return filter, err
		}
		filter.State = &state
	}
	return filter, nil
}

type listFindings struct {
	Asked
	Filtered
	Paged
	Accept string `header:"Accept" doc:"application/x-ndjson asks for the whole list as a stream, one object a line, in the order in which findings were first recorded; cursor and limit say nothing then."`
}

func (s *server) enterFindings(api huma.API) {
	responses := answers(http.StatusOK, "A page, or with Accept: application/x-ndjson the whole list as lines", "application/json", schemaOf[page[finding]](api))
	responses["200"].Content[jsonLines] = &huma.MediaType{Schema: schemaOf[finding](api)}
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/findings", OperationID: "list-findings", Tags: []string{"findings"},
		Summary:     "List findings, newest first, or stream all of them",
		Description: "A stream that fails is cut off: a client that sees the end of the body has seen all lines.",
		Responses:   responses,
	}, s.listFindings)
}

func (s *server) listFindings(ctx context.Context, in *listFindings) (*stream, error) {
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	if strings.Contains(in.Accept, jsonLines) {
		return streaming(in.x, func() error { return s.streamFindings(ctx, in.x, filter) }), nil
	}
	after, err := in.after(casebook.FindingPrefix)
	if err != nil {
		return nil, err
	}
	all, err := s.desk.Reader(in.x.caller.scope).FindingPage(ctx, filter, after, in.Limit+1)
	if err != nil {
		return nil, ours(err)
	}
	answer := pageOf(all, in.Limit, func(f casebook.Finding) findingLine { return findingLine(f) }, func(f casebook.Finding) string { return f.ID.Text(casebook.FindingPrefix) })
	return streaming(in.x, func() error { return in.x.json(http.StatusOK, answer.Body) }), nil
}

// streamFindings writes every finding of a filter, a line each.
func (s *server) streamFindings(ctx context.Context, x *exchange, filter store.FindingFilter) error {
	const enough = 32 << 10
	lines := make([]byte, 0, enough+4<<10)
	x.Header().Set("Content-Type", jsonLines)
	for f, err := range s.desk.Reader(x.caller.scope).Findings(ctx, filter) {
		if err != nil {
			return ours(err)
		}
		lines = append(appendFinding(lines, &f), '\n')
		if len(lines) < enough {
			continue
		}
		if err := x.flush(lines); err != nil {
			return err
		}
		lines = lines[:0]
	}
	return x.flush(lines)
}
