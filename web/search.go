package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/indicator"
	"tocsin/store"
)

// searchRows is how many things of one noun a search shows, and maxSearch how long its
// text may be.
const (
	searchRows = 12
	maxSearch  = 200
)

// searchNouns says of each noun that a search finds which permission reads it, how its
// public names begin, and on which page it stands.
var searchNouns = map[string]struct {
	needs        access.Permission
	prefix, page string
}{
	"finding":  {access.ReadFindings, casebook.FindingPrefix, "/assets"},
	"threat":   {access.ReadThreats, casebook.ThreatPrefix, "/threats/{id}"},
	"incident": {access.ReadIncidents, casebook.IncidentPrefix, "/incidents/{id}"},
	"order":    {access.ReadOrders, casebook.OrderPrefix, "/orders/{id}"},
	"report":   {access.ReadReports, casebook.ReportPrefix, "/reports/{id}"},
	"duty":     {access.ReadDuties, casebook.DutyPrefix, "/duties/{id}"},
	"party":    {access.ReadParties, casebook.PartyPrefix, "/parties/{id}"},
}

// hitView is a store.Hit as pages and the API show it.
type hitView struct {
	ID    string    `json:"id"`
	Title string    `json:"title" doc:"The asset, the family, the title, the task number or the name."`
	Why   string    `json:"why" enum:"id,address,prefix,name,below,family,spelling,title,party,task,reference" doc:"Why it was found. below: a name below the one asked for; spelling: a family as others write it; reference: what a recipient calls a report."`
	Of    string    `json:"of" doc:"What it belongs to: the threat of a finding, the class of a threat, the incident of an order, a report or a duty."`
	At    time.Time `json:"at" doc:"Last seen, opened, due or recorded."`
	Page  string    `json:"-"` // "" where it has none
}

// hitsView is what a search found of one noun.
type hitsView struct {
	Noun string    `json:"noun" enum:"finding,threat,incident,order,report,duty,party"`
	List []hitView `json:"items" nullable:"false"`
	More bool      `json:"more" doc:"There are more than these."`
}

// found is what a search found.
type found struct {
	Kind   string     `json:"kind" enum:"search"`
	Text   string     `json:"q"`
	Groups []hitsView `json:"groups" nullable:"false"`
}

// search looks for what a text names, among what the caller sees and may read.
func (s *server) search(ctx context.Context, x *exchange, text string) (found, error) {
	f := found{Kind: "search", Text: strings.TrimSpace(text), Groups: []hitsView{}}
	if len([]rune(f.Text)) > maxSearch {
		return f, fmt.Errorf("a search has at most %d characters: %w", maxSearch, casebook.ErrInvalid)
	}
	// A family stands under the name that sources use most: others lead to it.
	var families *indicator.Families
	others := []string{families.Fold(f.Text)}
	may := func(noun string) bool { return x.caller.principal.May(searchNouns[noun].needs) }
	all, err := s.desk.Reader(x.caller.scope).Search(ctx, f.Text, others, may, searchRows)
	if err != nil {
		return f, err
	}
	for _, hits := range all {
		group := hitsView{Noun: hits.Noun, More: hits.More}
		for _, h := range hits.List {
			group.List = append(group.List, hitView{h.ID.Text(searchNouns[hits.Noun].prefix), h.Title, h.Why, h.Of, h.At, s.pageOfHit(hits.Noun, h)})
		}
		f.Groups = append(f.Groups, group)
	}
	return f, nil
}

// pageOfHit is the address of the page on which a thing stands, "" for one that has
// none.
func (s *server) pageOfHit(noun string, h store.Hit) string {
	one := searchNouns[noun]
	switch {
	case !s.routes.entered["GET "+one.page] && noun == "party":
		return "/parties"
	case !s.routes.entered["GET "+one.page]:
		return ""
	case noun == "finding":
		return assetPage(h.Title)
	}
	return strings.Replace(one.page, "{id}", h.ID.Text(one.prefix), 1)
}

// assetPage is the address of the page of an asset.
func assetPage(asset string) string { return "/assets?of=" + url.QueryEscape(asset) }

type searchInput struct {
	Asked
	Text string `query:"q" maxLength:"200" doc:"An address, a prefix, a domain name, a family, words of a title, a task number, a reference, an identifier, or a party's name."`
}

func (s *server) enterSearch(api huma.API) {
	operation(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/search", OperationID: "search", Tags: []string{"findings"},
		Summary:     "Find what a text names",
		Description: "Addresses (whole, by prefix, or by their first octets), names with those below them, families in any spelling, titles by the beginnings of their words, task numbers and references by their beginning, identifiers, parties. Each is found by who may read it.",
	}, func(ctx context.Context, in *searchInput) (*object[found], error) {
		f, err := s.search(ctx, in.x, in.Text)
		return &object[found]{f}, err
	})
}

// searchView is the page of a search.
type searchView struct {
	found
	Now time.Time
}

// Any reports whether anything was found.
func (f found) Any() bool { return len(f.Groups) > 0 }

func (s *server) searchPage(x *exchange) error {
	f, err := s.search(x.request.Context(), x, x.request.URL.Query().Get("q"))
	if err != nil {
		return err
	}
	return s.render(x, "search", searchView{f, s.desk.Now()}, f)
}
